//! The small enums that a data type is made of: integer and float kinds, time units.

/// An integer type. Types of less than a byte take one byte each in memory, in its low bits, the rest zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name says all: sign and bits")]
pub enum IntKind {
    Int2,
    Int4,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt2,
    UInt4,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
}

impl IntKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Int2,
        Self::Int4,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::UInt2,
        Self::UInt4,
        Self::UInt8,
        Self::UInt16,
        Self::UInt32,
        Self::UInt64,
    ];

    /// The v3 name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int2 => "int2",
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::UInt2 => "uint2",
            Self::UInt4 => "uint4",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
        }
    }

    /// Number of bits that count.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Int2 | Self::UInt2 => 2,
            Self::Int4 | Self::UInt4 => 4,
            Self::Int8 | Self::UInt8 => 8,
            Self::Int16 | Self::UInt16 => 16,
            Self::Int32 | Self::UInt32 => 32,
            Self::Int64 | Self::UInt64 => 64,
        }
    }

    /// Size in memory, in bytes.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// Whether negative values exist.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64
        )
    }

    /// Smallest value.
    #[must_use]
    pub const fn min(self) -> i128 {
        if self.is_signed() {
            -(1 << (self.bits() - 1))
        } else {
            0
        }
    }

    /// Largest value.
    #[must_use]
    pub const fn max(self) -> i128 {
        (1 << (self.bits() - self.is_signed() as u32)) - 1
    }
}

/// A floating point type. Types of less than a byte take one byte each in memory, in its low bits, the rest zero.
///
/// The names say the bits of exponent and mantissa; `Fn`: finite (no infinities); `Uz`: no negative zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each name says all: width, exponent and mantissa bits"
)]
pub enum FloatKind {
    Float4E2M1Fn,
    Float6E2M3Fn,
    Float6E3M2Fn,
    Float8E3M4,
    Float8E4M3,
    Float8E4M3B11FnUz,
    Float8E4M3Fn,
    Float8E4M3FnUz,
    Float8E5M2,
    Float8E5M2FnUz,
    Float8E8M0FnU,
    BFloat16,
    Float16,
    Float32,
    Float64,
}

impl FloatKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Float4E2M1Fn,
        Self::Float6E2M3Fn,
        Self::Float6E3M2Fn,
        Self::Float8E3M4,
        Self::Float8E4M3,
        Self::Float8E4M3B11FnUz,
        Self::Float8E4M3Fn,
        Self::Float8E4M3FnUz,
        Self::Float8E5M2,
        Self::Float8E5M2FnUz,
        Self::Float8E8M0FnU,
        Self::BFloat16,
        Self::Float16,
        Self::Float32,
        Self::Float64,
    ];

    /// The v3 name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float4E2M1Fn => "float4_e2m1fn",
            Self::Float6E2M3Fn => "float6_e2m3fn",
            Self::Float6E3M2Fn => "float6_e3m2fn",
            Self::Float8E3M4 => "float8_e3m4",
            Self::Float8E4M3 => "float8_e4m3",
            Self::Float8E4M3B11FnUz => "float8_e4m3b11fnuz",
            Self::Float8E4M3Fn => "float8_e4m3fn",
            Self::Float8E4M3FnUz => "float8_e4m3fnuz",
            Self::Float8E5M2 => "float8_e5m2",
            Self::Float8E5M2FnUz => "float8_e5m2fnuz",
            Self::Float8E8M0FnU => "float8_e8m0fnu",
            Self::BFloat16 => "bfloat16",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }

    /// Number of bits that count.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Float4E2M1Fn => 4,
            Self::Float6E2M3Fn | Self::Float6E3M2Fn => 6,
            Self::Float8E3M4
            | Self::Float8E4M3
            | Self::Float8E4M3B11FnUz
            | Self::Float8E4M3Fn
            | Self::Float8E4M3FnUz
            | Self::Float8E5M2
            | Self::Float8E5M2FnUz
            | Self::Float8E8M0FnU => 8,
            Self::BFloat16 | Self::Float16 => 16,
            Self::Float32 => 32,
            Self::Float64 => 64,
        }
    }

    /// Size in memory, in bytes.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        self.bits().div_ceil(8) as usize
    }
}

/// The unit of a `numpy.datetime64` or `numpy.timedelta64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name says all")]
pub enum TimeUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Picosecond,
    Femtosecond,
    Attosecond,
    Generic,
}

impl TimeUnit {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Year,
        Self::Month,
        Self::Week,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
        Self::Millisecond,
        Self::Microsecond,
        Self::Nanosecond,
        Self::Picosecond,
        Self::Femtosecond,
        Self::Attosecond,
        Self::Generic,
    ];

    /// NumPy's code: `Y`, `M`, … `ns`, … `generic`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Year => "Y",
            Self::Month => "M",
            Self::Week => "W",
            Self::Day => "D",
            Self::Hour => "h",
            Self::Minute => "m",
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
            Self::Picosecond => "ps",
            Self::Femtosecond => "fs",
            Self::Attosecond => "as",
            Self::Generic => "generic",
        }
    }

    /// The unit of a code; `μs` (U+03BC) is NumPy's other name of `us`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code = if code == "μs" { "us" } else { code };
        Self::ALL.into_iter().find(|unit| unit.code() == code)
    }
}

/// A unit and how many of it make one tick of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeScale {
    /// The unit.
    pub unit: TimeUnit,
    /// Units in one tick: 1 to 2³¹ − 1.
    pub scale_factor: u32,
}

/// The order of the bytes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name says all")]
pub enum Endianness {
    Little,
    Big,
}

impl Endianness {
    /// `"little"` or `"big"`, as the `bytes` codec writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
        }
    }
}
