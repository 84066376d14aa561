//! Writing: plan → (read, if a chunk is written in part) → encode → store.
//!
//! A chunk is one key, and a key is written whole or not at all, so a writer that is killed leaves old chunks and new ones,
//! never torn ones. A chunk that is written in part is read, changed and stored on the condition that it is still the one
//! that was read, where the store can check that: two writers of different parts of a chunk lose nothing of each other, if
//! both know the same shape. What a handle takes for outside the array is not read: an array that was opened before
//! somebody appended writes the chunk that it has for the last one whole, and what was appended there is fill value.

mod append;
mod chunk;
mod cut;
mod options;
mod outside;
mod races;
mod resize;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};

pub use options::{WriteOptions, WriteReport};

use super::data::{count, raw_of};
use super::element::Element;
use super::selection::{Selection, invalid};
use super::{Array, ArrayData};
use crate::codec::ChunkRef;
use crate::error::{Error, Result};
use chunk::{Counts, Writer};

impl Array {
    /// Writes `elements`, in C order, to `selection`.
    ///
    /// Chunks that the selection covers as far as the array reaches are written without being read. Chunks that are all
    /// fill value are erased, unless [`WriteOptions::write_empty_chunks`] says otherwise. Elements that the selection names
    /// twice have the last value.
    ///
    /// **Others.** Two that write different parts of a chunk at once lose nothing of each other, where the store can write on
    /// a condition and both arrays are of the shape that is stored. One that was opened *before* somebody made the array
    /// longer does not know the new elements: if it writes the whole of what it has for the last chunk, the elements that
    /// were appended in that chunk become fill value. Open an array anew before writing to it where others append.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if `T` is not for the array's data type, or a codec only reads; [`Error::Unencodable`] for a
    /// value that the data type or a codec cannot hold; [`Error::InvalidSelection`] if there are more or fewer elements than
    /// the selection has; [`Error::ReadOnly`]; [`Error::Fs`] from the filesystem, with
    /// `Precondition` if others kept writing the same chunk. After an error some chunks may be written, each of them whole.
    pub async fn write<T: Element>(&self, selection: &Selection, elements: &[T]) -> Result<WriteReport> {
        let raw = raw_of(&self.url(), elements, self.metadata.data_type())?;
        self.write_chunks(
            selection,
            ChunkRef::Fixed(bytemuck::cast_slice(&raw)),
            &WriteOptions::default(),
        )
        .await
    }

    /// Writes `data`, whatever the data type, to `selection`.
    ///
    /// # Errors
    /// As [`Array::write`].
    pub async fn write_data(
        &self,
        selection: &Selection,
        data: &ArrayData,
        options: &WriteOptions,
    ) -> Result<WriteReport> {
        self.ensure_type_of(data)?;
        self.write_chunks(selection, data.elements().as_ref(), options)
            .await
    }

    /// Writes elements in decoded form (see [`DataType`](crate::metadata::DataType)) to `selection`.
    ///
    /// # Errors
    /// As [`Array::write`].
    pub async fn write_chunks(
        &self,
        selection: &Selection,
        elements: ChunkRef<'_>,
        options: &WriteOptions,
    ) -> Result<WriteReport> {
        self.write_beside_others(selection, elements, options, None).await
    }

    /// [`Array::write_chunks`] where others may write what lies behind the array's end along the axis `growing`, in the
    /// same chunks.
    async fn write_beside_others(
        &self,
        selection: &Selection,
        elements: ChunkRef<'_>,
        options: &WriteOptions,
        growing: Option<usize>,
    ) -> Result<WriteReport> {
        let opened = self.writable()?;
        self.check_count(selection, elements)?;
        self.store().ensure_writable("set", &self.path().key(""))?;
        let plan = self.plan(selection, opened.layout.dimension_grids())?;
        let writer = Arc::new(Writer::new(
            Arc::clone(self.store()),
            Arc::clone(&opened.layout),
            Arc::clone(&opened.cache),
            self.shape().to_vec(),
            options.clone(),
            growing,
        ));
        let width = options.width(opened.layout.chunk_bytes_hint());
        let counts = Counts::default();
        futures::stream::iter(0..plan.len())
            .map(|ordinal| {
                let (plan, writer, counts) = (&plan, Arc::clone(&writer), &counts);
                async move { writer.write(plan, plan.task(ordinal), elements, counts).await }
            })
            .buffer_unordered(width)
            .try_for_each(|()| futures::future::ready(Ok(())))
            .await?;
        Ok(counts.report())
    }

    fn ensure_type_of(&self, data: &ArrayData) -> Result<()> {
        if data.data_type() == self.metadata.data_type() {
            return Ok(());
        }
        let what = format!(
            "writing {} to an array of {}",
            data.data_type().name(),
            self.metadata.data_type().name()
        );
        Err(Error::Unsupported { at: self.url(), what })
    }

    fn check_count(&self, selection: &Selection, elements: ChunkRef<'_>) -> Result<()> {
        let given = count(elements, self.metadata.data_type())?;
        match selection.element_count() {
            Some(wanted) if wanted == given as u64 => Ok(()),
            wanted => Err(invalid(format!("{given} elements for a selection of {wanted:?}"))),
        }
    }
}
