//! What can go wrong with one request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};

use super::app::{Answer, Framing};

/// Where in an answer something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before the request's body is read: the request has no effect, and nothing is answered.
    Head,
    /// After the request has had its effect, before any byte of the answer: the answer is lost.
    Answer,
    /// After so many bytes of the answer's body have been handed to the kernel.
    Body(usize),
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection is reset (RST).
    Reset,
    /// The connection is closed (FIN).
    Close,
    /// Nothing more is sent, and the connection stays open until the client or the server ends it.
    Stall,
}

/// One thing that goes wrong with one request. Parts combine: `Fault::status(503).retry_after(1).after(delay)`.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    pub(crate) delay: Duration,
    pub(crate) replace: Option<(StatusCode, Bytes)>,
    pub(crate) applied: bool,
    pub(crate) headers: Vec<(HeaderName, Option<HeaderValue>)>,
    pub(crate) framing: Option<Framing>,
    pub(crate) broken: Option<(At, Break)>,
    pub(crate) drip: Option<(usize, Duration)>,
}

impl Fault {
    /// An answer with this status and a short text in place of the real one; the request has no effect.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = Bytes::from(format!("fault: {status}\n"));
        Self {
            replace: Some((status, text)),
            ..Self::default()
        }
        .header(CONTENT_TYPE, "text/plain")
    }

    /// Nothing but a delay before the answer's headers. Delays of several requests run side by side.
    pub fn delay(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// A break at some place of an otherwise right answer.
    pub fn broken(at: At, how: Break) -> Self {
        Self {
            broken: Some((at, how)),
            ..Self::default()
        }
    }

    /// The connection is reset before any byte of the answer.
    pub fn reset() -> Self {
        Self::broken(At::Head, Break::Reset)
    }

    /// The request takes effect, and the connection is reset before any byte of the answer.
    pub fn lost_answer() -> Self {
        Self::broken(At::Answer, Break::Reset)
    }

    /// The connection is reset after `sent` bytes of the body.
    pub fn reset_after(sent: usize) -> Self {
        Self::broken(At::Body(sent), Break::Reset)
    }

    /// The connection is closed after `sent` bytes of the body; `Content-Length` still promises all of it.
    pub fn truncate(sent: usize) -> Self {
        Self::broken(At::Body(sent), Break::Close)
    }

    /// The body ends after `sent` bytes as if that were all: no length, the end is the end of the connection.
    pub fn truncate_without_length(sent: usize) -> Self {
        let mut fault = Self::broken(At::Body(sent), Break::Close);
        fault.framing = Some(Framing::UntilClose);
        fault
    }

    /// Chunked, and the connection closed after `sent` bytes, without the last chunk.
    pub fn truncate_chunked(sent: usize) -> Self {
        let mut fault = Self::broken(At::Body(sent), Break::Close);
        fault.framing = Some(Framing::Chunked);
        fault
    }

    /// No answer at all, and the request's body is not read.
    pub fn stall() -> Self {
        Self::broken(At::Head, Break::Stall)
    }

    /// Nothing more after `sent` bytes of the body.
    pub fn stall_after(sent: usize) -> Self {
        Self::broken(At::Body(sent), Break::Stall)
    }

    /// The body comes in pieces of `bytes`, one `every` so often.
    pub fn drip(bytes: usize, every: Duration) -> Self {
        Self {
            drip: Some((bytes.max(1), every)),
            ..Self::default()
        }
    }

    /// A `Content-Range` other than the right one.
    pub fn content_range(value: &str) -> Self {
        Self::default().header(CONTENT_RANGE, value)
    }

    /// Status 200 and the page of a login form, as captive portals and expired sessions answer.
    pub fn html_login() -> Self {
        let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action=\"/login\" method=\"post\">\
                    <input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>\n";
        Self {
            replace: Some((StatusCode::OK, Bytes::from_static(page.as_bytes()))),
            ..Self::default()
        }
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
    }

    /// Status 200 and nothing in it.
    pub fn empty_ok() -> Self {
        Self {
            replace: Some((StatusCode::OK, Bytes::new())),
            ..Self::default()
        }
    }

    /// A redirect (301, 302, 303, 307 or 308) to `location`. One to the request's own URL is a loop.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header(LOCATION, location)
    }

    /// Lets the request take effect, although the answer says otherwise: a 503 that comes from a proxy after the write was done.
    #[must_use]
    pub fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    /// Adds a delay before the headers.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, &seconds.to_string())
    }

    /// Sets a header of the answer; a value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, Some(value)));
        }
        self
    }

    /// Removes a header of the answer.
    #[must_use]
    pub fn without_header(mut self, name: HeaderName) -> Self {
        self.headers.push((name, None));
        self
    }

    /// Tells the end of the body in another way.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Replaces the body; the rest of the answer stays. Only for faults that replace the answer.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        let status = self
            .replace
            .as_ref()
            .map_or(StatusCode::OK, |(status, _)| *status);
        self.replace = Some((status, body.into()));
        self
    }

    pub(crate) fn edit(&self, answer: &mut Answer) {
        for (name, value) in &self.headers {
            match value {
                Some(value) => drop(answer.headers.insert(name.clone(), value.clone())),
                None => drop(answer.headers.remove(name)),
            }
        }
        if let Some(framing) = self.framing {
            answer.framing = framing;
        }
    }
}
