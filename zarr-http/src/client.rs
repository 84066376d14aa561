//! The part that lives on the I/O thread, and what all leases of a session know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::http::HttpStore;
use url::Url;
use zarr_fs::object_store::{Fault, Fetched, Intent, Request, Retry, Transport, TransportError};
use zarr_fs::session::IoCounters;
use zarr_fs::{BoxError, ByteRange, Capabilities, Context, Error, FileInfo, Listing, Path, Result, Version};

use crate::config::{ListingMode, Settings};
use crate::listing::{Knowledge, MAX_PAGE_BYTES, Reply, ReplyPage, http_date};
use crate::page::Absent;
use crate::redirect::{self, Redirects};
use crate::target::{is_above, is_folder_of};
use crate::write;

/// What all leases of a session share: its settings, and what has been learned of the server.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) knowledge: Mutex<Knowledge>,
    pub(crate) facts: Facts,
}

/// What has been learned of the server's ways with files.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// It answers 200 and the whole file, whatever range is asked for.
    ignores_ranges: AtomicBool,
    /// It refuses the end of a file by its length, and knows other ranges.
    refuses_suffixes: AtomicBool,
    /// It does not know `HEAD`.
    refuses_head: AtomicBool,
    /// It sends no entity tags.
    has_no_etags: AtomicBool,
    /// It cannot move a file onto a name that is free.
    cannot_create: AtomicBool,
    /// A file has been read.
    has_read: AtomicBool,
    /// What it answers for a name that is surely not there, once that mattered.
    pub(crate) absent: Absent,
    /// Where it redirects to.
    pub(crate) redirects: Redirects,
}

/// Notes a fact; says whether it is new.
fn note(fact: &AtomicBool) -> bool {
    !fact.swap(true, Ordering::Relaxed)
}

impl Facts {
    pub(crate) fn ignores_ranges(&self) -> bool {
        self.ignores_ranges.load(Ordering::Relaxed)
    }

    /// Notes that the server ignores ranges, and warns of it once in a session.
    pub(crate) fn note_ignored_range(&self, name: &str) {
        if note(&self.ignores_ranges) {
            tracing::warn!(
                filesystem = name,
                "the server ignores ranges: every read of a part fetches the whole file up to it"
            );
        }
    }

    pub(crate) fn refuses_suffixes(&self) -> bool {
        self.refuses_suffixes.load(Ordering::Relaxed)
    }

    pub(crate) fn note_refused_suffix(&self) {
        note(&self.refuses_suffixes);
    }

    pub(crate) fn refuses_head(&self) -> bool {
        self.refuses_head.load(Ordering::Relaxed)
    }

    pub(crate) fn note_refused_head(&self) {
        note(&self.refuses_head);
    }

    pub(crate) fn note_no_create(&self) {
        note(&self.cannot_create);
    }

    pub(crate) fn has_read(&self) -> bool {
        self.has_read.load(Ordering::Relaxed)
    }

    /// Notes what a reply about a file shows.
    pub(crate) fn note_file(&self, version: &Version) {
        note(&self.has_read);
        if version.is_unknown() {
            note(&self.has_no_etags);
        }
    }
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            knowledge: Mutex::default(),
            facts: Facts::default(),
        }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::read_only();
        let listing = self.knowledge.lock().map_or_else(
            |poisoned| poisoned.into_inner().listing(),
            |knowledge| knowledge.listing(),
        );
        capabilities.listing = match self.settings.listing {
            ListingMode::None => Listing::None,
            // An index hides what it likes, whatever is still to be learned.
            ListingMode::Index if listing == Listing::Complete => Listing::VisibleOnly,
            ListingMode::Auto | ListingMode::WebDav | ListingMode::Index => listing,
        };
        capabilities.write = self.settings.write;
        capabilities.create = self.settings.write && !self.facts.cannot_create.load(Ordering::Relaxed);
        capabilities.versions = !self.facts.has_no_etags.load(Ordering::Relaxed);
        capabilities
    }
}

/// The client of a session: on its I/O thread, over our transport.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) transport: Transport,
    pub(crate) shared: Arc<Shared>,
    /// For uploads and copies.
    pub(crate) store: Arc<HttpStore>,
}

/// The index as JSON where the server has it: exact sizes and names. Caddy does.
const ACCEPT_INDEX: HeaderValue = HeaderValue::from_static("application/json, text/html;q=0.9, */*;q=0.1");

impl Remote {
    pub(crate) fn connect(shared: &Arc<Shared>, counters: &Arc<IoCounters>) -> Result<Self> {
        let transport = Transport::new(shared.settings.transport.clone(), counters)?;
        Ok(Self {
            store: Arc::new(write::store(&shared.settings, &transport)?),
            transport,
            shared: Arc::clone(shared),
        })
    }

