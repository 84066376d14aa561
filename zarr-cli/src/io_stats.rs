//! What is still open in this process, and the line of `--io-stats`.

use std::collections::BTreeSet;
use std::time::Duration;

use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;
use zarr_fs::IoStats;

/// The sockets of this process, by inode; `None` where there is no `/proc`.
///
/// Sockets that were there before the command began (a standard stream, the signal handler's own pair) are told apart
/// by taking this twice.
pub(crate) fn sockets() -> Option<BTreeSet<String>> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(
        entries
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter_map(|target| {
                target
                    .to_str()
                    .filter(|target| target.starts_with("socket:"))
                    .map(str::to_owned)
            })
            .collect(),
    )
}

/// What a command has moved, and what it left.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) moved: IoStats,
    pub(crate) open_connections: Option<usize>,
    pub(crate) unclosed_filesystems: usize,
    pub(crate) elapsed: Duration,
}

impl Summary {
    /// One line of JSON.
    pub(crate) fn json(&self) -> Json {
        let mut line = Object::new();
        line.insert("requests", self.moved.requests);
        line.insert("bytes_received", self.moved.bytes_received);
        line.insert("bytes_sent", self.moved.bytes_sent);
        line.insert("connections_opened", self.moved.connections_opened);
        line.insert("open_connections", self.open_connections);
        line.insert("unclosed_filesystems", self.unclosed_filesystems);
        line.insert("elapsed_s", (self.elapsed.as_secs_f64() * 1e6).round() / 1e6);
        Json::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_socket_is_seen_while_it_is_open() {
        let before = sockets().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // Other tests open sockets too: look for ours by what vanishes.
        let during = sockets().unwrap();
        assert!(during.difference(&before).next().is_some());
        drop(listener);
    }

    #[test]
    fn prints_every_key() {
        let summary = Summary {
            moved: IoStats::default(),
            open_connections: None,
            unclosed_filesystems: 0,
            elapsed: Duration::from_millis(1500),
        };
        assert_eq!(
            summary.json().to_string(),
            r#"{"requests":0,"bytes_received":0,"bytes_sent":0,"connections_opened":0,"open_connections":null,"unclosed_filesystems":0,"elapsed_s":1.5}"#
        );
    }
}
