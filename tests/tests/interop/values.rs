//! Elements to write: pseudo-random bits with the extremes of each data type among them, in decoded form.

use zarr_core::metadata::data_type::{FloatKind, IntKind, ObjectType};
use zarr_core::metadata::{DataType, FillValue};
use zarr_tests::random::Random;

/// What kind of values a codec can take without loss, or at least the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// All bits: extremes, infinities, NaNs with payloads.
    Any,
    /// Numbers from 0 to 99, for codecs that calculate.
    Small,
    /// Texts of [`LABELS`].
    Labels,
}

/// The texts that `categorize` has numbers for, the empty one without a label; none is longer than 3 code points.
pub(crate) const LABELS: [&str; 5] = ["", "a", "é9", "漢🙂Z", "\"\\"];

/// `count` elements of a data type.
pub(crate) fn elements(
    data_type: &DataType,
    values: Values,
    count: usize,
    random: &mut Random,
) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| match values {
            Values::Any => element(data_type, index, random),
            Values::Small => small(data_type, random.below(100) as u8),
            Values::Labels => text(data_type, LABELS[random.below(LABELS.len())]),
        })
        .collect()
}

/// A fill value: by chance zero, an extreme, and another one. NaNs are the usual one, for not all can say others in JSON.
pub(crate) fn fill(data_type: &DataType, values: Values, random: &mut Random) -> FillValue {
    let element = match (data_type, values, random.below(3)) {
        (_, _, 0) => return FillValue::zero(data_type),
        (_, Values::Small, turn) => small(data_type, turn as u8 * 7),
        (_, Values::Labels, turn) => text(data_type, LABELS[turn]),
        // No writer makes another one than the empty array.
        (DataType::Object(ObjectType::Ragged(_)), _, _) => return FillValue::zero(data_type),
        (DataType::Float(kind), _, turn) => float_fill(*kind, turn),
        (DataType::Complex { component, .. }, _, turn) => {
            [float_fill(*component, turn), float_fill(*component, 3 - turn)].concat()
        }
        (DataType::String | DataType::Object(_), _, _) => "fïll".as_bytes().to_vec(),
        (DataType::Bytes(_), _, _) => vec![0, 255, 7],
        // The payload of a NaN inside of a struct is lost by others.
        (DataType::Struct(_), _, turn) => small(data_type, turn as u8),
        (_, _, turn) => element(data_type, turn - 1, random),
    };
    FillValue::from_element(data_type, &element).unwrap()
}

/// -0.0 where there is one, or the usual NaN.
fn float_fill(kind: FloatKind, turn: usize) -> Vec<u8> {
    let bits: u64 = match (kind, turn) {
        (FloatKind::Float16, 2) => 0x7e00,
        (FloatKind::BFloat16, 2) => 0x7fc0,
        (FloatKind::Float32, 2) => 0x7fc0_0000,
        (FloatKind::Float64, 2) => 0x7ff8_0000_0000_0000,
        (FloatKind::Float16 | FloatKind::BFloat16 | FloatKind::Float32 | FloatKind::Float64, _) => {
            1 << (kind.bits() - 1)
        }
        // One of their finite values, which all have.
        _ => 1,
    };
    bits.to_le_bytes()[..kind.size_bytes()].to_vec()
}

fn element(data_type: &DataType, index: usize, random: &mut Random) -> Vec<u8> {
    match data_type {
        DataType::Bool => vec![(random.next() & 1) as u8],
        DataType::Int(kind) => int(*kind, index, random),
        DataType::Float(kind) => float(*kind, index, random),
        DataType::Complex { component, .. } => [
            float(*component, index, random),
            float(*component, index + 1, random),
        ]
        .concat(),
        DataType::RawBits { size_bytes } | DataType::RawBytes { size_bytes } => bytes(*size_bytes, random),
        DataType::NullTerminatedBytes { size_bytes } => {
            let mut text: Vec<u8> = bytes(*size_bytes, random)
                .into_iter()
                .map(|byte| byte.max(1))
                .collect();
            let length = random.below(size_bytes + 1);
            text[length..].fill(0);
            text
        }
        DataType::FixedLengthUtf32 { code_points } => {
            let length = random.below(code_points + 1);
            let mut text: Vec<u32> = (0..length).map(|_| u32::from(character(random))).collect();
            text.resize(*code_points, 0);
            text.into_iter().flat_map(u32::to_le_bytes).collect()
        }
        DataType::DateTime64(_) | DataType::TimeDelta64(_) => match index {
            0 => i64::MIN.to_le_bytes().to_vec(), // NaT
            1 => i64::MAX.to_le_bytes().to_vec(),
            _ => random.next().to_le_bytes().to_vec(),
        },
        DataType::Struct(structure) => structure
            .fields()
            .iter()
            .flat_map(|field| {
                (0..field.item_count())
                    .flat_map(|_| element(field.data_type(), index, random))
                    .collect::<Vec<u8>>()
            })
            .collect(),
        DataType::String => {
            let length = random.below(9);
            (0..length)
                .map(|_| character(random))
                .collect::<String>()
                .into_bytes()
        }
        DataType::Bytes(_) => {
            let length = random.below(9);
            bytes(length, random)
        }
        DataType::Object(ObjectType::Ragged(item)) => {
            let length = random.below(5);
            (0..length)
                .flat_map(|index| element(item, index, random))
                .collect()
        }
        DataType::Object(_) | DataType::Unknown(_) => {
            // No two values of the same nesting, or NumPy takes them for another dimension.
            [
                "text",
                "-7",
                "2.5",
                r#"{"a":[1,null],"b":"\u00e9"}"#,
                "true",
                "\"quoted\"",
            ][random.below(6)]
            .into()
        }
        _ => panic!("no values for {data_type:?}"),
    }
}

