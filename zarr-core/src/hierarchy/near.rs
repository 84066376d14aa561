//! [`Near`]: asking a store of this machine, where a document costs less than handing the question to another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use super::context::{Answer, Context};
use super::probe::probe_child_blocking;
use super::task::{Done, Task};
use crate::compute;
use crate::error::Error;
use crate::store::{Store, StoreReader};

/// Most probes that one thread makes at a time: so that a walk can be dropped soon, and shows members as they come.
const MOST_AT_ONCE: usize = 64;

/// A store whose documents take longer than this is not near: a mount of a network, better asked many things at once.
const FAR: Duration = Duration::from_millis(1);

/// Tells the time. Tests tell another one.
pub(super) type Clock = fn() -> Instant;

/// Asks for documents: of a store of this machine one after the other while the answers come quickly, for five at once take a
/// thread each, which costs more than the answers; what is left, at once. What is not wanted stays `None`.
pub(super) async fn ask<const N: usize>(
    context: &Context,
    keys: [Option<String>; N],
    clock: Clock,
) -> [Option<Answer>; N] {
    let mut answers = [const { None }; N];
    let mut left = keys
        .iter()
        .zip(&mut answers)
        .filter_map(|(key, answer)| key.as_ref().zip(Some(answer)));
    if context.store.blocking_reader().is_some() {
        let begun = clock();
        for (key, answer) in &mut left {
            *answer = Some(context.ask(key).await);
            if clock().saturating_duration_since(begun) > FAR {
                break;
            }
        }
    }
    join_all(left.map(|(key, answer)| async move { *answer = Some(context.ask(key).await) })).await;
    answers
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
