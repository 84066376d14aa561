//! Between this crate's words and object_store's.

use std::time::SystemTime;

use http::HeaderMap;
use object_store::{Attribute, Attributes, GetRange, ObjectMeta, PutResult};

use crate::call_options::ByteRange;
use crate::error::{Context, Error, Result};
use crate::info::{FileInfo, Version};
use crate::path::Path;

/// A path as object_store takes it: the same text. (`From` would percent-encode it, and the request would encode that.)
pub(super) fn store_path(path: &Path) -> Result<object_store::path::Path> {
    let invalid = |reason| Error::InvalidPath {
        path: path.as_str().escape_debug().to_string(),
        reason,
    };
    if path.is_root() {
        return Err(invalid("the root is not a file"));
    }
    object_store::path::Path::parse(path.as_str()).map_err(|_| invalid("not an object's name"))
}

/// The range of a request; `None` for the whole file. Empty ranges must not come here.
pub(super) fn get_range(range: ByteRange) -> Option<GetRange> {
    match range {
        ByteRange::Full | ByteRange::From(0) => None,
        ByteRange::From(start) => Some(GetRange::Offset(start)),
        ByteRange::Bounded(start, end) => Some(GetRange::Bounded(start..end)),
        ByteRange::Suffix(length) => Some(GetRange::Suffix(length)),
    }
}

/// Whether a range holds no byte in any file: HTTP cannot ask for it.
pub(super) fn is_empty(range: ByteRange) -> bool {
    match range {
        ByteRange::Full | ByteRange::From(_) => false,
        ByteRange::Bounded(start, end) => start >= end,
        ByteRange::Suffix(length) => length == 0,
    }
}

/// How an object's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// The encoding that a reply names.
///
/// # Errors
/// [`Error::Unsupported`] for one that is not known: its bytes are not the file's.
pub(super) fn encoding(at: &Context, attributes: &Attributes) -> Result<Encoding> {
    match attributes.get(&Attribute::ContentEncoding).map(AsRef::as_ref) {
        None | Some("" | "identity") => Ok(Encoding::Identity),
        Some("gzip" | "x-gzip") => Ok(Encoding::Gzip),
        Some(other) => Err(at.unsupported(format!("a file stored with content encoding {other:?}"))),
    }
}

/// The facts about a file. Stored compressed, its size is not known.
pub(super) fn file_info(path: &Path, meta: &ObjectMeta, encoding: Encoding) -> FileInfo {
    let version = Version {
        etag: meta.e_tag.clone(),
        generation: meta.version.clone(),
    };
    let info = FileInfo::new(path.clone())
        .with_version(version)
        // The beginning of time: the server told no date.
        .with_modified(Some(meta.last_modified.into()).filter(|time| *time != SystemTime::UNIX_EPOCH));
    match encoding {
        Encoding::Identity => info.with_size_bytes(meta.size),
        Encoding::Gzip => info,
    }
}

/// The facts about a file that was just written.
pub(super) fn written(path: &Path, size_bytes: u64, result: PutResult) -> FileInfo {
    FileInfo::new(path.clone())
        .with_size_bytes(size_bytes)
        .with_version(Version {
            etag: result.e_tag,
            generation: result.version,
        })
}

/// The headers of a read under a condition.
pub(super) fn conditions(
    at: &Context,
    backend: &dyn super::ObjectBackend,
    version: Option<&Version>,
) -> Result<HeaderMap> {
    match version {
        None => Ok(HeaderMap::new()),
        Some(version) if version.is_unknown() => Ok(HeaderMap::new()),
        // What cannot be a version of this store is none that a file has.
        Some(version) => backend.match_headers(version).ok_or_else(|| at.precondition()),
    }
}
