//! The one way to the network: our own client, so that redirects, statuses, `Retry-After` and dials are ours to see.
//!
//! ```text
//! backend ──► Transport::send / fetch ─┐
//! object_store ──► Connector ──────────┴─► attempts (retry.rs) ─► redirects ─► one exchange ─► reqwest
//! ```
//! It lives in the session's private runtime: made there by the session's `connect`, and its sockets end with it.

mod connector;
mod dial;
mod dns;
mod fault;
mod options;
pub mod range;
mod redirect;
mod request;
mod response;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

pub(crate) use self::connector::Hints;
pub use self::connector::{Connector, Traits};
pub use self::fault::{Fault, StatusError, TransportError};
pub use self::options::{HttpVersion, TRANSPORT_OPTIONS, TransportOptions, header_map};
pub use self::request::Request;
pub use self::response::{Response, ResponseBody};

use self::range::{ContentRange, RangeHeader};
use self::request::Progress;
use super::retry::{self, Budget};
use crate::error::{Context, Error, Result};
use crate::options::invalid;
use crate::path::Path;
use crate::registry::redacted;
use crate::session::{CallContext, IoCounters};

/// Our HTTP client. A clone is the same client with the same connections.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    options: TransportOptions,
    counters: Arc<IoCounters>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

/// A reply whose body has been read. `Debug` shows neither headers nor query.
#[derive(Clone)]
pub struct Fetched {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// The body.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("status", &self.status)
            .field("url", &redacted(&self.url))
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Makes a client that counts in `counters`. To be called by a session's `connect`: it may read `ca_file`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a `ca_file` that cannot be used; [`Error::Backend`] if the client cannot be made.
    pub fn new(options: TransportOptions, counters: &Arc<IoCounters>) -> Result<Self> {
        let mut roots = options.certificates.clone();
        if let Some(path) = &options.ca_file {
            let bytes = std::fs::read(path).map_err(|error| invalid("ca_file", error.to_string()))?;
            roots.extend(tls::certificates("ca_file", &bytes)?);
        }
        let config = tls::client_config(options.http_version, roots)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            // Ours is the only retry: reqwest would send an HTTP/2 request again unseen.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("zarr-fs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .pool_max_idle_per_host(usize::MAX)
            .dns_resolver(dns::Names::of_system())
            .tcp_nodelay(true)
            .connector_layer(dial::Dials::counted_by(counters));
        builder = match options.http_version {
            HttpVersion::Http1 => builder.http1_only(),
            HttpVersion::Http2 => builder.http2_adaptive_window(true),
            HttpVersion::Http2PriorKnowledge => builder.http2_prior_knowledge().http2_adaptive_window(true),
        };
        if !options.trust_env {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| Error::Backend {
            at: Context::new("http", "connect", &Path::root()),
            source: Box::new(error.without_url()),
        })?;
        Ok(Self(Arc::new(Inner {
            client,
            options,
            counters: Arc::clone(counters),
        })))
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> &TransportOptions {
        &self.0.options
    }

    pub(super) fn counters(&self) -> &IoCounters {
        &self.0.counters
    }

    fn stall_timeout(&self) -> Duration {
        self.0.options.stall_timeout
    }

    /// Sends a request, follows redirects and tries again as the policy and the request allow; returns once the headers
    /// of a success (or of a status that the request accepts) are there. The body resumes by itself where it can.
    ///
    /// While it waits to try again the call is parked. A call that has several requests under way at once must not do
    /// so (a call cannot be parked twice): it makes calls of them.
    ///
    /// # Errors
    /// The [`Fault`] of the last attempt.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let budget = Budget::new(self.0.options.retry);
        self.send_within(&Arc::new(request), budget).await
    }

    /// Sends a request and reads the whole body, at most `limit` bytes. A body that breaks and cannot be resumed is read
    /// anew from its beginning, within the same budget.
    ///
    /// # Errors
    /// As [`Transport::send`] and [`Response::bytes`].
    pub async fn fetch(&self, request: Request, limit: u64) -> Result<Fetched, TransportError> {
        let request = Arc::new(request);
        let mut budget = Budget::new(self.0.options.retry);
        loop {
            let mut response = self.send_within(&request, budget).await?;
            match response.body.collect(limit).await {
                Ok(bytes) => {
                    return Ok(Fetched {
                        status: response.status,
                        headers: response.headers,
                        url: response.url,
                        bytes,
                    });
                }
                Err(error) => {
                    budget = response.body.budget().clone();
                    // A file that changed half-way is read anew too: then all of it is of one version.
                    let again = *error.fault() == Fault::Changed && request.retry == retry::Retry::Always;
                    let wait = if again {
                        budget.next_wait(None)
                    } else {
                        retry::next(&budget, request.retry, &error)
                    };
                    let Some(wait) = wait else { return Err(error) };
                    self.back_off(wait, &request, &error).await?;
                }
            }
        }
    }

    async fn send_within(&self, request: &Arc<Request>, budget: Budget) -> Result<Response, TransportError> {
        let mut in_doubt = false;
        loop {
            let error = match self.attempt(request).await {
                Ok((reply, url)) => {
                    let (status, headers) = (reply.status(), reply.headers().clone());
                    let body =
                        ResponseBody::new(self.clone(), Arc::clone(request), url.clone(), reply, budget);
                    return Ok(Response {
                        status,
                        headers,
                        url,
                        in_doubt,
                        body,
                    });
                }
                Err(error) => error,
            };
            if error.fault().is_too_many()
                && let Some(call) = CallContext::current()
            {
                call.refused();
            }
            match retry::next(&budget, request.retry, &error) {
                Some(wait) => {
                    tracing::debug!(%error, ?wait, "trying again");
                    in_doubt |= !error.fault().is_not_done();
                    self.back_off(wait, request, &error).await?;
                }
                None => return Err(error.after(budget.attempts(), in_doubt)),
            }
        }
    }

