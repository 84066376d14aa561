//! The Rust types that elements can be read as.

use bytemuck::Pod;
use num_complex::Complex;

use crate::metadata::DataType;
use crate::metadata::data_type::{FloatKind, IntKind};

/// A Rust type that elements of a data type can be read as and written from.
///
/// | Rust | data type |
/// |---|---|
/// | `bool` | bool |
/// | `i8` … `i64`, `u8` … `u64` | the integer of that width; `i8` and `u8` also those of 2 and 4 bits |
/// | `i64` | also datetime64 and timedelta64, in their unit; NaT is `i64::MIN` |
/// | `half::f16`, `half::bf16`, `f32`, `f64` | float16, bfloat16, float32, float64 |
/// | `Complex<f32>`, `Complex<f64>` | complex64, complex128 |
pub trait Element: Copy + Send + Sync + 'static {
    /// The form it has in memory, of the same size.
    type Raw: Pod + Send + Sync;

    /// Whether elements of `data_type` are of this type.
    fn is_for(data_type: &DataType) -> bool;

    /// From decoded form (little-endian, see [`DataType`]).
    fn from_raw(raw: Vec<Self::Raw>, data_type: &DataType) -> Vec<Self>;

    /// The memory of `buffer`, to be filled with decoded form; empty where the two forms are different types.
    fn memory_of(buffer: Vec<Self>) -> Vec<Self::Raw>;

    /// To decoded form.
    ///
    /// # Errors
    /// The place of the first element that `data_type` cannot hold: 8 in an `int4`.
    fn to_raw(elements: &[Self], data_type: &DataType) -> Result<Vec<Self::Raw>, usize>;
}

/// Numbers whose decoded form is their form in memory, but for the byte order.
macro_rules! number {
    ($($type:ty, $width:expr => $pattern:pat),* $(,)?) => {$(
        impl Element for $type {
            type Raw = Self;

            fn is_for(data_type: &DataType) -> bool {
                matches!(data_type, $pattern)
            }

            fn from_raw(mut raw: Vec<Self>, _: &DataType) -> Vec<Self> {
                swap_on_big_endian(&mut raw, $width);
                raw
            }

            fn memory_of(buffer: Vec<Self>) -> Vec<Self> {
                buffer
            }

            fn to_raw(elements: &[Self], _: &DataType) -> Result<Vec<Self>, usize> {
                let mut raw = elements.to_vec();
                swap_on_big_endian(&mut raw, $width);
                Ok(raw)
            }
        }
    )*};
}

number! {
    i16, 2 => DataType::Int(IntKind::Int16),
    i32, 4 => DataType::Int(IntKind::Int32),
    i64, 8 => DataType::Int(IntKind::Int64) | DataType::DateTime64(_) | DataType::TimeDelta64(_),
    u16, 2 => DataType::Int(IntKind::UInt16),
    u32, 4 => DataType::Int(IntKind::UInt32),
    u64, 8 => DataType::Int(IntKind::UInt64),
    half::f16, 2 => DataType::Float(FloatKind::Float16),
    half::bf16, 2 => DataType::Float(FloatKind::BFloat16),
    f32, 4 => DataType::Float(FloatKind::Float32),
    f64, 8 => DataType::Float(FloatKind::Float64),
    Complex<f32>, 4 => DataType::Complex { component: FloatKind::Float32, .. },
    Complex<f64>, 8 => DataType::Complex { component: FloatKind::Float64, .. },
}

/// Signed integers of less than a byte are extended: in decoded form the bits above them are zero.
impl Element for i8 {
    type Raw = Self;

    fn is_for(data_type: &DataType) -> bool {
        matches!(
            data_type,
            DataType::Int(IntKind::Int2 | IntKind::Int4 | IntKind::Int8)
        )
    }

    fn from_raw(mut raw: Vec<Self>, data_type: &DataType) -> Vec<Self> {
        let unused = 8 - used_bits(data_type);
        if unused > 0 {
            raw.iter_mut()
                .for_each(|element| *element = (*element << unused) >> unused);
        }
        raw
    }

    fn memory_of(buffer: Vec<Self>) -> Vec<Self> {
        buffer
    }

