//! Streams through a session: pumped on the I/O thread, with a short queue to the consumer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::future::Either;
use futures::stream::BoxStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::call::{Call, CallKind, Waiter};
use super::inline::Inline;
use super::lease::LeaseHandle;
use crate::error::{Error, Result};
use crate::path::Path;

/// Items that a stream may be ahead of its consumer.
const READ_AHEAD: usize = 2;

/// Sends what is known of a stream before its first item; with that its call gives its permit back.
#[derive(Debug)]
pub struct HeadSender<H> {
    head: oneshot::Sender<H>,
    _permit: OwnedSemaphorePermit,
}

impl<H> HeadSender<H> {
    /// Sends the head.
    pub fn send(self, head: H) {
        // A consumer that went away is noticed by the next item.
        let _ = self.head.send(head);
    }
}

/// Where a stream's items go.
#[derive(Debug)]
pub struct Sink<T> {
    items: mpsc::Sender<Result<T>>,
    call: Arc<Call>,
}

impl<T: Send> Sink<T> {
    /// Hands an item to the consumer; while it waits for one it is parked, so that a close does not wait for it.
    ///
    /// # Errors
    /// [`Error::Closed`] if the stream was cut or its consumer went away: the work must end.
    pub async fn send(&self, item: T) -> Result<()> {
        let gone = || self.call.waiter().was_cut(CallKind::Read);
        match self.items.try_send(Ok(item)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(item)) => match self.call.park(self.items.reserve()).await {
                Ok(Ok(place)) => {
                    place.send(item);
                    Ok(())
                }
                _ => Err(gone()),
            },
            Err(mpsc::error::TrySendError::Closed(_)) => Err(gone()),
        }
    }
}

/// The consumer's end.
struct Tail<T> {
    items: mpsc::Receiver<Result<T>>,
    finished: Arc<AtomicBool>,
    waiter: Waiter,
    /// What produces the items, if no I/O thread does.
    pump: Option<Inline>,
    over: bool,
}

impl<T: Send + 'static> Tail<T> {
    /// The next item: after the last one either the end, or one `Closed` if the stream was cut.
    async fn next(&mut self) -> Option<Result<T>> {
        if self.over {
            return None;
        }
        let item = drive(&mut self.pump, self.items.recv()).await;
        match &item {
            Some(Ok(_)) => item,
            Some(Err(_)) => {
                self.over = true;
                item
            }
            None => {
                self.over = true;
                let cut = !self.finished.load(Ordering::Acquire);
                cut.then(|| Err(self.waiter.was_cut(CallKind::Read)))
            }
        }
    }
}

/// Awaits `wait`, and moves `pump` on meanwhile.
async fn drive<O>(pump: &mut Option<Inline>, wait: impl Future<Output = O> + Send) -> O {
    let Some(pumping) = pump else { return wait.await };
    let wait = std::pin::pin!(wait);
    match futures::future::select(wait, pumping).await {
        Either::Left((output, _)) => output,
        Either::Right(((), wait)) => {
            *pump = None;
            wait.await
        }
    }
}

/// Opens a stream: see [`LeaseHandle::open_stream`].
pub(super) async fn open<C, H, T, F, W>(
    lease: &LeaseHandle<C>,
    op: &'static str,
    path: &Path,
    work: W,
) -> Result<(H, BoxStream<'static, Result<T>>)>
where
    C: Send + Sync + 'static,
    H: Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
    W: FnOnce(Arc<C>, HeadSender<H>, Sink<T>) -> F + Send + 'static,
{
    let call = lease.core.begin(&lease.shared, op, path)?;
    let permit = call.start().await?;
    let waiter = call.waiter();
    let (head, headed) = oneshot::channel();
    let head = HeadSender {
        head,
        _permit: permit,
    };
    let (sender, items) = mpsc::channel(READ_AHEAD);
    let finished = Arc::new(AtomicBool::new(false));

    let slot = Arc::clone(&call);
    let job_finished = Arc::clone(&finished);
    let job = move |client: Result<Arc<C>, Error>| async move {
        let sink = Sink {
            items: sender.clone(),
            call: Arc::clone(&call),
        };
        let done = match client {
            Ok(client) => {
                call.drive(async move { work(client, head, sink).await }, sender.closed())
                    .await
            }
            Err(error) => {
                drop((head, sink));
                Some(Err(error))
            }
        };
        match done {
            Some(Ok(())) => job_finished.store(true, Ordering::Release),
            // An error has to wait for its place like an item; a cut does not wait.
            Some(Err(error)) => {
                if let Ok(Ok(place)) = call.park(sender.reserve()).await {
                    job_finished.store(true, Ordering::Release);
                    place.send(Err(error));
                }
            }
            None => {}
        }
        drop((sender, call));
    };

    let pump = match lease.threads.local() {
        Some(client) => {
            let pump = Inline::new(job(Ok(client)));
            slot.lies_in(pump.slot());
            Some(pump)
        }
        None => {
            let refusal = waiter.clone();
            lease
                .threads
                .runtime(&lease.core, &waiter)?
                .submit(move |client| job(client.map_err(|error| refusal.no_client(error))));
            None
        }
    };
    drop(slot);
    let mut tail = Tail {
        items,
        finished,
        waiter,
        pump,
        over: false,
    };
    let waiter = tail.waiter.clone();
    let head = tokio::select! {
        biased;
        head = drive(&mut tail.pump, headed) => head,
        () = waiter.cancelled() => return Err(waiter.was_cut(CallKind::Read)),
    };
    let Ok(head) = head else {
        // No head: the work failed, or was cut, before it had one.
        return Err(match tail.next().await {
            Some(Err(error)) => error,
            Some(Ok(_)) | None => waiter.backend("the stream ended before it began"),
        });
    };
    let items = futures::stream::unfold(tail, |mut tail| async move {
        let item = tail.next().await?;
        Some((item, tail))
    });
    Ok((head, items.boxed()))
}

/// A stream without a head, opened at its first poll.
pub(super) fn lazy<C, T, F, W>(
    lease: LeaseHandle<C>,
    op: &'static str,
    path: Path,
    work: W,
) -> BoxStream<'static, Result<T>>
where
    C: Send + Sync + 'static,
    T: Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
    W: FnOnce(Arc<C>, Sink<T>) -> F + Send + 'static,
{
    futures::stream::once(async move {
        let opened = open(&lease, op, &path, move |client, head: HeadSender<()>, sink| {
            head.send(());
            work(client, sink)
        });
        match opened.await {
            Ok(((), items)) => items,
            Err(error) => futures::stream::once(async move { Err(error) }).boxed(),
        }
    })
    .flatten()
    .boxed()
}
