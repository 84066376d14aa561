//! `fill_value` of both formats, read into an element.

use super::super::data_type::{Endianness, Field, ObjectType, ScalarRun, StructType, V2DataType};
use super::super::error::Within as _;
use super::super::json::{Json, PrintOptions};
use super::scalar::{NAT, byte_list, float_bytes, from_base64, int_bytes, time_bytes};
use super::{DataType, FillValue, MetadataError, iso_time};

impl FillValue {
    /// Parses the `fill_value` of a v3 document.
    ///
    /// Besides the forms of the specification this reads base64 for `r<N>` and structs, bare `NaN` tokens, and 0 and 1 for
    /// booleans.
    /// `endianness` is that of the array's `bytes` codec: only the base64 of a struct depends on it.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] with the pointer from the fill value on; [`MetadataError::Unsupported`] if the data
    /// type is not known.
    pub fn parse_v3(
        data_type: &DataType,
        json: &Json,
        endianness: Endianness,
    ) -> Result<Self, MetadataError> {
        let stored_big = match endianness {
            Endianness::Little => Vec::new(),
            Endianness::Big => data_type.scalar_runs(),
        };
        parse(data_type, json, Version::V3, &stored_big)
    }

    /// Parses the `fill_value` of a v2 document.
    ///
    /// `null` is [undefined](Self::is_undefined) and read as zeros, times as NaT. As old writers had it, `0` stands for an empty or
    /// zero value of any type, a number without fraction may be written `1.0`, a boolean as 0 or 1, a number as a string
    /// of it (`"0"`), a byte string as text that is no base64, a `datetime64` as ISO 8601, and any of them as
    /// the only item of a list.
    ///
    /// # Errors
    /// As for [`parse_v3`](Self::parse_v3).
    pub fn parse_v2(data_type: &V2DataType, json: &Json) -> Result<Self, MetadataError> {
        // netCDF-C 4.8.0 wrote lists of one; where a list is a value of its own, it stays what it is.
        let may_be_list = !data_type.data_type.is_variable();
        match json.as_array() {
            Some([only]) if may_be_list => Self::parse_one_v2(data_type, only).within_index(0),
            Some(_) | None => Self::parse_one_v2(data_type, json),
        }
    }

