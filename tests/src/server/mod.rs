//! What the in-process servers share: a thread each, faults, a log, counts, rounds, TLS.

mod app;
mod body;
mod condition;
mod conn;
mod fault;
mod gate;
mod log;
mod range;
mod run;
mod schedule;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use app::decode;
pub use app::{Answer, App, Framing, Request};
pub(crate) use condition::Validators;
pub(crate) use conn::{Connections, Control, Counted};
pub use fault::{At, Break, Fault};
pub use gate::RoundGate;
pub use log::{Logged, Observer};
pub(crate) use range::{Ranged, ranged};
pub(crate) use run::bind;
pub use schedule::{FaultId, Faults, When};
pub use tls::TestCa;

use crate::sync::lock;
use gate::Gate;
use log::Log;

/// Which protocols a server speaks. Over TLS it offers them by ALPN, else it sees them from the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2.
    #[default]
    Both,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
}

/// How a server runs, whatever it serves.
#[derive(Clone, Default)]
pub struct ServerOptions {
    tls: Option<(TestCa, Vec<String>)>,
    protocol: Protocol,
    delay: Duration,
    threads: usize,
    port: u16,
    observer: Option<Observer>,
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tls,
            protocol,
            delay,
            threads,
            port,
            observer: _,
        } = self;
        let tls = tls.is_some();
        write!(
            f,
            "ServerOptions {{ tls: {tls}, {protocol:?}, delay: {delay:?}, threads: {threads}, port: {port} }}"
        )
    }
}

impl ServerOptions {
    /// TLS with a certificate of `ca` for `127.0.0.1`, `::1` and `localhost`.
    #[must_use]
    pub fn tls(self, ca: &TestCa) -> Self {
        self.tls_for(ca, &["127.0.0.1", "::1", "localhost"])
    }

    /// TLS with a certificate of `ca` for these names.
    #[must_use]
    pub fn tls_for(mut self, ca: &TestCa, names: &[&str]) -> Self {
        self.tls = Some((ca.clone(), names.iter().map(|&name| name.to_owned()).collect()));
        self
    }

    /// The protocols. Default: both.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// A delay before each answer, as a far server has. Default: none.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Worker threads of the server. Default: 0, all on its one thread.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// A fixed port. Default: one that is free. For use by hand only.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Is told of each request when it has ended.
    #[must_use]
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }
}

/// What the thread of a server and its handle share.
pub(crate) struct Shared {
    app: Arc<dyn App>,
    scheme: &'static str,
    log: Arc<Log>,
    faults: Faults,
    gate: Gate,
    connections: Arc<Connections>,
    delay: Mutex<Duration>,
}

/// A running server. It lives on a thread and a runtime of its own, so that any test on any executor can use it; dropping it
/// stops it and closes all its connections.
pub struct Server {
    shared: Arc<Shared>,
    addr: SocketAddr,
    ca: Option<TestCa>,
    listening: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.url())
    }
}

