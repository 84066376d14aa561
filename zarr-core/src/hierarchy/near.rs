//! [`Near`]: asking a store of this machine, where a document costs less than handing the question to another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::context::{Answer, Context};
use super::probe::probe_child_blocking;
use super::walk::{Done, Task};
use crate::compute;
use crate::error::Error;
use crate::store::{Store, StoreReader};

/// Most probes that one thread makes at a time: so that a walk can be dropped soon, and shows members as they come.
const MOST_AT_ONCE: usize = 64;

/// A store whose documents take longer than this is not near: a mount of a network, better asked many things at once.
const FAR: Duration = Duration::from_millis(1);

/// Tells the time. Tests tell another one.
pub(super) type Clock = fn() -> Instant;

/// Asks for documents, one after the other in one thread: that costs less than a thread for each. Leaves out, as `None`, what
/// is not wanted, everything if the store is not of this machine, and the rest once the store has turned out to be far.
pub(super) async fn ask<const N: usize>(
    context: &Arc<Context>,
    keys: &[Option<String>; N],
    clock: Clock,
) -> [Option<Answer>; N] {
    let Some(reader) = context.store.blocking_reader() else {
        return [const { None }; N];
    };
    let (context, keys) = (Arc::clone(context), keys.clone());
    let answers = compute::spawn(move || {
        let (begun, mut is_near) = (clock(), true);
        keys.map(|key| {
            let answer = context.ask_blocking(&reader, &key.filter(|_| is_near)?);
            is_near = clock().saturating_duration_since(begun) <= FAR;
            Some(answer)
        })
    });
    // After a panic nothing is answered.
    answers.await.unwrap_or([const { None }; N])
}

/// Probes in batches, by the threads that decode.
#[derive(Debug)]
pub(super) struct Near {
    reader: StoreReader,
    clock: Clock,
    is_far: Arc<AtomicBool>,
}

impl Near {
    /// `None` for a store that is not of this machine.
    pub(super) fn of(store: &Store, clock: Clock) -> Option<Self> {
        Some(Self {
            reader: store.blocking_reader()?,
            clock,
            is_far: Arc::default(),
        })
    }

    /// Whether the store has answered quickly so far.
    pub(super) fn is_near(&self) -> bool {
        !self.is_far.load(Ordering::Relaxed)
    }

    /// How many of `waiting` probes one thread should make: the threads share them, several times each, so that they end
    /// together.
    pub(super) fn batch(&self, waiting: usize) -> usize {
        waiting.div_ceil(4 * compute::width()).clamp(1, MOST_AT_ONCE)
    }

    /// Makes these probes, one after the other, in one thread. If the future is dropped it makes no more of them.
    pub(super) fn probe(&self, context: &Arc<Context>, batch: Vec<Task>) -> BoxFuture<'static, Vec<Done>> {
        let (reader, is_far, context) = (self.reader.clone(), Arc::clone(&self.is_far), Arc::clone(context));
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (still, lost) = (Arc::clone(&wanted.0), batch.clone());
        let (url, work_context, clock) = (context.store.url(), Arc::clone(&context), self.clock);
        let work = compute::spawn(move || {
            let (begun, mut done) = (clock(), Vec::with_capacity(batch.len()));
            for task in batch {
                if !still.load(Ordering::Relaxed) {
                    break;
                }
                let node = probe_child_blocking(&work_context, &reader, &task.path, task.format);
                done.push(Done::probed(task, node));
            }
            let each = clock().saturating_duration_since(begun)
                / u32::try_from(done.len().max(1)).unwrap_or(u32::MAX);
            if each > FAR {
                is_far.store(true, Ordering::Relaxed);
            }
            done
        });
        async move {
            let _wanted = wanted;
            work.await.unwrap_or_else(|_| {
                let panicked = |task| Done::probed(task, Err(Error::Internal { url: url.clone() }));
                lost.into_iter().map(panicked).collect()
            })
        }
        .boxed()
    }
}

/// Its drop says that nobody waits for the probes any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
