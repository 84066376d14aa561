//! Data types of v3 documents: parsed and printed.

use super::super::error::Within as _;
use super::super::json::{Json, Object};
use super::super::limits::MAX_ELEMENT_BYTES;
use super::super::{MetadataError, NamedConfig};
use super::{BytesName, ComplexName, DataType, FloatKind, IntKind, StructType, TimeScale, TimeUnit};

impl DataType {
    /// Parses the `data_type` of a v3 document: a name, or an object with name and configuration.
    ///
    /// A type that is not known becomes [`DataType::Unknown`]: a group that has such an array can still be listed.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for a known type with a wrong configuration, `r12`, or `must_understand: false`.
    pub fn parse_v3(json: &Json) -> Result<Self, MetadataError> {
        let named = NamedConfig::parse(json)?;
        if !named.must_understand() {
            return Err(MetadataError::mismatch(
                "a data type that must be understood",
                "false",
            ))
            .within("must_understand");
        }
        if let Some(plain) = plain(named.name())? {
            named.only_keys(&[])?;
            return Ok(plain);
        }
        Ok(match named.name() {
            "raw_bytes" => Self::RawBytes {
                size_bytes: length_bytes(&named)?,
            },
            "null_terminated_bytes" => Self::NullTerminatedBytes {
                size_bytes: length_bytes(&named)?,
            },
            "fixed_length_utf32" => {
                let length = length_bytes(&named)?;
                if length % 4 != 0 {
                    return Err(MetadataError::mismatch("a multiple of 4", length.to_string()))
                        .within("length_bytes")
                        .within("configuration");
                }
                Self::FixedLengthUtf32 {
                    code_points: length / 4,
                }
            }
            "numpy.datetime64" => Self::DateTime64(time_scale(&named)?),
            "numpy.timedelta64" => Self::TimeDelta64(time_scale(&named)?),
            "struct" => Self::Struct(fields(&named)?),
            "structured" => Self::Struct(fields(&named)?.into_legacy()),
            _ => Self::Unknown(named),
        })
    }

    /// Prints the type as a v3 document has it: a bare name where there is no configuration, as zarr-python and
    /// tensorstore want it. `structured` is written under its new name.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] for types that only v2 has: other objects than text and bytes, and sub-arrays.
    pub fn to_v3_json(&self) -> Result<Json, MetadataError> {
        let named =
            |configuration: Object| NamedConfig::with_configuration(self.name(), configuration).to_json();
        let time = |scale: &TimeScale| {
            named(
                [
                    ("unit", Json::from(scale.unit.code())),
                    ("scale_factor", scale.scale_factor.into()),
                ]
                .into(),
            )
        };
        Ok(match self {
            Self::RawBytes { size_bytes } | Self::NullTerminatedBytes { size_bytes } => {
                named([("length_bytes", *size_bytes)].into())
            }
            Self::FixedLengthUtf32 { code_points } => {
                named([("length_bytes", code_points.saturating_mul(4))].into())
            }
            Self::DateTime64(scale) | Self::TimeDelta64(scale) => time(scale),
            Self::Struct(fields) => {
                let print = |field: &super::Field| {
                    if !field.shape().is_empty() {
                        return Err(MetadataError::unsupported(
                            "a sub-array in a struct of a v3 array",
                        ));
                    }
                    let members = [
                        ("name", Json::from(field.name())),
                        ("data_type", field.data_type().to_v3_json()?),
                    ];
                    Ok(Json::Object(members.into()))
                };
                let fields = fields.fields().iter().map(print).collect::<Result<Vec<_>, _>>()?;
                named([("fields", fields)].into())
            }
            Self::Object(_) => return Err(MetadataError::unsupported("data type \"object\" in a v3 array")),
            Self::Unknown(unknown) if unknown.has_configuration() => unknown.to_json(),
            Self::Bool
            | Self::Int(_)
            | Self::Float(_)
            | Self::Complex { .. }
            | Self::RawBits { .. }
            | Self::String
            | Self::Bytes(_)
            | Self::Unknown(_) => self.name().as_ref().into(),
        })
    }
}

