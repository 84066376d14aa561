//! [`Store`]: the specification's keys and values over a filesystem.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use zarr_fs::session::SessionOptions;
use zarr_fs::{
    BlockingReader, ByteRange, ByteStream, Capabilities, CatOptions, CatRangesOptions, CatStream, CloseError,
    CloseReport, Context, FileInfo, FileSystem, IoStats, Path, PipeOptions, Unnameable, Version, WriteMode,
};

use crate::error::{Error, Result};
use crate::metadata::MetadataError;
use crate::metadata::limits::MAX_DOCUMENT_BYTES;

/// The names of metadata documents.
pub(crate) const DOCUMENT_NAMES: [&str; 5] = ["zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"];

/// How a store is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Whether [`Store::set`] and [`Store::erase`] are refused. Default true.
    pub read_only: bool,
    /// Metadata requests in flight at once. Default: as many as calls of a session ([`SessionOptions::concurrency`]).
    pub metadata_concurrency: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            read_only: true,
            metadata_concurrency: SessionOptions::default().concurrency,
        }
    }
}

impl StoreOptions {
    /// Lets the store be written.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.read_only = false;
        self
    }

    /// Sets how many metadata requests may be in flight at once (at least 1).
    #[must_use]
    pub fn with_metadata_concurrency(mut self, width: usize) -> Self {
        self.metadata_concurrency = width.max(1);
        self
    }
}

/// A value and the version it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// The bytes that were asked for.
    pub bytes: Bytes,
    /// The version of the whole value, as far as the store tells one.
    pub version: Version,
    /// The size of the whole value in bytes, where known.
    pub size_bytes: Option<u64>,
}

/// One level below a prefix: names, not whole keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirNames {
    /// Names of the keys that lie directly in the prefix, sorted.
    pub keys: Vec<String>,
    /// Names of the prefixes directly below it, sorted, without a slash.
    pub prefixes: Vec<String>,
    /// Prefixes directly below it that no key can name.
    pub unnameable: Vec<Unnameable>,
}

/// A key and what a listing says of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key, from the store's base.
    pub key: String,
    /// Size of the value in bytes, where the listing says it exactly.
    pub size_bytes: Option<u64>,
}

/// Keys and values, in the words of the specification, over one filesystem lease.
///
/// A key is a text like `a/b/zarr.json`, relative to the store's base; no key reaches outside it. A missing key is `None`:
/// this is the only place where the filesystem's `NotFound` becomes one, and nothing else ever does.
///
/// The store owns its lease: [`Store::close`] ends it. Groups and arrays hold the store by `Arc` and never close it.
///
/// Spec: Zarr v3 core, "Abstract store interface"
/// <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#abstract-store-interface>.
///
/// ```
/// use zarr_core::{Store, StoreOptions};
/// use zarr_fs::{MemoryFileSystem, Path};
///
/// # futures::executor::block_on(async {
/// let store = Store::new(
///     Box::new(MemoryFileSystem::new()),
///     Path::parse("data")?,
///     StoreOptions::default().writable(),
/// );
/// store.set("a/zarr.json", "{}".into()).await?;
/// assert_eq!(store.get("a/zarr.json").await?.as_deref(), Some(b"{}".as_slice()));
/// assert_eq!(store.get("b/zarr.json").await?, None);
/// store.close().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Store {
    fs: Box<dyn FileSystem>,
    base: Path,
    options: StoreOptions,
    /// Counts the beginnings and ends of writes to metadata documents: what is remembered of them holds while it stands.
    documents_written: AtomicU64,
}

impl Store {
    /// Takes a lease and the place in its filesystem where the store's keys begin.
    #[must_use]
    pub fn new(fs: Box<dyn FileSystem>, base: Path, options: StoreOptions) -> Arc<Self> {
        Arc::new(Self {
            fs,
            base,
            options,
            documents_written: AtomicU64::new(0),
        })
    }

