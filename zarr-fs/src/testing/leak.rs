//! The leak probe: what this process holds of the operating system, by `/proc`.
//!
//! Such counts are of the whole process, so a test that takes them runs in a child process
//! ([`in_child`](super::in_child)). On systems without `/proc` a probe sees nothing, and the cases that need one are ignored.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// How long what is not the session's own may take to go: the sockets of a server that learns of a close, idle threads of a
/// blocking pool (clause f: within 100 ms; four times that, for a busy machine).
const SETTLE: Duration = Duration::from_millis(400);

/// A TCP socket of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Socket {
    /// Its port here.
    pub local_port: u16,
    /// The port it is connected, or connecting, to.
    pub remote_port: u16,
    /// The state as the kernel numbers it (1 established, 2 connecting, 10 listening).
    pub state: u8,
}

/// What this process holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The sockets, by inode; `None` for one that is in no TCP table (not connected, or of another kind).
    pub sockets: BTreeMap<u64, Option<Socket>>,
    /// What each descriptor is.
    pub descriptors: BTreeMap<i32, String>,
    /// The names of the threads, by id.
    pub threads: BTreeMap<u32, String>,
}

impl Snapshot {
    /// Looks.
    #[must_use]
    pub fn take() -> Self {
        let descriptors: BTreeMap<i32, String> = entries("/proc/self/fd")
            .filter_map(|(number, place)| {
                let target = std::fs::read_link(place).ok()?;
                Some((number.parse().ok()?, target.to_string_lossy().into_owned()))
            })
            // The one by which this was read.
            .filter(|(_, target)| !target.starts_with("/proc/"))
            .collect();
        let mut tables = table("/proc/self/net/tcp");
        tables.extend(table("/proc/self/net/tcp6"));
        let sockets = descriptors
            .values()
            .filter_map(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
            .map(|inode| (inode, tables.remove(&inode)))
            .collect();
        let threads = entries("/proc/self/task")
            .filter_map(|(id, place)| {
                let name = std::fs::read_to_string(format!("{place}/comm")).ok()?;
                Some((id.parse().ok()?, name.trim_end().to_owned()))
            })
            .collect();
        Self {
            sockets,
            descriptors,
            threads,
        }
    }

    /// The sockets that are connected, or connecting, to one of these ports.
    #[must_use]
    pub fn sockets_to(&self, ports: &[u16]) -> usize {
        let known = self.sockets.values().flatten();
        known.filter(|socket| ports.contains(&socket.remote_port)).count()
    }

    /// The threads whose name begins so.
    #[must_use]
    pub fn threads_named(&self, prefix: &str) -> usize {
        self.threads
            .values()
            .filter(|name| name.starts_with(prefix))
            .count()
    }

    /// All threads but the suite's own, which come and go with its calls.
    fn sessions_threads(&self) -> usize {
        self.threads.len() - self.threads_named(super::run::POOL)
    }

    /// Descriptors of event queues and timers: those that a runtime holds, and no server gives and takes.
    fn runtime_descriptors(&self) -> usize {
        self.descriptors
            .values()
            .filter(|target| target.starts_with("anon_inode:"))
            .count()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sockets {:?}", self.sockets)?;
        writeln!(f, "descriptors {:?}", self.descriptors)?;
        write!(f, "threads {:?}", self.threads)
    }
}

/// Fails unless a session that was closed left nothing, compared with `start`. To be called at the moment its close returns.
///
/// At once: no socket to one of `ports` (where the servers listen), no thread of ours, no descriptor of a runtime. Then the
/// rest, servers' sockets included, is back where it was.
///
/// # Panics
/// If something is left.
#[track_caller]
pub fn assert_no_leak(start: &Snapshot, ports: &[u16]) {
    let now = Snapshot::take();
    assert_eq!(now.sockets_to(ports), 0, "sockets are open after close:\n{now}");
    assert_eq!(now.threads_named("zarr-"), 0, "threads run after close:\n{now}");
    assert!(
        now.runtime_descriptors() <= start.runtime_descriptors(),
        "a runtime is there after close:\n{now}\nat the start:\n{start}"
    );
    assert_settled(start);
}

/// Fails unless descriptors and threads come back to where they were at `start`, soon.
///
/// # Panics
/// If they do not.
#[track_caller]
pub fn assert_settled(start: &Snapshot) {
    let limit = Instant::now() + SETTLE;
    loop {
        let now = Snapshot::take();
        let is_back = now.sockets.len() <= start.sockets.len()
            && now.descriptors.len() <= start.descriptors.len()
            && now.sessions_threads() <= start.sessions_threads();
        if is_back {
            return;
        }
        assert!(
            Instant::now() < limit,
            "more is held than at the start:\n{now}\nat the start:\n{start}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The names in a folder of `/proc`, and their places.
fn entries(folder: &str) -> impl Iterator<Item = (String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some((name, entry.path().to_str()?.to_owned()))
    })
}

/// A table of TCP sockets, by inode.
fn table(place: &str) -> BTreeMap<u64, Socket> {
    let text = std::fs::read_to_string(place).unwrap_or_default();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let port = |column: usize| u16::from_str_radix(columns.get(column)?.rsplit_once(':')?.1, 16).ok();
        let socket = Socket {
            local_port: port(1)?,
            remote_port: port(2)?,
            state: u8::from_str_radix(columns.get(3)?, 16).ok()?,
        };
        Some((columns.get(9)?.parse().ok()?, socket))
    };
    text.lines().skip(1).filter_map(row).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_socket_is_seen_by_its_port_until_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(Snapshot::take().sockets_to(&[port]), 0);
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let server = listener.accept().unwrap().0;
        let open = Snapshot::take();
        assert_eq!(
            open.sockets_to(&[port]),
            1,
            "the client's end, not the server's: {open}"
        );
        drop(client);
        assert_eq!(Snapshot::take().sockets_to(&[port]), 0);
        drop(server);
    }

    #[test]
    fn a_thread_is_seen_by_its_name() {
        let (go_on, told) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("probed-thread".to_owned())
            .spawn(move || told.recv())
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(10);
        while Snapshot::take().threads_named("probed-") == 0 {
            assert!(Instant::now() < limit, "never seen");
        }
        drop(go_on);
        let _ = thread.join();
    }
}