fn int(kind: IntKind, index: usize, random: &mut Random) -> Vec<u8> {
    let value = match index {
        0 => kind.min(),
        1 => kind.max(),
        _ => i128::from(random.next()),
    };
    // In decoded form the bits above those of the type are zero.
    let bits = (value as u64) & (u64::MAX >> (64 - kind.bits()));
    bits.to_le_bytes()[..kind.size_bytes()].to_vec()
}

fn float(kind: FloatKind, index: usize, random: &mut Random) -> Vec<u8> {
    let bits = match (index, kind) {
        (0, _) => 1 << (kind.bits() - 1), // -0.0
        (1, FloatKind::Float16) => 0x7e55,
        (1, FloatKind::Float32) => 0x7fc0_beef,
        (1, FloatKind::Float64) => 0xfff8_0000_dead_beef,
        (2, FloatKind::Float32) => 1,            // the smallest of all
        (3, FloatKind::Float64) => 0xfff0 << 48, // -inf
        _ => random.next(),
    };
    let bits = bits & (u64::MAX >> (64 - kind.bits()));
    bits.to_le_bytes()[..kind.size_bytes()].to_vec()
}

fn small(data_type: &DataType, value: u8) -> Vec<u8> {
    match data_type {
        DataType::Bool => vec![value % 2],
        DataType::Int(kind) => {
            let value = u64::from(value) & (u64::MAX >> (64 - kind.bits()));
            value.to_le_bytes()[..kind.size_bytes()].to_vec()
        }
        DataType::Float(FloatKind::Float64) => f64::from(value).to_le_bytes().to_vec(),
        DataType::Float(FloatKind::Float32) => f32::from(value).to_le_bytes().to_vec(),
        DataType::Float(FloatKind::BFloat16) => f32::from(value).to_le_bytes()[2..].to_vec(),
        DataType::Float(FloatKind::Float16) => float16(value).to_le_bytes().to_vec(),
        DataType::Complex {
            component: FloatKind::Float32,
            ..
        } => [f32::from(value).to_le_bytes(), (-f32::from(value)).to_le_bytes()].concat(),
        DataType::Complex {
            component: FloatKind::Float64,
            ..
        } => [f64::from(value).to_le_bytes(), (-f64::from(value)).to_le_bytes()].concat(),
        DataType::Struct(structure) => structure
            .fields()
            .iter()
            .flat_map(|field| small(field.data_type(), value).repeat(field.item_count()))
            .collect(),
        DataType::NullTerminatedBytes { size_bytes } => {
            let mut text = vec![0; *size_bytes];
            text[0] = b'a' + value % 26;
            text
        }
        DataType::FixedLengthUtf32 { code_points } => {
            let mut text = vec![0; *code_points * 4];
            text[0] = b'a' + value % 26;
            text
        }
        _ => {
            let size = data_type.size_bytes().unwrap_or(1);
            let mut bytes = vec![0; size];
            bytes[0] = value;
            bytes
        }
    }
}

/// The bits of a whole number, which has fewer digits than the type.
fn float16(value: u8) -> u16 {
    let Some(exponent) = value.checked_ilog2() else {
        return 0;
    };
    let mantissa = (u16::from(value) << (10 - exponent)) & 0x3ff;
    (exponent as u16 + 15) << 10 | mantissa
}

/// A text as an element of variable or of fixed length.
fn text(data_type: &DataType, text: &str) -> Vec<u8> {
    let DataType::FixedLengthUtf32 { code_points } = data_type else {
        return text.into();
    };
    let mut element: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    element.resize(4 * code_points, 0);
    element
}

fn bytes(count: usize, random: &mut Random) -> Vec<u8> {
    (0..count).map(|_| random.next() as u8).collect()
}

fn character(random: &mut Random) -> char {
    ['a', 'Z', '9', ' ', 'é', 'ß', '漢', '🙂', '"', '\\', '\n'][random.below(11)]
}

/// Elements as the peers' script compares them: packed, or each behind its length where they are of variable length.
pub(crate) fn packed(data_type: &DataType, elements: &[Vec<u8>]) -> Vec<u8> {
    if data_type.size_bytes().is_some() {
        return elements.concat();
    }
    elements
        .iter()
        .flat_map(|element| [&(element.len() as u32).to_le_bytes()[..], element].concat())
        .collect()
}