    fn parse_one_v2(data_type: &V2DataType, json: &Json) -> Result<Self, MetadataError> {
        let V2DataType {
            data_type,
            big_endian_runs,
        } = data_type;
        if json.is_null() {
            let mut fill = Self::zero(data_type);
            // Zero would be a date that looks right; zarr-python has NaT too.
            if let DataType::DateTime64(_) | DataType::TimeDelta64(_) = data_type {
                fill.write(0, &NAT.to_le_bytes());
            }
            fill.undefined = true;
            return Ok(fill);
        }
        let zero = json
            .as_number()
            .is_some_and(|number| !number.text().starts_with('-') && number.as_f64() == 0.0);
        if zero && !matches!(data_type, DataType::Complex { .. }) {
            return Ok(Self::zero(data_type));
        }
        parse(data_type, json, Version::V2, big_endian_runs)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Version {
    V2,
    V3,
}

fn parse(
    data_type: &DataType,
    json: &Json,
    version: Version,
    stored_big: &[ScalarRun],
) -> Result<FillValue, MetadataError> {
    if let Some(size) = data_type.size_bytes() {
        let mut fill = FillValue::with_size(size);
        fixed(data_type, json, version, stored_big, 0, &mut fill)?;
        return Ok(fill);
    }
    let bytes = variable(data_type, json)?;
    let mut fill = FillValue::with_size(bytes.len());
    fill.write(0, &bytes);
    Ok(fill)
}

/// Writes an element of fixed size at `offset`.
fn fixed(
    data_type: &DataType,
    json: &Json,
    version: Version,
    stored_big: &[ScalarRun],
    offset: usize,
    fill: &mut FillValue,
) -> Result<(), MetadataError> {
    let bytes = match data_type {
        DataType::Bool => vec![u8::from(boolean(json)?)],
        DataType::Int(kind) => match version {
            Version::V3 => int_bytes(*kind, json)?,
            Version::V2 => int_bytes(*kind, &without_zero_fraction(&json.outside_a_string()))?,
        },
        DataType::Float(kind) => match version {
            Version::V3 => float_bytes(*kind, json)?,
            Version::V2 => float_bytes(*kind, &json.outside_a_string())?,
        },
        DataType::Complex { component, .. } => match json.as_array() {
            Some([re, im]) => {
                let mut bytes = float_bytes(*component, re).within_index(0)?;
                bytes.extend(float_bytes(*component, im).within_index(1)?);
                bytes
            }
            Some(_) | None => {
                return Err(MetadataError::invalid(
                    "an array of real and imaginary part",
                    json,
                ));
            }
        },
        DataType::RawBits { size_bytes } => {
            let bytes = raw(json)?;
            exactly(*size_bytes, bytes)?
        }
        DataType::RawBytes { size_bytes } => exactly(*size_bytes, base64(json)?)?,
        DataType::NullTerminatedBytes { size_bytes } => {
            let bytes = match (base64(json), json.as_str()) {
                // Writers in C leave the text itself, and zarr-python 2 took what is no base64 for that.
                (Err(_), Some(text)) if version == Version::V2 => text.as_bytes().to_vec(),
                (decoded, _) => decoded?,
            };
            if bytes.len() > *size_bytes {
                return exactly(*size_bytes, bytes).map(drop);
            }
            bytes
        }
        DataType::FixedLengthUtf32 { code_points } => {
            let text = json
                .as_str()
                .ok_or_else(|| MetadataError::invalid("a string", json))?;
            if text.chars().count() > *code_points {
                let expected = format!("a string of at most {code_points} code points");
                return Err(MetadataError::invalid(expected, json));
            }
            text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()
        }
        DataType::DateTime64(scale) if version == Version::V2 => {
            // zarr-python 3.0.8 wrote them as text.
            match json.as_str().and_then(|text| iso_time::ticks(text, *scale)) {
                Some(ticks) => ticks.to_le_bytes().to_vec(),
                None => time_bytes(json)?,
            }
        }
        DataType::DateTime64(_) | DataType::TimeDelta64(_) => time_bytes(json)?,
        DataType::Struct(fields) => return structure(fields, json, version, stored_big, offset, fill),
        DataType::String | DataType::Bytes(_) | DataType::Object(_) | DataType::Unknown(_) => {
            return Err(unsupported(data_type));
        }
    };
    fill.write(offset, &bytes);
    Ok(())
}

fn unsupported(data_type: &DataType) -> MetadataError {
    MetadataError::unsupported(format!("data type {:?}", data_type.name()))
}

/// An element of variable length.
fn variable(data_type: &DataType, json: &Json) -> Result<Vec<u8>, MetadataError> {
    let text = json.as_str().map(|text| text.as_bytes().to_vec());
    if let DataType::Bytes(_) = data_type {
        raw(json)
    } else if let DataType::String = data_type {
        text.ok_or_else(|| MetadataError::invalid("a string", json))
    } else if let DataType::Object(ObjectType::Ragged(_)) = data_type {
        // An absent element is an empty array, and no writer makes another.
        text.filter(Vec::is_empty)
            .ok_or_else(|| MetadataError::invalid("null or 0", json))
    } else if let DataType::Object(ObjectType::Json | ObjectType::Opaque(_)) = data_type {
        Ok(text.unwrap_or_else(|| json.print(PrintOptions::compact().sort_keys()).into_bytes()))
    } else {
        Err(unsupported(data_type))
    }
}

/// Also 0 and 1: v2 writers leave them, and in v3 the first ones did (zarrita).
fn boolean(json: &Json) -> Result<bool, MetadataError> {
    match (json.as_bool(), json.as_u64()) {
        (Some(value), _) => Ok(value),
        (None, Some(bit @ (0 | 1))) => Ok(bit == 1),
        (None, _) => Err(MetadataError::invalid("true or false", json)),
    }
}

/// `1.0` as `1`, which v2 writers in other languages leave in documents of integer arrays.
fn without_zero_fraction(json: &Json) -> Json {
    let integer = json.as_number().and_then(|number| {
        let text = number.text();
        let (integer, fraction) = text.split_once('.')?;
        let zeros = fraction.bytes().all(|b| b == b'0');
        zeros.then(|| Json::parse(integer.as_bytes()).ok())?
    });
    integer.unwrap_or_else(|| json.clone())
}

/// Base64 or a list of bytes.
fn raw(json: &Json) -> Result<Vec<u8>, MetadataError> {
    match (json.as_array(), json.as_str()) {
        (Some(items), _) => byte_list(items),
        (_, Some(text)) => from_base64(text),
        (None, None) => Err(MetadataError::invalid("an array of bytes, or base64", json)),
    }
}

fn base64(json: &Json) -> Result<Vec<u8>, MetadataError> {
    from_base64(
        json.as_str()
            .ok_or_else(|| MetadataError::invalid("a string of base64", json))?,
    )
}

fn exactly(size: usize, bytes: Vec<u8>) -> Result<Vec<u8>, MetadataError> {
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(MetadataError::mismatch(
            format!("{size} bytes"),
            format!("{} bytes", bytes.len()),
        ))
    }
}

/// An object with a value for each field, or base64 of the element in the byte order in which it is stored.
fn structure(
    structure: &StructType,
    json: &Json,
    version: Version,
    stored_big: &[ScalarRun],
    offset: usize,
    fill: &mut FillValue,
) -> Result<(), MetadataError> {
    if let Some(text) = json.as_str() {
        let mut bytes = exactly(structure.size_bytes(), from_base64(text)?)?;
        // The runs are those of the whole element; a struct inside another is only written as an object.
        for run in stored_big {
            let end = run.offset_bytes + run.width_bytes * run.count;
            if let Some(scalars) = bytes.get_mut(run.offset_bytes..end) {
                scalars
                    .chunks_exact_mut(run.width_bytes)
                    .for_each(<[u8]>::reverse);
            }
        }
        fill.write(offset, &bytes);
        return Ok(());
    }
    let expected = "an object with a value for each field, or base64";
    let object = json
        .as_object()
        .ok_or_else(|| MetadataError::invalid(expected, json))?;
    if let Some((name, value)) = object.iter().find(|(name, _)| structure.field(name).is_none()) {
        return Err(MetadataError::invalid("only the fields of the data type", value).within(name));
    }
    for field in structure.fields() {
        let missing = || MetadataError::mismatch(format!("a value for the field {:?}", field.name()), "none");
        let value = object.get(field.name()).ok_or_else(missing)?;
        field_value(field, value, version, offset, fill).within(field.name())?;
    }
    Ok(())
}

fn field_value(
    field: &Field,
    json: &Json,
    version: Version,
    offset: usize,
    fill: &mut FillValue,
) -> Result<(), MetadataError> {
    if !field.shape().is_empty() {
        return Err(MetadataError::unsupported(
            "a fill value for a field with a sub-array, other than base64",
        ));
    }
    fixed(
        field.data_type(),
        json,
        version,
        &[],
        offset + field.offset_bytes(),
        fill,
    )
}
