//! The state machine with its locks, clocks and waiters around it: what every lease of a session shares.

use std::collections::HashMap;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::call::{Call, CallKind};
use super::closer;
use super::inline::Slot;
use super::report::{CloseError, CloseReport};
use super::resource_warning::Unclosed;
use super::state::{CallId, CallPhase, Effect, LeaseId, LeasePhase, Refused, SessionPhase, SessionState};
use super::width::Width;
use super::{LiveLease, SessionOptions};
use crate::error::{Context, Error, Outcome, Result};
use crate::info::IoStats;
use crate::path::Path;

/// Counters of a session; the transport adds to them.
#[derive(Debug, Default)]
pub struct IoCounters {
    requests: AtomicU64,
    bytes_received: AtomicU64,
    bytes_sent: AtomicU64,
    connections_opened: AtomicU64,
}

impl IoCounters {
    /// One request is sent, with a body of so many bytes.
    pub fn add_request(&self, body_bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes_sent.fetch_add(body_bytes, Ordering::Relaxed);
    }

    /// So many bytes of a body were received.
    pub fn add_received(&self, bytes: u64) {
        self.bytes_received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A connection is dialled.
    pub fn add_connection(&self) {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    #[must_use]
    pub fn snapshot(&self) -> IoStats {
        IoStats {
            requests: self.requests.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            connections_opened: self.connections_opened.load(Ordering::Relaxed),
        }
    }
}

/// What a lease's own handle and its close share.
#[derive(Debug)]
pub(crate) struct LeaseShared {
    pub(crate) id: LeaseId,
    pub(crate) opened_at: &'static Location<'static>,
    outcome: watch::Sender<Option<Result<CloseReport, CloseError>>>,
    closer: Mutex<Option<JoinHandle<()>>>,
    failures: Mutex<Vec<Arc<dyn std::error::Error + Send + Sync>>>,
}

impl LeaseShared {
    /// Keeps a failure for the close error: something outside that a cut call could not tidy up.
    pub(crate) fn add_failure(&self, failure: Arc<dyn std::error::Error + Send + Sync>) {
        lock(&self.failures).push(failure);
    }

    pub(crate) fn finish(&self, report: CloseReport, stuck: Vec<String>) {
        let failures = std::mem::take(&mut *lock(&self.failures));
        let outcome = if !stuck.is_empty() {
            Err(CloseError::Stuck { report, stuck })
        } else if failures.is_empty() {
            Ok(report)
        } else {
            Err(CloseError::Failed { report, failures })
        };
        self.outcome.send_replace(Some(outcome));
    }
}

/// A running thread that a session owns, as its close sees it.
#[derive(Debug)]
pub(crate) struct OwnedThread {
    pub(crate) name: String,
    pub(crate) stop: CancellationToken,
    pub(crate) handle: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct CallEntry {
    cut: CancellationToken,
    op: &'static str,
    path: Path,
    /// Where its work lies, if no I/O thread has it.
    slot: Option<Weak<Slot>>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) machine: SessionState,
    calls: HashMap<CallId, CallEntry>,
    leases: HashMap<LeaseId, Arc<LeaseShared>>,
    pub(crate) threads: Vec<OwnedThread>,
    threads_running: usize,
}

impl Inner {
    /// The calls of a lease that have not ended, for a message.
    pub(crate) fn call_names(&self, lease: LeaseId) -> Vec<String> {
        self.machine
            .calls(lease)
            .map(|(id, _)| match self.calls.get(&id) {
                Some(call) => format!("{} {}", call.op, call.path),
                None => "a call".to_owned(),
            })
            .collect()
    }

    /// Leases that were dropped and whose calls have not ended; those that close have a closer, which gives them up itself.
    pub(crate) fn dropped_leases(&self) -> Vec<LeaseId> {
        let mut cutting = self.machine.cutting_leases();
        cutting.retain(|lease| !self.leases.contains_key(lease));
        cutting
    }

    pub(crate) fn set_slot(&mut self, call: CallId, slot: Weak<Slot>) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.slot = Some(slot);
        }
    }

