//! Counting dependent rounds: requests are held until the caller has nothing more to ask.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

/// How often the gate looks whether the caller is still asking.
const TICK: Duration = Duration::from_millis(2);

/// After so many ticks in which nothing began or ended, a wave is complete.
const SETTLED_TICKS: u32 = 20;

/// Holds requests until the caller has nothing more to ask, then lets the wave go and counts one round: of two requests, one
/// of which depends on the other's answer, each is in a round of its own, and what does not depend on each other is in one,
/// however slow the machine is.
///
/// A wave of `width` requests is let go as soon as so many wait, and what follows joins its round: a wave wider than the
/// width counts once. A caller that limits itself to fewer than `width` at once would split a wave.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    width: Option<usize>,
    waiting: VecDeque<oneshot::Sender<()>>,
    /// Requests of the unfinished round that were let go.
    partial: usize,
    /// Requests that were let go and have not ended.
    running: usize,
    waves: Vec<usize>,
    /// Changes whenever a request comes or ends.
    activity: u64,
}

impl State {
    fn release(&mut self) {
        for waiting in self.waiting.drain(..) {
            // One whose caller went away is none.
            if waiting.send(()).is_ok() {
                self.partial += 1;
                self.running += 1;
            }
        }
    }
}

/// A request on its way: it tells its end.
#[derive(Debug)]
pub(super) struct Running(Option<Arc<Gate>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(gate) = &self.0 {
            let mut state = gate.lock();
            state.running = state.running.saturating_sub(1);
            state.activity += 1;
        }
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds requests from now on, and counts from 0.
    pub(super) fn shut(self: &Arc<Self>, width: usize) {
        let mut state = self.lock();
        let was_open = state.width.is_none();
        state.waves.clear();
        state.partial = 0;
        state.width = Some(width.max(1));
        drop(state);
        if was_open {
            let gate = Arc::downgrade(self);
            let ticker = std::thread::Builder::new().name("round-gate".to_owned());
            ticker
                .spawn(move || tick(&gate))
                .expect("a thread can be started");
        }
    }

    /// Lets all requests pass again.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        state.width = None;
        state.release();
    }

    /// How many requests each round had, the unfinished one included.
    pub(super) fn waves(&self) -> Vec<usize> {
        let state = self.lock();
        let unfinished = state.partial + state.waiting.len();
        let last = (unfinished > 0).then_some(unfinished);
        state.waves.iter().copied().chain(last).collect()
    }

    /// Waits to be let go.
    pub(super) async fn pass(self: &Arc<Self>) -> Running {
        let go = {
            let mut state = self.lock();
            let Some(width) = state.width else {
                return Running(None);
            };
            state.activity += 1;
            let (waiting, go) = oneshot::channel();
            state.waiting.push_back(waiting);
            if state.waiting.len() >= width {
                state.release();
            }
            go
        };
        // Its sender is dropped only after it was used.
        let _ = go.await;
        Running(Some(Arc::clone(self)))
    }
}

fn tick(gate: &Weak<Gate>) {
    let mut seen = 0;
    let mut quiet_ticks = 0;
    loop {
        std::thread::sleep(TICK);
        let Some(gate) = gate.upgrade() else { return };
        let mut state = gate.lock();
        if state.width.is_none() {
            return;
        }
        state.waiting.retain(|waiting| !waiting.is_closed());
        if state.activity != seen || state.running > 0 {
            seen = state.activity;
            quiet_ticks = 0;
            continue;
        }
        quiet_ticks += 1;
        if quiet_ticks >= SETTLED_TICKS && (state.partial > 0 || !state.waiting.is_empty()) {
            state.release();
            let partial = std::mem::take(&mut state.partial);
            state.waves.push(partial);
            quiet_ticks = 0;
        }
    }
}
