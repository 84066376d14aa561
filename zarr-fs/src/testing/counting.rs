//! A filesystem that counts what is asked of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use super::rounds::{Gate, Running};
use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::Result;
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{CloseError, CloseReport};

/// Passes everything on, and counts: calls by operation and path, the most at once, dependent rounds.
///
/// A call is a request here, whatever the filesystem makes of it; `close`, `share` and questions about the filesystem are
/// none. Leases shared from this one count together.
#[derive(Debug)]
pub struct CountingFileSystem<F: FileSystem = Box<dyn FileSystem>> {
    inner: F,
    counts: Counts,
}

/// The counts; clones are one.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    tally: Arc<Mutex<Tally>>,
    gate: Arc<Gate>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Request {
    /// The operation, in the trait's words; `read` for that of a blocking reader.
    pub op: &'static str,
    /// The path; that of a copy is where it comes from.
    pub path: Path,
}

#[derive(Debug, Default)]
struct Tally {
    log: Vec<Request>,
    in_flight: usize,
    max_in_flight: usize,
}

impl Counts {
    /// The calls so far, in the order in which they began.
    #[must_use]
    pub fn log(&self) -> Vec<Request> {
        self.lock().log.clone()
    }

    /// How many calls there were.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.lock().log.len()
    }

    /// How many calls of each operation there were.
    #[must_use]
    pub fn by_op(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.lock().log {
            *counts.entry(request.op).or_default() += 1;
        }
        counts
    }

    /// How many calls there were for a path.
    #[must_use]
    pub fn of_path(&self, path: &Path) -> usize {
        self.lock()
            .log
            .iter()
            .filter(|request| request.path == *path)
            .count()
    }

    /// The calls that were made more than once: nothing that was answered should be asked again.
    #[must_use]
    pub fn repeated(&self) -> Vec<Request> {
        let mut log = self.log();
        log.sort();
        let twice = log.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut repeated: Vec<Request> = twice.map(|pair| pair[0].clone()).collect();
        repeated.dedup();
        repeated
    }

    /// The most calls that were under way at one time.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.lock().max_in_flight
    }

    /// Forgets the calls so far.
    pub fn reset(&self) {
        let mut tally = self.lock();
        tally.log.clear();
        tally.max_in_flight = tally.in_flight;
    }

    /// Counts rounds from now on, from 0: calls are held until the caller has nothing more to ask, then a whole wave is let
    /// go. A wave of more than `width` counts once; `width` must not be more than the caller's own limit, unless no wave
    /// reaches that. Calls of a blocking reader are not held.
    pub fn count_rounds(&self, width: usize) {
        self.gate.shut(width);
    }

    /// Holds calls no more.
    pub fn stop_counting_rounds(&self) {
        self.gate.open();
    }

    /// How many calls each round had.
    #[must_use]
    pub fn waves(&self) -> Vec<usize> {
        self.gate.waves()
    }

    /// How many rounds there were: the longest chain of calls each of which needed the answer of the one before.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.waves().len()
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, op: &'static str, path: &Path) -> InFlight {
        let mut tally = self.lock();
        tally.log.push(Request {
            op,
            path: path.clone(),
        });
        tally.in_flight += 1;
        tally.max_in_flight = tally.max_in_flight.max(tally.in_flight);
        InFlight(self.clone())
    }

    /// A call begins; it may go on when this is done, and lasts until the result is dropped.
    async fn pass(&self, op: &'static str, path: &Path) -> (InFlight, Running) {
        let in_flight = self.begin(op, path);
        (in_flight, self.gate.pass().await)
    }
}

#[derive(Debug)]
struct InFlight(Counts);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl<F: FileSystem> CountingFileSystem<F> {
    /// Counts what is asked of `inner`.
    #[must_use]
    pub fn new(inner: F) -> Self {
        Self {
            inner,
            counts: Counts::default(),
        }
    }

