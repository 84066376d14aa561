//! From a URL to a lease: one session for each origin with the same options.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use crate::error::{Error, Result};
use crate::filesystem::FileSystem;
use crate::info::IoStats;
use crate::options::Options;
use crate::path::Path;
use crate::session::{CloseError, CloseReport, Gone, LiveLease, SessionOptions, SharedSession};

/// What a URL means to a backend.
pub struct Resolved {
    /// What decides, with the options, whether a session can be shared: scheme and origin, nothing that is a path.
    pub origin: String,
    /// The place inside the filesystem that the URL names.
    pub path: Path,
    /// Makes the session; it does no I/O.
    pub open: Box<dyn FnOnce(SessionOptions) -> Result<Arc<dyn SharedSession>> + Send>,
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolved")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A backend as a registry knows it.
pub trait Factory: std::fmt::Debug + Send + Sync {
    /// What `url` with `options` means. Checks both; does no I/O.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::InvalidPath`] or [`Error::InvalidOption`].
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved>;
}

/// Maps URL schemes to backends and hands out leases; leases on the same origin with the same options share a session.
///
/// It is a value with an owner: dropping it closes nothing and keeps nothing alive.
#[derive(Debug, Default)]
pub struct Registry {
    factories: HashMap<String, Arc<dyn Factory>>,
    defaults: SessionOptions,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<String, Arc<dyn SharedSession>>,
    /// Sessions that accept no lease any more: `close_all` waits for them.
    closing: Vec<Arc<dyn SharedSession>>,
    /// What the sessions had moved that are no longer kept.
    past: IoStats,
}

impl Registry {
    /// A registry without backends, whose sessions behave as `defaults` says unless options say otherwise.
    #[must_use]
    pub fn new(defaults: SessionOptions) -> Self {
        Self {
            factories: HashMap::new(),
            defaults,
            sessions: Mutex::default(),
        }
    }

    /// Adds a backend for a URL scheme.
    #[must_use]
    pub fn with(mut self, scheme: &str, factory: impl Factory + 'static) -> Self {
        self.register(scheme, Arc::new(factory));
        self
    }

    /// Adds a backend for a URL scheme.
    pub fn register(&mut self, scheme: &str, factory: Arc<dyn Factory>) {
        self.factories.insert(scheme.to_owned(), factory);
    }

    /// The URL schemes that have a backend, sorted.
    #[must_use]
    pub fn schemes(&self) -> Vec<&str> {
        let mut schemes: Vec<&str> = self.factories.keys().map(String::as_str).collect();
        schemes.sort_unstable();
        schemes
    }

    /// A lease on the filesystem that `url` lies in, and the place in it. No I/O is done.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::InvalidPath`] or [`Error::InvalidOption`].
    #[track_caller]
    pub fn open(&self, url: &Url, options: &Options) -> Result<(Box<dyn FileSystem>, Path)> {
        let opened_at = Location::caller();
        let factory = self.factories.get(url.scheme()).ok_or_else(|| {
            invalid_url(
                url,
                format!(
                    "no backend for `{}`; known are {}",
                    url.scheme(),
                    self.schemes().join(", ")
                ),
            )
        })?;
        let resolved = factory.resolve(url, options)?;
        let session_options = options.session_options(self.defaults.clone())?;
        let key = format!("{}\n{}", resolved.origin, options.identity());

        let mut sessions = self.lock();
        if let Some(session) = sessions.open.get(&key) {
            // A closing session is never resurrected: an open during a close makes a new one.
            match session.lease_at(opened_at) {
                Ok(lease) => return Ok((lease, resolved.path)),
                Err(Gone) => sessions.retire(&key),
            }
        }
        let session = (resolved.open)(session_options)?;
        let lease = session
            .lease_at(opened_at)
            .map_err(|Gone| invalid_url(url, "the backend gave a session that is closed".to_owned()))?;
        sessions.open.insert(key, session);
        Ok((lease, resolved.path))
    }

    /// The leases that have not ended, with the places that made them.
    #[must_use]
    pub fn live_leases(&self) -> Vec<LiveLease> {
        self.lock()
            .all()
            .flat_map(|session| session.live_leases())
            .collect()
    }

    /// What all sessions of this registry have moved so far.
    #[must_use]
    pub fn io_stats(&self) -> IoStats {
        let sessions = self.lock();
        let mut sum = sessions.past;
        for session in sessions.all() {
            sum += session.io_stats();
        }
        sum
    }

    /// Closes every lease of every session, those of other owners included, and waits until nothing is left.
    ///
    /// # Errors
    /// The errors of those closes that had one; the others are done all the same.
    pub async fn close_all(&self) -> Result<Vec<CloseReport>, Vec<CloseError>> {
        let sessions: Vec<_> = {
            let mut sessions = self.lock();
            let keys: Vec<String> = sessions.open.keys().cloned().collect();
            for key in keys {
                sessions.retire(&key);
            }
            sessions.closing.clone()
        };
        let closes = sessions.iter().map(|session| session.close_all());
        let outcomes: Vec<_> = futures::future::join_all(closes)
            .await
            .into_iter()
            .flatten()
            .collect();
        let (reports, errors): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        if errors.is_empty() {
            Ok(reports.into_iter().filter_map(Result::ok).collect())
        } else {
            Err(errors.into_iter().filter_map(Result::err).collect())
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    fn all(&self) -> impl Iterator<Item = &Arc<dyn SharedSession>> {
        self.open.values().chain(&self.closing)
    }

    /// Moves a session to those that are closing, and lets go of those that have no lease left.
    fn retire(&mut self, key: &str) {
        self.closing.extend(self.open.remove(key));
        let past = &mut self.past;
        self.closing.retain(|session| {
            let ended = session.is_gone();
            if ended {
                *past += session.io_stats();
            }
            !ended
        });
    }
}

/// An error about a URL, without its user, password and query.
#[must_use]
pub fn invalid_url(url: &Url, reason: String) -> Error {
    Error::InvalidUrl {
        url: redacted(url),
        reason,
    }
}

/// A URL as it may be shown: without user, password, query and fragment.
#[must_use]
pub fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only on URLs that have no place for them.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// The path of a URL as a path in a filesystem: percent-decoded, for backends whose root is the URL's authority.
///
/// # Errors
/// [`Error::InvalidUrl`] if it is not UTF-8, [`Error::InvalidPath`] if it breaks an invariant of [`Path`].
pub fn url_path(url: &Url) -> Result<Path> {
    let text = url.path();
    let decoded = percent_encoding::percent_decode_str(text.strip_prefix('/').unwrap_or(text));
    match decoded.decode_utf8() {
        Ok(text) => Path::parse(text),
        Err(_) => Err(invalid_url(url, "its path is not UTF-8".to_owned())),
    }
}
