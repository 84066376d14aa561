//! A TCP proxy with faults, for any server and any protocol.
//!
//! Delays do not eat bandwidth: each direction is a queue of (deadline, bytes), so that a megabyte over a link of 50 ms arrives
//! 50 ms late and not 50 ms per packet.

mod pump;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::random::Random;
use crate::server::{Connections, Counted, bind};
use crate::sync::{lock, wait_until};

/// What a connection through the proxy is like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    up: Duration,
    down: Duration,
    bandwidth: Option<u64>,
    fate: Fate,
}

/// How a connection through the proxy ends, or does not. Bytes are those that the client has received on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// Nothing happens to it.
    #[default]
    Pass,
    /// It is reset (RST) as soon as it has been accepted, before a byte reaches the server.
    Refuse,
    /// It is reset (RST) after so many bytes.
    ResetAfter(u64),
    /// It is closed (FIN) after so many bytes.
    CloseAfter(u64),
    /// Nothing more reaches the client after so many bytes, and it stays open until the client closes it.
    StallAfter(u64),
    /// After so many bytes, the rest comes one byte at a time, so often.
    DripAfter(u64, Duration),
}

impl Link {
    /// A perfect link.
    pub fn new() -> Self {
        Self::default()
    }

    /// A link with this time there and back: half of it each way.
    pub fn round_trip(time: Duration) -> Self {
        Self {
            up: time / 2,
            down: time / 2,
            ..Self::default()
        }
    }

    /// A link with this fate.
    pub fn fate(fate: Fate) -> Self {
        Self {
            fate,
            ..Self::default()
        }
    }

    /// Bytes per second towards the client.
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second.max(1));
        self
    }

    /// The same link with a fate.
    #[must_use]
    pub fn with_fate(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }
}

/// Random fates for a soak: the same seed, the same sequence over the connections as they are accepted.
#[derive(Debug, Clone)]
pub struct RandomFates {
    random: Random,
    probability: f64,
    max_bytes: u64,
    max_delay: Duration,
}

impl RandomFates {
    /// Each connection meets with a fault with this probability, after up to `max_bytes`; each has a delay of up to `max_delay`
    /// there and back.
    pub fn new(seed: u64, probability: f64, max_bytes: u64, max_delay: Duration) -> Self {
        Self {
            random: Random::new(seed),
            probability,
            max_bytes,
            max_delay,
        }
    }

    fn draw(&mut self) -> Link {
        let link = Link::round_trip(self.max_delay.mul_f64(self.random.unit()));
        if self.random.unit() >= self.probability {
            return link;
        }
        let after = self.random.next() % self.max_bytes.max(1);
        link.with_fate(match self.random.below(5) {
            0 => Fate::Refuse,
            1 => Fate::ResetAfter(after),
            2 => Fate::CloseAfter(after),
            3 => Fate::StallAfter(after),
            _ => Fate::DripAfter(after, Duration::from_millis(5)),
        })
    }
}

struct Shared {
    target: SocketAddr,
    usual: Mutex<Link>,
    next: Mutex<VecDeque<Link>>,
    random: Mutex<Option<RandomFates>>,
    connections: Arc<Connections>,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

impl Shared {
    fn link(&self) -> Link {
        if let Some(link) = lock(&self.next).pop_front() {
            return link;
        }
        match &mut *lock(&self.random) {
            Some(random) => random.draw(),
            None => lock(&self.usual).clone(),
        }
    }
}

/// A running proxy; dropping it closes all that goes through it.
pub struct FaultProxy {
    shared: Arc<Shared>,
    addr: SocketAddr,
    listening: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultProxy({} -> {})", self.addr, self.shared.target)
    }
}

