//! Inner chunks and their places in the shard's C order.

use super::super::error::{CodecError, Result};
use super::NAME;

/// A shard divided into inner chunks, for moving elements between them.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// Inner chunks along each dimension.
    counts: Vec<usize>,
    /// Elements of an inner chunk along each dimension.
    inner: Vec<usize>,
    /// Elements of the shard between neighbours along each dimension.
    strides: Vec<usize>,
    contiguous: bool,
}

impl Grid {
    pub(super) fn new(shard: &[u64], inner: &[u64]) -> Result<Self> {
        let memory = |edge: &u64| usize::try_from(*edge).map_err(|_| CodecError::out_of_memory(NAME, *edge));
        let shard = shard.iter().map(memory).collect::<Result<Vec<_>>>()?;
        let inner = inner.iter().map(memory).collect::<Result<Vec<_>>>()?;
        let counts: Vec<usize> = shard
            .iter()
            .zip(&inner)
            .map(|(shard, inner)| shard.checked_div(*inner).unwrap_or(0))
            .collect();
        let mut strides = vec![1_usize; shard.len()];
        let mut stride = 1_usize;
        for (slot, edge) in strides.iter_mut().zip(&shard).rev() {
            *slot = stride;
            stride = stride.saturating_mul(*edge);
        }
        // An inner chunk is one piece of the shard if, after the first dimension where it has more than one element, it
        // spans the shard.
        let first_long = inner.iter().position(|edge| *edge > 1).unwrap_or(inner.len());
        let contiguous = counts.iter().skip(first_long + 1).all(|count| *count == 1);
        Ok(Self {
            counts,
            inner,
            strides,
            contiguous,
        })
    }

    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Whether each inner chunk is one piece of the shard.
    pub(super) fn is_contiguous(&self) -> bool {
        self.contiguous
    }

    /// The first element, in the shard, of inner chunk `index`.
    pub(super) fn start(&self, index: usize) -> usize {
        let mut rest = index;
        let mut start = 0;
        for ((count, inner), stride) in self.counts.iter().zip(&self.inner).zip(&self.strides).rev() {
            start += rest.checked_rem(*count).unwrap_or(0) * inner * stride;
            rest = rest.checked_div(*count).unwrap_or(0);
        }
        start
    }

    /// Calls `row` with the first element, in the shard, of each innermost row of the inner chunk that begins at `start`,
    /// in C order; and gives the length of a row.
    fn rows(&self, start: usize, mut row: impl FnMut(usize, usize)) {
        let Some((length, outer)) = self.inner.split_last() else {
            return row(start, 1);
        };
        if self.inner.contains(&0) {
            return;
        }
        let mut index = vec![0_usize; outer.len()];
        let mut at = start;
        loop {
            row(at, *length);
            let mut dimension = outer.len();
            loop {
                let Some(next) = dimension.checked_sub(1) else {
                    return;
                };
                dimension = next;
                let (Some(position), Some(edge), Some(stride)) = (
                    index.get_mut(dimension),
                    outer.get(dimension),
                    self.strides.get(dimension),
                ) else {
                    return;
                };
                *position += 1;
                at += stride;
                if *position < *edge {
                    break;
                }
                at -= stride * edge;
                *position = 0;
            }
        }
    }

    /// Writes the inner chunk that begins at element `start` from `chunk`; elements have `item` bytes.
    pub(super) fn copy_in(&self, shard: &mut [u8], start: usize, item: usize, chunk: &[u8]) {
        let mut rest = chunk;
        self.rows(start, |at, length| {
            let (row, after) = rest.split_at_checked(length * item).unwrap_or_default();
            rest = after;
            if let Some(to) = shard.get_mut(at * item..at * item + row.len()) {
                to.copy_from_slice(row);
            }
        });
    }

    /// Reads the inner chunk that begins at element `start` to `chunk`.
    pub(super) fn copy_out(&self, shard: &[u8], start: usize, item: usize, chunk: &mut [u8]) {
        let mut rest = chunk;
        self.rows(start, |at, length| {
            let (row, after) = std::mem::take(&mut rest)
                .split_at_mut_checked(length * item)
                .unwrap_or_default();
            rest = after;
            if let Some(from) = shard.get(at * item..at * item + row.len()) {
                row.copy_from_slice(from);
            }
        });
    }

    /// Fills the inner chunk that begins at element `start`.
    pub(super) fn fill(&self, shard: &mut [u8], start: usize, item: usize, value: &[u8]) {
        let same = value
            .first()
            .filter(|first| value.iter().all(|byte| byte == *first));
        self.rows(start, |at, length| {
            let row = shard.get_mut(at * item..(at + length) * item).unwrap_or_default();
            match same {
                Some(byte) => row.fill(*byte),
                None => row
                    .chunks_exact_mut(item.max(1))
                    .for_each(|element| element.copy_from_slice(value)),
            }
        });
    }

    /// Calls `element` for each element of the shard in C order: which inner chunk it is in, and which element of that.
    pub(super) fn elements(&self, mut element: impl FnMut(usize, usize)) {
        let shape: Vec<usize> = self
            .counts
            .iter()
            .zip(&self.inner)
            .map(|(count, inner)| count * inner)
            .collect();
        let total: usize = shape.iter().product();
        for index in 0..total {
            let (mut chunk, mut inside) = (0, 0);
            let mut rest = index;
            let (mut chunk_stride, mut inside_stride) = (1, 1);
            for ((edge, count), inner) in shape.iter().zip(&self.counts).zip(&self.inner).rev() {
                let at = rest % edge;
                rest /= edge;
                chunk += at / inner * chunk_stride;
                inside += at % inner * inside_stride;
                chunk_stride *= count;
                inside_stride *= inner;
            }
            element(chunk, inside);
        }
    }
}