    /// The work of the lease's cut calls that lies in their callers' hands. It must be abandoned without this lock: its
    /// destructors end the calls.
    pub(crate) fn take_cut_slots(&mut self, lease: LeaseId) -> Vec<Arc<Slot>> {
        let Self { machine, calls, .. } = self;
        machine
            .calls(lease)
            .filter(|(_, phase)| *phase == CallPhase::Cut)
            .filter_map(|(id, _)| calls.get_mut(&id)?.slot.take()?.upgrade())
            .collect()
    }

    /// Whether nothing of the session is left.
    pub(crate) fn is_gone(&self) -> bool {
        self.machine.phase() == SessionPhase::Gone
    }
}

/// Whom a change of the state concerns. They are told when this is dropped or before, never under the state's lock: who is
/// woken may end calls and close leases right there (an executor that is gone drops what it wakes).
#[derive(Debug, Default)]
pub(crate) struct Told {
    tokens: Vec<CancellationToken>,
}

impl Told {
    /// Tells them now.
    pub(crate) fn tell(&mut self) {
        for token in self.tokens.drain(..) {
            token.cancel();
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.tell();
    }
}

/// A session without its client: gate, in-flight calls, leases, threads.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) name: String,
    pub(crate) options: SessionOptions,
    pub(crate) counters: Arc<IoCounters>,
    pub(crate) width: Arc<Width>,
    pid: u32,
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Core {
    pub(crate) fn new(name: String, options: SessionOptions) -> Arc<Self> {
        Arc::new(Self {
            width: Width::new(options.concurrency),
            counters: Arc::default(),
            pid: std::process::id(),
            inner: Mutex::default(),
            changed: Condvar::new(),
            name,
            options,
        })
    }

    /// Waits while a test holds the calls of this session.
    pub(crate) async fn pass_stall(&self) {
        #[cfg(feature = "testing")]
        if let Some(stall) = &self.options.stall {
            stall.pass().await;
        }
    }

    pub(crate) fn at(&self, op: &'static str, path: &Path) -> Context {
        Context::new(self.name.clone(), op, path)
    }

    /// Whether this is a child of the process that made the session.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.pid
    }

