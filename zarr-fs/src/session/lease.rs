//! What a user holds of a session, and the ways a backend's calls go through it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use futures::stream::BoxStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::call::{CallKind, Ends, panic_error};
use super::core::{Core, LeaseShared};
use super::inline::Inline;
use super::report::{CloseError, CloseReport};
use super::state::{LeasePhase, Refused};
use super::stream::{self, HeadSender, Sink};
use super::threads::Threads;
use crate::error::{Context, Error, Outcome, Result};
use crate::info::IoStats;
use crate::path::Path;

/// The session is closing or closed: make a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is closed")]
pub struct Gone;

/// What a user holds of a session. Not `Clone`: [`Lease::share`] makes another lease with a life of its own.
///
/// Dropped without [`Lease::close`] it raises a resource warning; what it held is released in the background.
#[derive(Debug)]
pub struct Lease<C>(LeaseHandle<C>);

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        if self.0.core.is_forked() {
            // The threads live in the parent, and one of them may have held a lock of theirs: they are left alone.
            std::mem::forget(Arc::clone(&self.0.threads));
        }
        self.0.core.drop_lease(&self.0.shared);
    }
}

impl<C: Send + Sync + 'static> Lease<C> {
    pub(super) fn open(
        core: &Arc<Core>,
        threads: &Arc<Threads<C>>,
        opened_at: &'static Location<'static>,
    ) -> Result<Self, Gone> {
        let shared = core.open_lease(opened_at).map_err(|Refused| Gone)?;
        Ok(Self(LeaseHandle {
            core: Arc::clone(core),
            threads: Arc::clone(threads),
            shared,
        }))
    }

    /// Another lease on the same session.
    ///
    /// # Errors
    /// [`Error::Closed`] if this lease was closed, [`Error::Forked`] in a forked child.
    pub fn share(&self, opened_at: &'static Location<'static>) -> Result<Self> {
        let LeaseHandle {
            core,
            threads,
            shared,
        } = &self.0;
        let at = || core.at("share", &Path::root());
        if core.is_forked() {
            return Err(core.forked("share", &Path::root()));
        }
        let closed = || Error::Closed {
            at: at(),
            outcome: Outcome::NotStarted,
        };
        if core.lock().machine.lease_phase(shared.id) != LeasePhase::Open {
            return Err(closed());
        }
        Self::open(core, threads, opened_at).map_err(|Gone| closed())
    }

    /// The part of this lease that readers and streams keep: it runs calls and does not keep the lease alive.
    #[must_use]
    pub fn handle(&self) -> LeaseHandle<C> {
        self.0.clone()
    }

    /// The filesystem's name, as its session was given it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.core.name
    }

    /// What the session has moved so far.
    #[must_use]
    pub fn io_stats(&self) -> IoStats {
        self.0.core.counters.snapshot()
    }

    /// The place of an error.
    #[must_use]
    pub fn at(&self, op: &'static str, path: &Path) -> Context {
        self.0.at(op, path)
    }

    /// [`LeaseHandle::run`].
    ///
    /// # Errors
    /// As [`LeaseHandle::run`].
    pub async fn run<T, F, W>(&self, op: &'static str, path: &Path, kind: CallKind, work: W) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Arc<C>) -> F + Send + 'static,
    {
        self.0.run(op, path, kind, work).await
    }

    /// [`LeaseHandle::open_stream`].
    ///
    /// # Errors
    /// As [`LeaseHandle::open_stream`].
    pub async fn open_stream<H, T, F, W>(
        &self,
        op: &'static str,
        path: &Path,
        work: W,
    ) -> Result<(H, BoxStream<'static, Result<T>>)>
    where
        H: Send + 'static,
        T: Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
        W: FnOnce(Arc<C>, HeadSender<H>, Sink<T>) -> F + Send + 'static,
    {
        self.0.open_stream(op, path, work).await
    }

    /// [`LeaseHandle::open_stream`] without a head: it begins when the stream is first polled.
    pub fn stream<T, F, W>(&self, op: &'static str, path: &Path, work: W) -> BoxStream<'static, Result<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
        W: FnOnce(Arc<C>, Sink<T>) -> F + Send + 'static,
    {
        stream::lazy(self.handle(), op, path.clone(), work)
    }

    /// Ends this lease; see [`FileSystem::close`](crate::FileSystem::close).
    ///
    /// # Errors
    /// [`CloseError`] with the report and each failure; what could be released is released.
    pub async fn close(&self) -> Result<CloseReport, CloseError> {
        self.0.core.close(&self.0.shared).await
    }
}

/// Runs the calls of a lease without keeping it alive: once the lease is closed or dropped, its calls are `Closed`.
pub struct LeaseHandle<C> {
    pub(super) core: Arc<Core>,
    pub(super) threads: Arc<Threads<C>>,
    pub(super) shared: Arc<LeaseShared>,
}

impl<C> Clone for LeaseHandle<C> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            threads: Arc::clone(&self.threads),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> std::fmt::Debug for LeaseHandle<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseHandle")
            .field("name", &self.core.name)
            .field("opened_at", &self.shared.opened_at)
            .finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> LeaseHandle<C> {
    /// The place of an error.
    #[must_use]
    pub fn at(&self, op: &'static str, path: &Path) -> Context {
        self.core.at(op, path)
    }

    /// Runs `work` with the client as one call: on an I/O thread if the session has them, else where it is awaited.
    ///
    /// The call is cut if a close says so, and cancelled if the returned future is dropped.
    ///
    /// # Errors
    /// Those of `work`; [`Error::Closed`] before, or cut off by, a close; [`Error::Backend`] for a panic in `work`.
    pub async fn run<T, F, W>(&self, op: &'static str, path: &Path, kind: CallKind, work: W) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Arc<C>) -> F + Send + 'static,
    {
        let call = self.run_to_its_end(op, path, kind, work);
        self.core
            .unless_forked(call, || Err(self.core.forked(op, path)))
            .await
    }

    async fn run_to_its_end<T, F, W>(
        &self,
        op: &'static str,
        path: &Path,
        kind: CallKind,
        work: W,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Arc<C>) -> F + Send + 'static,
    {
        let call = self.core.begin(&self.shared, op, path, kind)?;
        let waiter = call.waiter();
        let (mut reply, answer) = oneshot::channel();
        if let Some(client) = self.threads.local() {
            call.start_inline().await?;
            let slot = Arc::clone(&call);
            let core = Arc::clone(&self.core);
            let mut work = Inline::new(async move {
                let work = async move {
                    core.pass_stall().await;
                    work(client).await
                };
                if let Some(done) = call.drive(work, reply.closed()).await {
                    let _ = reply.send(done);
                }
                drop(call);
            });
            slot.lies_in(work.slot());
            drop(slot);
            (&mut work).await;
            // Ended or taken away; in the latter case there is no answer.
            return answer.await.unwrap_or_else(|_| Err(waiter.was_cut()));
        }
        // Says that the caller went away. Not `reply.closed()`: that leaves the task's waker in the channel, and with it the
        // descriptors of its runtime, for as long as the caller keeps a future that was cut.
        let left = CancellationToken::new();
        let _leaves = left.clone().drop_guard();
        let id = call.id();
        let has_started = call.start_if_free()?;
        self.threads
            .runtime(&self.core, &waiter)?
            .submit(move |client| async move {
                if !has_started {
                    // Waited for here: a caller that does not poll (of many, another one's turn) would keep it from all.
                    let started = tokio::select! {
                        biased;
                        () = left.cancelled() => return,
                        started = call.start() => started,
                    };
                    if let Err(error) = started {
                        let _ = reply.send(Err(error));
                        return;
                    }
                }
                let (others, began) = (call.others(), Instant::now());
                let done = match client {
                    Ok(client) => {
                        // In a box: a request's future is large, and each layer around it would move it, and hold it twice.
                        let work = Box::pin(async move { work(client).await });
                        let done = call.drive(work, left.cancelled()).await;
                        if let Some(Ok(_) | Err(Error::NotFound { .. })) = &done {
                            call.measured(began.elapsed(), others);
                        }
                        done
                    }
                    Err(error) => Some(Err(call.waiter().no_client(error))),
                };
                // The answer first, then the end of the call: a close that waits for the call finds it answered.
                if let Some(done) = done {
                    let _ = reply.send(done);
                }
                // First, for others may still hold the call.
                call.give_back();
                drop(call);
            });
        tokio::select! {
            biased;
            answer = answer => {
                // Ended for whoever closes next, though the I/O thread may still be about to say so.
                self.core.end(id);
                answer.unwrap_or_else(|_| Err(waiter.was_cut()))
            }
            () = waiter.cancelled() => Err(waiter.was_cut()),
        }
    }

    /// Runs blocking `work` as one call, for clients that live on no I/O thread: on the blocking pool of the tokio runtime
    /// that polls; if there is none in the calling thread, or, if it has to wait for others, in one of its own.
    ///
    /// A call that is cut is answered at once; it lasts as long as `work`.
    ///
    /// # Errors
    /// Those of `work`; [`Error::Closed`] before, or cut off by, a close; [`Error::Backend`] for a panic in `work`;
    /// [`Error::Unsupported`] if the session has I/O threads.
    pub async fn offload<T: Send + 'static>(
        &self,
        op: &'static str,
        path: &Path,
        kind: CallKind,
        work: impl FnOnce(&C) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        #[cfg(feature = "testing")]
        if self.core.options.stall.is_some() {
            // A call that a test holds must be where a close can take it away.
            let at = self.at(op, path);
            let work = |client: Arc<C>| async move {
                super::blocking(move || work(&client), |reason| at.backend(reason)).await
            };
            return self.run(op, path, kind, work).await;
        }
        let call = self.core.begin(&self.shared, op, path, kind)?;
        let Some(client) = self.threads.local() else {
            return Err(self.at(op, path).unsupported("blocking calls"));
        };
        let waiter = call.waiter();
        let (reply, answer) = oneshot::channel();
        // Until it starts it is its caller's alone: if he goes away, or it is cut, it ends at once.
        let waiting = Arc::downgrade(&call);
        let (_place, here) = self.core.width.block(move |permit| {
            let call = waiting.upgrade()?;
            if let Err(error) = call.start_with(permit) {
                let _ = reply.send(Ok(Err(error)));
                return None;
            }
            // The caller has the call, too, and may not poll: it ends with the work, done or not.
            let call = Ends(call);
            Some(Box::new(move || {
                // It may have waited for a thread so long that nobody wants it any more.
                if !call.0.is_cut() && !reply.is_closed() {
                    let _ = reply.send(catch_unwind(AssertUnwindSafe(|| work(&client))));
                }
                drop(call);
            }))
        });
        if let Some(work) = here {
            work();
        }
        let answer = async {
            tokio::select! {
            biased;
            answer = answer => match answer {
                Ok(Ok(done)) => done,
                Ok(Err(panic)) => Err(waiter.backend(panic_error(&*panic))),
                Err(_) if waiter.is_cut() => Err(waiter.was_cut()),
                Err(_) => Err(waiter.backend("the runtime shut down")),
            },
            () = waiter.cancelled() => Err(waiter.was_cut()),
            }
        };
        self.core
            .unless_forked(answer, || Err(self.core.forked(op, path)))
            .await
    }

    /// Runs blocking `work` as one call, in the calling thread, for clients that live on no I/O thread.
    ///
    /// # Errors
    /// Those of `work`; [`Error::Closed`] after the lease's close began; [`Error::Unsupported`] if the session has I/O
    /// threads.
    pub fn run_blocking<T>(
        &self,
        op: &'static str,
        path: &Path,
        work: impl FnOnce(&C) -> Result<T>,
    ) -> Result<T> {
        // It occupies its thread until it is done, so it is never cut and its kind is never asked for.
        let call = self.core.begin(&self.shared, op, path, CallKind::Read)?;
        call.start_now()?;
        match self.threads.local() {
            Some(client) => work(&client),
            None => Err(Error::Unsupported {
                at: self.core.at(op, path),
                what: "blocking calls".to_owned(),
            }),
        }
    }

    /// Opens a stream as one call: `work` sends a head (what is known before the first item) and then items.
    ///
    /// The call holds its permit until the head is sent, and lasts until the stream ends, is cut, or is dropped.
    ///
    /// # Errors
    /// Those of `work` before it sent the head; [`Error::Closed`] before, or cut off by, a close.
    pub async fn open_stream<H, T, F, W>(
        &self,
        op: &'static str,
        path: &Path,
        work: W,
    ) -> Result<(H, BoxStream<'static, Result<T>>)>
    where
        H: Send + 'static,
        T: Send + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
        W: FnOnce(Arc<C>, HeadSender<H>, Sink<T>) -> F + Send + 'static,
    {
        let stream = stream::open(self, op, path, work);
        self.core
            .unless_forked(stream, || Err(self.core.forked(op, path)))
            .await
    }
}
