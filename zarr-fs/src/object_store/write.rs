//! Writing, copying and removing whole files.
//!
//! A conditional write is tried again after a lost answer. If it is then refused, the refusal may be its own doing: each
//! such write leaves a mark of its own in the object's metadata ([`MARK`]), so that this can be told for certain.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use object_store::{
    Attribute, Attributes, CopyMode, CopyOptions, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};

use super::Intent;
use super::client::ObjectStoreClient;
use super::convert::{self, Encoding, conditions, store_path};
use super::read::{in_doubt, is_in_doubt};
use super::transport::Hints;
use crate::call_options::{ByteRange, WriteMode};
use crate::error::{Context, Error, Result};
use crate::info::{FileInfo, Version};
use crate::path::Path;

/// The user metadata by which a conditional write knows its own object again.
pub const MARK: &str = "zarr-write";

impl ObjectStoreClient {
    /// Writes a whole file.
    pub(super) async fn put(&self, at: &Context, bytes: Bytes, mode: &WriteMode) -> Result<FileInfo> {
        let path = store_path(&at.path)?;
        let size = bytes.len() as u64;
        let put_mode = match mode {
            WriteMode::Overwrite => PutMode::Overwrite,
            WriteMode::Create => PutMode::Create,
            WriteMode::IfMatch(version) => PutMode::Update(UpdateVersion {
                e_tag: None,
                version: Some(self.generation(at, version).await?),
            }),
        };
        let mark = (*mode != WriteMode::Overwrite).then(unique_mark);
        let mut attributes = Attributes::new();
        if let Some(mark) = &mark {
            attributes.insert(Attribute::Metadata(MARK.into()), mark.clone().into());
        }
        let options = PutOptions {
            mode: put_mode,
            attributes,
            ..PutOptions::default()
        };
        match (self.0.store.put_opts(&path, bytes.into(), options).await, mark) {
            (Ok(result), _) => Ok(convert::written(&at.path, size, result)),
            (Err(error), Some(mark)) if is_in_doubt(&error) => {
                self.resolve_doubt(at, &mark, size, Intent::of_write(mode), error)
                    .await
            }
            (Err(error), _) => Err(self.store_error(at, Intent::of_write(mode), error)),
        }
    }

    /// The object is there: by our own hand, or by another's?
    async fn resolve_doubt(
        &self,
        at: &Context,
        mark: &str,
        size: u64,
        intent: Intent,
        refused: object_store::Error,
    ) -> Result<FileInfo> {
        let found = match self.get_result(at, ByteRange::Full, None, None, true).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => {
                return Err(in_doubt(
                    at,
                    "the write was refused, and yet nothing is there: outcome unknown",
                ));
            }
            Err(error) => return Err(in_doubt(at, error)),
        };
        let key = Attribute::Metadata(MARK.into());
        let is_ours = found
            .attributes
            .get(&key)
            .is_some_and(|value| value.as_ref() == mark);
        if is_ours && found.meta.size == size {
            return Ok(convert::file_info(&at.path, &found.meta, Encoding::Identity));
        }
        Err(self.store_error(at, intent, refused))
    }

    /// The generation that a version means: this store can write under no other condition. A version that tells only its
    /// ETag is looked up; the write itself then checks the generation found.
    async fn generation(&self, at: &Context, version: &Version) -> Result<String> {
        if let Some(generation) = &version.generation {
            let valid = !generation.is_empty() && generation.bytes().all(|byte| byte.is_ascii_digit());
            return valid.then(|| generation.clone()).ok_or_else(|| at.precondition());
        }
        let Some(etag) = &version.etag else {
            return Err(crate::options::invalid("if_match", "the version is unknown"));
        };
        let (info, _) = match self.head(at, None).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Err(at.precondition()),
            Err(error) => return Err(error),
        };
        match info.version.generation {
            Some(generation) if info.version.etag.as_ref() == Some(etag) => Ok(generation),
            Some(_) => Err(at.precondition()),
            None => Err(at.unsupported("a conditional write: the server tells no generation")),
        }
    }

    /// Copies a file within the store. `at` is the place of the source.
    pub(super) async fn copy(&self, at: &Context, to: &Path, mode: &WriteMode) -> Result<FileInfo> {
        let at_target = Context {
            path: to.clone(),
            ..at.clone()
        };
        let (from, target) = (store_path(&at.path)?, store_path(to)?);
        let mut hints = Hints::default();
        let copy_mode = match mode {
            WriteMode::Create => CopyMode::Create,
            WriteMode::Overwrite => CopyMode::Overwrite,
            WriteMode::IfMatch(version) => {
                let generation = self.generation(&at_target, version).await?;
                let version = Version {
                    etag: None,
                    generation: Some(generation),
                };
                hints.headers = conditions(&at_target, &*self.0.backend, Some(&version))?;
                CopyMode::Overwrite
            }
        };
        let options = CopyOptions::new().with_mode(copy_mode);
        hints
            .scope(self.0.store.copy_opts(&from, &target, options))
            .await
            .map_err(|error| {
                let error = self.store_error(at, Intent::of_write(mode), error);
                // What is there already, or has changed, is the target.
                if matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. }) {
                    error.with_path(to)
                } else {
                    error
                }
            })?;
        // The reply of a copy does not reach us whole. The copy is done: what follows can only tell more of it.
        match self.head(&at_target, None).await {
            Ok((info, _)) => Ok(info),
            Err(error) => {
                tracing::debug!(%error, "copied, but the copy cannot be looked at");
                Ok(FileInfo::new(to.clone()))
            }
        }
    }

    /// Removes a file.
    pub(super) async fn remove(&self, at: &Context) -> Result<()> {
        if at.path.is_root() {
            return Err(at.not_found());
        }
        let path = store_path(&at.path)?;
        self.0
            .store
            .delete(&path)
            .await
            .map_err(|error| self.store_error(at, Intent::Write, error))
    }
}

/// Text that no other write has: it is no secret, it only must not repeat.
fn unique_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // A `RandomState` is seeded by the operating system.
    let state = std::collections::hash_map::RandomState::new();
    let random = |salt: u64| {
        let mut hasher = state.build_hasher();
        hasher.write_u64(salt);
        hasher.finish()
    };
    format!("{:016x}{:016x}-{count:x}", random(count), random(!count))
}
