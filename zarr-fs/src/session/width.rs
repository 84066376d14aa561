//! [`Width`]: how many calls of a session may have started at once.
//!
//! As many as the options allow help only where answers take long. Beside a server that answers in a fraction of a
//! millisecond the I/O thread itself is what all calls wait for: more of them at once only dial more connections, at 0.1 to
//! 0.2 ms of CPU time each. So the width follows the time that an answer takes when nothing else is in its way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::core::lock;

/// The I/O thread's work for one call, about: answers that take so many times longer want so many calls in flight.
const CALL_WORK: Duration = Duration::from_micros(40);

/// The most that one call makes another one wait on the I/O thread: it dials a connection.
const CALL_IN_THE_WAY: Duration = Duration::from_micros(200);

/// A call that so many others at most were under way with has waited for its answer alone.
const FEW: usize = 8;

/// Never narrower than this, if the options allow it: a server may be quick to say what a node is and slow to say what is in
/// it.
const NARROWEST: usize = 64;

/// Of so many answers the quickest counts: slow ones have waited for something else, too.
const WINDOW: u32 = 32;

/// How many calls of a session may have started at once.
#[derive(Debug)]
pub(crate) struct Width {
    most: usize,
    /// How many there may be now, and how many permits there are: more for as long as calls have them.
    wanted: AtomicUsize,
    granted: AtomicUsize,
    permits: Arc<Semaphore>,
    answers: Mutex<Answers>,
}

#[derive(Debug)]
struct Answers {
    /// The quickest answers of this window and of the one before.
    quickest: [Duration; 2],
    seen: u32,
}

impl Answers {
    fn quickest(&self) -> Duration {
        self.quickest[0].min(self.quickest[1])
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
    }
}

impl Width {
    /// At most `most` calls (at least one): so many until answers say otherwise.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        Arc::new(Self {
            most,
            wanted: AtomicUsize::new(most),
            granted: AtomicUsize::new(most),
            permits: Arc::new(Semaphore::new(most)),
            answers: Mutex::new(Answers {
                quickest: [Duration::MAX; 2],
                seen: 0,
            }),
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

    /// How many calls have a permit.
    pub(crate) fn in_use(&self) -> usize {
        let granted = self.granted.load(Ordering::Relaxed);
        granted.saturating_sub(self.permits.available_permits())
    }

    /// A call was answered after `took`; `others` were under way with it when it started.
    pub(crate) fn answered(&self, took: Duration, others: usize) {
        let mut answers = lock(&self.answers);
        // No answer is quicker than the line. A slower one may have waited for the I/O thread, behind others: then it says
        // nothing.
        let in_the_way = CALL_IN_THE_WAY.saturating_mul(u32::try_from(others).unwrap_or(u32::MAX));
        if others > FEW && took < in_the_way && took >= answers.quickest() {
            return;
        }
        if answers.seen == WINDOW {
            answers.quickest = [Duration::MAX, answers.quickest[0]];
            answers.seen = 0;
        }
        answers.seen += 1;
        answers.quickest[0] = answers.quickest[0].min(took);
        let worth = answers.quickest().as_nanos() / CALL_WORK.as_nanos();
        let worth = usize::try_from(worth).unwrap_or(usize::MAX);
        self.change_to(worth.max(NARROWEST).min(self.most));
    }

    fn change_to(&self, wanted: usize) {
        // Under the lock of the answers: nobody else changes `wanted` or adds permits.
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
        let wanted = self.wanted.load(Ordering::Relaxed);
        let fewer = |granted: usize| (granted > wanted).then(|| granted - 1);
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
    fn slow_answers_leave_the_width_and_quick_ones_narrow_it() {
        let width = Width::new(192);
        width.answered(20 * MS, 0);
        assert_eq!(free(&width), 192);
        // Those in use go when they are given back, free ones at once.
        let held: Vec<Permit> = (0..100).filter_map(|_| width.acquire().now_or_never()).collect();
        width.answered(MS / 10, 0);
        assert_eq!((width.in_use(), free_beside(&width)), (100, 0));
        drop(held);
        assert_eq!(free(&width), NARROWEST);
        // A line that has become slow is noticed after two windows.
        for _ in 0..2 * WINDOW {
            width.answered(20 * MS, NARROWEST);
        }
        assert_eq!(free(&width), 192);
    }

    #[test]
    fn what_waits_behind_others_does_not_widen() {
        let width = Width::new(192);
        width.answered(MS / 10, 0);
        for _ in 0..200 {
            width.answered(Duration::from_micros(170) * 64, 64);
        }
        assert_eq!(free(&width), NARROWEST);
    }

    #[test]
    fn a_quick_answer_narrows_even_behind_others() {
        let width = Width::new(192);
        width.answered(20 * MS, 0);
        width.answered(4 * MS, 100);
        assert_eq!(free(&width), 100);
    }

    #[test]
    fn a_width_of_the_options_is_never_exceeded() {
        for most in [1, 3, 40] {
            let width = Width::new(most);
            for took in [MS / 10, 50 * MS] {
                for _ in 0..3 * WINDOW {
                    width.answered(took, 0);
                    assert!(free(&width) <= most);
                }
            }
            assert_eq!(free(&width), most);
        }
    }
}
