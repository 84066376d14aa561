//! Listing: pages are fetched on the I/O thread and parsed off it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use bytes::Bytes;

use super::client::ObjectStoreClient;
use super::error::corrupt;
use super::{Intent, Request};
use crate::error::{BoxError, Context, Result};
use crate::info::{DirListing, FileInfo, Unnameable, Version};
use crate::path::Path;
use crate::session::Sink;

/// Which page of which listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListQuery {
    /// What the keys begin with: empty, or a path with a slash behind it.
    pub prefix: String,
    /// Whether keys are grouped at the next slash.
    pub one_level: bool,
    /// Where the page begins, as the page before said.
    pub token: Option<String>,
}

/// A page of a listing, as the store tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The objects.
    pub objects: Vec<ListedObject>,
    /// The groups of keys, each with its slash at the end.
    pub prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// An object in a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its size in bytes as it is stored.
    pub size_bytes: Option<u64>,
    /// Its version.
    pub version: Version,
    /// When it was written.
    pub modified: Option<SystemTime>,
}

/// A page is at most this long: a thousand entries with keys of a kilobyte, escaped.
const MOST_PAGE_BYTES: u64 = 64 << 20;

/// A page shorter than this is parsed at once, within tens of microseconds; a longer one by another thread.
const PARSE_AT_ONCE: usize = 8 << 10;

impl ObjectStoreClient {
    /// One level of a hierarchy.
    pub(super) async fn list_level(&self, at: &Context) -> Result<DirListing> {
        let mut pages = Pages::new(at, true);
        let mut files: BTreeMap<Path, FileInfo> = BTreeMap::new();
        let mut prefixes: BTreeSet<Path> = BTreeSet::new();
        let mut unnameable: BTreeSet<Unnameable> = BTreeSet::new();
        let mut marked = false;
        while let Some(page) = pages.next(self).await? {
            for object in page.objects {
                // A key with a slash at its end marks a folder: it is no file, and shows that the folder is there.
                if object.key == pages.query.prefix {
                    marked = true;
                } else if let Some(info) = file_info(at, object) {
                    files.insert(info.path.clone(), info);
                }
            }
            for prefix in page.prefixes {
                if let Some(name) = no_path(&prefix, &pages.query.prefix) {
                    unnameable.insert(name);
                } else if let Some(path) = checked_path(at, &prefix)
                    && path.parent().as_ref() == Some(&at.path)
                {
                    prefixes.insert(path);
                }
            }
        }
        if files.is_empty() && prefixes.is_empty() && unnameable.is_empty() && !marked {
            return Err(at.not_found());
        }
        Ok(DirListing {
            files: files.into_values().collect(),
            prefixes: prefixes.into_iter().collect(),
            unnameable: unnameable.into_iter().collect(),
        })
    }

    /// All files below a prefix, page by page.
    pub(super) async fn list_all(&self, at: &Context, sink: &Sink<Vec<FileInfo>>) -> Result<()> {
        let mut pages = Pages::new(at, false);
        while let Some(page) = pages.next(self).await? {
            let files: Vec<FileInfo> = page
                .objects
                .into_iter()
                .filter_map(|object| file_info(at, object))
                .collect();
            if !files.is_empty() {
                sink.send(files).await?;
            }
        }
        Ok(())
    }

    async fn page(&self, at: &Context, query: &ListQuery) -> Result<ListPage> {
        let request: Request = self
            .0
            .backend
            .list_request(query)
            .await
            .map_err(|error| self.store_error(at, Intent::List, error))?;
        let fetched = self.0.transport.fetch(request, MOST_PAGE_BYTES).await;
        let body = fetched
            .map_err(|error| self.0.errors.transport(at.clone(), Intent::List, error))?
            .bytes;
        self.parse(body).await.map_err(|error| corrupt(at.clone(), error))
    }

    async fn parse(&self, body: Bytes) -> Result<ListPage, BoxError> {
        if body.len() < PARSE_AT_ONCE {
            return self.0.backend.parse_page(&body);
        }
        let client = self.clone();
        tokio::task::spawn_blocking(move || client.0.backend.parse_page(&body)).await?
    }
}

/// The pages of one listing.
struct Pages<'a> {
    at: &'a Context,
    query: ListQuery,
    over: bool,
}

impl<'a> Pages<'a> {
    fn new(at: &'a Context, one_level: bool) -> Self {
        let prefix = if at.path.is_root() {
            String::new()
        } else {
            format!("{}/", at.path.as_str())
        };
        Self {
            at,
            query: ListQuery {
                prefix,
                one_level,
                token: None,
            },
            over: false,
        }
    }

    async fn next(&mut self, client: &ObjectStoreClient) -> Result<Option<ListPage>> {
        if self.over {
            return Ok(None);
        }
        let mut page = client.page(self.at, &self.query).await?;
        match page.next.take().filter(|token| !token.is_empty()) {
            None => self.over = true,
            same if same == self.query.token => {
                return Err(corrupt(
                    self.at.clone(),
                    "a listing that leads back to the same page",
                ));
            }
            next => self.query.token = next,
        }
        Ok(Some(page))
    }
}

/// A listed object as a file of ours; `None` for a folder's mark, and for a key that is no path of ours.
fn file_info(at: &Context, object: ListedObject) -> Option<FileInfo> {
    if object.key.ends_with('/') {
        return None;
    }
    let info = FileInfo::new(checked_path(at, &object.key)?)
        .with_version(object.version)
        .with_modified(object.modified);
    Some(match object.size_bytes {
        Some(size) => info.with_size_bytes(size),
        None => info,
    })
}

/// The name of a prefix below `asked` that no path can have. (An empty name is none: `a//b` is nothing in `a`.)
fn no_path(prefix: &str, asked: &str) -> Option<Unnameable> {
    let error = Path::parse(prefix).err()?;
    let name = prefix.strip_prefix(asked)?;
    let name = name.strip_suffix('/').unwrap_or(name);
    (!name.is_empty()).then(|| Unnameable::refused(name, &error))
}

/// A key as a path; one that breaks a path's rules (`a//b`, a control character) is left out, with a warning.
fn checked_path(at: &Context, key: &str) -> Option<Path> {
    match Path::parse(key) {
        Ok(path) if path.strip_prefix(&at.path).is_some_and(|rest| !rest.is_root()) => Some(path),
        Ok(_) => {
            let key = key.escape_debug().to_string();
            tracing::warn!(filesystem = %at.fs, %key, "left out of a listing: not below the prefix asked for");
            None
        }
        Err(error) => {
            tracing::warn!(filesystem = %at.fs, %error, "left out of a listing: not a path");
            None
        }
    }
}