    /// Awaits `call`, or gives `forked` once this is a forked child: what would answer it lives in the parent only.
    pub(crate) async fn unless_forked<F: Future + Send>(
        &self,
        call: F,
        forked: impl Fn() -> F::Output + Send + Sync,
    ) -> F::Output {
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|cx| {
            if self.is_forked() {
                return Poll::Ready(forked());
            }
            call.as_mut().poll(cx)
        })
        .await
    }

    pub(crate) fn forked(&self, op: &'static str, path: &Path) -> Error {
        Error::Forked {
            at: self.at(op, path),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Waits until `ready` or until `deadline`.
    pub(crate) fn wait_until<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        deadline: Instant,
        ready: impl Fn(&Inner) -> bool,
    ) -> MutexGuard<'a, Inner> {
        while !ready(&inner) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = self
                .changed
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        inner
    }

    pub(crate) fn open_lease(
        self: &Arc<Self>,
        opened_at: &'static Location<'static>,
    ) -> Result<Arc<LeaseShared>, Refused> {
        if self.is_forked() {
            return Err(Refused);
        }
        let mut inner = self.lock();
        let id = inner.machine.open_lease()?;
        let shared = Arc::new(LeaseShared {
            id,
            opened_at,
            outcome: watch::Sender::new(None),
            closer: Mutex::default(),
            failures: Mutex::default(),
        });
        inner.leases.insert(id, Arc::clone(&shared));
        Ok(shared)
    }

    pub(crate) fn live_leases(&self) -> Vec<LiveLease> {
        if self.is_forked() {
            return Vec::new();
        }
        let inner = self.lock();
        let mut leases: Vec<LiveLease> = inner
            .machine
            .live_leases()
            .filter_map(|id| inner.leases.get(&id))
            .map(|lease| LiveLease {
                filesystem: self.name.clone(),
                opened_at: lease.opened_at,
                calls: inner.call_names(lease.id),
            })
            .collect();
        leases.sort_by_key(|lease| (lease.opened_at.file(), lease.opened_at.line()));
        leases
    }

    /// A call begins.
    pub(crate) fn begin(
        self: &Arc<Self>,
        lease: &Arc<LeaseShared>,
        op: &'static str,
        path: &Path,
        kind: CallKind,
    ) -> Result<Arc<Call>> {
        if self.is_forked() {
            return Err(self.forked(op, path));
        }
        let cut = CancellationToken::new();
        let mut inner = self.lock();
        let id = inner
            .machine
            .begin_call(lease.id)
            .map_err(|Refused| Error::Closed {
                at: self.at(op, path),
                outcome: Outcome::NotStarted,
            })?;
        inner.calls.insert(
            id,
            CallEntry {
                cut: cut.clone(),
                op,
                path: path.clone(),
                slot: None,
            },
        );
        drop(inner);
        Ok(Arc::new(Call::new(
            id,
            kind,
            cut,
            op,
            path.clone(),
            Arc::clone(self),
            Arc::clone(lease),
        )))
    }

    pub(crate) fn end(&self, call: CallId) {
        // As in `drop_lease`.
        if self.is_forked() {
            return;
        }
        let mut told = Told::default();
        let mut inner = self.lock();
        inner.calls.remove(&call);
        let effects = inner.machine.end_call(call);
        self.apply(&mut inner, effects, &mut told);
    }

    /// Carries out what the machine decided. Never blocks: it runs in destructors and on the I/O thread.
    pub(crate) fn apply(&self, inner: &mut Inner, effects: Vec<Effect>, told: &mut Told) {
        if effects.is_empty() {
            return;
        }
        for effect in effects {
            match effect {
                Effect::Cut(call) => {
                    if let Some(call) = inner.calls.get(&call) {
                        told.tokens.push(call.cut.clone());
                    }
                }
                Effect::LeaseEnded(_) => {}
                Effect::TearDown => {
                    told.tokens
                        .extend(inner.threads.iter().map(|thread| thread.stop.clone()));
                    Self::settle_threads(inner);
                }
            }
        }
        self.changed.notify_all();
    }

    /// A thread of the session starts.
    pub(crate) fn add_thread(&self, inner: &mut Inner, thread: OwnedThread) {
        inner.threads.push(thread);
        inner.threads_running += 1;
    }

    /// The last thing that a thread of the session does.
    pub(crate) fn thread_exits(&self) {
        let mut inner = self.lock();
        inner.threads_running -= 1;
        Self::settle_threads(&mut inner);
        self.changed.notify_all();
    }

    fn settle_threads(inner: &mut Inner) {
        if inner.threads_running == 0 && inner.machine.phase() == SessionPhase::TearingDown {
            inner.machine.torn_down();
        }
    }

    /// Begins the close of a lease; nothing if it has begun. From here on it goes on by itself.
    pub(crate) fn begin_close(self: &Arc<Self>, lease: &Arc<LeaseShared>) {
        let began = Instant::now();
        let mut told = Told::default();
        let mut inner = self.lock();
        if inner.machine.lease_phase(lease.id) != LeasePhase::Open {
            return;
        }
        let effects = inner.machine.begin_close(lease.id);
        self.apply(&mut inner, effects, &mut told);
        let was_last = inner.machine.phase() != SessionPhase::Open;
        let ended = inner.machine.lease_phase(lease.id) == LeasePhase::Ended;
        if ended && (!was_last || (inner.is_gone() && inner.threads.is_empty())) {
            let report = self.report(&mut inner, lease, began);
            drop(inner);
            told.tell();
            lease.finish(report, Vec::new());
            return;
        }
        drop(inner);
        // Before the closer takes the work of inline calls away, and with it what would wake their callers.
        told.tell();
        closer::spawn(self, lease, began, was_last);
    }

    /// Ends a lease for good and says what its close did.
    pub(crate) fn report(&self, inner: &mut Inner, lease: &LeaseShared, began: Instant) -> CloseReport {
        let tally = inner.machine.tally(lease.id);
        inner.machine.forget_lease(lease.id);
        inner.leases.remove(&lease.id);
        CloseReport {
            calls_drained: tally.drained,
            calls_cut: tally.cut,
            connections_opened: self.counters.snapshot().connections_opened,
            session_ended: inner.is_gone(),
            elapsed: began.elapsed(),
        }
    }

    /// Closes a lease and waits for it (clauses c and d: any number of callers, each may be dropped).
    pub(crate) async fn close(self: &Arc<Self>, lease: &Arc<LeaseShared>) -> Result<CloseReport, CloseError> {
        if self.is_forked() {
            return Err(CloseError::Forked);
        }
        self.begin_close(lease);
        let closed = async {
            match lease.outcome.subscribe().wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => None,
            }
        };
        let outcome = self.unless_forked(closed, || Some(Err(CloseError::Forked))).await;
        if self.is_forked() {
            return Err(CloseError::Forked);
        }
        // The closer has said its last word: joining it takes microseconds, and then its thread is gone too.
        if let Some(closer) = lock(&lease.closer).take() {
            let _ = closer.join();
        }
        outcome.unwrap_or(Ok(CloseReport::default()))
    }

    pub(crate) fn set_closer(lease: &LeaseShared, handle: JoinHandle<()>) {
        *lock(&lease.closer) = Some(handle);
    }

    /// Closes every lease that is open and waits until the session is gone.
    pub(crate) async fn close_all(self: &Arc<Self>) -> Vec<Result<CloseReport, CloseError>> {
        if self.is_forked() {
            return vec![Err(CloseError::Forked)];
        }
        let leases: Vec<_> = self.lock().leases.values().map(Arc::clone).collect();
        for lease in &leases {
            self.begin_close(lease);
        }
        let mut outcomes = Vec::with_capacity(leases.len());
        for lease in &leases {
            outcomes.push(self.close(lease).await);
        }
        let phase = self.lock().machine.phase();
        if outcomes.iter().all(Result::is_ok) && !matches!(phase, SessionPhase::Open | SessionPhase::Gone) {
            // Its last lease was dropped, not closed: nobody else waits for what it left.
            let stuck = closer::end_dropped(self).await;
            if !stuck.is_empty() {
                let report = CloseReport::default();
                outcomes.push(Err(CloseError::Stuck { report, stuck }));
            }
        }
        outcomes
    }

    /// A lease was dropped. If it was not closed, that is a mistake worth a warning; what it held is released in the
    /// background. Never blocks for long, never panics.
    pub(crate) fn drop_lease(&self, lease: &Arc<LeaseShared>) {
        // In a forked child the lock may be held by a thread that does not exist.
        if self.is_forked() {
            return;
        }
        let mut told = Told::default();
        let mut inner = self.lock();
        if inner.machine.lease_phase(lease.id) != LeasePhase::Open || !inner.leases.contains_key(&lease.id) {
            return;
        }
        let effects = inner.machine.drop_lease(lease.id);
        self.apply(&mut inner, effects, &mut told);
        let slots = inner.take_cut_slots(lease.id);
        inner.leases.remove(&lease.id);
        inner.machine.forget_lease(lease.id);
        drop(inner);
        told.tell();
        slots.iter().for_each(|slot| slot.abandon());
        let connections = self.counters.snapshot().connections_opened;
        self.options
            .unclosed
            .raise(Unclosed::new(self.name.clone(), connections, lease.opened_at));
    }
}

/// Locks and ignores poison: every change under these locks is complete before anything can panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long cut calls get to end, and the teardown after them, before close gives up (clause h: 1 s in all).
pub(crate) const CUT_GRACE: Duration = Duration::from_millis(600);
/// See [`CUT_GRACE`].
pub(crate) const TEARDOWN_GRACE: Duration = Duration::from_millis(300);
