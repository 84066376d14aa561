//! `cast_value`: the same values in another data type.
//!
//! Definition: <https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/cast_value>.

use super::ArrayToArray;
use super::config::Config;
use super::error::{CodecError, Result};
use super::number::{Number, Value, map};
use super::representation::Representation;
use super::scale_offset::scalar;
use crate::metadata::data_type::FloatKind;
use crate::metadata::{DataType, Json};

const NAME: &str = "cast_value";

/// How values between two representable ones are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    NearestEven,
    TowardsZero,
    TowardsPositive,
    TowardsNegative,
    NearestAway,
}

/// What becomes of values beyond the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutOfRange {
    Refuse,
    Clamp,
    Wrap,
}

/// One direction of the codec.
#[derive(Debug, Clone)]
struct Cast {
    from: Number,
    to: Number,
    rounding: Rounding,
    out_of_range: OutOfRange,
    /// Elements that are replaced, by their bytes.
    replaced: Vec<(Vec<u8>, u64)>,
}

/// The `cast_value` codec.
#[derive(Debug, Clone)]
pub(super) struct CastValue {
    encode: Cast,
    decode: Cast,
    encoded: Representation,
}

impl CastValue {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        config.only(&["data_type", "rounding", "out_of_range", "scalar_map"])?;
        let target = config.required("data_type", "a data type", config.get("data_type"))?;
        let target = DataType::parse_v3(target)
            .map_err(|error| CodecError::configuration(NAME, format_args!("data_type: {error}")))?;
        let (decoded, encoded) = (
            Number::real(NAME, array.data_type())?,
            Number::real(NAME, &target)?,
        );
        let rounding = match config.text("rounding")? {
            None | Some("nearest-even") => Rounding::NearestEven,
            Some("towards-zero") => Rounding::TowardsZero,
            Some("towards-positive") => Rounding::TowardsPositive,
            Some("towards-negative") => Rounding::TowardsNegative,
            Some("nearest-away") => Rounding::NearestAway,
            Some(_) => return Err(config.wrong("rounding", "one of the five modes")),
        };
        let out_of_range = match config.text("out_of_range")? {
            None => OutOfRange::Refuse,
            Some("clamp") => OutOfRange::Clamp,
            Some("wrap") if matches!(encoded, Number::Int(_)) => OutOfRange::Wrap,
            Some(_) => return Err(config.wrong("out_of_range", "\"clamp\", or \"wrap\" for integers")),
        };
        let replaced = |key: &str, from: &DataType, to: &DataType| match config
            .get("scalar_map")
            .and_then(|maps| maps.get(key))
        {
            None => Ok(Vec::new()),
            Some(Json::Array(pairs)) => pairs
                .iter()
                .map(|pair| replacement(config, pair, from, to))
                .collect(),
            Some(_) => Err(config.wrong("scalar_map", "pairs of scalars under encode and decode")),
        };
        let encode_map = replaced("encode", array.data_type(), &target)?;
        let decode_map = replaced("decode", &target, array.data_type())?;
        let encode = Cast {
            from: decoded,
            to: encoded,
            rounding,
            out_of_range,
            replaced: encode_map,
        };
        let decode = Cast {
            from: encoded,
            to: decoded,
            rounding,
            out_of_range: decode_range(out_of_range, decoded),
            replaced: decode_map,
        };
        let mut fill = vec![0; encoded.size()];
        let wrong = |error: CodecError| {
            CodecError::configuration(NAME, format_args!("the fill value: {}", error.kind))
        };
        encode.run(array.fill(), &mut fill).map_err(wrong)?;
        Ok(Self {
            encode,
            decode,
            encoded: array.with_type(target, fill)?,
        })
    }
}

/// Wrapping is for integers; the other direction of a float array only clamps.
fn decode_range(out_of_range: OutOfRange, decoded: Number) -> OutOfRange {
    match (out_of_range, decoded) {
        (OutOfRange::Wrap, Number::Float(_)) => OutOfRange::Refuse,
        (other, _) => other,
    }
}

