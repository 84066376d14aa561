//! The thread that drives one lease's close to its end.
//!
//! It is a thread and not a task, so that a close works under any executor, goes on when its future is dropped, and keeps
//! its bound when the I/O thread is stuck. It lives as long as the close.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use tokio::sync::oneshot;

use super::core::{CUT_GRACE, Core, Inner, LeaseShared, TEARDOWN_GRACE, Told};
use super::state::{LeasePhase, SessionPhase};

/// Starts the closer of a lease whose close has begun.
pub(crate) fn spawn(core: &Arc<Core>, lease: &Arc<LeaseShared>, began: Instant, was_last: bool) {
    let (thread_core, thread_lease) = (Arc::clone(core), Arc::clone(lease));
    let spawned = std::thread::Builder::new()
        .name("zarr-close".to_owned())
        .spawn(move || run(&thread_core, &thread_lease, began, was_last));
    match spawned {
        Ok(handle) => Core::set_closer(lease, handle),
        // No thread to be had: better to close here, blocking this one for a bounded time, than not at all.
        Err(_) => run(core, lease, began, was_last),
    }
}

/// Waits until a session whose last lease was dropped is gone, for as long as a close would after its drain; returns what does
/// not end.
pub(crate) async fn end_dropped(core: &Arc<Core>) -> Vec<String> {
    let (done, stuck) = oneshot::channel();
    let thread_core = Arc::clone(core);
    let run = move || {
        let mut stuck = Vec::new();
        drop(end_session(&thread_core, Instant::now(), &mut stuck));
        let _ = done.send(stuck);
    };
    match std::thread::Builder::new()
        .name("zarr-close".to_owned())
        .spawn(run)
    {
        Ok(closer) => {
            let stuck = stuck.await.unwrap_or_default();
            // It has said its last word.
            let _ = closer.join();
            stuck
        }
        Err(error) => vec![format!("a thread to wait with: {error}")],
    }
}

fn run(core: &Core, lease: &LeaseShared, began: Instant, was_last: bool) {
    let mut stuck = Vec::new();
    let mut told = Told::default();
    let drained = began + core.options.drain;
    let ended = |inner: &Inner| inner.machine.lease_phase(lease.id) == LeasePhase::Ended;

    let mut inner = core.wait_until(abandon(core, core.lock(), lease), drained, ended);
    if !ended(&inner) {
        let effects = inner.machine.drain_expired(lease.id);
        core.apply(&mut inner, effects, &mut told);
        drop(inner);
        told.tell();
        inner = abandon(core, core.lock(), lease);
        inner = core.wait_until(inner, drained + CUT_GRACE, ended);
    }
    if !ended(&inner) {
        stuck = inner.call_names(lease.id);
        let effects = inner.machine.give_up(lease.id);
        core.apply(&mut inner, effects, &mut told);
    }

    // Whoever closed last waits for the session; an earlier one only if its own calls were the last to end.
    let waits = was_last || inner.machine.phase() == SessionPhase::TearingDown;
    drop(inner);
    told.tell();
    let mut inner = if waits {
        end_session(core, drained, &mut stuck)
    } else {
        core.lock()
    };
    let report = core.report(&mut inner, lease, began);
    drop(inner);
    lease.finish(report, stuck);
}

/// Waits for the session's end, after the drain: for calls of leases that were dropped, which nobody else gives up, then for
/// its threads. Adds to `stuck` what does not end.
fn end_session<'a>(core: &'a Core, drained: Instant, stuck: &mut Vec<String>) -> MutexGuard<'a, Inner> {
    let mut told = Told::default();
    let are_closed = |inner: &Inner| inner.machine.phase() != SessionPhase::Closing;
    let mut inner = core.wait_until(core.lock(), drained + CUT_GRACE, are_closed);
    if !are_closed(&inner) {
        for lease in inner.dropped_leases() {
            stuck.extend(inner.call_names(lease));
            let effects = inner.machine.give_up(lease);
            core.apply(&mut inner, effects, &mut told);
        }
        drop(inner);
        told.tell();
        inner = core.lock();
    }
    inner = core.wait_until(inner, drained + CUT_GRACE + TEARDOWN_GRACE, Inner::is_gone);
    match inner.machine.phase() {
        SessionPhase::TearingDown => {
            let threads = inner.threads.iter();
            stuck.extend(threads.map(|thread| format!("thread {}", thread.name)));
        }
        SessionPhase::Gone => {
            // They have said their last word: joining takes microseconds, then the operating system has them back.
            for handle in inner.threads.iter_mut().filter_map(|thread| thread.handle.take()) {
                let _ = handle.join();
            }
        }
        SessionPhase::Open | SessionPhase::Closing => {}
    }
    inner
}

/// Takes the work of cut calls out of the hands of callers who may never poll it.
fn abandon<'a>(
    core: &'a Core,
    mut inner: MutexGuard<'a, Inner>,
    lease: &LeaseShared,
) -> MutexGuard<'a, Inner> {
    let slots = inner.take_cut_slots(lease.id);
    drop(inner);
    slots.iter().for_each(|slot| slot.abandon());
    core.lock()
}
