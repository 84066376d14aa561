//! A filesystem in memory that looks remote: no blocking reader, so that data goes by requests.

#![allow(dead_code, reason = "not every test has use for all of it")]

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use zarr_fs::{
    BlockingReader, ByteStream, Capabilities, CatOptions, CatRangesOptions, CatResult, CatStream, CloseError,
    CloseReport, Context, DirListing, Error, FileInfo, FileSystem, IoStats, MemoryFileSystem, Path,
    PipeOptions, Result, WriteMode,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Remote(Box<dyn FileSystem>, AtomicUsize);

impl Remote {
    pub(crate) fn new(fs: MemoryFileSystem) -> Self {
        Self(Box::new(fs), AtomicUsize::new(usize::MAX))
    }

    /// Changes nothing any more after so many files were written and removed: what a writer leaves that is killed there.
    pub(crate) fn dying(fs: Box<dyn FileSystem>, changes: usize) -> Self {
        Self(fs, AtomicUsize::new(changes))
    }

    fn change(&self, op: &'static str, path: &Path) -> Result<()> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
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
        self.0.name()
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.0.capabilities();
        capabilities.remote = true;
        capabilities
    }
    fn io_stats(&self) -> IoStats {
        self.0.io_stats()
    }
    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        self.0.share_at(opened_at)
    }
    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.0.info(path).await
    }
    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        self.0.cat_file(path, options).await
    }
    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        self.0.cat_ranges(path, ranges, options).await
    }
    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        self.0.cat_stream(path, options).await
    }
    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.change("pipe_file", path)?;
        self.0.pipe_file(path, bytes, options).await
    }
    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        self.0.pipe_stream(path, stream, options).await
    }
    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        self.0.cp_file(from, to, mode).await
    }
    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.change("rm_file", path)?;
        self.0.rm_file(path).await
    }
    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.0.ls(dir).await
    }
    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        self.0.find(prefix)
    }
    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        None
    }
    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.0.close().await
    }
}
