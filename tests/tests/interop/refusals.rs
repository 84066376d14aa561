//! What the peers refuse or read otherwise, by their own words: the table that a regression shows against.

use std::fmt;

/// A library that reads what we write.
pub(crate) struct Peer {
    /// As the script calls it.
    pub(crate) name: &'static str,
    /// So many combinations it has read; fewer are a failure.
    pub(crate) least_read: usize,
    pub(crate) refusals: &'static [Refusal],
}

/// Combinations that a peer does not read. An empty list of types or codecs is all of them.
pub(crate) struct Refusal {
    /// `v2`, `v2 big F`, `v3`, or nothing.
    format: &'static str,
    types: &'static [&'static str],
    /// Chains by their labels; in shards (`sharded/…`) too.
    codecs: &'static [&'static str],
    /// What its outcome must contain.
    says: &'static str,
    /// Why, where the words do not say it.
    why: &'static str,
}

impl Refusal {
    pub(crate) fn covers(&self, cell: &str, outcome: &str) -> bool {
        let mut parts = cell.split('|');
        let (format, data_type, codec) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let inner = codec.strip_prefix("sharded/").unwrap_or(codec);
        let among = |list: &[&str], words: [&str; 2]| {
            list.is_empty()
                || list.iter().any(|entry| match entry.strip_suffix('*') {
                    Some(start) => words.iter().any(|word| word.starts_with(start)),
                    None => words.contains(entry),
                })
        };
        format.starts_with(self.format)
            && among(self.types, [data_type; 2])
            && among(self.codecs, [codec, inner])
            && outcome.contains(self.says)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |list: &[&str]| {
            if list.is_empty() {
                "all".to_owned()
            } else {
                list.join(" ")
            }
        };
        write!(
            f,
            "{} types: {}; codecs: {}; says: {}; {}",
            self.format,
            all(self.types),
            all(self.codecs),
            self.says,
            self.why
        )
    }
}

pub(crate) const PEERS: [Peer; 3] = [
    Peer {
        name: "zarr-python",
        least_read: 0,
        refusals: &[],
    },
    Peer {
        name: "zarrs",
        least_read: 0,
        refusals: &[],
    },
    Peer {
        name: "tensorstore",
        least_read: 0,
        refusals: &[],
    },
];
