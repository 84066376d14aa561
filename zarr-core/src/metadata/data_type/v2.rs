//! Data types of v2 documents: NumPy type strings and lists of fields.

use super::super::MetadataError;
use super::super::error::Within as _;
use super::super::json::Json;
use super::super::limits::MAX_ELEMENT_BYTES;
use super::layout::push_run;
use super::numpy;
use super::{
    ComplexName, DataType, Endianness, FloatKind, IntKind, ObjectType, ScalarRun, StructType, TimeScale,
    TimeUnit,
};

/// The `dtype` of a v2 array: the data type, and which of its scalars are stored big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V2DataType {
    /// The data type. `|O` is [`ObjectType::Opaque`] without a name until the array's filters say what it is.
    pub data_type: DataType,
    /// The scalars that are stored big-endian, in order. Each field of a struct has its own byte order.
    pub big_endian_runs: Vec<ScalarRun>,
}

impl V2DataType {
    /// Parses a `dtype`: a NumPy type string (`"<f4"`), or a list of fields (`[["a", "<i4"], ["b", "|S3", [2]]]`).
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for what NumPy would not write, also for a byte order that is missing where it
    /// matters; [`MetadataError::Unsupported`] for `f16` and other types without a portable meaning.
    pub fn parse(json: &Json) -> Result<Self, MetadataError> {
        match json {
            Json::String(text) => type_string(text),
            Json::Array(items) => fields(items),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => Err(MetadataError::invalid(
                "a NumPy type string or a list of fields",
                json,
            )),
        }
    }

    /// Parses what `numpy.dtype(text)` takes for a number, as the filters of numcodecs keep what their user wrote: besides
    /// type strings names (`"float32"`), codes (`"f4"`, `"d"`) and the byte order of the machine (`"=i2"`), which is taken to
    /// be little-endian.
    ///
    /// # Errors
    /// As [`V2DataType::parse`].
    pub(crate) fn from_numpy(json: &Json) -> Result<Self, MetadataError> {
        match json.as_str().and_then(numpy::type_string) {
            Some(text) => type_string(&text),
            None => Self::parse(json),
        }
    }

    /// The one byte order of all scalars; `None` if none has one, or if they differ.
    #[must_use]
    pub fn endianness(&self) -> Option<Endianness> {
        let all = self.data_type.scalar_runs();
        if all.is_empty() {
            None
        } else if self.big_endian_runs.is_empty() {
            Some(Endianness::Little)
        } else {
            (self.big_endian_runs == all).then_some(Endianness::Big)
        }
    }

    fn new(data_type: DataType, endianness: Endianness) -> Self {
        let big_endian_runs = match endianness {
            Endianness::Little => Vec::new(),
            Endianness::Big => data_type.scalar_runs(),
        };
        Self {
            data_type,
            big_endian_runs,
        }
    }
}

