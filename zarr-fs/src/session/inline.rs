//! Calls of a session without I/O threads: their work lives in the caller's future, and a close can take it away.
//!
//! The caller may hold that future and not poll it. A call that was cut must end all the same, and give back what it holds
//! (an open file): so the work lies in a slot that the closer can empty.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::call::CallContext;
use super::core::lock;
use crate::error::{BoxError, Result};

/// Where a call's work lies.
pub(crate) struct Slot {
    work: Mutex<Option<BoxFuture<'static, ()>>>,
    abandoned: AtomicBool,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl Slot {
    /// Drops the work, now or, if it is being polled, right after that poll.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        let work = match self.work.try_lock() {
            Ok(mut work) => work.take(),
            // Whoever polls it looks at the flag after he has let go of the lock.
            Err(_) => None,
        };
        drop_quietly(work);
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = lock(&self.work);
        let Some(work) = slot.as_mut() else {
            return Poll::Ready(());
        };
        let polled = work.poll_unpin(cx);
        let done = if polled.is_ready() { slot.take() } else { None };
        drop(slot);
        drop(done);
        if polled.is_pending() && self.abandoned.load(Ordering::SeqCst) {
            let work = lock(&self.work).take();
            drop_quietly(work);
            return Poll::Ready(());
        }
        polled
    }
}

/// The work holds what the caller gave (a stream to be written); a panic in its destructor is not the closer's.
fn drop_quietly(work: Option<BoxFuture<'static, ()>>) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(work)));
}

/// The caller's hold on the work; dropping it drops the work.
pub(super) struct Inline(Arc<Slot>);

impl Inline {
    pub(super) fn new(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Arc::new(Slot {
            work: Mutex::new(Some(work.boxed())),
            abandoned: AtomicBool::new(false),
        }))
    }

    pub(super) fn slot(&self) -> Weak<Slot> {
        Arc::downgrade(&self.0)
    }
}

impl Future for Inline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

/// Runs `work` on the blocking pool of the tokio runtime that polls, or right here if there is none: any executor will do.
pub(super) fn spawn_blocking(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

/// Runs blocking `work` for the current call: on the blocking pool of the tokio runtime that polls, or in the calling thread
/// if there is none.
///
/// The call lasts at least as long as `work`, even if it is cut or its caller goes away meanwhile.
///
/// # Errors
/// Those of `work`; `broken` around the reason if it panicked or its runtime shut down.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
    broken: impl FnOnce(BoxError) -> crate::Error + Send,
) -> Result<T> {
    let call = CallContext::current();
    let (reply, answer) = oneshot::channel();
    spawn_blocking(move || {
        let done = catch_unwind(AssertUnwindSafe(work));
        let _ = reply.send(done);
        drop(call);
    });
    match answer.await {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => Err(broken(super::call::panic_error(&*panic))),
        Err(_) => Err(broken("the runtime shut down".into())),
    }
}
