//! Sessions and leases: the lifecycle of every filesystem.
//!
//! A *session* owns everything the operating system must give back: private runtimes on threads of their own, and the
//! clients in them. A *lease* is what a user holds. The last lease to close closes the session.
//!
//! ```text
//! Lease ──► Core (gate, calls in flight) ──► state machine   (pure: state.rs)
//!   │         ▲ closer thread: drain, cut, tear down, join
//!   └─ job ─► private runtime (I/O thread) ──► client ──► sockets
//! ```
//!
//! A backend makes a [`Session`] with a way to make its client, gives out [`Lease`]s wrapped in its own filesystem type,
//! and starts every method with [`Lease::run`] or [`Lease::open_stream`].

mod call;
mod closer;
mod core;
mod inline;
mod lease;
mod pace;
mod private_runtime;
mod report;
mod resource_warning;
mod scope;
pub mod state;
mod stream;
mod threads;
mod waiting;
mod width;

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

#[cfg(feature = "object-store")]
pub(crate) use self::call::panic_error;
pub use self::call::{CallContext, CallKind};
pub use self::core::IoCounters;
pub use self::inline::blocking;
pub use self::lease::{Gone, Lease, LeaseHandle};
pub use self::private_runtime::MAX_IO_THREADS;
pub use self::report::{CloseError, CloseReport};
pub use self::resource_warning::{Unclosed, UnclosedLog, UnclosedPolicy};
pub use self::scope::scoped;
pub use self::stream::{HeadSender, Sink};

use self::core::Core;
use self::private_runtime::Connect;
use self::threads::Threads;
use crate::error::Result;
use crate::filesystem::FileSystem;
use crate::info::IoStats;

/// How a session behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How long a close lets calls finish that wait for the network.
    pub drain: Duration,
    /// Calls that may have started at once; the rest waits. Streams count until they have begun, uploads not while they wait
    /// for their producer. Without I/O threads it counts the calls that block a thread for one answer. Default 224, on
    /// Apple's systems 192: each may hold a connection, and a process there has 256 descriptors
    /// (docs/decisions/0018-five-waves-for-a-page-of-names.md).
    pub concurrency: usize,
    /// I/O threads; each has a runtime and a client of its own, and is torn down alike.
    pub io_threads: usize,
    /// What to do about a lease that is dropped without close.
    pub unclosed: UnclosedPolicy,
    /// Holds the calls of a session without I/O threads, for tests.
    #[cfg(feature = "testing")]
    pub stall: Option<crate::testing::Stall>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(5),
            concurrency: if cfg!(target_vendor = "apple") { 192 } else { 224 },
            io_threads: 1,
            unclosed: UnclosedPolicy::default(),
            #[cfg(feature = "testing")]
            stall: None,
        }
    }
}

impl SessionOptions {
    /// Sets the drain time of a close.
    #[must_use]
    pub fn with_drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Sets how many calls may have started at once (at least 1).
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Sets the number of I/O threads (at least 1).
    #[must_use]
    pub fn with_io_threads(mut self, io_threads: usize) -> Self {
        self.io_threads = io_threads.max(1);
        self
    }

    /// Sets what to do about a lease that is dropped without close.
    #[must_use]
    pub fn with_unclosed(mut self, unclosed: UnclosedPolicy) -> Self {
        self.unclosed = unclosed;
        self
    }

    /// Sets what holds the calls of a session without I/O threads.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_stall(mut self, stall: crate::testing::Stall) -> Self {
        self.stall = Some(stall);
        self
    }
}

/// A lease that has not ended, for a debug page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveLease {
    /// The filesystem's name.
    pub filesystem: String,
    /// Where the lease was made.
    pub opened_at: &'static Location<'static>,
    /// Its calls under way: operation and path.
    pub calls: Vec<String>,
}

/// What a backend puts into a session: the part that does I/O.
pub trait Client: Send + Sync + Sized + 'static {
    /// The backend's filesystem around a lease.
    fn filesystem(lease: Lease<Self>) -> Box<dyn FileSystem>;
}

