//! An element of an array as text: dates as dates, complex numbers as Python writes them, bytes with `\xNN` for what is no
//! printable ASCII.

use std::fmt::Write as _;

use zarr_core::metadata::data_type::{Field, TimeScale};
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::metadata::{DataType, Json, MetadataError, element_to_json};

use super::time64;
use crate::escape;

/// The element itself, without quotes: for tables that quote by rules of their own.
///
/// # Errors
/// If the bytes are no element of the type.
pub(crate) fn text(data_type: &DataType, element: &[u8]) -> Result<String, MetadataError> {
    let words = words(data_type, element)?;
    Ok(match words.as_str() {
        Some(text) => text.to_owned(),
        None => words.print(PrintOptions::compact()),
    })
}

/// The element for people, among others on a line: text that has spaces or quotes, is empty, or would move the cursor
/// stands in quotes. Only within quotes is a backslash an escape, so that no two values look the same.
///
/// # Errors
/// If the bytes are no element of the type.
pub(crate) fn shown(data_type: &DataType, element: &[u8]) -> Result<String, MetadataError> {
    let words = words(data_type, element)?;
    let Some(text) = words.as_str() else {
        return Ok(escape::json(words.print(PrintOptions::compact())));
    };
    let needs_quotes = text.is_empty() || text.contains([' ', '"']) || escape::is_needed(text);
    Ok(if !needs_quotes {
        text.to_owned()
    } else if is_bytes(data_type) {
        // Their backslashes are doubled already.
        format!("\"{}\"", text.replace('"', "\\\""))
    } else {
        format!(
            "\"{}\"",
            escape::text(&text.replace('\\', "\\\\").replace('"', "\\\""))
        )
    })
}

/// Whether elements are numbers or times, of which some are words in JSON: `NaN`, `NaT`.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Bool
            | DataType::Int(_)
            | DataType::Float(_)
            | DataType::Complex { .. }
            | DataType::DateTime64(_)
            | DataType::TimeDelta64(_)
    )
}

/// Whether elements are bytes without a meaning.
pub(crate) fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::RawBits { .. }
            | DataType::RawBytes { .. }
            | DataType::NullTerminatedBytes { .. }
            | DataType::Bytes(_)
    )
}

/// A complex number as Python writes it.
pub(crate) fn complex(re: &Json, im: &Json) -> String {
    let (re, im) = (number(re), number(im));
    let sign = if im.starts_with('-') { "" } else { "+" };
    format!("{re}{sign}{im}j")
}

/// A number or what stands for one, without quotes.
pub(crate) fn number(value: &Json) -> String {
    match value.as_str() {
        Some(word) => word.to_owned(),
        // What JSON has no number for stands in quotes.
        None => value.print(PrintOptions::compact()).trim_matches('"').to_owned(),
    }
}

/// A number as people write it: whole numbers without a fraction.
pub(crate) fn plain(number: f64) -> String {
    let text = self::number(&number.into());
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), str::to_owned)
}

/// What a tick of a time scale is: `ns`, `× 10 us`.
pub(crate) fn tick(scale: TimeScale) -> String {
    match scale.scale_factor {
        1 => scale.unit.code().to_owned(),
        factor => format!("× {factor} {}", scale.unit.code()),
    }
}

/// The element's JSON, with words where they say more than numbers and base64.
fn words(data_type: &DataType, element: &[u8]) -> Result<Json, MetadataError> {
    let value = element_to_json(data_type, element)?;
    Ok(match (data_type, value) {
        (DataType::DateTime64(scale), value) => <[u8; 8]>::try_from(element)
            .ok()
            .and_then(|bytes| time64::date(i64::from_le_bytes(bytes), *scale))
            .map_or(value, Json::from),
        (DataType::Complex { .. }, Json::Array(parts)) if parts.len() == 2 => {
            complex(&parts[0], &parts[1]).into()
        }
        (DataType::NullTerminatedBytes { .. }, _) => {
            let end = element.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
            bytes(&element[..end]).into()
        }
        (bytes_type, _) if is_bytes(bytes_type) => bytes(element).into(),
        (DataType::Struct(fields), _) => Json::Object(
            fields
                .fields()
                .iter()
                .map(|field| Ok((field.name().to_owned(), field_words(field, element)?)))
                .collect::<Result<Object, MetadataError>>()?,
        ),
        (_, value) => value,
    })
}

