//! Arrays: their data, read and written through their store.
//!
//! A read is *plan → fetch → decode → place*, and each is a file. Requests and threads have widths of their own
//! ([`ReadOptions`]); decoding runs on as many threads as the machine has cores, never on the thread that does I/O; the
//! result is filled in place.

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod check;
mod chunks;
mod data;
mod element;
mod in_order;
mod layout;
#[cfg(feature = "ndarray")]
mod ndarray;
mod output;
mod pieces;
mod place;
mod plan;
mod points;
mod read;
mod selection;
mod selection_text;
mod stored;
mod write;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

pub use check::{ChunkCheck, ChunkFault};
pub use chunks::DecodedChunk;
pub use data::ArrayData;
pub use element::Element;
pub use read::{MissingChunks, ReadOptions, ReadReport};
pub use selection::{Select, Selection};
pub use stored::{Beside, StoredChunks};
pub use write::{WriteOptions, WriteReport};

use crate::codec::{Chunk, CodecError, CodecErrorKind};
use crate::error::{Error, Result};
use crate::hierarchy::{NodeCore, node_methods};
use crate::metadata::json::Object;
use crate::metadata::{ArrayMetadata, ZarrFormat};
use bytemuck::Pod;
use layout::{Equal, Layout};
use output::Output;
use plan::Plan;
use read::{Job, ShardIndexCache, ShardLayout, Shards, Target, VariableTarget};

/// An array: data in chunks, and attributes. Cheap to clone.
///
/// It holds the store by [`Arc`] and never closes it: whoever holds the store does.
#[derive(Clone, Debug)]
pub struct Array {
    pub(crate) core: NodeCore,
    pub(crate) metadata: Arc<ArrayMetadata>,
    /// What reading data needs, made at the first read: listing a group makes none.
    opened: Arc<OnceLock<Opened>>,
}

/// What reading and writing data needs, checked once.
#[derive(Debug)]
struct Opened {
    layout: Arc<Layout>,
    shards: Option<Arc<ShardLayout>>,
    cache: Arc<ShardIndexCache>,
}

node_methods!(Array, "array");

impl Array {
    pub(crate) fn new(core: NodeCore, metadata: impl Into<Arc<ArrayMetadata>>) -> Self {
        Self {
            core,
            metadata: metadata.into(),
            opened: Arc::default(),
        }
    }

    /// Shape, data type, chunks, codecs and the rest of its document.
    #[must_use]
    pub fn metadata(&self) -> &ArrayMetadata {
        &self.metadata
    }

