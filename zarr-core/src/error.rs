//! What can go wrong in a hierarchy: each variant is a decision for the caller.

use std::borrow::Cow;

use zarr_fs::BoxError;

use crate::codec::CodecError;
use crate::metadata::MetadataError;
use crate::node_kind::{NodeKind, ZarrFormat};
use crate::node_path::NodePath;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a store, a node or an array.
///
/// A fault of the network is never [`NodeNotFound`](Self::NodeNotFound): it is [`Fs`](Self::Fs), with the filesystem's
/// own variant inside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The filesystem's error, as it came.
    #[error(transparent)]
    Fs(#[from] zarr_fs::Error),
    /// No node lies at a path: every document that could make one is missing.
    #[error("{url}: no Zarr node here (missing: {})", tried.join(", "))]
    NodeNotFound {
        /// The node's URL.
        url: String,
        /// The node's path in its store.
        path: NodePath,
        /// The documents that were looked for.
        tried: Vec<&'static str>,
    },
    /// Consolidated metadata was required, and the group has none.
    #[error("{url}: the group has no consolidated metadata")]
    NotConsolidated {
        /// The group's URL.
        url: String,
        /// The group's path in its store.
        path: NodePath,
    },
    /// A node of one kind was asked for, and the other one is there.
    #[error("{url}: expected {expected}, found {found}")]
    WrongKind {
        /// The node's URL.
        url: String,
        /// What was asked for.
        expected: NodeKind,
        /// What is there.
        found: NodeKind,
    },
    /// A metadata document arrived whole and breaks the format.
    #[error("{key}: invalid metadata")]
    InvalidMetadata {
        /// The document's key: the whole URL.
        key: String,
        /// What is wrong, with the place in the document.
        #[source]
        source: Box<MetadataError>,
    },
    /// Data arrived whole and is wrong: a codec, a checksum, a shard index, a size.
    #[error("{key}{}: corrupt data in {stage}", at_chunk(chunk.as_deref()))]
    Corrupt {
        /// The key whose value is wrong: the whole URL.
        key: String,
        /// The chunk's coordinates in the chunk grid, where a chunk is concerned.
        chunk: Option<Vec<u64>>,
        /// Where it was noticed: a codec's name, `shard index`, ...
        stage: Cow<'static, str>,
        /// What is wrong.
        #[source]
        source: BoxError,
    },
    /// A value that was to be written cannot be: no encoding of it exists. Nothing that is stored is wrong, and nothing of
    /// the chunk was written.
    #[error("{key}{}: a value that {by} cannot hold", at_chunk(chunk.as_deref()))]
    Unencodable {
        /// The chunk's key, or the array where no chunk is concerned: the whole URL. `the data` where there is no array yet.
        key: String,
        /// The chunk's coordinates in the chunk grid, where a chunk is concerned.
        chunk: Option<Vec<u64>>,
        /// What has no such value: `codec cast_value`, `data type int4`.
        by: Cow<'static, str>,
        /// Which value, and why.
        #[source]
        source: BoxError,
    },
    /// The codecs of an array do not fit each other, its data type or its chunks.
    #[error("{url}: invalid codecs")]
    InvalidCodecs {
        /// The array's URL.
        url: String,
        /// Which codec, and why.
        #[source]
        source: Box<CodecError>,
    },
    /// A chunk is missing, and the read was asked to take none for granted.
    #[error("{key} (chunk {chunk:?}): the chunk is missing")]
    MissingChunk {
        /// The chunk's key: the whole URL.
        key: String,
        /// The chunk's coordinates in the chunk grid.
        chunk: Vec<u64>,
    },
    /// A mistake in this crate: a decoding thread panicked.
    #[error("{url}: internal error while decoding")]
    Internal {
        /// The URL of what was read.
        url: String,
    },
    /// Valid, and not implemented here.
    #[error("{at}: {what} is not supported")]
    Unsupported {
        /// Where it is asked for: a URL.
        at: String,
        /// What is not supported, as the subject of a sentence.
        what: String,
    },
    /// A selection that does not fit its array.
    #[error("invalid selection: {reason}")]
    InvalidSelection {
        /// What does not fit.
        reason: String,
    },
    /// A text that is no path of a node.
    #[error("invalid node path {path:?}: {reason}")]
    InvalidNodePath {
        /// The text.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A write through a store that was opened for reading.
    #[error("{key}: {op} refused, the store was opened read-only")]
    ReadOnly {
        /// The operation: `set`, `erase`.
        op: &'static str,
        /// The key: the whole URL.
        key: String,
    },
    /// A node is to be created where one is already.
    #[error("{url}: a v{} {found} is already here", format.number())]
    NodeExists {
        /// The node's URL.
        url: String,
        /// What is there.
        found: NodeKind,
        /// In which format it is stored.
        format: ZarrFormat,
    },
    /// An array is to be created where keys lie that belong to no node: it would take them for its chunks.
    #[error("{url}: not empty, though no node is here ({key}): delete it first, or overwrite")]
    NotEmpty {
        /// The node's URL.
        url: String,
        /// One of the keys.
        key: String,
    },
    /// A node is to be created below one that cannot hold it: an array, or a group of the other format.
    #[error("{url}: a v{} {found} cannot hold a v{} node", format.number(), wanted.number())]
    UnfitParent {
        /// The ancestor's URL.
        url: String,
        /// What the ancestor is.
        found: NodeKind,
        /// The ancestor's format.
        format: ZarrFormat,
        /// The format of the node that was to be created.
        wanted: ZarrFormat,
    },
    /// A stated limit was reached.
    #[error("{at}: limit reached: {what} (at most {limit})")]
    LimitReached {
        /// Where: a URL.
        at: String,
        /// What there would be too many of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

/// ` (chunk [0, 1])`, where a chunk is concerned.
fn at_chunk(chunk: Option<&[u64]>) -> String {
    chunk.map_or_else(String::new, |chunk| format!(" (chunk {chunk:?})"))
}

impl Error {
    /// A refused document: invalid, or valid and not supported.
    pub(crate) fn metadata(key: impl Into<String>, error: MetadataError) -> Self {
        match error {
            MetadataError::Unsupported { pointer, what } => Self::Unsupported {
                at: if pointer.is_empty() {
                    key.into()
                } else {
                    format!("{}#{pointer}", key.into())
                },
                what,
            },
            error @ MetadataError::Invalid { .. } => Self::InvalidMetadata {
                key: key.into(),
                source: Box::new(error),
            },
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Fs(error) if error.is_retryable())
    }

    /// Whether a value came and is not what it should be: reading it again gives the same.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. } | Self::Fs(zarr_fs::Error::Corrupt { .. })
        )
    }

    /// Whether the server refuses the caller (401, 403, `EACCES`).
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(
            self,
            Self::Fs(zarr_fs::Error::Unauthenticated { .. } | zarr_fs::Error::PermissionDenied { .. })
        )
    }

    /// Whether the store says that it cannot do a thing (list, write).
    pub(crate) fn is_unsupported_by_store(&self) -> bool {
        matches!(self, Self::Fs(zarr_fs::Error::Unsupported { .. }))
    }

    /// Whether somebody else has written in between.
    pub(crate) fn is_lost_race(&self) -> bool {
        matches!(
            self,
            Self::Fs(zarr_fs::Error::Precondition { .. } | zarr_fs::Error::AlreadyExists { .. })
        )
    }

    /// Whether the store itself is gone (closed, or of another process): no further call can succeed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(
            self,
            Self::Fs(zarr_fs::Error::Closed { .. } | zarr_fs::Error::Forked { .. })
        )
    }
}
