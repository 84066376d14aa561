//! Connections that are counted, and that a handler can end in the way it wants.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::fault::Break;
use crate::sync::lock;

/// How long an ending connection waits for its last bytes to be written.
const FLUSH_LIMIT: Duration = Duration::from_millis(50);

const OPEN: u8 = 0;
const ENDING: u8 = 1;
const RESETTING: u8 = 2;

/// How many connections a server has, and has had.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    controls: Mutex<Vec<Weak<Control>>>,
    counts: Mutex<(u64, usize)>,
    changed: Condvar,
    activity: AtomicU64,
}

impl Connections {
    pub(crate) fn accepted(&self) -> u64 {
        lock(&self.counts).0
    }

    pub(crate) fn open(&self) -> usize {
        lock(&self.counts).1
    }

    /// Grows with every accepted connection and every read that brought bytes.
    pub(crate) fn activity(&self) -> u64 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Ends all that are open now.
    pub(crate) fn end_all(&self, how: Break) {
        for control in lock(&self.controls)
            .drain(..)
            .filter_map(|control| control.upgrade())
        {
            control.end(how);
        }
    }

    /// Waits until exactly `count` are open; the number that was open instead is the error.
    pub(crate) fn wait(&self, count: usize, limit: Duration) -> Result<(), usize> {
        let end = Instant::now() + limit;
        let mut counts = lock(&self.counts);
        while counts.1 != count {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(counts.1);
            }
            counts = self
                .changed
                .wait_timeout(counts, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }

    fn enter(self: &Arc<Self>) -> (u64, Open) {
        let mut counts = lock(&self.counts);
        let id = counts.0;
        counts.0 += 1;
        counts.1 += 1;
        self.activity.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_all();
        (id, Open(Arc::clone(self)))
    }

    fn remember(&self, control: &Arc<Control>) {
        let mut controls = lock(&self.controls);
        controls.retain(|control| control.strong_count() > 0);
        controls.push(Arc::downgrade(control));
    }
}

/// One open connection, counted down when it goes.
struct Open(Arc<Connections>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.counts).1 -= 1;
        self.0.changed.notify_all();
    }
}

/// The handler's grip on its connection.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) id: u64,
    ends: Option<(SocketAddr, SocketAddr)>,
    state: AtomicU8,
    ending: Notify,
    flushed: Notify,
}

impl Control {
    /// Ends the connection once what was written so far has been handed to the kernel.
    pub(crate) fn end_after_flush(&self, how: Break) {
        let state = match how {
            Break::Reset => RESETTING,
            Break::Close => ENDING,
            Break::Stall => return,
        };
        self.state.store(state, Ordering::SeqCst);
        self.ending.notify_one();
    }

    /// Ends the connection without another byte.
    pub(crate) fn end(&self, how: Break) {
        self.end_after_flush(how);
        self.flushed.notify_one();
    }

    /// Ends the connection once the client has closed its socket, told from the kernel's table. A server that does not read sees
    /// nothing of that on the connection itself: the end waits in the client's kernel behind what is unread.
    pub(crate) async fn end_with_client(&self) {
        let mut since = Instant::now();
        while !self
            .ends
            .is_some_and(|(server, client)| is_orphan(&sockets_table(since), client, server))
        {
            since = Instant::now();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.end(Break::Close);
    }

    /// Returns when the connection is to be dropped.
    pub(crate) async fn ended(&self) {
        self.ending.notified().await;
        drop(tokio::time::timeout(FLUSH_LIMIT, self.flushed.notified()).await);
    }
}

/// A TCP stream that is counted as long as it is open. (Fields are dropped in order: first the socket, then the count.)
pub(crate) struct Counted {
    stream: TcpStream,
    control: Arc<Control>,
    open: Open,
}

impl Counted {
    pub(crate) fn new(stream: TcpStream, connections: &Arc<Connections>) -> Self {
        let (id, open) = connections.enter();
        let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
        let control = Arc::new(Control {
            id,
            ends,
            state: AtomicU8::new(OPEN),
            ending: Notify::new(),
            flushed: Notify::new(),
        });
        connections.remember(&control);
        Self {
            stream,
            control,
            open,
        }
    }

    pub(crate) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.control.state.load(Ordering::SeqCst) == RESETTING {
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.open.0.activity.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        if self.control.state.load(Ordering::SeqCst) != OPEN {
            self.control.flushed.notify_one();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The kernel's table of TCP sockets, as it was at `since` or later; empty where there is none. All who wait share one reading:
/// after thousands of connections it takes 20 ms, because each stays in the table for a minute.
fn sockets_table(since: Instant) -> Arc<str> {
    static LAST: Mutex<Option<(Instant, Arc<str>)>> = Mutex::new(None);
    let mut last = lock(&LAST);
    if let Some((begun, table)) = &*last
        && *begun >= since
    {
        return Arc::clone(table);
    }
    let begun = Instant::now();
    let table: Arc<str> = std::fs::read_to_string("/proc/self/net/tcp")
        .unwrap_or_default()
        .into();
    *last = Some((begun, Arc::clone(&table)));
    table
}

/// Whether the socket with these ends is in the kernel's table but belongs to no process, or is no longer there. Where there is no
/// such table: no.
fn is_orphan(table: &str, local: SocketAddr, remote: SocketAddr) -> bool {
    if table.is_empty() {
        return false;
    }
    let ends = format!("{} {} ", kernel_form(local), kernel_form(remote));
    let row = table.find(&ends).and_then(|at| table[at..].lines().next());
    // Behind the ends: state, queues, timer, retransmits, user, a timeout, inode.
    row.is_none_or(|row| row.split_whitespace().nth(8) == Some("0"))
}

/// An address as `/proc/net/tcp` writes it: the four bytes in the machine's order, the port.
fn kernel_form(addr: SocketAddr) -> String {
    match addr {
        SocketAddr::V4(addr) => format!(
            "{:08X}:{:04X}",
            u32::from_ne_bytes(addr.ip().octets()),
            addr.port()
        ),
        SocketAddr::V6(addr) => format!("{}:{:04X}", addr.ip(), addr.port()),
    }
}
