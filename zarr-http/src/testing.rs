//! For tests of hostile servers (feature `testing`): the parsers of listings by themselves.

use url::Url;
use zarr_fs::Path;

use crate::listing::{Entries, Folder, Page, read_index, read_webdav};

/// A kind of listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// An index page of nginx, Apache, Caddy, lighttpd, rclone or Python.
    Html,
    /// The JSON index of nginx or Caddy.
    Json,
    /// The answer to `PROPFIND`.
    WebDav,
}

/// The names of the children of a folder, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files.
    pub files: Vec<String>,
    /// Folders, without a slash.
    pub folders: Vec<String>,
}

/// Why an answer is no listing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoListing {
    /// In words.
    pub reason: String,
}

impl Reader {
    /// Reads `body` as the listing of `folder`, a URL that ends in a slash.
    ///
    /// # Errors
    /// [`NoListing`] if it is none.
    pub fn read(self, folder: &Url, body: &[u8]) -> Result<Listing, NoListing> {
        let folder = Folder::new(folder.clone());
        let page = Page {
            folder: &folder,
            body,
            server: None,
            is_listed_tree: false,
            marks_folders: false,
        };
        let read = match self {
            Self::Html => read_index(&page, Some("text/html")).map(|(entries, _)| entries),
            Self::Json => read_index(&page, Some("application/json")).map(|(entries, _)| entries),
            Self::WebDav => read_webdav(&page),
        };
        read.map(names).map_err(|reason| NoListing {
            reason: reason.to_string(),
        })
    }
}

fn names(entries: Entries) -> Listing {
    let listing = entries.into_listing(&Path::root());
    let name = |path: Path| path.as_str().to_owned();
    Listing {
        files: listing.files.into_iter().map(|file| name(file.path)).collect(),
        folders: listing.prefixes.into_iter().map(name).collect(),
    }
}
