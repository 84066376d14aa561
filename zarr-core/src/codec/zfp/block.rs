//! One block of 4ᵈ numbers: block-floating point, decorrelating transform, bit planes.
//!
//! All arithmetic is on `i64`, wrapped to the width of the type after each step that could leave it.
//!
//! Algorithm: <https://zfp.readthedocs.io/en/release1.0.1/algorithm.html>.

use super::bits::{Reader, Writer};
use super::limits::{Limits, MAX_PRECISION};
use super::order::{ORDER_1, ORDER_2, ORDER_3, ORDER_4};

/// The type of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int32,
    Int64,
    Float32,
    Float64,
}

impl Kind {
    pub(super) fn width(self) -> u32 {
        match self {
            Self::Int32 | Self::Float32 => 32,
            Self::Int64 | Self::Float64 => 64,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Bits of the exponent, and what is added to it.
    fn exponent(self) -> (u32, i32) {
        match self {
            Self::Int32 | Self::Float32 => (8, 127),
            Self::Int64 | Self::Float64 => (11, 1023),
        }
    }

    /// The low bits of `value` with their sign.
    pub(super) fn wrap(self, value: i64) -> i64 {
        let unused = 64 - self.width();
        (value << unused) >> unused
    }

    pub(super) fn mask(self) -> u64 {
        u64::MAX >> (64 - self.width())
    }

    /// Bits in which the number of bit planes is stored.
    fn precision_bits(self) -> u32 {
        self.width().ilog2()
    }

    fn to_float(self, bits: u64) -> f64 {
        match self {
            Self::Int64 | Self::Float64 => f64::from_bits(bits),
            Self::Int32 | Self::Float32 => {
                f64::from(f32::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or(0)))
            }
        }
    }
}

/// Blocks of one kind and dimensionality.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    pub(super) kind: Kind,
    pub(super) dimensions: u32,
    pub(super) limits: Limits,
}

/// A block's numbers, by their bits.
pub(super) type Block = [u64; 256];

impl Blocks {
    /// Numbers in a block.
    pub(super) fn size(self) -> usize {
        1 << (2 * self.dimensions)
    }

