//! object_store's requests over our transport: each `connect` gives the same client with the same connections.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body::Frame;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use url::Url;

use super::super::retry::{Activity, Retry};
use super::fault::TransportError;
use super::request::Body;
use super::response::ResponseBody;
use super::{Request, Transport};

/// The beginning of time stands for a date that the server does not tell.
const UNKNOWN_DATE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

/// What a backend knows of the requests that object_store makes for it.
pub trait Traits: fmt::Debug + Send + Sync + 'static {
    /// When a request may be sent again.
    fn retry(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Retry;

    /// The statuses that object_store itself must see; every other one that is no success becomes a [`TransportError`],
    /// so that nothing of it is lost on its way up.
    fn accepted(&self, method: &Method) -> &'static [StatusCode];

    /// Changes the headers before they are sent.
    fn headers(&self, method: &Method, uri: &Uri, headers: &mut HeaderMap);
}

/// What an operation adds to the requests that object_store makes within it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    /// More headers.
    pub(crate) headers: HeaderMap,
    /// Read the whole body, at most so many bytes, before the reply is handed on: then one that breaks can be read anew.
    pub(crate) read_whole: Option<u64>,
    /// The operation has several requests under way at once.
    pub(crate) activity: Option<Activity>,
}

tokio::task_local! {
    // Not in the request's extensions: object_store drops them in half of its operations.
    static HINTS: Hints;
}

impl Hints {
    /// Runs `work`, whose requests are made with these hints.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        HINTS.scope(self, work).await
    }
}

/// object_store's way to our transport.
#[derive(Clone, Debug)]
pub struct Connector {
    transport: Transport,
    traits: Arc<dyn Traits>,
}

impl Transport {
    /// object_store's way to this transport. object_store's own retry must be off (`max_retries` 0).
    #[must_use]
    pub fn connector(&self, traits: Arc<dyn Traits>) -> Connector {
        Connector {
            transport: self.clone(),
            traits,
        }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// The error for object_store: of the one kind that it never tries again.
fn http_error(error: TransportError) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let invalid = |error: url::ParseError| HttpError::new(HttpErrorKind::Unknown, error);
        let url = Url::parse(&parts.uri.to_string()).map_err(invalid)?;
        let mut headers = parts.headers;
        self.traits.headers(&parts.method, &parts.uri, &mut headers);
        let hints = HINTS.try_with(Clone::clone).unwrap_or_default();
        headers.extend(hints.headers);
        let retry = self.traits.retry(&parts.method, &parts.uri, &headers);
        // Sent as it is measured: what object_store writes here could only disagree.
        headers.remove(header::CONTENT_LENGTH);
        let mut request = Request::new(parts.method, url).with_retry(retry);
        request.accepted = self.traits.accepted(&request.method).to_vec();
        request.headers = headers;
        request.body = pieces(body).await;
        request.activity = hints.activity;

        if let Some(limit) = hints.read_whole {
            let fetched = self.transport.fetch(request, limit).await.map_err(http_error)?;
            let mut reply = HttpResponse::new(fetched.bytes.into());
            *reply.status_mut() = fetched.status;
            *reply.headers_mut() = dated(fetched.headers);
            return Ok(reply);
        }
        let response = self.transport.send(request).await.map_err(http_error)?;
        let mut reply = http::Response::new(());
        *reply.status_mut() = response.status;
        *reply.headers_mut() = dated(response.headers.clone());
        let body = HttpResponseBody::new(Streamed::new(response.into_body()));
        Ok(reply.map(|()| body))
    }
}

/// With the date that object_store insists on, and that not every server tells: one that means "unknown".
fn dated(mut headers: HeaderMap) -> HeaderMap {
    let date = headers.entry(header::LAST_MODIFIED);
    date.or_insert(HeaderValue::from_static(UNKNOWN_DATE));
    headers
}

/// The pieces of object_store's request body, which are all there already.
async fn pieces(mut body: object_store::client::HttpRequestBody) -> Body {
    let mut pieces: Vec<Bytes> = Vec::new();
    while let Some(Ok(frame)) =
        std::future::poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await
    {
        pieces.extend(frame.into_data().ok());
    }
    pieces.into_iter().collect()
}

/// A body of ours as object_store takes one. (The mutex is never locked; it makes the stream `Sync`.)
struct Streamed(Mutex<BoxStream<'static, Result<Bytes, TransportError>>>);

impl Streamed {
    fn new(body: ResponseBody) -> Self {
        let stream = futures::stream::unfold(Some(body), |body| async move {
            let mut body = body?;
            match body.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(body))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Self(Mutex::new(stream.boxed()))
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let stream = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream
            .poll_next_unpin(cx)
            .map(|item| item.map(|item| item.map(Frame::data).map_err(http_error)))
    }
}
