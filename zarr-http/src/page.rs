//! Pages in place of files: what a server sends that has an answer for everything.
//!
//! No server that is known to serve Zarr calls its files `text/html`: nginx, Apache, Caddy, lighttpd, rclone, Python, S3 and
//! Google send `application/octet-stream`, `binary/octet-stream`, `application/json`, `text/plain` or nothing for `zarr.json`,
//! `.zarray`, `.zgroup`, `.zattrs` and chunks. What comes as HTML is a login form, a "not found" with status 200, or an
//! application that shows itself under every name; a raw chunk of its length would be read from it without a word. Frameworks
//! call everything HTML that is not told otherwise (PHP, Flask, Django): for those there is the option `html`.

use std::sync::atomic::{AtomicU8, Ordering};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;
use zarr_fs::object_store::Request;
use zarr_fs::options::invalid;
use zarr_fs::{ByteRange, Context, Error, Options, Result};

use crate::client::Remote;
use crate::listing::{Folder, is_index_of};

/// What a page of HTML in place of a file means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pages {
    /// That nobody can tell: an error.
    #[default]
    Error,
    /// That the file is not there.
    Missing,
    /// Nothing: it is the file.
    Data,
}

impl Pages {
    /// What the option `html` says.
    pub(crate) fn from_options(options: &Options) -> Result<Self> {
        match options.text("html")?.as_deref() {
            None | Some("error") => Ok(Self::Error),
            Some("missing") => Ok(Self::Missing),
            Some("data") => Ok(Self::Data),
            Some(_) => Err(invalid("html", "expected error, missing or data")),
        }
    }
}

/// A page that came in place of a file.
#[derive(Debug)]
pub(crate) struct Page {
    /// The folder that it would be the index of: some show folders without a redirect to their slash.
    folder: Folder,
    pages: Pages,
}

/// The page that a reply is, where a file is expected.
pub(crate) fn of(remote: &Remote, at: &Context, headers: &HeaderMap, url: &Url) -> Option<Page> {
    let pages = remote.shared.settings.pages;
    let name = at.path.name().unwrap_or_default().to_ascii_lowercase();
    let is_page_by_name = [".html", ".htm", ".xhtml"]
        .iter()
        .any(|ending| name.ends_with(ending));
    (pages != Pages::Data && !is_page_by_name && is_html(headers)).then(|| Page {
        folder: folder_of(url),
        pages,
    })
}

impl Page {
    /// The error that it is, with as much of its body as is known.
    pub(crate) fn error(&self, body: &[u8], at: &Context) -> Error {
        if self.pages == Pages::Missing || is_index_of(body, &self.folder) {
            return at.not_found();
        }
        Self::odd(at)
    }

    /// The error for a page that is no folder's.
    pub(crate) fn odd(at: &Context) -> Error {
        Error::Corrupt {
            at: at.clone(),
            source: Box::new(Odd::Html),
        }
    }
}

/// An answer that is no file.
#[derive(Debug, thiserror::Error)]
enum Odd {
    #[error(
        "the server answers a page of HTML in its place: a login form, or what it shows for a file that is missing (the option \
         `html` says what such pages are)"
    )]
    Html,
    #[error("the server answers 200 and JSON for files that are missing")]
    Json,
}

/// The folder that a page would be of which answers under a name without a slash.
fn folder_of(url: &Url) -> Folder {
    let mut url = url.clone();
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Folder::new(url)
}

fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    essence(headers).is_some_and(|essence| matches!(essence.as_str(), "text/html" | "application/xhtml+xml"))
}

/// What a server answers for a name that is surely not there.
#[derive(Debug, Default)]
pub(crate) struct Absent(AtomicU8);

const UNKNOWN: u8 = 0;
const TOLD: u8 = 1;
const ANSWERED: u8 = 2;

/// Refuses JSON under a name that does not end in `.json` where the server has a success for every name: it would be a
/// chunk, or attributes. That is asked once in a session, and only if such a reply comes: few servers have any.
pub(crate) async fn refuse_json(remote: &Remote, at: &Context, headers: &HeaderMap) -> Result<()> {
    let is_json = essence(headers).is_some_and(|essence| essence == "application/json");
    if !is_json || at.path.name().is_none_or(|name| name.ends_with(".json")) {
        return Ok(());
    }
    let known = &remote.shared.facts.absent.0;
    if known.load(Ordering::Relaxed) == UNKNOWN {
        let answers = answers_for_absent(remote, at).await?;
        known.store(if answers { ANSWERED } else { TOLD }, Ordering::Relaxed);
    }
    if known.load(Ordering::Relaxed) == ANSWERED {
        return Err(Error::Corrupt {
            at: at.clone(),
            source: Box::new(Odd::Json),
        });
    }
    Ok(())
}

/// A name that nobody gives.
pub(crate) const ABSENT: &str = "zarr-http-asks-what-is-missing";

async fn answers_for_absent(remote: &Remote, at: &Context) -> Result<bool> {
    let absent = at.path.parent().unwrap_or_default().join(ABSENT)?;
    let request = Request::new(Method::GET, remote.shared.settings.target.file(&absent))
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    match remote.transport.send(request).await {
        Ok(response) => Ok(response.status == StatusCode::OK),
        Err(error) if error.fault().is_transient() => Err(remote.read_error(at, ByteRange::Full, error)),
        Err(_) => Ok(false),
    }
}
