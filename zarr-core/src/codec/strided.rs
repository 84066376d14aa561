//! Walks over arrays whose dimensions lie in another order than one goes through them.

/// A dimension: its length, and the elements between neighbours on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dimension {
    length: usize,
    /// On the side that is gone through by strides.
    stride: usize,
    /// On the side that is gone through in C order.
    ordered: usize,
}

/// Goes through an array in C order of the one side (*ordered*) and says where each element is on the other (*strided*).
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Outermost first, without dimensions of length 1, adjacent ones merged where both sides allow.
    dimensions: Vec<Dimension>,
}

impl Walk {
    /// `all`: length and stride of each dimension, outermost of the ordered side first.
    pub(super) fn new(all: &[(usize, usize)]) -> Self {
        let mut dimensions: Vec<Dimension> = Vec::with_capacity(all.len());
        for (length, stride) in all.iter().copied().filter(|(length, _)| *length != 1) {
            match dimensions.last_mut() {
                Some(outer) if outer.stride == stride.saturating_mul(length) => {
                    outer.length = outer.length.saturating_mul(length);
                    outer.stride = stride;
                }
                _ => dimensions.push(Dimension {
                    length,
                    stride,
                    ordered: 1,
                }),
            }
        }
        let mut ordered = 1_usize;
        for dimension in dimensions.iter_mut().rev() {
            dimension.ordered = ordered;
            ordered = ordered.saturating_mul(dimension.length);
        }
        Self { dimensions }
    }

    /// Calls `row` with the start, on the strided side, of each innermost row, its stride, and its length.
    pub(super) fn rows(&self, mut row: impl FnMut(usize, usize, usize)) {
        let Some((inner, outer)) = self.dimensions.split_last() else {
            return row(0, 1, 1);
        };
        if inner.length > 0 {
            let outer = Self {
                dimensions: outer.to_vec(),
            };
            outer.starts(|start, _| row(start, inner.stride, inner.length));
        }
    }

    /// Calls `start` with the place of each element on the strided and on the ordered side.
    pub(super) fn starts(&self, mut start: impl FnMut(usize, usize)) {
        if self.dimensions.iter().any(|dimension| dimension.length == 0) {
            return;
        }
        let mut index = vec![0_usize; self.dimensions.len()];
        let (mut strided, mut ordered) = (0_usize, 0_usize);
        loop {
            start(strided, ordered);
            let mut places = self.dimensions.iter().zip(&mut index).rev();
            loop {
                let Some((dimension, position)) = places.next() else {
                    return;
                };
                *position += 1;
                strided += dimension.stride;
                ordered += dimension.ordered;
                if *position < dimension.length {
                    break;
                }
                strided -= dimension.stride * dimension.length;
                ordered -= dimension.ordered * dimension.length;
                *position = 0;
            }
        }
    }

    /// The two dimensions that are contiguous on either side, if they are different and both long: a walk over their plane
    /// in tiles reads and writes whole cache lines, where rows would touch a line for each element.
    pub(super) fn planes(&self) -> Option<Planes> {
        let (inner, outer) = self.dimensions.split_last()?;
        let at = outer.iter().position(|dimension| dimension.stride == 1)?;
        let across = outer.get(at).copied()?;
        if inner.length < ROWS || across.length < COLUMNS {
            return None;
        }
        let mut rest = outer.to_vec();
        rest.remove(at);
        Some(Planes {
            outer: Self { dimensions: rest },
            inner: *inner,
            across,
        })
    }
}

/// Rows of a tile: few, because they often lie a power of two apart and then compete for the same places of the cache.
const ROWS: usize = 8;
/// Elements of a tile along each row: a cache line of four-byte elements.
const COLUMNS: usize = 16;

/// The planes of [`Walk::planes`].
#[derive(Debug, Clone)]
pub(super) struct Planes {
    /// Where each plane begins.
    pub(super) outer: Walk,
    /// Contiguous on the ordered side.
    inner: Dimension,
    /// Contiguous on the strided side.
    across: Dimension,
}

impl Planes {
    /// Calls `tile` with the first row and column of each tile and its extent in rows and columns.
    fn tiles(&self, mut tile: impl FnMut(usize, usize, usize, usize)) {
        for row in (0..self.inner.length).step_by(ROWS) {
            for column in (0..self.across.length).step_by(COLUMNS) {
                tile(
                    row,
                    column,
                    (self.inner.length - row).min(ROWS),
                    (self.across.length - column).min(COLUMNS),
                );
            }
        }
    }

    /// Copies one plane to the ordered side.
    pub(super) fn gather<T: Copy>(&self, strided: &[T], from: usize, ordered: &mut [T], to: usize) {
        self.tiles(|row, column, rows, columns| {
            let source: [&[T]; ROWS] = std::array::from_fn(|r| {
                let start = from + (row + r) * self.inner.stride + column;
                if r < rows {
                    strided.get(start..start + columns).unwrap_or_default()
                } else {
                    &[]
                }
            });
            for c in 0..columns {
                let start = to + (column + c) * self.across.ordered + row;
                let target = ordered.get_mut(start..start + rows).unwrap_or_default();
                for (target, source) in target.iter_mut().zip(source) {
                    if let Some(element) = source.get(c) {
                        *target = *element;
                    }
                }
            }
        });
    }

    /// Copies one plane to the strided side.
    pub(super) fn scatter<T: Copy>(&self, ordered: &[T], from: usize, strided: &mut [T], to: usize) {
        self.tiles(|row, column, rows, columns| {
            let source: [&[T]; COLUMNS] = std::array::from_fn(|c| {
                let start = from + (column + c) * self.across.ordered + row;
                if c < columns {
                    ordered.get(start..start + rows).unwrap_or_default()
                } else {
                    &[]
                }
            });
            for r in 0..rows {
                let start = to + (row + r) * self.inner.stride + column;
                let target = strided.get_mut(start..start + columns).unwrap_or_default();
                for (target, source) in target.iter_mut().zip(source) {
                    if let Some(element) = source.get(r) {
                        *target = *element;
                    }
                }
            }
        });
    }
}
