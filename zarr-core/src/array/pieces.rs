//! The parts in which a read goes through an array: chunk by chunk, large shards in slabs.

use super::plan::{Part, Plan, Positions, Task};
use super::selection::{Selection, Wanted};
use super::{Array, ReadOptions, layout};
use crate::error::Result;

/// Decoded bytes of a piece of a large shard; shards up to this size, and chunks of any size, come in one piece.
const PIECE_BYTES: u64 = 16 << 20;

impl Array {
    /// The plan of `selection` over stored chunks: shards, where there are shards.
    pub(super) fn stored_plan(&self, selection: &Selection) -> Result<Plan> {
        self.plan(selection, self.opened()?.layout.dimension_grids())
    }

    /// How many pieces the byte budget allows to be held at once; at least one.
    pub(super) fn pieces_at_once(&self, options: &ReadOptions) -> Result<usize> {
        let opened = self.opened()?;
        let chunk_bytes = match opened.layout.regular_chain() {
            Some(chain) => layout::known_bytes(chain),
            None => opened.layout.chunk_bytes_hint() as u64,
        };
        let piece_bytes = match &opened.shards {
            Some(_) => chunk_bytes.min(PIECE_BYTES),
            None => chunk_bytes,
        };
        let budget = options.budget_bytes as u64 / piece_bytes.max(1);
        Ok(usize::try_from(budget)
            .unwrap_or(usize::MAX)
            .clamp(1, options.io_width.max(1)))
    }

    /// The pieces of what a task takes of a stored chunk: all of it, or slabs of a large shard along its first dimension
    /// that can be cut, so that no inner chunk lies in two of them.
    pub(super) fn pieces(&self, task: &Task) -> Vec<Selection> {
        let dims: Vec<Wanted> = task.parts.iter().map(wanted).collect();
        let whole = Selection::of_dims(dims, self.shape());
        let shards = self.opened().ok().and_then(|opened| opened.shards.as_deref());
        let item = self.metadata.data_type().size_bytes().unwrap_or(16) as u64;
        let bytes = whole.element_count().unwrap_or(u64::MAX).saturating_mul(item);
        let Some(shards) = shards.filter(|_| bytes > PIECE_BYTES) else {
            return vec![whole];
        };
        let inner = shards.inner_shape();
        let cut = whole.dims().iter().zip(inner).position(|(dim, edge)| match dim {
            Wanted::Strided { step, count, .. } => step.saturating_mul(*count) > *edge,
            Wanted::Listed(_) => false,
        });
        let Some(dim) = cut else { return vec![whole] };
        // As many layers of inner chunks as fit into a piece.
        let in_layer = match &whole.dims()[dim] {
            Wanted::Strided { step, .. } => inner[dim].div_ceil(*step),
            Wanted::Listed(_) => 1,
        };
        let layer = (bytes / whole.dims()[dim].count())
            .saturating_mul(in_layer)
            .max(1);
        let edge = inner[dim].saturating_mul((PIECE_BYTES / layer).max(1));
        cells(&whole.dims()[dim], task.parts[dim].origin, edge)
            .into_iter()
            .map(|slab| {
                let mut dims = whole.dims().to_vec();
                dims[dim] = slab;
                Selection::of_dims(dims, self.shape())
            })
            .collect()
    }
}

/// What a part of a chunk takes, as elements of the array.
fn wanted(part: &Part) -> Wanted {
    match &part.source {
        Positions::Run { start, step } => Wanted::Strided {
            start: part.origin + *start as u64,
            step: *step as u64,
            count: part.count as u64,
        },
        Positions::List(list) => Wanted::Listed(list.iter().map(|at| part.origin + *at as u64).collect()),
    }
}

/// Cuts what is wanted along a dimension where cells of `edge` elements meet, which are counted from `origin` on. Lists are
/// not cut.
pub(super) fn cells(wanted: &Wanted, origin: u64, edge: u64) -> Vec<Wanted> {
    let Wanted::Strided { start, step, count } = wanted else {
        return vec![wanted.clone()];
    };
    let (mut cells, mut first) = (Vec::new(), 0);
    while first < *count {
        let number = (start + step * first - origin) / edge.max(1);
        let end = origin.saturating_add((number + 1).saturating_mul(edge.max(1)));
        let next = (end - start).div_ceil(*step).min(*count);
        cells.push(wanted.part(first, next - first));
        first = next;
    }
    cells
}

/// The first element of a selection, in the array.
pub(super) fn start_of(selection: &Selection) -> Vec<u64> {
    let first = |dim: &Wanted| match dim {
        Wanted::Strided { start, .. } => *start,
        Wanted::Listed(list) => list.first().copied().unwrap_or(0),
    };
    selection.dims().iter().map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_at_multiples_of_their_edge() {
        let strided = |start, step, count| Wanted::Strided { start, step, count };
        assert_eq!(
            cells(&strided(3, 1, 10), 0, 4),
            [
                strided(3, 1, 1),
                strided(4, 1, 4),
                strided(8, 1, 4),
                strided(12, 1, 1)
            ]
        );
        assert_eq!(
            cells(&strided(13, 5, 4), 10, 8),
            [strided(13, 5, 1), strided(18, 5, 2), strided(28, 5, 1)]
        );
        assert_eq!(cells(&strided(0, 1, 0), 0, 4), []);
        let end = u64::MAX - 1;
        assert_eq!(cells(&strided(end, 1, 1), 0, 4), [strided(end, 1, 1)]);
        let list = Wanted::Listed(vec![9, 1]);
        assert_eq!(cells(&list, 0, 4), [list]);
    }
}
