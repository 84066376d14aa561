//! The part that lives on the I/O thread, and what all leases of a session know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use object_store::http::HttpStore;
use url::Url;
use zarr_fs::object_store::{Fault, Intent, Request, Transport, TransportError};
use zarr_fs::session::IoCounters;
use zarr_fs::{BoxError, ByteRange, Capabilities, Context, Error, FileInfo, Listing, Path, Result, Version};

use crate::config::{ListingMode, Settings};
use crate::listing::{Knowledge, http_date};
use crate::page::Absent;
use crate::redirect::{self, Redirects};
use crate::target::is_folder_of;
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
    pub(crate) fn reply_error(&self, at: &Context, intent: Intent, error: TransportError) -> Error {
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
}

/// The error for redirects in a circle.
#[derive(Debug, thiserror::Error)]
#[error("the server redirects to where it was asked; perhaps it wants a cookie kept, and none is")]
struct Circle(#[source] TransportError);

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
