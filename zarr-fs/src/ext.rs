//! Conveniences on every filesystem.

use std::panic::Location;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;

use crate::call_options::{CatOptions, PipeOptions};
use crate::error::Result;
use crate::filesystem::FileSystem;
use crate::info::{CatResult, FileInfo};
use crate::path::Path;

/// Conveniences on every [`FileSystem`]; they have one body each and cannot be overridden.
#[async_trait]
pub trait FileSystemExt: FileSystem {
    /// Another lease on the same session. Each lease is closed by itself; closing one never breaks another.
    ///
    /// # Errors
    /// `Closed` if this lease was closed.
    #[track_caller]
    fn share(&self) -> Result<Box<dyn FileSystem>> {
        self.share_at(Location::caller())
    }

    /// A whole file's bytes.
    ///
    /// # Errors
    /// As [`FileSystem::cat_file`].
    async fn cat(&self, path: &Path) -> Result<Bytes> {
        Ok(self.cat_file(path, CatOptions::default()).await?.bytes)
    }

    /// A file, or `None` if it is not there. Every other error stays an error.
    ///
    /// # Errors
    /// As [`FileSystem::cat_file`], without `NotFound`.
    async fn cat_file_opt(&self, path: &Path, options: CatOptions) -> Result<Option<CatResult>> {
        match self.cat_file(path, options).await {
            Ok(result) => Ok(Some(result)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file is there. A fault is an error, never `false`.
    ///
    /// # Errors
    /// As [`FileSystem::info`], without `NotFound`.
    async fn exists(&self, path: &Path) -> Result<bool> {
        match self.info(path).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes a whole file, replacing what is there.
    ///
    /// # Errors
    /// As [`FileSystem::pipe_file`].
    async fn pipe(&self, path: &Path, bytes: impl Into<Bytes> + Send + 'async_trait) -> Result<FileInfo>
    where
        Self: Sized,
    {
        let bytes = bytes.into();
        self.pipe_file(path, bytes, PipeOptions::default()).await
    }

    /// All files below `prefix`, sorted by path.
    ///
    /// # Errors
    /// As [`FileSystem::find`].
    async fn find_all(&self, prefix: &Path) -> Result<Vec<FileInfo>> {
        let mut files: Vec<FileInfo> = self.find(prefix).try_collect().await?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

impl<T: FileSystem + ?Sized> FileSystemExt for T {}
