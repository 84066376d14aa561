//! One read on its way: what all its parts share, and what becomes of a chunk's bytes.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::options::{MissingChunks, ReadOptions, ReadReport};
use super::shard::{Group, OpenShard, ShardLayout};
use super::shard_cache::ShardIndexCache;
use super::target::Target;
use crate::array::layout::Layout;
use crate::array::plan::{Plan, Task};
use crate::codec::{CodecChain, CodecError, Scratch};
use crate::error::{Error, Result};
use crate::store::Store;

thread_local! {
    /// The decoders' memory, kept by each compute thread for its next chunk.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Runs `work` with this thread's decoder memory.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => work(&mut scratch),
        Err(_) => work(&mut Scratch::new()),
    })
}

/// One read on its way.
pub(crate) struct Job {
    store: Arc<Store>,
    layout: Arc<Layout>,
    /// Shards that are read in parts: the plan over them, and the chain of their inner chunks.
    shards: Option<Shards>,
    target: Target,
    pub(super) options: ReadOptions,
    cache: Arc<ShardIndexCache>,
    cancelled: AtomicBool,
    chunks: AtomicU64,
    missing: AtomicU64,
    bytes: AtomicU64,
}

/// Shards that are read in parts.
pub(crate) struct Shards {
    pub(crate) layout: Arc<ShardLayout>,
    pub(crate) plan: Plan,
    pub(crate) inner: CodecChain,
}

impl Job {
    pub(crate) fn new(
        store: Arc<Store>,
        layout: Arc<Layout>,
        shards: Option<Shards>,
        target: Target,
        options: ReadOptions,
        cache: Arc<ShardIndexCache>,
    ) -> Self {
        Self {
            store,
            layout,
            shards,
            target,
            options,
            cache,
            cancelled: AtomicBool::new(false),
            chunks: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn shards(&self) -> Option<&Shards> {
        self.shards.as_ref()
    }

    pub(super) fn cache(&self) -> &ShardIndexCache {
        &self.cache
    }

    /// The plan over stored chunks: shards, if they are read in parts.
    pub(super) fn outer(&self) -> &Plan {
        self.shards
            .as_ref()
            .map_or_else(|| self.target.plan(), |shards| &shards.plan)
    }

    /// The plan over what is decoded at once: inner chunks, if shards are read in parts.
    pub(super) fn leaves(&self) -> &Plan {
        self.target.plan()
    }

    pub(super) fn key(&self, task: &Task) -> String {
        self.layout.key(&task.chunk_indices())
    }

    /// How many requests may be in flight: as the options say, as far as the byte budget allows.
    pub(super) fn io_width(&self) -> usize {
        let one = match &self.shards {
            Some(_) => 4 << 20,
            None => self.layout.chunk_bytes_hint(),
        };
        (self.options.budget_bytes / one.max(1))
            .clamp(2, self.options.io_width.max(2))
            .min(self.options.io_width.max(1))
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn fetched(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Decodes a chunk that is stored by itself, to its place.
    pub(super) fn decode_chunk(&self, ordinal: usize, encoded: &[u8]) -> Result<()> {
        let task = self.outer().task(ordinal);
        let at = |error| self.corrupt(&self.key(&task), &task.chunk_indices(), error);
        let chain = self.layout.chain(&task.chunk_shape()).map_err(at)?;
        with_scratch(|scratch| self.target.decode(ordinal, encoded, &chain, scratch)).map_err(at)?;
        self.chunks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// A stored chunk is not there: its elements, or those of all inner chunks that are wanted of it, are the fill value.
    pub(super) fn missing_chunk(&self, ordinal: usize) -> Result<()> {
        let task = self.outer().task(ordinal);
        if self.options.missing == MissingChunks::Error {
            return Err(Error::MissingChunk {
                key: self.store.key_url(&self.key(&task)),
                chunk: task.chunk_indices(),
            });
        }
        match &self.shards {
            None => self.fill(ordinal),
            Some(shards) => {
                for (leaf, _) in shards.layout.wanted(self.leaves(), &task) {
                    self.fill(leaf);
                }
            }
        }
        Ok(())
    }

    /// Inner chunks that a shard's index says are absent.
    pub(super) fn absent(&self, shard: &OpenShard, absent: &[usize]) -> Result<()> {
        if self.options.missing == MissingChunks::Error && !absent.is_empty() {
            let chunk = shard.coordinates.to_vec();
            return Err(Error::MissingChunk {
                key: self.store.key_url(&shard.key),
                chunk,
            });
        }
        absent.iter().for_each(|leaf| self.fill(*leaf));
        Ok(())
    }

    fn fill(&self, leaf: usize) {
        self.target.fill(leaf, self.layout.fill());
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Decodes the inner chunks of a group, whose bytes are `encoded`.
    pub(super) fn decode_group(&self, shard: &OpenShard, group: &Group, encoded: &[u8]) -> Result<()> {
        let Some(shards) = &self.shards else { return Ok(()) };
        for piece in &group.pieces {
            if self.is_cancelled() {
                return Ok(());
            }
            let place = |at: u64| usize::try_from(at - group.range.start).ok();
            let bytes = place(piece.range.start)
                .zip(place(piece.range.end))
                .and_then(|(start, end)| encoded.get(start..end));
            let bytes = bytes.ok_or_else(|| {
                let short =
                    CodecError::corrupt("sharding_indexed", "the shard is shorter than its index says");
                self.corrupt(&shard.key, &shard.coordinates, short)
            })?;
            with_scratch(|scratch| self.target.decode(piece.ordinal, bytes, &shards.inner, scratch))
                .map_err(|error| self.corrupt(&shard.key, &shard.coordinates, error))?;
            self.chunks.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A codec's error with the key and the chunk it belongs to.
    pub(super) fn corrupt(&self, key: &str, chunk: &[u64], error: CodecError) -> Error {
        crate::array::codec_error(self.store.key_url(key), chunk, error)
    }

    /// What was done, and the target.
    pub(crate) fn finish(self) -> (Target, ReadReport) {
        let report = ReadReport {
            chunks: self.chunks.into_inner(),
            missing_chunks: self.missing.into_inner(),
            bytes_fetched: self.bytes.into_inner(),
        };
        (self.target, report)
    }
}
