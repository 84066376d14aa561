//! A sum of floats that does not lose its small terms.

/// Beyond this no term is added as it is: 2⁶⁴ such terms might overflow.
const LARGE: f64 = f64::from_bits((1023 + 950) << 52);
/// What large sums are held in units of: 2⁷⁰.
const UNIT: f64 = f64::from_bits((1023 + 70) << 52);

/// The sum of finite numbers, in two parts: about 106 bits are exact.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    high: f64,
    low: f64,
    /// Whether the parts are in units of 2⁷⁰, because the sum itself might overflow.
    scaled: bool,
}

impl Sum {
    /// The sum of `values`, all finite.
    pub(crate) fn of(values: &[f64]) -> Self {
        let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if largest < LARGE {
            return Self::plain(values.iter().copied());
        }
        Self {
            scaled: true,
            ..Self::plain(values.iter().map(|value| value / UNIT))
        }
    }

    fn plain(values: impl Iterator<Item = f64>) -> Self {
        let (mut high, mut low) = (0.0, 0.0);
        for value in values {
            let (sum, error) = two_sum(high, value);
            high = sum;
            low += error;
        }
        let (high, low) = two_sum(high, low);
        Self {
            high,
            low,
            scaled: false,
        }
    }

    /// Adds another sum.
    pub(crate) fn add(&mut self, other: Self) {
        let scaled = self.scaled || other.scaled || self.high.abs() > LARGE || other.high.abs() > LARGE;
        let (a, b) = (self.in_units(scaled), other.in_units(scaled));
        let (high, error) = two_sum(a.high, b.high);
        let (high, low) = two_sum(high, error + (a.low + b.low));
        *self = Self { high, low, scaled };
    }

    /// Takes the sum so many times.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean of 2⁵³ elements is known to 53 bits"
    )]
    pub(crate) fn repeat(&mut self, count: u64) {
        let count = count as f64;
        // 2⁶⁴ times what is not large does not overflow.
        *self = self.in_units(self.scaled || self.high.abs() > LARGE);
        let high = self.high * count;
        self.low = self.high.mul_add(count, -high) + self.low * count;
        self.high = high;
    }

    fn in_units(self, scaled: bool) -> Self {
        if scaled && !self.scaled {
            return Self {
                high: self.high / UNIT,
                low: self.low / UNIT,
                scaled,
            };
        }
        self
    }

    /// The sum divided by `count`, in two parts.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean of 2⁵³ elements is known to 53 bits"
    )]
    pub(crate) fn mean(self, count: u64) -> (f64, f64) {
        let count = count as f64;
        let high = self.high / count;
        let rest = high.mul_add(-count, self.high) + self.low;
        let (high, low) = two_sum(high, rest / count);
        let unit = if self.scaled { UNIT } else { 1.0 };
        (high * unit, low * unit)
    }
}

/// The rounded sum, and what rounding left over.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_are_kept() {
        let sum = Sum::of(&[1e100, 1.0, -1e100]);
        assert_eq!(sum.mean(1), (1.0, 0.0));
        let mut sum = Sum::of(&[1e16]);
        (0..10).for_each(|_| sum.add(Sum::of(&[1.0])));
        sum.add(Sum::of(&[-1e16]));
        assert_eq!(sum.mean(10).0, 1.0);
    }

    #[test]
    fn large_terms_do_not_overflow() {
        let mut sum = Sum::of(&[f64::MAX; 1000]);
        assert_eq!(sum.mean(1000).0, f64::MAX);
        sum.add(Sum::of(&[-f64::MAX; 1000]));
        sum.add(Sum::of(&[UNIT]));
        assert_eq!(sum.mean(1).0, UNIT);
    }
}
