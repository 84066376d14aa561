//! The shard indices that an array remembers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zarr_fs::Version;

use crate::codec::sharding::ShardIndex;

/// Most bytes of indices that an array remembers.
const MAX_BYTES: usize = 32 << 20;

/// Shard indices by key, each with the version of the shard it belongs to. The oldest goes first.
#[derive(Debug, Default)]
pub(crate) struct ShardIndexCache(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<String, CachedIndex>,
    order: VecDeque<String>,
    bytes: usize,
}

/// An index and the version it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct CachedIndex {
    pub(crate) index: Arc<ShardIndex>,
    pub(crate) version: Version,
}

impl ShardIndexCache {
    pub(crate) fn get(&self, key: &str) -> Option<CachedIndex> {
        self.lock().by_key.get(key).cloned()
    }

    /// Remembers an index. Without a version it could not be told from a later one, so it is not remembered.
    pub(crate) fn insert(&self, key: &str, index: CachedIndex) {
        let bytes = size(&index);
        if index.version.is_unknown() || bytes > MAX_BYTES {
            return;
        }
        let mut entries = self.lock();
        entries.remove(key);
        while entries.bytes + bytes > MAX_BYTES {
            let Some(oldest) = entries.order.front().cloned() else {
                break;
            };
            entries.remove(&oldest);
        }
        entries.bytes += bytes;
        entries.order.push_back(key.to_owned());
        entries.by_key.insert(key.to_owned(), index);
    }

    /// Forgets the index of a shard that has changed.
    pub(crate) fn remove(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &str) {
        if let Some(index) = self.by_key.remove(key) {
            self.bytes -= size(&index);
            self.order.retain(|other| other != key);
        }
    }
}

fn size(index: &CachedIndex) -> usize {
    index.index.len() * 16
}