fn type_string(text: &str) -> Result<V2DataType, MetadataError> {
    let wrong = |expected: &'static str| MetadataError::mismatch(expected, format!("{text:?}"));
    if let Some(data_type) = beyond_numpy(text) {
        return Ok(V2DataType::new(data_type, Endianness::Little));
    }
    let mut chars = text.chars();
    let order = match chars.next() {
        Some('<') => Some(Endianness::Little),
        Some('>') => Some(Endianness::Big),
        Some('|') => None,
        Some(_) | None => return Err(wrong("a type string that begins with <, > or |")),
    };
    let kind = chars.next().ok_or_else(|| wrong("a NumPy type string"))?;
    let rest = chars.as_str();
    if kind == 'O' && matches!(rest, "" | "8" | "4") {
        return Ok(V2DataType::new(
            DataType::Object(ObjectType::Opaque(String::new())),
            Endianness::Little,
        ));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (size, suffix) = rest.split_at(digits);
    if matches!(kind, 'M' | 'm') {
        let scale = time_scale(suffix).ok_or_else(|| wrong("a time unit, as in \"<M8[ns]\""))?;
        let order = order
            .filter(|_| size == "8")
            .ok_or_else(|| wrong("a byte order and 8 bytes"))?;
        let data_type = if kind == 'M' {
            DataType::DateTime64(scale)
        } else {
            DataType::TimeDelta64(scale)
        };
        return Ok(V2DataType::new(data_type, order));
    }
    let size = size.parse::<usize>().ok().filter(|_| suffix.is_empty());
    let size = size.filter(|size| (1..=MAX_ELEMENT_BYTES / 4).contains(size));
    let size = size.ok_or_else(|| wrong("a kind, and a size of at least 1"))?;
    let data_type = match (kind, size) {
        ('b', 1) => DataType::Bool,
        ('i', 1) => DataType::Int(IntKind::Int8),
        ('i', 2) => DataType::Int(IntKind::Int16),
        ('i', 4) => DataType::Int(IntKind::Int32),
        ('i', 8) => DataType::Int(IntKind::Int64),
        ('u', 1) => DataType::Int(IntKind::UInt8),
        ('u', 2) => DataType::Int(IntKind::UInt16),
        ('u', 4) => DataType::Int(IntKind::UInt32),
        ('u', 8) => DataType::Int(IntKind::UInt64),
        ('f', 2) => DataType::Float(FloatKind::Float16),
        ('f', 4) => DataType::Float(FloatKind::Float32),
        ('f', 8) => DataType::Float(FloatKind::Float64),
        ('c', 8) => DataType::Complex {
            component: FloatKind::Float32,
            name: ComplexName::TotalBits,
        },
        ('c', 16) => DataType::Complex {
            component: FloatKind::Float64,
            name: ComplexName::TotalBits,
        },
        ('S', size_bytes) => DataType::NullTerminatedBytes { size_bytes },
        ('U', code_points) => DataType::FixedLengthUtf32 { code_points },
        ('V', size_bytes) => DataType::RawBytes { size_bytes },
        // The long double of C: another format on each machine.
        ('f', 12 | 16) | ('c', 24 | 32) => {
            return Err(MetadataError::unsupported(format!("data type {text:?}")));
        }
        _ => return Err(wrong("a NumPy type string")),
    };
    match order {
        Some(order) => Ok(V2DataType::new(data_type, order)),
        None if !data_type.needs_endian() => Ok(V2DataType::new(data_type, Endianness::Little)),
        None => Err(wrong("a byte order, < or >")),
    }
}

/// What tensorstore writes for the types that NumPy has no type string for: `bfloat16`, `float8_e5m2`, `int4`, …, always
/// little-endian. They are read and not written, for no other reader knows them.
fn beyond_numpy(text: &str) -> Option<DataType> {
    let data_type = super::v3::plain(text).ok()??;
    let is_beyond = if let DataType::Int(kind) = data_type {
        kind.bits() < 8
    } else if let DataType::Float(kind) = data_type {
        !matches!(kind, FloatKind::Float16 | FloatKind::Float32 | FloatKind::Float64)
    } else {
        false
    };
    is_beyond.then_some(data_type)
}

/// `[ns]`, `[25us]`; nothing at all is how NumPy writes a time without a unit.
fn time_scale(suffix: &str) -> Option<TimeScale> {
    if suffix.is_empty() {
        return Some(TimeScale {
            unit: TimeUnit::Generic,
            scale_factor: 1,
        });
    }
    let inner = suffix.strip_prefix('[')?.strip_suffix(']')?;
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let (factor, unit) = inner.split_at(digits);
    let scale_factor = if factor.is_empty() {
        1
    } else {
        factor.parse().ok()?
    };
    let scale_factor = Some(scale_factor).filter(|factor| (1..=i32::MAX.unsigned_abs()).contains(factor))?;
    Some(TimeScale {
        unit: TimeUnit::from_code(unit)?,
        scale_factor,
    })
}

fn fields(items: &[Json]) -> Result<V2DataType, MetadataError> {
    let mut members = Vec::with_capacity(items.len().min(64));
    let mut big_endian = Vec::with_capacity(items.len().min(64));
    for (index, item) in items.iter().enumerate() {
        let (name, parsed, shape) = field(item).within_index(index)?;
        // What fills the gaps of an aligned struct has no name in its description; NumPy gives it this one.
        let name = if name.is_empty() {
            format!("f{index}")
        } else {
            name
        };
        members.push((name, parsed.data_type, shape));
        big_endian.push(parsed.big_endian_runs);
    }
    let structure = StructType::with_sub_arrays(members)?;
    let mut runs = Vec::new();
    for (field, inner) in structure.fields().iter().zip(big_endian) {
        let item_bytes = field.size_bytes() / field.item_count();
        match inner.as_slice() {
            // The usual case, however long the sub-array is: the items lie side by side.
            [run] if run.offset_bytes == 0 && run.width_bytes * run.count == item_bytes => {
                let count = run.count * field.item_count();
                push_run(
                    ScalarRun {
                        offset_bytes: field.offset_bytes(),
                        count,
                        ..*run
                    },
                    &mut runs,
                );
            }
            // Only structs come here, and the number of their scalars is bounded.
            inner => {
                for (item, run) in
                    (0..field.item_count()).flat_map(|item| inner.iter().map(move |run| (item, run)))
                {
                    let offset_bytes = field.offset_bytes() + item * item_bytes + run.offset_bytes;
                    push_run(ScalarRun { offset_bytes, ..*run }, &mut runs);
                }
            }
        }
    }
    Ok(V2DataType {
        data_type: DataType::Struct(structure),
        big_endian_runs: runs,
    })
}

/// `[name, type]` or `[name, type, shape]`; NumPy also writes the shape of one dimension as a bare number.
fn field(json: &Json) -> Result<(String, V2DataType, Vec<usize>), MetadataError> {
    let expected = "[name, type] or [name, type, shape]";
    let (name, data_type, shape) = match json.as_array() {
        Some([name, data_type]) => (name, data_type, None),
        Some([name, data_type, shape]) => (name, data_type, Some(shape)),
        Some(_) | None => return Err(MetadataError::invalid(expected, json)),
    };
    let name = name
        .as_str()
        .ok_or_else(|| MetadataError::invalid("a field name", name).within_index(0))?;
    let data_type = V2DataType::parse(data_type).within_index(1)?;
    let length = |json: &Json| {
        let length = json.as_u64().and_then(|length| usize::try_from(length).ok());
        length.ok_or_else(|| MetadataError::invalid("a length", json))
    };
    let shape = match shape {
        None => Vec::new(),
        Some(Json::Array(lengths)) => lengths
            .iter()
            .map(length)
            .collect::<Result<_, _>>()
            .within_index(2)?,
        Some(one) => vec![length(one).within_index(2)?],
    };
    Ok((name.to_owned(), data_type, shape))
}

impl DataType {
    /// Prints the type as the `dtype` of a v2 document, all scalars in the byte order `endianness`.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] for types that v2 cannot say: `bfloat16`, `int4`, …
    pub fn to_v2_json(&self, endianness: Endianness) -> Result<Json, MetadataError> {
        let order = match endianness {
            _ if !self.needs_endian() => '|',
            Endianness::Little => '<',
            Endianness::Big => '>',
        };
        let time = |kind: char, scale: &TimeScale| match scale.scale_factor {
            1 if scale.unit == TimeUnit::Generic => format!("{order}{kind}8"),
            1 => format!("{order}{kind}8[{}]", scale.unit.code()),
            factor => format!("{order}{kind}8[{factor}{}]", scale.unit.code()),
        };
        let sub_byte = |bits: u32| bits < 8;
        let text = match self {
            Self::Bool => "|b1".to_owned(),
            Self::Int(kind) if !sub_byte(kind.bits()) => {
                format!(
                    "{order}{}{}",
                    if kind.is_signed() { 'i' } else { 'u' },
                    kind.size_bytes()
                )
            }
            Self::Float(kind @ (FloatKind::Float16 | FloatKind::Float32 | FloatKind::Float64)) => {
                format!("{order}f{}", kind.size_bytes())
            }
            Self::Complex {
                component: kind @ (FloatKind::Float32 | FloatKind::Float64),
                ..
            } => {
                format!("{order}c{}", 2 * kind.size_bytes())
            }
            Self::RawBits { size_bytes } | Self::RawBytes { size_bytes } => format!("|V{size_bytes}"),
            Self::NullTerminatedBytes { size_bytes } => format!("|S{size_bytes}"),
            Self::FixedLengthUtf32 { code_points } => format!("{order}U{code_points}"),
            Self::DateTime64(scale) => time('M', scale),
            Self::TimeDelta64(scale) => time('m', scale),
            Self::String | Self::Bytes(_) | Self::Object(_) => "|O".to_owned(),
            Self::Struct(fields) => {
                let print = |field: &super::Field| {
                    let mut items = vec![field.name().into(), field.data_type().to_v2_json(endianness)?];
                    if !field.shape().is_empty() {
                        items.push(field.shape().into());
                    }
                    Ok(Json::Array(items))
                };
                return fields
                    .fields()
                    .iter()
                    .map(print)
                    .collect::<Result<Vec<_>, _>>()
                    .map(Json::Array);
            }
            Self::Int(_) | Self::Float(_) | Self::Complex { .. } | Self::Unknown(_) => {
                return Err(MetadataError::unsupported(format!(
                    "data type {:?} in a v2 array",
                    self.name()
                )));
            }
        };
        Ok(text.into())
    }
}
