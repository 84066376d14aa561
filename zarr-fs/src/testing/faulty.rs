//! A filesystem that fails as it is told.

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use super::check::sleep;
use super::faults::{Faults, Wrong};
use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{Context, Error, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{CloseError, CloseReport};

/// Passes everything on, but for the calls that its [`Faults`] name.
#[derive(Debug)]
pub struct FaultyFileSystem<F: FileSystem = Box<dyn FileSystem>> {
    inner: F,
    faults: Faults,
}

/// What is left to go wrong with a call that is passed on.
enum Passed {
    Well,
    Lost(Error),
    Short(usize, Error),
}

impl Passed {
    fn answer<T>(self, answer: Result<T>, cut: impl FnOnce(T, usize) -> T) -> Result<T> {
        match self {
            Self::Well => answer,
            Self::Lost(error) => answer.and(Err(error)),
            Self::Short(length, _) => answer.map(|answer| cut(answer, length)),
        }
    }

    fn written<T>(self, answer: Result<T>) -> Result<T> {
        self.answer(answer, |answer, _| answer)
    }

    /// A stream with its end, if it is to be short.
    fn stream<T: Send + 'static>(
        self,
        items: BoxStream<'static, Result<T>>,
        size: fn(&T) -> usize,
    ) -> BoxStream<'static, Result<T>> {
        match self {
            Self::Well => items,
            Self::Lost(error) => failed(error),
            Self::Short(length, error) => {
                let mut left = length;
                let whole = items.take_while(move |item| {
                    let fits = item.as_ref().is_ok_and(|item| {
                        let fits = size(item) <= left;
                        left = left.saturating_sub(size(item));
                        fits
                    });
                    std::future::ready(fits)
                });
                whole.chain(failed(error)).boxed()
            }
        }
    }
}

fn failed<T: Send + 'static>(error: Error) -> BoxStream<'static, Result<T>> {
    futures::stream::once(async move { Err(error) }).boxed()
}

fn shortened(mut bytes: Bytes, length: usize) -> Bytes {
    bytes.truncate(length);
    bytes
}

impl<F: FileSystem> FaultyFileSystem<F> {
    /// Goes well until faults are added.
    #[must_use]
    pub fn new(inner: F) -> Self {
        Self {
            inner,
            faults: Faults::default(),
        }
    }

    /// The schedule of faults.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    async fn pass(&self, op: &'static str, path: &Path) -> Result<Passed> {
        let (late, wrong) = self.faults.strike(op, path);
        sleep(late).await;
        passed(wrong, self.inner.name(), op, path)
    }
}

