//! One chunk on its way into the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use zarr_fs::{CatOptions, Version, WriteMode};

use super::options::{WriteOptions, WriteReport};
use super::races::Races;
use crate::array::layout::Layout;
use crate::array::plan::{Plan, Positions, Run, Task};
use crate::array::read::{ShardIndexCache, with_scratch};
use crate::codec::{Chunk, ChunkRef, CodecChain, CodecError, VariableLength};
use crate::compute;
use crate::error::{Error, Result};
use crate::metadata::DataType;
use crate::metadata::data_type::ObjectType;
use crate::store::Store;

/// What has been done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    written: AtomicU64,
    erased: AtomicU64,
    read: AtomicU64,
}

impl Counts {
    /// Notes that a chunk is read.
    pub(super) fn read(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn report(&self) -> WriteReport {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WriteReport {
            chunks_written: get(&self.written),
            chunks_erased: get(&self.erased),
            chunks_read: get(&self.read),
        }
    }
}

/// What the chunks of one write have in common.
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) layout: Arc<Layout>,
    pub(super) cache: Arc<ShardIndexCache>,
    shape: Vec<u64>,
    options: WriteOptions,
    /// The axis behind whose end others may write.
    growing: Option<usize>,
}

impl Writer {
    pub(super) fn new(
        store: Arc<Store>,
        layout: Arc<Layout>,
        cache: Arc<ShardIndexCache>,
        shape: Vec<u64>,
        options: WriteOptions,
        growing: Option<usize>,
    ) -> Self {
        Self {
            store,
            layout,
            cache,
            shape,
            options,
            growing,
        }
    }

    /// Writes what `task` takes of `elements`.
    pub(super) async fn write(
        &self,
        plan: &Plan,
        task: Task,
        elements: ChunkRef<'_>,
        counts: &Counts,
    ) -> Result<()> {
        let key = self.layout.key(&task.chunk_indices());
        let at = |error| crate::array::codec_error(self.store.key_url(&key), &task.chunk_indices(), error);
        let chain = self.layout.chain(&task.chunk_shape()).map_err(at)?;
        let result = if self.covers(&task) {
            let mut chunk = filled(&chain, self.layout.fill()).map_err(at)?;
            put(&mut chunk, plan, &task, elements).map_err(at)?;
            let encoded = self
                .encode(&chain, chunk, None, self.options.write_empty_chunks)
                .await?
                .map_err(at)?;
            self.store_chunk(&key, encoded, WriteMode::Overwrite, counts)
                .await
        } else {
            self.change(plan, &task, elements, &key, &chain, counts).await
        };
        self.cache.remove(&key);
        result
    }

    /// Reads, changes and stores a chunk, anew if somebody else stored it meanwhile.
    async fn change(
        &self,
        plan: &Plan,
        task: &Task,
        elements: ChunkRef<'_>,
        key: &str,
        chain: &CodecChain,
        counts: &Counts,
    ) -> Result<()> {
        let at = |error| crate::array::codec_error(self.store.key_url(key), &task.chunk_indices(), error);
        let mut races = Races::default();
        loop {
            counts.read();
            let stored = self.store.get_with_version(key, CatOptions::default()).await?;
            let version = stored.as_ref().map(|value| value.version.clone());
            let before = stored.map(|value| value.bytes);
            let mut chunk = match &before {
                Some(bytes) => self.decode(chain, bytes.clone()).await?.map_err(at)?,
                None => filled(chain, self.layout.fill()).map_err(at)?,
            };
            put(&mut chunk, plan, task, elements).map_err(at)?;
            let mode = self.mode(version.clone());
            // No store erases on a condition, so a chunk that somebody else may be writing is stored even if it has
            // become all fill value: better a chunk too many than a lost update.
            let keeps_empty = self.options.write_empty_chunks || matches!(mode, WriteMode::IfMatch(_));
            let encoded = self
                .encode(chain, chunk, before, keeps_empty)
                .await?
                .map_err(at)?;
            match self.store_chunk(key, encoded, mode, counts).await {
                Err(error) if error.is_lost_race() && races.again(version) => {}
                done => return done,
            }
        }
    }

