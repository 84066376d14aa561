//! The requests that ask for a folder, and whether a reply can be its listing at all.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;
use zarr_fs::object_store::{Fault, Fetched, Intent, Request, Retry, TransportError};
use zarr_fs::{Context, Error, Result};

use crate::client::{Encoding, Remote, encoding};
use crate::listing::{MAX_PAGE_BYTES, Reply, ReplyPage};
use crate::redirect;
use crate::target::is_above;

/// The index as JSON where the server has it: exact sizes and names. Caddy does.
const ACCEPT_INDEX: HeaderValue = HeaderValue::from_static("application/json, text/html;q=0.9, */*;q=0.1");

impl Remote {
    /// `GET` of a folder. `is_try`: a failure is an answer too, and not worth another attempt.
    pub(crate) async fn get_folder(&self, at: &Context, is_try: bool) -> Result<Reply> {
        let url = self.shared.settings.target.folder(&at.path);
        let mut request = Request::new(Method::GET, url)
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .with_header(header::ACCEPT, ACCEPT_INDEX);
        if is_try {
            request = request.with_retry(Retry::IfNotDone);
        }
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
            let is_broken = TransportError::find(&error)
                .is_some_and(|error| matches!(error.fault(), Fault::Broken | Fault::NotHttp));
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
