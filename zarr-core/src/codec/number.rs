//! Single numbers: from the bytes of an element to a value and back, for codecs that compute.

use super::error::{CodecError, Result};
use super::representation::Representation;
use crate::metadata::DataType;
use crate::metadata::data_type::{FloatKind, IntKind};

/// The type of the numbers of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    Int(IntKind),
    Float(FloatKind),
}

/// A number of any of these types, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Int(i128),
    Float(f64),
}

impl Number {
    /// The numbers of a data type; times count as the integers that they are stored as, booleans as 0 and 1.
    pub(crate) fn of(codec: &str, data_type: &DataType) -> Result<Self> {
        if let DataType::DateTime64(_) | DataType::TimeDelta64(_) = data_type {
            return Ok(Self::Int(IntKind::Int64));
        }
        if let DataType::Bool = data_type {
            return Ok(Self::Int(IntKind::UInt8));
        }
        Self::real(codec, data_type)
    }

    /// The numbers of a data type that is an integer or a float by itself.
    pub(crate) fn real(codec: &str, data_type: &DataType) -> Result<Self> {
        if let DataType::Int(kind) = data_type {
            Ok(Self::Int(*kind))
        } else if let DataType::Float(kind) = data_type {
            Ok(Self::Float(*kind))
        } else {
            Err(CodecError::unsupported(
                codec,
                format_args!("data type {:?}", data_type.name()),
            ))
        }
    }

    /// The data type that these numbers are by themselves.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Int(kind) => DataType::Int(kind),
            Self::Float(kind) => DataType::Float(kind),
        }
    }

    /// Size in bytes: 1, 2, 4 or 8.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Int(kind) => kind.size_bytes(),
            Self::Float(kind) => kind.size_bytes(),
        }
    }

    /// The value of an element.
    pub(crate) fn load(self, bytes: &[u8]) -> Value {
        let mut padded = [0; 8];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        let bits = u64::from_le_bytes(padded);
        match self {
            Self::Float(FloatKind::Float64) => Value::Float(f64::from_bits(bits)),
            Self::Float(kind) => Value::Float(kind.decode_f64(bits)),
            Self::Int(kind) => {
                let unused = 64 - kind.bits();
                let value = if kind.is_signed() {
                    i128::from((bits << unused).cast_signed() >> unused)
                } else {
                    i128::from((bits << unused) >> unused)
                };
                Value::Int(value)
            }
        }
    }

    /// Writes bits to an element, as many as it takes.
    pub(crate) fn store_bits(self, bits: u64, bytes: &mut [u8]) {
        for (to, from) in bytes.iter_mut().zip(bits.to_le_bytes()) {
            *to = from;
        }
    }

    /// The bits of `value` converted as C converts: integers wrap, fractions are cut, floats are rounded to nearest even.
    /// What C leaves undefined saturates at 128 bits and wraps; NaN becomes 0; what a small float lacks gets all bits set.
    pub(crate) fn wrap(self, value: Value) -> u64 {
        match (self, value) {
            (Self::Int(kind), Value::Int(value)) => low_bits(value) & (u64::MAX >> (64 - kind.bits())),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "cutting the fraction is what is asked for"
            )]
            (Self::Int(kind), Value::Float(value)) => {
                low_bits(value as i128) & (u64::MAX >> (64 - kind.bits()))
            }
            (Self::Float(kind), value) => self.nearest(value).unwrap_or(u64::MAX >> (64 - kind.bits())),
        }
    }

    /// The bits of the number nearest to `value`, ties to even; `None` for integers out of range or with a fraction, and for
    /// what a float type lacks: NaN, infinities, numbers that would become infinite.
    pub(crate) fn nearest(self, value: Value) -> Option<u64> {
        match (self, value) {
            (Self::Int(kind), Value::Int(integer)) => (kind.min()..=kind.max())
                .contains(&integer)
                .then(|| self.wrap(value)),
            (Self::Int(_), Value::Float(_)) => None,
            (Self::Float(FloatKind::Float64), Value::Float(value)) => Some(value.to_bits()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounding to nearest is what is asked for"
            )]
            (Self::Float(FloatKind::Float32), Value::Float(value)) => {
                Some(u64::from((value as f32).to_bits()))
            }
            (Self::Float(kind), Value::Float(value)) => kind.encode_f64(value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounding to nearest is what is asked for"
            )]
            (Self::Float(FloatKind::Float64), Value::Int(value)) => Some((value as f64).to_bits()),
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounding to nearest is what is asked for"
            )]
            (Self::Float(FloatKind::Float32), Value::Int(value)) => Some(u64::from((value as f32).to_bits())),
            (Self::Float(kind), Value::Int(value)) => kind.encode_f64(to_odd(value)),
        }
    }
}

/// The integer as an f64 rounded to odd: another rounding to a much narrower type then gives what one rounding would.
fn to_odd(value: i128) -> f64 {
    let magnitude = value.unsigned_abs();
    let drop = (u128::BITS - magnitude.leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
    let kept = magnitude >> drop;
    let sticky = u128::from(kept << drop != magnitude);
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are exact, and so is a shift by whole bits"
    )]
    let result = ((kept | sticky) << drop) as f64;
    if value < 0 { -result } else { result }
}

fn low_bits(value: i128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = value.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// `array` seen as elements of `number`: the same shape if the sizes agree, else one dimension.
pub(crate) fn view(codec: &str, array: &Representation, number: Number) -> Result<Representation> {
    let fill = |size: usize| {
        let mut fill = array.fill().to_vec();
        fill.resize(size, 0);
        fill
    };
    let size = number.size();
    if array.element_size() == Some(size) {
        return array.with_type(number.data_type(), fill(size));
    }
    let bytes = array.bytes(codec)?;
    if !bytes.is_multiple_of(size) {
        let reason = format_args!("a chunk of {bytes} bytes has no whole number of elements of {size}");
        return Err(CodecError::configuration(codec, reason));
    }
    Representation::new(vec![(bytes / size) as u64], number.data_type(), fill(size))
}

/// Converts element by element.
pub(crate) fn map(
    from: Number,
    source: &[u8],
    to: Number,
    target: &mut [u8],
    mut convert: impl FnMut(Value) -> Result<u64>,
) -> Result<()> {
    for (source, target) in source
        .chunks_exact(from.size())
        .zip(target.chunks_exact_mut(to.size()))
    {
        to.store_bits(convert(from.load(source))?, target);
    }
    Ok(())
}
