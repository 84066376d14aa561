//! Arrays of which little is stored: their chunks by one listing, so that what is missing is counted and not asked for.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::chunks::map_pieces;
use super::selection::{Selection, Wanted};
use super::{Array, ChunkCheck, DecodedChunk, MissingChunks, ReadOptions};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::metadata::{ChunkAxis, ChunkGrid};

/// The chunks of an array that are stored: what a listing has named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredChunks {
    /// Their coordinates in the chunk grid, in C order, each once.
    chunks: Vec<Vec<u64>>,
}

/// What a selection touches beside the chunks that are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// Chunks, counted as in a [`ReadReport`](super::ReadReport): of shards, inner chunks. More than 64 bits hold are as
    /// many as they hold.
    pub chunks: u64,
    /// Elements that are wanted of them: they are the fill value.
    pub elements: u128,
}

impl StoredChunks {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether a chunk is among them.
    #[must_use]
    pub fn contains(&self, chunk: &[u64]) -> bool {
        self.chunks
            .binary_search_by(|known| known.as_slice().cmp(chunk))
            .is_ok()
    }
}

impl Array {
    /// The chunks that are stored, by one listing of the array's keys. Keys that are none of its chunks are passed over.
    ///
    /// A web server's index may leave names out: where the store's listings are not
    /// [`Listing::Complete`](zarr_fs::Listing::Complete), what is not named may be stored nevertheless.
    ///
    /// # Errors
    /// [`Error::Fs`] if the store cannot list, or could not; [`Error::Unsupported`] for what reading does not know.
    pub async fn list_chunks(&self) -> Result<StoredChunks> {
        let layout = &self.opened()?.layout;
        let counts = layout.grid().grid_shape(self.shape()).unwrap_or_default();
        let below = layout.path().key("");
        let mut listing = self.store().list_prefix(below.trim_end_matches('/'));
        let mut chunks = Vec::new();
        while let Some(key) = listing.try_next().await? {
            let chunk = key
                .key
                .strip_prefix(below.as_str())
                .and_then(|key| layout.keys().chunk(key, counts.len()));
            chunks.extend(chunk.filter(|chunk| chunk.iter().zip(&counts).all(|(at, count)| at < count)));
        }
        chunks.sort_unstable();
        chunks.dedup();
        Ok(StoredChunks { chunks })
    }

