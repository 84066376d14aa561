//! The threads that decode: as many as the machine has cores, shared by all reads, gone when there is nothing to do.
//!
//! A forked child has none of its parent's threads, and its copy of the pool may be locked for ever: there, all is done by
//! the thread that asks. (A store of the parent's is closed for it; one of its own it can read.)

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a thread waits for work before it ends: long enough to serve the next chunk of a slow network, short enough
/// that nothing is left 100 ms after a close.
const IDLE: Duration = Duration::from_millis(50);

/// Below the size that glibc would map by itself.
const HEAP_STEP_BYTES: usize = 120 << 10;

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool = Pool {
    state: Mutex::new(State {
        queue: VecDeque::new(),
        threads: 0,
        idle: 0,
    }),
    work: Condvar::new(),
};

/// The process that the pool's threads belong to; 0 before the first.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Whether the pool is the copy of a parent's.
fn is_forked() -> bool {
    let process = std::process::id();
    let first = PROCESS.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed);
    first.is_err_and(|other| other != process)
}

/// How many threads may decode at once.
pub(crate) fn width() -> usize {
    // Asked once: the answer takes the reading of three files.
    static WIDTH: OnceLock<usize> = OnceLock::new();
    *WIDTH.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// Runs `job` on a decoding thread; its result arrives by the receiver. If the receiver is dropped before the job begins,
/// the job does not run. A panic in the job closes the channel.
pub(crate) fn spawn<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    push(Box::new(move || {
        if !sender.is_closed() {
            let _ = sender.send(job());
        }
    }));
    receiver
}

fn push(job: Job) {
    if is_forked() {
        return run(job);
    }
    let mut state = lock();
    state.queue.push_back(job);
    if state.idle > 0 {
        POOL.work.notify_one();
    }
    if state.queue.len() <= state.idle || state.threads >= width() {
        return;
    }
    state.threads += 1;
    drop(state);
    let spawned = std::thread::Builder::new()
        .name("zarr-decode".to_owned())
        .spawn(serve);
    if spawned.is_err() {
        let mut state = lock();
        state.threads -= 1;
        // With no thread at all the work is done here: slow is better than never.
        if state.threads == 0 {
            let jobs = std::mem::take(&mut state.queue);
            drop(state);
            jobs.into_iter().for_each(run);
        }
    }
}

fn serve() {
    grow_heap();
    let mut state = lock();
    loop {
        if let Some(job) = state.queue.pop_front() {
            drop(state);
            run(job);
            state = lock();
            continue;
        }
        state.idle += 1;
        let (next, waited) = POOL
            .work
            .wait_timeout(state, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        state = next;
        state.idle -= 1;
        if waited.timed_out() && state.queue.is_empty() {
            state.threads -= 1;
            return;
        }
    }
}

/// glibc gives a thread a heap of its own and makes it accessible page by page, a system call each: here in a few steps,
/// ahead of the many small pieces of a listing (4 % of the CPU time of one of 277 local nodes). No memory is touched.
fn grow_heap() {
    let ahead: [Vec<u8>; 8] = std::array::from_fn(|_| Vec::with_capacity(HEAP_STEP_BYTES));
    drop(std::hint::black_box(ahead));
}

fn run(job: Job) {
    // The panic reaches the reader as a closed channel; the thread goes on.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
}

fn lock() -> MutexGuard<'static, State> {
    POOL.state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn runs_everything_and_survives_a_panic() {
        let panics = spawn(|| panic!("in a job"));
        let sums: Vec<_> = (0..100_u64).map(|i| spawn(move || i * i)).collect();
        let total: u64 = sums.into_iter().map(|sum| block_on(sum).unwrap()).sum();
        assert_eq!(total, 328_350);
        let result: Result<(), _> = block_on(panics);
        assert!(result.is_err());
    }
}
