//! Minimum, maximum, mean and spread of elements, in one pass: parts are summed up by themselves, on any thread, and then
//! put together in a fixed order, so that the result does not depend on the number of threads.
//!
//! NaN and NaT are counted and left out of the rest. Minimum, maximum and the sum of integers are exact; the spread is that
//! of the whole population (NumPy's `std`), by the two-pass rule within a block and Chan's rule between blocks, so that a
//! large mean does not swallow a small spread.

mod float;
mod int;
mod sum;

use zarr_core::metadata::data_type::{FloatKind, IntKind};
use zarr_core::metadata::{DataType, Json};

use float::Floats;
use int::Ints;

/// Elements that are summed up at once.
const BLOCK: usize = 4096;

/// What the elements of a data type are summed up as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Bool,
    Int(IntKind),
    /// Times: the smallest one is "not a time".
    Time,
    Float(FloatKind),
    Complex(FloatKind),
}

impl Number {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Bool => Some(Self::Bool),
            DataType::Int(kind) => Some(Self::Int(*kind)),
            DataType::DateTime64(_) | DataType::TimeDelta64(_) => Some(Self::Time),
            DataType::Float(kind) => Some(Self::Float(*kind)),
            DataType::Complex { component, .. } => Some(Self::Complex(*component)),
            DataType::RawBits { .. }
            | DataType::RawBytes { .. }
            | DataType::NullTerminatedBytes { .. }
            | DataType::FixedLengthUtf32 { .. }
            | DataType::Struct(_)
            | DataType::String
            | DataType::Bytes(_)
            | DataType::Object(_)
            | DataType::Unknown(_)
            | _ => None,
        }
    }
}

/// Statistics on their way.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    number: Number,
    /// The bytes of the fill value, if there is one.
    fill: Option<Vec<u8>>,
    elements: u64,
    nan: u64,
    filled: u64,
    parts: Parts,
}

#[derive(Clone, Debug)]
enum Parts {
    Ints(Ints),
    Floats(Floats),
    /// Real and imaginary parts.
    Complex(Floats, Floats),
}

impl Statistics {
    /// Nothing yet; `None` if elements of this type cannot be summed up: strings, bytes, structs. `fill` are the bytes of
    /// the fill value.
    pub(crate) fn new(data_type: &DataType, fill: Option<&[u8]>) -> Option<Self> {
        let number = Number::of(data_type)?;
        Some(Self {
            number,
            fill: fill.map(<[u8]>::to_vec),
            elements: 0,
            nan: 0,
            filled: 0,
            parts: match number {
                Number::Bool | Number::Time => Parts::Ints(Ints::default()),
                Number::Int(IntKind::UInt64) => Parts::Ints(Ints::above_zero()),
                Number::Int(_) => Parts::Ints(Ints::default()),
                Number::Float(_) => Parts::Floats(Floats::default()),
                Number::Complex(_) => Parts::Complex(Floats::default(), Floats::default()),
            },
        })
    }

