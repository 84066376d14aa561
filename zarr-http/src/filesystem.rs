//! The filesystem: the trait's calls, each as one call of the lease or several.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, Location};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, Either, try_join_all};
use futures::stream::BoxStream;
use futures::{FutureExt, SinkExt, StreamExt};
use zarr_fs::ranges::{self, RangePlan};
use zarr_fs::session::{
    CallContext, CallKind, CloseError, CloseReport, Gone, Lease, LeaseHandle, LiveLease, Session,
    SessionOptions, SharedSession,
};
use zarr_fs::{
    BlockingReader, ByteRange, ByteStream, Capabilities, CatOptions, CatRangesOptions, CatResult, CatStream,
    Context, DirListing, Error, FileInfo, FileSystem, IoStats, Path, PipeOptions, Result, WriteMode,
};

use crate::client::{Remote, Shared};
use crate::config::Settings;
use crate::listing::{self, Explorer, Reply};
use crate::{gzip, page, read, stream, write};

/// Longest file that a stream is gathered for: HTTP has no uploads in parts.
const MAX_GATHERED_BYTES: u64 = 4 << 30;

/// An HTTP server as a filesystem; see the [crate's documentation](crate).
#[derive(Debug)]
pub struct HttpFileSystem {
    lease: Lease<Remote>,
    shared: Arc<Shared>,
}

/// A session, with what its leases know.
#[derive(Debug)]
pub(crate) struct HttpSession {
    session: Session<Remote>,
    shared: Arc<Shared>,
}

impl HttpSession {
    pub(crate) fn new(settings: Settings, options: SessionOptions) -> Self {
        let shared = Arc::new(Shared::new(settings));
        let known = Arc::clone(&shared);
        let session = Session::new(&shared.settings.name, options, move |counters| {
            Remote::connect(&known, counters)
        });
        Self { session, shared }
    }

    fn lease(&self, opened_at: &'static Location<'static>) -> Result<HttpFileSystem, Gone> {
        Ok(HttpFileSystem {
            lease: self.session.lease(opened_at)?,
            shared: Arc::clone(&self.shared),
        })
    }

    /// The only lease of a session that nobody else has.
    #[expect(
        clippy::expect_used,
        reason = "nobody else has the session, so nobody has closed it"
    )]
    pub(crate) fn first_lease(self, opened_at: &'static Location<'static>) -> HttpFileSystem {
        self.lease(opened_at)
            .expect("a session that was just made gives a lease")
    }
}

impl SharedSession for HttpSession {
    fn lease_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>, Gone> {
        Ok(Box::new(self.lease(opened_at)?))
    }

    fn live_leases(&self) -> Vec<LiveLease> {
        self.session.live_leases()
    }

    fn io_stats(&self) -> IoStats {
        self.session.io_stats()
    }

    fn is_open(&self) -> bool {
        self.session.is_open()
    }

    fn is_gone(&self) -> bool {
        self.session.is_gone()
    }

    fn close_all(&self) -> BoxFuture<'static, Vec<Result<CloseReport, CloseError>>> {
        self.session.close_all()
    }
}

/// Asks for listings through a lease, without keeping it alive.
#[derive(Clone, Debug)]
struct Asker {
    lease: LeaseHandle<Remote>,
    shared: Arc<Shared>,
    op: &'static str,
}

impl Asker {
    /// One request as one call. What came compressed is decoded here, off the I/O thread.
    async fn ask<F>(
        &self,
        dir: &Path,
        work: impl FnOnce(Arc<Remote>, Context) -> F + Send + 'static,
    ) -> Result<Reply>
    where
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        let at = listing::Ask::at(&self, dir);
        let call_at = at.clone();
        let work = move |remote| work(remote, call_at);
        let mut reply = self.lease.run(self.op, dir, CallKind::Read, work).await?;
        if let Reply::Page(page) = &mut reply
            && page.is_gzip
        {
            page.body = gzip::decode(&page.body, Some(listing::MAX_PAGE_BYTES), &at)?;
        }
        Ok(reply)
    }

    async fn list(&self, dir: &Path) -> Result<DirListing> {
        let explorer = Explorer {
            ask: self,
            knowledge: &self.shared.knowledge,
            mode: self.shared.settings.listing,
        };
        explorer.list(dir).await
    }
}

impl listing::Ask for &Asker {
    async fn get(&self, dir: &Path, is_try: bool) -> Result<Reply> {
        self.ask(dir, move |remote, at| async move {
            remote.get_folder(&at, is_try).await
        })
        .await
    }

    async fn propfind(&self, dir: &Path, body: &'static str, is_try: bool) -> Result<Reply> {
        self.ask(dir, move |remote, at| async move {
            remote.propfind(&at, body, is_try).await
        })
        .await
    }

