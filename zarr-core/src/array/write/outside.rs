//! [`Outside`]: the chunks that hold elements of one shape and not of a smaller one.

use std::ops::Range;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use zarr_fs::Listing;

use crate::array::layout::Layout;
use crate::error::{Error, Result};
use crate::metadata::ChunkGrid;
use crate::store::Store;

/// Up to so many chunks are asked for one by one by a change of shape that writes none of them; more are looked for in a
/// listing, where the store has one.
pub(super) const ONE_BY_ONE: u64 = 4096;

/// More are not asked for one by one even where there is no listing.
const MOST: u64 = 1 << 20;

/// The chunks that hold elements of the shape `outer` that are not in `inner`, which is nowhere longer.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    /// Boxes of chunk coordinates; no two have a chunk in common.
    boxes: Vec<Vec<Range<u64>>>,
}

impl Outside {
    pub(super) fn new(grid: &ChunkGrid, inner: &[u64], outer: &[u64]) -> Self {
        let counts: Vec<u64> = grid
            .axes()
            .iter()
            .zip(outer)
            .map(|(axis, length)| axis.chunk_count(*length))
            .collect();
        // The first chunk of each dimension that holds an element outside.
        let first: Vec<u64> = (0..counts.len())
            .map(|dim| match inner[dim] < outer[dim] {
                true => grid.axes()[dim].chunk_of(inner[dim]).unwrap_or(counts[dim]),
                false => counts[dim],
            })
            .collect();
        let boxes = (0..counts.len())
            .map(|dim| {
                let range = |other: usize| match other.cmp(&dim) {
                    std::cmp::Ordering::Less => 0..first[other],
                    std::cmp::Ordering::Equal => first[dim]..counts[dim],
                    std::cmp::Ordering::Greater => 0..counts[other],
                };
                (0..counts.len()).map(range).collect::<Vec<_>>()
            })
            .filter(|ranges| ranges.iter().all(|range| !range.is_empty()))
            .collect();
        Self { boxes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// How many chunks there are.
    fn len(&self) -> u64 {
        let of = |ranges: &Vec<Range<u64>>| {
            let lengths = ranges.iter().map(|range| range.end - range.start);
            lengths.fold(1, u64::saturating_mul)
        };
        self.boxes.iter().map(of).fold(0, u64::saturating_add)
    }

    fn contains(&self, chunk: &[u64]) -> bool {
        let is_in = |ranges: &Vec<Range<u64>>| ranges.iter().zip(chunk).all(|(range, at)| range.contains(at));
        self.boxes.iter().any(is_in)
    }

    /// All of them, box by box.
    fn all(self) -> impl Iterator<Item = Vec<u64>> + Send {
        self.boxes.into_iter().flat_map(|ranges| {
            let mut next: Option<Vec<u64>> = Some(ranges.iter().map(|range| range.start).collect());
            std::iter::from_fn(move || {
                let chunk = next.take()?;
                let mut after = chunk.clone();
                for (at, range) in after.iter_mut().zip(&ranges).rev() {
                    *at += 1;
                    if *at < range.end {
                        next = Some(after);
                        break;
                    }
                    *at = range.start;
                }
                Some(chunk)
            })
        })
    }

    /// Checks that [`Outside::stored`] can find those that are stored.
    ///
    /// # Errors
    /// [`Error::LimitReached`] if they are too many to be asked for one by one, and the store does not list all it holds.
    pub(super) fn ensure_findable(&self, store: &Store, layout: &Layout, one_by_one: u64) -> Result<()> {
        if is_listed(store) || self.len() <= one_by_one.max(MOST) {
            return Ok(());
        }
        Err(Error::LimitReached {
            at: store.key_url(layout.path().as_relative()),
            what: "chunks that a change of shape concerns in a store that does not list everything",
            limit: MOST,
        })
    }

    /// Those that may be stored: all of them if they are at most `one_by_one`, else those that a listing of the array shows.
    ///
    /// # Errors
    /// As [`Outside::ensure_findable`]. Items are errors of the listing.
    pub(super) fn stored(
        self,
        store: &Store,
        layout: &Layout,
        one_by_one: u64,
    ) -> Result<BoxStream<'static, Result<Vec<u64>>>> {
        self.ensure_findable(store, layout, one_by_one)?;
        if self.len() > one_by_one && is_listed(store) {
            let (path, keys) = (layout.path().clone(), layout.keys());
            let below = if path.is_root() {
                0
            } else {
                path.as_relative().len() + 1
            };
            let rank = self.boxes.first().map_or(0, Vec::len);
            let chunk_of = move |key: String| {
                let chunk = key.get(below..).and_then(|key| keys.chunk(key, rank));
                chunk.filter(|chunk| self.contains(chunk))
            };
            let found = store.list_prefix(path.as_relative());
            return Ok(found
                .try_filter_map(move |found| futures::future::ready(Ok(chunk_of(found.key))))
                .boxed());
        }
        Ok(futures::stream::iter(self.all().map(Ok)).boxed())
    }
}

fn is_listed(store: &Store) -> bool {
    store.capabilities().listing == Listing::Complete
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against every chunk of the grid and each of its elements.
    #[test]
    fn are_the_chunks_with_an_element_outside() {
        let grid = ChunkGrid::regular(&[2, 3]);
        for (inner, outer) in [
            ([5, 4], [5, 4]),
            ([5, 4], [9, 4]),
            ([4, 3], [5, 4]),
            ([0, 4], [5, 4]),
            ([3, 3], [8, 10]),
            ([6, 0], [6, 1]),
            ([0, 0], [0, 7]),
        ] {
            let mut expected: Vec<Vec<u64>> = (0..outer[0])
                .flat_map(|row| (0..outer[1]).map(move |column| [row, column]))
                .filter(|at| at[0] >= inner[0] || at[1] >= inner[1])
                .map(|at| vec![at[0] / 2, at[1] / 3])
                .collect();
            expected.sort();
            expected.dedup();
            let outside = Outside::new(&grid, &inner, &outer);
            assert_eq!(outside.len(), expected.len() as u64, "{inner:?} {outer:?}");
            assert_eq!(outside.is_empty(), expected.is_empty());
            for chunk in (0..6).flat_map(|row| (0..6).map(move |column| [row, column])) {
                assert_eq!(
                    outside.contains(&chunk),
                    expected.iter().any(|other| *other == chunk)
                );
            }
            let mut all: Vec<Vec<u64>> = outside.all().collect();
            all.sort();
            assert_eq!(all, expected, "{inner:?} {outer:?}");
        }
    }
}
