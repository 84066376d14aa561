//! The decorrelating transforms, lossy and reversible, and negabinary integers.

use super::block::Blocks;

impl Blocks {
    /// Signed integers in base −2, where small magnitudes have leading zeros whatever their sign.
    pub(super) fn to_negabinary(self, value: i64) -> u64 {
        const ALTERNATING: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let mask = ALTERNATING & self.kind.mask();
        ((value.cast_unsigned() & self.kind.mask()).wrapping_add(mask) ^ mask) & self.kind.mask()
    }

    pub(super) fn undo_negabinary(self, value: u64) -> i64 {
        const ALTERNATING: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let mask = ALTERNATING & self.kind.mask();
        self.kind.wrap((value ^ mask).wrapping_sub(mask).cast_signed())
    }

    /// Applies `lift` to all lines of four numbers along each dimension, in reverse order of dimensions for an inverse.
    pub(super) fn transform(
        self,
        block: &mut [i64; 256],
        lift: fn(Self, [i64; 4]) -> [i64; 4],
        inverse: bool,
    ) {
        for step in 0..self.dimensions {
            let dimension = if inverse { self.dimensions - 1 - step } else { step };
            let stride = 1_usize << (2 * dimension);
            for start in (0..self.size()).filter(|start| (start / stride).is_multiple_of(4)) {
                let places = [start, start + stride, start + 2 * stride, start + 3 * stride];
                let line = lift(self, places.map(|place| block[place]));
                for (place, value) in places.into_iter().zip(line) {
                    block[place] = value;
                }
            }
        }
    }

    fn add(self, a: i64, b: i64) -> i64 {
        self.kind.wrap(a.wrapping_add(b))
    }

    fn subtract(self, a: i64, b: i64) -> i64 {
        self.kind.wrap(a.wrapping_sub(b))
    }

    /// The mean of `a` and `b`, and half their difference (from `b`).
    fn average(self, a: i64, b: i64) -> (i64, i64) {
        let mean = self.add(a, b) >> 1;
        (mean, self.subtract(b, mean))
    }

    /// Undoes [`average`](Self::average).
    fn spread(self, mean: i64, difference: i64) -> (i64, i64) {
        let b = self.add(difference, mean);
        (self.subtract(self.kind.wrap(mean << 1), b), b)
    }

    pub(super) fn forward(self, [x, y, z, w]: [i64; 4]) -> [i64; 4] {
        let (x, w) = self.average(x, w);
        let (z, y) = self.average(z, y);
        let (x, z) = self.average(x, z);
        let (w, y) = self.average(w, y);
        let w = self.add(w, y >> 1);
        let y = self.subtract(y, w >> 1);
        [x, y, z, w]
    }

    pub(super) fn inverse(self, [x, y, z, w]: [i64; 4]) -> [i64; 4] {
        let y = self.add(y, w >> 1);
        let w = self.subtract(w, y >> 1);
        let (w, y) = self.spread(w, y);
        let (x, z) = self.spread(x, z);
        let (z, y) = self.spread(z, y);
        let (x, w) = self.spread(x, w);
        [x, y, z, w]
    }

    /// Third differences: any four integers, exactly.
    pub(super) fn reversible_forward(self, [x, y, z, w]: [i64; 4]) -> [i64; 4] {
        let (w, z, y) = (self.subtract(w, z), self.subtract(z, y), self.subtract(y, x));
        let (w, z) = (self.subtract(w, z), self.subtract(z, y));
        [x, y, z, self.subtract(w, z)]
    }

    pub(super) fn reversible_inverse(self, [x, y, z, w]: [i64; 4]) -> [i64; 4] {
        let w = self.add(w, z);
        let z = self.add(z, y);
        let w = self.add(w, z);
        let y = self.add(y, x);
        let z = self.add(z, y);
        [x, y, z, self.add(w, z)]
    }
}
