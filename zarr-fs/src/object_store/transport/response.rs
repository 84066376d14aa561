//! A reply and its body: counted, watched for stalls, checked against its length, and resumed where that is safe.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::super::retry::{self, Budget, Retry};
use super::fault::{Fault, TransportError};
use super::range::{ContentRange, RangeHeader};
use super::{Request, Transport};
use crate::registry::redacted;

/// Most bytes that are set aside for a body before any of it has come: a length may be a lie.
const MOST_RESERVED: u64 = 16 << 20;

/// A body up to this size is copied out of the connection's read buffer, which is larger and would live as long as the body:
/// a listing keeps many documents of a few hundred bytes.
const COPIED_UP_TO: usize = 16 << 10;

/// A reply: a success, or a status that its request accepts. `Debug` shows neither headers nor query.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// Whether an earlier attempt of the same request may have been done although its answer was lost.
    pub in_doubt: bool,
    pub(super) body: ResponseBody,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &redacted(&self.url))
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The length of the body, if the server promises one.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        content_length(&self.headers)
    }

    /// The range in `Content-Range`, if there is a valid one.
    #[must_use]
    pub fn content_range(&self) -> Option<ContentRange> {
        ContentRange::of(&self.headers)
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> ResponseBody {
        self.body
    }

    /// The whole body, at most `limit` bytes.
    ///
    /// # Errors
    /// As [`ResponseBody::next`]; [`Fault::TooLarge`] beyond `limit`.
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes, TransportError> {
        self.body.collect(limit).await
    }
}

/// The body of a reply.
pub struct ResponseBody {
    pub(super) reply: reqwest::Response,
    transport: Transport,
    request: Arc<Request>,
    url: Url,
    budget: Budget,
    /// Bytes that were promised.
    promised: Option<u64>,
    received: u64,
    resume: Option<Resume>,
    over: bool,
}

