//! What a backend provides for the suite, and what a case gets from it.

use std::fmt::Debug;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};

use super::check::wait_for;
use crate::capabilities::{Capabilities, Listing};
use crate::filesystem::FileSystem;
use crate::path::Path;
use crate::session::{SessionOptions, UnclosedLog, UnclosedPolicy};

/// A backend under test. Each case starts one for itself, works below a random prefix of its own, and drops it at the end.
///
/// `start` may block and start threads; a case may run outside any tokio runtime, so a server brings its own.
pub trait Harness: Send + Sync + Sized + 'static {
    /// Starts what the filesystem needs: a server, a folder, nothing.
    fn start() -> Self;

    /// What the filesystem promises. The suite compares it with what the filesystem says, and tests what it says.
    fn capabilities(&self) -> Capabilities;

    /// Opens a new session and gives its only lease, passing `#[track_caller]` on.
    ///
    /// A session without I/O threads takes the [`Stall`](super::Stall) of the harness:
    /// `options.with_stall(self.stall.clone())`.
    #[track_caller]
    fn open(&self, options: SessionOptions) -> Box<dyn FileSystem>;

    /// Puts a file there behind the filesystem's back, for filesystems that cannot write too.
    fn seed(&self, path: &Path, bytes: Bytes);

    /// Makes every request hang that arrives from now on, before it is answered and before it has an effect, until the guard
    /// is dropped; then they are answered as if nothing had been.
    fn hang(&self) -> Box<dyn Hang>;

    /// Answers every request that arrives from now on with a fault that is worth another try (503), until the guard is
    /// dropped; [`Hang::held`] is how many were. `None` if there is no server.
    fn fail(&self) -> Option<Box<dyn Hang>> {
        None
    }

    /// Connections that are open, as the servers count them. `None` if there is no server.
    fn open_connections(&self) -> Option<usize> {
        None
    }

    /// The ports on which the servers of this process listen, so that their own sockets are not taken for a leak.
    fn ports(&self) -> Vec<u16> {
        Vec::new()
    }

    /// Uploads that were begun and neither completed nor aborted. `None` if the backend has no uploads in parts.
    fn unfinished_uploads(&self) -> Option<usize> {
        None
    }

    /// How many bytes make an upload in parts send its first part.
    fn part_bytes(&self) -> usize {
        1 << 20
    }
}

/// Requests hang, or fail, as long as it lives.
pub trait Hang: Debug + Send + Sync {
    /// How many requests are being held now, or have failed.
    fn held(&self) -> usize;
}

/// One run of one case.
pub struct Case<H> {
    /// The backend.
    pub harness: H,
    prefix: Path,
    log: UnclosedLog,
}

impl<H> Debug for Case<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A drain time that no case waits for: what a close cuts at once is cut long before.
pub(super) const LONG_DRAIN: Duration = Duration::from_secs(60);

/// A drain time that a case waits for.
pub(super) const SHORT_DRAIN: Duration = Duration::from_millis(300);

/// Far less than [`LONG_DRAIN`], far more than a busy machine needs.
pub(super) const AT_ONCE: Duration = Duration::from_secs(15);

impl<H: Harness> Case<H> {
    pub(super) fn start() -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self {
            harness: H::start(),
            prefix: Path::parse(format!("conformance/{random:016x}")).expect("a valid path"),
            log: UnclosedLog::new(),
        }
    }

    /// Ends the case: it must have closed what it opened.
    pub(super) fn end(self) {
        self.log.assert_none();
    }

    /// The path of a name below the prefix of this case.
    #[must_use]
    #[track_caller]
    pub fn path(&self, name: &str) -> Path {
        self.prefix.join(name).expect("a valid path")
    }

    /// Puts a file there behind the filesystem's back.
    #[track_caller]
    pub fn seed(&self, name: &str, bytes: impl Into<Bytes>) -> Path {
        let path = self.path(name);
        self.harness.seed(&path, bytes.into());
        path
    }

    /// Opens a filesystem that fails the case if it is not closed.
    #[track_caller]
    pub fn open(&self) -> Box<dyn FileSystem> {
        self.open_with(SessionOptions::default())
    }

    /// Opens a filesystem whose close waits so long.
    #[track_caller]
    pub fn open_draining(&self, drain: Duration) -> Box<dyn FileSystem> {
        self.open_with(SessionOptions::default().with_drain(drain))
    }

    /// Opens a filesystem that fails the case if it is not closed.
    #[track_caller]
    pub fn open_with(&self, options: SessionOptions) -> Box<dyn FileSystem> {
        self.harness
            .open(options.with_unclosed(UnclosedPolicy::Strict(self.log.clone())))
    }

    /// The leases that were dropped without close.
    #[must_use]
    pub fn unclosed(&self) -> &UnclosedLog {
        &self.log
    }

    /// What the filesystem promises.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.harness.capabilities()
    }

    /// Whether files can be written.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.capabilities().write
    }

    /// Whether there are listings.
    #[must_use]
    pub fn lists(&self) -> bool {
        self.capabilities().listing != Listing::None
    }

    /// Polls `call` until `count` requests are held.
    pub(super) async fn until_held<F: Future + Unpin>(&self, hang: &dyn Hang, count: usize, call: &mut F) {
        let held = std::pin::pin!(wait_for("requests are held", || hang.held() >= count));
        if let Either::Left(_) = select(&mut *call, held).await {
            panic!("a call ended that was to hang");
        }
    }

    /// Whether calls leave the machine.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.capabilities().remote
    }
}
