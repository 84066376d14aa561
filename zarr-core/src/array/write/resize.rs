//! Changing the shape of an array.

use std::sync::{Arc, OnceLock};

use futures::TryStreamExt;

use super::chunk::{Counts, Writer};
use super::cut::Still;
use super::options::WriteOptions;
use super::outside::{ONE_BY_ONE, Outside};
use crate::array::Array;
use crate::array::selection::invalid;
use crate::error::{Error, Result};
use crate::hierarchy::update::{Part, reread, update};
use crate::metadata::NodeMetadata;

/// So often a change of shape is begun anew because somebody else has changed it.
const TRIES: usize = 16;

impl Array {
    /// Gives the array another shape of the same rank, and returns it as it is now stored. New elements are the fill value;
    /// elements beyond the new shape are gone.
    ///
    /// **Order.** Where it shrinks, the metadata is written first: readers see the new shape or the old one, with all its
    /// elements, never an old shape with holes. Then the chunks that lie wholly outside are erased, and those at the new
    /// edge are cut back to fill value. A resize that is cut off in between leaves chunks outside the shape, which nobody
    /// reads. Where an array grows ([`append`](Self::append) included), what comes into the shape is looked at *before* the
    /// metadata is written, and put to fill value if it is anything else: old values never come back, whoever left them.
    ///
    /// (zarr-python erases first, and cuts back nothing; tensorstore shows what an earlier resize has left.)
    ///
    /// **Cost.** One request for each chunk that is concerned: that holds elements of the one shape and not of the other.
    /// If they are more than 4096, one listing of the array in their place, and requests for those that are there. (An
    /// append asks one by one: it writes as many.)
    ///
    /// **Precision.** A chunk at the edge that holds anything else than fill value outside is decoded and encoded again.
    /// Codecs that lose precision (`zfp`, `bitround`, `quantize`, …) may then lose some of what is kept, too.
    ///
    /// **Others.** Several may grow an array at once: nobody erases what another has written, where the store can write
    /// on a condition. An array that one shrinks while another writes beyond its new shape, or makes it grow again, may
    /// lose what was written there.
    ///
    /// **After an error** the array has the shape that its metadata says: read it anew ([`open`](crate::hierarchy::open)). If
    /// that is the old one, begin again. If it is the new one, all is well but for chunks outside the shape that take up
    /// room: growing clears them, and a resize to the present shape does not look for them. To be rid of them, resize to
    /// the old shape and again to the new one. A chunk at the edge that cannot be decoded is left as it is, and the array
    /// does not grow over it, until what it has inside the shape is written whole.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`] if the rank differs; [`Error::InvalidMetadata`] if the chunk grid does not cover the
    /// shape; as [`Array::ensure_readable`]; [`Error::LimitReached`], before anything is changed, if more than 2²⁰ chunks
    /// are concerned and the store cannot list; [`Error::Corrupt`] for a chunk at the edge that cannot be decoded: where
    /// the array grows it keeps its shape then, where it shrinks all else is done; [`Error::ReadOnly`]; [`Error::Fs`], with
    /// `Precondition` if others kept writing the metadata.
    pub async fn resize(&self, shape: &[u64]) -> Result<Self> {
        let to = |old: &[u64]| {
            if shape.len() == old.len() {
                return Ok(shape.to_vec());
            }
            Err(invalid(format!(
                "shape {shape:?} for an array of rank {}",
                old.len()
            )))
        };
        let (resized, old) = self.reshape(to, ONE_BY_ONE).await?;
        resized.cut_back(&old).await?;
        Ok(resized)
    }