    fn to_raw(elements: &[Self], data_type: &DataType) -> Result<Vec<Self>, usize> {
        let used = used_bits(data_type);
        if used == 8 {
            return Ok(elements.to_vec());
        }
        let most = (1_i8 << (used - 1)) - 1;
        ensure_each(elements, |element| (-most - 1..=most).contains(&element))?;
        let mask = (1_i8 << used) - 1;
        Ok(elements.iter().map(|element| element & mask).collect())
    }
}

impl Element for u8 {
    type Raw = Self;

    fn is_for(data_type: &DataType) -> bool {
        matches!(
            data_type,
            DataType::Int(IntKind::UInt2 | IntKind::UInt4 | IntKind::UInt8)
        )
    }

    fn from_raw(raw: Vec<Self>, _: &DataType) -> Vec<Self> {
        raw
    }

    fn memory_of(buffer: Vec<Self>) -> Vec<Self> {
        buffer
    }

    fn to_raw(elements: &[Self], data_type: &DataType) -> Result<Vec<Self>, usize> {
        let most = Self::MAX >> (8 - used_bits(data_type));
        ensure_each(elements, |element| element <= most)?;
        Ok(elements.to_vec())
    }
}

/// How many of a byte's bits an integer of at most a byte has.
fn used_bits(data_type: &DataType) -> u32 {
    if let DataType::Int(kind) = data_type {
        kind.bits().min(8)
    } else {
        8
    }
}

fn ensure_each<T: Copy>(elements: &[T], fits: impl Fn(T) -> bool) -> Result<(), usize> {
    let unfit = elements.iter().position(|element| !fits(*element));
    unfit.map_or(Ok(()), Err)
}

impl Element for bool {
    type Raw = u8;

    fn is_for(data_type: &DataType) -> bool {
        matches!(data_type, DataType::Bool)
    }

    fn from_raw(raw: Vec<u8>, _: &DataType) -> Vec<Self> {
        raw.into_iter().map(|byte| byte != 0).collect()
    }

    fn memory_of(_: Vec<Self>) -> Vec<u8> {
        Vec::new()
    }

    fn to_raw(elements: &[Self], _: &DataType) -> Result<Vec<u8>, usize> {
        Ok(elements.iter().map(|element| u8::from(*element)).collect())
    }
}

fn swap_on_big_endian<T: Pod>(raw: &mut [T], width: usize) {
    if cfg!(target_endian = "big") && width > 1 {
        bytemuck::cast_slice_mut::<T, u8>(raw)
            .chunks_exact_mut(width)
            .for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_four_bits_keep_their_sign() {
        let data_type = DataType::Int(IntKind::Int4);
        assert_eq!(i8::from_raw(vec![0x0f, 0x07, 0x08], &data_type), [-1, 7, -8]);
        assert_eq!(i8::to_raw(&[-1, 7, -8], &data_type), Ok(vec![0x0f, 0x07, 0x08]));
        assert_eq!(i8::to_raw(&[-1], &DataType::Int(IntKind::Int8)), Ok(vec![-1]));
    }

    #[test]
    fn what_does_not_fit_into_a_few_bits_is_refused_by_its_place() {
        for (kind, least, most) in [(IntKind::Int2, -2, 1), (IntKind::Int4, -8, 7)] {
            let data_type = DataType::Int(kind);
            assert!(i8::to_raw(&[least, most], &data_type).is_ok(), "{kind:?}");
            assert_eq!(i8::to_raw(&[0, most + 1], &data_type), Err(1), "{kind:?}");
            assert_eq!(i8::to_raw(&[least - 1, 0], &data_type), Err(0), "{kind:?}");
        }
        for (kind, most) in [(IntKind::UInt2, 3), (IntKind::UInt4, 15)] {
            let data_type = DataType::Int(kind);
            assert_eq!(u8::to_raw(&[0, most], &data_type), Ok(vec![0, most]), "{kind:?}");
            assert_eq!(u8::to_raw(&[0, most + 1], &data_type), Err(1), "{kind:?}");
        }
        assert_eq!(u8::to_raw(&[255], &DataType::Int(IntKind::UInt8)), Ok(vec![255]));
    }
}
