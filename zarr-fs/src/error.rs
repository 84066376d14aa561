//! What can go wrong: each variant is a decision for the caller.

use crate::call_options::ByteRange;
use crate::path::Path;

/// The cause behind an error, kept to the top of the chain.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where an error arose: which filesystem, which operation, which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The filesystem as its owner named it (`gs://bucket`, `https://host/base`, `memory`), never with a credential.
    pub fs: String,
    /// The operation, in the trait's words: `cat_file`, `ls`, ...
    pub op: &'static str,
    /// The path inside the filesystem.
    pub path: Path,
}

impl Context {
    /// Names the place of an error.
    pub fn new(fs: impl Into<String>, op: &'static str, path: &Path) -> Self {
        Self {
            fs: fs.into(),
            op,
            path: path.clone(),
        }
    }

    /// [`Error::NotFound`] here, by our own knowledge.
    #[must_use]
    pub fn not_found(&self) -> Error {
        Error::NotFound {
            at: self.clone(),
            source: None,
        }
    }

    /// [`Error::AlreadyExists`] here, by our own knowledge.
    #[must_use]
    pub fn already_exists(&self) -> Error {
        Error::AlreadyExists {
            at: self.clone(),
            source: None,
        }
    }

    /// [`Error::Precondition`] here, by our own knowledge.
    #[must_use]
    pub fn precondition(&self) -> Error {
        Error::Precondition {
            at: self.clone(),
            source: None,
        }
    }

    /// [`Error::RangeOutOfBounds`] here.
    #[must_use]
    pub fn out_of_bounds(&self, range: ByteRange, size_bytes: u64) -> Error {
        let (start, end) = range.bounds();
        Error::RangeOutOfBounds {
            at: self.clone(),
            start,
            end,
            size: Some(size_bytes),
        }
    }

    /// [`Error::Unsupported`] here.
    #[must_use]
    pub fn unsupported(&self, what: impl Into<String>) -> Error {
        Error::Unsupported {
            at: self.clone(),
            what: what.into(),
        }
    }

    /// [`Error::Backend`] here.
    #[must_use]
    pub fn backend(&self, source: impl Into<BoxError>) -> Error {
        Error::Backend {
            at: self.clone(),
            source: source.into(),
        }
    }

    /// The error of a write to the root, which is a prefix and never a file.
    #[must_use]
    pub fn root_is_no_file(&self) -> Error {
        Error::InvalidPath {
            path: self.path.to_string(),
            reason: "the root is not a file",
        }
    }
}

impl std::fmt::Display for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.fs.ends_with('/') || self.path.is_root() {
            ""
        } else {
            "/"
        };
        write!(f, "{}{slash}{}: {}", self.fs, self.path.as_str(), self.op)
    }
}

/// What became of a call that `close` refused or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The call was refused before it started: nothing was sent.
    NotStarted,
    /// A read was cut off: nothing has changed.
    Cut,
    /// A write was cut off: it may or may not have happened.
    Unknown,
}

