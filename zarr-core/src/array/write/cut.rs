//! Elements outside an array's shape: how they are put back to fill value.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use zarr_fs::{CatOptions, WriteMode};

use super::chunk::{Counts, Writer, are_all, filled};
use super::races::Races;
use crate::array::Array;
use crate::array::place::repeat;
use crate::array::read::with_scratch;
use crate::codec::{Chunk, CodecChain, CodecError, VariableLength};
use crate::compute;
use crate::error::Result;

/// What must still be so when something is overwritten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still<'a> {
    pub(super) array: &'a Array,
    pub(super) shape: &'a [u64],
}

impl Still<'_> {
    /// An error, as of a lost race, if the array has another shape now.
    async fn ensure(self) -> Result<()> {
        self.array.ensure_shape(self.shape).await
    }
}

impl Writer {
    /// Puts the elements of a chunk that lie outside the shape `keep` to fill value, if it is stored and has others there.
    ///
    /// It is stored on the condition that it is still the one that was read, where the store can check that. With `still`
    /// the shape is checked after it was read: what has come into being since a shape was changed is then never touched,
    /// for it is either of another shape or of another version.
    pub(super) async fn cut(
        &self,
        chunk: &[u64],
        keep: &[u64],
        still: Option<Still<'_>>,
        counts: &Counts,
    ) -> Result<()> {
        let Some(ranges) = self.layout.grid().elements_of(chunk) else {
            return Ok(());
        };
        let key = self.layout.key(chunk);
        let at = |error| crate::array::codec_error(self.store.key_url(&key), chunk, error);
        let edges: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
        let chain = self.layout.chain(&edges).map_err(at)?;
        let kept = Kept::new(&ranges, keep);
        let mut races = Races::default();
        loop {
            counts.read();
            let Some(stored) = self.store.get_with_version(&key, CatOptions::default()).await? else {
                return Ok(());
            };
            let cut = self
                .decode_kept(&chain, stored.bytes.clone(), kept.clone())
                .await?;
            let Some(chunk) = cut.map_err(at)? else {
                return Ok(());
            };
            if let Some(still) = still {
                still.ensure().await?;
            }
            // What is kept stays what it was, also where the decoded form does not tell all.
            let before = (!kept.is_nothing()).then_some(stored.bytes);
            let mode = self.store.mode_after(&stored.version);
            let keeps_empty = matches!(mode, WriteMode::IfMatch(_));
            let encoded = self
                .encode(&chain, chunk, before, keeps_empty)
                .await?
                .map_err(at)?;
            match self.store_chunk(&key, encoded, mode, counts).await {
                Err(error) if error.is_lost_race() && races.again(Some(stored.version.clone())) => {}
                done => {
                    self.cache.remove(&key);
                    return done;
                }
            }
        }
    }

    /// A stored chunk with fill value outside of what is kept; `None` if that is how it is stored.
    async fn decode_kept(
        &self,
        chain: &CodecChain,
        encoded: Bytes,
        kept: Kept,
    ) -> Result<Result<Option<Chunk>, CodecError>> {
        let (chain, layout) = (chain.clone(), Arc::clone(&self.layout));
        let work = move || match with_scratch(|scratch| chain.decode(&encoded, scratch)) {
            Ok(mut chunk) => {
                let changed = kept.fill_outside(&mut chunk, layout.fill())?;
                Ok(changed.then_some(chunk))
            }
            // Nothing of it is kept: what it was does not matter.
            Err(_) if kept.is_nothing() => filled(&chain, layout.fill()).map(Some),
            Err(error) => Err(error),
        };
        compute::spawn(work).await.map_err(|_| self.internal())
    }
}

/// Which elements of a chunk are kept: the first ones along each dimension.
#[derive(Clone, Debug)]
struct Kept {
    /// The chunk's shape.
    edges: Vec<usize>,
    /// How many are kept along each dimension; where no element is, 0 along all of them.
    inside: Vec<usize>,
}

impl Kept {
    /// Of a chunk with the elements `ranges` of an array, those that lie in the shape `keep`.
    fn new(ranges: &[Range<u64>], keep: &[u64]) -> Self {
        let size = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
        let edge = |range: &Range<u64>| size(range.end - range.start);
        let edges: Vec<usize> = ranges.iter().map(edge).collect();
        let mut inside: Vec<usize> = ranges
            .iter()
            .zip(keep)
            .map(|(range, length)| size(length.saturating_sub(range.start)).min(edge(range)))
            .collect();
        if inside.contains(&0) {
            inside.fill(0);
        }
        Self { edges, inside }
    }

    /// Whether no element is kept.
    fn is_nothing(&self) -> bool {
        self.inside.contains(&0)
    }

