//! A part of a filesystem as a filesystem.

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{Error, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{CloseError, CloseReport};

/// What lies below a prefix of another filesystem. It owns that one: closing this closes that lease.
///
/// Paths in results and errors are those of this filesystem. Its root is a prefix, whatever lies at that place in the
/// other one.
///
/// ```
/// use zarr_fs::{FileSystem, FileSystemExt, MemoryFileSystem, Path, PrefixFileSystem};
/// # futures::executor::block_on(async {
/// let whole = MemoryFileSystem::new();
/// let part = PrefixFileSystem::new(whole.share()?, Path::parse("a/b")?);
/// part.pipe(&Path::parse("c")?, "text").await?;
/// assert_eq!(whole.cat(&Path::parse("a/b/c")?).await?, "text");
/// part.close().await.expect("nothing is stuck");
/// whole.close().await.expect("nothing is stuck");
/// # Ok::<(), zarr_fs::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct PrefixFileSystem<F: FileSystem = Box<dyn FileSystem>> {
    inner: F,
    map: Map,
}

/// From the paths of one filesystem to those of the other and back.
#[derive(Clone, Debug)]
struct Map {
    name: String,
    /// The name of the other filesystem: errors that carry it are its own, others are those of a caller's stream.
    inner: String,
    prefix: Path,
}

impl<F: FileSystem> PrefixFileSystem<F> {
    /// What lies below `prefix` of `inner`.
    #[must_use]
    pub fn new(inner: F, prefix: Path) -> Self {
        let name = inner.name();
        let slash = if name.ends_with('/') || prefix.is_root() {
            ""
        } else {
            "/"
        };
        Self {
            map: Map {
                name: format!("{name}{slash}{}", prefix.as_str()),
                inner: name,
                prefix,
            },
            inner,
        }
    }

    /// The filesystem that this is a part of.
    #[must_use]
    pub fn inner(&self) -> &F {
        &self.inner
    }

    /// The prefix.
    #[must_use]
    pub fn prefix(&self) -> &Path {
        &self.map.prefix
    }
}

impl Map {
    /// The place of a prefix in the other filesystem.
    fn folder(&self, path: &Path) -> Path {
        self.prefix.join_path(path)
    }

    /// The place of a file in the other filesystem. Our root is no file, whatever lies in its place there: it is taken as the
    /// other root, which is no file either and is refused there, in the right order with everything else.
    fn file(&self, path: &Path) -> Path {
        if path.is_root() {
            return Path::root();
        }
        self.folder(path)
    }

    fn path(&self, path: Path) -> Path {
        path.strip_prefix(&self.prefix).unwrap_or(path)
    }

    fn info(&self, mut info: FileInfo) -> FileInfo {
        info.path = self.path(info.path);
        info
    }

    fn error(&self, mut error: Error) -> Error {
        if let Some(at) = error.context_mut().filter(|at| at.fs == self.inner) {
            at.path = self.path(std::mem::take(&mut at.path));
            at.fs.clone_from(&self.name);
        }
        error
    }