    /// [`Array::check_chunks`] of the chunks that are stored.
    ///
    /// # Errors
    /// Those of [`Array::check_chunks`].
    pub fn check_stored(
        &self,
        stored: &StoredChunks,
        options: &ReadOptions,
    ) -> BoxStream<'static, Result<ChunkCheck>> {
        let at_once = match self.pieces_at_once(options) {
            Ok(at_once) => at_once,
            Err(error) => return futures::stream::once(futures::future::ready(Err(error))).boxed(),
        };
        let (array, options) = (self.clone(), options.clone().with_missing(MissingChunks::Fill));
        futures::stream::iter(stored.chunks.clone())
            .map(move |chunk| {
                let (array, options) = (array.clone(), options.clone());
                async move {
                    let plan = array.stored_plan(&array.part_in(&chunk, &Selection::all(array.shape()))?)?;
                    array.check_chunk(&plan, 0, &options).await
                }
            })
            .buffered(at_once)
            .boxed()
    }

    /// [`Array::map_chunks`] of the chunks that are stored, as far as `selection` touches them.
    ///
    /// # Errors
    /// Those of [`Array::map_chunks`].
    pub fn map_stored<T: Send + 'static>(
        &self,
        stored: &StoredChunks,
        selection: &Selection,
        options: &ReadOptions,
        map: impl Fn(DecodedChunk) -> T + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<T>> {
        let at_once = match self.pieces_at_once(options) {
            Ok(at_once) => at_once,
            Err(error) => return futures::stream::once(futures::future::ready(Err(error))).boxed(),
        };
        let (array, selection) = (self.clone(), selection.clone());
        let pieces = stored.chunks.clone().into_iter().flat_map(move |chunk| {
            let pieces = array.part_in(&chunk, &selection).and_then(|part| {
                let plan = array.stored_plan(&part)?;
                let tasks = 0..plan.len();
                Ok(tasks
                    .flat_map(|ordinal| array.pieces(&plan.task(ordinal)))
                    .collect::<Vec<_>>())
            });
            match pieces {
                Ok(pieces) => pieces.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        map_pieces(self, pieces, options, at_once, Arc::new(map))
    }

    /// What `selection` touches beside the chunks that are stored.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what reading does not know.
    pub fn beside(&self, stored: &StoredChunks, selection: &Selection) -> Result<Beside> {
        let mut beside = Beside {
            chunks: self.touched(selection)?,
            elements: elements(selection),
        };
        for chunk in &stored.chunks {
            let part = self.part_in(chunk, selection)?;
            beside.chunks = beside.chunks.saturating_sub(self.touched(&part)?);
            beside.elements = beside.elements.saturating_sub(elements(&part));
        }
        Ok(beside)
    }

    /// What a selection wants of a chunk.
    fn part_in(&self, chunk: &[u64], selection: &Selection) -> Result<Selection> {
        let elements = self
            .opened()?
            .layout
            .grid()
            .elements_of(chunk)
            .unwrap_or_default();
        let dims = selection
            .dims()
            .iter()
            .zip(elements)
            .map(|(wanted, range)| within(wanted, &range))
            .collect();
        Ok(Selection::of_dims(dims, self.shape()))
    }

    /// How many chunks a selection touches: of shards that are read in parts, inner chunks.
    fn touched(&self, selection: &Selection) -> Result<u64> {
        let opened = self.opened()?;
        let inner = opened
            .shards
            .as_ref()
            .map(|shards| ChunkGrid::regular(shards.inner_shape()));
        let axes = inner.as_ref().unwrap_or(opened.layout.grid()).axes();
        let counts: Vec<u64> = selection
            .dims()
            .iter()
            .zip(axes)
            .map(|(wanted, axis)| touched(wanted, axis))
            .collect();
        if counts.contains(&0) {
            return Ok(0);
        }
        Ok(counts.into_iter().fold(1, u64::saturating_mul))
    }
}

fn elements(selection: &Selection) -> u128 {
    let counts = selection.dims().iter().map(|dim| u128::from(dim.count()));
    counts.fold(1, u128::saturating_mul)
}

/// The wanted elements that lie in `range`, in their order.
fn within(wanted: &Wanted, range: &Range<u64>) -> Wanted {
    match wanted {
        Wanted::Strided { start, step, count } => {
            // How many of them lie before an element.
            let before = |element: u64| element.saturating_sub(*start).div_ceil(*step).min(*count);
            let (first, end) = (before(range.start), before(range.end));
            wanted.part(first, end - first)
        }
        Wanted::Listed(list) => {
            Wanted::Listed(list.iter().copied().filter(|at| range.contains(at)).collect())
        }
    }
}

/// How many chunks along a dimension hold wanted elements.
fn touched(wanted: &Wanted, axis: &ChunkAxis) -> u64 {
    match wanted {
        Wanted::Strided { count: 0, .. } => 0,
        Wanted::Strided { start, step, count } => {
            let chunk = |at: u64| axis.chunk_of(start + step * at).unwrap_or(0);
            // What lies in one chunk, as most parts do, needs no look at the edges.
            let (first, last) = (chunk(0), chunk(count - 1));
            if first == last {
                return 1;
            }
            let edges = axis.distinct_edges();
            if edges.iter().all(|edge| step <= edge) {
                last - first + 1
            } else if edges.iter().all(|edge| step >= edge) {
                *count
            } else {
                (0..*count).map(chunk).collect::<BTreeSet<_>>().len() as u64
            }
        }
        Wanted::Listed(list) => {
            let chunks = list.iter().filter_map(|at| axis.chunk_of(*at));
            chunks.collect::<BTreeSet<_>>().len() as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_within_a_range() {
        let strided = |start, step, count| Wanted::Strided { start, step, count };
        let all = strided(3, 5, 4);
        assert_eq!(within(&all, &(0..100)), all);
        assert_eq!(within(&all, &(8..14)), strided(8, 5, 2));
        assert_eq!(within(&all, &(9..13)).count(), 0);
        assert_eq!(within(&all, &(19..100)).count(), 0);
        let list = Wanted::Listed(vec![9, 1, 9, 4]);
        assert_eq!(within(&list, &(4..10)), Wanted::Listed(vec![9, 9, 4]));
    }

    #[test]
    fn touched_chunks_are_counted_and_not_walked() {
        let strided = |start, step, count| Wanted::Strided { start, step, count };
        let step = ChunkAxis::Step(10);
        for (wanted, expected) in [
            (strided(0, 1, u64::MAX), u64::MAX / 10 + 1),
            (strided(9, 1, 2), 2),
            (strided(9, 10, 3), 3),
            (strided(0, 25, 4), 4),
            (strided(0, 1, 0), 0),
            (Wanted::Listed(vec![5, 95, 7, 99]), 2),
        ] {
            assert_eq!(touched(&wanted, &step), expected, "{wanted:?}");
        }
        let runs = crate::metadata::ChunkRuns::new([(1, 3), (10, 2)]).unwrap();
        assert_eq!(touched(&strided(0, 4, 5), &ChunkAxis::Runs(runs)), 3);
    }
}
