//! `Box<F>` and `Arc<F>` are filesystems as `F` is.

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::Result;
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{CloseError, CloseReport};

macro_rules! delegate {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<F: FileSystem + ?Sized> FileSystem for $pointer<F> {
            fn name(&self) -> String {
                (**self).name()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            fn io_stats(&self) -> IoStats {
                (**self).io_stats()
            }

            fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
                (**self).share_at(opened_at)
            }

            async fn info(&self, path: &Path) -> Result<FileInfo> {
                (**self).info(path).await
            }

            async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
                (**self).cat_file(path, options).await
            }

            async fn cat_ranges(
                &self,
                path: &Path,
                ranges: &[Range<u64>],
                options: CatRangesOptions,
            ) -> Result<Vec<Bytes>> {
                (**self).cat_ranges(path, ranges, options).await
            }

            async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
                (**self).cat_stream(path, options).await
            }

            async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
                (**self).pipe_file(path, bytes, options).await
            }

            async fn pipe_stream(
                &self,
                path: &Path,
                stream: ByteStream,
                options: PipeOptions,
            ) -> Result<FileInfo> {
                (**self).pipe_stream(path, stream, options).await
            }

            async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
                (**self).cp_file(from, to, mode).await
            }

            async fn rm_file(&self, path: &Path) -> Result<()> {
                (**self).rm_file(path).await
            }

            async fn ls(&self, dir: &Path) -> Result<DirListing> {
                (**self).ls(dir).await
            }

            fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
                (**self).find(prefix)
            }

            fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
                (**self).blocking_reader()
            }

            async fn close(&self) -> Result<CloseReport, CloseError> {
                (**self).close().await
            }
        }
    };
}

delegate!(Box);
delegate!(Arc);
