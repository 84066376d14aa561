//! Facts about a file.

use std::time::SystemTime;

use bytes::Bytes;

use crate::error::Error;
use crate::path::Path;

/// Which version of a file some bytes belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version {
    /// The entity tag as the server sent it, quotes included.
    pub etag: Option<String>,
    /// The store's own version number (a generation on Google Cloud Storage).
    pub generation: Option<String>,
}

impl Version {
    /// Whether the store said nothing of a version.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.etag.is_none() && self.generation.is_none()
    }

    /// Whether a file of the version `actual` is of this one: everything that `self` says, `actual` says too. An unknown
    /// version matches nothing, so that a condition is never silently dropped.
    #[must_use]
    pub fn matches(&self, actual: &Self) -> bool {
        let agree = |asked: &Option<String>, found: &Option<String>| asked.is_none() || asked == found;
        !self.is_unknown() && agree(&self.etag, &actual.etag) && agree(&self.generation, &actual.generation)
    }
}

/// Facts about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The file's path inside the filesystem.
    pub path: Path,
    /// Size in bytes; `None` where a listing does not say, or says it only roughly.
    pub size_bytes: Option<u64>,
    /// The version, as far as the store tells one.
    pub version: Version,
    /// When the file was last written, as the store says.
    pub modified: Option<SystemTime>,
}

impl FileInfo {
    /// A file of which only the path is known.
    #[must_use]
    pub fn new(path: Path) -> Self {
        Self {
            path,
            size_bytes: None,
            version: Version::default(),
            modified: None,
        }
    }

    /// Sets the size in bytes.
    #[must_use]
    pub fn with_size_bytes(mut self, size_bytes: u64) -> Self {
        self.size_bytes = Some(size_bytes);
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sets the time of the last write.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<SystemTime>) -> Self {
        self.modified = modified;
        self
    }
}

/// Bytes of a file and the file they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatResult {
    /// The bytes that were asked for.
    pub bytes: Bytes,
    /// The file: its `size_bytes` is the whole file's, not that of `bytes`.
    pub info: FileInfo,
}

/// One level of a hierarchy: the files in it and the prefixes below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirListing {
    /// The files, by path.
    pub files: Vec<FileInfo>,
    /// The prefixes ("folders"), by path.
    pub prefixes: Vec<Path>,
    /// The prefixes whose names no path can have, by name. (Files of such names are left out, with a warning.)
    pub unnameable: Vec<Unnameable>,
}

impl DirListing {
    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.prefixes.is_empty() && self.unnameable.is_empty()
    }
}

/// A prefix that a store holds and no [`Path`] can name: nothing in it can be asked for, and nobody may take it for not
/// there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unnameable {
    /// Its name; what is not UTF-8 is replaced. It may be hostile: escape it to show it.
    pub name: String,
    /// The rule of paths that it breaks.
    pub reason: &'static str,
}

impl Unnameable {
    /// Why a name that is not UTF-8 is none.
    pub const NOT_UTF8: &'static str = "not UTF-8";

    /// A name, and the rule that it breaks.
    #[must_use]
    pub fn new(name: impl Into<String>, reason: &'static str) -> Self {
        let name = name.into();
        Self { name, reason }
    }

    /// A name of which [`Path`] said that it is no part of one.
    #[must_use]
    pub fn refused(name: impl Into<String>, error: &Error) -> Self {
        if let Error::InvalidPath { reason, .. } = error {
            Self::new(name, reason)
        } else {
            Self::new(name, "not a path")
        }
    }
}

/// What a session has moved so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IoStats {
    /// Requests sent, each attempt counted; calls to the operating system's files are none.
    pub requests: u64,
    /// Bytes of bodies received.
    pub bytes_received: u64,
    /// Bytes of bodies sent.
    pub bytes_sent: u64,
    /// Connections dialled.
    pub connections_opened: u64,
}

impl std::ops::AddAssign for IoStats {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
        self.connections_opened += other.connections_opened;
    }
}