    /// Adds elements in decoded form: little-endian and packed.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        match self.number {
            Number::Bool => self.add_ints::<1>(bytes, |[byte]| i64::from(byte != 0)),
            Number::Time => self.add_ints::<8>(bytes, i64::from_le_bytes),
            Number::Int(kind) => match kind {
                IntKind::Int8 => self.add_ints::<1>(bytes, |byte| i8::from_le_bytes(byte).into()),
                IntKind::Int16 => self.add_ints::<2>(bytes, |bytes| i16::from_le_bytes(bytes).into()),
                IntKind::Int32 => self.add_ints::<4>(bytes, |bytes| i32::from_le_bytes(bytes).into()),
                IntKind::Int64 => self.add_ints::<8>(bytes, i64::from_le_bytes),
                IntKind::UInt16 => self.add_ints::<2>(bytes, |bytes| u16::from_le_bytes(bytes).into()),
                IntKind::UInt32 => self.add_ints::<4>(bytes, |bytes| u32::from_le_bytes(bytes).into()),
                IntKind::UInt64 => {
                    self.add_ints::<8>(bytes, |bytes| Ints::stored(u64::from_le_bytes(bytes)));
                }
                IntKind::UInt8 => self.add_ints::<1>(bytes, |[byte]| byte.into()),
                IntKind::Int2 | IntKind::Int4 | IntKind::UInt2 | IntKind::UInt4 => {
                    self.add_small_ints(kind, bytes);
                }
            },
            Number::Float(kind) => match kind.size_bytes() {
                8 => self.add_floats::<8>(bytes, f64::from_le_bytes),
                4 => self.add_floats::<4>(bytes, |bytes| f32::from_le_bytes(bytes).into()),
                2 => self.add_floats::<2>(bytes, |bytes| kind.decode_f64(u16::from_le_bytes(bytes).into())),
                _ => self.add_floats::<1>(bytes, |[byte]| kind.decode_f64(byte.into())),
            },
            Number::Complex(kind) => self.add_complex(kind, bytes),
        }
    }

    fn add_small_ints(&mut self, kind: IntKind, bytes: &[u8]) {
        let unused = i64::BITS - kind.bits();
        let signed = kind.min() < 0;
        self.add_ints::<1>(bytes, |[byte]| {
            let bits = i64::from(byte) << unused;
            if signed {
                bits >> unused
            } else {
                (bits.cast_unsigned() >> unused).cast_signed()
            }
        });
    }

    fn add_ints<const SIZE: usize>(&mut self, bytes: &[u8], load: impl Fn([u8; SIZE]) -> i64) {
        let fill = self.fill_as(&load);
        let Parts::Ints(ints) = &mut self.parts else {
            return;
        };
        let is_time = self.number == Number::Time;
        for_each_block(bytes, load, |block| {
            self.elements += block.len() as u64;
            if let Some(fill) = fill {
                self.filled += block.iter().filter(|value| **value == fill).count() as u64;
            }
            if is_time {
                let before = block.len();
                block.retain(|value| *value != i64::MIN);
                self.nan += (before - block.len()) as u64;
            }
            ints.add(block);
        });
    }

    fn add_floats<const SIZE: usize>(&mut self, bytes: &[u8], load: impl Fn([u8; SIZE]) -> f64) {
        let fill = self.fill_as(&load);
        let Parts::Floats(floats) = &mut self.parts else {
            return;
        };
        for_each_block(bytes, load, |block| {
            self.elements += block.len() as u64;
            let before = block.len();
            if let Some(fill) = fill {
                self.filled += block.iter().filter(|value| same(**value, fill)).count() as u64;
            }
            block.retain(|value| !value.is_nan());
            self.nan += (before - block.len()) as u64;
            floats.add(block);
        });
    }

    /// The fill value as elements are loaded, if there is one of their size.
    fn fill_as<const SIZE: usize, T>(&self, load: impl Fn([u8; SIZE]) -> T) -> Option<T> {
        let fill = self.fill.as_deref()?;
        fill.try_into().ok().map(load)
    }

    fn add_complex(&mut self, kind: FloatKind, bytes: &[u8]) {
        let Parts::Complex(re, im) = &mut self.parts else {
            return;
        };
        let size = kind.size_bytes();
        let load = |bytes: &[u8]| {
            let mut bits = [0; 8];
            bits[..size].copy_from_slice(bytes);
            kind.decode_f64(u64::from_le_bytes(bits))
        };
        let both = |element: &[u8]| {
            let (re, im) = element.split_at(size);
            (load(re), load(im))
        };
        let fill = self
            .fill
            .as_deref()
            .filter(|fill| fill.len() == 2 * size)
            .map(both);
        let (mut res, mut ims) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        for block in bytes.chunks(2 * size * BLOCK) {
            res.clear();
            ims.clear();
            for (re, im) in block.chunks_exact(2 * size).map(both) {
                self.elements += 1;
                if let Some((fill_re, fill_im)) = fill {
                    self.filled += u64::from(same(re, fill_re) && same(im, fill_im));
                }
                if re.is_nan() || im.is_nan() {
                    self.nan += 1;
                } else {
                    res.push(re);
                    ims.push(im);
                }
            }
            re.add(&res);
            im.add(&ims);
        }
    }

    /// What `count` times the same element come to; these statistics are of nothing yet.
    pub(crate) fn repeated(&self, element: &[u8], count: u64) -> Self {
        let mut one = self.clone();
        if count == 0 {
            return one;
        }
        one.add(element);
        one.elements *= count;
        one.nan *= count;
        one.filled *= count;
        match &mut one.parts {
            Parts::Ints(ints) => ints.repeat(count),
            Parts::Floats(floats) => floats.repeat(count),
            Parts::Complex(re, im) => {
                re.repeat(count);
                im.repeat(count);
            }
        }
        one
    }

    /// Puts another part of the same array behind this one.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.elements += other.elements;
        self.nan += other.nan;
        self.filled += other.filled;
        match (&mut self.parts, &other.parts) {
            (Parts::Ints(ints), Parts::Ints(other)) => ints.merge(other),
            (Parts::Floats(floats), Parts::Floats(other)) => floats.merge(other),
            (Parts::Complex(re, im), Parts::Complex(other_re, other_im)) => {
                re.merge(other_re);
                im.merge(other_im);
            }
            // Both were made for one array.
            (Parts::Ints(_) | Parts::Floats(_) | Parts::Complex(..), _) => {}
        }
    }

    /// How many elements were added.
    pub(crate) fn elements(&self) -> u64 {
        self.elements
    }

    /// How many of them are NaN or NaT; `None` if the type has neither.
    pub(crate) fn nan(&self) -> Option<u64> {
        match self.number {
            Number::Bool | Number::Int(_) => None,
            Number::Time | Number::Float(_) | Number::Complex(_) => Some(self.nan),
        }
    }

    /// How many of them equal the fill value (NaN equals NaN, 0.0 equals -0.0); `None` if there is no fill value.
    pub(crate) fn filled(&self) -> Option<u64> {
        self.fill.as_ref().map(|_| self.filled)
    }

    /// How many of them are infinite, or have an infinite part.
    pub(crate) fn infinite(&self) -> u64 {
        match &self.parts {
            Parts::Ints(_) => 0,
            Parts::Floats(floats) => floats.infinite(),
            Parts::Complex(re, im) => re.infinite().max(im.infinite()),
        }
    }

    /// The least element; `None` if there is none, and for complex numbers, which have no order.
    pub(crate) fn min(&self) -> Option<Json> {
        self.extreme(Ints::min, Floats::min)
    }

    /// The greatest element, as [`Statistics::min`].
    pub(crate) fn max(&self) -> Option<Json> {
        self.extreme(Ints::max, Floats::max)
    }

    fn extreme(
        &self,
        of_ints: fn(&Ints) -> Option<i128>,
        of_floats: fn(&Floats) -> Option<f64>,
    ) -> Option<Json> {
        match &self.parts {
            Parts::Ints(ints) => of_ints(ints).map(|value| match self.number {
                Number::Bool => Json::from(value != 0),
                Number::Int(_) | Number::Time | Number::Float(_) | Number::Complex(_) => int(value),
            }),
            Parts::Floats(floats) => of_floats(floats).map(|value| self.float(value)),
            Parts::Complex(..) => None,
        }
    }

    /// A value of the array as it is printed: `0.1` for the `float32` next to it.
    fn float(&self, value: f64) -> Json {
        let Number::Float(kind) = self.number else {
            return value.into();
        };
        let bytes = kind.encode_f64(value).map(u64::to_le_bytes);
        let json = bytes.and_then(|bytes| {
            zarr_core::metadata::element_to_json(&DataType::Float(kind), &bytes[..kind.size_bytes()]).ok()
        });
        json.unwrap_or_else(|| value.into())
    }

    /// The mean; of complex numbers both parts. Beyond 2⁵³ the mean of integers has its integer digits exact.
    pub(crate) fn mean(&self) -> Option<Json> {
        match &self.parts {
            Parts::Ints(ints) => ints.mean(),
            Parts::Floats(floats) => floats.mean().map(number),
            Parts::Complex(re, im) => Some([number(re.mean()?), number(im.mean()?)].into()),
        }
    }

    /// The standard deviation of the population.
    pub(crate) fn sd(&self) -> Option<Json> {
        match &self.parts {
            Parts::Ints(ints) => ints.variance().map(f64::sqrt).map(number),
            Parts::Floats(floats) => floats.variance().map(f64::sqrt).map(number),
            Parts::Complex(re, im) => Some(number((re.variance()? + im.variance()?).sqrt())),
        }
    }
}

/// Loads elements and hands them on, [`BLOCK`] of them at a time.
fn for_each_block<const SIZE: usize, T>(
    bytes: &[u8],
    load: impl Fn([u8; SIZE]) -> T,
    mut each: impl FnMut(&mut Vec<T>),
) {
    let mut block = Vec::with_capacity(BLOCK);
    for bytes in bytes.as_chunks::<SIZE>().0.chunks(BLOCK) {
        block.clear();
        block.extend(bytes.iter().map(|bytes| load(*bytes)));
        each(&mut block);
    }
}

/// A number of JSON, or NumPy's word for what is none.
fn number(value: f64) -> Json {
    value.into()
}

fn int(value: i128) -> Json {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => value.into(),
        (Err(_), Ok(value)) => value.into(),
        (Err(_), Err(_)) => value.to_string().into(),
    }
}

/// Whether two floats are the same value: NaN is NaN.
#[expect(clippy::float_cmp, reason = "sameness is what is asked for")]
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[cfg(test)]
mod tests;
