//! Whether every stored chunk can be read: a stream that names the bad ones and goes on.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use zarr_fs::CatOptions;

use super::pieces::{cells, start_of};
use super::plan::Plan;
use super::read::with_scratch;
use super::selection::{Selection, Wanted};
use super::{Array, MissingChunks, ReadOptions, ReadReport};
use crate::compute;
use crate::error::{Error, Result};

/// Inner chunks of a bad shard that are read at once, to find the bad ones.
const AT_ONCE: usize = 8;

/// What reading a stored chunk has shown.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChunkCheck {
    /// Its coordinates in the chunk grid.
    pub chunk: Vec<u64>,
    /// Its key in the store.
    pub key: String,
    /// What could be read: of a shard, inner chunks. The missing ones are counted, and no fault.
    pub report: ReadReport,
    /// What is wrong. Empty: nothing is.
    pub faults: Vec<ChunkFault>,
}

/// Something wrong in a stored chunk.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChunkFault {
    /// In a shard whose index is good, the coordinates of the bad inner chunk in the grid of inner chunks of the array;
    /// `None`: the stored chunk as a whole is bad.
    pub inner_chunk: Option<Vec<u64>>,
    /// What is wrong.
    pub error: Error,
}

impl Array {
    /// Reads and decodes every stored chunk, in C order of the grid, and says what was found. Data are dropped at once: no
    /// more is held than the byte budget of `options` allows.
    ///
    /// Of a shard every inner chunk is decoded that holds an element of the array, and the bad ones are named.
    ///
    /// # Errors
    /// An item is an error where nothing is known of a chunk: the network failed ([`Error::Fs`]), a codec is
    /// [`Error::Unsupported`]. What is not as it should be ([`Error::is_corrupt`]) is a [`ChunkFault`]. The stream goes on
    /// after both, except that one about the array as a whole is its only item.
    pub fn check_chunks(&self, options: &ReadOptions) -> BoxStream<'static, Result<ChunkCheck>> {
        let planned = self
            .stored_plan(&Selection::all(self.shape()))
            .and_then(|plan| Ok((plan, self.pieces_at_once(options)?)));
        let (plan, at_once) = match planned {
            Ok((plan, at_once)) => (Arc::new(plan), at_once),
            Err(error) => return futures::stream::once(futures::future::ready(Err(error))).boxed(),
        };
        let (array, options) = (self.clone(), options.clone().with_missing(MissingChunks::Fill));
        futures::stream::iter(0..plan.len())
            .map(move |ordinal| {
                let (array, plan, options) = (array.clone(), Arc::clone(&plan), options.clone());
                async move { array.check_chunk(&plan, ordinal, &options).await }
            })
            .buffered(at_once)
            .boxed()
    }

    pub(super) async fn check_chunk(
        &self,
        plan: &Plan,
        ordinal: usize,
        options: &ReadOptions,
    ) -> Result<ChunkCheck> {
        let task = plan.task(ordinal);
        let chunk = task.chunk_indices();
        let mut check = ChunkCheck {
            key: self.opened()?.layout.key(&chunk),
            chunk,
            report: ReadReport::default(),
            faults: Vec::new(),
        };
        for piece in self.pieces(&task) {
            match self.read_data(&piece, options).await {
                Ok((_, report)) => check.report.add(report),
                Err(error) if error.is_corrupt() => {
                    if !self.locate(&piece, error, options, &mut check).await? {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(check)
    }

    /// Finds out which inner chunks of a piece are bad. `false` if the shard is bad as a whole.
    async fn locate(
        &self,
        piece: &Selection,
        error: Error,
        options: &ReadOptions,
        check: &mut ChunkCheck,
    ) -> Result<bool> {
        let inner = match &self.opened()?.shards {
            Some(shards) if self.has_index(&check.key).await? => shards.inner_shape().to_vec(),
            _ => Vec::new(),
        };
        let before = check.faults.len();
        if !inner.is_empty() {
            let mut reads = futures::stream::iter(inner_chunks(piece, &inner, self.shape()))
                .map(|one| async move {
                    match self.read_data(&one, options).await {
                        Ok((_, report)) => Ok((one, Ok(report))),
                        Err(error) if error.is_corrupt() => Ok((one, Err(error))),
                        Err(error) => Err(error),
                    }
                })
                .buffered(AT_ONCE);
            while let Some((one, read)) = reads.try_next().await? {
                match read {
                    Ok(report) => check.report.add(report),
                    Err(error) => check.faults.push(ChunkFault {
                        inner_chunk: Some(
                            start_of(&one)
                                .iter()
                                .zip(&inner)
                                .map(|(at, edge)| at / edge)
                                .collect(),
                        ),
                        error,
                    }),
                }
            }
        }
        let located = check.faults.len() > before;
        if !located {
            check.faults.push(ChunkFault {
                inner_chunk: None,
                error,
            });
        }
        Ok(located)
    }

    /// Whether the shard of `key` is there and has an index that can be read.
    async fn has_index(&self, key: &str) -> Result<bool> {
        let Some(shards) = self.opened()?.shards.clone() else {
            return Ok(false);
        };
        let options = CatOptions::default().with_range(shards.index_range());
        let value = match self.store().get_with_version(key, options).await {
            Ok(Some(value)) => value,
            // Too short for an index, or gone.
            Ok(None) | Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { .. })) => return Ok(false),
            Err(error) if error.is_corrupt() => return Ok(false),
            Err(error) => return Err(error),
        };
        let size = value.size_bytes.unwrap_or(u64::MAX);
        let decode = move || with_scratch(|scratch| shards.decode_index(&value.bytes, size, scratch).is_ok());
        compute::spawn(decode).await.map_err(|_| self.panicked())
    }
}

/// The parts of a piece of a shard, by inner chunk.
fn inner_chunks(piece: &Selection, inner: &[u64], shape: &[u64]) -> Vec<Selection> {
    let mut chunks: Vec<Vec<Wanted>> = vec![Vec::new()];
    for (dim, edge) in piece.dims().iter().zip(inner) {
        let cells = cells(dim, 0, *edge);
        chunks = chunks
            .into_iter()
            .flat_map(|chunk| {
                cells
                    .iter()
                    .map(move |cell| [chunk.as_slice(), std::slice::from_ref(cell)].concat())
            })
            .collect();
    }
    chunks
        .into_iter()
        .map(|dims| Selection::of_dims(dims, shape))
        .collect()
}