    fn order(self) -> &'static [u8] {
        match self.dimensions {
            1 => &ORDER_1,
            2 => &ORDER_2,
            3 => &ORDER_3,
            _ => &ORDER_4,
        }
    }

    /// Bit planes that are worth storing for a block with this largest exponent.
    fn precision(self, exponent: i32) -> u32 {
        let planes = exponent - self.limits.min_exponent + 2 * self.dimensions.cast_signed() + 2;
        self.limits.max_precision.min(u32::try_from(planes).unwrap_or(0))
    }

    pub(super) fn decode(self, reader: &mut Reader<'_>, block: &mut Block) {
        let numbers = block.get_mut(..self.size()).unwrap_or_default();
        numbers.fill(0);
        let reversible = self.limits.is_reversible();
        if !self.kind.is_float() {
            let mut integers = self.decode_integers(reader, 0, self.limits.max_precision);
            self.store(&mut integers, numbers);
            return;
        }
        let (exponent_bits, bias) = self.kind.exponent();
        if !reader.bit() {
            reader.skip(self.limits.min_bits.saturating_sub(1));
            return;
        }
        if reversible && reader.bit() {
            let mut integers = self.decode_integers(reader, 2, MAX_PRECISION);
            for integer in integers.iter_mut().take(self.size()) {
                *integer = self.sign_magnitude(*integer);
            }
            self.store(&mut integers, numbers);
            return;
        }
        let stored = i32::try_from(reader.bits(exponent_bits)).unwrap_or(0);
        let exponent = stored - bias;
        let used = u64::from(exponent_bits) + if reversible { 2 } else { 1 };
        let integers = self.decode_integers(reader, used, self.precision(exponent));
        if reversible && stored == 0 {
            return;
        }
        let scale = power_of_two(exponent - self.kind.width().cast_signed() + 2);
        for (number, integer) in numbers.iter_mut().zip(integers) {
            *number = match self.kind {
                // As the library computes it, in the precision of the type.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "single precision is what is asked for"
                )]
                Kind::Float32 | Kind::Int32 => u64::from((scale as f32 * integer as f32).to_bits()),
                #[expect(clippy::cast_precision_loss, reason = "rounding is what is asked for")]
                Kind::Float64 | Kind::Int64 => (scale * integer as f64).to_bits(),
            };
        }
    }

    fn store(self, integers: &mut [i64; 256], numbers: &mut [u64]) {
        for (number, integer) in numbers.iter_mut().zip(integers) {
            *number = integer.cast_unsigned() & self.kind.mask();
        }
    }

    /// Two's complement to sign and magnitude, and back.
    fn sign_magnitude(self, value: i64) -> i64 {
        if value < 0 {
            self.kind.wrap(value ^ (self.kind.mask() >> 1).cast_signed())
        } else {
            value
        }
    }

    /// Decodes the integers of a block of which `used` bits are read.
    fn decode_integers(self, reader: &mut Reader<'_>, used: u64, precision: u32) -> [i64; 256] {
        let mut used = used;
        let mut planes = precision;
        let least = self.limits.min_bits.saturating_sub(used);
        let most = self.limits.max_bits.saturating_sub(used);
        used = 0;
        if self.limits.is_reversible() {
            let bits = self.kind.precision_bits();
            planes = u32::try_from(reader.bits(bits)).unwrap_or(0) + 1;
            used += u64::from(bits);
        }
        let mut coefficients = [0_u64; 256];
        let size = self.size();
        used += self.decode_planes(
            reader,
            most.saturating_sub(used),
            planes,
            coefficients.get_mut(..size).unwrap_or_default(),
        );
        reader.skip(least.saturating_sub(used));
        let mut integers = [0_i64; 256];
        for (place, coefficient) in self.order().iter().zip(coefficients) {
            integers[usize::from(*place)] = self.undo_negabinary(coefficient);
        }
        self.transform(
            &mut integers,
            if self.limits.is_reversible() {
                Self::reversible_inverse
            } else {
                Self::inverse
            },
            true,
        );
        integers
    }

    pub(super) fn encode(self, writer: &mut Writer, block: &Block) {
        let numbers = block.get(..self.size()).unwrap_or_default();
        let mut integers = [0_i64; 256];
        let signed = |bits: u64| self.kind.wrap(bits.cast_signed());
        let reversible = self.limits.is_reversible();
        if !self.kind.is_float() {
            for (integer, number) in integers.iter_mut().zip(numbers) {
                *integer = signed(*number);
            }
            self.encode_integers(writer, 0, self.limits.max_precision, &mut integers);
            return;
        }
        let (exponent_bits, bias) = self.kind.exponent();
        let exponent = numbers
            .iter()
            .map(|bits| self.exponent_of(*bits))
            .max()
            .unwrap_or(-bias);
        let stored = u64::try_from(exponent + bias).unwrap_or(0);
        let down = self.kind.width().cast_signed() - 2 - exponent;
        // In two steps, because the factor alone may be too large.
        let (half, rest) = (power_of_two(down / 2), power_of_two(down - down / 2));
        for (integer, number) in integers.iter_mut().zip(numbers) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "cutting the fraction is what is asked for"
            )]
            let scaled = (self.kind.to_float(*number) * half * rest) as i64;
            *integer = scaled;
        }
        if reversible {
            if self.restores(numbers, &integers, exponent) {
                if stored == 0 {
                    writer.bit(false);
                    writer.pad(self.limits.min_bits.saturating_sub(1));
                    return;
                }
                writer.bits(1, 2);
                writer.bits(stored, exponent_bits);
                self.encode_integers(writer, 2 + u64::from(exponent_bits), MAX_PRECISION, &mut integers);
            } else {
                for (integer, number) in integers.iter_mut().zip(numbers) {
                    *integer = self.sign_magnitude(signed(*number));
                }
                writer.bits(3, 2);
                self.encode_integers(writer, 2, MAX_PRECISION, &mut integers);
            }
            return;
        }
        let precision = self.precision(exponent);
        if precision == 0 || stored == 0 {
            writer.bit(false);
            writer.pad(self.limits.min_bits.saturating_sub(1));
            return;
        }
        writer.bit(true);
        writer.bits(stored, exponent_bits);
        self.encode_integers(writer, 1 + u64::from(exponent_bits), precision, &mut integers);
    }

    /// The exponent of a number as `frexp` gives it; those below the normal ones count as the smallest normal one.
    fn exponent_of(self, bits: u64) -> i32 {
        let (exponent_bits, bias) = self.kind.exponent();
        let magnitude = bits & (self.kind.mask() >> 1);
        if magnitude == 0 {
            return -bias;
        }
        let stored = magnitude >> (self.kind.width() - 1 - exponent_bits);
        i32::try_from(stored).unwrap_or(0) - bias + 1
    }

    /// Whether the integers give back the numbers bit by bit.
    fn restores(self, numbers: &[u64], integers: &[i64; 256], exponent: i32) -> bool {
        let (exponent_bits, bias) = self.kind.exponent();
        // Infinities and NaNs: their exponent is one more than can be stored, though zeros and infinities alone would seem
        // to come back.
        if (exponent + bias) >> exponent_bits != 0 {
            return false;
        }
        let scale = power_of_two(exponent - self.kind.width().cast_signed() + 2);
        numbers
            .iter()
            .zip(integers)
            .all(|(number, integer)| match self.kind {
                _ if exponent == -bias => *number == 0,
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "single precision is what is asked for"
                )]
                Kind::Float32 | Kind::Int32 => {
                    u64::from((scale as f32 * *integer as f32).to_bits()) == *number
                }
                #[expect(clippy::cast_precision_loss, reason = "rounding is what is asked for")]
                Kind::Float64 | Kind::Int64 => (scale * *integer as f64).to_bits() == *number,
            })
    }

    fn encode_integers(self, writer: &mut Writer, used: u64, precision: u32, integers: &mut [i64; 256]) {
        let least = self.limits.min_bits.saturating_sub(used);
        let most = self.limits.max_bits.saturating_sub(used);
        self.transform(
            integers,
            if self.limits.is_reversible() {
                Self::reversible_forward
            } else {
                Self::forward
            },
            false,
        );
        let mut coefficients = [0_u64; 256];
        for (place, coefficient) in self.order().iter().zip(&mut coefficients) {
            *coefficient = self.to_negabinary(integers[usize::from(*place)]);
        }
        let data = coefficients.get(..self.size()).unwrap_or_default();
        let mut used = 0;
        let mut planes = precision;
        if self.limits.is_reversible() {
            let bits = self.kind.precision_bits();
            let all = data.iter().fold(0, |all, value| all | value);
            let needed = if all == 0 {
                0
            } else {
                self.kind.width() - all.trailing_zeros()
            };
            planes = needed.min(self.limits.max_precision).max(1);
            writer.bits(u64::from(planes - 1), bits);
            used += u64::from(bits);
        }
        used += self.encode_planes(writer, most.saturating_sub(used), planes, data);
        writer.pad(least.saturating_sub(used));
    }
}

/// 2 to the power of `exponent`: zero or infinity beyond double precision.
fn power_of_two(exponent: i32) -> f64 {
    match u64::try_from(exponent + 1023) {
        Ok(biased @ 1..=2046) => f64::from_bits(biased << 52),
        Ok(2047..) => f64::INFINITY,
        _ => u32::try_from(exponent + 1074).map_or(0.0, |bit| f64::from_bits(1 << bit)),
    }
}
