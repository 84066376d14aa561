//! Bits of every float kind to values and back, by one algorithm.

use super::FloatKind;

/// What the bit patterns at the end of the range mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    /// As in IEEE 754: the largest exponent is infinity and NaNs.
    Ieee,
    /// No infinity; only the largest magnitude is NaN (`fn`).
    NanAtTop,
    /// No infinity, no negative zero: its pattern is NaN (`fnuz`).
    NanAtNegativeZero,
    /// Neither infinity nor NaN.
    Finite,
}

#[derive(Clone, Copy)]
struct Layout {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

impl Layout {
    const fn new(exponent_bits: u32, mantissa_bits: u32, bias: i32, special: Special) -> Self {
        Self {
            exponent_bits,
            mantissa_bits,
            bias,
            special,
        }
    }

    const fn sign_bit(self) -> u64 {
        1 << (self.exponent_bits + self.mantissa_bits)
    }

    /// The infinity of IEEE kinds: all ones in the exponent.
    const fn infinity(self) -> u64 {
        ((1 << self.exponent_bits) - 1) << self.mantissa_bits
    }

    /// The largest finite magnitude.
    const fn largest(self) -> u64 {
        match self.special {
            Special::Ieee => self.infinity() - 1,
            Special::NanAtTop => self.sign_bit() - 2,
            Special::NanAtNegativeZero | Special::Finite => self.sign_bit() - 1,
        }
    }

    const fn nan(self) -> Option<u64> {
        match self.special {
            Special::Ieee => Some(self.infinity() | 1 << (self.mantissa_bits - 1)),
            Special::NanAtTop => Some(self.sign_bit() - 1),
            Special::NanAtNegativeZero => Some(self.sign_bit()),
            Special::Finite => None,
        }
    }

    fn is_nan(self, bits: u64) -> bool {
        let magnitude = bits & (self.sign_bit() - 1);
        match self.special {
            Special::Ieee => magnitude > self.infinity(),
            Special::NanAtTop => magnitude == self.sign_bit() - 1,
            Special::NanAtNegativeZero => bits == self.sign_bit(),
            Special::Finite => false,
        }
    }

    fn decode_f64(self, bits: u64) -> f64 {
        if self.is_nan(bits) {
            return f64::NAN;
        }
        let magnitude = bits & (self.sign_bit() - 1);
        let value = if self.special == Special::Ieee && magnitude == self.infinity() {
            f64::INFINITY
        } else {
            let field = magnitude >> self.mantissa_bits;
            let mantissa = magnitude & ((1 << self.mantissa_bits) - 1);
            let significand = if field == 0 {
                mantissa
            } else {
                mantissa | 1 << self.mantissa_bits
            };
            #[expect(clippy::cast_possible_truncation, reason = "at most 8 bits")]
            let exponent = field.max(1) as i32 - self.bias - self.mantissa_bits.cast_signed();
            #[expect(clippy::cast_precision_loss, reason = "at most 11 bits")]
            let significand = significand as f64;
            significand * power_of_two(exponent)
        };
        if bits & self.sign_bit() == 0 {
            value
        } else {
            -value
        }
    }

    fn encode_f64(self, value: f64) -> Option<u64> {
        if value.is_nan() {
            return self.nan();
        }
        let code = self.magnitude_code(value.abs());
        let code = if code <= self.largest() {
            code
        } else if self.special == Special::Ieee {
            self.infinity()
        } else {
            return None;
        };
        let negative = value.is_sign_negative() && !(self.special == Special::NanAtNegativeZero && code == 0);
        Some(if negative { code | self.sign_bit() } else { code })
    }

    /// The pattern of a value that is not negative, rounded to nearest, ties to even, as if exponents had no end.
    fn magnitude_code(self, magnitude: f64) -> u64 {
        if magnitude == 0.0 {
            return 0;
        }
        if magnitude.is_infinite() {
            return u64::MAX;
        }
        // The distance between neighbours here is a power of two; subnormals share that of the smallest exponent.
        let smallest = 1 - self.bias;
        let exponent = exponent_of(magnitude).max(smallest);
        let quantum = exponent - self.mantissa_bits.cast_signed();
        // Exact: a product with a power of two, and far from both ends of what an f64 can hold.
        let steps = (magnitude * power_of_two(-quantum)).round_ties_even();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an integer from 0 to 2^11"
        )]
        let steps = steps as u64;
        // A carry into the next exponent comes out right by itself.
        (u64::from((exponent - smallest).unsigned_abs()) << self.mantissa_bits) + steps
    }
}

/// The exponent of the leading bit: 0 for values from 1 to below 2. Subnormals count as 2^-1023, which is below
/// all that the small kinds tell from zero.
fn exponent_of(magnitude: f64) -> i32 {
    // 11 bits.
    let field = (magnitude.to_bits() >> 52) as i32;
    field - 1023
}