    /// The counts; they go on when this filesystem is closed or boxed.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<F: FileSystem> FileSystem for CountingFileSystem<F> {
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
        Ok(Box::new(CountingFileSystem {
            inner: self.inner.share_at(opened_at)?,
            counts: self.counts.clone(),
        }))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        let _call = self.counts.pass("info", path).await;
        self.inner.info(path).await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        let _call = self.counts.pass("cat_file", path).await;
        self.inner.cat_file(path, options).await
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let _call = self.counts.pass("cat_ranges", path).await;
        self.inner.cat_ranges(path, ranges, options).await
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let call = self.counts.pass("cat_stream", path).await;
        let CatStream { info, bytes } = self.inner.cat_stream(path, options).await?;
        let bytes = held_by(bytes, call);
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        let _call = self.counts.pass("pipe_file", path).await;
        self.inner.pipe_file(path, bytes, options).await
    }

    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo> {
        let _call = self.counts.pass("pipe_stream", path).await;
        self.inner.pipe_stream(path, stream, options).await
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let _call = self.counts.pass("cp_file", from).await;
        self.inner.cp_file(from, to, mode).await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        let _call = self.counts.pass("rm_file", path).await;
        self.inner.rm_file(path).await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        let _call = self.counts.pass("ls", dir).await;
        self.inner.ls(dir).await
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let (counts, prefix) = (self.counts.clone(), prefix.clone());
        let found = self.inner.find(&prefix);
        futures::stream::once(async move { held_by(found, counts.pass("find", &prefix).await) })
            .flatten()
            .boxed()
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        let inner = self.inner.blocking_reader()?;
        let counts = self.counts.clone();
        Some(Arc::new(CountingReader { inner, counts }))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.inner.close().await
    }
}

/// A stream that keeps its call under way until it ends.
fn held_by<T: 'static>(
    items: BoxStream<'static, Result<T>>,
    call: (InFlight, Running),
) -> BoxStream<'static, Result<T>> {
    let call = Some(call);
    futures::stream::unfold((items, call), |(mut items, call)| async move {
        let item = items.next().await?;
        Some((item, (items, call)))
    })
    .boxed()
}

#[derive(Debug)]
struct CountingReader {
    inner: Arc<dyn BlockingReader>,
    counts: Counts,
}

impl BlockingReader for CountingReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let _call = self.counts.begin("read", path);
        self.inner.read(path, options, buffer)
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use futures::executor::block_on;
    use futures::future::join_all;

    use super::*;
    use crate::ext::FileSystemExt;
    use crate::memory::MemoryFileSystem;

    fn path(index: usize) -> Path {
        Path::parse(format!("a/{index}")).unwrap()
    }

    async fn filled(count: usize) -> (CountingFileSystem<MemoryFileSystem>, Counts) {
        let fs = CountingFileSystem::new(MemoryFileSystem::new());
        for index in 0..count {
            fs.pipe(&path(index), "x").await.unwrap();
        }
        let counts = fs.counts();
        counts.reset();
        (fs, counts)
    }

    #[test]
    fn counts_by_operation_and_path() {
        block_on(async {
            let (fs, counts) = filled(3).await;
            fs.cat(&path(0)).await.unwrap();
            fs.cat(&path(0)).await.unwrap();
            fs.info(&path(1)).await.unwrap();
            assert_eq!(
                fs.find(&Path::root())
                    .try_collect::<Vec<_>>()
                    .await
                    .unwrap()
                    .len(),
                3
            );
            let shared = fs.share().unwrap();
            let reader = shared.blocking_reader().unwrap();
            let whole = CatOptions::default();
            reader.read(&path(2), &whole, &mut Vec::new()).unwrap();
            assert_eq!(counts.requests(), 5);
            let by_op = BTreeMap::from([("cat_file", 2), ("find", 1), ("info", 1), ("read", 1)]);
            assert_eq!(counts.by_op(), by_op);
            assert_eq!(counts.of_path(&path(0)), 2);
            assert_eq!(counts.repeated().len(), 1);
            shared.close().await.unwrap();
            fs.close().await.unwrap();
        });
    }

    #[tokio::test]
    async fn a_round_is_a_wave_of_calls_that_do_not_wait_for_each_other() {
        let (fs, counts) = filled(300).await;
        counts.count_rounds(64);
        fs.cat(&path(0)).await.unwrap();
        let twenty: Vec<Path> = (0..20).map(path).collect();
        join_all(twenty.iter().map(|path| fs.cat(path))).await;
        // A wave wider than the width counts once, also for a caller who limits himself to the width.
        futures::stream::iter(0..300)
            .map(|index| {
                let fs = &fs;
                async move { fs.cat(&path(index)).await.unwrap() }
            })
            .buffer_unordered(64)
            .count()
            .await;
        for index in 0..3 {
            fs.cat(&path(index)).await.unwrap();
        }
        assert_eq!(counts.waves(), [1, 20, 300, 1, 1, 1]);
        assert_eq!(counts.max_in_flight(), 64);
        counts.stop_counting_rounds();
        fs.close().await.unwrap();
    }
}
