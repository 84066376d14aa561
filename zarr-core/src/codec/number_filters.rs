//! numcodecs' filters on numbers: `delta`, `fixedscaleoffset`, `quantize`, `astype`, with NumPy's arithmetic.
//!
//! Their `dtype` says how they view a buffer. In v3 only its width and kind matter here: the array is in decoded form.
//!
//! Definition: <https://numcodecs.readthedocs.io/en/stable/filter/index.html>.

use super::ArrayToArray;
use super::config::Config;
use super::error::{CodecError, Result};
use super::number::{Number, Value, map, view};
use super::representation::Representation;
use crate::metadata::data_type::FloatKind;

/// A filter's two types, and the arrays on its two sides.
#[derive(Debug, Clone)]
struct Sides {
    decoded: Number,
    encoded: Number,
    array: Representation,
}

impl Sides {
    fn new(config: Config<'_>, array: &Representation, decoded: &str, encoded: &str) -> Result<Self> {
        let number = |key: &str| {
            let dtype = config.dtype(key)?;
            dtype
                .map(|dtype| Number::of(config.codec(), &dtype.data_type))
                .transpose()
        };
        let decoded = match number(decoded)? {
            Some(decoded) => decoded,
            None => Number::of(config.codec(), array.data_type())?,
        };
        let encoded = number(encoded)?.unwrap_or(decoded);
        Ok(Self {
            decoded,
            encoded,
            array: view(config.codec(), array, decoded)?,
        })
    }

    /// The array that the filter makes, its fill value encoded element by element.
    fn encoded(&self, encode: impl FnOnce(&[u8], &mut [u8]) -> Result<()>) -> Result<Representation> {
        let mut fill = vec![0; self.encoded.size()];
        encode(self.array.fill(), &mut fill)?;
        self.array.with_type(self.encoded.data_type(), fill)
    }
}

/// `delta`: the first element, then differences.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    sides: Sides,
    encoded: Representation,
}

impl Delta {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let sides = Sides::new(config, array, "dtype", "astype")?;
        let encoded = sides.encoded(|_, _| Ok(()))?;
        Ok(Self { sides, encoded })
    }
}

fn add(number: Number, a: Value, b: Value) -> Value {
    match (a, b) {
        // Wrapped at once, so that sums never leave the type.
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(b)),
        (Value::Float(a), Value::Float(b)) => rounded(number, a + b),
        (a, _) => a,
    }
}

/// A sum or product of floats as the type itself would give it: computed in double precision and rounded once, which is
/// exact for the narrower types.
fn rounded(number: Number, value: f64) -> Value {
    match number {
        Number::Float(FloatKind::Float64) | Number::Int(_) => Value::Float(value),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "single precision is what is asked for"
        )]
        Number::Float(FloatKind::Float32) => Value::Float(f64::from(value as f32)),
        Number::Float(kind) => Value::Float(
            kind.encode_f64(value)
                .map_or(f64::NAN, |bits| kind.decode_f64(bits)),
        ),
    }
}

/// Running sums of unsigned integers of `N` bytes, which are those of signed ones too.
macro_rules! running_sum {
    ($integer:ty, $source:expr, $target:expr) => {{
        let mut sum: $integer = 0;
        const N: usize = size_of::<$integer>();
        for (source, target) in $source
            .as_chunks::<N>()
            .0
            .iter()
            .zip($target.as_chunks_mut::<N>().0)
        {
            sum = sum.wrapping_add(<$integer>::from_le_bytes(*source));
            *target = sum.to_le_bytes();
        }
    }};
}

impl ArrayToArray for Delta {
    fn name(&self) -> &str {
        "delta"
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: to,
            encoded: from,
            ..
        } = self.sides;
        match (from, to) {
            (Number::Int(a), Number::Int(b)) if a.bits() == b.bits() && a.bits() >= 8 => match a.bits() {
                8 => running_sum!(u8, encoded, out),
                16 => running_sum!(u16, encoded, out),
                32 => running_sum!(u32, encoded, out),
                _ => running_sum!(u64, encoded, out),
            },
            _ => {
                let mut sum = to.load(&[0; 8]);
                map(from, encoded, to, out, |value| {
                    let bits = to.wrap(value);
                    sum = to.load(&to.wrap(add(to, sum, to.load(&bits.to_le_bytes()))).to_le_bytes());
                    Ok(to.wrap(sum))
                })?;
            }
        }
        Ok(())
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: from,
            encoded: to,
            ..
        } = self.sides;
        let mut previous = None;
        map(from, decoded, to, out, |value| {
            let difference = match (value, previous.replace(value)) {
                (value, None) => value,
                (Value::Int(value), Some(Value::Int(previous))) => {
                    from.load(&from.wrap(Value::Int(value - previous)).to_le_bytes())
                }
                (Value::Float(value), Some(Value::Float(previous))) => rounded(from, value - previous),
                (value, Some(_)) => value,
            };
            Ok(to.wrap(difference))
        })
    }
}

/// `fixedscaleoffset`: (x − offset) · scale, rounded to an integer.
#[derive(Debug, Clone)]
pub(super) struct FixedScaleOffset {
    sides: Sides,
    offset: f64,
    scale: f64,
    /// Whether both parameters are integers, so that integers stay integers.
    integral: bool,
    encoded: Representation,
}