impl Server {
    /// Starts a server for `app` and returns when it accepts connections.
    ///
    /// # Panics
    /// If no socket can be bound or no thread started.
    #[track_caller]
    pub fn start(app: Arc<dyn App>, options: ServerOptions) -> Self {
        let listener = run::bind(options.port).expect("a local socket can be bound");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            app,
            scheme: if options.tls.is_some() { "https" } else { "http" },
            log: Arc::new(Log::new(options.observer)),
            faults: Faults::default(),
            gate: Gate::default(),
            connections: Arc::default(),
            delay: Mutex::new(options.delay),
        });
        let ca = options.tls.as_ref().map(|(ca, _)| ca.clone());
        let tls = options.tls.map(|(ca, names)| {
            let alpn: &[&[u8]] = match options.protocol {
                Protocol::Both => &[b"h2", b"http/1.1"],
                Protocol::Http1 => &[b"http/1.1"],
                Protocol::Http2 => &[b"h2"],
            };
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            ca.server_config(&names, alpn)
        });
        let (stop, stopped) = watch::channel(false);
        let (listening, listens) = watch::channel(true);
        let serve = run::Serve {
            listener,
            shared: Arc::clone(&shared),
            tls,
            protocol: options.protocol,
            threads: options.threads,
            stopped,
            listens,
        };
        let thread = std::thread::Builder::new()
            .name("test-server".to_owned())
            .spawn(move || serve.run());
        let thread = Some(thread.expect("a thread can be started"));
        Self {
            shared,
            addr,
            ca,
            listening,
            stop,
            thread,
        }
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its URL, without a trailing slash: `http://127.0.0.1:port`, or `https`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme, self.addr)
    }

    /// The authority that signed its certificate, if it speaks TLS.
    pub fn ca(&self) -> Option<&TestCa> {
        self.ca.as_ref()
    }

    /// The schedule of faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests so far, in order of arrival (the last 100,000).
    pub fn log(&self) -> Vec<Logged> {
        self.shared.log.entries()
    }

    /// Forgets the requests so far; `requests` starts at 0 again and `max_in_flight` at what is in flight now.
    pub fn clear_log(&self) {
        self.shared.log.clear();
    }

    /// How many requests have arrived since the start or the last `clear_log`.
    pub fn requests(&self) -> u64 {
        self.shared.log.requests()
    }

    /// How many requests are being answered, their bodies included.
    pub fn in_flight(&self) -> usize {
        self.shared.log.in_flight()
    }

    /// The most requests that were in flight at one time.
    pub fn max_in_flight(&self) -> usize {
        self.shared.log.max_in_flight()
    }

    /// Waits until exactly `count` requests are in flight; says whether it came so far.
    pub fn wait_for_in_flight(&self, count: usize, limit: Duration) -> bool {
        crate::sync::wait_until(limit, || self.in_flight() == count)
    }

    /// Connections that are open now, counted by the server.
    pub fn open_connections(&self) -> usize {
        self.shared.connections.open()
    }

    /// Connections accepted since the start.
    pub fn accepted_connections(&self) -> u64 {
        self.shared.connections.accepted()
    }

    /// Waits until exactly `count` connections are open. It blocks its thread: a client whose runtime is this thread does nothing
    /// meanwhile, which is what a test of `close` wants, and what any other test avoids with a multi-threaded runtime.
    ///
    /// # Errors
    /// The number that was open when the limit had passed.
    pub fn wait_for_connections(&self, count: usize, limit: Duration) -> Result<(), usize> {
        self.shared.connections.wait(count, limit)
    }

    /// Asserts that no connection is left open by a process that has ended: the server learns of that when its thread gets its
    /// turn.
    ///
    /// # Panics
    /// If one is.
    #[track_caller]
    pub fn assert_nothing_open(&self) {
        assert_eq!(self.wait_for_connections(0, Duration::from_millis(500)), Ok(()));
    }

    /// Resets or closes all connections that are open now, idle ones too; the server goes on.
    pub fn end_connections(&self, how: Break) {
        self.shared.connections.end_all(how);
    }

    /// Changes the delay before each answer.
    pub fn set_delay(&self, delay: Duration) {
        *lock(&self.shared.delay) = delay;
    }

    /// Holds requests from now on and counts rounds, from 0.
    pub fn gate(&self, gate: RoundGate) {
        self.shared.gate.set(Some(gate));
    }

    /// Lets everything pass again; the rounds so far are forgotten.
    pub fn ungate(&self) {
        self.shared.gate.set(None);
    }

    /// Rounds since the gate was set.
    pub fn rounds(&self) -> usize {
        self.waves().len()
    }

    /// How many requests each round had.
    pub fn waves(&self) -> Vec<usize> {
        self.shared.gate.waves()
    }

    /// Stops listening: new connections are refused, open ones go on.
    pub fn refuse(&self) {
        self.listening.send_replace(false);
        let gone = || std::net::TcpStream::connect(self.addr).is_err();
        crate::sync::wait_until(Duration::from_secs(5), gone);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic on the server's thread has been printed there.
            drop(thread.join());
        }
    }
}
