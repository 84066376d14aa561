//! Listings in JSON: nginx with `autoindex_format json`, and Caddy for those who accept JSON.

use chrono::DateTime;
use serde::Deserialize;
use zarr_fs::Unnameable;

use super::names::{Folder, Link, segment};
use super::{Entries, Entry, MAX_ENTRIES, NoListing, Page};

/// A row of either server; which of the two it is shows in what it has.
#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    mtime: Option<String>,
    is_dir: Option<bool>,
    url: Option<String>,
    mod_time: Option<String>,
    size: Option<i64>,
}

/// Reads a listing in JSON.
///
/// # Errors
/// [`NoListing::Cut`] if it ends early, [`NoListing::Not`] if it is something else.
pub(super) fn parse(page: &Page<'_>) -> Result<Entries, NoListing> {
    // nginx writes names as they are on disk; one that is no UTF-8 must not hide the others.
    let text = String::from_utf8_lossy(page.body);
    let rows: Option<Vec<Row>> = match serde_json::from_str(&text) {
        Ok(rows) => rows,
        Err(error) if error.is_eof() && text.trim_start().starts_with('[') => return Err(NoListing::Cut),
        Err(_) => return Err(NoListing::Not("JSON of another kind")),
    };
    let rows = rows.unwrap_or_default();
    // `[]` or `null` says nothing of its writer: it must be one of the two.
    let is_known = page
        .server
        .is_some_and(|server| server.starts_with("nginx") || server.starts_with("Caddy"));
    if rows.is_empty() && !is_known && !page.is_listed_tree {
        return Err(NoListing::Not(
            "an empty JSON array, of a server that is not known",
        ));
    }
    if rows.len() > MAX_ENTRIES {
        return Err(NoListing::TooLarge);
    }
    if rows.len() >= super::CADDY_SHOWS && rows.iter().any(|row| row.is_dir.is_some()) {
        return Err(NoListing::Not(super::CADDY_CUT));
    }
    let mut entries = Entries::default();
    for row in rows {
        match row.entry(page.folder)? {
            Some(Ok(entry)) => entries.push(entry),
            Some(Err((name, is_dir))) => entries.skip(name, is_dir),
            None => {}
        }
    }
    Ok(entries)
}

/// A child, or a name that no path can have and whether it is a folder's.
type Named = Result<Entry, (Unnameable, bool)>;

impl Row {
    /// The child that it names: an entry, or the name that no path can have and whether it is a folder's. `None` for a
    /// broken link, a device, a socket: nothing to read.
    fn entry(self, folder: &Folder) -> Result<Option<Named>, NoListing> {
        let size_bytes = self.size.and_then(|size| u64::try_from(size).ok());
        match (self.kind.as_deref(), self.is_dir, &self.url) {
            (Some(kind @ ("file" | "directory")), None, None) => {
                let is_dir = kind == "directory";
                let modified = self.mtime.as_deref().and_then(super::http_date);
                let entry = |name| Entry {
                    name,
                    is_dir,
                    size_bytes: size_bytes.filter(|_| !is_dir),
                    etag: None,
                    modified: modified.filter(|_| !is_dir),
                };
                let named = segment(self.name).map(entry);
                Ok(Some(named.map_err(|name| (name, is_dir))))
            }
            (Some("other"), None, None) => Ok(None),
            (None, Some(is_dir), Some(url)) => match folder.follow(url) {
                Link::Child { name, .. } => Ok(Some(Ok(Entry {
                    name,
                    is_dir,
                    size_bytes: size_bytes.filter(|_| !is_dir),
                    etag: None,
                    modified: self
                        .mod_time
                        .filter(|_| !is_dir)
                        .and_then(|time| DateTime::parse_from_rfc3339(&time).ok())
                        .map(Into::into),
                }))),
                Link::Unnameable { name, .. } => Ok(Some(Err((name, is_dir)))),
                Link::Own | Link::Above | Link::Deeper | Link::Elsewhere | Link::NoPlace => {
                    Err(NoListing::Not("a JSON index that leads elsewhere"))
                }
            },
            _ => Err(NoListing::Not("JSON of another kind")),
        }
    }
}
