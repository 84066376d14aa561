//! A request as a backend asks for it, and the body that it sends.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use url::Url;

use super::super::retry::{Activity, Retry};

/// A request. `Debug` shows no header value and no query.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; `http` or `https`. Its user and password are not sent.
    pub url: Url,
    /// The headers. They go to the origin of `url`; to another host a redirect takes only those that name the file and
    /// the range.
    pub headers: HeaderMap,
    /// When it may be sent again.
    pub retry: Retry,
    pub(super) body: Body,
    pub(super) accepted: Vec<StatusCode>,
    pub(super) activity: Option<Activity>,
    pub(super) secrets: Vec<String>,
}

impl Request {
    /// A request without body, to be sent again as its method allows.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            retry: Retry::of(&method),
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::default(),
            accepted: Vec::new(),
            activity: None,
            secrets: Vec::new(),
        }
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, bytes: Bytes) -> Self {
        self.body = Body::from_iter([bytes]);
        self
    }

    /// Sets when it may be sent again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Keeps `secret`, which is in the body, out of what is shown of a reply; what is in sensitive headers and in the query
    /// is kept out anyhow.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Takes these statuses as answers, not as errors, beside those of success.
    #[must_use]
    pub fn with_accepted(mut self, statuses: &[StatusCode]) -> Self {
        self.accepted.extend_from_slice(statuses);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &crate::registry::redacted(&self.url))
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A body in pieces; a clone shares them.
#[derive(Clone, Debug, Default)]
pub(super) struct Body(Arc<[Bytes]>);

impl FromIterator<Bytes> for Body {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self(pieces.into_iter().filter(|piece| !piece.is_empty()).collect())
    }
}

impl Body {
    pub(super) fn len(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    /// The body for one attempt, and what tells how far it has gone.
    pub(super) fn sending(&self, progress: &Progress) -> Sending {
        Sending {
            pieces: Arc::clone(&self.0),
            next: 0,
            rest: Bytes::new(),
            left: self.len(),
            progress: progress.clone(),
        }
    }
}

/// When a request last moved: what the stall timeout looks at while a body is being sent.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    began: Instant,
    moved_ms: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            moved_ms: Arc::new(AtomicU64::new(0)),
        }
    }

    fn mark(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(elapsed, Ordering::Relaxed);
    }

    /// How long nothing has moved.
    pub(super) fn idle(&self) -> Duration {
        let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(moved)
    }
}

/// Pieces that a body is handed to the connection in: small enough to show progress on a slow line.
const SEND_PIECE: usize = 64 << 10;

/// A body on its way, in small pieces.
pub(super) struct Sending {
    pieces: Arc<[Bytes]>,
    next: usize,
    rest: Bytes,
    left: u64,
    progress: Progress,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            let Some(piece) = this.pieces.get(this.next) else {
                return Poll::Ready(None);
            };
            this.rest = piece.clone();
            this.next += 1;
        }
        let piece = this.rest.split_to(this.rest.len().min(SEND_PIECE));
        this.left = this.left.saturating_sub(piece.len() as u64);
        this.progress.mark();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
