//! One call on its way through a session.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::core::{Core, LeaseShared, lock};
use super::inline::Slot;
use super::private_runtime::ConnectError;
use super::state::{CallId, CallPhase, Refused};
use super::width::Permit;
use crate::error::{BoxError, Context, Error, Outcome, Result};
use crate::path::Path;

tokio::task_local! {
    static CURRENT: Arc<Call>;
}

type Cleanup = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send>;

/// How long the tidying up of a cut call may take.
const CLEANUP_LIMIT: Duration = Duration::from_millis(500);

/// Whether a call changes anything: it decides what a cut says of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Reads only.
    Read,
    /// May have changed something when it is cut.
    Write,
}

/// One call on its way through a session. It ends when this is dropped.
pub(crate) struct Call {
    id: CallId,
    kind: CallKind,
    cut: CancellationToken,
    op: &'static str,
    path: Path,
    core: Arc<Core>,
    lease: Arc<LeaseShared>,
    cleanup: Mutex<Option<Cleanup>>,
    /// Its right to have started, for as long as it keeps it.
    permit: Mutex<Option<Permit>>,
    /// Shared with whoever waits for it: a cut before the start says another outcome.
    started: Arc<AtomicBool>,
    /// Whether the server closed the connection of its last answer.
    closed: AtomicBool,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("op", &self.op)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn new(
        id: CallId,
        kind: CallKind,
        cut: CancellationToken,
        op: &'static str,
        path: Path,
        core: Arc<Core>,
        lease: Arc<LeaseShared>,
    ) -> Self {
        Self {
            id,
            kind,
            cut,
            op,
            path,
            core,
            lease,
            cleanup: Mutex::default(),
            permit: Mutex::default(),
            started: Arc::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Says where the call's work lies, so that a close can take it away.
    pub(super) fn lies_in(&self, slot: Weak<Slot>) {
        self.core.lock().set_slot(self.id, slot);
    }

    /// Whether a close has cut the call.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// How many other calls of the session are under way.
    pub(super) fn others(&self) -> usize {
        self.core.width.in_use().saturating_sub(1)
    }

    /// It is done, after `took`; `others` were under way when it started.
    pub(super) fn measured(&self, took: Duration, others: usize) {
        let kept = !self.closed.load(Ordering::Relaxed);
        self.core.width.answered(took, others, kept);
    }

    /// Its server began to answer.
    pub(super) fn accepted(&self) {
        self.core.width.accepted();
    }

    /// Its number.
    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    /// What waits for this call without keeping it from ending.
    pub(crate) fn waiter(&self) -> Waiter {
        Waiter {
            kind: self.kind,
            cut: self.cut.clone(),
            started: Arc::clone(&self.started),
            at: self.core.at(self.op, &self.path),
        }
    }

    fn not_started(&self) -> Error {
        self.waiter().closed(Outcome::NotStarted)
    }

    /// Waits for a permit, then starts.
    pub(crate) async fn start(&self) -> Result<()> {
        let permit = tokio::select! {
            biased;
            () = self.cut.cancelled() => return Err(self.not_started()),
            permit = self.core.width.acquire() => permit,
        };
        self.start_with(permit)
    }

    /// Starts at once, if a permit is free; says whether it has.
    pub(crate) fn start_if_free(&self) -> Result<bool> {
        let permit = self.core.width.try_acquire();
        permit.map_or(Ok(false), |permit| self.start_with(permit).map(|()| true))
    }

    /// Starts with a permit that somebody else waited for.
    pub(crate) fn start_with(&self, permit: Permit) -> Result<()> {
        self.start_now()?;
        *lock(&self.permit) = Some(permit);
        Ok(())
    }

    /// Starts a call that its caller moves on. It takes no permit: a caller that does not poll would keep it from all.
    pub(crate) async fn start_inline(&self) -> Result<()> {
        #[cfg(feature = "testing")]
        if self.core.options.stall.is_some() {
            // Calls that a test holds wait for each other, as those of a server do.
            return self.start().await;
        }
        self.start_now()
    }

    /// Gives the permit back, if it has one; says whether it had.
    pub(crate) fn give_back(&self) -> bool {
        let permit = lock(&self.permit).take();
        let had_one = permit.is_some();
        if self.core.is_forked() {
            // What waits for permits waits in the parent.
            std::mem::forget(permit);
        }
        had_one
    }

    /// Ends the call, whoever may still hold it: its caller, who does not poll.
    pub(crate) fn end(&self) {
        self.give_back();
        self.core.end(self.id);
    }

    /// Starts without a permit: for calls that no server sees.
    pub(crate) fn start_now(&self) -> Result<()> {
        let mut inner = self.core.lock();
        let started = inner.machine.start_call(self.id);
        // Under the lock, so that a cut that comes after the start finds it said.
        self.started.fetch_or(started.is_ok(), Ordering::Relaxed);
        drop(inner);
        started.map_err(|Refused| self.not_started())
    }

    /// Waits for something that is not the network; a close does not wait for it. Within a wait it only waits: what the
    /// outer one waits for may park the call too.
    pub(crate) async fn park<F: Future>(&self, wait: F) -> Result<F::Output, Refused> {
        let parked = self.pause()?;
        let output = tokio::select! {
            biased;
            () = self.cut.cancelled() => return Err(Refused),
            output = wait => output,
        };
        if parked {
            self.resume()?;
        }
        Ok(output)
    }

    /// [`Call::park`] without the permit: for a wait that other calls of the session may have to end.
    pub(crate) async fn park_without_permit<F: Future>(&self, wait: F) -> Result<F::Output, Refused> {
        self.park(async {
            let mut wait = std::pin::pin!(wait);
            // What is there already costs no turn.
            if let Poll::Ready(output) = futures::poll!(wait.as_mut()) {
                return output;
            }
            let had_one = self.give_back();
            let output = wait.await;
            if had_one {
                let permit = self.core.width.acquire().await;
                *lock(&self.permit) = Some(permit);
            }
            output
        })
        .await
    }

    /// Nobody moves the call on from here: a close does not wait for it. Says whether it must be resumed, which is not so if
    /// it is parked already.
    pub(super) fn pause(&self) -> Result<bool, Refused> {
        let mut inner = self.core.lock();
        if inner.machine.call_phase(self.id) == Some(CallPhase::Parked) {
            return Ok(false);
        }
        let parked = inner.machine.park_call(self.id).map(|()| true);
        drop(inner);
        // The close under way tells only those that it cuts itself.
        parked.inspect_err(|Refused| self.cut.cancel())
    }

    /// It goes on.
    pub(super) fn resume(&self) -> Result<(), Refused> {
        self.core.lock().machine.unpark_call(self.id)
    }

    /// Waits, unless the call is cut.
    pub(super) async fn unless_cut<F: Future>(&self, wait: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.cut.cancelled() => None,
            output = wait => Some(output),
        }
    }

    /// Runs `work` as the current call, until it is done or `stopped` or cut; in the latter cases tidies up. `None`
    /// means that it was not done.
    pub(crate) async fn drive<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T>> + Send,
        stopped: impl Future<Output = ()> + Send,
    ) -> Option<Result<T>> {
        let caught = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(work));
        let output = CURRENT
            .scope(Arc::clone(self), async {
                tokio::select! {
                    biased;
                    () = self.cut.cancelled() => None,
                    () = stopped => None,
                    output = caught => Some(output),
                }
            })
            .await;
        match output {
            Some(Ok(output)) => Some(output),
            Some(Err(panic)) => Some(Err(self.waiter().backend(panic_error(&*panic)))),
            None => {
                self.clean_up().await;
                None
            }
        }
    }

    async fn clean_up(&self) {
        let Some(cleanup) = lock(&self.cleanup).take() else {
            return;
        };
        let failure: Option<BoxError> = match tokio::time::timeout(CLEANUP_LIMIT, cleanup()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some("no answer in time".into()),
        };
        if let Some(source) = failure {
            self.lease.add_failure(Arc::new(self.waiter().backend(source)));
        }
    }
}