    fn stream<T: 'static>(
        self,
        items: BoxStream<'static, Result<T>>,
        map: impl Fn(&Self, T) -> T + Send + 'static,
    ) -> BoxStream<'static, Result<T>> {
        items
            .map(move |item| match item {
                Ok(item) => Ok(map(&self, item)),
                Err(error) => Err(self.error(error)),
            })
            .boxed()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<F: FileSystem> FileSystem for PrefixFileSystem<F> {
    fn name(&self) -> String {
        self.map.name.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn io_stats(&self) -> IoStats {
        self.inner.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        let inner = self
            .inner
            .share_at(opened_at)
            .map_err(|error| self.map.error(error))?;
        Ok(Box::new(PrefixFileSystem {
            inner,
            map: self.map.clone(),
        }))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        let place = self.map.file(path);
        let info = self.inner.info(&place).await;
        info.map(|info| self.map.info(info))
            .map_err(|error| self.map.error(error))
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        let place = self.map.file(path);
        let CatResult { bytes, info } = self
            .inner
            .cat_file(&place, options)
            .await
            .map_err(|error| self.map.error(error))?;
        let info = self.map.info(info);
        Ok(CatResult { bytes, info })
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let place = self.map.file(path);
        let bytes = self.inner.cat_ranges(&place, ranges, options).await;
        bytes.map_err(|error| self.map.error(error))
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let place = self.map.file(path);
        let CatStream { info, bytes } = self
            .inner
            .cat_stream(&place, options)
            .await
            .map_err(|error| self.map.error(error))?;
        Ok(CatStream {
            info: self.map.info(info),
            bytes: self.map.clone().stream(bytes, |_, bytes| bytes),
        })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        let place = self.map.file(path);
        let info = self.inner.pipe_file(&place, bytes, options).await;
        info.map(|info| self.map.info(info))
            .map_err(|error| self.map.error(error))
    }

    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        let place = self.map.file(path);
        let info = self.inner.pipe_stream(&place, stream, options).await;
        info.map(|info| self.map.info(info))
            .map_err(|error| self.map.error(error))
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let (from, to) = (self.map.file(from), self.map.file(to));
        let info = self.inner.cp_file(&from, &to, mode).await;
        info.map(|info| self.map.info(info))
            .map_err(|error| self.map.error(error))
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        let place = self.map.file(path);
        self.inner
            .rm_file(&place)
            .await
            .map_err(|error| self.map.error(error))
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        let listing = self.inner.ls(&self.map.folder(dir)).await;
        let DirListing {
            files,
            prefixes,
            unnameable,
        } = listing.map_err(|error| self.map.error(error))?;
        Ok(DirListing {
            files: files.into_iter().map(|info| self.map.info(info)).collect(),
            prefixes: prefixes.into_iter().map(|path| self.map.path(path)).collect(),
            unnameable,
        })
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let found = self.inner.find(&self.map.folder(prefix));
        self.map.clone().stream(found, Map::info)
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        let inner = self.inner.blocking_reader()?;
        let map = self.map.clone();
        Some(Arc::new(PrefixReader { inner, map }))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct PrefixReader {
    inner: Arc<dyn BlockingReader>,
    map: Map,
}

impl BlockingReader for PrefixReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let place = self.map.file(path);
        let info = self.inner.read(&place, options, buffer);
        info.map(|info| self.map.info(info))
            .map_err(|error| self.map.error(error))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ext::FileSystemExt;
    use crate::memory::MemoryFileSystem;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn results_and_errors_name_the_path_that_was_asked_for() {
        block_on(async {
            let fs = PrefixFileSystem::new(MemoryFileSystem::new(), path("a/b"));
            fs.pipe(&path("c/d"), "x").await.unwrap();
            assert_eq!(fs.info(&path("c/d")).await.unwrap().path, path("c/d"));
            assert_eq!(fs.ls(&Path::root()).await.unwrap().prefixes, [path("c")]);
            assert_eq!(fs.find_all(&path("c")).await.unwrap()[0].path, path("c/d"));
            let error = fs.cat(&path("none")).await.unwrap_err();
            assert_eq!(error.context().unwrap().path, path("none"));
            assert_eq!(error.to_string(), "memory/a/b/none: cat_file: not found");
            let mut buffer = Vec::new();
            let reader = fs.blocking_reader().unwrap();
            assert_eq!(
                reader
                    .read(&path("c/d"), &CatOptions::default(), &mut buffer)
                    .unwrap()
                    .path,
                path("c/d")
            );
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn the_root_is_no_file_even_if_there_is_one_in_its_place() {
        block_on(async {
            let whole = MemoryFileSystem::new();
            whole.pipe(&path("a"), "outside").await.unwrap();
            let part = PrefixFileSystem::new(whole, path("a"));
            let root = Path::root();
            assert!(part.cat(&root).await.unwrap_err().is_not_found());
            assert!(part.rm_file(&root).await.unwrap_err().is_not_found());
            assert!(matches!(
                part.pipe(&root, "x").await,
                Err(Error::InvalidPath { .. })
            ));
            assert_eq!(part.inner().cat(&path("a")).await.unwrap(), "outside");
            part.close().await.unwrap();
        });
    }
}
