//! The filesystem trait and its contract.

use std::fmt::Debug;
use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::Result;
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{CloseError, CloseReport};

/// Bytes as they come; each item is a non-empty piece. After an error nothing follows.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// A file's bytes as a stream.
pub struct CatStream {
    /// The file the bytes belong to; its size is the whole file's.
    pub info: FileInfo,
    /// The bytes that were asked for.
    pub bytes: ByteStream,
}

impl Debug for CatStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CatStream")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// An async filesystem in fsspec's words, over files (byte strings with a path) and prefixes.
///
/// What a user holds is a *lease* on a shared session: see [`session`](crate::session). No method has a default body:
/// a default is a method that a wrapper forgets. Conveniences are in [`FileSystemExt`](crate::FileSystemExt).
///
/// # Behaviour of every call
/// - After this lease's `close` began: [`Error::Closed`](crate::Error::Closed), and nothing is sent.
/// - In a forked child: [`Error::Forked`](crate::Error::Forked).
/// - A fault of the network or the server is `Unavailable`, a refusal `PermissionDenied` or `Unauthenticated`; neither is
///   ever `NotFound` or an empty listing.
/// - What the filesystem cannot do is [`Error::Unsupported`](crate::Error::Unsupported), as its capabilities say.
/// - Dropping a call's future before it is done cancels the call.
#[async_trait]
pub trait FileSystem: Debug + Send + Sync + 'static {
    /// What this filesystem is, for messages: `gs://bucket`, `https://host/base`. Holds no credential.
    fn name(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// What its session has moved so far, all leases together.
    fn io_stats(&self) -> IoStats;

    /// Another lease on the same session, with a life of its own; `opened_at` is named if it is never closed.
    /// Call it through [`FileSystemExt::share`](crate::FileSystemExt::share).
    ///
    /// # Errors
    /// `Closed` if this lease was closed.
    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>>;

    /// Facts about a file.
    ///
    /// # Behaviour
    /// - A missing file, or a path that is only a prefix: `NotFound`.
    async fn info(&self, path: &Path) -> Result<FileInfo>;

    /// Reads a file or a part of it, and tells what file it was, in one request.
    ///
    /// # Behaviour
    /// - A missing file, or a path that is only a prefix: `NotFound`.
    /// - A range that leaves the file: `RangeOutOfBounds`. A suffix longer than the file: all of it.
    /// - `if_match` of another version: `Precondition`.
    /// - More bytes than `max_bytes`: `LimitReached`.
    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult>;

    /// Reads several ranges of one file; the result has the order of `ranges`.
    ///
    /// # Behaviour
    /// - Near ranges are merged into one request, as far as `options` allows; a small slice does not keep a large buffer alive.
    /// - No ranges: no request. An empty range gives no bytes. Ranges may overlap and come in any order.
    /// - All ranges are of one version of the file where the store tells versions; else `Precondition`.
    /// - Errors as `cat_file`.
    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>>;

    /// Reads a file as a stream, for files too large to hold.
    ///
    /// # Behaviour
    /// - Errors of the beginning as `cat_file`; later ones come in the stream. A stream never ends early in silence.
    /// - The next piece is fetched as the consumer takes the last (bounded read-ahead).
    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream>;

    /// Writes a whole file.
    ///
    /// # Behaviour
    /// - Readers see the old file or the new one, never a mixture.
    /// - Mode `Create` on a file that is there: `AlreadyExists`. Mode `IfMatch` on another version, or on no file: `Precondition`.
    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo>;

    /// Writes a file from a stream, in parts where the store has them.
    ///
    /// # Behaviour
    /// - An error of `stream` is returned, and what was sent is removed. As `pipe_file` otherwise.
    async fn pipe_stream(&self, path: &Path, stream: ByteStream, options: PipeOptions) -> Result<FileInfo>;

    /// Copies a file.
    ///
    /// # Behaviour
    /// - A missing `from`: `NotFound`. Mode `Create` on a `to` that is there: `AlreadyExists`.
    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo>;

    /// Removes a file.
    ///
    /// # Behaviour
    /// - A missing file: `NotFound`.
    async fn rm_file(&self, path: &Path) -> Result<()>;

    /// Lists one level: the files in `dir` and the prefixes below it, each sorted by path. Prefixes that no path can name
    /// are told by their names ([`DirListing::unnameable`]), never left out.
    ///
    /// # Behaviour
    /// - Nothing under `dir`: `NotFound`. A file's own path lists nothing: `NotFound`.
    async fn ls(&self, dir: &Path) -> Result<DirListing>;

    /// Lists all files below `prefix`, at any depth, in no stated order.
    ///
    /// # Behaviour
    /// - Nothing under `prefix`: an empty stream. An error ends the stream.
    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>>;

    /// A reader that blocks its thread, where that is the quicker way (local files, memory): then a file's bytes are
    /// read by the thread that decodes them. `None` on a remote filesystem.
    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>>;

    /// Ends this lease, and with the last lease the session.
    ///
    /// Words: a call *begins* at its first poll and *starts* when it gets its concurrency permit (what its caller moves on,
    /// and what blocks him, needs none); `close` begins at its first poll.
    ///
    /// # Behaviour
    /// - (a) *Refuses first.* A call on this lease that begins after its `close` began gets `Closed`; so does one that had
    ///   begun and not started.
    /// - (b) *Drains, then cuts.* Calls waiting for the network finish, up to the drain time; the rest is aborted. A call
    ///   in retry back-off, and a stream that waits for its own consumer, are cut at once. A cut call returns `Closed`;
    ///   a write says that its outcome is unknown; unfinished multipart uploads are aborted. A cut stream yields what it
    ///   had, then one `Closed`, never a silent end.
    /// - (c) *Idempotent and concurrent.* Any number of callers, any order: each returns once this lease's calls have
    ///   ended and, if it was the last lease, the session is gone.
    /// - (d) *Cancel-safe.* Dropping a close that has begun does not undo it; the next `close` joins it.
    /// - (e) *Any executor.* Opened in one runtime (even one that is gone, idle or blocked), closed in another or in none.
    /// - (f) *Nothing left.* When the last lease's close returns, the session's sockets, tasks and descriptors are gone
    ///   and its thread is joined; idle blocking-pool threads end within 100 ms.
    /// - (g) *Says what it did.* [`CloseReport`]; [`CloseError`] carries the report and each failure.
    /// - (h) *Bounded.* Whatever is stuck, it returns within the drain time + 1 s, with `CloseError::Stuck`.
    /// - (i) *Only its own.* Closing a lease that is not the last ends only its own calls and streams.
    async fn close(&self) -> Result<CloseReport, CloseError>;
}

/// Reads files in the calling thread, for callers that have threads of their own for it.
///
/// It belongs to the lease that gave it: after that lease's `close` began every call is `Closed`, and `close` waits for
/// the calls under way.
pub trait BlockingReader: Debug + Send + Sync + 'static {
    /// Replaces the content of `buffer` by the bytes asked for, keeping its capacity for the next call.
    ///
    /// # Errors
    /// As [`FileSystem::cat_file`].
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo>;
}