    /// In which format it is stored.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        self.metadata.zarr_format()
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.metadata.attributes()
    }

    /// The shape in elements.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.metadata.shape()
    }

    /// Checks that the data can be read: that the data type and every codec is known, and that they fit together. Reads
    /// do the same when they begin.
    ///
    /// # Errors
    /// [`Error::Unsupported`] that names the first thing that is not known; [`Error::InvalidCodecs`] if the codecs do not
    /// fit each other, the data type or the chunk shape.
    pub fn ensure_readable(&self) -> Result<()> {
        self.opened().map(drop)
    }

    fn opened(&self) -> Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let layout = Layout::new(&self.url(), self.path().clone(), &self.metadata)?;
        let shards = layout.regular_chain().and_then(ShardLayout::new).map(Arc::new);
        let opened = Opened {
            layout: Arc::new(layout),
            shards,
            cache: Arc::default(),
        };
        Ok(self.opened.get_or_init(|| opened))
    }

    /// As [`opened`](Self::opened), of an array whose chunks can be encoded, too.
    fn writable(&self) -> Result<&Opened> {
        let opened = self.opened()?;
        let encodes = opened.layout.ensure_encodes();
        encodes.map_err(|error| self.codec_error(error))?;
        Ok(opened)
    }

    /// Reads `selection` into a new vector in C order.
    ///
    /// Elements of missing chunks are the fill value. At most one request per chunk; of shards that are wanted in part,
    /// one for the index (then remembered) and one for each run of neighbouring inner chunks.
    ///
    /// ```no_run
    /// # async fn example(array: zarr_core::array::Array) -> zarr_core::Result<()> {
    /// use zarr_core::array::{Select, Selection};
    /// let corner = Selection::new(&[(0..10).into(), Select::Index(0)], array.shape())?;
    /// let values: Vec<f32> = array.read(&corner).await?;
    /// assert_eq!(values.len(), 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] if `T` is not for the array's data type; [`Error::InvalidSelection`] if the selection was
    /// made for another shape or is too large for this machine; [`Error::Corrupt`] with key and chunk for data that is
    /// wrong; [`Error::Fs`] from the filesystem.
    pub async fn read<T: Element>(&self, selection: &Selection) -> Result<Vec<T>> {
        Ok(self.read_with(selection, &ReadOptions::default()).await?.0)
    }

    /// [`Array::read`] with options, and what it did.
    ///
    /// # Errors
    /// As [`Array::read`]; [`Error::MissingChunk`] if the options say so.
    pub async fn read_with<T: Element>(
        &self,
        selection: &Selection,
        options: &ReadOptions,
    ) -> Result<(Vec<T>, ReadReport)> {
        self.read_reusing(selection, Vec::new(), options).await
    }

    /// [`Array::read_with`] into the memory of `buffer`, whose elements are lost: a program that reads many selections of
    /// one size has the kernel give it that much memory once. Decoding threads write to it, so it must be the read's own
    /// until it comes back; a buffer that is too small is replaced. (`bool` has no use for it.)
    ///
    /// ```no_run
    /// # async fn example(array: zarr_core::array::Array) -> zarr_core::Result<()> {
    /// use zarr_core::array::{ReadOptions, Select, Selection};
    /// let mut buffer: Vec<f32> = Vec::new();
    /// for time in 0..100 {
    ///     let step = Selection::new(&[Select::Index(time), Select::Ellipsis], array.shape())?;
    ///     (buffer, _) = array.read_reusing(&step, buffer, &ReadOptions::default()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Array::read_with`]; the buffer is gone then.
    pub async fn read_reusing<T: Element>(
        &self,
        selection: &Selection,
        buffer: Vec<T>,
        options: &ReadOptions,
    ) -> Result<(Vec<T>, ReadReport)> {
        self.ensure_element::<T>()?;
        let raw = self
            .read_fixed(selection, options, size_of::<T::Raw>(), T::memory_of(buffer))
            .await;
        let (raw, report) = raw?;
        Ok((T::from_raw(raw, self.opened()?.layout.data_type()), report))
    }

    fn ensure_element<T: Element>(&self) -> Result<()> {
        let data_type = self.opened()?.layout.data_type();
        if T::is_for(data_type) {
            return Ok(());
        }
        Err(data::wrong_type::<T>(&self.url(), data_type))
    }

    /// Reads `selection` into the caller's buffer, in C order. The buffer is written by this future alone, so dropping it
    /// is safe; the price is a result of the same size beside it and a copy. [`Array::read_reusing`] has neither.
    ///
    /// # Errors
    /// As [`Array::read`]; [`Error::InvalidSelection`] if the buffer has another length.
    pub async fn read_into<T: Element>(&self, selection: &Selection, buffer: &mut [T]) -> Result<ReadReport> {
        if selection.element_count() != Some(buffer.len() as u64) {
            let (wanted, length) = (selection.element_count(), buffer.len());
            return Err(selection::invalid(format!(
                "a buffer of {length} elements for a selection of {wanted:?}"
            )));
        }
        let (elements, report) = self.read_with::<T>(selection, &ReadOptions::default()).await?;
        buffer.copy_from_slice(&elements);
        Ok(report)
    }

    /// Reads `selection`, whatever the data type.
    ///
    /// # Errors
    /// As [`Array::read`].
    pub async fn read_data(
        &self,
        selection: &Selection,
        options: &ReadOptions,
    ) -> Result<(ArrayData, ReadReport)> {
        let data_type = self.metadata.data_type().clone();
        let (elements, report) = match data_type.size_bytes() {
            Some(size) => {
                let (bytes, report) = self
                    .read_fixed::<u8>(selection, options, size, Vec::new())
                    .await?;
                (Chunk::Fixed(bytes), report)
            }
            None => {
                let plan = Arc::new(self.leaf_plan(selection)?);
                let target = VariableTarget::new(plan).map_err(|error| self.codec_error(error))?;
                let (target, report) = self.run(selection, options, Target::Variable(target)).await?;
                let Target::Variable(target) = target else {
                    return Err(self.panicked());
                };
                let values = target
                    .finish(self.opened()?.layout.fill())
                    .map_err(|error| self.codec_error(error))?;
                (Chunk::Variable(values), report)
            }
        };
        Ok((ArrayData::new(selection.shape(), data_type, elements), report))
    }

    async fn read_fixed<T: Pod + Send + Sync>(
        &self,
        selection: &Selection,
        options: &ReadOptions,
        item_bytes: usize,
        memory: Vec<T>,
    ) -> Result<(Vec<T>, ReadReport)> {
        let plan = Arc::new(self.leaf_plan(selection)?);
        let output = Output::new(plan, item_bytes, memory)
            .map_err(|error| selection::invalid(format!("{}: {error}", self.url())))?;
        let (target, report) = self
            .run(selection, options, Target::Fixed { output, item_bytes })
            .await?;
        let Target::Fixed { output, .. } = target else {
            return Err(self.panicked());
        };
        Ok((output.into_vec().ok_or_else(|| self.panicked())?, report))
    }

    /// Fills `target`, which was made for the leaf plan of `selection`.
    async fn run(
        &self,
        selection: &Selection,
        options: &ReadOptions,
        target: Target,
    ) -> Result<(Target, ReadReport)> {
        let opened = self.opened()?;
        let shards = match &opened.shards {
            None => None,
            Some(layout) => {
                let plan = self.plan(selection, opened.layout.dimension_grids())?;
                layout.inner_chain().map(|inner| Shards {
                    layout: Arc::clone(layout),
                    plan,
                    inner,
                })
            }
        };
        let job = Arc::new(Job::new(
            Arc::clone(self.store()),
            Arc::clone(&opened.layout),
            shards,
            target,
            options.clone(),
            Arc::clone(&opened.cache),
        ));
        read::run(Arc::clone(&job)).await?;
        let job = Arc::into_inner(job).ok_or_else(|| self.panicked())?;
        Ok(job.finish())
    }

    /// The plan over what is decoded at once: inner chunks where shards are read in parts, else chunks.
    fn leaf_plan(&self, selection: &Selection) -> Result<Plan> {
        let opened = self.opened()?;
        match &opened.shards {
            None => self.plan(selection, opened.layout.dimension_grids()),
            Some(shards) => {
                let grids = shards
                    .inner_shape()
                    .iter()
                    .map(|edge| Box::new(Equal(*edge)) as Box<_>)
                    .collect();
                Ok(self.plan(selection, grids)?.with_order(Some(shards.order())))
            }
        }
    }

    fn plan(
        &self,
        selection: &Selection,
        grids: Vec<Box<dyn plan::DimensionGrid + Send + Sync>>,
    ) -> Result<Plan> {
        self.ensure_made_for_this(selection)?;
        Plan::new(selection.dims(), grids)
            .map_err(|plan::TooLarge| selection::invalid("more elements than this machine can address"))
    }

    /// A selection of another array's elements would name chunks and elements that do not exist.
    fn ensure_made_for_this(&self, selection: &Selection) -> Result<()> {
        let (made, shape) = (selection.array_shape(), self.shape());
        if made == shape {
            return Ok(());
        }
        Err(selection::invalid(format!(
            "it was made for shape {made:?}, the array has {shape:?}"
        )))
    }

    fn codec_error(&self, error: CodecError) -> Error {
        codec_error(self.url(), &[], error)
    }

    fn panicked(&self) -> Error {
        Error::Internal { url: self.url() }
    }
}