/// The caller's side of a call: it learns of a cut, and knows what to say then.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    kind: CallKind,
    cut: CancellationToken,
    started: Arc<AtomicBool>,
    at: Context,
}

impl Waiter {
    /// Resolves when a close cuts the call.
    pub(crate) async fn cancelled(&self) {
        self.cut.cancelled().await;
    }

    pub(crate) fn closed(&self, outcome: Outcome) -> Error {
        Error::Closed {
            at: self.at.clone(),
            outcome,
        }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    /// The error of a call that is looked at in a forked child.
    pub(crate) fn forked(&self) -> Error {
        Error::Forked { at: self.at.clone() }
    }

    /// The error of a call that was cut.
    pub(crate) fn was_cut(&self) -> Error {
        self.closed(match self.kind {
            _ if !self.started.load(Ordering::Relaxed) => Outcome::NotStarted,
            CallKind::Read => Outcome::Cut,
            CallKind::Write => Outcome::Unknown,
        })
    }

    pub(crate) fn backend(&self, source: impl Into<BoxError>) -> Error {
        Error::Backend {
            at: self.at.clone(),
            source: source.into(),
        }
    }

    /// The error of a call for which no client could be made.
    pub(crate) fn no_client(&self, error: ConnectError) -> Error {
        match error {
            ConnectError::Client(error) => error,
            ConnectError::Runtime(error) => self.backend(Box::new(error) as BoxError),
        }
    }
}

/// Ends a call when it is dropped, whoever else may hold it.
pub(super) struct Ends(pub(super) Arc<Call>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end();
    }
}

