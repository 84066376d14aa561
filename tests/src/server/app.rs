//! What a server answers: one synchronous function from a whole request to a whole answer.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use percent_encoding::percent_decode_str;

/// A request, read to its end.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as it came over the wire: still percent-encoded, with its leading slash.
    pub path: String,
    /// The query as it came over the wire, without the question mark.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The protocol version of this request.
    pub version: Version,
    /// The body. Empty while a [`Fault`](crate::Fault) is being chosen: that happens before the body is read.
    pub body: Bytes,
}

impl Request {
    /// The header `name` as text; `None` if it is absent or not text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Path and query as they came over the wire.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The query's pairs in order, decoded; a key without `=` has an empty value.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        let Some(query) = &self.query else {
            return Vec::new();
        };
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode_form(key), decode_form(value))
            })
            .collect()
    }
}

/// Percent-decodes text; bytes that are not UTF-8 are replaced.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// How a client learns where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    Length,
    /// Chunked transfer coding, no length (HTTP/2: no length).
    Chunked,
    /// An HTTP/1.0 answer that ends when the connection does.
    UntilClose,
    /// An HTTP/1.0 answer with `Content-Length`, after which the connection is closed.
    LengthThenClose,
}

/// An answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, without the framing ones unless they are set on purpose.
    pub headers: HeaderMap,
    /// The body as for `GET`; it is not sent in answer to `HEAD`, but its length is told.
    pub body: Bytes,
    /// How the end of the body is told.
    pub framing: Framing,
    /// A remark for the log, such as what the server does not know.
    pub note: Option<String>,
}

impl Answer {
    /// An answer with an empty body.
    pub fn status(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            framing: Framing::Length,
            note: None,
        }
    }

    /// An answer with a body of the given type.
    pub fn body(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::status(status)
            .header(CONTENT_TYPE, content_type)
            .with_body(body)
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a header; a value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Tells the length, unless the framing or the status forbids it or a header tells it already.
    pub(crate) fn set_length(&mut self) {
        let bodiless = self.status == StatusCode::NO_CONTENT || self.status == StatusCode::NOT_MODIFIED;
        let told = matches!(self.framing, Framing::Length | Framing::LengthThenClose);
        if told && !bodiless && !self.headers.contains_key(CONTENT_LENGTH) {
            self.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        if self.framing == Framing::LengthThenClose {
            self.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// The logic of a server, free of sockets and time.
pub trait App: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: &Request) -> Answer;
}