/// 2^n, for n from -1022 to 1023.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(u64::from((n + 1023).clamp(1, 2046).unsigned_abs()) << 52)
}

/// The scale format: no sign, no mantissa, no zero; all ones is NaN.
mod e8m0 {
    use super::{exponent_of, power_of_two};

    pub(super) const NAN: u64 = 0xff;
    const BIAS: i32 = 127;

    pub(super) fn decode_f64(bits: u64) -> f64 {
        match i32::try_from(bits & 0xff) {
            Ok(field) if bits & 0xff != NAN => power_of_two(field - BIAS),
            Ok(_) | Err(_) => f64::NAN,
        }
    }

    pub(super) fn encode_f64(value: f64) -> Option<u64> {
        if value.is_nan() {
            return Some(NAN);
        }
        if value <= 0.0 || value.is_infinite() {
            return None;
        }
        let exponent = exponent_of(value);
        // Halfway goes up: the one bit of the significand is always odd.
        let up = value / power_of_two(exponent) >= 1.5;
        let field = u64::try_from(exponent + BIAS + i32::from(up)).ok()?;
        (field < NAN).then_some(field)
    }
}

impl FloatKind {
    /// The layout of the kinds that the general algorithm handles.
    const fn layout(self) -> Option<Layout> {
        Some(match self {
            Self::Float4E2M1Fn => Layout::new(2, 1, 1, Special::Finite),
            Self::Float6E2M3Fn => Layout::new(2, 3, 1, Special::Finite),
            Self::Float6E3M2Fn => Layout::new(3, 2, 3, Special::Finite),
            Self::Float8E3M4 => Layout::new(3, 4, 3, Special::Ieee),
            Self::Float8E4M3 => Layout::new(4, 3, 7, Special::Ieee),
            Self::Float8E4M3Fn => Layout::new(4, 3, 7, Special::NanAtTop),
            Self::Float8E4M3FnUz => Layout::new(4, 3, 8, Special::NanAtNegativeZero),
            Self::Float8E4M3B11FnUz => Layout::new(4, 3, 11, Special::NanAtNegativeZero),
            Self::Float8E5M2 => Layout::new(5, 2, 15, Special::Ieee),
            Self::Float8E5M2FnUz => Layout::new(5, 2, 16, Special::NanAtNegativeZero),
            Self::BFloat16 => Layout::new(8, 7, 127, Special::Ieee),
            Self::Float16 => Layout::new(5, 10, 15, Special::Ieee),
            Self::Float8E8M0FnU | Self::Float32 | Self::Float64 => return None,
        })
    }

    /// The value of a bit pattern, exactly; bits above [`bits`](Self::bits) are ignored.
    #[must_use]
    pub fn decode_f64(self, bits: u64) -> f64 {
        match (self.layout(), self) {
            (Some(layout), _) => layout.decode_f64(bits & self.mask()),
            (None, Self::Float8E8M0FnU) => e8m0::decode_f64(bits),
            #[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
            (None, Self::Float32) => f64::from(f32::from_bits(bits as u32)),
            (None, _) => f64::from_bits(bits),
        }
    }

    /// The bit pattern nearest to a value: ties to even, beyond the largest finite value infinity.
    ///
    /// `None` where the kind has no such value: NaN or infinity if it lacks them, too large a number if it has no
    /// infinity, zero and negative numbers for `float8_e8m0fnu`. Every NaN gives the one of
    /// [`nan_bits`](Self::nan_bits); a negative zero gives zero where there is no other.
    #[must_use]
    pub fn encode_f64(self, value: f64) -> Option<u64> {
        match (self.layout(), self) {
            (Some(layout), _) => layout.encode_f64(value),
            (None, Self::Float8E8M0FnU) => e8m0::encode_f64(value),
            _ if value.is_nan() => self.nan_bits(),
            #[expect(clippy::cast_possible_truncation, reason = "rounds to nearest, ties to even")]
            (None, Self::Float32) => Some(u64::from((value as f32).to_bits())),
            (None, _) => Some(value.to_bits()),
        }
    }

    /// The NaN that the name `"NaN"` means: sign 0, quiet bit 1, the rest 0, or the only one there is.
    #[must_use]
    pub const fn nan_bits(self) -> Option<u64> {
        match (self.layout(), self) {
            (Some(layout), _) => layout.nan(),
            (None, Self::Float8E8M0FnU) => Some(e8m0::NAN),
            (None, Self::Float32) => Some(0x7fc0_0000),
            (None, _) => Some(0x7ff8_0000_0000_0000),
        }
    }

    /// All bits that count.
    const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }
}
