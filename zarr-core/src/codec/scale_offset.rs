//! `scale_offset`: (x − offset) · scale in the arithmetic of the array's own data type.
//!
//! Definition: <https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/scale_offset>.

use super::ArrayToArray;
use super::config::Config;
use super::error::{CodecError, Result};
use super::number::{Number, Value, map};
use super::representation::Representation;
use crate::metadata::data_type::{Endianness, FloatKind};
use crate::metadata::fill_value::FillValue;
use crate::metadata::{DataType, Json};

const NAME: &str = "scale_offset";

/// The `scale_offset` codec.
#[derive(Debug, Clone)]
pub(super) struct ScaleOffset {
    number: Number,
    offset: Value,
    scale: Value,
    encoded: Representation,
}

/// A scalar as metadata writes fill values of `data_type`.
pub(super) fn scalar(config: Config<'_>, key: &str, json: &Json, data_type: &DataType) -> Result<Vec<u8>> {
    let value = FillValue::parse_v3(data_type, json, Endianness::Little)
        .map_err(|error| CodecError::configuration(config.codec(), format_args!("{key}: {error}")))?;
    Ok(value.element().to_vec())
}

impl ScaleOffset {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        config.only(&["offset", "scale"])?;
        let number = Number::real(NAME, array.data_type())?;
        let parameter = |key: &str, otherwise: i128| match config.get(key) {
            Some(json) => Ok(number.load(&scalar(config, key, json, array.data_type())?)),
            None => Ok(number.load(&number.wrap(Value::Int(otherwise)).to_le_bytes())),
        };
        let (offset, scale) = (parameter("offset", 0)?, parameter("scale", 1)?);
        if scale == Value::Int(0) || scale == Value::Float(0.0) {
            return Err(CodecError::configuration(NAME, "scale is 0"));
        }
        let mut codec = Self {
            number,
            offset,
            scale,
            encoded: array.clone(),
        };
        let mut fill = array.fill().to_vec();
        codec.encode_into(array.fill(), &mut fill)?;
        codec.encoded = array.with_type(array.data_type().clone(), fill)?;
        Ok(codec)
    }

    /// A result as the data type holds it: each operation rounds, and leaves the type only with an error.
    fn represent(&self, value: Value) -> Option<Value> {
        match (self.number, value) {
            (Number::Int(kind), Value::Int(integer)) => {
                (kind.min()..=kind.max()).contains(&integer).then_some(value)
            }
            (Number::Float(_), Value::Float(_)) => {
                Some(self.number.load(&self.number.wrap(value).to_le_bytes()))
            }
            _ => None,
        }
    }

    fn apply(
        &self,
        a: Value,
        b: Value,
        floats: fn(f64, f64) -> f64,
        integers: fn(i128, i128) -> Option<i128>,
    ) -> Option<Value> {
        let result = match (a, b) {
            (Value::Float(a), Value::Float(b)) => Value::Float(floats(a, b)),
            (Value::Int(a), Value::Int(b)) => Value::Int(integers(a, b)?),
            _ => return None,
        };
        // An infinity that was not there before is an overflow, except where the type's own arithmetic makes it (IEEE).
        self.represent(result)
    }
}

/// Division without remainder.
fn divide(a: i128, b: i128) -> Option<i128> {
    (a.checked_rem(b)? == 0).then(|| a / b)
}

impl ArrayToArray for ScaleOffset {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        if let (Number::Float(FloatKind::Float32), Value::Float(scale), Value::Float(offset)) =
            (self.number, self.scale, self.offset)
        {
            decode_f32(encoded, out, scale, offset);
            return Ok(());
        }
        map(self.number, encoded, self.number, out, |value| {
            let scaled = self.apply(value, self.scale, |a, b| a / b, divide);
            let result =
                scaled.and_then(|scaled| self.apply(scaled, self.offset, |a, b| a + b, i128::checked_add));
            result.map(|result| self.number.wrap(result)).ok_or_else(|| {
                CodecError::corrupt(
                    NAME,
                    format_args!(
                        "{value:?} / {:?} + {:?} is not in the data type",
                        self.scale, self.offset
                    ),
                )
            })
        })
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        map(self.number, decoded, self.number, out, |value| {
            let shifted = self.apply(value, self.offset, |a, b| a - b, i128::checked_sub);
            let result =
                shifted.and_then(|shifted| self.apply(shifted, self.scale, |a, b| a * b, i128::checked_mul));
            result.map(|result| self.number.wrap(result)).ok_or_else(|| {
                CodecError::unencodable(
                    NAME,
                    format_args!(
                        "({value:?} - {:?}) * {:?} is not in the data type",
                        self.offset, self.scale
                    ),
                )
            })
        })
    }
}

/// The usual case, in a loop that vectorises.
#[expect(
    clippy::cast_possible_truncation,
    reason = "both were read from a single-precision number"
)]
fn decode_f32(encoded: &[u8], out: &mut [u8], scale: f64, offset: f64) {
    let (scale, offset) = (scale as f32, offset as f32);
    for (from, to) in encoded.as_chunks::<4>().0.iter().zip(out.as_chunks_mut::<4>().0) {
        *to = (f32::from_le_bytes(*from) / scale + offset).to_le_bytes();
    }
}
