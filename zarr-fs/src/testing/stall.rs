//! Calls that hang, in sessions without a server that could.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::Hang;

/// Holds the calls of a session without I/O threads after they have started, as a server that does not answer holds those
/// of others. Clones are one; a session gets it by [`SessionOptions::with_stall`](crate::session::SessionOptions::with_stall).
#[derive(Clone, Debug, Default)]
pub struct Stall(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// How many guards hold calls.
    guards: watch::Sender<usize>,
    held: AtomicUsize,
}

impl Stall {
    /// One that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds every call that starts from now on, until the guard is dropped.
    #[must_use]
    pub fn hold(&self) -> Box<dyn Hang> {
        self.0.guards.send_modify(|guards| *guards += 1);
        Box::new(Guard(self.clone()))
    }

    /// Waits as long as calls are held.
    pub(crate) async fn pass(&self) {
        if *self.0.guards.borrow() == 0 {
            return;
        }
        let _held = Held::new(&self.0.held);
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.0.guards.subscribe().wait_for(|guards| *guards == 0).await;
    }
}

#[derive(Debug)]
struct Guard(Stall);

impl Hang for Guard {
    fn held(&self) -> usize {
        self.0.0.held.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.guards.send_modify(|guards| *guards -= 1);
    }
}

struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