impl FaultProxy {
    /// Starts a proxy to `target` that lets everything pass.
    ///
    /// # Panics
    /// If no socket can be bound or no thread started.
    #[track_caller]
    pub fn start(target: SocketAddr) -> Self {
        let listener = bind(0).expect("a local socket can be bound");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            target,
            usual: Mutex::default(),
            next: Mutex::default(),
            random: Mutex::default(),
            connections: Arc::default(),
            bytes_up: AtomicU64::new(0),
            bytes_down: AtomicU64::new(0),
        });
        let (stop, mut stopped) = watch::channel(false);
        let (listening, listens) = watch::channel(true);
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("test-proxy".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime can be built").block_on(async {
                    tokio::select! {
                        () = accept(listener, served, listens) => {}
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                    }
                });
            });
        let thread = Some(thread.expect("a thread can be started"));
        Self {
            shared,
            addr,
            listening,
            stop,
            thread,
        }
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `url` with its host and port replaced by the proxy's. Certificates for `127.0.0.1` go on being right.
    ///
    /// # Panics
    /// If `url` does not name the target.
    pub fn url(&self, url: &str) -> String {
        let target = self.shared.target.to_string();
        assert!(url.contains(&target), "{url} is not at {target}");
        url.replacen(&target, &self.addr.to_string(), 1)
    }

    /// What connections are like from now on, unless told otherwise.
    pub fn set(&self, link: Link) {
        *lock(&self.shared.usual) = link;
    }

    /// What the next `times` connections are like; several calls queue up.
    pub fn next(&self, link: &Link, times: usize) {
        lock(&self.shared.next).extend(std::iter::repeat_n(link.clone(), times));
    }

    /// Draws the fate of each connection from now on; `None` ends that.
    pub fn random(&self, fates: Option<RandomFates>) {
        *lock(&self.shared.random) = fates;
    }

    /// Clients' connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.shared.connections.open()
    }

    /// Clients' connections accepted since the start.
    pub fn accepted_connections(&self) -> u64 {
        self.shared.connections.accepted()
    }

    /// Waits until exactly `count` connections are open; blocks its thread.
    ///
    /// # Errors
    /// The number that was open when the limit had passed.
    pub fn wait_for_connections(&self, count: usize, limit: Duration) -> Result<(), usize> {
        self.shared.connections.wait(count, limit)
    }

    /// Bytes passed to the server and to the clients.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.shared.bytes_up.load(Ordering::Relaxed),
            self.shared.bytes_down.load(Ordering::Relaxed),
        )
    }

    /// Stops listening: new connections are refused, open ones go on.
    pub fn refuse(&self) {
        self.listening.send_replace(false);
        wait_until(Duration::from_secs(5), || {
            std::net::TcpStream::connect(self.addr).is_err()
        });
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic on the proxy's thread has been printed there.
            drop(thread.join());
        }
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>, mut listens: watch::Receiver<bool>) {
    let listener = TcpListener::from_std(listener).expect("the socket is non-blocking");
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = listens.wait_for(|listens| !listens) => break,
        };
        let Ok((client, _)) = accepted else { continue };
        drop(client.set_nodelay(true));
        let client = Counted::new(client, &shared.connections);
        connections.spawn(pass(client, Arc::clone(&shared)));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    std::future::pending::<()>().await;
}

async fn pass(client: Counted, shared: Arc<Shared>) {
    let link = shared.link();
    let control = client.control();
    if link.fate == Fate::Refuse {
        control.end(crate::Break::Reset);
        return;
    }
    let Ok(server) = TcpStream::connect(shared.target).await else {
        control.end(crate::Break::Reset);
        return;
    };
    drop(server.set_nodelay(true));
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = server.into_split();
    let (up, down) = (pump::Course::plain(link.up), pump::Course::of(&link));
    let up = pump::pump(from_client, to_server, up, &control, &shared.bytes_up);
    let down = pump::pump(from_server, to_client, down, &control, &shared.bytes_down);
    tokio::select! {
        // The client has closed. (HTTP clients do not close one half and listen on.)
        () = up => {}
        // The server has closed, which the client has been told; or nothing passes any more.
        () = async { down.await; std::future::pending().await } => {}
        () = control.ended() => {}
    }
}
