//! Floats summed up.

use super::sum::Sum;

/// Floats other than NaN.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floats {
    /// Finite ones.
    finite: u64,
    above: u64,
    below: u64,
    /// Of all of them, if there are some.
    range: Option<(f64, f64)>,
    /// Of the finite ones.
    sum: Sum,
    /// The sum of squared distances of the finite ones from their mean.
    squares: f64,
}

impl Floats {
    /// Adds a block.
    pub(crate) fn add(&mut self, block: &[f64]) {
        let (Some(min), Some(max)) = (
            block.iter().copied().reduce(f64::min),
            block.iter().copied().reduce(f64::max),
        ) else {
            return;
        };
        if min.is_finite() && max.is_finite() {
            self.merge(&Self::finite(block, (min, max)));
            return;
        }
        let finite: Vec<f64> = block.iter().copied().filter(|value| value.is_finite()).collect();
        let mut all = Self::finite(&finite, (min, max));
        all.above = block.iter().filter(|value| **value == f64::INFINITY).count() as u64;
        all.below = (block.len() - finite.len()) as u64 - all.above;
        self.merge(&all);
    }

    fn finite(values: &[f64], range: (f64, f64)) -> Self {
        let sum = Sum::of(values);
        let count = values.len() as u64;
        let (mean, _) = sum.mean(count.max(1));
        let squares: f64 = values.iter().map(|value| square(value - mean)).sum();
        // What rounding of the mean has added.
        let error: f64 = values.iter().map(|value| value - mean).sum();
        let correction = if values.is_empty() {
            0.0
        } else {
            square(error) / real(count)
        };
        Self {
            finite: count,
            above: 0,
            below: 0,
            range: Some(range),
            sum,
            squares: if correction.is_finite() {
                (squares - correction).max(0.0)
            } else {
                squares
            },
        }
    }

    /// Puts others to these.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.finite > 0 && other.finite > 0 {
            let ((high, low), (other_high, other_low)) =
                (self.sum.mean(self.finite), other.sum.mean(other.finite));
            let distance = (other_high - high) + (other_low - low);
            let (a, b) = (real(self.finite), real(other.finite));
            self.squares += square(distance) * (a / (a + b) * b);
        }
        self.squares += other.squares;
        self.sum.add(other.sum);
        self.finite += other.finite;
        self.above += other.above;
        self.below += other.below;
        self.range = match (self.range, other.range) {
            (Some((min, max)), Some((other_min, other_max))) => {
                Some((min.min(other_min), max.max(other_max)))
            }
            (range, other) => range.or(other),
        };
    }

    /// Makes of one number so many of it.
    pub(crate) fn repeat(&mut self, count: u64) {
        for counted in [&mut self.finite, &mut self.above, &mut self.below] {
            *counted = counted.saturating_mul(count);
        }
        self.sum.repeat(count);
    }

    pub(crate) fn infinite(&self) -> u64 {
        self.above + self.below
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.range.map(|(min, _)| min)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.range.map(|(_, max)| max)
    }

    /// With infinities: what adding them up gives.
    pub(crate) fn mean(&self) -> Option<f64> {
        match (self.above, self.below) {
            (0, 0) if self.finite == 0 => None,
            (0, 0) => Some(self.sum.mean(self.finite).0),
            (_, 0) => Some(f64::INFINITY),
            (0, _) => Some(f64::NEG_INFINITY),
            (_, _) => Some(f64::NAN),
        }
    }

    /// NaN if there are infinities.
    pub(crate) fn variance(&self) -> Option<f64> {
        match (self.infinite(), self.finite) {
            (0, 0) => None,
            (0, finite) => Some(self.squares / real(finite)),
            (_, _) => Some(f64::NAN),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count, in a quotient")]
fn real(count: u64) -> f64 {
    count as f64
}

fn square(value: f64) -> f64 {
    value * value
}