    /// Puts all other elements to fill value. Returns whether any was another.
    fn fill_outside(&self, chunk: &mut Chunk, fill: &[u8]) -> Result<bool, CodecError> {
        match chunk {
            Chunk::Fixed(bytes) => {
                let mut changed = false;
                self.for_each_run_outside(|run| {
                    let run = &mut bytes[run.start * fill.len()..run.end * fill.len()];
                    if !are_all(run, fill) {
                        repeat(run, fill);
                        changed = true;
                    }
                });
                Ok(changed)
            }
            Chunk::Variable(values) => {
                let (mut changed, mut bytes) = (false, values.data().len());
                self.for_each_run_outside(|run| {
                    for place in run {
                        let element = values.get(place).unwrap_or_default();
                        changed |= element != fill;
                        bytes = bytes.saturating_sub(element.len()).saturating_add(fill.len());
                    }
                });
                if !changed {
                    return Ok(false);
                }
                let mut cut = VariableLength::with_capacity(values.len(), bytes)?;
                let copy = |places: Range<usize>, cut: &mut VariableLength| {
                    for place in places {
                        cut.push(values.get(place).unwrap_or_default());
                    }
                };
                let mut next = 0;
                self.for_each_run_outside(|run| {
                    copy(next..run.start, &mut cut);
                    next = run.end;
                    run.for_each(|_| cut.push(fill));
                });
                copy(next..values.len(), &mut cut);
                *values = cut;
                Ok(true)
            }
        }
    }

    /// Visits the elements that are not kept, as runs of places in the chunk, in C order.
    fn for_each_run_outside(&self, mut visit: impl FnMut(Range<usize>)) {
        runs_outside(&self.edges, &self.inside, 0, &mut visit);
    }
}

/// The runs of a block that begins at `start`.
fn runs_outside(edges: &[usize], inside: &[usize], start: usize, visit: &mut dyn FnMut(Range<usize>)) {
    let ([edge, edges @ ..], [kept, inside @ ..]) = (edges, inside) else {
        return;
    };
    let row: usize = edges.iter().product();
    if inside != edges {
        (0..*kept).for_each(|at| runs_outside(edges, inside, start + at * row, visit));
    }
    if kept < edge {
        visit(start + kept * row..start + edge * row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[u64], keep: &[u64]) -> Kept {
        let ranges: Vec<Range<u64>> = edges.iter().map(|edge| 0..*edge).collect();
        Kept::new(&ranges, keep)
    }

    #[test]
    fn what_lies_beyond_is_filled_and_nothing_else() {
        for keep in (0..=2).flat_map(|a| (0..=3).flat_map(move |b| (0..=5).map(move |c| [a, b, c]))) {
            let is_kept = |place: u64| {
                let at = [place / 12, place / 4 % 3, place % 4];
                at.iter().zip(keep).all(|(at, keep)| *at < keep)
            };
            let kept = of(&[2, 3, 4], &keep);
            let mut fixed = Chunk::Fixed((0..48).collect());
            let expected = (0..48_u8).map(|byte| match is_kept(u64::from(byte) / 2) {
                true => byte,
                false => 90 + byte % 2,
            });
            let expected = Chunk::Fixed(expected.collect());
            let changed = kept.fill_outside(&mut fixed, &[90, 91]).unwrap();
            assert_eq!(fixed, expected, "{keep:?}");
            assert_eq!(changed, !(0..24).all(is_kept), "{keep:?}");
            let again = kept.fill_outside(&mut fixed, &[90, 91]).unwrap();
            assert!(!again, "once is enough");

            let word = |place: u64| "ab".repeat(usize::try_from(place % 3).unwrap());
            let mut variable = Chunk::Variable((0..24).map(word).collect());
            let cut = |place| {
                if is_kept(place) {
                    word(place)
                } else {
                    "-".to_owned()
                }
            };
            let expected = Chunk::Variable((0..24).map(cut).collect());
            assert_eq!(kept.fill_outside(&mut variable, b"-").unwrap(), changed);
            assert_eq!(variable, expected, "{keep:?}");
            assert!(!kept.fill_outside(&mut variable, b"-").unwrap());
        }
    }

    /// Of a chunk of a million elements a block is kept: the runs outside are as few as they can be.
    #[test]
    fn runs_are_long() {
        let runs = |keep: &[u64]| {
            let mut runs = Vec::new();
            of(&[100, 100, 100], keep).for_each_run_outside(|run| runs.push((run.start, run.end)));
            runs
        };
        assert!(runs(&[100, 100, 100]).is_empty());
        assert_eq!(runs(&[30, 100, 100]), [(300_000, 1_000_000)]);
        assert_eq!(runs(&[1, 40, 100]), [(4_000, 10_000), (10_000, 1_000_000)]);
        assert_eq!(runs(&[7, 0, 100]), [(0, 1_000_000)]);
        assert_eq!(runs(&[2, 3, 99]).len(), 2 * (3 + 1) + 1);
    }
}