/// A type that its name alone says.
pub(super) fn plain(name: &str) -> Result<Option<DataType>, MetadataError> {
    let int = || {
        IntKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .map(DataType::Int)
    };
    let float = || float_kind(name).map(DataType::Float);
    let complex = || {
        let component = float_kind(name.strip_prefix("complex_")?)?;
        Some(DataType::Complex {
            component,
            name: ComplexName::Component,
        })
    };
    Ok(match name {
        "bool" => Some(DataType::Bool),
        "complex64" => Some(DataType::Complex {
            component: FloatKind::Float32,
            name: ComplexName::TotalBits,
        }),
        "complex128" => Some(DataType::Complex {
            component: FloatKind::Float64,
            name: ComplexName::TotalBits,
        }),
        "string" => Some(DataType::String),
        "bytes" => Some(DataType::Bytes(BytesName::Bytes)),
        "variable_length_bytes" => Some(DataType::Bytes(BytesName::VariableLengthBytes)),
        _ => match name.strip_prefix('r').filter(|bits| is_digits(bits)) {
            Some(bits) => Some(raw_bits(bits)?),
            None => int().or_else(float).or_else(complex),
        },
    })
}

fn float_kind(name: &str) -> Option<FloatKind> {
    FloatKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn raw_bits(bits: &str) -> Result<DataType, MetadataError> {
    let bytes = bits
        .parse::<usize>()
        .ok()
        .filter(|bits| bits % 8 == 0)
        .map(|bits| bits / 8);
    match bytes.filter(|bytes| (1..=MAX_ELEMENT_BYTES).contains(bytes)) {
        Some(size_bytes) => Ok(DataType::RawBits { size_bytes }),
        None => Err(MetadataError::mismatch(
            "a positive multiple of 8 bits",
            format!("r{bits}"),
        )),
    }
}

fn configured<'a>(named: &'a NamedConfig, key: &'static str) -> Result<&'a Json, MetadataError> {
    named.get(key).ok_or_else(|| {
        MetadataError::mismatch(format!("a configuration with {key:?}"), "none").within("configuration")
    })
}

fn length_bytes(named: &NamedConfig) -> Result<usize, MetadataError> {
    named.only_keys(&["length_bytes"])?;
    let json = configured(named, "length_bytes")?;
    let length = json.as_u64().and_then(|length| usize::try_from(length).ok());
    length
        .filter(|length| (1..=MAX_ELEMENT_BYTES).contains(length))
        .ok_or_else(|| {
            let expected = format!("an integer from 1 to {MAX_ELEMENT_BYTES}");
            MetadataError::invalid(expected, json)
                .within("length_bytes")
                .within("configuration")
        })
}

fn time_scale(named: &NamedConfig) -> Result<TimeScale, MetadataError> {
    named.only_keys(&["unit", "scale_factor"])?;
    let json = configured(named, "unit")?;
    let unit = json.as_str().and_then(TimeUnit::from_code).ok_or_else(|| {
        MetadataError::invalid("a NumPy time unit", json)
            .within("unit")
            .within("configuration")
    })?;
    let json = configured(named, "scale_factor")?;
    let factor = json.as_u64().and_then(|factor| u32::try_from(factor).ok());
    let factor = factor.filter(|factor| (1..=i32::MAX.unsigned_abs()).contains(factor));
    let scale_factor = factor.ok_or_else(|| {
        let expected = "an integer from 1 to 2147483647";
        MetadataError::invalid(expected, json)
            .within("scale_factor")
            .within("configuration")
    })?;
    Ok(TimeScale { unit, scale_factor })
}

/// The fields of a struct: objects with name and data_type, or pairs as `structured` writes them.
fn fields(named: &NamedConfig) -> Result<StructType, MetadataError> {
    named.only_keys(&["fields"])?;
    let json = configured(named, "fields")?;
    let parse = || {
        let items = json
            .as_array()
            .ok_or_else(|| MetadataError::invalid("an array of fields", json))?;
        let fields = items
            .iter()
            .enumerate()
            .map(|(index, item)| field(item).within_index(index));
        StructType::new(fields.collect::<Result<Vec<_>, _>>()?)
    };
    parse().within("fields").within("configuration")
}

fn field(json: &Json) -> Result<(String, DataType), MetadataError> {
    let (name, data_type, place) = match json {
        Json::Object(object) if object.len() == 2 => {
            (object.get("name"), object.get("data_type"), "data_type")
        }
        Json::Array(pair) if pair.len() == 2 => (pair.first(), pair.get(1), "1"),
        Json::Object(_) | Json::Array(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            (None, None, "")
        }
    };
    let name = name.and_then(Json::as_str).filter(|name| !name.is_empty());
    match (name, data_type) {
        (Some(name), Some(data_type)) => Ok((name.to_owned(), DataType::parse_v3(data_type).within(place)?)),
        _ => Err(MetadataError::invalid("an object with name and data_type", json)),
    }
}
