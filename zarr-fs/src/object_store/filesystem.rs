//! The filesystem over an object store: each operation is one call of the session, with all of its work inside.

use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, Location};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select, try_join_all};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::client::ObjectStoreClient;
use super::convert::Encoding;
use super::gzip::gunzip;
use super::read::{Raw, gzip_range};
use super::upload;
use crate::call_options::{ByteRange, CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{Context, Error, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::ranges::RangePlan;
use crate::session::{CallKind, CloseError, CloseReport, Lease, panic_error};

/// A lease on an object store as a filesystem.
#[derive(Debug)]
pub struct ObjectStoreFileSystem {
    lease: Lease<ObjectStoreClient>,
    capabilities: Capabilities,
}

impl ObjectStoreFileSystem {
    pub(super) fn new(lease: Lease<ObjectStoreClient>, capabilities: Capabilities) -> Self {
        Self { lease, capabilities }
    }

    async fn read<T, F>(
        &self,
        op: &'static str,
        path: &Path,
        work: impl FnOnce(Arc<ObjectStoreClient>, Context) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let at = self.lease.at(op, path);
        self.lease
            .run(op, path, CallKind::Read, move |client| work(client, at))
            .await
    }

    async fn write<T, F>(
        &self,
        op: &'static str,
        path: &Path,
        work: impl FnOnce(Arc<ObjectStoreClient>, Context) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let at = self.lease.at(op, path);
        let allowed = self.capabilities.write;
        self.lease
            .run(op, path, CallKind::Write, move |client| async move {
                if !allowed {
                    return Err(at.unsupported("writing: opened read-only"));
                }
                work(client, at).await
            })
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for ObjectStoreFileSystem {
    fn name(&self) -> String {
        self.lease.name().to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn io_stats(&self) -> IoStats {
        self.lease.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        let lease = self.lease.share(opened_at)?;
        Ok(Box::new(Self::new(lease, self.capabilities)))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.read("info", path, |client, at| async move {
            let (info, _) = client.head(&at, None).await?;
            Ok(info)
        })
        .await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        let asked = options.clone();
        let raw = self
            .read("cat_file", path, |client, at| async move {
                client.cat(&at, &asked).await
            })
            .await?;
        // Here, not on the I/O thread: decoding takes a while.
        let result = decoded(&self.lease.at("cat_file", path), raw)?;
        options.check_length(result.bytes.len() as u64)?;
        Ok(result)
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let at = self.lease.at("cat_ranges", path);
        let plan = RangePlan::new(ranges, &options, &at)?;
        // Each request is a call of its own, so that each waits for its own permit.
        if plan.fetches().is_empty() {
            // No request, but a call: a closed lease refuses it.
            self.read("cat_ranges", path, |_, _| async { Ok(()) }).await?;
        }
        let fetches = plan.fetches().iter().map(|fetch| {
            let mut options_of_one = CatOptions::default().with_range(fetch.clone());
            options_of_one.if_match.clone_from(&options.if_match);
            self.read("cat_ranges", path, |client, at| async move {
                client.cat(&at, &options_of_one).await
            })
        });
        let fetched = try_join_all(fetches)
            .await
            .map_err(|error| blame(&at, ranges, error))?;
        if fetched.iter().any(|raw| raw.encoding == Encoding::Gzip) {
            return Err(gzip_range(&at));
        }
        if fetched
            .windows(2)
            .any(|pair| pair[0].info.version != pair[1].info.version)
        {
            return Err(at.precondition());
        }
        let bodies: Vec<Bytes> = fetched.into_iter().map(|raw| raw.bytes).collect();
        plan.slice_out(&bodies, &at)
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let at = self.lease.at("cat_stream", path);
        let (info, bytes) = self
            .lease
            .open_stream("cat_stream", path, move |client, head, sink| async move {
                client.stream(&at, &options, head, sink).await
            })
            .await?;
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.write("pipe_file", path, |client, at| async move {
            client.put(&at, bytes, &options.mode).await
        })
        .await
    }

    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        let (feed, pieces) = upload::pieces();
        let upload = self.write("pipe_stream", path, |client, at| async move {
            client.upload(&at, pieces, &options.mode).await
        });
        // The user's stream is polled here, by the caller, never on the I/O thread.
        let feeding = AssertUnwindSafe(feed.all(stream)).catch_unwind();
        match select(Box::pin(upload), Box::pin(feeding)).await {
            Either::Left((done, _)) => done,
            Either::Right((Ok(Ok(())), upload)) => upload.await,
            Either::Right((Ok(Err(error)), upload)) => {
                // It aborts what was sent; the reason is the stream's.
                let _ = upload.await;
                Err(error)
            }
            Either::Right((Err(panic), upload)) => {
                let _ = upload.await;
                let at = self.lease.at("pipe_stream", path);
                Err(at.backend(panic_error(&*panic)))
            }
        }
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let to = to.clone();
        self.write("cp_file", from, |client, at| async move {
            client.copy(&at, &to, &mode).await
        })
        .await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.write(
            "rm_file",
            path,
            |client, at| async move { client.remove(&at).await },
        )
        .await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.read(
            "ls",
            dir,
            |client, at| async move { client.list_level(&at).await },
        )
        .await
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let at = self.lease.at("find", prefix);
        self.lease
            .stream("find", prefix, move |client, sink| async move {
                client.list_all(&at, &sink).await
            })
            .map_ok(|page| futures::stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        None
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.lease.close().await
    }
}

/// A file's own bytes, of what the store keeps.
fn decoded(at: &Context, raw: Raw) -> Result<CatResult> {
    let Raw {
        bytes,
        info,
        encoding,
    } = raw;
    match encoding {
        Encoding::Identity => Ok(CatResult { bytes, info }),
        Encoding::Gzip => {
            let bytes = gunzip(at, &bytes)?;
            let info = info.with_size_bytes(bytes.len() as u64);
            Ok(CatResult { bytes, info })
        }
    }
}

/// Names the range that the caller asked for, in place of the merged one that failed.
fn blame(at: &Context, ranges: &[Range<u64>], error: Error) -> Error {
    let Error::RangeOutOfBounds { size: Some(size), .. } = &error else {
        return error;
    };
    match ranges.iter().find(|range| range.end > *size) {
        Some(range) => at.out_of_bounds(ByteRange::from(range.clone()), *size),
        None => error,
    }
}