    async fn tells_missing(&self, dir: &Path) -> Result<bool> {
        let absent = dir.join(page::ABSENT)?;
        let at = listing::Ask::at(self, &absent);
        let work = |remote: Arc<Remote>| async move { read::stat(&remote, &at).await };
        match self.lease.run(self.op, &absent, CallKind::Read, work).await {
            // A page in its place is an answer too.
            Ok(_) | Err(Error::Corrupt { .. }) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(Error::PermissionDenied { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn is_file(&self, path: &Path) -> Result<Option<bool>> {
        let at = listing::Ask::at(self, path);
        let work = |remote: Arc<Remote>| async move { read::stat(&remote, &at).await };
        match self.lease.run(self.op, path, CallKind::Read, work).await {
            Ok(_) => Ok(Some(true)),
            Err(error) if error.is_not_found() => Ok(Some(false)),
            Err(Error::PermissionDenied { .. } | Error::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn refuse(&self, dir: &Path, what: &str) -> Error {
        refuse(&self.lease, listing::Ask::at(self, dir), what.to_owned())
    }

    fn has_read(&self) -> bool {
        self.shared.facts.has_read()
    }

    fn at(&self, dir: &Path) -> Context {
        Context::new(&self.shared.settings.name, self.op, dir)
    }
}

/// The error of a call that this filesystem does not do: that the lease is closed, if it is, else that it cannot.
fn refuse(lease: &LeaseHandle<Remote>, at: Context, what: String) -> Error {
    // A call that begins and ends here. It never runs: the client lives on another thread, which a lease that is open says.
    match lease.run_blocking(at.op, &at.path, |_| Ok(())) {
        Err(error @ (Error::Closed { .. } | Error::Forked { .. })) => error,
        Ok(()) | Err(_) => at.unsupported(what),
    }
}

impl HttpFileSystem {
    /// Whether such a write is possible at all; nothing is sent to find out.
    fn check_write(&self, op: &'static str, path: &Path, mode: Option<&WriteMode>) -> Result<()> {
        match write::refusal(&self.shared.settings, mode) {
            None => Ok(()),
            Some(what) => Err(refuse(
                &self.lease.handle(),
                self.lease.at(op, path),
                what.to_owned(),
            )),
        }
    }

    fn asker(&self, op: &'static str) -> Asker {
        Asker {
            lease: self.lease.handle(),
            shared: Arc::clone(&self.shared),
            op,
        }
    }

    /// Runs a call on the I/O thread.
    async fn run<T, F>(
        &self,
        op: &'static str,
        path: &Path,
        kind: CallKind,
        work: impl FnOnce(Arc<Remote>, Context) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let at = self.lease.at(op, path);
        self.lease
            .run(op, path, kind, move |remote| work(remote, at))
            .await
    }

    async fn cat(&self, op: &'static str, path: &Path, options: CatOptions) -> Result<CatResult> {
        let asked = options.clone();
        let raw = self
            .run(op, path, CallKind::Read, move |remote, at| async move {
                read::cat(&remote, &at, &asked).await
            })
            .await?;
        let result = raw.finish(&options, &self.lease.at(op, path))?;
        // What was compressed is longer now.
        options.check_length(result.bytes.len() as u64)?;
        Ok(result)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for HttpFileSystem {
    fn name(&self) -> String {
        self.lease.name().to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        self.shared.capabilities()
    }

    fn io_stats(&self) -> IoStats {
        self.lease.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        Ok(Box::new(Self {
            lease: self.lease.share(opened_at)?,
            shared: Arc::clone(&self.shared),
        }))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.run("info", path, CallKind::Read, |remote, at| async move {
            read::stat(&remote, &at).await
        })
        .await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        self.cat("cat_file", path, options).await
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        wanted: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let at = self.lease.at("cat_ranges", path);
        let plan = RangePlan::new(wanted, &options, &at)?;
        let get = |range: ByteRange| {
            let mut one = CatOptions::default().with_range(range);
            one.if_match.clone_from(&options.if_match);
            self.cat("cat_ranges", path, one)
        };
        if plan.fetches().len() > 1 && self.shared.facts.ignores_ranges() {
            // Each range would bring the whole file: once is enough.
            let last = wanted.iter().map(|range| range.end).max().unwrap_or_default();
            let whole = get(ByteRange::Bounded(0, last)).await?;
            let slice = |range: &Range<u64>| {
                let part = ranges::resolve(range.clone().into(), whole.bytes.len() as u64, &at)?;
                let index = |at| usize::try_from(at).unwrap_or(usize::MAX);
                Ok(Bytes::copy_from_slice(
                    &whole.bytes[index(part.start)..index(part.end)],
                ))
            };
            return wanted
                .iter()
                .map(|range| match range.is_empty() {
                    true => Ok(Bytes::new()),
                    false => slice(range),
                })
                .collect();
        }
        if plan.fetches().is_empty() {
            // Nothing is asked, but a closed lease still says so.
            return self
                .run("cat_ranges", path, CallKind::Read, |_, _| async move { Ok(()) })
                .await
                .and_then(|()| plan.slice_out(&[], &at));
        }
        let fetches = plan.fetches().iter().cloned();
        let found = try_join_all(fetches.map(|range| get(range.into()))).await;
        let found = found.map_err(|error| blame(error, wanted))?;
        let mut versions = found.iter().map(|one| &one.info.version);
        if let Some(first) = versions.next()
            && versions.any(|other| other != first)
        {
            return Err(at.precondition());
        }
        let bodies: Vec<Bytes> = found.into_iter().map(|one| one.bytes).collect();
        plan.slice_out(&bodies, &at)
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let at = self.lease.at("cat_stream", path);
        let call_at = at.clone();
        let (head, bytes) = self
            .lease
            .open_stream("cat_stream", path, move |remote, head, sink| async move {
                stream::pump(&remote, &call_at, &options, head, &sink).await
            })
            .await?;
        let stream::Head { info, decode } = head;
        let bytes = match decode {
            Some(range) => stream::decoded(bytes, range, at),
            None => bytes,
        };
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.check_write("pipe_file", path, Some(&options.mode))?;
        self.run("pipe_file", path, CallKind::Write, |remote, at| async move {
            write::pipe(&remote, &at, bytes, &options).await
        })
        .await
    }

    async fn pipe_stream(
        &self,
        path: &Path,
        mut stream: ByteStream,
        options: PipeOptions,
    ) -> Result<FileInfo> {
        self.check_write("pipe_stream", path, Some(&options.mode))?;
        let at = self.lease.at("pipe_stream", path);
        // The stream is the caller's code: it runs here, not on the I/O thread, which gathers what it gives.
        let (mut pieces, mut gathered) = futures::channel::mpsc::channel::<Result<Bytes>>(1);
        let upload = self.run("pipe_stream", path, CallKind::Write, |remote, at| async move {
            write::check(&at)?;
            let mut whole = BytesMut::new();
            while let Some(piece) = CallContext::parked_for_caller(gathered.next()).await? {
                whole.extend_from_slice(&piece?);
                if whole.len() as u64 > MAX_GATHERED_BYTES {
                    return Err(at.unsupported(format!("a stream longer than {MAX_GATHERED_BYTES} bytes")));
                }
            }
            write::pipe(&remote, &at, whole.freeze(), &options).await
        });
        let pump = async move {
            while let Some(piece) = AssertUnwindSafe(stream.next())
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Some(Err(at.backend("a panic in the stream that is written"))))
            {
                let is_end = piece.is_err();
                if pieces.send(piece).await.is_err() || is_end {
                    break;
                }
            }
        };
        match futures::future::select(std::pin::pin!(upload), std::pin::pin!(pump)).await {
            Either::Left((done, _)) => done,
            Either::Right(((), upload)) => upload.await,
        }
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        self.check_write("cp_file", from, Some(&mode))?;
        let to = to.clone();
        self.run("cp_file", from, CallKind::Write, |remote, at| async move {
            write::copy(&remote, &at, &to, &mode).await
        })
        .await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.check_write("rm_file", path, None)?;
        self.run("rm_file", path, CallKind::Write, |remote, at| async move {
            write::remove(&remote, &at).await
        })
        .await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.asker("ls").list(dir).await
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        // The listings are read here, and each of their requests is a call. What they name goes through one call more, which
        // lasts as long as the stream: so a close ends it as it ends any stream.
        let (files, mut found) = listing::queue();
        let items = self.lease.stream("find", prefix, |_, sink| async move {
            while let Some(file) = CallContext::parked(found.next()).await? {
                sink.send(file?).await?;
            }
            Ok(())
        });
        let asker = self.asker("find");
        let ls = move |dir: Path| {
            let asker = asker.clone();
            async move { asker.list(&dir).await }
        };
        listing::beside(items, listing::walk(prefix.clone(), ls, files))
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        None
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.lease.close().await
    }
}

/// Names the range that was asked for, in place of the merged one that leaves the file.
fn blame(mut error: Error, wanted: &[Range<u64>]) -> Error {
    if let Error::RangeOutOfBounds {
        start,
        end,
        size: Some(size),
        ..
    } = &mut error
        && let Some(range) = wanted.iter().find(|range| range.end > *size)
    {
        (*start, *end) = (range.start, range.end);
    }
    error
}
