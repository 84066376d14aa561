//! The thread that drives one lease's close to its end.
//!
//! It is a thread and not a task, so that a close works under any executor, goes on when its future is dropped, and keeps
//! its bound when the I/O thread is stuck. It lives as long as the close.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use super::core::{CUT_GRACE, Core, Inner, LeaseShared, TEARDOWN_GRACE};
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

fn run(core: &Core, lease: &LeaseShared, began: Instant, was_last: bool) {
    let mut stuck = Vec::new();
    let drained = began + core.options.drain;
    let ended = |inner: &Inner| inner.machine.lease_phase(lease.id) == LeasePhase::Ended;

    let mut inner = core.wait_until(abandon(core, core.lock(), lease), drained, ended);
    if !ended(&inner) {
        let effects = inner.machine.drain_expired(lease.id);
        core.apply(&mut inner, effects);
        inner = abandon(core, inner, lease);
        inner = core.wait_until(inner, drained + CUT_GRACE, ended);
    }
    if !ended(&inner) {
        stuck = inner.call_names(lease.id);
        let effects = inner.machine.give_up(lease.id);
        core.apply(&mut inner, effects);
    }

    // Whoever closed last waits for the session; an earlier one only if its own calls were the last to end.
    let waits = was_last || inner.machine.phase() == SessionPhase::TearingDown;
    if waits {
        inner = core.wait_until(inner, drained + CUT_GRACE + TEARDOWN_GRACE, Inner::is_gone);
        let phase = inner.machine.phase();
        if phase == SessionPhase::TearingDown {
            stuck.extend(
                inner
                    .threads
                    .iter()
                    .map(|thread| format!("thread {}", thread.name)),
            );
        } else if phase == SessionPhase::Gone {
            // They have said their last word: joining takes microseconds, then the operating system has them back.
            for handle in inner.threads.iter_mut().filter_map(|thread| thread.handle.take()) {
                let _ = handle.join();
            }
        }
    }
    let report = core.report(&mut inner, lease, began);
    drop(inner);
    lease.finish(report, stuck);
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
