//! Clients for the servers' own tests: reqwest as it is, and object_store over it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};

use crate::TestCa;

/// A reqwest client that trusts `ca` only, follows no redirect and uses no proxy.
pub(crate) fn client(ca: Option<&TestCa>) -> reqwest::ClientBuilder {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        roots.add(ca.der().to_vec().into()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(Policy::none())
}

/// The transport of object_store in tests.
#[derive(Debug)]
pub(crate) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Transport(
            client(None).redirect(Policy::limited(2)).build().unwrap(),
        )))
    }
}

#[derive(Debug)]
struct Transport(reqwest::Client);

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |error| HttpError::new(HttpErrorKind::Request, error);
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let url = parts.uri.to_string();
        let request = self
            .0
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body);
        let response: http::Response<reqwest::Body> = request.send().await.map_err(failed)?.into();
        let (parts, body) = response.into_parts();
        let body = HttpResponseBody::new(body.map_err(failed));
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// All of a stream.
pub(crate) async fn all<T>(stream: impl futures::Stream<Item = object_store::Result<T>>) -> Vec<T> {
    stream.try_collect().await.unwrap()
}
