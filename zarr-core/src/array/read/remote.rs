//! Reading from a remote store: many requests in flight, decoding on the compute threads.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use zarr_fs::CatOptions;

use super::job::{Job, with_scratch};
use super::shard::{Group, OpenShard, locate};
use super::shard_cache::CachedIndex;
use crate::codec::CodecError;
use crate::compute;
use crate::error::{Error, Result};

/// How often a shard that changes under a read is begun anew, before it is read in one request.
const TRIES: usize = 2;

/// A larger shard is not read in one request.
const MAX_WHOLE_BYTES: u64 = 256 << 20;

/// What is fetched by one request and decoded by one thread.
enum Unit {
    Chunk(usize),
    Group(Arc<OpenShard>, usize, Group),
}

/// Tells decoding threads to stop when the read is dropped or fails.
struct Cancel(Arc<Job>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

pub(super) async fn run(job: Arc<Job>) -> Result<()> {
    let width = job.io_width();
    let _cancel = Cancel(Arc::clone(&job));
    let units = futures::stream::iter(0..job.outer().len())
        .map(|ordinal| {
            let job = Arc::clone(&job);
            async move { open(&job, ordinal).await }
        })
        .buffer_unordered(if job.shards().is_some() { width } else { 1 })
        .map_ok(|units| futures::stream::iter(units.into_iter().map(Ok)))
        .try_flatten();
    units
        .map_ok(|unit| {
            let job = Arc::clone(&job);
            async move { fetch(job, unit).await }
        })
        .try_buffer_unordered(width)
        .try_for_each(|()| futures::future::ready(Ok(())))
        .await
}

/// The units of a stored chunk: itself, or the groups of a shard, whose index is fetched for that.
async fn open(job: &Arc<Job>, ordinal: usize) -> Result<Vec<Unit>> {
    let Some(shards) = job.shards() else {
        return Ok(vec![Unit::Chunk(ordinal)]);
    };
    let task = job.outer().task(ordinal);
    if shards.layout.fetch_whole(&task) {
        return Ok(vec![Unit::Chunk(ordinal)]);
    }
    let key = job.key(&task);
    let coordinates = task.chunk_indices();
    let cached = match job.cache().get(&key) {
        Some(cached) => cached,
        None => match fetch_index(job, &key, &coordinates).await? {
            Some(fetched) => {
                job.cache().insert(&key, fetched.clone());
                fetched
            }
            None => {
                let job = Arc::clone(job);
                return decoded(
                    &job.store().url(),
                    compute::spawn(move || job.missing_chunk(ordinal)),
                )
                .await
                .map(|()| Vec::new());
            }
        },
    };
    let shard = Arc::new(OpenShard {
        key: key.into(),
        coordinates: coordinates.into(),
        version: cached.version.clone(),
    });
    let wanted = shards.layout.wanted(job.leaves(), &task);
    let located =
        locate(&cached.index, &wanted).map_err(|error| job.corrupt(&shard.key, &shard.coordinates, error))?;
    if !located.absent.is_empty() {
        let (job, shard) = (Arc::clone(job), Arc::clone(&shard));
        let url = job.store().url();
        decoded(&url, compute::spawn(move || job.absent(&shard, &located.absent))).await?;
    }
    Ok(located
        .groups
        .into_iter()
        .map(|group| Unit::Group(Arc::clone(&shard), ordinal, group))
        .collect())
}

/// One request for the index of a shard; `None` if the shard is not there.
async fn fetch_index(job: &Arc<Job>, key: &str, coordinates: &[u64]) -> Result<Option<CachedIndex>> {
    let Some(shards) = job.shards() else {
        return Ok(None);
    };
    let corrupt = |error| job.corrupt(key, coordinates, error);
    let options = CatOptions::default().with_range(shards.layout.index_range());
    let value = match job.store().get_with_version(key, options).await {
        Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { size, .. })) => {
            let error = shards.layout.index_within(size.unwrap_or(0)).err();
            return Err(corrupt(
                error.unwrap_or_else(|| CodecError::corrupt("sharding_indexed", "no index")),
            ));
        }
        value => value?,
    };
    let Some(value) = value else { return Ok(None) };
    job.fetched(value.bytes.len());
    // Entries are checked against the size; without one they are checked when their bytes do not come.
    let size = value.size_bytes.unwrap_or(u64::MAX);
    let (layout, bytes) = (Arc::clone(&shards.layout), value.bytes);
    let decode = move || with_scratch(|scratch| layout.decode_index(&bytes, size, scratch));
    let index = match compute::spawn(decode).await {
        Ok(index) => index.map_err(corrupt)?,
        Err(_) => {
            return Err(Error::Internal {
                url: job.store().url(),
            });
        }
    };
    Ok(Some(CachedIndex {
        index: Arc::new(index),
        version: value.version,
    }))
}