/// A pair of `scalar_map`.
fn replacement(config: Config<'_>, pair: &Json, from: &DataType, to: &DataType) -> Result<(Vec<u8>, u64)> {
    let Some([input, output]) = pair.as_array() else {
        return Err(config.wrong("scalar_map", "pairs of scalars"));
    };
    // The registry's own example writes "+Infinity".
    let plain = |json: &Json| {
        if json.as_str() == Some("+Infinity") {
            Json::from("Infinity")
        } else {
            json.clone()
        }
    };
    let output = scalar(config, "scalar_map", &plain(output), to)?;
    let mut bits = [0; 8];
    for (to, from) in bits.iter_mut().zip(&output) {
        *to = *from;
    }
    Ok((
        scalar(config, "scalar_map", &plain(input), from)?,
        u64::from_le_bytes(bits),
    ))
}

impl Cast {
    fn run(&self, source: &[u8], target: &mut [u8]) -> Result<()> {
        map(self.from, source, self.to, target, |value| {
            self.convert(value)
                .map_err(|reason| CodecError::unencodable(NAME, format_args!("{value:?} {reason}")))
        })
    }

    fn convert(&self, value: Value) -> std::result::Result<u64, &'static str> {
        if let Some((_, bits)) = self
            .replaced
            .iter()
            .find(|(input, _)| same(self.from.load(input), value))
        {
            return Ok(*bits);
        }
        match self.to {
            Number::Int(kind) => {
                let integer = match value {
                    Value::Int(integer) => integer,
                    Value::Float(float) if float.is_nan() => return Err("is not a number"),
                    Value::Float(float) if float.is_infinite() => return Err("is not finite"),
                    // Every f64 below 2^127 is exact; those beyond saturate, which is out of range all the same.
                    #[expect(clippy::cast_possible_truncation, reason = "rounded to an integer")]
                    Value::Float(float) => self.round(float) as i128,
                };
                match self.out_of_range {
                    _ if (kind.min()..=kind.max()).contains(&integer) => {
                        Ok(self.to.wrap(Value::Int(integer)))
                    }
                    OutOfRange::Clamp => Ok(self.to.wrap(Value::Int(integer.clamp(kind.min(), kind.max())))),
                    OutOfRange::Wrap => Ok(self.to.wrap(self.wrapped(value, integer))),
                    OutOfRange::Refuse => Err("is out of range"),
                }
            }
            Number::Float(kind) => self.to_float(kind, value),
        }
    }

    /// Floats beyond 128 bits are congruent to 0 modulo any smaller power of two.
    fn wrapped(&self, value: Value, integer: i128) -> Value {
        match value {
            Value::Float(float) if float.abs() >= 2_f64.powi(126) => Value::Int(0),
            Value::Float(_) | Value::Int(_) => Value::Int(integer),
        }
    }

    fn round(&self, value: f64) -> f64 {
        match self.rounding {
            Rounding::NearestEven => value.round_ties_even(),
            Rounding::TowardsZero => value.trunc(),
            Rounding::TowardsPositive => value.ceil(),
            Rounding::TowardsNegative => value.floor(),
            Rounding::NearestAway => value.round(),
        }
    }

    fn to_float(&self, kind: FloatKind, value: Value) -> std::result::Result<u64, &'static str> {
        let exact = |bits: u64| match (self.to.load(&bits.to_le_bytes()), value) {
            (Value::Float(made), Value::Float(wanted)) => made == wanted || made.is_nan() && wanted.is_nan(),
            (Value::Float(made), Value::Int(wanted)) => as_integer(made) == Some(wanted),
            (Value::Int(_), _) => false,
        };
        let finite = !matches!(value, Value::Float(value) if !value.is_finite());
        let nearest = self.to.nearest(value);
        if !finite {
            return nearest
                .filter(|bits| exact(*bits))
                .ok_or("does not exist in the data type");
        }
        let made = nearest.and_then(|bits| match self.to.load(&bits.to_le_bytes()) {
            Value::Float(made) if made.is_finite() => Some((bits, made)),
            Value::Float(_) | Value::Int(_) => None,
        });
        let Some((nearest, made)) = made else {
            return match (self.out_of_range, self.to.nearest(infinity(value))) {
                (OutOfRange::Clamp, Some(infinite)) => Ok(infinite),
                (OutOfRange::Clamp, None) => Ok(largest(kind, value)),
                (OutOfRange::Refuse | OutOfRange::Wrap, _) => Err("is out of range"),
            };
        };
        if exact(nearest) || self.rounding == Rounding::NearestEven {
            return Ok(nearest);
        }
        Ok(self.directed(nearest, made, value))
    }

    /// Moves from the nearest value to the neighbour that the rounding mode asks for.
    fn directed(&self, nearest: u64, made: f64, value: Value) -> u64 {
        let above = compare(made, value);
        let negative = match value {
            Value::Int(value) => value < 0,
            Value::Float(value) => value < 0.0,
        };
        let up = match self.rounding {
            Rounding::TowardsPositive => true,
            Rounding::TowardsNegative => false,
            Rounding::TowardsZero => negative,
            Rounding::NearestAway => {
                // Only a tie can differ from nearest-even: then the other neighbour is as far.
                let other = neighbour(nearest, made, !above);
                let distance = |bits: u64| match (self.to.load(&bits.to_le_bytes()), value) {
                    (Value::Float(made), Value::Float(value)) => (made - value).abs(),
                    (Value::Float(made), Value::Int(value)) => {
                        as_integer(made).map_or(f64::INFINITY, |made| magnitude(made - value))
                    }
                    (Value::Int(_), _) => f64::INFINITY,
                };
                let away = if let Value::Float(other) = self.to.load(&other.to_le_bytes()) {
                    other.abs() > made.abs()
                } else {
                    false
                };
                return if away && distance(other).total_cmp(&distance(nearest)).is_eq() {
                    other
                } else {
                    nearest
                };
            }
            Rounding::NearestEven => return nearest,
        };
        if up == above {
            nearest
        } else {
            neighbour(nearest, made, up)
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "distances are compared, and ties are exact"
)]
fn magnitude(value: i128) -> f64 {
    value.unsigned_abs() as f64
}

