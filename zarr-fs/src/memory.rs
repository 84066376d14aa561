//! A filesystem in memory: for tests, examples and scratch data.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use url::Url;

use crate::call_options::{ByteRange, CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{Context, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats, Version};
use crate::options::Options;
use crate::path::Path;
use crate::ranges;
use crate::registry::{Factory, Resolved, url_path};
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

/// The files of a memory filesystem: what its session's calls work on.
#[derive(Default)]
struct Memory {
    files: RwLock<Files>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("files", &self.read().by_path.len())
            .finish_non_exhaustive()
    }
}

/// By path, so that what lies below a prefix is one range.
#[derive(Default)]
struct Files {
    by_path: BTreeMap<String, File>,
    last_generation: u64,
}

#[derive(Clone)]
struct File {
    bytes: Bytes,
    generation: u64,
    modified: SystemTime,
}

impl File {
    fn info(&self, path: &Path) -> FileInfo {
        FileInfo::new(path.clone())
            .with_size_bytes(self.bytes.len() as u64)
            .with_modified(Some(self.modified))
            .with_version(Version {
                etag: Some(format!("\"{}\"", self.generation)),
                generation: Some(self.generation.to_string()),
            })
    }

    fn slice(&self, range: ByteRange, at: &Context) -> Result<Bytes> {
        let size = self.bytes.len() as u64;
        let part = ranges::resolve(range, size, at)?;
        match (usize::try_from(part.start), usize::try_from(part.end)) {
            (Ok(start), Ok(end)) => Ok(self.bytes.slice(start..end)),
            _ => Err(at.out_of_bounds(range, size)),
        }
    }
}

impl Memory {
    fn read(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file at `path`, if it is of the version asked for.
    fn get(&self, at: &Context, if_match: Option<&Version>) -> Result<File> {
        let file = self.read().by_path.get(at.path.as_str()).cloned();
        let file = file.ok_or_else(|| at.not_found())?;
        match if_match {
            Some(version) if !version.matches(&file.info(&at.path).version) => Err(at.precondition()),
            _ => Ok(file),
        }
    }

    fn cat(&self, at: &Context, options: &CatOptions) -> Result<CatResult> {
        let file = self.get(at, options.if_match.as_ref())?;
        let bytes = file.slice(options.range, at)?;
        options.check_length(bytes.len() as u64)?;
        Ok(CatResult {
            bytes,
            info: file.info(&at.path),
        })
    }

    fn put(&self, at: &Context, bytes: Bytes, mode: &WriteMode) -> Result<FileInfo> {
        if at.path.is_root() {
            return Err(at.root_is_no_file());
        }
        let mut files = self.write();
        let there = files.by_path.get(at.path.as_str());
        match mode {
            WriteMode::Overwrite => {}
            WriteMode::Create if there.is_some() => return Err(at.already_exists()),
            WriteMode::Create => {}
            WriteMode::IfMatch(version) => {
                if !there.is_some_and(|file| version.matches(&file.info(&at.path).version)) {
                    return Err(at.precondition());
                }
            }
        }
        files.last_generation += 1;
        #[expect(
            clippy::disallowed_methods,
            reason = "here this filesystem is the server that tells the time"
        )]
        let modified = SystemTime::now();
        let file = File {
            bytes,
            generation: files.last_generation,
            modified,
        };
        let info = file.info(&at.path);
        files.by_path.insert(at.path.as_str().to_owned(), file);
        Ok(info)
    }

    fn remove(&self, at: &Context) -> Result<()> {
        match self.write().by_path.remove(at.path.as_str()) {
            Some(_) => Ok(()),
            None => Err(at.not_found()),
        }
    }

    fn ls(&self, at: &Context) -> Result<DirListing> {
        let files = self.read();
        let mut listing = DirListing::default();
        let below = Below::of(&at.path);
        let mut next = below.first();
        while let Some((path, file)) = files.by_path.range((next, below.end())).next() {
            // All keys came from paths, so they are paths.
            let name = &path[below.start.len()..];
            match name.split_once('/') {
                None => {
                    listing.files.push(file.info(&Path::parse(path)?));
                    next = Bound::Excluded(path.clone());
                }
                Some((folder, _)) => {
                    let prefix = format!("{}{folder}", below.start);
                    listing.prefixes.push(Path::parse(&prefix)?);
                    // `0` follows `/`: on to the first path that is not below this prefix.
                    next = Bound::Included(format!("{prefix}0"));
                }
            }
        }
        if listing.files.is_empty() && listing.prefixes.is_empty() {
            return Err(at.not_found());
        }
        // The keys' order is not that of the prefixes: `a-b/c` comes before `a/c`.
        listing.prefixes.sort_unstable();
        Ok(listing)
    }

    fn find(&self, prefix: &Path) -> Result<Vec<FileInfo>> {
        let below = Below::of(prefix);
        self.read()
            .by_path
            .range((below.first(), below.end()))
            .map(|(path, file)| Ok(file.info(&Path::parse(path)?)))
            .collect()
    }
}

