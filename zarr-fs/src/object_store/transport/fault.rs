//! What can go wrong below an operation: typed, so that nobody reads messages, and without secrets, so that anybody may.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::error::BoxError;
use crate::registry::redacted;

/// The answer of a server that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusError {
    /// The status.
    pub status: StatusCode,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The file's size, where a 416 tells it (`Content-Range: bytes */N`).
    pub size: Option<u64>,
    /// The beginning of the body, control characters and the request's secrets taken out.
    pub body: String,
}

/// What went wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The server answered with a status that is no success.
    Status(StatusError),
    /// The host name has no address.
    Dns,
    /// No connection: refused, unreachable, or the proxy would not.
    Connect,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// The TLS handshake failed: an unknown certificate, another name, no common version.
    Tls,
    /// No byte moved for the stall timeout.
    Stall,
    /// The connection broke before the reply was whole.
    Broken,
    /// What came is not HTTP, or not its version that was asked for. Tried again: a server that sends more than it
    /// announced spoils the reply after it.
    NotHttp,
    /// The body ended before its promised length.
    ShortBody {
        /// Bytes promised.
        promised: u64,
        /// Bytes received.
        received: u64,
    },
    /// The body is longer than promised.
    LongBody {
        /// Bytes promised.
        promised: u64,
    },
    /// The body is longer than the caller takes.
    TooLarge {
        /// Bytes that the caller takes.
        limit: u64,
    },
    /// The server's `Content-Range` is not the range that was asked for.
    WrongRange,
    /// The file changed while it was read.
    Changed,
    /// A page of HTML came in place of an answer: a login form, mostly.
    Page,
    /// A redirect that is not followed.
    Redirect(&'static str),
    /// Redirects that lead nowhere: in a circle, or without end.
    RedirectLoop(&'static str),
    /// The request itself cannot be sent (an impossible header or URL).
    InvalidRequest,
    /// A close cut the call while it waited to try again.
    Cut,
}

impl Fault {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status(status) => is_transient(status.status),
            Self::Dns
            | Self::Connect
            | Self::ConnectTimeout
            | Self::Stall
            | Self::Broken
            | Self::NotHttp
            | Self::ShortBody { .. }
            | Self::LongBody { .. } => true,
            Self::Tls
            | Self::TooLarge { .. }
            | Self::WrongRange
            | Self::Changed
            | Self::Page
            | Self::Redirect(_)
            | Self::RedirectLoop(_)
            | Self::InvalidRequest
            | Self::Cut => false,
        }
    }

    /// Whether the server says that it is asked too much (429), or cannot answer now (503).
    pub(crate) fn is_too_many(&self) -> bool {
        let many = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        matches!(self, Self::Status(status) if many.contains(&status.status))
    }

    /// Whether the server has surely not done what was asked: nothing was sent, or it said so.
    #[must_use]
    pub fn is_not_done(&self) -> bool {
        match self {
            Self::Dns | Self::Connect | Self::ConnectTimeout | Self::Tls | Self::InvalidRequest => true,
            Self::Status(status) => !status.status.is_server_error(),
            Self::Stall
            | Self::Broken
            | Self::NotHttp
            | Self::ShortBody { .. }
            | Self::LongBody { .. }
            | Self::TooLarge { .. }
            | Self::WrongRange
            | Self::Changed
            | Self::Page
            | Self::Redirect(_)
            | Self::RedirectLoop(_)
            | Self::Cut => false,
        }
    }
}

fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// A request that failed: what, of which request, after how many attempts. Cheap to clone.
///
/// Neither `Display` nor `Debug` nor the sources hold a header, a URL's query, user or password.
#[derive(Clone)]
pub struct TransportError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    fault: Fault,
    method: Method,
    url: String,
    attempts: u32,
    in_doubt: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// A failure of the request `method url`.
    #[must_use]
    pub fn new(fault: Fault, method: &Method, url: &Url) -> Self {
        Self(Arc::new(Inner {
            fault,
            method: method.clone(),
            url: redacted(url),
            attempts: 1,
            in_doubt: false,
            source: None,
        }))
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// The failure of one exchange, as reqwest saw it.
    pub(super) fn from_reqwest(error: reqwest::Error, method: &Method, url: &Url) -> Self {
        let error = error.without_url();
        let fault = if error.is_builder() {
            Fault::InvalidRequest
        } else if error.is_dns() {
            Fault::Dns
        } else if is_tls(&error) {
            Fault::Tls
        } else if error.is_connect() && error.is_timeout() {
            Fault::ConnectTimeout
        } else if error.is_connect() {
            Fault::Connect
        } else if is_not_http(&error) {
            Fault::NotHttp
        } else {
            Fault::Broken
        };
        Self::new(fault, method, url).with_source(error)
    }

    pub(super) fn after(mut self, attempts: u32, in_doubt: bool) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.attempts = attempts;
        inner.in_doubt = in_doubt;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// The URL that answered or failed, after redirects: without user, password and query.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The server's status, if it answered with one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        if let Fault::Status(status) = self.fault() {
            Some(status.status)
        } else {
            None
        }
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if let Fault::Status(status) = self.fault() {
            status.retry_after
        } else {
            None
        }
    }

    /// Whether an *earlier* attempt of this request may have done what was asked although its answer was lost: then a
    /// refusal ("exists already", "not found") may be the request's own doing.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.0.in_doubt
    }

    /// The transport error in the chain of `error`, if there is one.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
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

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.0.method, self.0.url)?;
        match &self.0.fault {
            Fault::Status(status) => {
                write!(f, "{}", status.status)?;
                if !status.body.is_empty() {
                    write!(f, ": {}", status.body)?;
                }
                if let Some(wait) = status.retry_after {
                    write!(f, " (retry after {} s)", wait.as_secs())?;
                }
            }
            Fault::Dns => f.write_str("the host name cannot be resolved")?,
            Fault::Connect => f.write_str("cannot connect")?,
            Fault::ConnectTimeout => f.write_str("no connection within the connect timeout")?,
            Fault::Tls => f.write_str("the TLS handshake failed")?,
            Fault::Stall => f.write_str("nothing moved for the stall timeout")?,
            Fault::Broken => f.write_str("the connection broke")?,
            Fault::NotHttp => f.write_str("what the server sent is not HTTP")?,
            Fault::ShortBody { promised, received } => {
                write!(f, "the body ended after {received} of {promised} bytes")?;
            }
            Fault::LongBody { promised } => {
                write!(f, "the body is longer than the promised {promised} bytes")?
            }
            Fault::TooLarge { limit } => write!(f, "the reply is longer than {limit} bytes")?,
            Fault::WrongRange => f.write_str("the reply's Content-Range is not the range asked for")?,
            Fault::Changed => f.write_str("the file changed while it was read")?,
            Fault::Page => f.write_str("the server sent a page of HTML in place of an answer")?,
            Fault::Redirect(why) | Fault::RedirectLoop(why) => write!(f, "redirect not followed: {why}")?,
            Fault::InvalidRequest => f.write_str("the request cannot be sent")?,
            Fault::Cut => f.write_str("cut by close while waiting to try again")?,
        }
        if self.0.attempts > 1 {
            write!(f, " (after {} attempts)", self.0.attempts)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("fault", &self.0.fault)
            .field("method", &self.0.method)
            .field("url", &self.0.url)
            .field("attempts", &self.0.attempts)
            .field("in_doubt", &self.0.in_doubt)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()? as &(dyn StdError + 'static);
        Some(if source.is::<reqwest::Error>() {
            root_cause(source)
        } else {
            source
        })
    }
}

/// What lies below all layers: they say only that it came through them.
fn root_cause<'a>(mut error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error
}

/// Whether rustls refused; its error hides inside nested I/O errors, whose `source` skips what they wrap.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if wrapped.is_some_and(|inner| is_tls(inner)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Whether the head of a reply could not be read.
fn is_not_http(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        next = error.source();
    }
    false
}

/// Most bytes of an error body that are looked at, and shown.
pub(super) const ERROR_BODY_READ: usize = 16 << 10;
const ERROR_BODY_SHOWN: usize = 300;

/// The beginning of an error body as it may be shown: one line, without control characters, without what the request
/// held back (some servers echo the request).
pub(super) fn sanitize(body: &[u8], secrets: &[String]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "…");
    }
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let mut shown = String::new();
    for word in words {
        if shown.len() + word.len() >= ERROR_BODY_SHOWN {
            shown.extend(word.chars().take(ERROR_BODY_SHOWN.saturating_sub(shown.len())));
            shown.push('…');
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    shown
}

/// What of a request must not be shown: the values of its private headers, whole and without their scheme, and what its URL
/// has beside host and path.
pub(super) fn secrets(headers: &HeaderMap, url: &Url, named: &[String]) -> Vec<String> {
    let mut found: Vec<String> = named.to_vec();
    for value in headers.values().filter(|value| value.is_sensitive()) {
        if let Ok(text) = value.to_str() {
            found.push(text.to_owned());
            found.extend(text.split_once(' ').map(|(_, rest)| rest.to_owned()));
        }
    }
    found.extend(url.query().map(str::to_owned));
    found.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    found.extend(url.password().map(str::to_owned));
    found.extend((!url.username().is_empty()).then(|| url.username().to_owned()));
    // Too short to be a secret, and replacing it would garble the text.
    found.retain(|secret| secret.len() >= 6);
    // Longest first, so that no part of a secret is left over.
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}
