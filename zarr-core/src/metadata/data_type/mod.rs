//! [`DataType`]: what an element is, for both formats.

mod float_bits;
#[cfg(test)]
mod float_tests;
mod kinds;
mod layout;
mod numpy;
mod object_type;
mod struct_type;
#[cfg(test)]
mod tests;
mod v2;
mod v3;

use std::borrow::Cow;

use super::NamedConfig;
pub use kinds::{Endianness, FloatKind, IntKind, TimeScale, TimeUnit};
pub use layout::ScalarRun;
pub use object_type::ObjectType;
pub use struct_type::{Field, StructType};
pub use v2::V2DataType;

/// The data type of an array.
///
/// # In memory
/// Everywhere in this crate a decoded array is in C order, and each element is little-endian and packed: the fields
/// of a struct without padding, each little-endian; a complex number as real, then imaginary part; UTF-32 and byte
/// strings of fixed length padded with zeros; datetimes as `i64`; booleans 0 or 1; values of less than a byte in
/// the low bits of a byte of their own, the other bits zero. Elements of variable length are byte strings.
///
/// Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/data-types/index.html>,
/// extensions: <https://github.com/zarr-developers/zarr-extensions/tree/main/data-types>,
/// v2: <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#data-type-encoding>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataType {
    /// `bool`; v2 `|b1`.
    Bool,
    /// `int8`, `uint4`, …; v2 `<i2`, `|u1`, …
    Int(IntKind),
    /// `float32`, `bfloat16`, `float8_e4m3fn`, …; v2 `<f4`, …
    Float(FloatKind),
    /// Two floats: `complex64` (two `float32`), `complex_bfloat16`, …; v2 `<c8`, …
    Complex {
        /// The type of each part.
        component: FloatKind,
        /// Which of its names it goes by.
        name: ComplexName,
    },
    /// `r24`: bits without a meaning, a whole number of bytes.
    RawBits {
        /// Size in bytes, at least 1.
        size_bytes: usize,
    },
    /// `raw_bytes`; v2 `|V6`.
    RawBytes {
        /// Size in bytes, at least 1.
        size_bytes: usize,
    },
    /// `null_terminated_bytes`; v2 `|S4`.
    NullTerminatedBytes {
        /// Size in bytes, at least 1.
        size_bytes: usize,
    },
    /// `fixed_length_utf32`; v2 `<U5`.
    FixedLengthUtf32 {
        /// Number of code points, of 4 bytes each; at least 1.
        code_points: usize,
    },
    /// `numpy.datetime64`; v2 `<M8[ns]`.
    DateTime64(TimeScale),
    /// `numpy.timedelta64`; v2 `<m8[ns]`.
    TimeDelta64(TimeScale),
    /// `struct` and the older `structured`; v2 a list of fields.
    Struct(StructType),
    /// `string`: UTF-8 of variable length; v2 `|O` with the filter `vlen-utf8`.
    String,
    /// `bytes` or `variable_length_bytes`; v2 `|O` with the filter `vlen-bytes`.
    Bytes(BytesName),
    /// v2 `|O` with another object codec.
    Object(ObjectType),
    /// A v3 data type that is not known: arrays of it are listed, not opened.
    Unknown(NamedConfig),
}

/// The names of a complex data type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComplexName {
    /// By the bits of both parts, as in the v3 core: `complex64`, `complex128`.
    TotalBits,
    /// By the part, as in the extensions: `complex_float32`.
    Component,
}

/// The names of the data type "byte string of variable length".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BytesName {
    /// `bytes`: the registered name.
    Bytes,
    /// `variable_length_bytes`: what zarr-python writes.
    VariableLengthBytes,
}

impl DataType {
    /// The name: of v3 where there is one, `object` for other Python objects of v2.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Bool => "bool".into(),
            Self::Int(kind) => kind.name().into(),
            Self::Float(kind) => kind.name().into(),
            Self::Complex {
                component: FloatKind::Float32,
                name: ComplexName::TotalBits,
            } => "complex64".into(),
            Self::Complex {
                component: FloatKind::Float64,
                name: ComplexName::TotalBits,
            } => "complex128".into(),
            Self::Complex { component, name: _ } => format!("complex_{}", component.name()).into(),
            Self::RawBits { size_bytes } => format!("r{}", size_bytes.saturating_mul(8)).into(),
            Self::RawBytes { .. } => "raw_bytes".into(),
            Self::NullTerminatedBytes { .. } => "null_terminated_bytes".into(),
            Self::FixedLengthUtf32 { .. } => "fixed_length_utf32".into(),
            Self::DateTime64(_) => "numpy.datetime64".into(),
            Self::TimeDelta64(_) => "numpy.timedelta64".into(),
            Self::Struct(_) => "struct".into(),
            Self::String => "string".into(),
            Self::Bytes(BytesName::Bytes) => "bytes".into(),
            Self::Bytes(BytesName::VariableLengthBytes) => "variable_length_bytes".into(),
            Self::Object(_) => "object".into(),
            Self::Unknown(unknown) => unknown.name().into(),
        }
    }

    /// Size of one element in memory, in bytes, always at least 1; `None` if it varies or is not known.
    #[must_use]
    pub fn size_bytes(&self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Int(kind) => Some(kind.size_bytes()),
            Self::Float(kind) => Some(kind.size_bytes()),
            Self::Complex { component, .. } => Some(2 * component.size_bytes()),
            Self::RawBits { size_bytes }
            | Self::RawBytes { size_bytes }
            | Self::NullTerminatedBytes { size_bytes } => Some(*size_bytes),
            Self::FixedLengthUtf32 { code_points } => code_points.checked_mul(4),
            Self::DateTime64(_) | Self::TimeDelta64(_) => Some(8),
            Self::Struct(fields) => Some(fields.size_bytes()),
            Self::String | Self::Bytes(_) | Self::Object(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether elements are byte strings of variable length.
    #[must_use]
    pub fn is_variable(&self) -> bool {
        matches!(self, Self::String | Self::Bytes(_) | Self::Object(_))
    }

    /// Whether this library knows the type. An array of an unknown one can be listed, not opened.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Bits that count in each element under the `packbits` codec; `None` if it does not apply.
    #[must_use]
    pub fn packed_bits(&self) -> Option<u32> {
        match self {
            Self::Bool => Some(1),
            Self::Int(kind) => Some(kind.bits()),
            Self::Float(kind) => Some(kind.bits()),
            // Each part is packed by itself, so this is the width of one component.
            Self::Complex { component, .. } => Some(component.bits()),
            Self::DateTime64(_) | Self::TimeDelta64(_) => Some(64),
            Self::RawBits { .. }
            | Self::RawBytes { .. }
            | Self::NullTerminatedBytes { .. }
            | Self::FixedLengthUtf32 { .. }
            | Self::Struct(_)
            | Self::String
            | Self::Bytes(_)
            | Self::Object(_)
            | Self::Unknown(_) => None,
        }
    }
}