fn field_words(field: &Field, element: &[u8]) -> Result<Json, MetadataError> {
    let bytes = &element[field.offset_bytes()..field.offset_bytes() + field.size_bytes()];
    sub_array_words(field.data_type(), field.shape(), bytes)
}

fn sub_array_words(data_type: &DataType, shape: &[usize], bytes: &[u8]) -> Result<Json, MetadataError> {
    let [length, inner @ ..] = shape else {
        return words(data_type, bytes);
    };
    let items = bytes
        .chunks_exact((bytes.len() / length.max(&1)).max(1))
        .map(|item| sub_array_words(data_type, inner, item));
    Ok(Json::Array(items.collect::<Result<_, _>>()?))
}

/// Bytes as text: printable ASCII as it is, a backslash twice, everything else as `\xNN`.
fn bytes(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len()), |mut text, byte| {
            match byte {
                b'\\' => text.push_str("\\\\"),
                b' '..=b'~' => text.push(char::from(*byte)),
                _ => {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            }
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zarr_core::metadata::data_type::{ComplexName, FloatKind, IntKind, StructType, TimeUnit};

    const COMPLEX: DataType = DataType::Complex {
        component: FloatKind::Float32,
        name: ComplexName::TotalBits,
    };

    #[test]
    fn complex_numbers_as_python_writes_them() {
        let element = [1.5_f32, f32::NEG_INFINITY].map(f32::to_le_bytes).concat();
        assert_eq!(text(&COMPLEX, &element).unwrap(), "1.5-Infinityj");
        let element = [-0.0_f32, 2.0].map(f32::to_le_bytes).concat();
        assert_eq!(shown(&COMPLEX, &element).unwrap(), "-0.0+2.0j");
    }

    /// No two values look the same, and nothing reaches the terminal that moves its cursor.
    #[test]
    fn text_is_told_apart() {
        for (value, expected) in [
            ("a", "a"),
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a,b", "a,b"),
            ("a\nb", r#""a\nb""#),
            ("a\\nb", r"a\nb"),
            ("a \\nb", r#""a \\nb""#),
            ("a \nb", r#""a \nb""#),
            ("a\"b", r#""a\"b""#),
            ("\u{1b}[2J", r#""\u{1b}[2J""#),
        ] {
            assert_eq!(shown(&DataType::String, value.as_bytes()).unwrap(), expected);
            assert_eq!(text(&DataType::String, value.as_bytes()).unwrap(), value);
        }
    }

    #[test]
    fn bytes_are_text_where_they_can_be() {
        let of_size = |size_bytes| DataType::NullTerminatedBytes { size_bytes };
        assert_eq!(text(&of_size(6), b"ab\\\xff\0\0").unwrap(), r"ab\\\xff");
        assert_eq!(shown(&of_size(3), b"a\"\n").unwrap(), r#""a\"\x0a""#);
        assert_eq!(shown(&of_size(3), b"\0\0\0").unwrap(), r#""""#);
        let raw = DataType::RawBytes { size_bytes: 3 };
        assert_eq!(text(&raw, b"a\0\x01").unwrap(), r"a\x00\x01");
    }

    #[test]
    fn structs_have_words_inside() {
        let day = TimeScale {
            unit: TimeUnit::Day,
            scale_factor: 1,
        };
        let fields = [
            ("id".to_owned(), DataType::Int(IntKind::Int8), vec![2, 1]),
            (
                "name".to_owned(),
                DataType::NullTerminatedBytes { size_bytes: 2 },
                vec![],
            ),
            ("day".to_owned(), DataType::DateTime64(day), vec![]),
        ];
        let data_type = DataType::Struct(StructType::with_sub_arrays(fields).unwrap());
        let element = [&[1, 2, b'x', 0xff][..], &1_i64.to_le_bytes()].concat();
        assert_eq!(
            text(&data_type, &element).unwrap(),
            r#"{"id":[[1],[2]],"name":"x\\xff","day":"1970-01-02"}"#
        );
    }
}