impl FixedScaleOffset {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let sides = Sides::new(config, array, "dtype", "astype")?;
        let offset = config.required("offset", "a number", config.float("offset")?)?;
        let scale = config.required("scale", "a number", config.float("scale")?)?;
        if scale == 0.0 {
            return Err(CodecError::configuration(config.codec(), "scale is 0"));
        }
        let integer = |key: &str| config.get(key).is_some_and(|json| json.as_i64().is_some());
        let integral = integer("offset") && integer("scale");
        let encoded = sides.encoded(|_, _| Ok(()))?;
        let mut codec = Self {
            sides,
            offset,
            scale,
            integral,
            encoded,
        };
        let mut fill = vec![0; codec.sides.encoded.size()];
        codec.encode_into(codec.sides.array.fill(), &mut fill)?;
        codec.encoded = codec
            .sides
            .array
            .with_type(codec.sides.encoded.data_type(), fill)?;
        Ok(codec)
    }
}

/// The type in which NumPy computes with an array of `number` and a Python float: itself if it is a float.
fn computing(number: Number) -> Number {
    match number {
        Number::Float(kind) => Number::Float(kind),
        Number::Int(_) => Number::Float(FloatKind::Float64),
    }
}

fn float(value: Value) -> f64 {
    match value {
        Value::Float(value) => value,
        #[expect(
            clippy::cast_precision_loss,
            reason = "NumPy converts 64-bit integers to double precision, too"
        )]
        Value::Int(value) => value as f64,
    }
}

impl ArrayToArray for FixedScaleOffset {
    fn name(&self) -> &str {
        "fixedscaleoffset"
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: to,
            encoded: from,
            ..
        } = self.sides;
        let computing = computing(from);
        let step = |value: f64| float(rounded(computing, value));
        let (scale, offset) = (step(self.scale), step(self.offset));
        map(from, encoded, to, out, |value| {
            Ok(to.wrap(Value::Float(step(step(float(value) / scale) + offset))))
        })
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: from,
            encoded: to,
            ..
        } = self.sides;
        let computing = computing(from);
        let step = |value: f64| float(rounded(computing, value));
        let (scale, offset) = (step(self.scale), step(self.offset));
        map(from, decoded, to, out, |value| {
            if let (Value::Int(value), true) = (value, self.integral) {
                #[expect(clippy::cast_possible_truncation, reason = "both were read as integers")]
                let (scale, offset) = (self.scale as i128, self.offset as i128);
                let scaled = value.wrapping_sub(offset).wrapping_mul(scale);
                return Ok(to.wrap(from.load(&from.wrap(Value::Int(scaled)).to_le_bytes())));
            }
            let scaled = step(step(float(value) - offset) * scale);
            Ok(to.wrap(Value::Float(scaled.round_ties_even())))
        })
    }
}

/// `quantize`: floats to so many decimal digits.
#[derive(Debug, Clone)]
pub(super) struct Quantize {
    sides: Sides,
    scale: f64,
    encoded: Representation,
}

impl Quantize {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let sides = Sides::new(config, array, "dtype", "astype")?;
        if !matches!(
            (sides.decoded, sides.encoded),
            (Number::Float(_), Number::Float(_))
        ) {
            return Err(CodecError::configuration(
                config.codec(),
                "dtype and astype must be floats",
            ));
        }
        let digits = config.required("digits", "an integer", config.integer("digits")?)?;
        let digits = i32::try_from(digits).ok().filter(|digits| digits.abs() <= 300);
        let digits = digits.ok_or_else(|| config.wrong("digits", "an integer from -300 to 300"))?;
        // The power of two just above 10^digits.
        let bits = 10_f64.powi(digits).log2().ceil();
        let encoded = sides.encoded(|_, _| Ok(()))?;
        let mut codec = Self {
            sides,
            scale: bits.exp2(),
            encoded,
        };
        let mut fill = vec![0; codec.sides.encoded.size()];
        codec.encode_into(codec.sides.array.fill(), &mut fill)?;
        codec.encoded = codec
            .sides
            .array
            .with_type(codec.sides.encoded.data_type(), fill)?;
        Ok(codec)
    }
}

impl ArrayToArray for Quantize {
    fn name(&self) -> &str {
        "quantize"
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decodes_to_same_bytes(&self) -> bool {
        self.sides.decoded == self.sides.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        if self.decodes_to_same_bytes() {
            out.copy_from_slice(encoded);
            return Ok(());
        }
        let Sides {
            decoded: to,
            encoded: from,
            ..
        } = self.sides;
        map(from, encoded, to, out, |value| Ok(to.wrap(value)))
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: from,
            encoded: to,
            ..
        } = self.sides;
        let step = |value: f64| float(rounded(from, value));
        map(from, decoded, to, out, |value| {
            let scaled = step(self.scale * float(value)).round_ties_even();
            Ok(to.wrap(Value::Float(step(scaled / self.scale))))
        })
    }
}

/// `astype`: another type in the file.
#[derive(Debug, Clone)]
pub(super) struct AsType {
    sides: Sides,
    encoded: Representation,
}

impl AsType {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let sides = Sides::new(config, array, "decode_dtype", "encode_dtype")?;
        config.required("encode_dtype", "a NumPy type string", config.get("encode_dtype"))?;
        let (from, to) = (sides.decoded, sides.encoded);
        let encoded = sides.encoded(|fill, out| map(from, fill, to, out, |value| Ok(to.wrap(value))))?;
        Ok(Self { sides, encoded })
    }
}

impl ArrayToArray for AsType {
    fn name(&self) -> &str {
        "astype"
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decodes_to_same_bytes(&self) -> bool {
        self.sides.decoded == self.sides.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: to,
            encoded: from,
            ..
        } = self.sides;
        map(from, encoded, to, out, |value| Ok(to.wrap(value)))
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Sides {
            decoded: from,
            encoded: to,
            ..
        } = self.sides;
        map(from, decoded, to, out, |value| Ok(to.wrap(value)))
    }
}
