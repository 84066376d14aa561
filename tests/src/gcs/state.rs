//! Buckets, objects, uploads.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5};

use super::auth::{Access, Auth};

/// Everything the server holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) auth: Auth,
    pub(super) page_size: usize,
    pub(super) min_part_size: usize,
    pub(super) transcode: bool,
    last_generation: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            buckets: BTreeMap::new(),
            uploads: BTreeMap::new(),
            auth: Auth::default(),
            page_size: 1000,
            min_part_size: 5 << 20,
            transcode: true,
            // Google's are microseconds since 1970; clients must take any positive number.
            last_generation: 1_700_000_000_000_000,
        }
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) read: Access,
    pub(super) list: Access,
    pub(super) write: Access,
    pub(super) requester_pays: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) data: Bytes,
    /// Headers that are stored with an object, names in lower case.
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) etag: String,
    pub(super) md5: String,
    pub(super) generation: u64,
    pub(super) modified: SystemTime,
}

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) parts: BTreeMap<u32, (String, Bytes)>,
}

impl State {
    /// Stores an object; the bucket must exist. The ETag is the MD5 unless given (an object of several parts has another).
    pub(super) fn store(
        &mut self,
        bucket: &str,
        key: &str,
        data: Bytes,
        metadata: BTreeMap<String, String>,
        etag: Option<String>,
    ) -> Object {
        let generation = self.next_generation();
        let digest = Md5::digest(&data);
        let etag = etag.unwrap_or_else(|| quoted_hex(&digest));
        let object = Object {
            data,
            metadata,
            etag,
            md5: STANDARD.encode(digest),
            generation,
            modified: crate::load::now(),
        };
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.objects.insert(key.to_owned(), object.clone());
        }
        object
    }

    /// Generations grow, as Google's do, over all objects of the server.
    pub(super) fn next_generation(&mut self) -> u64 {
        self.last_generation += 1;
        self.last_generation
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.buckets.get(bucket)?.objects.get(key)
    }
}

/// An ETag from a digest.
pub(super) fn quoted_hex(digest: &[u8]) -> String {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
