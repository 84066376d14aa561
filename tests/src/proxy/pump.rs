//! One direction of a connection: read, hold until the deadline, write, until its fate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Fate, Link};
use crate::Break;
use crate::server::Control;

/// What one read may bring.
const CHUNK: usize = 64 << 10;
/// Chunks on their way: 64 MiB at most, more than any window that a test needs.
const QUEUE: usize = 1024;

/// What a direction is like.
pub(super) struct Course {
    delay: Duration,
    bandwidth: Option<u64>,
    fate: Fate,
}

impl Course {
    pub(super) fn plain(delay: Duration) -> Self {
        Self {
            delay,
            bandwidth: None,
            fate: Fate::Pass,
        }
    }

    pub(super) fn of(link: &Link) -> Self {
        Self {
            delay: link.down,
            bandwidth: link.bandwidth,
            fate: link.fate,
        }
    }
}

/// Passes bytes on until the source ends or a fate is met.
pub(super) async fn pump(
    source: impl AsyncRead + Unpin,
    sink: impl AsyncWrite + Unpin,
    course: Course,
    control: &Control,
    count: &AtomicU64,
) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let delay = course.delay;
    tokio::join!(
        read(source, delay, sender),
        write(sink, course, receiver, control, count)
    );
}

async fn read(mut source: impl AsyncRead + Unpin, delay: Duration, queue: mpsc::Sender<(Instant, Bytes)>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        let end = !matches!(source.read_buf(&mut buffer).await, Ok(1..));
        // The empty chunk is the end; it too arrives late.
        if queue
            .send((Instant::now() + delay, buffer.split().freeze()))
            .await
            .is_err()
            || end
        {
            return;
        }
    }
}

async fn write(
    mut sink: impl AsyncWrite + Unpin,
    course: Course,
    mut queue: mpsc::Receiver<(Instant, Bytes)>,
    control: &Control,
    count: &AtomicU64,
) {
    let mut written = 0_u64;
    let mut free = Instant::now();
    while let Some((deadline, mut chunk)) = queue.recv().await {
        tokio::time::sleep_until(deadline).await;
        if chunk.is_empty() {
            // The other side may be gone already.
            drop(sink.shutdown().await);
            return;
        }
        while !chunk.is_empty() {
            let piece = chunk.split_to(next_piece(course.fate, written, chunk.len()));
            if piece.is_empty() {
                match course.fate {
                    Fate::ResetAfter(_) => return control.end(Break::Reset),
                    Fate::CloseAfter(_) => return control.end(Break::Close),
                    Fate::StallAfter(_) => return stall(queue).await,
                    Fate::DripAfter(..) | Fate::Pass | Fate::Refuse => {}
                }
            }
            if let Some(bandwidth) = course.bandwidth {
                free =
                    free.max(Instant::now()) + Duration::from_secs_f64(piece.len() as f64 / bandwidth as f64);
                tokio::time::sleep_until(free).await;
            }
            if sink.write_all(&piece).await.is_err() {
                // Its reader is gone: so is the connection.
                return control.end(Break::Close);
            }
            written += piece.len() as u64;
            count.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if let Fate::DripAfter(after, every) = course.fate
                && written > after
            {
                tokio::time::sleep(every).await;
            }
        }
    }
}

/// How many of `left` bytes go out next; none if the fate is due.
fn next_piece(fate: Fate, written: u64, left: usize) -> usize {
    let until = |after: u64| {
        usize::try_from(after.saturating_sub(written))
            .unwrap_or(usize::MAX)
            .min(left)
    };
    match fate {
        Fate::Pass | Fate::Refuse => left,
        Fate::ResetAfter(after) | Fate::CloseAfter(after) | Fate::StallAfter(after) => until(after),
        Fate::DripAfter(after, _) => until(after).max(1),
    }
}

/// Takes what comes and passes nothing on, for ever: the end comes from the other direction.
async fn stall(mut queue: mpsc::Receiver<(Instant, Bytes)>) {
    while queue.recv().await.is_some() {}
    std::future::pending::<()>().await;
}
