//! The request log, and the counts that come from it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::{HeaderMap, Method, Version};

use super::app::{Request, decode};
use super::schedule::FaultId;
use crate::sync::lock;

/// How many requests a log keeps; the counts go on beyond it.
const KEPT: usize = 100_000;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Number of the request, from 0, in order of arrival.
    pub id: u64,
    /// Number of the connection it came over, from 0, in order of acceptance.
    pub connection: u64,
    /// The method.
    pub method: Method,
    /// The path as it came, percent-encoded.
    pub path: String,
    /// The query as it came.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The protocol version.
    pub version: Version,
    /// When its head had been read.
    pub received: Instant,
    /// When the answer's head was handed out.
    pub answered: Option<Instant>,
    /// When the answer's body had ended or been given up.
    pub finished: Option<Instant>,
    /// The status that was sent.
    pub status: Option<u16>,
    /// The fault that hit it.
    pub fault: Option<FaultId>,
    /// Length of the request's body.
    pub bytes_received: usize,
    /// Bytes of the answer's body that were handed out.
    pub bytes_sent: u64,
    /// What the server has to say about it, such as the header that it does not know.
    pub note: Option<String>,
}

impl Logged {
    /// The path, decoded.
    pub fn decoded_path(&self) -> String {
        decode(&self.path)
    }

    /// The header `name` as text; `None` if it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        write!(
            f,
            "#{} c{} {} {}{query} {status}",
            self.id, self.connection, self.method, self.path
        )?;
        write!(f, " in={} out={}", self.bytes_received, self.bytes_sent)?;
        if let Some(range) = self.header("range") {
            write!(f, " range={range}")?;
        }
        if let Some(finished) = self.finished {
            write!(
                f,
                " {:.1}ms",
                finished.duration_since(self.received).as_secs_f64() * 1e3
            )?;
        }
        if let Some(fault) = self.fault {
            write!(f, " {fault:?}")?;
        }
        self.note.as_ref().map_or(Ok(()), |note| write!(f, " [{note}]"))
    }
}

/// Called with each request when it has ended.
pub type Observer = Arc<dyn Fn(&Logged) + Send + Sync>;

#[derive(Default)]
struct State {
    first: u64,
    entries: VecDeque<Logged>,
    since_clear: u64,
    in_flight: usize,
    max_in_flight: usize,
}

/// The log of one server.
#[derive(Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    observer: Option<Observer>,
}

impl Log {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self {
            state: Mutex::default(),
            observer,
        }
    }

    /// Enters a request; it counts as in flight until the ticket is dropped.
    pub(crate) fn enter(self: &Arc<Self>, connection: u64, request: &Request) -> Ticket {
        let mut state = lock(&self.state);
        let id = state.first + state.entries.len() as u64;
        state.entries.push_back(Logged {
            id,
            connection,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            version: request.version,
            received: Instant::now(),
            answered: None,
            finished: None,
            status: None,
            fault: None,
            bytes_received: 0,
            bytes_sent: 0,
            note: None,
        });
        if state.entries.len() > KEPT {
            state.entries.pop_front();
            state.first += 1;
        }
        state.since_clear += 1;
        state.in_flight += 1;
        state.max_in_flight = state.max_in_flight.max(state.in_flight);
        Ticket {
            id,
            log: Arc::clone(self),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Logged> {
        lock(&self.state).entries.iter().cloned().collect()
    }

    pub(crate) fn requests(&self) -> u64 {
        lock(&self.state).since_clear
    }

    pub(crate) fn in_flight(&self) -> usize {
        lock(&self.state).in_flight
    }

    pub(crate) fn max_in_flight(&self) -> usize {
        lock(&self.state).max_in_flight
    }

    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        state.first += state.entries.len() as u64;
        state.entries.clear();
        state.since_clear = 0;
        state.max_in_flight = state.in_flight;
    }
}

/// A request in flight.
pub(crate) struct Ticket {
    id: u64,
    log: Arc<Log>,
}

impl Ticket {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Logged)) {
        let mut state = lock(&self.log.state);
        let Some(index) = self.id.checked_sub(state.first) else {
            return;
        };
        if let Some(entry) = usize::try_from(index)
            .ok()
            .and_then(|index| state.entries.get_mut(index))
        {
            change(entry);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut ended = None;
        self.update(|entry| {
            entry.finished = Some(Instant::now());
            ended = Some(entry.clone());
        });
        lock(&self.log.state).in_flight -= 1;
        if let (Some(observer), Some(entry)) = (&self.log.observer, &ended) {
            observer(entry);
        }
    }
}