/// The keys below a prefix.
struct Below {
    start: String,
    end: Option<String>,
}

impl Below {
    fn of(prefix: &Path) -> Self {
        if prefix.is_root() {
            return Self {
                start: String::new(),
                end: None,
            };
        }
        Self {
            start: format!("{prefix}/"),
            end: Some(format!("{prefix}0")),
        }
    }

    fn first(&self) -> Bound<String> {
        Bound::Included(self.start.clone())
    }

    fn end(&self) -> Bound<String> {
        self.end.clone().map_or(Bound::Unbounded, Bound::Excluded)
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
            while let Some(piece) = CallContext::parked(stream.next()).await? {
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
    fn read(&self, path: &Path, range: ByteRange, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let at = self.0.at("read", path);
        self.0.run_blocking("read", path, |memory| {
            let CatResult { bytes, info } = memory.cat(&at, &CatOptions::default().with_range(range))?;
            buffer.clear();
            buffer.extend_from_slice(&bytes);
            Ok(info)
        })
    }
}

/// Opens `memory://name/path`: each name is a filesystem of its own, whose data lives as long as the registry.
#[derive(Debug, Default)]
pub struct MemoryFactory {
    by_name: Mutex<HashMap<String, Arc<Memory>>>,
}

impl MemoryFactory {
    /// A factory without data.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Memory>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Factory for MemoryFactory {
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved> {
        options.check_keys(&[])?;
        let origin = format!("memory://{}", url.host_str().unwrap_or_default());
        let memory = Arc::clone(self.lock().entry(origin.clone()).or_default());
        let name = origin.clone();
        Ok(Resolved {
            origin,
            path: url_path(url)?,
            open: Box::new(move |options| Ok(Arc::new(Session::local(name, options, memory)))),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ext::FileSystemExt;
    use crate::registry::Registry;

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

    #[test]
    fn data_outlives_the_sessions_of_a_registry() {
        block_on(async {
            let registry = Registry::new(SessionOptions::default()).with("memory", MemoryFactory::new());
            let url = Url::parse("memory://one/a%20b/c").unwrap();
            let (fs, place) = registry.open(&url, &Options::new()).unwrap();
            assert_eq!(place, path("a b/c"));
            fs.pipe(&place, "text").await.unwrap();
            fs.close().await.unwrap();
            let (fs, place) = registry.open(&url, &Options::new()).unwrap();
            assert_eq!(fs.cat(&place).await.unwrap(), "text");
            let (other, _) = registry
                .open(&Url::parse("memory://two").unwrap(), &Options::new())
                .unwrap();
            assert!(other.cat(&place).await.unwrap_err().is_not_found());
            registry.close_all().await.unwrap();
        });
    }
}
