//! Elements, and so fill values, as JSON in its strict form.

use super::super::data_type::{Endianness, Field, ObjectType};
use super::super::json::{Json, Object};
use super::scalar::{float_json, int_value, little_endian, time_json, to_base64};
use super::{DataType, FillValue, MetadataError};

/// One element, as it is in memory, as JSON: the form that a v3 `fill_value` has.
///
/// Floats are the shortest numbers that read back as the same bits, `"NaN"`, `"Infinity"`, `"-Infinity"`, or
/// `"0x…"` for another NaN; `r<N>` is a list of bytes; byte strings are base64 (those of `null_terminated_bytes`
/// without the zeros at their end); the smallest time is `"NaT"`; structs are objects. v2 objects are shown as what
/// they hold: an element that begins as a JSON array or object is one, any other is a string, an empty one null.
///
/// # Errors
/// [`MetadataError::Invalid`] if the size is wrong, or text is not valid Unicode; [`MetadataError::Unsupported`] if
/// the data type is not known.
pub fn element_to_json(data_type: &DataType, element: &[u8]) -> Result<Json, MetadataError> {
    if let Some(size) = data_type.size_bytes()
        && size != element.len()
    {
        return Err(MetadataError::mismatch(
            format!("{size} bytes"),
            format!("{} bytes", element.len()),
        ));
    }
    Ok(match data_type {
        DataType::Bool => (element[0] != 0).into(),
        DataType::Int(kind) => {
            let value = int_value(*kind, element);
            // One of the two always fits.
            i64::try_from(value).map_or_else(|_| little_endian(element).into(), Json::from)
        }
        DataType::Float(kind) => float_json(*kind, element),
        DataType::Complex { component, .. } => {
            let (re, im) = element.split_at(component.size_bytes());
            [float_json(*component, re), float_json(*component, im)].into()
        }
        DataType::RawBits { .. } => element.into(),
        DataType::RawBytes { .. } | DataType::Bytes(_) => to_base64(element),
        DataType::NullTerminatedBytes { .. } => {
            let end = element.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
            to_base64(&element[..end])
        }
        DataType::FixedLengthUtf32 { .. } => utf32(element)?.into(),
        DataType::DateTime64(_) | DataType::TimeDelta64(_) => time_json(element),
        DataType::Struct(fields) => {
            let member = |field: &Field| Ok((field.name().to_owned(), field_json(field, element)?));
            Json::Object(
                fields
                    .fields()
                    .iter()
                    .map(member)
                    .collect::<Result<Object, MetadataError>>()?,
            )
        }
        DataType::String => utf8(element)?.into(),
        DataType::Object(ObjectType::Ragged(item)) => {
            let size = item.size_bytes().unwrap_or(1);
            if !element.len().is_multiple_of(size) {
                let expected = format!("a multiple of {size} bytes");
                return Err(MetadataError::mismatch(
                    expected,
                    format!("{} bytes", element.len()),
                ));
            }
            let items = element
                .chunks_exact(size)
                .map(|bytes| element_to_json(item, bytes));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        DataType::Object(ObjectType::Json | ObjectType::Opaque(_)) => match element.first() {
            None => Json::Null,
            Some(b'{' | b'[') => Json::parse(element).or_else(|_| utf8(element).map(Json::from))?,
            Some(_) => utf8(element)?.into(),
        },
        DataType::Unknown(unknown) => {
            return Err(MetadataError::unsupported(format!(
                "data type {:?}",
                unknown.name()
            )));
        }
    })
}

fn field_json(field: &Field, element: &[u8]) -> Result<Json, MetadataError> {
    let bytes = &element[field.offset_bytes()..field.offset_bytes() + field.size_bytes()];
    sub_array_json(field.data_type(), field.shape(), bytes)
}

fn sub_array_json(data_type: &DataType, shape: &[usize], bytes: &[u8]) -> Result<Json, MetadataError> {
    let [length, inner @ ..] = shape else {
        return element_to_json(data_type, bytes);
    };
    // Lengths are at least 1 and divide the size: the struct was checked when it was built.
    let items = bytes
        .chunks_exact(bytes.len() / length)
        .map(|item| sub_array_json(data_type, inner, item));
    Ok(Json::Array(items.collect::<Result<_, _>>()?))
}

fn utf8(bytes: &[u8]) -> Result<&str, MetadataError> {
    std::str::from_utf8(bytes).map_err(|e| MetadataError::mismatch("UTF-8", format!("{e}")))
}

fn utf32(bytes: &[u8]) -> Result<String, MetadataError> {
    let end = bytes
        .chunks_exact(4)
        .rposition(|unit| unit != [0; 4])
        .map_or(0, |last| 4 * (last + 1));
    let decode = |unit: &[u8]| {
        let code = little_endian(unit);
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        c.ok_or_else(|| MetadataError::mismatch("a Unicode scalar value", format!("0x{code:x}")))
    };
    bytes[..end].chunks_exact(4).map(decode).collect()
}

impl FillValue {
    /// The strict form for a v3 document.
    ///
    /// # Errors
    /// As for [`element_to_json`].
    pub fn to_v3_json(&self, data_type: &DataType) -> Result<Json, MetadataError> {
        element_to_json(data_type, self.element())
    }

    /// The form for a v2 document whose scalars are all in the byte order `endianness`.
    ///
    /// # Errors
    /// As for [`element_to_json`]; [`MetadataError::Unsupported`] for a NaN that v2 cannot say.
    pub fn to_v2_json(&self, data_type: &DataType, endianness: Endianness) -> Result<Json, MetadataError> {
        if self.is_undefined() {
            return Ok(Json::Null);
        }
        if let DataType::Struct(_) = data_type {
            let mut element = self.element().to_vec();
            let runs = if endianness == Endianness::Big {
                data_type.scalar_runs()
            } else {
                Vec::new()
            };
            for run in runs {
                let end = run.offset_bytes + run.width_bytes * run.count;
                let scalars = element[run.offset_bytes..end].chunks_exact_mut(run.width_bytes);
                scalars.for_each(<[u8]>::reverse);
            }
            return Ok(to_base64(&element));
        }
        if let DataType::NullTerminatedBytes { .. } | DataType::RawBits { .. } = data_type {
            // As NumPy's scalars are: all bytes, the zeros at the end too.
            return Ok(to_base64(self.element()));
        }
        if matches!(data_type, DataType::Object(_)) && self.is_zero() {
            return Ok(0.into());
        }
        let json = element_to_json(data_type, self.element())?;
        if let DataType::Float(_) | DataType::Complex { .. } = data_type {
            let is_hex = |json: &Json| json.as_str().is_some_and(|text| text.starts_with("0x"));
            if is_hex(&json) || json.as_array().is_some_and(|parts| parts.iter().any(is_hex)) {
                return Err(MetadataError::unsupported(format!(
                    "the fill value {json} in a v2 array"
                )));
            }
        }
        Ok(json)
    }
}
