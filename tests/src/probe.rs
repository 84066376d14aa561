//! What this process holds: sockets by inode, descriptors, threads. Linux only; elsewhere everything is `None`.
//!
//! All of it is process-wide, so a case that counts runs in a [child](crate::child) of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::sync::wait_until;

/// The state of a TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// Connected.
    Established,
    /// Still connecting.
    SynSent,
    /// Listening.
    Listen,
    /// Any other, by the kernel's number.
    Other(u8),
}

/// A TCP socket of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The descriptor.
    pub descriptor: u32,
    /// The inode, which no two sockets share as long as both live.
    pub inode: u64,
    /// The state.
    pub state: TcpState,
    /// Its own address.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

impl Socket {
    /// Whether this process still has it, asked of the one descriptor only: takes microseconds, so it can be asked the moment
    /// after a close.
    pub fn is_open(&self) -> bool {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", self.descriptor));
        link.is_ok_and(|link| link.to_str() == Some(&format!("socket:[{}]", self.inode)))
    }
}

/// All TCP sockets of this process.
pub fn sockets() -> Option<Vec<Socket>> {
    let mut mine = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd").ok()?.flatten() {
        let descriptor = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok());
        let link = std::fs::read_link(entry.path()).ok();
        let inode = link.as_ref().and_then(|link| {
            link.to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        });
        if let (Some(descriptor), Some(inode)) = (descriptor, inode) {
            mine.insert(inode, descriptor);
        }
    }
    // The kernel hands its tables out in pieces, and a table that changes meanwhile may repeat a row or leave one out: two
    // readings together, each socket once, and of them those that are still there.
    let mut sockets = BTreeMap::new();
    for table in [
        "/proc/self/net/tcp",
        "/proc/self/net/tcp6",
        "/proc/self/net/tcp",
        "/proc/self/net/tcp6",
    ] {
        // A machine without IPv6 has no second table.
        let Ok(table) = std::fs::read_to_string(table) else {
            continue;
        };
        let rows = table.lines().skip(1).filter_map(|row| parse_row(row, &mine));
        sockets.extend(rows.map(|socket| (socket.inode, socket)));
    }
    Some(sockets.into_values().filter(Socket::is_open).collect())
}

/// The sockets of this process that are connected, or connecting, to one of these ports: what a client holds. The server's ends,
/// if it runs in the same process, have the port on their own side and are not among them.
pub fn sockets_to(ports: &[u16]) -> Option<Vec<Socket>> {
    let mut sockets = sockets()?;
    sockets.retain(|socket| ports.contains(&socket.remote.port()));
    Some(sockets)
}

/// How many descriptors this process has open.
pub fn descriptors() -> Option<usize> {
    // One is the folder being read.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// The names of this process's threads, as the kernel has them (15 bytes at most), in order.
pub fn threads() -> Option<Vec<String>> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    // A thread may end while it is being looked at.
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let mut names: Vec<String> = names.map(|name| name.trim_end().to_owned()).collect();
    names.sort();
    Some(names)
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// What a process held at one time, to be compared with later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// Open descriptors.
    pub descriptors: usize,
    /// Names of the threads.
    pub threads: Vec<String>,
}

impl Holdings {
    /// What this process holds now.
    pub fn now() -> Option<Self> {
        Some(Self {
            descriptors: descriptors()?,
            threads: threads()?,
        })
    }

    /// Waits until the process holds no more than this again.
    ///
    /// # Errors
    /// What it held when the limit had passed.
    pub fn wait(&self, limit: Duration) -> Result<(), Self> {
        let mut last = self.clone();
        let back = wait_until(limit, || {
            last = Self::now().unwrap_or_else(|| self.clone());
            last.descriptors <= self.descriptors && last.threads.len() <= self.threads.len()
        });
        if back { Ok(()) } else { Err(last) }
    }
}

fn parse_row(row: &str, mine: &BTreeMap<u64, u32>) -> Option<Socket> {
    // In TIME_WAIT it is nobody's, and of such rows there may be thousands.
    if row.contains(" 06 ") {
        return None;
    }
    let fields: Vec<&str> = row.split_whitespace().collect();
    let inode = fields.get(9)?.parse().ok()?;
    let descriptor = *mine.get(&inode)?;
    let state = match u8::from_str_radix(fields.get(3)?, 16).ok()? {
        1 => TcpState::Established,
        2 => TcpState::SynSent,
        10 => TcpState::Listen,
        other => TcpState::Other(other),
    };
    let (local, remote) = (parse_addr(fields.get(1)?)?, parse_addr(fields.get(2)?)?);
    Some(Socket {
        descriptor,
        inode,
        state,
        local,
        remote,
    })
}

/// `0100007F:1F90`: words of four bytes, each in the machine's order, and the port.
fn parse_addr(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = (0..ip.len() / 8)
        .map(|word| {
            Some(
                u32::from_str_radix(ip.get(word * 8..word * 8 + 8)?, 16)
                    .ok()?
                    .to_ne_bytes(),
            )
        })
        .collect();
    let bytes = words?.concat();
    let ip = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::net::FullBacklog;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn sockets_are_found_by_port_until_they_are_closed() {
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bind) else {
                continue;
            };
            let addr = listener.local_addr().unwrap();
            let client = TcpStream::connect(addr).unwrap();
            let (server, _) = listener.accept().unwrap();
            let held = sockets_to(&[addr.port()]).unwrap();
            assert_eq!(held.len(), 1, "the client's end only: {held:?}");
            assert_eq!((held[0].state, held[0].remote), (TcpState::Established, addr));
            assert_eq!(held[0].local, client.local_addr().unwrap());
            assert!(held[0].is_open());
            assert!(
                sockets()
                    .unwrap()
                    .iter()
                    .any(|socket| socket.state == TcpState::Listen && socket.local == addr)
            );
            drop(client);
            assert!(!held[0].is_open());
            assert_eq!(sockets_to(&[addr.port()]).unwrap(), []);
            drop(server);
        }
    }

    #[test]
    fn a_connecting_socket_is_found() {
        let full = FullBacklog::new().unwrap();
        let addr = full.addr();
        let connecting =
            std::thread::spawn(move || TcpStream::connect_timeout(&addr, Duration::from_secs(2)));
        let mut held = Vec::new();
        assert!(wait_until(LIMIT, || {
            held = sockets_to(&[addr.port()]).unwrap();
            held.iter().any(|socket| socket.state == TcpState::SynSent)
        }));
        assert!(connecting.join().unwrap().is_err());
        assert!(
            held.iter()
                .filter(|socket| socket.state == TcpState::SynSent)
                .all(|socket| !socket.is_open())
        );
    }

    #[test]
    fn threads_have_their_names() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("probe-me".to_owned())
            .spawn(move || receiver.recv())
            .unwrap();
        assert!(wait_until(LIMIT, || threads()
            .unwrap()
            .iter()
            .any(|name| name == "probe-me")));
        drop(sender);
        thread.join().unwrap().unwrap_err();
        assert!(wait_until(LIMIT, || !threads()
            .unwrap()
            .iter()
            .any(|name| name == "probe-me")));
        assert!(resident_bytes().unwrap() > 1 << 20);
    }
}
