//! Streams through a session: pumped on the I/O thread, with a short queue to the consumer.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use futures::StreamExt;
use futures::future::Either;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};

use super::call::{Call, CallKind, Waiter};
use super::core::Core;
use super::inline::Inline;
use super::lease::LeaseHandle;
use super::state::Refused;
use crate::error::{Error, Result};
use crate::path::Path;

/// Items that a stream may be ahead of its consumer.
const READ_AHEAD: usize = 2;

/// Sends what is known of a stream before its first item; with that its call gives its permit back.
#[derive(Debug)]
pub struct HeadSender<H> {
    head: oneshot::Sender<H>,
    gives_back: GivesBack,
}

/// Gives a call's permit back when it is dropped.
#[derive(Debug)]
struct GivesBack(Arc<Call>);

impl Drop for GivesBack {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl<H> HeadSender<H> {
    /// Sends the head, which a server gave.
    pub fn send(self, head: H) {
        self.gives_back.0.accepted();
        self.send_unasked(head);
    }

    /// Sends a head for which no server was asked.
    fn send_unasked(self, head: H) {
        // A consumer that went away is noticed by the next item.
        let _ = self.head.send(head);
        drop(self.gives_back);
    }
}

/// Where a stream's items go.
#[derive(Debug)]
pub struct Sink<T> {
    items: mpsc::Sender<Result<T>>,
    call: Arc<Call>,
    /// Whether it is the consumer who moves the work on; then the call is parked whenever he is away.
    is_inline: bool,
}

impl<T: Send> Sink<T> {
    /// Hands an item to the consumer; while it waits for him the call is parked, so that a close does not wait for it.
    ///
    /// # Errors
    /// [`Error::Closed`] if the stream was cut or its consumer went away: the work must end.
    pub async fn send(&self, item: T) -> Result<()> {
        let gone = || self.call.waiter().was_cut();
        match self.items.try_send(Ok(item)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(item)) => {
                self.place().await.ok_or_else(gone)?.send(item);
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(gone()),
        }
    }
}

impl<T: Send> Sink<T> {
    /// A place in the queue; `None` if the stream was cut or its consumer went away.
    async fn place(&self) -> Option<mpsc::Permit<'_, Result<T>>> {
        let place = self.items.reserve();
        if self.is_inline {
            return self.call.unless_cut(place).await?.ok();
        }
        self.call.park(place).await.ok()?.ok()
    }
}

/// The consumer's end.
struct Tail<T> {
    items: mpsc::Receiver<Result<T>>,
    finished: Arc<AtomicBool>,
    waiter: Waiter,
    /// What produces the items, if no I/O thread does.
    pump: Option<Inline>,
    /// The call, if it is `pump` that works for it.
    inline: Weak<Call>,
    paused: bool,
    over: bool,
    core: Arc<Core>,
}

impl<T: Send + 'static> Tail<T> {
    /// The next item: after the last one either the end, or one `Closed` if the stream was cut.
    async fn next(&mut self) -> Option<Result<T>> {
        if self.over {
            return None;
        }
        if !self.core.is_forked() {
            self.resume();
        }
        let item = drive(&mut self.pump, self.items.recv());
        let forked = || Some(Err(self.waiter.forked()));
        let item = self.core.unless_forked(item, forked).await;
        match &item {
            Some(Ok(_)) => {
                self.pause();
                item
            }
            Some(Err(_)) => {
                self.over = true;
                item
            }
            None => {
                self.over = true;
                let cut = !self.finished.load(Ordering::Acquire);
                cut.then(|| Err(self.waiter.was_cut()))
            }
        }
    }
}

impl<T> Tail<T> {
    /// The consumer takes what he has and goes: nobody moves an inline call on now.
    fn pause(&mut self) {
        if let Some(call) = self.inline.upgrade() {
            match call.pause() {
                Ok(paused) => self.paused = paused,
                // Its lease closes: it is cut, as one that waits for its consumer.
                Err(Refused) => self.pump = None,
            }
        }
    }

    fn resume(&mut self) {
        if std::mem::take(&mut self.paused)
            && let Some(call) = self.inline.upgrade()
            && call.resume().is_err()
        {
            self.pump = None;
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
    let call = lease.core.begin(&lease.shared, op, path, CallKind::Read)?;
    let is_inline = lease.threads.local().is_some();
    let has_started = if is_inline {
        call.start_inline().await?;
        true
    } else {
        call.start_if_free()?
    };
    let waiter = call.waiter();
    let (head, headed) = oneshot::channel();
    let (sender, items) = mpsc::channel(READ_AHEAD);
    let finished = Arc::new(AtomicBool::new(false));

    let slot = Arc::clone(&call);
    let core = Arc::clone(&lease.core);
    let job_finished = Arc::clone(&finished);
    let job = move |client: Result<Arc<C>, Error>| async move {
        let sink = || Sink {
            items: sender.clone(),
            call: Arc::clone(&call),
            is_inline,
        };
        let error_sink = sink();
        let sink = sink();
        let started = if has_started {
            Ok(())
        } else {
            // Waited for here, whether the caller polls or not.
            tokio::select! {
                biased;
                () = sender.closed() => return,
                started = call.start() => started,
            }
        };
        let head = HeadSender {
            head,
            gives_back: GivesBack(Arc::clone(&call)),
        };
        let done = match started.and(client) {
            Ok(client) => {
                let work = async move {
                    if is_inline {
                        core.pass_stall().await;
                    }
                    work(client, head, sink).await
                };
                call.drive(work, sender.closed()).await
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
                if let Some(place) = error_sink.place().await {
                    job_finished.store(true, Ordering::Release);
                    place.send(Err(error));
                }
            }
            None => {}
        }
        drop((sender, error_sink, call));
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
    let inline = if is_inline {
        Arc::downgrade(&slot)
    } else {
        Weak::new()
    };
    drop(slot);
    let mut tail = Tail {
        items,
        finished,
        waiter,
        pump,
        inline,
        paused: false,
        over: false,
        core: Arc::clone(&lease.core),
    };
    let waiter = tail.waiter.clone();
    let head = tokio::select! {
        biased;
        head = drive(&mut tail.pump, headed) => head,
        () = waiter.cancelled() => return Err(waiter.was_cut()),
    };
    let Ok(head) = head else {
        // No head: the work failed, or was cut, before it had one.
        return Err(match tail.next().await {
            Some(Err(error)) => error,
            Some(Ok(_)) | None => waiter.backend("the stream ended before it began"),
        });
    };
    tail.pause();
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
        let opened = lease.open_stream(op, &path, move |client, head: HeadSender<()>, sink| {
            head.send_unasked(());
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