/// A shared session, whatever its backend: what a [`Registry`](crate::Registry) keeps.
pub trait SharedSession: std::fmt::Debug + Send + Sync {
    /// Makes a lease. `opened_at` is named if it is never closed.
    ///
    /// # Errors
    /// [`Gone`] once the session's last lease has begun its close.
    fn lease_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>, Gone>;

    /// The leases that have not ended.
    fn live_leases(&self) -> Vec<LiveLease>;

    /// What the session has moved so far.
    fn io_stats(&self) -> IoStats;

    /// Whether leases can still be made.
    fn is_open(&self) -> bool;

    /// Whether nothing of the session is left.
    fn is_gone(&self) -> bool;

    /// Closes every lease; done when nothing is left.
    fn close_all(&self) -> BoxFuture<'static, Vec<Result<CloseReport, CloseError>>>;
}

/// What owns the threads and clients of a filesystem. It does no I/O before the first call of a lease.
pub struct Session<C> {
    core: Arc<Core>,
    threads: Arc<Threads<C>>,
}

impl<C> std::fmt::Debug for Session<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.core.name)
            .finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> Session<C> {
    /// Makes a session whose client `connect` makes on the I/O thread, at the first call. `connect` runs again at the
    /// next call if it fails. `name` is shown in messages and holds no credential.
    pub fn new(
        name: impl Into<String>,
        options: SessionOptions,
        connect: impl Fn(&Arc<IoCounters>) -> Result<C> + Send + Sync + 'static,
    ) -> Self {
        let core = Core::new(name.into(), options);
        let counters = Arc::clone(&core.counters);
        let connect: Connect<C> = Arc::new(move || connect(&counters));
        Self {
            threads: Arc::new(Threads::private(connect)),
            core,
        }
    }

    /// Makes a session without I/O threads: its calls run where they are awaited, with `client`.
    pub fn local(name: impl Into<String>, options: SessionOptions, client: Arc<C>) -> Self {
        Self {
            core: Core::new(name.into(), options),
            threads: Arc::new(Threads::Local(client)),
        }
    }

    /// Makes a lease.
    ///
    /// # Errors
    /// [`Gone`] once the session's last lease has begun its close.
    pub fn lease(&self, opened_at: &'static Location<'static>) -> Result<Lease<C>, Gone> {
        Lease::open(&self.core, &self.threads, opened_at)
    }

    /// The leases that have not ended.
    #[must_use]
    pub fn live_leases(&self) -> Vec<LiveLease> {
        self.core.live_leases()
    }

    /// What the session has moved so far.
    #[must_use]
    pub fn io_stats(&self) -> IoStats {
        self.core.counters.snapshot()
    }

    /// Whether leases can still be made.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.core.is_forked() && self.core.lock().machine.phase() == state::SessionPhase::Open
    }

    /// Whether nothing of the session is left: its leases have ended, and its threads.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.core.is_forked() || self.core.lock().is_gone()
    }

    /// Closes every lease; done when nothing is left.
    pub fn close_all(&self) -> BoxFuture<'static, Vec<Result<CloseReport, CloseError>>> {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            core.unless_forked(core.close_all(), || vec![Err(CloseError::Forked)])
                .await
        })
    }
}

/// A backend whose filesystem is made of a lease alone. (One that needs more implements [`SharedSession`] itself, around a
/// session.)
impl<C: Client> SharedSession for Session<C> {
    fn lease_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>, Gone> {
        Ok(C::filesystem(self.lease(opened_at)?))
    }

    fn live_leases(&self) -> Vec<LiveLease> {
        self.live_leases()
    }

    fn io_stats(&self) -> IoStats {
        self.io_stats()
    }

    fn is_open(&self) -> bool {
        self.is_open()
    }

    fn is_gone(&self) -> bool {
        self.is_gone()
    }

    fn close_all(&self) -> BoxFuture<'static, Vec<Result<CloseReport, CloseError>>> {
        self.close_all()
    }
}