    async fn back_off(
        &self,
        wait: Duration,
        request: &Request,
        error: &TransportError,
    ) -> Result<(), TransportError> {
        retry::back_off(wait, request.activity.as_ref())
            .await
            .map_err(|()| {
                TransportError::new(Fault::Cut, &request.method, &request.url).with_source(error.clone())
            })
    }

    /// One attempt: the request and the redirects after it.
    async fn attempt(&self, request: &Request) -> Result<(reqwest::Response, Url), TransportError> {
        let mut url = request.url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let mut seen = vec![url.clone()];
        let mut headers = request.headers.clone();
        self.add_scoped(&mut headers, &url);
        loop {
            let reply = self.exchange(request, &headers, &url).await?;
            let status = reply.status();
            if request.accepted.contains(&status) {
                return Ok((reply, url));
            }
            if redirect::is_redirect(status) {
                let refuse = |fault| TransportError::new(fault, &request.method, &url);
                let next = redirect::target(&request.method, &url, status, reply.headers())
                    .map_err(|why| refuse(Fault::Redirect(why)))?;
                if seen.contains(&next) {
                    return Err(refuse(Fault::RedirectLoop("it leads in a circle")));
                }
                if seen.len() > redirect::MOST {
                    return Err(refuse(Fault::RedirectLoop("too many")));
                }
                if next.origin() != url.origin() {
                    // Once gone, a credential does not come back either: the way home was the other host's word.
                    headers = redirect::impersonal(&headers);
                }
                seen.push(next.clone());
                url = next;
                continue;
            }
            if !status.is_success() {
                return Err(self.refused(request, &headers, &url, reply).await);
            }
            if status == StatusCode::PARTIAL_CONTENT && !is_right_range(&headers, &reply) {
                return Err(TransportError::new(Fault::WrongRange, &request.method, &url));
            }
            return Ok((reply, url));
        }
    }

    /// Adds the headers that belong to the origin of `url`, where the request has none of that name.
    fn add_scoped(&self, headers: &mut HeaderMap, url: &Url) {
        let Some(scoped) = &self.0.options.headers else {
            return;
        };
        if scoped.origin != url.origin() {
            return;
        }
        for name in scoped.headers.keys() {
            if !headers.contains_key(name) {
                for value in scoped.headers.get_all(name) {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
    }

    /// One request and the head of its reply.
    async fn exchange(
        &self,
        request: &Request,
        headers: &HeaderMap,
        url: &Url,
    ) -> Result<reqwest::Response, TransportError> {
        let progress = Progress::new();
        let mut sent = reqwest::Request::new(request.method.clone(), url.clone());
        *sent.headers_mut() = headers.clone();
        let length = request.body.len();
        if length > 0 {
            *sent.body_mut() = Some(reqwest::Body::wrap(request.body.sending(&progress)));
        } else if matches!(request.method, Method::PUT | Method::POST) {
            sent.headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        self.0.counters.add_request(length);
        let mut reply = std::pin::pin!(self.0.client.execute(sent));
        let stall = self.stall_timeout();
        loop {
            let left = stall.saturating_sub(progress.idle());
            match tokio::time::timeout(left, reply.as_mut()).await {
                Ok(Ok(reply)) => {
                    if let Some(call) = CallContext::current() {
                        call.answered(response::keeps_connection(&reply));
                    }
                    return Ok(reply);
                }
                Ok(Err(error)) => return Err(TransportError::from_reqwest(error, &request.method, url)),
                Err(_) if progress.idle() >= stall => {
                    return Err(TransportError::new(Fault::Stall, &request.method, url));
                }
                // The body moved meanwhile.
                Err(_) => {}
            }
        }
    }

    /// The error for a status that is no success, with the beginning of its body. Reading it to the end lets the
    /// connection be used again.
    async fn refused(
        &self,
        request: &Request,
        headers: &HeaderMap,
        url: &Url,
        mut reply: reqwest::Response,
    ) -> TransportError {
        let status = reply.status();
        let retry_after = retry::retry_after(reply.headers());
        let size = (status == StatusCode::RANGE_NOT_SATISFIABLE)
            .then(|| ContentRange::size_of_refused(reply.headers()))
            .flatten();
        let mut body = Vec::new();
        let wait = response::ERROR_BODY_WAIT.min(self.stall_timeout());
        let _ = tokio::time::timeout(wait, async {
            while let Ok(Some(piece)) = reply.chunk().await {
                self.0.counters.add_received(piece.len() as u64);
                body.extend_from_slice(&piece);
                if body.len() > fault::ERROR_BODY_READ {
                    break;
                }
            }
        })
        .await;
        body.truncate(fault::ERROR_BODY_READ);
        let secrets = fault::secrets(headers, &request.url, &request.secrets);
        let fault = Fault::Status(StatusError {
            status,
            retry_after,
            size,
            body: fault::sanitize(&body, &secrets),
        });
        TransportError::new(fault, &request.method, url)
    }
}

/// Whether a partial reply is the range that was asked for.
fn is_right_range(asked: &HeaderMap, reply: &reqwest::Response) -> bool {
    let Some(got) = ContentRange::of(reply.headers()) else {
        return false;
    };
    let length = response::content_length(reply.headers());
    let whole = length.is_none_or(|length| length == got.end - got.start);
    let asked = asked.get(header::RANGE).and_then(RangeHeader::parse);
    whole && asked.is_some_and(|asked| asked.is_answered_by(got))
}

#[cfg(test)]
mod tests;
