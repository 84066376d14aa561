//! Stores for the tests of arrays: a filesystem in memory that looks remote (no blocking reader, so that data goes by requests),
//! and may be able to do less.

#![allow(dead_code, reason = "not every test has use for all of it")]

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use zarr_core::{Store, StoreOptions};
use zarr_fs::{
    BlockingReader, ByteStream, Capabilities, CatOptions, CatRangesOptions, CatResult, CatStream, CloseError,
    CloseReport, Context, DirListing, Error, FileInfo, FileSystem, IoStats, MemoryFileSystem, Path,
    PipeOptions, Result, WriteMode,
};

/// A writable store over all of a filesystem.
pub(crate) fn writable(fs: Box<dyn FileSystem>) -> Arc<Store> {
    Store::new(fs, Path::root(), StoreOptions::default().writable())
}

/// A filesystem that looks remote; see the module.
#[derive(Debug)]
pub(crate) struct Remote {
    fs: Box<dyn FileSystem>,
    changes_left: AtomicUsize,
    limit: fn(&mut Capabilities),
}

impl Remote {
    pub(crate) fn new(fs: MemoryFileSystem) -> Self {
        Self::limited(Box::new(fs), |_| ())
    }

    /// Says that it can do less than `fs`: what a caller does then.
    pub(crate) fn limited(fs: Box<dyn FileSystem>, limit: fn(&mut Capabilities)) -> Self {
        Self {
            fs,
            changes_left: AtomicUsize::new(usize::MAX),
            limit,
        }
    }

    /// Changes nothing any more after so many files were written and removed: what a writer leaves that is killed there.
    pub(crate) fn dying(fs: Box<dyn FileSystem>, changes: usize) -> Self {
        Self {
            changes_left: AtomicUsize::new(changes),
            ..Self::limited(fs, |_| ())
        }
    }

    fn change(&self, op: &'static str, path: &Path) -> Result<()> {
        let one_less = |left: usize| left.checked_sub(1);
        let left = &self.changes_left;
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unavailable {
                at: Context::new(self.name(), op, path),
                source: "killed".into(),
            }),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for Remote {
    fn name(&self) -> String {
        self.fs.name()
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.fs.capabilities();
        capabilities.remote = true;
        (self.limit)(&mut capabilities);
        capabilities
    }
    fn io_stats(&self) -> IoStats {
        self.fs.io_stats()
    }
    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        self.fs.share_at(opened_at)
    }
    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.fs.info(path).await
    }
    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        self.fs.cat_file(path, options).await
    }
    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        self.fs.cat_ranges(path, ranges, options).await
    }
    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        self.fs.cat_stream(path, options).await
    }
    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.change("pipe_file", path)?;
        self.fs.pipe_file(path, bytes, options).await
    }
    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        self.fs.pipe_stream(path, stream, options).await
    }
    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        self.fs.cp_file(from, to, mode).await
    }
    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.change("rm_file", path)?;
        self.fs.rm_file(path).await
    }
    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.fs.ls(dir).await
    }
    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        self.fs.find(prefix)
    }
    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        None
    }
    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.fs.close().await
    }
}
