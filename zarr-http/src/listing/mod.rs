//! Listings: what servers say of a folder's children, and which way of asking works.
//!
//! - `names`: from links to names; nothing leads out of the folder.
//! - `html` (over `markup` and `candidate`, a list that may be the index), `json`, `webdav`: the three kinds of answer. Pure;
//!   they run on the caller's side, never on the I/O thread.
//! - `knowledge`: what has been learned of the server.
//! - `explore`: which request comes next.

mod candidate;
mod explore;
mod find;
mod html;
mod json;
mod knowledge;
mod markup;
mod names;
#[cfg(test)]
mod odd_pages;
#[cfg(test)]
mod tests;
mod verdict;
mod webdav;

use std::time::SystemTime;

use chrono::DateTime;
use zarr_fs::{DirListing, FileInfo, Path, Unnameable, Version};

pub(crate) use self::explore::{Ask, Explorer, Reply, ReplyPage};
pub(crate) use self::find::{beside, queue, walk};
pub(crate) use self::html::is_index_of;
pub(crate) use self::knowledge::Knowledge;
pub(crate) use self::names::Folder;
#[cfg(feature = "testing")]
pub(crate) use self::webdav::parse as read_webdav;

/// Most children of one folder that a listing may name.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// Caddy reads 10,000 names of a folder, leaves out those that it hides, and shows the rest as if that were all. So much or
/// more is taken for cut.
pub(crate) const CADDY_SHOWS: usize = 10_000 - 16;

/// What is said of that.
const CADDY_CUT: &str = "as many entries as Caddy shows at most";

/// Longest listing that is read, in bytes.
pub(crate) const MAX_PAGE_BYTES: u64 = 64 << 20;

/// What a server answered to the question for a listing, as far as its reading depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// The folder asked for, at the URL that answered.
    pub(crate) folder: &'a Folder,
    /// The body.
    pub(crate) body: &'a [u8],
    /// The `Server` header.
    pub(crate) server: Option<&'a str>,
    /// Whether folders above this one have been listed in the same way.
    pub(crate) is_listed_tree: bool,
    /// Whether theirs were pages of an unknown writer that mark folders by a slash.
    pub(crate) marks_folders: bool,
}

/// Who wrote an index page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    Nginx,
    Apache,
    Lighttpd,
    Caddy,
    Rclone,
    Python,
    /// Nothing shows who; perhaps Apache at its root, behind a proxy. Folders are marked by a slash, or it is no index.
    Unsigned,
    /// The same without a mark: which names are folders is still to be asked.
    Unmarked,
    /// nginx or Caddy, in JSON.
    Json,
}

impl Writer {
    /// Whether servers of this kind may know WebDAV too without any sign of it. (nginx can with a module that few have;
    /// for it the option `listing` is there. The price of asking is one request in each tree.)
    pub(crate) fn may_know_webdav(self) -> bool {
        match self {
            Self::Apache | Self::Lighttpd | Self::Rclone | Self::Unsigned | Self::Unmarked => true,
            Self::Nginx | Self::Caddy | Self::Python | Self::Json => false,
        }
    }
}

/// Why a reply is no listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoListing {
    /// It is something else.
    #[error("{0}")]
    Not(&'static str),
    /// It is one, and ends before its end.
    #[error("the listing is cut off")]
    Cut,
    /// It is larger than this crate reads.
    #[error("more than {MAX_ENTRIES} entries")]
    TooLarge,
    /// What was asked for is a file.
    #[error("a file, not a folder")]
    NoFolder,
    /// The folder itself has this status.
    #[error("the folder's status is {0}")]
    Refused(u16),
}

/// One child of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_dir: bool,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<SystemTime>,
}

/// The children of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entries {
    list: Vec<Entry>,
    /// Folders whose names no path can have.
    unnameable: Vec<Unnameable>,
    /// Links that name nothing here: files whose names no path can have, places outside the folder.
    pub(crate) skipped: usize,
}

impl Entries {
    pub(crate) fn push(&mut self, entry: Entry) {
        self.list.push(entry);
    }

    /// Notes a child whose name no path can have.
    pub(crate) fn skip(&mut self, name: Unnameable, is_dir: bool) {
        if is_dir && !matches!(name.name.as_str(), "" | "." | "..") {
            self.unnameable.push(name);
        } else {
            self.skipped += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether it has no child that can be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The listing of `dir`: sorted, each child once.
    pub(crate) fn into_listing(self, dir: &Path) -> DirListing {
        let mut listing = DirListing {
            unnameable: self.unnameable,
            ..DirListing::default()
        };
        for entry in self.list {
            // Only the length of the whole can be wrong: each name is a valid segment.
            let path = match dir.join(&entry.name) {
                Ok(path) => path,
                Err(error) if entry.is_dir => {
                    listing.unnameable.push(Unnameable::refused(entry.name, &error));
                    continue;
                }
                Err(_) => {
                    tracing::warn!(%dir, "a name in a listing makes too long a path: left out");
                    continue;
                }
            };
            if entry.is_dir {
                listing.prefixes.push(path);
            } else if !is_leftover(&entry.name) {
                let mut info = FileInfo::new(path)
                    .with_modified(entry.modified)
                    .with_version(Version {
                        etag: entry.etag,
                        generation: None,
                    });
                info.size_bytes = entry.size_bytes;
                listing.files.push(info);
            }
        }
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        listing.files.dedup_by(|a, b| a.path == b.path);
        listing.prefixes.sort_unstable();
        listing.prefixes.dedup();
        listing.unnameable.sort_unstable();
        listing.unnameable.dedup();
        listing
    }
}

/// How the names begin under which files are uploaded before they get their own.
pub(crate) const LEFTOVER_PREFIX: &str = ".zarr-http-upload-";

/// Whether a file is what is left of an upload that never ended.
fn is_leftover(name: &str) -> bool {
    name.starts_with(LEFTOVER_PREFIX)
}

/// Reads the answer to `GET` of a folder.
pub(crate) fn read_index(
    page: &Page<'_>,
    content_type: Option<&str>,
) -> Result<(Entries, Writer), NoListing> {
    let essence = content_type
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok((json::parse(page)?, Writer::Json)),
        None | Some("text/html" | "application/xhtml+xml") => html::parse(page),
        Some(_) => Err(NoListing::Not("neither HTML nor JSON")),
    }
}

/// A time as HTTP writes it.
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(Into::into)
}
