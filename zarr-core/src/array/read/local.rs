//! Reading files of this machine: each compute thread reads what it decodes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use zarr_fs::{ByteRange, Version};

use super::job::{Job, with_scratch};
use super::shard::{Group, OpenShard, locate};
use super::shard_cache::CachedIndex;
use crate::compute;
use crate::error::{Error, Result};
use crate::store::StoreReader;

/// How often a shard that changes under a read is begun anew.
const TRIES: usize = 4;

/// What a thread does next.
enum Work {
    /// A stored chunk.
    Chunk(usize),
    /// A part of a shard.
    Group(Arc<OpenShard>, usize, Group),
}

/// What is left to do, shared by the threads of one read.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    chunks: usize,
}

#[derive(Default)]
struct State {
    next: usize,
    groups: VecDeque<(Arc<OpenShard>, usize, Group)>,
    /// Threads that are reading an index, and may yet bring groups.
    indexing: usize,
}

impl Queue {
    fn next(&self, job: &Job) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if job.is_cancelled() {
                return None;
            }
            if let Some((shard, ordinal, group)) = state.groups.pop_front() {
                return Some(Work::Group(shard, ordinal, group));
            }
            if state.next < self.chunks {
                state.next += 1;
                state.indexing += 1;
                return Some(Work::Chunk(state.next - 1));
            }
            if state.indexing == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A stored chunk was read; what of it is left to do is `groups`.
    fn opened(&self, groups: impl IntoIterator<Item = (Arc<OpenShard>, usize, Group)>) {
        let mut state = self.lock();
        state.indexing -= 1;
        state.groups.extend(groups);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the work of the other threads when the read is dropped or fails.
struct Cancel(Arc<Job>, Arc<Queue>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancel();
        drop(self.1.lock());
        self.1.changed.notify_all();
    }
}

pub(super) async fn run(job: Arc<Job>, reader: StoreReader) -> Result<()> {
    let chunks = job.outer().len();
    let queue = Arc::new(Queue {
        state: Mutex::default(),
        changed: Condvar::new(),
        chunks,
    });
    // A single shard may be the work of many threads, a single chunk is that of one.
    let useful = if job.shards().is_some() {
        job.leaves().len()
    } else {
        chunks
    };
    let width = job.options.cpu_width.min(useful);
    let cancel = Cancel(Arc::clone(&job), Arc::clone(&queue));
    let mut threads: FuturesUnordered<_> = (0..width)
        .map(|_| {
            let (job, queue, reader) = (Arc::clone(&job), Arc::clone(&queue), reader.clone());
            compute::spawn(move || work(&job, &queue, &reader))
        })
        .collect();
    while let Some(done) = threads.next().await {
        done.unwrap_or_else(|_| {
            Err(Error::Internal {
                url: job.store().url(),
            })
        })?;
    }
    drop(cancel);
    Ok(())
}

/// Tells the queue that an index will bring nothing, however its reading ended.
struct Opening<'a>(Option<&'a Queue>);

impl Opening<'_> {
    fn done(mut self, groups: Vec<(Arc<OpenShard>, usize, Group)>) {
        if let Some(queue) = self.0.take() {
            queue.opened(groups);
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.opened(Vec::new());
        }
    }
}

fn work(job: &Job, queue: &Queue, reader: &StoreReader) -> Result<()> {
    let mut buffer = Vec::new();
    while let Some(next) = queue.next(job) {
        match next {
            Work::Chunk(ordinal) => {
                let opening = Opening(Some(queue));
                let groups = open(job, reader, ordinal, &mut buffer)?;
                opening.done(groups);
            }
            Work::Group(shard, ordinal, group) => {
                if !read_group(job, reader, &shard, &group, &mut buffer)? {
                    reread(job, reader, ordinal, &mut buffer)?;
                }
            }
        }
    }
    Ok(())
}

/// Reads a stored chunk and decodes it; of a shard that is read in parts it reads the index and gives the parts.
fn open(
    job: &Job,
    reader: &StoreReader,
    ordinal: usize,
    buffer: &mut Vec<u8>,
) -> Result<Vec<(Arc<OpenShard>, usize, Group)>> {
    let task = job.outer().task(ordinal);
    let key = job.key(&task);
    let Some(shards) = job.shards() else {
        match reader.read(&key, ByteRange::Full, buffer)? {
            None => job.missing_chunk(ordinal)?,
            Some(_) => {
                job.fetched(buffer.len());
                job.decode_chunk(ordinal, buffer)?;
            }
        }
        return Ok(Vec::new());
    };
    let Some(cached) = read_index(job, reader, &key, &task.chunk_indices(), buffer)? else {
        job.missing_chunk(ordinal)?;
        return Ok(Vec::new());
    };
    let shard = Arc::new(OpenShard {
        key: key.into(),
        coordinates: task.chunk_indices().into(),
        version: cached.version.clone(),
    });
    let wanted = shards.layout.wanted(job.leaves(), &task);
    let located =
        locate(&cached.index, &wanted).map_err(|error| job.corrupt(&shard.key, &shard.coordinates, error))?;
    job.absent(&shard, &located.absent)?;
    Ok(located
        .groups
        .into_iter()
        .map(|group| (Arc::clone(&shard), ordinal, group))
        .collect())
}

fn read_index(
    job: &Job,
    reader: &StoreReader,
    key: &str,
    coordinates: &[u64],
    buffer: &mut Vec<u8>,
) -> Result<Option<CachedIndex>> {
    let Some(shards) = job.shards() else {
        return Ok(None);
    };
    let info = match reader.read(key, shards.layout.index_range(), buffer) {
        Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { size, .. })) => {
            let error = shards.layout.index_within(size.unwrap_or(0)).err();
            let error =
                error.unwrap_or_else(|| crate::codec::CodecError::corrupt("sharding_indexed", "no index"));
            return Err(job.corrupt(key, coordinates, error));
        }
        read => read?,
    };
    let Some(info) = info else { return Ok(None) };
    job.fetched(buffer.len());
    let size = info.size_bytes.unwrap_or(buffer.len() as u64);
    let index = with_scratch(|scratch| shards.layout.decode_index(buffer, size, scratch))
        .map_err(|error| job.corrupt(key, coordinates, error))?;
    Ok(Some(CachedIndex {
        index: Arc::new(index),
        version: info.version,
    }))
}

/// Reads a group and decodes it. `false` if the shard is not the one that the index was read from.
fn read_group(
    job: &Job,
    reader: &StoreReader,
    shard: &OpenShard,
    group: &Group,
    buffer: &mut Vec<u8>,
) -> Result<bool> {
    let same = |version: &Version| version.is_unknown() || *version == shard.version;
    match reader.read(&shard.key, group.range.clone().into(), buffer) {
        Ok(Some(info)) if same(&info.version) => {
            job.fetched(buffer.len());
            job.decode_group(shard, group, buffer)?;
            Ok(true)
        }
        // Replaced, shortened or removed since its index was read.
        Ok(_) | Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a shard that changed under the read anew, index and all.
fn reread(job: &Job, reader: &StoreReader, ordinal: usize, buffer: &mut Vec<u8>) -> Result<()> {
    'anew: for _ in 0..TRIES {
        for (shard, _, group) in open(job, reader, ordinal, buffer)? {
            if !read_group(job, reader, &shard, &group, buffer)? {
                continue 'anew;
            }
        }
        return Ok(());
    }
    let task = job.outer().task(ordinal);
    Err(job.store().changing(&job.key(&task)))
}
