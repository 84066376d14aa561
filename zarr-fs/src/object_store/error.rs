//! The one mapping from statuses and transport faults to this crate's error. Messages are never parsed.

use std::sync::Arc;

use http::StatusCode;

use super::transport::{Fault, TransportError};
use crate::call_options::{ByteRange, WriteMode};
use crate::error::{BoxError, Context, Error, Outcome, Result};
use crate::options::{Options, invalid};

/// There are no credentials for a request: the token server refused or cannot be reached, a key cannot be used.
///
/// Kept apart from the faults of the request itself: a token server's 404 says nothing of the file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no credentials: {what}")]
pub struct CredentialError {
    what: &'static str,
    #[source]
    source: Option<TransportError>,
}

impl CredentialError {
    /// Says what went wrong, without a secret.
    #[must_use]
    pub fn new(what: &'static str, source: Option<TransportError>) -> Self {
        Self { what, source }
    }

    fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

/// What a request was for: the same status means different things to a read and to a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Reads a file or a part of it.
    Read(ByteRange),
    /// Lists.
    List,
    /// Writes what must not be there yet.
    Create,
    /// Writes over one version.
    Replace,
    /// Any other write, copy or removal.
    Write,
}

impl Intent {
    /// What a write in `mode` is for.
    #[must_use]
    pub fn of_write(mode: &WriteMode) -> Self {
        match mode {
            WriteMode::Create => Self::Create,
            WriteMode::IfMatch(_) => Self::Replace,
            WriteMode::Overwrite => Self::Write,
        }
    }

    fn is_read(self) -> bool {
        matches!(self, Self::Read(_) | Self::List)
    }
}

/// Turns failures into this crate's error. A clone shares what it knows.
#[derive(Clone, Debug)]
pub struct ErrorMap {
    missing: Arc<[StatusCode]>,
}

/// The statuses that say that something is missing, unless an option adds to them.
const MISSING: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::GONE];

impl Default for ErrorMap {
    fn default() -> Self {
        Self {
            missing: Arc::from(MISSING),
        }
    }
}

impl ErrorMap {
    /// The mapping with the statuses of the option `missing_status` (one, or a list) beside 404 and 410: `403` for buckets
    /// that hide what they lack. They hold for reads and listings.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for what is no status from 400 to 499.
    pub fn from_options(options: &Options) -> Result<Self> {
        let key = "missing_status";
        let wrong = || invalid(key, "expected a status from 400 to 499, or a list of them");
        let values = match options.get(key) {
            None | Some(serde_json::Value::Null) => return Ok(Self::default()),
            Some(serde_json::Value::Array(values)) => values.clone(),
            // From the command line a list is text: `403,404`.
            Some(serde_json::Value::String(text)) => text.split(',').map(|part| part.trim().into()).collect(),
            Some(value) => vec![value.clone()],
        };
        let mut missing = MISSING.to_vec();
        for value in values {
            let number = match value.as_str() {
                Some(text) => text.parse().ok(),
                None => value.as_u64(),
            };
            let status = number
                .and_then(|number| u16::try_from(number).ok())
                .filter(|number| (400..500).contains(number))
                .and_then(|number| StatusCode::from_u16(number).ok())
                .ok_or_else(wrong)?;
            missing.push(status);
        }
        Ok(Self {
            missing: missing.into(),
        })
    }

    /// The error for a failed request.
    #[must_use]
    pub fn transport(&self, at: Context, intent: Intent, error: TransportError) -> Error {
        match error.fault() {
            Fault::Status(status) => {
                let (status, size) = (status.status, status.size);
                self.status(at, intent, status, size, Box::new(error))
            }
            Fault::Dns
            | Fault::Connect
            | Fault::ConnectTimeout
            | Fault::Tls
            | Fault::Stall
            | Fault::Broken
            | Fault::NotHttp
            | Fault::ShortBody { .. }
            | Fault::LongBody { .. } => unavailable(at, error),
            Fault::WrongRange | Fault::Changed | Fault::Page => corrupt(at, error),
            Fault::TooLarge { limit } => Error::LimitReached {
                what: "bytes to read at once",
                limit: *limit,
            },
            Fault::Redirect(_) | Fault::RedirectLoop(_) | Fault::InvalidRequest => backend(at, error),
            Fault::Cut => cut(at, intent),
        }
    }