/// What a body can be resumed by.
struct Resume {
    etag: HeaderValue,
    /// First byte of the body in the file.
    start: u64,
    /// One past its last byte, and the file's size.
    end: u64,
    size: u64,
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody")
            .field("promised", &self.promised)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl ResponseBody {
    pub(super) fn new(
        transport: Transport,
        request: Arc<Request>,
        url: Url,
        reply: reqwest::Response,
        budget: Budget,
    ) -> Self {
        let headers = reply.headers();
        let bodiless = request.method == Method::HEAD || reply.status() == StatusCode::NO_CONTENT;
        let promised = if bodiless { None } else { content_length(headers) };
        Self {
            resume: Resume::of(&request, reply.status(), headers),
            reply,
            transport,
            request,
            url,
            budget,
            promised,
            received: 0,
            over: false,
        }
    }

    /// The next piece; `None` at the end, which is where the server promised it.
    ///
    /// A body that breaks is resumed where the version is certain: by a range under the same ETag. Otherwise the error
    /// is returned, also if bytes have been given out already.
    ///
    /// # Errors
    /// A [`Fault`] of the body; [`Fault::Changed`] if the file is another one when the body is resumed.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            if self.over {
                return Ok(None);
            }
            let fault = match tokio::time::timeout(self.transport.stall_timeout(), self.reply.chunk()).await {
                Ok(Ok(Some(piece))) if piece.is_empty() => continue,
                Ok(Ok(Some(piece))) => {
                    self.received += piece.len() as u64;
                    self.transport.counters().add_received(piece.len() as u64);
                    self.budget.progress(piece.len());
                    match self.promised {
                        Some(promised) if self.received > promised => {
                            self.over = true;
                            return Err(self.error(Fault::LongBody { promised }));
                        }
                        _ => return Ok(Some(piece)),
                    }
                }
                Ok(Ok(None)) => match self.promised {
                    Some(promised) if self.received < promised => self.error(Fault::ShortBody {
                        promised,
                        received: self.received,
                    }),
                    _ => {
                        self.over = true;
                        return Ok(None);
                    }
                },
                Ok(Err(error)) => match self.promised {
                    // The connection ended early: say how early.
                    Some(promised) if self.received < promised => {
                        let received = self.received;
                        self.error(Fault::ShortBody { promised, received })
                            .with_source(error.without_url())
                    }
                    _ => TransportError::from_reqwest(error, &self.request.method, &self.url),
                },
                Err(_) => self.error(Fault::Stall),
            };
            if let Err(error) = self.resume(fault).await {
                self.over = true;
                return Err(error.after(self.budget.attempts(), false));
            }
        }
    }

    /// The rest of the body, at most `limit` bytes.
    ///
    /// # Errors
    /// As [`ResponseBody::next`]; [`Fault::TooLarge`] beyond `limit`.
    pub async fn collect(&mut self, limit: u64) -> Result<Bytes, TransportError> {
        let too_large = |body: &Self| body.error(Fault::TooLarge { limit });
        if self.promised.is_some_and(|promised| promised > limit) {
            return Err(too_large(self));
        }
        let Some(first) = self.next().await? else {
            return Ok(Bytes::new());
        };
        if first.len() as u64 > limit {
            return Err(too_large(self));
        }
        if self.promised == Some(first.len() as u64) && self.next().await?.is_none() {
            return Ok(compact(first));
        }
        let reserved = self
            .promised
            .unwrap_or_default()
            .min(MOST_RESERVED)
            .max(first.len() as u64);
        let mut whole = BytesMut::with_capacity(usize::try_from(reserved).unwrap_or_default());
        whole.extend_from_slice(&first);
        while let Some(piece) = self.next().await? {
            if (whole.len() as u64).saturating_add(piece.len() as u64) > limit {
                return Err(too_large(self));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    fn error(&self, fault: Fault) -> TransportError {
        TransportError::new(fault, &self.request.method, &self.url)
    }

    /// Goes on after `error` with a request for the rest.
    async fn resume(&mut self, mut error: TransportError) -> Result<(), TransportError> {
        let Some(resume) = &self.resume else {
            return Err(error);
        };
        loop {
            let Some(wait) = retry::next(&self.budget, self.request.retry, &error) else {
                return Err(error);
            };
            self.transport.back_off(wait, &self.request, &error).await?;
            let request = resume.request(&self.request, self.received);
            match self.transport.attempt(&request).await {
                Ok((reply, _)) => {
                    return match resume.check(&reply, self.received) {
                        Ok(true) => {
                            self.reply = reply;
                            Ok(())
                        }
                        // It ignores ranges: there is no going on.
                        Ok(false) => Err(error),
                        Err(fault) => Err(self.error(fault)),
                    };
                }
                Err(next) if next.status() == Some(StatusCode::PRECONDITION_FAILED) => {
                    return Err(self.error(Fault::Changed).with_source(next));
                }
                Err(next) if next.fault().is_transient() => error = next,
                Err(next) => return Err(next),
            }
        }
    }

    /// What the caller tries again with, if it reads the file anew.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Resume {
    /// A body can be resumed if it was asked for by GET, its place in the file is known, and so is its version.
    fn of(request: &Request, status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if request.method != Method::GET || request.retry != Retry::Always {
            return None;
        }
        // A weak tag says that two bodies mean the same, not that they are the same bytes.
        let etag = headers.get(header::ETAG)?;
        if !etag.as_bytes().starts_with(b"\"") || headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let (start, end, size) = match status {
            StatusCode::OK => {
                let length = content_length(headers)?;
                (0, length, length)
            }
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(headers)?;
                (range.start, range.end, range.size?)
            }
            _ => return None,
        };
        Some(Self {
            etag: etag.clone(),
            start,
            end,
            size,
        })
    }

    fn request(&self, request: &Request, received: u64) -> Request {
        let mut request = request.clone();
        let range = RangeHeader::Bounded(self.start + received, self.end);
        request.headers.insert(header::RANGE, range.value());
        request.headers.insert(header::IF_MATCH, self.etag.clone());
        request
    }

    /// Whether `reply` is the rest of the same version; an error if it says otherwise.
    fn check(&self, reply: &reqwest::Response, received: u64) -> Result<bool, Fault> {
        if reply.status() != StatusCode::PARTIAL_CONTENT {
            return Ok(false);
        }
        if reply.headers().get(header::ETAG) != Some(&self.etag) {
            return Err(Fault::Changed);
        }
        // `attempt` has checked that the range is the one asked for.
        let size = ContentRange::of(reply.headers()).and_then(|range| range.size);
        if size.is_some_and(|size| size != self.size) || received > self.end - self.start {
            return Err(Fault::Changed);
        }
        Ok(true)
    }
}

/// `Content-Length`, if it is a number.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the server keeps the connection for another request (RFC 9112, section 9.3).
pub(super) fn keeps_connection(reply: &reqwest::Response) -> bool {
    let mut options = reply
        .headers()
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    if reply.version() <= http::Version::HTTP_10 {
        options.any(|option| option.eq_ignore_ascii_case("keep-alive"))
    } else {
        !options.any(|option| option.eq_ignore_ascii_case("close"))
    }
}

/// How long an error body is waited for: it is only talk.
pub(super) const ERROR_BODY_WAIT: Duration = Duration::from_secs(2);

fn compact(body: Bytes) -> Bytes {
    if body.len() <= COPIED_UP_TO {
        Bytes::copy_from_slice(&body)
    } else {
        body
    }
}