/// The call that the current task works for: what a transport needs to know of the lifecycle.
#[derive(Clone, Debug)]
pub struct CallContext(Arc<Call>);

impl CallContext {
    /// The call that the current task works for; `None` outside one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Arc::clone).ok().map(Self)
    }

    /// Waits for something else than the network (retry back-off, the consumer of a stream). A close that begins meanwhile
    /// cuts the call at once. The call keeps its permit: one that the server refused is not to be followed by the next.
    ///
    /// Waits may be nested. Of waits side by side the first says when the call is parked, so a call whose parts run at once
    /// parks as a whole, from outside.
    ///
    /// # Errors
    /// [`Error::Closed`] if the call was cut; it must end.
    pub async fn park<F: Future>(&self, wait: F) -> Result<F::Output> {
        self.0
            .park(wait)
            .await
            .map_err(|Refused| self.0.waiter().was_cut())
    }

    /// [`CallContext::park`] for the current call; outside one it only waits.
    ///
    /// # Errors
    /// [`Error::Closed`] if the call was cut; it must end.
    pub async fn parked<F: Future>(wait: F) -> Result<F::Output> {
        match Self::current() {
            Some(call) => call.park(wait).await,
            None => Ok(wait.await),
        }
    }

    /// Waits, for the current call, for its caller's part: the next piece of what is uploaded. To give it the caller may need
    /// other calls of the session, so this one gives its permit back meanwhile; else as [`CallContext::parked`].
    ///
    /// # Errors
    /// [`Error::Closed`] if the call was cut; it must end.
    pub async fn parked_for_caller<F: Future>(wait: F) -> Result<F::Output> {
        let Some(call) = Self::current() else {
            return Ok(wait.await);
        };
        let waited = call.0.park_without_permit(wait).await;
        waited.map_err(|Refused| call.0.waiter().was_cut())
    }

    /// A server answered, and keeps the connection or not.
    pub fn answered(&self, kept: bool) {
        self.0.closed.store(!kept, Ordering::Relaxed);
    }

    /// The server refused the call because it has too many; the session asks less at once for a while.
    pub fn refused(&self) {
        self.0.core.width.refused();
    }

    /// Sets what is done outside (abort an upload) if the call is cut or its caller goes away; it gets half a second, and
    /// its failure is in the close error. For sessions with I/O threads: others tidy up in destructors.
    pub fn on_cut(
        &self,
        cleanup: impl FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static,
    ) {
        *lock(&self.0.cleanup) = Some(Box::new(cleanup));
    }

    /// Takes back what [`CallContext::on_cut`] set.
    pub fn disarm(&self) {
        *lock(&self.0.cleanup) = None;
    }
}

/// What a caught panic says, as the source of an error.
pub(crate) fn panic_error(panic: &(dyn std::any::Any + Send)) -> BoxError {
    format!("a panic: {}", panic_text(panic)).into()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    }
}