/// A codec's error with the URL of the key and the chunk it belongs to (none: the array as a whole).
pub(crate) fn codec_error(url: String, chunk: &[u64], error: CodecError) -> Error {
    match error.kind {
        CodecErrorKind::Unsupported { .. } => Error::Unsupported {
            at: match error.pointer.as_str() {
                "" => url,
                pointer => format!("{url}#{pointer}"),
            },
            what: format!("codec {}: {}", error.codec, error.kind),
        },
        CodecErrorKind::InvalidConfiguration { .. } if chunk.is_empty() => Error::InvalidCodecs {
            url,
            source: Box::new(error),
        },
        CodecErrorKind::Unencodable { .. } => Error::Unencodable {
            key: url,
            chunk: (!chunk.is_empty()).then(|| chunk.to_vec()),
            by: Cow::Owned(format!("codec {}", error.codec)),
            source: Box::new(error.kind),
        },
        CodecErrorKind::Corrupt { .. }
        | CodecErrorKind::InvalidConfiguration { .. }
        | CodecErrorKind::OutOfMemory { .. } => Error::Corrupt {
            key: url,
            chunk: (!chunk.is_empty()).then(|| chunk.to_vec()),
            stage: Cow::Owned(error.codec.clone()),
            source: Box::new(error),
        },
    }
}
