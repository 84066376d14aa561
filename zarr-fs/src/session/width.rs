//! [`Width`]: how many calls of a session may have started at once: as many permits as its [`Pace`] wants.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::core::lock;
use super::pace::{Answer, Pace};

/// How many calls of a session may have started at once.
#[derive(Debug)]
pub(crate) struct Width {
    /// How many there may be now, and how many permits there are: more for as long as calls have them.
    wanted: AtomicUsize,
    granted: AtomicUsize,
    permits: Arc<Semaphore>,
    begun: Instant,
    pace: Mutex<Pace>,
    waiting: Mutex<Waiting>,
}

/// Blocking calls that wait for a permit, first come, first served.
#[derive(Debug, Default)]
struct Waiting {
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

/// A call's right to have started.
#[derive(Debug)]
pub(crate) struct Permit {
    width: Arc<Width>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.width.takes_back()
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
        }
        drop(self.permit.take());
        if STARTING.get() != Arc::as_ptr(&self.width) {
            let _ = self.width.start_waiting(None);
        }
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
    /// At most `most` calls (at least one): so many until answers say otherwise.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self {
            wanted: AtomicUsize::new(most),
            granted: AtomicUsize::new(most),
            permits: Arc::new(Semaphore::new(most)),
            begun: Instant::now(),
            pace: Mutex::new(Pace::new(most)),
            waiting: Mutex::default(),
        })
    }

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

    /// Waits for a permit; first come, first served.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        Permit {
            width: Arc::clone(self),
            // The semaphore is never closed.
            permit: permit.ok(),
        }
    }

    /// A permit, if one is free.
    pub(crate) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(Permit {
            width: Arc::clone(self),
            permit: Some(permit),
        })
    }

    /// How many calls have a permit.
    pub(crate) fn in_use(&self) -> usize {
        let granted = self.granted.load(Ordering::Relaxed);
        granted.saturating_sub(self.permits.available_permits())
    }

    /// A call was answered after `took`; `others` were under way with it when it started; `kept` says whether the server
    /// keeps its connections.
    pub(crate) fn answered(&self, took: Duration, others: usize, kept: bool) {
        let mut pace = lock(&self.pace);
        pace.answered(Answer {
            at: self.begun.elapsed(),
            took,
            others,
            kept,
        });
        self.change_to(pace.wanted());
    }

    /// The server began to answer a call. How long that took says little: the rest is on its way.
    pub(crate) fn accepted(&self) {
        let mut pace = lock(&self.pace);
        pace.accepted();
        self.change_to(pace.wanted());
    }

    /// The server refused a call because there are too many.
    pub(crate) fn refused(&self) {
        let mut pace = lock(&self.pace);
        pace.refused();
        self.change_to(pace.wanted());
    }

    fn change_to(&self, wanted: usize) {
        // Under the lock of the pace: nobody else changes `wanted` or adds permits.
        self.wanted.store(wanted, Ordering::Relaxed);
        let before = self.granted.fetch_max(wanted, Ordering::Relaxed);
        if let Some(more) = wanted.checked_sub(before) {
            self.permits.add_permits(more);
        }
        // What is free goes now, what is in use when it is given back: else a whole wave could start on the old width.
        while self.takes_back() {
            if self.permits.forget_permits(1) == 0 {
                self.granted.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Whether a permit that is given back is one too many.
    fn takes_back(&self) -> bool {
        // Read anew each time: what it wants may change meanwhile.
        let fewer = |granted: usize| (granted > self.wanted.load(Ordering::Relaxed)).then(|| granted - 1);
        self.granted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// How many permits can be had at once while none is in use; they are given back.
    fn free(width: &Arc<Width>) -> usize {
        assert_eq!(width.in_use(), 0);
        free_beside(width)
    }

    /// How many more permits can be had at once; they are given back.
    fn free_beside(width: &Arc<Width>) -> usize {
        let in_use = width.in_use();
        let permits: Vec<Permit> = std::iter::from_fn(|| width.acquire().now_or_never()).collect();
        assert_eq!(width.in_use(), in_use + permits.len());
        permits.len()
    }

    #[test]
    fn permits_follow_the_pace() {
        let width = Width::new(192);
        width.answered(20 * MS, 0, true);
        assert_eq!(free(&width), 192);
        // Those in use go when they are given back, free ones at once.
        let held: Vec<Permit> = (0..100).filter_map(|_| width.acquire().now_or_never()).collect();
        width.refused();
        assert_eq!((width.in_use(), free_beside(&width)), (100, 0));
        drop(held);
        assert_eq!(free(&width), 1);
        for _ in 0..8 {
            width.answered(20 * MS, 0, true);
        }
        assert_eq!(free(&width), 2);
    }
}
