//! Blocking calls that wait for a permit of a [`Width`], whether their callers poll or not.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;

use super::core::lock;
use super::width::{Permit, Width};

/// Blocking calls that wait for a permit, first come, first served.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The number of the next.
    next: u64,
    calls: BTreeMap<u64, Blocking>,
}

/// A blocking call, and the runtime on whose blocking pool it will work; without one in a thread of its own.
struct Blocking {
    runtime: Option<Handle>,
    start: Start,
}

/// Starts a call; what it then does, if it is still wanted.
type Start = Box<dyn FnOnce(Permit) -> Option<Work> + Send>;
/// What a call does. Dropped in place of being run, it ends the call.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Blocking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// A call's place among those that wait. It does not wait any more once this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    width: Arc<Width>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = lock(&self.width.waiting).calls.remove(&self.number);
        // Not under the lock: it holds what the caller gave.
        drop(left);
    }
}

thread_local! {
    /// The width whose waiting calls this thread is starting: it goes on with them, and does not begin anew within.
    static STARTING: Cell<*const Width> = const { Cell::new(std::ptr::null()) };
}

/// Marks this thread as one that starts the waiting calls of a width.
struct Starting(*const Width);

impl Starting {
    fn of(width: &Arc<Width>) -> Self {
        Self(STARTING.replace(Arc::as_ptr(width)))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        STARTING.set(self.0);
    }
}

impl Width {
    /// Starts a blocking call when there is a permit for it, and has its work done on the blocking pool of the tokio runtime
    /// that polls. Nobody need poll for that: who waits and does not poll keeps no permit from others.
    ///
    /// Without a runtime the work of a call that starts at once is returned: it is to be done here.
    pub(crate) fn block(
        self: &Arc<Self>,
        start: impl FnOnce(Permit) -> Option<Work> + Send + 'static,
    ) -> (Place, Option<Work>) {
        let call = Blocking {
            runtime: Handle::try_current().ok(),
            start: Box::new(start),
        };
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.calls.insert(number, call);
        drop(waiting);
        let place = Place {
            width: Arc::clone(self),
            number,
        };
        let work = self.start_waiting(Some(number));
        (place, work)
    }

    /// Starts the calls that wait, as far as there are permits. Returns what is to be done here: the work of the call `own`, if
    /// it has no runtime.
    fn start_waiting(self: &Arc<Self>, own: Option<u64>) -> Option<Work> {
        let _starting = Starting::of(self);
        let mut here = None;
        while let Some((number, Blocking { runtime, start }, permit)) = self.next_waiting() {
            let Some(work) = start(permit) else { continue };
            match runtime {
                // It panics where there is no thread to be had; the work ends its call when it is dropped.
                Some(runtime) => drop(catch_unwind(AssertUnwindSafe(|| runtime.spawn_blocking(work)))),
                None if own == Some(number) => here = Some(work),
                None => drop(
                    std::thread::Builder::new()
                        .name("zarr-blocking".to_owned())
                        .spawn(work),
                ),
            }
        }
        here
    }

    fn next_waiting(self: &Arc<Self>) -> Option<(u64, Blocking, Permit)> {
        // Under the lock: who gives a permit back looks here afterwards, and finds what did not get it.
        let mut waiting = lock(&self.waiting);
        let first = waiting.calls.first_entry()?;
        let permit = self.try_acquire()?;
        let (number, call) = first.remove_entry();
        Some((number, call, permit))
    }

    /// A permit was given back: somebody may have waited for it.
    pub(super) fn given_back(self: &Arc<Self>) {
        if STARTING.get() != Arc::as_ptr(self) {
            // Without a call of its own there is nothing to be done here.
            let _ = self.start_waiting(None);
        }
    }
}