async fn fetch(job: Arc<Job>, unit: Unit) -> Result<()> {
    match unit {
        Unit::Chunk(ordinal) => fetch_chunk(&job, ordinal).await,
        Unit::Group(shard, ordinal, group) => {
            if fetch_group(&job, &shard, group).await? {
                return Ok(());
            }
            for _ in 0..TRIES {
                job.cache().remove(&shard.key);
                if refetch(&job, ordinal).await? {
                    return Ok(());
                }
            }
            fetch_changing(&job, ordinal).await
        }
    }
}

async fn fetch_chunk(job: &Arc<Job>, ordinal: usize) -> Result<()> {
    let key = job.key(&job.outer().task(ordinal));
    let value = job.store().get(&key).await?;
    decode_chunk(job, ordinal, value).await
}

/// Reads a shard by one request, which is of one version. (Servers behind one name may each have an ETag of their own for the
/// same bytes.)
async fn fetch_changing(job: &Arc<Job>, ordinal: usize) -> Result<()> {
    let key = job.key(&job.outer().task(ordinal));
    let options = CatOptions::default().with_max_bytes(MAX_WHOLE_BYTES);
    match job.store().get_with_version(&key, options).await {
        Err(Error::Fs(zarr_fs::Error::LimitReached { .. })) => Err(job.store().changing(&key)),
        value => decode_chunk(job, ordinal, value?.map(|value| value.bytes)).await,
    }
}

async fn decode_chunk(job: &Arc<Job>, ordinal: usize, value: Option<Bytes>) -> Result<()> {
    let (job, url) = (Arc::clone(job), job.store().url());
    let work = move || match value {
        None => job.missing_chunk(ordinal),
        Some(bytes) => {
            job.fetched(bytes.len());
            match job.shards() {
                None => job.decode_chunk(ordinal, &bytes),
                Some(_) => decode_shard(&job, ordinal, &bytes),
            }
        }
    };
    decoded(&url, compute::spawn(work)).await
}

/// Decodes a shard that was fetched as a whole.
fn decode_shard(job: &Job, ordinal: usize, bytes: &Bytes) -> Result<()> {
    let Some(shards) = job.shards() else { return Ok(()) };
    let task = job.outer().task(ordinal);
    let (key, coordinates) = (job.key(&task), task.chunk_indices());
    let corrupt = |error| job.corrupt(&key, &coordinates, error);
    let size = bytes.len() as u64;
    let range = shards.layout.index_within(size).map_err(corrupt)?;
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let encoded = bytes
        .get(place(range.start)..place(range.end))
        .unwrap_or_default();
    let index =
        with_scratch(|scratch| shards.layout.decode_index(encoded, size, scratch)).map_err(corrupt)?;
    let wanted = shards.layout.wanted(job.leaves(), &task);
    let located = locate(&index, &wanted).map_err(corrupt)?;
    let shard = OpenShard {
        key: key.as_str().into(),
        coordinates: coordinates.as_slice().into(),
        version: zarr_fs::Version::default(),
    };
    job.absent(&shard, &located.absent)?;
    for group in located.groups {
        let part = bytes
            .get(place(group.range.start)..place(group.range.end))
            .unwrap_or_default();
        job.decode_group(&shard, &group, part)?;
    }
    Ok(())
}

/// Fetches a group and decodes it. `false` if the shard is not the one that the index was read from.
async fn fetch_group(job: &Arc<Job>, shard: &Arc<OpenShard>, group: Group) -> Result<bool> {
    let mut options = CatOptions::default().with_range(group.range.clone());
    if !shard.version.is_unknown() {
        options = options.with_if_match(shard.version.clone());
    }
    let value = match job.store().get_with_version(&shard.key, options).await {
        Ok(Some(value)) => value,
        Ok(None) | Err(Error::Fs(zarr_fs::Error::Precondition { .. })) => return Ok(false),
        Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { .. })) if !shard.version.is_unknown() => {
            return Ok(false);
        }
        Err(Error::Fs(zarr_fs::Error::RangeOutOfBounds { .. })) => {
            let error = CodecError::corrupt("sharding_indexed", "the shard is shorter than its index says");
            return Err(job.corrupt(&shard.key, &shard.coordinates, error));
        }
        Err(error) => return Err(error),
    };
    job.fetched(value.bytes.len());
    let (work_job, shard, url) = (Arc::clone(job), Arc::clone(shard), job.store().url());
    decoded(
        &url,
        compute::spawn(move || work_job.decode_group(&shard, &group, &value.bytes)),
    )
    .await?;
    Ok(true)
}

/// Reads a shard that changed under the read anew, index and all. `false` if it has changed again.
async fn refetch(job: &Arc<Job>, ordinal: usize) -> Result<bool> {
    for unit in open(job, ordinal).await? {
        match unit {
            Unit::Chunk(ordinal) => fetch_chunk(job, ordinal).await?,
            Unit::Group(shard, _, group) => {
                if !fetch_group(job, &shard, group).await? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

async fn decoded(url: &str, work: tokio::sync::oneshot::Receiver<Result<()>>) -> Result<()> {
    work.await
        .unwrap_or_else(|_| Err(Error::Internal { url: url.to_owned() }))
}