    /// The store's place for messages: `gs://bucket/base`. Holds no credential.
    #[must_use]
    pub fn url(&self) -> String {
        self.key_url("")
    }

    /// A key's place for messages. Holds no credential.
    #[must_use]
    pub fn key_url(&self, key: &str) -> String {
        let mut url = self.fs.name();
        for part in [self.base.as_str(), key] {
            if !part.is_empty() {
                if !url.ends_with('/') {
                    url.push('/');
                }
                url.push_str(part);
            }
        }
        url
    }

    /// The error for a value that was of another version each time a part of it was read.
    pub(crate) fn changing(&self, key: &str) -> Error {
        match self.path(key) {
            Ok(path) => Error::Fs(zarr_fs::Error::Precondition {
                at: Context::new(self.fs.name(), "cat_file", &path),
                source: Some(
                    "each request was answered from another version of it (by its ETag or time)".into(),
                ),
            }),
            Err(error) => error,
        }
    }

    /// How the store was opened.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// What the filesystem can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.fs.capabilities()
    }

    /// What the filesystem's session has moved so far.
    #[must_use]
    pub fn io_stats(&self) -> IoStats {
        self.fs.io_stats()
    }

    /// A whole value, or `None` if the key is missing.
    ///
    /// # Errors
    /// [`Error::Fs`] for everything but a missing key.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let value = self.get_with_version(key, CatOptions::default()).await?;
        Ok(value.map(|value| value.bytes))
    }

    /// A part of a value, or `None` if the key is missing.
    ///
    /// # Errors
    /// [`Error::Fs`] for everything but a missing key; a range that leaves the value is `RangeOutOfBounds`.
    pub async fn get_range(&self, key: &str, range: impl Into<ByteRange> + Send) -> Result<Option<Bytes>> {
        let options = CatOptions::default().with_range(range.into());
        let value = self.get_with_version(key, options).await?;
        Ok(value.map(|value| value.bytes))
    }

    /// A value or a part of it with its version, or `None` if the key is missing; one request.
    ///
    /// # Errors
    /// [`Error::Fs`] for everything but a missing key; another version than `options.if_match` is `Precondition`.
    pub async fn get_with_version(&self, key: &str, options: CatOptions) -> Result<Option<Value>> {
        let path = self.path(key)?;
        Ok(found(self.fs.cat_file(&path, options).await)?.map(|cat| Value {
            bytes: cat.bytes,
            version: cat.info.version,
            size_bytes: cat.info.size_bytes,
        }))
    }

    /// Several parts of one version of a value, in the order of `ranges`, or `None` if the key is missing. Near ranges
    /// are merged into one request.
    ///
    /// # Errors
    /// As [`Store::get_with_version`].
    pub async fn get_ranges(
        &self,
        key: &str,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Option<Vec<Bytes>>> {
        let path = self.path(key)?;
        found(self.fs.cat_ranges(&path, ranges, options).await)
    }

    /// A value as a stream, or `None` if the key is missing.
    ///
    /// # Errors
    /// As [`Store::get_with_version`] for the beginning; later ones come in the stream.
    pub async fn get_stream(&self, key: &str, options: CatOptions) -> Result<Option<CatStream>> {
        let path = self.path(key)?;
        found(self.fs.cat_stream(&path, options).await)
    }

    /// A metadata document, or `None` if the key is missing; one request. An endless one is read to the limit
    /// ([`MAX_DOCUMENT_BYTES`]) and refused.
    pub(crate) async fn get_document(&self, key: &str) -> Result<Option<Value>> {
        let value = self.get_with_version(key, document_options()).await;
        value.map_err(|error| self.document_error(key, error))
    }

    /// [`Store::get_document`] in the calling thread.
    pub(crate) fn read_document(&self, reader: &StoreReader, key: &str) -> Result<Option<Value>> {
        let mut bytes = Vec::new();
        let info = reader.read_with(key, &document_options(), &mut bytes);
        let info = info.map_err(|error| self.document_error(key, error))?;
        Ok(info.map(|info| Value {
            bytes: bytes.into(),
            version: info.version,
            size_bytes: info.size_bytes,
        }))
    }

    fn document_error(&self, key: &str, error: Error) -> Error {
        if !matches!(error, Error::Fs(zarr_fs::Error::LimitReached { .. })) {
            return error;
        }
        let most = format!("at most {MAX_DOCUMENT_BYTES} bytes");
        Error::metadata(self.key_url(key), MetadataError::mismatch(most, "more"))
    }

    /// Writes a value, whatever was there.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Fs`].
    pub async fn set(&self, key: &str, bytes: Bytes) -> Result<Version> {
        self.set_with(key, bytes, WriteMode::Overwrite).await
    }

    /// Writes a value if `mode` lets it.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Fs`], with `AlreadyExists` and `Precondition` as `mode` says.
    pub async fn set_with(&self, key: &str, bytes: Bytes, mode: WriteMode) -> Result<Version> {
        let path = self.writable("set", key)?;
        let _written = self.writes(key);
        let options = PipeOptions::default().with_mode(mode);
        Ok(self.fs.pipe_file(&path, bytes, options).await?.version)
    }

    /// Writes a value from a stream.
    ///
    /// # Errors
    /// As [`Store::set_with`], and those of the stream.
    pub async fn set_stream(&self, key: &str, bytes: ByteStream, mode: WriteMode) -> Result<Version> {
        let path = self.writable("set", key)?;
        let _written = self.writes(key);
        let options = PipeOptions::default().with_mode(mode);
        Ok(self.fs.pipe_stream(&path, bytes, options).await?.version)
    }

    /// Removes a key. Returns whether it was there.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Fs`].
    pub async fn erase(&self, key: &str) -> Result<bool> {
        let path = self.writable("erase", key)?;
        let _written = self.writes(key);
        Ok(found(self.fs.rm_file(&path).await)?.is_some())
    }

    /// The names directly below a prefix, or `None` if nothing lies below it. The empty prefix is the store's base.
    ///
    /// How far the listing can be believed is said by [`Capabilities::listing`].
    ///
    /// # Errors
    /// [`Error::Fs`]; `Unsupported` inside if the filesystem cannot list.
    pub async fn list_dir(&self, prefix: &str) -> Result<Option<DirNames>> {
        let dir = self.path(prefix)?;
        let Some(listing) = found(self.fs.ls(&dir).await)? else {
            return Ok(None);
        };
        // What is not directly below the prefix was not asked for, whatever a server says.
        let names = |paths: Vec<Path>| {
            let mut names: Vec<String> = paths
                .iter()
                .filter_map(|path| path.strip_prefix(&dir))
                .filter(|below| !below.is_root() && !below.as_str().contains('/'))
                .map(|name| name.as_str().to_owned())
                .collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        Ok(Some(DirNames {
            keys: names(listing.files.into_iter().map(|file| file.path).collect()),
            prefixes: names(listing.prefixes),
            unnameable: listing.unnameable,
        }))
    }

    /// All keys below a prefix, at any depth, in no stated order. An error ends the stream.
    #[must_use]
    pub fn list_prefix(&self, prefix: &str) -> BoxStream<'static, Result<KeyInfo>> {
        let dir = match self.path(prefix) {
            Ok(dir) => dir,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let base = self.base.clone();
        self.fs
            .find(&dir)
            .try_filter_map(move |file| {
                let below = file
                    .path
                    .strip_prefix(&base)
                    .filter(|_| file.path.strip_prefix(&dir).is_some());
                futures::future::ready(Ok(below.map(|key| KeyInfo {
                    key: key.as_str().to_owned(),
                    size_bytes: file.size_bytes,
                })))
            })
            .map_err(Error::from)
            .boxed()
    }

    /// A reader that blocks its thread, where that is the quicker way (local files, memory).
    #[must_use]
    pub fn blocking_reader(&self) -> Option<StoreReader> {
        Some(StoreReader {
            reader: self.fs.blocking_reader()?,
            base: self.base.clone(),
        })
    }

    /// Ends the store's lease; nothing can be read or written any more, through groups and arrays neither. Safe at any
    /// time and any number of times: see [`FileSystem::close`].
    ///
    /// # Errors
    /// [`CloseError`] with the report and each failure; what could be released is released.
    pub async fn close(&self) -> Result<CloseReport, CloseError> {
        self.fs.close().await
    }

    /// What changes whenever a metadata document may have been written through this store.
    pub(crate) fn documents_written(&self) -> u64 {
        self.documents_written.load(Ordering::SeqCst)
    }

    fn writable(&self, op: &'static str, key: &str) -> Result<Path> {
        self.ensure_writable(op, key)?;
        self.path(key)
    }

    fn path(&self, key: &str) -> Result<Path> {
        Ok(self.base.join(key)?)
    }

    /// Refuses a change before anything is asked for it.
    pub(crate) fn ensure_writable(&self, op: &'static str, key: &str) -> Result<()> {
        if self.options.read_only {
            let key = self.key_url(key);
            return Err(Error::ReadOnly { op, key });
        }
        Ok(())
    }

    /// The mode for a key that should not be there.
    pub(crate) fn mode_of_new(&self) -> WriteMode {
        if self.capabilities().create {
            WriteMode::Create
        } else {
            WriteMode::Overwrite
        }
    }

    /// The mode for a key that was read: only if it is still the same, where the store can check that.
    pub(crate) fn mode_after(&self, before: &Version) -> WriteMode {
        if self.capabilities().conditional_write && !before.is_unknown() {
            WriteMode::IfMatch(before.clone())
        } else {
            WriteMode::Overwrite
        }
    }

    /// The error of a value that is no longer what the caller has seen.
    pub(crate) fn precondition(&self, key: &str) -> Error {
        let path = match self.path(key) {
            Ok(path) => path,
            Err(error) => return error,
        };
        Error::Fs(zarr_fs::Error::Precondition {
            at: Context::new(self.fs.name(), "set", &path),
            source: None,
        })
    }

    /// Notes the beginning of a write and, when the guard is dropped (a cancelled write, too, may have happened), its end.
    fn writes(&self, key: &str) -> WriteGuard<'_> {
        let name = key.rsplit('/').next().unwrap_or(key);
        let counter = DOCUMENT_NAMES.contains(&name).then_some(&self.documents_written);
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        WriteGuard(counter)
    }
}

struct WriteGuard<'a>(Option<&'a AtomicU64>);

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Reads values in the calling thread, for callers that have threads of their own for it; see
/// [`BlockingReader`](zarr_fs::BlockingReader).
#[derive(Clone, Debug)]
pub struct StoreReader {
    reader: Arc<dyn BlockingReader>,
    base: Path,
}

impl StoreReader {
    /// Replaces the content of `buffer` by the bytes asked for, or gives `None` if the key is missing.
    ///
    /// # Errors
    /// As [`Store::get_with_version`].
    pub fn read(&self, key: &str, range: ByteRange, buffer: &mut Vec<u8>) -> Result<Option<FileInfo>> {
        self.read_with(key, &CatOptions::default().with_range(range), buffer)
    }

    fn read_with(&self, key: &str, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<Option<FileInfo>> {
        let path = self.base.join(key)?;
        found(self.reader.read(&path, options, buffer))
    }
}

fn document_options() -> CatOptions {
    CatOptions::default().with_max_bytes(MAX_DOCUMENT_BYTES as u64)
}

/// `NotFound` is `None`; every other error stays one. The only such place.
fn found<T>(result: zarr_fs::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