    /// A request for a file. Bytes are wanted as they are stored: a range of a compressed body would be one of other bytes.
    pub(crate) fn request(&self, method: Method, path: &Path) -> Request {
        Request::new(method, self.shared.settings.target.file(path))
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    pub(crate) fn error(&self, at: &Context, intent: Intent, error: TransportError) -> Error {
        self.shared.settings.errors.transport(at.clone(), intent, error)
    }

    /// As [`Remote::error`] for a read of a file. What redirects to itself with a slash is a folder, whatever comes of the
    /// redirect: a proxy may leave the address of the server behind it there, where nobody answers. Some servers answer 405
    /// to `GET` of a folder, and 300 where they have only names alike.
    pub(crate) fn read_error(&self, at: &Context, range: ByteRange, error: TransportError) -> Error {
        let is_folder = Url::parse(error.url())
            .is_ok_and(|url| is_folder_of(&url, &self.shared.settings.target.file(&at.path)));
        let is_missing = is_folder
            || error.status() == Some(StatusCode::METHOD_NOT_ALLOWED)
            || redirect::has_only_others(&error);
        if is_missing {
            return Error::NotFound {
                at: at.clone(),
                source: Some(Box::new(error)),
            };
        }
        self.reply_error(at, Intent::Read(range), error)
    }

    /// As [`Remote::error`] for what only reads. A redirect that cannot be followed is an answer that is none: without a
    /// `Location`, in a circle (which a cookie might end; none is kept), down to plain HTTP.
    fn reply_error(&self, at: &Context, intent: Intent, error: TransportError) -> Error {
        let source: BoxError = if matches!(error.fault(), Fault::Redirect(_)) {
            Box::new(error)
        } else if matches!(error.fault(), Fault::RedirectLoop(_)) {
            Box::new(Circle(error))
        } else {
            return self.error(at, intent, error);
        };
        let at = at.clone();
        Error::Corrupt { at, source }
    }

    /// `GET` of a folder.
    pub(crate) async fn get_folder(&self, at: &Context) -> Result<Reply> {
        let url = self.shared.settings.target.folder(&at.path);
        let request = Request::new(Method::GET, url)
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .with_header(header::ACCEPT, ACCEPT_INDEX);
        self.listing(at, request, None).await
    }

    /// `PROPFIND` of a folder. `is_try`: it is not known whether the server knows the method.
    pub(crate) async fn propfind(&self, at: &Context, body: &'static str, is_try: bool) -> Result<Reply> {
        let method = Method::from_bytes(b"PROPFIND").map_err(|error| at.backend(error))?;
        let url = self.shared.settings.target.folder(&at.path);
        let request = Request::new(method, url)
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))
            .with_header(HeaderName::from_static("depth"), HeaderValue::from_static("1"))
            .with_body(bytes::Bytes::from_static(body.as_bytes()));
        if !is_try {
            return self.listing(at, request, None).await;
        }
        // Some answer 500 to a method that they do not know: no fault that passes.
        let request = request.with_retry(Retry::IfNotDone);
        let stall = self.transport.options().stall_timeout;
        let limit = (stall / TRY_PART).max(TRY_LEAST).min(stall);
        let mut again = TRY_AGAIN;
        loop {
            let error = match self.listing(at, request.clone(), Some(limit)).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            // A connection that the server has closed meanwhile breaks under the next request: it reads, so it is sent again.
            let is_broken = TransportError::find(&error).is_some_and(|error| *error.fault() == Fault::Broken);
            if is_broken && again > 0 {
                again -= 1;
                continue;
            }
            let breaks = matches!(
                error,
                Error::Unavailable { .. }
                    | Error::Corrupt { .. }
                    | Error::Backend { .. }
                    | Error::Unsupported { .. }
            );
            return if breaks {
                Ok(Reply::Broken(error))
            } else {
                Err(error)
            };
        }
    }

    async fn fetch_within(&self, request: Request, limit: Duration) -> Result<Fetched, TransportError> {
        let (method, url) = (request.method.clone(), request.url.clone());
        let Ok(response) = tokio::time::timeout(limit, self.transport.send(request)).await else {
            return Err(TransportError::new(Fault::Stall, &method, &url));
        };
        let response = response?;
        let (status, headers, url) = (response.status, response.headers.clone(), response.url.clone());
        let bytes = response.bytes(MAX_PAGE_BYTES).await?;
        Ok(Fetched {
            status,
            headers,
            url,
            bytes,
        })
    }

    /// The answer to `request`. `limit`: it is a try, and its answer must begin within this time.
    async fn listing(&self, at: &Context, request: Request, limit: Option<Duration>) -> Result<Reply> {
        let asked = request.url.clone();
        let is_try = limit.is_some();
        let fetched = match limit {
            None => self.transport.fetch(request, MAX_PAGE_BYTES).await,
            Some(limit) => self.fetch_within(request, limit).await,
        };
        match fetched {
            Ok(fetched) => {
                let elsewhere = match redirect::settle(self, at, &asked, &fetched.url).await {
                    Ok(()) => None,
                    Err(Error::Corrupt { .. }) => Some("the server redirects to another folder"),
                    Err(error) if error.is_not_found() => {
                        let status = StatusCode::NOT_FOUND;
                        return Ok(Reply::Refused { status, error });
                    }
                    Err(error) => return Err(error),
                };
                let Some(encoding) = encoding(&fetched.headers) else {
                    return Err(at.unsupported("a listing in an encoding other than gzip"));
                };
                let text = |name| fetched.headers.get(name)?.to_str().ok().map(str::to_owned);
                Ok(Reply::Page(ReplyPage {
                    status: fetched.status,
                    content_type: text(header::CONTENT_TYPE),
                    server: text(header::SERVER),
                    objection: objection(&asked, &fetched).or(elsewhere),
                    url: fetched.url,
                    is_gzip: encoding == Encoding::Gzip,
                    body: fetched.bytes,
                }))
            }
            Err(error) => {
                let status = error.status();
                // PROPFIND sent to another host, GET from https down to http. A folder in a circle of redirects is a server
                // that fails; only a method that it may not know may end so.
                let is_redirect = matches!(error.fault(), Fault::Redirect(_))
                    || (is_try && matches!(error.fault(), Fault::RedirectLoop(_)));
                let error = self.reply_error(at, Intent::List, error);
                match status {
                    Some(status) if says_no(status) => Ok(Reply::Refused { status, error }),
                    None if is_redirect => Ok(Reply::Refused {
                        status: StatusCode::FOUND,
                        error,
                    }),
                    _ => Err(error),
                }
            }
        }
    }
}

