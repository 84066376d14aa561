//! Elements outside an array's shape: how they are put back to fill value.

use zarr_fs::{CatOptions, WriteMode};

use super::chunk::{Counts, TRIES, Writer};
use crate::array::Array;
use crate::codec::{Chunk, CodecError, VariableLength};
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
        let inside: Vec<u64> = ranges
            .iter()
            .zip(keep)
            .map(|(range, length)| length.saturating_sub(range.start).min(range.end - range.start))
            .collect();
        let chain = self.layout.chain(&edges).map_err(at)?;
        let mut attempt = 1;
        loop {
            counts.read();
            let Some(stored) = self.store.get_with_version(&key, CatOptions::default()).await? else {
                return Ok(());
            };
            let decoded = self.decode(&chain, stored.bytes.clone()).await?;
            let chunk = match decoded {
                Ok(mut chunk) => {
                    let changed = fill_outside(&mut chunk, &edges, &inside, self.layout.fill());
                    if !changed.map_err(at)? {
                        return Ok(());
                    }
                    chunk
                }
                // Nothing of it is kept: what it was does not matter.
                Err(_) if inside.contains(&0) => self.filled(&chain).map_err(at)?,
                Err(error) => return Err(at(error)),
            };
            if let Some(still) = still {
                still.ensure().await?;
            }
            let mode = self.store.mode_after(&stored.version);
            let keeps_empty = matches!(mode, WriteMode::IfMatch(_));
            let encoded = self.encode(&chain, chunk, None, keeps_empty).await?.map_err(at)?;
            match self.store_chunk(&key, encoded, mode, counts).await {
                Err(error) if error.is_lost_race() && attempt < TRIES => attempt += 1,
                done => {
                    self.cache.remove(&key);
                    return done;
                }
            }
        }
    }
}

/// Puts the elements of a chunk beyond its first `inside` ones along each dimension to fill value. Returns whether any was
/// another.
fn fill_outside(chunk: &mut Chunk, edges: &[u64], inside: &[u64], fill: &[u8]) -> Result<bool, CodecError> {
    let size = |lengths: &[u64]| -> Vec<usize> {
        let size = |length: &u64| usize::try_from(*length).unwrap_or(usize::MAX);
        lengths.iter().map(size).collect()
    };
    let (edges, inside) = (size(edges), size(inside));
    let is_outside = |place: usize| {
        let mut rest = place;
        edges.iter().zip(&inside).rev().any(|(edge, inside)| {
            let at = rest % (*edge).max(1);
            rest /= (*edge).max(1);
            at >= *inside
        })
    };
    match chunk {
        Chunk::Fixed(bytes) => {
            let mut changed = false;
            for (place, element) in bytes.chunks_exact_mut(fill.len().max(1)).enumerate() {
                if element != fill && is_outside(place) {
                    element.copy_from_slice(fill);
                    changed = true;
                }
            }
            Ok(changed)
        }
        Chunk::Variable(values) => {
            let differs = |(place, element): (usize, &[u8])| element != fill && is_outside(place);
            if !values.iter().enumerate().any(differs) {
                return Ok(false);
            }
            let kept = |place: usize, element| if is_outside(place) { fill } else { element };
            let bytes = values
                .iter()
                .enumerate()
                .map(|(place, element)| kept(place, element).len());
            let mut cut = VariableLength::with_capacity(values.len(), bytes.sum())?;
            for (place, element) in values.iter().enumerate() {
                cut.push(kept(place, element));
            }
            *values = cut;
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_is_filled_and_nothing_else() {
        let cut = |inside: &[u64]| {
            let mut fixed = Chunk::Fixed((1..=6).collect());
            let words = ["a", "b", "c", "d", "e", "f"];
            let mut variable = Chunk::Variable(words.into_iter().collect());
            let changed = fill_outside(&mut fixed, &[2, 3], inside, &[9]).unwrap();
            assert_eq!(
                fill_outside(&mut variable, &[2, 3], inside, b"-").unwrap(),
                changed
            );
            assert!(
                !fill_outside(&mut fixed, &[2, 3], inside, &[9]).unwrap(),
                "once is enough"
            );
            let Chunk::Variable(variable) = variable else {
                panic!()
            };
            let text: Vec<u8> = variable.iter().flatten().copied().collect();
            (fixed, String::from_utf8(text).unwrap(), changed)
        };
        assert_eq!(
            cut(&[2, 3]),
            (Chunk::Fixed(vec![1, 2, 3, 4, 5, 6]), "abcdef".to_owned(), false)
        );
        assert_eq!(
            cut(&[1, 2]),
            (Chunk::Fixed(vec![1, 2, 9, 9, 9, 9]), "ab----".to_owned(), true)
        );
        assert_eq!(
            cut(&[2, 1]),
            (Chunk::Fixed(vec![1, 9, 9, 4, 9, 9]), "a--d--".to_owned(), true)
        );
        assert_eq!(
            cut(&[0, 3]),
            (Chunk::Fixed(vec![9; 6]), "------".to_owned(), true)
        );
    }
}
