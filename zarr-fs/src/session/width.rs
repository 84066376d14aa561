//! [`Width`]: how many calls of a session may have started at once: as many permits as its [`Pace`] wants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::core::lock;
use super::pace::{Answer, Pace};
use super::waiting::Waiting;

/// How many calls of a session may have started at once.
#[derive(Debug)]
pub(crate) struct Width {
    /// How many there may be now, and how many permits there are: more for as long as calls have them.
    wanted: AtomicUsize,
    granted: AtomicUsize,
    permits: Arc<Semaphore>,
    begun: Instant,
    pace: Mutex<Pace>,
    pub(super) waiting: Mutex<Waiting>,
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
        self.width.given_back();
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