/// An error of a filesystem.
///
/// Only [`Error::Unavailable`] is worth a retry. Messages never hold a credential or a signed query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lease was closed before the call began, or its close cut the call.
    #[error("{at}: the filesystem is closed{}", match outcome {
        Outcome::NotStarted => "",
        Outcome::Cut => " (the read was cut off)",
        Outcome::Unknown => " (the write was cut off, its outcome is unknown)",
    })]
    Closed {
        /// Where.
        at: Context,
        /// What became of the call.
        outcome: Outcome,
    },
    /// There is no such file (404, 410, `ENOENT`), or nothing lies under a prefix.
    #[error("{at}: not found")]
    NotFound {
        /// Where.
        at: Context,
        /// What the server or the operating system said.
        #[source]
        source: Option<BoxError>,
    },
    /// The server asks who is calling (401).
    #[error("{at}: not authenticated")]
    Unauthenticated {
        /// Where.
        at: Context,
        /// What the server said.
        #[source]
        source: Option<BoxError>,
    },
    /// The caller may not do this (403, `EACCES`).
    #[error("{at}: permission denied")]
    PermissionDenied {
        /// Where.
        at: Context,
        /// What the server or the operating system said.
        #[source]
        source: Option<BoxError>,
    },
    /// The network or the server failed (timeout, stall, reset, 429, 5xx, short body, DNS, TLS, refused): a retry may help.
    #[error("{at}: unavailable")]
    Unavailable {
        /// Where.
        at: Context,
        /// What failed.
        #[source]
        source: BoxError,
    },
    /// The bytes are not what was promised: wrong `Content-Range`, a version that changed under a read.
    #[error("{at}: corrupt reply")]
    Corrupt {
        /// Where.
        at: Context,
        /// What was wrong.
        #[source]
        source: BoxError,
    },
    /// A file is there already, and the mode was `create`.
    #[error("{at}: already exists")]
    AlreadyExists {
        /// Where.
        at: Context,
        /// What the server or the operating system said.
        #[source]
        source: Option<BoxError>,
    },
    /// The file's version is not the one the call asked for.
    #[error("{at}: the file has changed (precondition failed)")]
    Precondition {
        /// Where.
        at: Context,
        /// What the server said.
        #[source]
        source: Option<BoxError>,
    },
    /// This filesystem cannot do that; see its [`Capabilities`](crate::Capabilities).
    #[error("{at}: unsupported: {what}")]
    Unsupported {
        /// Where.
        at: Context,
        /// What is not supported.
        what: String,
    },
    /// Not a valid path.
    #[error("invalid path {path:?}: {reason}")]
    InvalidPath {
        /// The text, control characters escaped.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// An option that is unknown or has an impossible value.
    #[error("invalid option `{key}`: {reason}")]
    InvalidOption {
        /// The option's name.
        key: String,
        /// What is wrong, without the value: it may be a secret.
        reason: String,
    },
    /// A URL that names no filesystem.
    #[error("invalid URL {url:?}: {reason}")]
    InvalidUrl {
        /// The URL without user, password and query.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A range that starts or ends outside the file.
    #[error("{at}: range {start}..{end} is outside the file{}", match size { Some(size) => format!(" of {size} bytes"), None => String::new() })]
    RangeOutOfBounds {
        /// Where.
        at: Context,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// The file's size, where known.
        size: Option<u64>,
    },
    /// The process has forked since the filesystem was opened: sessions do not survive a fork.
    #[error("{at}: opened in another process (after a fork, open it anew)")]
    Forked {
        /// Where.
        at: Context,
    },
    /// A stated limit was reached: open sessions, listing entries, ...
    #[error("limit reached: {what} (at most {limit})")]
    LimitReached {
        /// What there would be too many of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The honest rest: `ENOSPC`, a panic, what no other variant says.
    #[error("{at}: failed")]
    Backend {
        /// Where.
        at: Context,
        /// What failed.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether this says that nothing is there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// The place, where the error has one.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        match self {
            Self::Closed { at, .. }
            | Self::NotFound { at, .. }
            | Self::Unauthenticated { at, .. }
            | Self::PermissionDenied { at, .. }
            | Self::Unavailable { at, .. }
            | Self::Corrupt { at, .. }
            | Self::AlreadyExists { at, .. }
            | Self::Precondition { at, .. }
            | Self::Unsupported { at, .. }
            | Self::RangeOutOfBounds { at, .. }
            | Self::Forked { at }
            | Self::Backend { at, .. } => Some(at),
            Self::InvalidPath { .. }
            | Self::InvalidOption { .. }
            | Self::InvalidUrl { .. }
            | Self::LimitReached { .. } => None,
        }
    }

    pub(crate) fn context_mut(&mut self) -> Option<&mut Context> {
        match self {
            Self::Closed { at, .. }
            | Self::NotFound { at, .. }
            | Self::Unauthenticated { at, .. }
            | Self::PermissionDenied { at, .. }
            | Self::Unavailable { at, .. }
            | Self::Corrupt { at, .. }
            | Self::AlreadyExists { at, .. }
            | Self::Precondition { at, .. }
            | Self::Unsupported { at, .. }
            | Self::RangeOutOfBounds { at, .. }
            | Self::Forked { at }
            | Self::Backend { at, .. } => Some(at),
            Self::InvalidPath { .. }
            | Self::InvalidOption { .. }
            | Self::InvalidUrl { .. }
            | Self::LimitReached { .. } => None,
        }
    }

    /// The same error with another path: what a wrapper shows its caller.
    #[must_use]
    pub fn with_path(mut self, path: &Path) -> Self {
        if let Some(at) = self.context_mut() {
            at.path = path.clone();
        }
        self
    }
}