/// Whether `made` is above `value`.
fn compare(made: f64, value: Value) -> bool {
    match value {
        Value::Float(value) => made > value,
        Value::Int(value) => as_integer(made).is_some_and(|made| made > value),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "guarded by the range")]
fn as_integer(value: f64) -> Option<i128> {
    (value.trunc() == value && value.abs() < 2_f64.powi(126)).then_some(value as i128)
}

/// The next value up or down in a sign-magnitude format.
fn neighbour(bits: u64, value: f64, up: bool) -> u64 {
    if (value >= 0.0) == up {
        bits.saturating_add(1)
    } else {
        bits.saturating_sub(1)
    }
}

/// Infinity with the sign of `value`.
fn infinity(value: Value) -> Value {
    match value {
        Value::Int(value) => Value::Float(if value < 0 {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        }),
        Value::Float(value) => Value::Float(f64::INFINITY.copysign(value)),
    }
}

/// The largest finite value with the sign of `value`.
fn largest(kind: FloatKind, value: Value) -> u64 {
    let negative = match value {
        Value::Int(value) => value < 0,
        Value::Float(value) => value.is_sign_negative(),
    };
    let sign = 1_u64 << (kind.bits() - 1);
    let from = if negative {
        u64::MAX >> (64 - kind.bits())
    } else {
        sign - 1
    };
    let number = Number::Float(kind);
    // At most as many steps as a mantissa has values above the largest finite one: infinities and NaNs.
    (0..=from)
        .rev()
        .find(|bits| matches!(number.load(&bits.to_le_bytes()), Value::Float(value) if value.is_finite()))
        .unwrap_or(0)
}

/// Equality of scalars as the map means it: by value, and NaN is NaN.
fn same(a: Value, b: Value) -> bool {
    a == b || matches!((a, b), (Value::Float(a), Value::Float(b)) if a.is_nan() && b.is_nan())
}

impl ArrayToArray for CastValue {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        self.decode
            .run(encoded, out)
            .map_err(|error| CodecError::corrupt(NAME, error.kind))
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        self.encode.run(decoded, out)
    }
}