/// The error for redirects in a circle.
#[derive(Debug, thiserror::Error)]
#[error("the server redirects to where it was asked; perhaps it wants a cookie kept, and none is")]
struct Circle(#[source] TransportError);

/// What part of the stall timeout the head of an answer to a try may take, and how long it may take at least. A server that
/// leaves a method that it does not know unanswered would otherwise cost a whole stall (30 s).
const TRY_PART: u32 = 6;
const TRY_LEAST: Duration = Duration::from_secs(1);

/// How often a try is sent again whose connection broke.
const TRY_AGAIN: u32 = 2;

/// Why a success is no listing of the folder asked for, as far as its head shows.
fn objection(asked: &Url, reply: &Fetched) -> Option<&'static str> {
    if !matches!(reply.status.as_u16(), 200 | 203 | 207) {
        return Some("the server answers with a success that has no listing");
    }
    if is_above(&reply.url, asked) {
        return Some("the server redirects to a folder above it");
    }
    if is_stored_file(&reply.headers) {
        return Some("the server shows a file in its place");
    }
    if has_next(&reply.headers) {
        return Some("the server lists it in parts");
    }
    None
}

/// Whether a page was a file of its own on the server, so not written for this request: an `index.html`, perhaps a copy of
/// a listing from elsewhere. Static files have all three headers on nginx, Apache, Caddy and lighttpd; listings never have
/// (Apache can be told to give dates and weak tags, rclone gives dates, caches in front give `Accept-Ranges`).
fn is_stored_file(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_strong = text(header::ETAG).is_some_and(|etag| etag.starts_with('"'));
    is_strong && headers.contains_key(header::LAST_MODIFIED) && text(header::ACCEPT_RANGES) == Some("bytes")
}

/// Whether more follows on another page.
fn has_next(headers: &HeaderMap) -> bool {
    let is_next = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel")
            && value
                .split_ascii_whitespace()
                .any(|rel| rel.eq_ignore_ascii_case("next"))
    };
    headers
        .get_all(header::LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|links| links.split([',', ';']))
        .any(is_next)
}

/// Whether a status answers the question: not one that asks who is calling, nor one that passes.
fn says_no(status: StatusCode) -> bool {
    match status.as_u16() {
        401 | 407 | 408 | 425 | 429 => false,
        // 300: names alike in its place.
        300 | 501 | 505 => true,
        status => (400..500).contains(&status),
    }
}

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

/// How a body is encoded; `None` if in a way that is not decoded here.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let mut encoding = Encoding::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for name in value.to_str().ok()?.split(',') {
            match (name.trim().to_ascii_lowercase().as_str(), encoding) {
                ("" | "identity", _) => {}
                ("gzip" | "x-gzip", Encoding::Identity) => encoding = Encoding::Gzip,
                _ => return None,
            }
        }
    }
    Some(encoding)
}

/// What the headers of a reply say of the file.
pub(crate) fn file_info(path: &Path, headers: &HeaderMap) -> FileInfo {
    let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
    FileInfo::new(path.clone())
        .with_version(Version {
            etag: text(header::ETAG).filter(|etag| !etag.is_empty()),
            generation: None,
        })
        .with_modified(text(header::LAST_MODIFIED).as_deref().and_then(http_date))
}