    /// On which condition a chunk is stored that was read in this version (`None`: that was missing).
    fn mode(&self, version: Option<Version>) -> WriteMode {
        version.map_or_else(
            || self.store.mode_of_new(),
            |version| self.store.mode_after(&version),
        )
    }

    /// Stores an encoded chunk; `None` erases it.
    pub(super) async fn store_chunk(
        &self,
        key: &str,
        encoded: Option<Vec<u8>>,
        mode: WriteMode,
        counts: &Counts,
    ) -> Result<()> {
        match encoded {
            Some(bytes) => {
                self.store.set_with(key, Bytes::from(bytes), mode).await?;
                counts.written.fetch_add(1, Ordering::Relaxed);
            }
            None => {
                // A chunk that was missing when it was read need not be erased.
                if mode != WriteMode::Create {
                    self.store.erase(key).await?;
                }
                counts.erased.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Whether every element of the chunk that lies in the array is written, or may come to lie in it.
    fn covers(&self, task: &Task) -> bool {
        task.parts
            .iter()
            .zip(&self.shape)
            .enumerate()
            .all(|(dim, (part, length))| {
                let inside = match self.growing == Some(dim) {
                    true => part.edge,
                    false => length.saturating_sub(part.origin).min(part.edge),
                };
                match &part.source {
                    Positions::Run { start: 0, step: 1 } => part.count as u64 == inside,
                    Positions::Run { .. } => inside == 1 && part.count == 1 && part.source.at(0) == 0,
                    Positions::List(list) => {
                        let mut seen: Vec<usize> = list.to_vec();
                        seen.sort_unstable();
                        seen.dedup();
                        seen.len() as u64 == inside
                    }
                }
            })
    }

    async fn decode(&self, chain: &CodecChain, encoded: Bytes) -> Result<Result<Chunk, CodecError>> {
        let chain = chain.clone();
        compute::spawn(move || with_scratch(|scratch| chain.decode(&encoded, scratch)))
            .await
            .map_err(|_| self.internal())
    }

    /// Encodes a chunk, as a changed copy of the encoded one `before` if there is one; `None` if it is all fill value and
    /// such chunks are not stored.
    pub(super) async fn encode(
        &self,
        chain: &CodecChain,
        chunk: Chunk,
        before: Option<Bytes>,
        keeps_empty: bool,
    ) -> Result<Result<Option<Vec<u8>>, CodecError>> {
        let (chain, layout) = (chain.clone(), Arc::clone(&self.layout));
        // Of Python objects the decoded form does not tell all: what looks like fill value may be a `False`.
        let tells_all = !matches!(layout.data_type(), DataType::Object(ObjectType::Json));
        let keeps_empty = keeps_empty || (before.is_some() && !tells_all);
        let work = move || {
            if !keeps_empty && is_filled(&chunk, layout.fill()) {
                return Ok(None);
            }
            let encode = |scratch: &mut _| match &before {
                None => chain.encode(chunk.as_ref(), scratch),
                Some(before) => chain.encode_over(chunk.as_ref(), before, scratch),
            };
            with_scratch(encode).map(Some)
        };
        compute::spawn(work).await.map_err(|_| self.internal())
    }

    pub(super) fn internal(&self) -> Error {
        Error::Internal {
            url: self.store.key_url(self.layout.path().as_relative()),
        }
    }
}

/// A chunk of fill value.
pub(super) fn filled(chain: &CodecChain, fill: &[u8]) -> Result<Chunk, CodecError> {
    let decoded = chain.decoded();
    if decoded.element_size().is_none() {
        let elements = usize::try_from(decoded.elements());
        let elements = elements.map_err(|_| CodecError::out_of_memory("chunk", decoded.elements()))?;
        return VariableLength::filled(elements, fill).map(Chunk::Variable);
    }
    let bytes = decoded.bytes("chunk")?;
    let mut chunk = Vec::new();
    chunk
        .try_reserve_exact(bytes)
        .map_err(|_| CodecError::out_of_memory("chunk", bytes as u64))?;
    if fill.iter().all(|byte| *byte == 0) {
        chunk.resize(bytes, 0);
    } else {
        (0..bytes / fill.len().max(1)).for_each(|_| chunk.extend_from_slice(fill));
    }
    Ok(Chunk::Fixed(chunk))
}

/// Whether all elements are the fill value, bit for bit: -0.0 is not 0.0, and NaNs differ by their payload.
fn is_filled(chunk: &Chunk, fill: &[u8]) -> bool {
    match chunk {
        Chunk::Fixed(bytes) => are_all(bytes, fill),
        Chunk::Variable(values) => (0..values.len()).all(|index| values.get(index) == Some(fill)),
    }
}

/// Whether all elements of one size are `element`.
pub(super) fn are_all(bytes: &[u8], element: &[u8]) -> bool {
    match element.len() {
        0 => bytes.is_empty(),
        // The first is, and each other equals the one before it.
        width => {
            bytes.get(..width).is_none_or(|first| first == element)
                && bytes[width.min(bytes.len())..] == bytes[..bytes.len().saturating_sub(width)]
        }
    }
}

/// Puts what `task` takes of the selection's elements into a decoded chunk.
fn put(chunk: &mut Chunk, plan: &Plan, task: &Task, elements: ChunkRef<'_>) -> Result<(), CodecError> {
    match (chunk, elements) {
        (Chunk::Fixed(chunk), ChunkRef::Fixed(elements)) => {
            let chunk_elements =
                usize::try_from(task.chunk_shape().iter().product::<u64>()).unwrap_or(usize::MAX);
            let item = chunk.len() / chunk_elements.max(1);
            task.for_each_run(
                plan.shape(),
                |Run {
                     source,
                     step,
                     target,
                     count,
                 }| {
                    let from = &elements[target * item..(target + count) * item];
                    if step == 1 {
                        chunk[source * item..(source + count) * item].copy_from_slice(from);
                    } else {
                        for (index, element) in from.chunks_exact(item).enumerate() {
                            let at = (source + index * step) * item;
                            chunk[at..at + item].copy_from_slice(element);
                        }
                    }
                },
            );
            Ok(())
        }
        (Chunk::Variable(chunk), ChunkRef::Variable(elements)) => {
            let mut replaced: Vec<Option<usize>> = vec![None; chunk.len()];
            task.for_each_run(
                plan.shape(),
                |Run {
                     source,
                     step,
                     target,
                     count,
                 }| {
                    for index in 0..count {
                        replaced[source + index * step] = Some(target + index);
                    }
                },
            );
            let value = |place: usize| match replaced[place] {
                Some(target) => elements.get(target).unwrap_or_default(),
                None => chunk.get(place).unwrap_or_default(),
            };
            let bytes = (0..chunk.len()).map(|place| value(place).len()).sum();
            let mut changed = VariableLength::with_capacity(chunk.len(), bytes)?;
            (0..chunk.len()).for_each(|place| changed.push(value(place)));
            *chunk = changed;
            Ok(())
        }
        (Chunk::Fixed(_), ChunkRef::Variable(_)) | (Chunk::Variable(_), ChunkRef::Fixed(_)) => Err(
            CodecError::unencodable("chunk", "elements of another kind than the array's"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_is_compared_bit_for_bit() {
        let zeros = Chunk::Fixed(vec![0; 16]);
        assert!(is_filled(&zeros, &0.0_f64.to_le_bytes()));
        let negative: Vec<u8> = [0.0_f64, -0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert!(!is_filled(&Chunk::Fixed(negative), &0.0_f64.to_le_bytes()));
        let nan = f32::from_bits(0x7fc0_0001).to_le_bytes();
        assert!(is_filled(&Chunk::Fixed(nan.repeat(3)), &nan));
        assert!(!is_filled(&Chunk::Fixed(f32::NAN.to_le_bytes().repeat(3)), &nan));
    }
}