fn passed(wrong: Option<Wrong>, fs: String, op: &'static str, path: &Path) -> Result<Passed> {
    let at = Context::new(fs, op, path);
    let source = Some("a fault was asked for".into());
    let unavailable = |at| Error::Unavailable {
        at,
        source: "a fault was asked for".into(),
    };
    Err(match wrong {
        None | Some(Wrong::Late(_)) => return Ok(Passed::Well),
        Some(Wrong::AnswerLost) => return Ok(Passed::Lost(unavailable(at))),
        Some(Wrong::Short(length)) => return Ok(Passed::Short(length, unavailable(at))),
        Some(Wrong::NotFound) => Error::NotFound { at, source },
        Some(Wrong::PermissionDenied) => Error::PermissionDenied { at, source },
        Some(Wrong::Unauthenticated) => Error::Unauthenticated { at, source },
        Some(Wrong::Unavailable) => unavailable(at),
        Some(Wrong::Corrupt) => Error::Corrupt {
            at,
            source: "a fault was asked for".into(),
        },
        Some(Wrong::Backend) => at.backend("a fault was asked for"),
    })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<F: FileSystem> FileSystem for FaultyFileSystem<F> {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn io_stats(&self) -> IoStats {
        self.inner.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        Ok(Box::new(FaultyFileSystem {
            inner: self.inner.share_at(opened_at)?,
            faults: self.faults.clone(),
        }))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        let passed = self.pass("info", path).await?;
        passed.written(self.inner.info(path).await)
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        let passed = self.pass("cat_file", path).await?;
        let read = self.inner.cat_file(path, options).await;
        passed.answer(read, |CatResult { bytes, info }, length| CatResult {
            bytes: shortened(bytes, length),
            info,
        })
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let passed = self.pass("cat_ranges", path).await?;
        let read = self.inner.cat_ranges(path, ranges, options).await;
        passed.answer(read, |slices, length| {
            slices.into_iter().map(|bytes| shortened(bytes, length)).collect()
        })
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let passed = self.pass("cat_stream", path).await?;
        let CatStream { info, bytes } = self.inner.cat_stream(path, options).await?;
        let bytes = passed.stream(bytes, Bytes::len);
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        let passed = self.pass("pipe_file", path).await?;
        passed.written(self.inner.pipe_file(path, bytes, options).await)
    }

    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        let passed = self.pass("pipe_stream", path).await?;
        passed.written(self.inner.pipe_stream(path, stream, options).await)
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let passed = self.pass("cp_file", from).await?;
        passed.written(self.inner.cp_file(from, to, mode).await)
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        let passed = self.pass("rm_file", path).await?;
        passed.written(self.inner.rm_file(path).await)
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        let passed = self.pass("ls", dir).await?;
        passed.answer(self.inner.ls(dir).await, |mut listing, length| {
            listing.files.truncate(length);
            listing
                .prefixes
                .truncate(length.saturating_sub(listing.files.len()));
            listing
        })
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let (faults, name, prefix) = (self.faults.clone(), self.inner.name(), prefix.clone());
        let found = self.inner.find(&prefix);
        let begun = async move {
            let (late, wrong) = faults.strike("find", &prefix);
            sleep(late).await;
            match passed(wrong, name, "find", &prefix) {
                Ok(passed) => passed.stream(found, |_| 1),
                Err(error) => failed(error),
            }
        };
        futures::stream::once(begun).flatten().boxed()
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        Some(Arc::new(FaultyReader {
            inner: self.inner.blocking_reader()?,
            name: self.inner.name(),
            faults: self.faults.clone(),
        }))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct FaultyReader {
    inner: Arc<dyn BlockingReader>,
    name: String,
    faults: Faults,
}

impl BlockingReader for FaultyReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let (late, wrong) = self.faults.strike("read", path);
        std::thread::sleep(late);
        let passed = passed(wrong, self.name.clone(), "read", path)?;
        let info = self.inner.read(path, options, buffer);
        passed.answer(info, |info, length| {
            buffer.truncate(length);
            info
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use futures::executor::block_on;

    use super::*;
    use crate::ext::FileSystemExt;
    use crate::memory::MemoryFileSystem;
    use crate::testing::Fault;

    #[test]
    fn goes_wrong_as_scheduled_and_then_goes_well() {
        block_on(async {
            let fs = FaultyFileSystem::new(MemoryFileSystem::new());
            let (a, b) = (Path::parse("a").unwrap(), Path::parse("b/c").unwrap());
            fs.pipe(&a, "aaaa").await.unwrap();
            fs.pipe(&b, "bbbb").await.unwrap();
            let faults = fs.faults();
            let below = Path::parse("b").unwrap();
            faults.add(
                Fault::new(Wrong::Unavailable)
                    .on("cat_file")
                    .at(&below)
                    .after(1)
                    .times(2),
            );
            assert_eq!(fs.cat(&b).await.unwrap(), "bbbb");
            assert!(fs.cat(&b).await.unwrap_err().is_retryable());
            assert_eq!(fs.cat(&a).await.unwrap(), "aaaa");
            assert!(fs.cat(&b).await.unwrap_err().is_retryable());
            assert_eq!(fs.cat(&b).await.unwrap(), "bbbb");
            faults.add(Fault::new(Wrong::Short(2)).times(2));
            assert_eq!(fs.cat(&b).await.unwrap(), "bb");
            let stream = fs.cat_stream(&b, CatOptions::default()).await.unwrap().bytes;
            let read: Result<Vec<Bytes>> = stream.try_collect().await;
            assert!(read.unwrap_err().is_retryable());
            faults.add(Fault::new(Wrong::AnswerLost).on("rm_file"));
            assert!(fs.rm_file(&b).await.unwrap_err().is_retryable());
            assert!(
                fs.cat(&b).await.unwrap_err().is_not_found(),
                "it happened all the same"
            );
            faults.clear();
            faults.add(Fault::new(Wrong::PermissionDenied).on("find"));
            let found = fs.find_all(&Path::root()).await;
            assert!(matches!(found, Err(Error::PermissionDenied { .. })));
            fs.close().await.unwrap();
        });
    }
}
