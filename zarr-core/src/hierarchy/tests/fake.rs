//! A memory filesystem that counts its calls, holds them back, fails them, and lists as badly as servers do.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::Location;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::oneshot;
use futures::stream::BoxStream;
use zarr_fs::{
    BlockingReader, ByteStream, Capabilities, CatOptions, CatRangesOptions, CatResult, CatStream, CloseError,
    CloseReport, Context, DirListing, Error, FileInfo, FileSystem, IoStats, Listing, MemoryFileSystem, Path,
    PipeOptions, Result, Unnameable, WriteMode,
};

/// What a call gets instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Denied,
    Unavailable,
    NotFound,
}

#[derive(Debug, Default)]
struct State {
    /// Operation and path of every call.
    log: Vec<(&'static str, String)>,
    in_flight: usize,
    most_in_flight: usize,
    /// Calls that wait for the next round, if calls are held back.
    held: Option<Vec<oneshot::Sender<()>>>,
    /// By operation and path.
    faults: HashMap<(&'static str, String), Fault>,
    listing: Option<Listing>,
    /// Prefixes that no path can name, by the folder that holds them.
    unnameable: Vec<(String, Unnameable)>,
    /// How many documents were read by a blocking reader; `None`: there is no such reader.
    read_blocking: Option<usize>,
}

/// The handle that a test keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Control(Arc<Mutex<State>>);

impl Control {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Fails every `op` (`get`, `ls`, `set`, `rm`) on `path`.
    pub(super) fn fault(&self, op: &'static str, path: &str, fault: Fault) {
        self.state().faults.insert((op, path.to_owned()), fault);
    }

    pub(super) fn calm(&self) {
        self.state().faults.clear();
    }

    pub(super) fn listing(&self, listing: Listing) {
        self.state().listing = Some(listing);
    }

    /// Lists a prefix in `dir` that no path can name.
    pub(super) fn unnameable(&self, dir: &str, name: &str) {
        let name = Unnameable::refused(name, &Path::parse(name).unwrap_err());
        self.state().unnameable.push((dir.to_owned(), name));
    }

    /// Lets callers read in their own threads, and counts it.
    pub(super) fn near(&self) {
        self.state().read_blocking = Some(0);
    }

    /// How many documents were read by callers' own threads.
    pub(super) fn read_blocking(&self) -> usize {
        self.state().read_blocking.unwrap_or(0)
    }

    /// The calls since the last time, as `op path`.
    pub(super) fn take_log(&self) -> Vec<String> {
        let log = std::mem::take(&mut self.state().log);
        log.into_iter().map(|(op, path)| format!("{op} {path}")).collect()
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.state().most_in_flight
    }

    /// Holds every call back until the next [`Control::release`].
    pub(super) fn hold(&self) {
        self.state().held = Some(Vec::new());
    }

    /// How many calls wait for the next round.
    pub(super) fn held(&self) -> usize {
        self.state().held.as_ref().map_or(0, Vec::len)
    }

    /// Lets the call go that waits longest.
    pub(super) fn release_one(&self) {
        let mut state = self.state();
        if let Some(held) = state.held.as_mut().filter(|held| !held.is_empty()) {
            let _ = held.remove(0).send(());
        }
    }

    /// Lets the call go that was made last.
    pub(super) fn release_last(&self) {
        if let Some(call) = self.state().held.as_mut().and_then(Vec::pop) {
            let _ = call.send(());
        }
    }

    /// How many calls are not done.
    pub(super) fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// Holds nothing back any more.
    pub(super) fn let_go(&self) {
        self.release();
        self.state().held = None;
    }

    /// Lets the calls go that wait: one round. Returns how many they were.
    pub(super) fn release(&self) -> usize {
        let held = self.state().held.as_mut().map(std::mem::take).unwrap_or_default();
        let count = held.len();
        for call in held {
            let _ = call.send(());
        }
        count
    }

    async fn call(&self, op: &'static str, path: &Path) -> Result<InFlight> {
        let wait = {
            let mut state = self.state();
            state.log.push((op, path.as_str().to_owned()));
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
            state.held.as_mut().map(|held| {
                let (release, wait) = oneshot::channel();
                held.push(release);
                wait
            })
        };
        let in_flight = InFlight(self.clone());
        if let Some(wait) = wait {
            let _ = wait.await;
        }
        let fault = self.state().faults.get(&(op, path.as_str().to_owned())).copied();
        let at = Context::new("fake", op, path);
        match fault {
            None => Ok(in_flight),
            Some(Fault::Denied) => Err(Error::PermissionDenied { at, source: None }),
            Some(Fault::Unavailable) => Err(Error::Unavailable {
                at,
                source: "503".into(),
            }),
            Some(Fault::NotFound) => Err(Error::NotFound { at, source: None }),
        }
    }
}

struct InFlight(Control);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

#[derive(Debug)]
pub(super) struct FakeFileSystem {
    pub(super) inner: MemoryFileSystem,
    pub(super) control: Control,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for FakeFileSystem {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        if let Some(listing) = self.control.state().listing {
            capabilities.listing = listing;
        }
        capabilities
    }

    fn io_stats(&self) -> IoStats {
        self.inner.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        self.inner.share_at(opened_at)
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.inner.info(path).await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        let _call = self.control.call("get", path).await?;
        self.inner.cat_file(path, options).await
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        self.inner.cat_ranges(path, ranges, options).await
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let _call = self.control.call("get", path).await?;
        self.inner.cat_stream(path, options).await
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        let _call = self.control.call("set", path).await?;
        self.inner.pipe_file(path, bytes, options).await
    }

    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        let _call = self.control.call("set", path).await?;
        self.inner.pipe_stream(path, stream, options).await
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        self.inner.cp_file(from, to, mode).await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        let _call = self.control.call("rm", path).await?;
        self.inner.rm_file(path).await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        let _call = self.control.call("ls", dir).await?;
        let mut found = self.inner.ls(dir).await?;
        let unnameable = self.control.state().unnameable.clone();
        found.unnameable = unnameable
            .into_iter()
            .filter_map(|(at, name)| (at == dir.as_str()).then_some(name))
            .collect();
        match self.capabilities().listing {
            Listing::Complete => Ok(found),
            Listing::VisibleOnly => {
                found
                    .files
                    .retain(|file| !file.path.name().is_some_and(|name| name.starts_with('.')));
                if found.files.is_empty() && found.prefixes.is_empty() {
                    let at = Context::new("fake", "ls", dir);
                    return Err(Error::NotFound { at, source: None });
                }
                Ok(found)
            }
            Listing::None => Err(Error::Unsupported {
                at: Context::new("fake", "ls", dir),
                what: "listing".to_owned(),
            }),
        }
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        self.control
            .state()
            .log
            .push(("find", prefix.as_str().to_owned()));
        if self.capabilities().listing == Listing::None {
            let at = Context::new("fake", "find", prefix);
            let what = "listing".to_owned();
            return futures::stream::once(async { Err(Error::Unsupported { at, what }) }).boxed();
        }
        self.inner.find(prefix)
    }

    /// None, unless a test asks for one: what is asked of a remote store is what these tests count.
    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        self.control.state().read_blocking?;
        let inner = self.inner.blocking_reader()?;
        Some(Arc::new(CountingReader {
            inner,
            control: self.control.clone(),
        }))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct CountingReader {
    inner: Arc<dyn BlockingReader>,
    control: Control,
}

impl BlockingReader for CountingReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        if let Some(count) = &mut self.control.state().read_blocking {
            *count += 1;
        }
        self.inner.read(path, options, buffer)
    }
}
