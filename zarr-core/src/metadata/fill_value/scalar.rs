//! JSON to the bytes of one boolean, integer, float or time, and back.

use super::super::data_type::{FloatKind, IntKind};
use super::super::json::{Json, NonFinite, Number};
use super::super::{MetadataError, limits};

/// An integer in two's complement, little-endian, its upper bits zero.
pub(super) fn int_bytes(kind: IntKind, json: &Json) -> Result<Vec<u8>, MetadataError> {
    let wrong = || {
        let expected = format!(
            "an integer from {} to {} without fraction or exponent",
            kind.min(),
            kind.max()
        );
        MetadataError::invalid(expected, json)
    };
    let value = match json {
        Json::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .ok_or_else(wrong)?,
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            return Err(wrong());
        }
    };
    if !(kind.min()..=kind.max()).contains(&value) {
        return Err(wrong());
    }
    let bits = value & ((1 << kind.bits()) - 1);
    Ok(bits.to_le_bytes()[..kind.size_bytes()].to_vec())
}

/// The value of an integer as it is in memory.
pub(super) fn int_value(kind: IntKind, bytes: &[u8]) -> i128 {
    let bits = i128::from(little_endian(bytes)) & ((1 << kind.bits()) - 1);
    if bits > kind.max() {
        bits - (1 << kind.bits())
    } else {
        bits
    }
}

/// A number, `"NaN"`, `"Infinity"`, `"-Infinity"` (or the bare tokens), or `"0x…"`, the bits in full width.
pub(super) fn float_bytes(kind: FloatKind, json: &Json) -> Result<Vec<u8>, MetadataError> {
    let wrong = || {
        let digits = 2 * kind.size_bytes();
        let expected = format!(
            "a number of {}, \"NaN\", \"Infinity\", \"-Infinity\" or 0x and {digits} digits",
            kind.name()
        );
        MetadataError::invalid(expected, json)
    };
    let bits = match json {
        Json::Number(number) => match (kind, number.non_finite()) {
            // Rounded once, from the text.
            (FloatKind::Float32, None) => Some(u64::from(number.as_f32().to_bits())),
            // There is no zero; with this tensorstore means all bits zero, its default.
            (FloatKind::Float8E8M0FnU, None) if number.as_f64().to_bits() == 0 => Some(0),
            _ => kind.encode_f64(number.as_f64()),
        },
        Json::String(text) => match text.as_str() {
            "NaN" => kind.nan_bits(),
            "Infinity" => kind.encode_f64(f64::INFINITY),
            "-Infinity" => kind.encode_f64(f64::NEG_INFINITY),
            hex => hex_bits(kind, hex),
        },
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    Ok(bits.ok_or_else(wrong)?.to_le_bytes()[..kind.size_bytes()].to_vec())
}

fn hex_bits(kind: FloatKind, text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if digits.len() != 2 * kind.size_bytes() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|bits| bits >> (kind.bits() - 1) <= 1)
}

/// The shortest number that reads back as the same bits; strings for what JSON lacks, hex for unusual NaNs.
pub(super) fn float_json(kind: FloatKind, bytes: &[u8]) -> Json {
    let bits = little_endian(bytes);
    let value = kind.decode_f64(bits);
    if value.is_nan() {
        return if kind.nan_bits() == Some(bits) {
            NonFinite::Nan.as_str().into()
        } else {
            format!("0x{bits:0width$x}", width = 2 * kind.size_bytes()).into()
        };
    }
    if value.is_infinite() {
        let infinity = if value > 0.0 {
            NonFinite::Infinity
        } else {
            NonFinite::NegInfinity
        };
        return infinity.as_str().into();
    }
    if kind == FloatKind::Float64 {
        return Number::from(value).into();
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "every smaller kind is exact in an f32"
    )]
    let value = value as f32;
    Number::from(value).into()
}

/// `NaT` of `datetime64` and `timedelta64`.
pub(super) const NAT: i64 = i64::MIN;

/// An integer or `"NaT"`.
pub(super) fn time_bytes(json: &Json) -> Result<Vec<u8>, MetadataError> {
    let value = if json.as_str() == Some("NaT") {
        Some(NAT)
    } else {
        json.as_i64()
    };
    let value = value.ok_or_else(|| MetadataError::invalid("a 64-bit integer or \"NaT\"", json))?;
    Ok(value.to_le_bytes().to_vec())
}

/// The integer, or `"NaT"` for the smallest.
pub(super) fn time_json(bytes: &[u8]) -> Json {
    match little_endian(bytes).cast_signed() {
        NAT => "NaT".into(),
        value => value.into(),
    }
}

/// Up to 8 bytes as an integer.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// `[1, 2, 255]`
pub(super) fn byte_list(items: &[Json]) -> Result<Vec<u8>, MetadataError> {
    let byte = |(index, item): (usize, &Json)| {
        let byte = item.as_u64().and_then(|value| u8::try_from(value).ok());
        byte.ok_or_else(|| MetadataError::invalid("an integer from 0 to 255", item).within_index(index))
    };
    items.iter().enumerate().map(byte).collect()
}

/// Standard base64 with padding.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, MetadataError> {
    use base64::Engine as _;
    debug_assert!(text.len() <= limits::MAX_DOCUMENT_BYTES);
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    decoded.map_err(|_| MetadataError::invalid("base64 with padding", &text.into()))
}

/// Standard base64 with padding.
pub(super) fn to_base64(bytes: &[u8]) -> Json {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}
