//! A filesystem in memory: for tests, examples and scratch data.

mod files;
mod url;

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;

pub use self::url::MemoryFactory;

use self::files::Memory;
use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{Context, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::ranges;
use crate::session::{
    CallContext, CallKind, Client, CloseError, CloseReport, HeadSender, Lease, LeaseHandle, Session,
    SessionOptions, Sink,
};

/// Pieces of a stream are at most this long; they are slices of the file, not copies.
const PIECE_BYTES: usize = 1 << 20;

/// A filesystem in memory. Like an object store it has no folders: `a` and `a/b` may both be files.
///
/// Each write gives a file a new version, told as ETag and generation. The data lives as long as a lease on it
/// ([`FileSystemExt::share`](crate::FileSystemExt::share)), or as the registry that named it ([`MemoryFactory`]).
///
/// ```
/// use zarr_fs::{FileSystem, FileSystemExt, MemoryFileSystem, Path};
/// # futures::executor::block_on(async {
/// let fs = MemoryFileSystem::new();
/// fs.pipe(&Path::parse("a/b")?, "text").await?;
/// assert_eq!(fs.cat(&Path::parse("a/b")?).await?, "text");
/// assert_eq!(fs.ls(&Path::root()).await?.prefixes, [Path::parse("a")?]);
/// fs.close().await.expect("nothing is stuck");
/// # Ok::<(), zarr_fs::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MemoryFileSystem(Lease<Memory>);

impl MemoryFileSystem {
    /// An empty filesystem.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::with_session_options(SessionOptions::default())
    }

    /// An empty filesystem whose session behaves as `options` says.
    #[must_use]
    #[track_caller]
    pub fn with_session_options(options: SessionOptions) -> Self {
        Self::open(Arc::default(), options, Location::caller())
    }

    #[expect(
        clippy::expect_used,
        reason = "nobody else has the session, so nobody has closed it"
    )]
    fn open(memory: Arc<Memory>, options: SessionOptions, opened_at: &'static Location<'static>) -> Self {
        let lease = Session::local("memory", options, memory).lease(opened_at);
        Self(lease.expect("a session that was just made gives a lease"))
    }
}

impl Default for MemoryFileSystem {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl Client for Memory {
    fn filesystem(lease: Lease<Self>) -> Box<dyn FileSystem> {
        Box::new(MemoryFileSystem(lease))
    }
}

impl MemoryFileSystem {
    /// Runs a call that needs no waiting.
    async fn run<T: Send + 'static>(
        &self,
        op: &'static str,
        path: &Path,
        kind: CallKind,
        work: impl FnOnce(&Memory, &Context) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let at = self.0.at(op, path);
        self.0
            .run(op, path, kind, |memory| async move { work(&memory, &at) })
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for MemoryFileSystem {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.remote = false;
        capabilities
    }

    fn io_stats(&self) -> IoStats {
        self.0.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        Ok(Memory::filesystem(self.0.share(opened_at)?))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.run("info", path, CallKind::Read, |memory, at| {
            Ok(memory.get(at, None)?.info(&at.path))
        })
        .await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        self.run("cat_file", path, CallKind::Read, move |memory, at| {
            memory.cat(at, &options)
        })
        .await
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        self.run("cat_ranges", path, CallKind::Read, move |memory, at| {
            ranges::check(&ranges, at)?;
            if ranges.iter().all(Range::is_empty) {
                return Ok(vec![Bytes::new(); ranges.len()]);
            }
            let file = memory.get(at, options.if_match.as_ref())?;
            // Slices of a file that is in memory anyway: nothing is fetched, so nothing is merged.
            ranges
                .into_iter()
                .map(|range| match range.is_empty() {
                    true => Ok(Bytes::new()),
                    false => file.slice(range.into(), at),
                })
                .collect()
        })
        .await
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let at = self.0.at("cat_stream", path);
        let work = |memory: Arc<Memory>, head: HeadSender<FileInfo>, sink: Sink<Bytes>| async move {
            let CatResult { mut bytes, info } = memory.cat(&at, &options)?;
            head.send(info);
            while !bytes.is_empty() {
                sink.send(bytes.split_to(bytes.len().min(PIECE_BYTES))).await?;
            }
            Ok(())
        };
        let (info, bytes) = self.0.open_stream("cat_stream", path, work).await?;
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.run("pipe_file", path, CallKind::Write, move |memory, at| {
            memory.put(at, bytes, &options.mode)
        })
        .await
    }

    async fn pipe_stream(
        &self,
        path: &Path,
        mut stream: ByteStream,
        options: PipeOptions,
    ) -> Result<FileInfo> {
        let at = self.0.at("pipe_stream", path);
        let work = |memory: Arc<Memory>| async move {
            let mut bytes = BytesMut::new();
            while let Some(piece) = CallContext::parked_for_caller(stream.next()).await? {
                bytes.extend_from_slice(&piece?);
            }
            memory.put(&at, bytes.freeze(), &options.mode)
        };
        self.0.run("pipe_stream", path, CallKind::Write, work).await
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let to = self.0.at("cp_file", to);
        self.run("cp_file", from, CallKind::Write, move |memory, from| {
            memory.put(&to, memory.get(from, None)?.bytes, &mode)
        })
        .await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.run("rm_file", path, CallKind::Write, Memory::remove).await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.run("ls", dir, CallKind::Read, Memory::ls).await
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let below = prefix.clone();
        self.0.stream("find", prefix, |memory, sink| async move {
            for file in memory.find(&below)? {
                sink.send(file).await?;
            }
            Ok(())
        })
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        Some(Arc::new(MemoryReader(self.0.handle())))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.0.close().await
    }
}

#[derive(Debug)]
struct MemoryReader(LeaseHandle<Memory>);

impl BlockingReader for MemoryReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let at = self.0.at("read", path);
        self.0.run_blocking("read", path, |memory| {
            let CatResult { bytes, info } = memory.cat(&at, options)?;
            buffer.clear();
            buffer.extend_from_slice(&bytes);
            Ok(info)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ext::FileSystemExt;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn lists_one_level_in_order() {
        block_on(async {
            let fs = MemoryFileSystem::new();
            for name in ["a", "a-b/c", "a/b", "a/c/d", "a0", "b/x/y/z"] {
                fs.pipe(&path(name), "x").await.unwrap();
            }
            let root = fs.ls(&Path::root()).await.unwrap();
            let files: Vec<_> = root.files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(files, ["a", "a0"]);
            assert_eq!(root.prefixes, ["a", "a-b", "b"].map(path));
            let a = fs.ls(&path("a")).await.unwrap();
            assert_eq!(a.files[0].path, path("a/b"));
            assert_eq!(a.prefixes, [path("a/c")]);
            assert!(fs.ls(&path("a0")).await.unwrap_err().is_not_found());
            let below: Vec<_> = fs.find_all(&path("a")).await.unwrap();
            assert_eq!(below.len(), 2);
            fs.close().await.unwrap();
        });
    }
}
