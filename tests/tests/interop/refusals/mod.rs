//! What the peers refuse or read otherwise, by their own words: the table that a regression shows against.

mod tensorstore;
mod zarr_python;
mod zarrs;

use std::fmt;

/// A library that reads what we write.
pub(crate) struct Peer {
    /// As the script calls it.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// So many combinations it has read; fewer are a failure.
    pub(crate) least_read: usize,
    pub(crate) refusals: &'static [Refusal],
}

/// Where a peer runs.
pub(crate) enum Program {
    /// The script, with the newest versions.
    Python,
    /// The script, with the last version that has data types for objects.
    Python2,
    /// The crate.
    Rust,
}

/// Combinations that a peer does not read. An empty list of types or codecs is all of them.
pub(crate) struct Refusal {
    /// `v2`, `v2 big F`, `v3`, `v3 rectilinear`, the beginning of some, or nothing.
    format: &'static str,
    types: &'static [&'static str],
    /// Chains by their labels; in shards (`sharded/…`) too. The end of a label may be left out: `zfp-*`.
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

pub(crate) static PEERS: [Peer; 5] = [
    Peer {
        name: "zarr-python",
        program: Program::Python,
        least_read: 4974,
        refusals: zarr_python::NEWEST,
    },
    Peer {
        name: "zarr-python-2",
        program: Program::Python2,
        least_read: 4094,
        refusals: zarr_python::VERSION_2,
    },
    Peer {
        name: "zarrs",
        program: Program::Rust,
        // Less the integers of `zfp-rate`, whose outcome is a matter of what lies in memory behind the chunk.
        least_read: 4657,
        refusals: zarrs::CRATE,
    },
    Peer {
        name: "zarrs-python",
        program: Program::Python,
        least_read: 951,
        refusals: zarrs::PIPELINE,
    },
    Peer {
        name: "tensorstore",
        program: Program::Python,
        least_read: 1332,
        refusals: tensorstore::ALL,
    },
];

/// A row of the table.
const fn row(
    format: &'static str,
    types: &'static [&'static str],
    codecs: &'static [&'static str],
    says: &'static str,
    why: &'static str,
) -> Refusal {
    Refusal {
        format,
        types,
        codecs,
        says,
        why,
    }
}

/// A row about all types and codecs whose outcome has these words.
const fn saying(says: &'static str, why: &'static str) -> Refusal {
    row("", &[], &[], says, why)
}
