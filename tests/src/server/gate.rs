//! Counting rounds: waves of requests that depend on each other.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::conn::Connections;
use super::log::Log;
use crate::sync::lock;

/// How often the gate looks whether the client is still busy.
const TICK: Duration = Duration::from_millis(2);

/// How much longer the gate waits while an answer is under way, in case it sets the client in motion. One that never ends (a stall)
/// must not hold up the rest for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// Holds requests until the client has nothing more to ask, then lets the whole wave go and counts one round.
///
/// Two requests of which one depends on the other's answer are never in one wave, and requests that do not depend on each other
/// are in one, however slow the machine is: the gate waits until no byte has arrived for the settle time, measured in ticks of
/// the server's own thread, so that a busy machine stretches it.
///
/// A wave of `width` requests or more is let go as soon as `width` of them wait, and what follows it joins the same round: *a
/// wave wider than the width counts once*. Give a width that is at most the client's concurrency, or the client's own limit
/// would split a wave; give a larger one only if no wave reaches the client's limit.
#[derive(Debug, Clone, Copy)]
pub struct RoundGate {
    width: usize,
    settle: Duration,
}

impl RoundGate {
    /// A gate for waves that count once from `width` requests on.
    pub fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            settle: Duration::from_millis(40),
        }
    }

    /// How long nothing must arrive before a wave counts as complete. Default: 40 ms.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }
}

#[derive(Default)]
struct State {
    gate: Option<RoundGate>,
    waiting: Vec<oneshot::Sender<()>>,
    /// Requests of the round that is not complete yet and were let go already.
    partial: usize,
    waves: Vec<usize>,
}

impl State {
    fn release(&mut self) {
        self.partial += self.waiting.len();
        for waiting in self.waiting.drain(..) {
            // One that gave up waiting needs no answer.
            let _ = waiting.send(());
        }
    }

    fn complete(&mut self) {
        if self.partial > 0 {
            self.waves.push(self.partial);
            self.partial = 0;
        }
    }
}

/// The place where requests wait; open unless a gate is set.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    wake: Notify,
}

impl Gate {
    pub(crate) fn set(&self, gate: Option<RoundGate>) {
        let mut state = lock(&self.state);
        if state.gate.is_some() {
            state.release();
        }
        *state = State {
            gate,
            ..State::default()
        };
        self.wake.notify_one();
    }

    /// The size of each round so far, the unfinished one included.
    pub(crate) fn waves(&self) -> Vec<usize> {
        let state = lock(&self.state);
        let unfinished = state.partial + state.waiting.len();
        state
            .waves
            .iter()
            .copied()
            .chain((unfinished > 0).then_some(unfinished))
            .collect()
    }

    /// Waits to be let go.
    pub(crate) async fn pass(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = lock(&self.state);
            let Some(gate) = state.gate else { return };
            state.waiting.push(sender);
            if state.waiting.len() >= gate.width {
                state.release();
            }
        }
        self.wake.notify_one();
        drop(receiver.await);
    }

    /// Runs beside the server.
    pub(crate) async fn run(&self, connections: &Connections, log: &Log) {
        let mut quiet_ticks = 0_u32;
        let mut seen = 0;
        loop {
            let settle = {
                let state = lock(&self.state);
                state
                    .gate
                    .filter(|_| !state.waiting.is_empty() || state.partial > 0)
                    .map(|gate| gate.settle)
            };
            let Some(settle) = settle else {
                quiet_ticks = 0;
                self.wake.notified().await;
                continue;
            };
            tokio::time::sleep(TICK).await;
            let activity = connections.activity();
            let mut state = lock(&self.state);
            state.waiting.retain(|waiting| !waiting.is_closed());
            let answering = log.in_flight() > state.waiting.len();
            quiet_ticks = if activity == seen { quiet_ticks + 1 } else { 0 };
            seen = activity;
            let settle = if answering { settle + PATIENCE } else { settle };
            if TICK * quiet_ticks >= settle {
                state.release();
                state.complete();
                quiet_ticks = 0;
            }
        }
    }
}