    /// Writes the shape that `to` makes of the present one, after what comes into the array was put to fill value: up to
    /// `one_by_one` chunks are asked for without a listing. Returns the array and the shape that it had.
    pub(super) async fn reshape(
        &self,
        to: impl Fn(&[u64]) -> Result<Vec<u64>> + Send + Sync,
        one_by_one: u64,
    ) -> Result<(Self, Vec<u64>)> {
        let kind = self.metadata.document().kind();
        let key = self.path().key(kind.key());
        self.store().ensure_writable("set", &key)?;
        self.writable()?;
        let mut now = self.clone();
        let mut attempt = 1;
        loop {
            let (old, new) = (now.shape().to_vec(), to(now.shape())?);
            let refused = |error| Error::metadata(self.store().key_url(&key), error);
            now.metadata.with_shape(&new).map_err(refused)?;
            let change = |metadata: NodeMetadata| match metadata {
                NodeMetadata::Array(array) if array.shape() == old => {
                    let changed = array.with_shape(&new).map_err(refused)?;
                    Ok(NodeMetadata::Array(Box::new(changed)))
                }
                NodeMetadata::Array(_) => Err(self.store().precondition(&key)),
                group @ NodeMetadata::Group(_) => Ok(group),
            };
            // What would stop the work behind the metadata stops it before.
            now.going(&old, &new)?
                .ensure_findable(self.store(), &now.opened()?.layout, ONE_BY_ONE)?;
            let changed = match now.clear(&old, &new, one_by_one).await {
                Ok(()) => update(&self.core, kind, Part::Main, change).await,
                Err(error) => Err(error),
            };
            match changed {
                Ok(node) => return Ok((node.into_array()?, old)),
                Err(error) if error.is_lost_race() && attempt < TRIES => {
                    attempt += 1;
                    now = reread(&self.core, kind).await?.into_array()?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts to fill value what is stored of the elements that come into the array when it grows from `old` to `new`.
    async fn clear(&self, old: &[u64], new: &[u64], one_by_one: u64) -> Result<()> {
        let opened = self.opened()?;
        let outside = Outside::new(opened.layout.grid(), &common(old, new), new);
        if outside.is_empty() {
            return Ok(());
        }
        let (writer, width) = self.cutter()?;
        let still = Still {
            array: self,
            shape: old,
        };
        let (writer, counts) = (&writer, &Counts::default());
        outside
            .stored(self.store(), &opened.layout, one_by_one)?
            .try_for_each_concurrent(width, |chunk| async move {
                writer.cut(&chunk, old, Some(still), counts).await
            })
            .await
    }

    /// The chunks that have elements which go when `old` becomes `new`.
    fn going(&self, old: &[u64], new: &[u64]) -> Result<Outside> {
        let grid = self.opened()?.layout.grid();
        Ok(Outside::new(grid, &common(old, new), old))
    }

    /// Erases chunks outside the shape that were inside `old`, and cuts those at the edge back to fill value. One that
    /// cannot be cut does not keep the others: its error comes when they are done.
    async fn cut_back(&self, old: &[u64]) -> Result<()> {
        let opened = self.opened()?;
        let (grid, shape) = (opened.layout.grid(), self.shape());
        let outside = self.going(old, shape)?;
        if outside.is_empty() {
            return Ok(());
        }
        let is_wholly_outside = |chunk: &[u64]| {
            let elements = grid.elements_of(chunk);
            let mut dims = elements.iter().flatten().zip(shape);
            dims.any(|(range, length)| range.start >= *length)
        };
        let (writer, width) = self.cutter()?;
        let first_error = OnceLock::new();
        let (writer, counts, uncut) = (&writer, &Counts::default(), &first_error);
        outside
            .stored(self.store(), &opened.layout, ONE_BY_ONE)?
            .try_for_each_concurrent(width, |chunk| async move {
                if is_wholly_outside(&chunk) {
                    return self.store().erase(&opened.layout.key(&chunk)).await.map(drop);
                }
                match writer.cut(&chunk, shape, None, counts).await {
                    Err(error) if is_of_one_chunk(&error) => {
                        let _ = uncut.set(error);
                        Ok(())
                    }
                    done => done,
                }
            })
            .await?;
        first_error.into_inner().map_or(Ok(()), Err)
    }

    fn cutter(&self) -> Result<(Writer, usize)> {
        let opened = self.opened()?;
        let options = WriteOptions::default();
        let width = options.width(opened.layout.chunk_bytes_hint());
        let writer = Writer::new(
            Arc::clone(self.store()),
            Arc::clone(&opened.layout),
            Arc::clone(&opened.cache),
            self.shape().to_vec(),
            options,
            None,
        );
        Ok((writer, width))
    }

    /// An error, as of a lost race, if the array has another shape than this.
    pub(super) async fn ensure_shape(&self, shape: &[u64]) -> Result<()> {
        let kind = self.metadata.document().kind();
        let now = reread(&self.core, kind).await?.into_array()?;
        if now.shape() == shape {
            return Ok(());
        }
        Err(self.store().precondition(&self.path().key(kind.key())))
    }
}

/// Whether an error says that a chunk is bad, and nothing of the store.
fn is_of_one_chunk(error: &Error) -> bool {
    error.is_corrupt() || matches!(error, Error::Unencodable { .. } | Error::Unsupported { .. })
}

/// What two shapes have in common.
fn common(one: &[u64], other: &[u64]) -> Vec<u64> {
    one.iter()
        .zip(other)
        .map(|(one, other)| *one.min(other))
        .collect()
}