    fn credential(at: Context, intent: Intent, error: CredentialError) -> Error {
        match error.source.as_ref().map(TransportError::fault) {
            Some(Fault::Cut) => cut(at, intent),
            Some(fault) if fault.is_transient() || *fault == Fault::Tls => unavailable(at, error),
            Some(_) | None => Error::Unauthenticated {
                at,
                source: Some(Box::new(error)),
            },
        }
    }

    fn status(
        &self,
        at: Context,
        intent: Intent,
        status: StatusCode,
        size: Option<u64>,
        source: BoxError,
    ) -> Error {
        let source_or_none = Some(source);
        let is_missing = if intent.is_read() {
            self.missing.contains(&status)
        } else {
            MISSING.contains(&status)
        };
        if is_missing {
            return Error::NotFound {
                at,
                source: source_or_none,
            };
        }
        let rest = |source: Option<BoxError>| source.unwrap_or_else(|| status.to_string().into());
        match (status.as_u16(), intent) {
            (401 | 407, _) => Error::Unauthenticated {
                at,
                source: source_or_none,
            },
            (403, _) => Error::PermissionDenied {
                at,
                source: source_or_none,
            },
            (409 | 412, Intent::Create) => Error::AlreadyExists {
                at,
                source: source_or_none,
            },
            (412, _) | (409, Intent::Replace) => Error::Precondition {
                at,
                source: source_or_none,
            },
            (416, Intent::Read(range)) => {
                let (start, end) = range.bounds();
                Error::RangeOutOfBounds { at, start, end, size }
            }
            (405 | 501, _) => Error::Unsupported {
                at,
                what: format!("the server answers {status}"),
            },
            // No space is not a matter of waiting.
            (507, _) => Error::Backend {
                at,
                source: rest(source_or_none),
            },
            (408 | 425 | 429 | 500..=599, _) => Error::Unavailable {
                at,
                source: rest(source_or_none),
            },
            _ => Error::Backend {
                at,
                source: rest(source_or_none),
            },
        }
    }

    /// The error for a failure of object_store: what the transport saw if the failure is its, else by object_store's kind.
    ///
    /// object_store's own wrapping is left out where the transport's error says more: it shows whole URLs.
    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "object_store's enum is open, and its rest is what it cannot read"
    )]
    pub fn store(&self, at: Context, intent: Intent, error: object_store::Error) -> Error {
        if let Some(found) = CredentialError::find(&error) {
            return Self::credential(at, intent, found.clone());
        }
        if let Some(found) = TransportError::find(&error) {
            return self.transport(at, intent, found.clone());
        }
        use object_store::Error as Store;
        match error {
            Store::NotFound { source, .. } => Error::NotFound {
                at,
                source: Some(source),
            },
            Store::AlreadyExists { source, .. } => Error::AlreadyExists {
                at,
                source: Some(source),
            },
            Store::Precondition { source, .. } if intent == Intent::Create => Error::AlreadyExists {
                at,
                source: Some(source),
            },
            Store::Precondition { source, .. } | Store::NotModified { source, .. } => Error::Precondition {
                at,
                source: Some(source),
            },
            Store::PermissionDenied { source, .. } => Error::PermissionDenied {
                at,
                source: Some(source),
            },
            Store::Unauthenticated { source, .. } => Error::Unauthenticated {
                at,
                source: Some(source),
            },
            error @ (Store::NotSupported { .. } | Store::NotImplemented { .. }) => Error::Unsupported {
                at,
                what: error.to_string(),
            },
            error @ (Store::InvalidPath { .. }
            | Store::JoinError { .. }
            | Store::UnknownConfigurationKey { .. }) => backend(at, error),
            // What is left without a fault of the transport is a reply that object_store cannot read: a header that is
            // missing, XML that is none.
            error => corrupt(at, error),
        }
    }
}

/// What a server sent is not what it must be: invalid XML, HTML, a header that is missing.
pub(crate) fn corrupt(at: Context, source: impl Into<BoxError>) -> Error {
    Error::Corrupt {
        at,
        source: source.into(),
    }
}

fn cut(at: Context, intent: Intent) -> Error {
    Error::Closed {
        at,
        outcome: if intent.is_read() {
            Outcome::Cut
        } else {
            Outcome::Unknown
        },
    }
}

fn unavailable(at: Context, source: impl Into<BoxError>) -> Error {
    Error::Unavailable {
        at,
        source: source.into(),
    }
}

fn backend(at: Context, source: impl Into<BoxError>) -> Error {
    Error::Backend {
        at,
        source: source.into(),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
