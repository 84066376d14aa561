//! Changing the shape of an array.

use futures::{StreamExt, TryStreamExt};

use super::options::WriteOptions;
use crate::array::Array;
use crate::array::selection::{Select, Selection, invalid};
use crate::error::{Error, Result};
use crate::hierarchy::update::{Part, update};
use crate::metadata::NodeMetadata;

impl Array {
    /// Gives the array another shape of the same rank, and returns it as it is now stored. New elements are the fill value;
    /// elements beyond the new shape are gone.
    ///
    /// When it shrinks, the metadata is written first, then chunks that lie wholly outside are erased and those at the new
    /// edge are cut back to fill value, so that growing again does not bring old values back. A resize that is cut off
    /// leaves an array of the new shape with some old chunks outside it.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`] if the rank differs; [`Error::InvalidMetadata`] if the chunk grid does not cover the
    /// shape; [`Error::ReadOnly`]; [`Error::Fs`], with `Precondition` if others kept writing the metadata.
    pub async fn resize(&self, shape: &[u64]) -> Result<Self> {
        if shape.len() != self.shape().len() {
            return Err(invalid(format!(
                "shape {shape:?} for an array of rank {}",
                self.shape().len()
            )));
        }
        let old = self.shape().to_vec();
        let kind = self.metadata.document().kind();
        let key = self.path().key(kind.key());
        let change = |metadata: NodeMetadata| match metadata {
            NodeMetadata::Array(array) => array
                .with_shape(shape)
                .map(|array| NodeMetadata::Array(Box::new(array)))
                .map_err(|error| Error::metadata(self.store().key_url(&key), error)),
            group @ NodeMetadata::Group(_) => Ok(group),
        };
        let resized = update(&self.core, kind, Part::Main, change).await?.into_array()?;
        if old.iter().zip(shape).any(|(old, new)| new < old) {
            resized.cut_back(&old).await?;
        }
        Ok(resized)
    }

    /// Erases chunks outside the shape that were inside `old`, and cuts those at the edge back to fill value.
    async fn cut_back(&self, old: &[u64]) -> Result<()> {
        let opened = self.opened()?;
        let grid = opened.layout.grid();
        let whole = self.plan_over(old)?;
        let shape = self.shape();
        let outside = |chunk: &[u64]| {
            let elements = grid.elements_of(chunk);
            elements.is_none_or(|ranges| {
                ranges
                    .iter()
                    .zip(shape)
                    .any(|(range, length)| range.start >= *length)
            })
        };
        futures::stream::iter((0..whole.len()).map(|ordinal| whole.task(ordinal).chunk_indices()))
            .filter(|chunk| futures::future::ready(outside(chunk)))
            .map(|chunk| async move { self.store().erase(&opened.layout.key(&chunk)).await.map(drop) })
            .buffer_unordered(64)
            .try_for_each(|()| futures::future::ready(Ok(())))
            .await?;
        // What remains at the edge is read within the new shape and written back whole, with fill value beyond it.
        let edge: Vec<Vec<u64>> = (0..whole.len())
            .map(|ordinal| whole.task(ordinal).chunk_indices())
            .filter(|chunk| !outside(chunk))
            .filter(|chunk| {
                grid.elements_of(chunk).is_some_and(|ranges| {
                    ranges
                        .iter()
                        .zip(shape)
                        .zip(old)
                        .any(|((range, new), old)| range.end > *new && new < old)
                })
            })
            .collect();
        let bound = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        for chunk in edge {
            let Some(ranges) = grid.elements_of(&chunk) else {
                continue;
            };
            let selects: Vec<Select> = ranges
                .iter()
                .zip(shape)
                .map(|(range, length)| Select::from(bound(range.start)..bound(range.end.min(*length))))
                .collect();
            let selection = Selection::new(&selects, shape)?;
            let (data, report) = self
                .read_data(&selection, &crate::array::ReadOptions::default())
                .await?;
            if report.missing_chunks < report.chunks {
                self.write_data(&selection, &data, &WriteOptions::default())
                    .await?;
            }
        }
        Ok(())
    }
}
