//! Integers summed up, exactly.

use zarr_core::metadata::Json;

/// Integers of up to 64 bits, signed or not: those of `uint64` are held less 2⁶³.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ints {
    /// What was taken off each.
    offset: i128,
    count: u64,
    min: i64,
    max: i64,
    sum: i128,
    /// The sum of squared distances from the mean.
    squares: f64,
}

/// Half of what 64 bits hold.
const HALF: u64 = 1 << 63;

impl Ints {
    /// For numbers of `uint64`.
    pub(crate) fn above_zero() -> Self {
        Self {
            offset: i128::from(HALF),
            ..Self::default()
        }
    }

    /// How a number of `uint64` is held.
    pub(crate) fn stored(value: u64) -> i64 {
        (value ^ HALF).cast_signed()
    }

    /// Adds a block of less than 2³¹ numbers.
    pub(crate) fn add(&mut self, block: &[i64]) {
        let (Some(min), Some(max)) = (block.iter().min(), block.iter().max()) else {
            return;
        };
        // By halves, so that no carry has to be looked after.
        let high: i64 = block.iter().map(|value| value >> 32).sum();
        let low: i64 = block.iter().map(|value| value & 0xffff_ffff).sum();
        let sum = (i128::from(high) << 32) + i128::from(low);
        let count = block.len() as u64;
        let (whole, part) = quotient(sum, count);
        // Distances from the integer below the mean are exact; the rule of Steiner moves them to the mean.
        let pivot = i64::try_from(whole).unwrap_or_default();
        let squares: f64 = if max.checked_sub(*min).is_some() {
            block
                .iter()
                .map(|value| square(real(i128::from(value - pivot))))
                .sum()
        } else {
            let distance = |value: &i64| real(i128::from(*value) - whole);
            block.iter().map(|value| square(distance(value))).sum()
        };
        let squares = (squares - real(i128::from(count)) * square(part)).max(0.0);
        self.merge(&Self {
            offset: self.offset,
            count,
            min: *min,
            max: *max,
            sum,
            squares,
        });
    }

    /// Puts others to these.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (whole, part) = quotient(self.sum, self.count);
        let (other_whole, other_part) = quotient(other.sum, other.count);
        let distance = real(other_whole - whole) + (other_part - part);
        let count = self.count + other.count;
        let (a, b, all) = (
            real(self.count.into()),
            real(other.count.into()),
            real(count.into()),
        );
        self.squares += other.squares + square(distance) * (a / all * b);
        self.sum += other.sum;
        self.count = count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Makes of one number so many of it.
    pub(crate) fn repeat(&mut self, count: u64) {
        self.count = self.count.saturating_mul(count);
        self.sum = self.sum.saturating_mul(count.into());
    }

    pub(crate) fn min(&self) -> Option<i128> {
        (self.count > 0).then(|| i128::from(self.min) + self.offset)
    }

    pub(crate) fn max(&self) -> Option<i128> {
        (self.count > 0).then(|| i128::from(self.max) + self.offset)
    }

    /// The mean: as a float where that is exact to its last digit, else with all its integer digits and six more.
    pub(crate) fn mean(&self) -> Option<Json> {
        if self.count == 0 {
            return None;
        }
        const EXACT: u128 = 1 << 53;
        let count = i128::from(self.count);
        let sum = self.sum + self.offset * count;
        if sum.unsigned_abs() <= EXACT && self.count <= 1 << 53 {
            return Some((real(sum) / real(count)).into());
        }
        let (whole, part) = quotient(sum, self.count);
        if whole.unsigned_abs() < EXACT {
            return Some((real(whole) + part).into());
        }
        const DIGITS: u128 = 1_000_000;
        let magnitude = sum.unsigned_abs();
        let (whole, rest) = (
            magnitude / u128::from(self.count),
            magnitude % u128::from(self.count),
        );
        let digits = (rest * DIGITS + u128::from(self.count / 2)) / u128::from(self.count);
        let (whole, digits) = (whole + digits / DIGITS, digits % DIGITS);
        let text = format!("{}{whole}.{digits:06}", if sum < 0 { "-" } else { "" });
        Json::parse(text.trim_end_matches('0').trim_end_matches('.').as_bytes()).ok()
    }

    pub(crate) fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| self.squares / real(self.count.into()))
    }
}

/// The integer below `sum / count`, and how far the quotient is above it: below 1.
fn quotient(sum: i128, count: u64) -> (i128, f64) {
    let count = i128::from(count);
    (sum.div_euclid(count), real(sum.rem_euclid(count)) / real(count))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only distances and quotients are rounded"
)]
fn real(value: i128) -> f64 {
    value as f64
}

fn square(value: f64) -> f64 {
    value * value
}
