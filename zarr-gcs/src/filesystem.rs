//! The client of one bucket: object_store's, over our transport, with our credentials and our listings.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use object_store::gcp::{GcpCredential, GcpSigningCredential, GoogleCloudStorageBuilder};
use object_store::{CredentialProvider, RetryConfig, StaticCredentialProvider};
use url::Url;
use zarr_fs::object_store::{
    ListPage, ListQuery, ObjectBackend, ObjectStoreClient, Request, Retry, RetryPolicy, Traits, Transport,
};
use zarr_fs::options::invalid;
use zarr_fs::session::IoCounters;
use zarr_fs::{BoxError, Context, Error, Path, Result, Version};

use crate::config::{Payer, Settings, USER_PROJECT, header_value};
use crate::credentials::Credentials;
use crate::listing;
use crate::token::TokenProvider;

const IF_GENERATION_MATCH: HeaderName = HeaderName::from_static("x-goog-if-generation-match");
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-goog-copy-source");

/// Makes the client. Runs on the session's I/O thread: it may read files.
pub(crate) fn connect(settings: &Settings, counters: &Arc<IoCounters>) -> Result<ObjectStoreClient> {
    let credentials = settings.credentials.read()?;
    let payer = match &settings.payer {
        Payer::Owner => None,
        Payer::Project(project) => Some(project.clone()),
        Payer::OfCredentials => {
            let project = credentials
                .project()
                .ok_or_else(|| invalid("requester_pays", "which project? Name it, or set `project`"))?;
            Some(header_value("project", project)?)
        }
    };
    let mut options = settings.transport.clone();
    if let Some(project) = payer {
        let headers = HeaderMap::from_iter([(USER_PROJECT, project)]);
        options = options.with_headers(&settings.endpoint, headers);
    }
    let transport = Transport::new(options, counters)?;
    let token_transport = match &credentials {
        // On the machine's own link: there is no proxy on the way to it, and no point in trying long.
        Credentials::Metadata { .. } => {
            let options = settings.transport.clone().with_trust_env(false);
            let retry = RetryPolicy::default().with_retries(2);
            let options = options
                .with_retry(retry)
                .with_connect_timeout(Duration::from_millis(900));
            Transport::new(options, counters)?
        }
        Credentials::Anonymous
        | Credentials::Bearer(_)
        | Credentials::ServiceAccount(_)
        | Credentials::AuthorizedUser(_) => transport.clone(),
    };
    let tokens = Arc::new(TokenProvider::new(credentials, token_transport));
    // Nothing here signs URLs; but without a word object_store would set out for the metadata server.
    let signing = StaticCredentialProvider::new(GcpSigningCredential {
        email: String::new(),
        private_key: None,
    });
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&settings.bucket)
        .with_base_url(settings.base())
        .with_credentials(Arc::clone(&tokens) as _)
        .with_signing_credentials(Arc::new(signing))
        .with_http_connector(transport.connector(Arc::new(GcsTraits)))
        // Ours is the only retry.
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
        .build()
        .map_err(|source| Error::Backend {
            at: Context::new(format!("gs://{}", settings.bucket), "connect", &Path::root()),
            source: Box::new(source),
        })?;
    let bucket_url = format!("{}/{}", settings.base(), settings.bucket);
    let backend = Bucket {
        url: Url::parse(&bucket_url).map_err(|error| invalid("endpoint_url", error.to_string()))?,
        tokens,
    };
    Ok(ObjectStoreClient::new(
        store,
        backend,
        transport,
        settings.errors.clone(),
    ))
}

/// What Google's requests mean for a retry.
#[derive(Debug)]
struct GcsTraits;

impl Traits for GcsTraits {
    fn retry(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Retry {
        let is_part = uri
            .query()
            .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")));
        let is_conditional = headers.contains_key(IF_GENERATION_MATCH) && !headers.contains_key(COPY_SOURCE);
        match *method {
            // A part may come twice, and so may the end of an upload that is given up.
            Method::PUT | Method::DELETE if is_part => Retry::Always,
            // Whether a lost one was done can be told afterwards.
            Method::PUT if is_conditional => Retry::Always,
            _ => Retry::of(method),
        }
    }

    fn accepted(&self, _: &Method) -> &'static [StatusCode] {
        &[]
    }

    fn headers(&self, method: &Method, _: &Uri, headers: &mut HeaderMap) {
        let is_anonymous = headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value.as_bytes().trim_ascii() == b"Bearer");
        if is_anonymous {
            headers.remove(header::AUTHORIZATION);
        }
        // As they are stored: decoded by Google, objects stored with gzip lose their length, and ranges are ignored.
        if matches!(*method, Method::GET | Method::HEAD) {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
}

/// A bucket's listings.
#[derive(Debug)]
struct Bucket {
    url: Url,
    tokens: Arc<TokenProvider>,
}

#[async_trait]
impl ObjectBackend for Bucket {
    async fn list_request(&self, query: &ListQuery) -> object_store::Result<Request> {
        let credential: Arc<GcpCredential> = self.tokens.get_credential().await?;
        let mut url = self.url.clone();
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("list-type", "2");
            if query.one_level {
                pairs.append_pair("delimiter", "/");
            }
            if !query.prefix.is_empty() {
                pairs.append_pair("prefix", &query.prefix);
            }
            if let Some(token) = &query.token {
                pairs.append_pair("continuation-token", token);
            }
        }
        let request = Request::new(Method::GET, url);
        if credential.bearer.is_empty() {
            return Ok(request);
        }
        // What a token server gives and what options say has been checked to be a header's value.
        let mut value = HeaderValue::try_from(format!("Bearer {}", credential.bearer)).map_err(|error| {
            object_store::Error::Generic {
                store: "GCS",
                source: Box::new(error),
            }
        })?;
        value.set_sensitive(true);
        Ok(request.with_header(header::AUTHORIZATION, value))
    }

    fn parse_page(&self, body: &[u8]) -> Result<ListPage, BoxError> {
        listing::parse(body)
    }

    fn match_headers(&self, version: &Version) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        if let Some(generation) = &version.generation {
            let valid = !generation.is_empty() && generation.bytes().all(|byte| byte.is_ascii_digit());
            headers.insert(
                IF_GENERATION_MATCH,
                HeaderValue::try_from(generation).ok().filter(|_| valid)?,
            );
        } else if let Some(etag) = &version.etag {
            headers.insert(header::IF_MATCH, HeaderValue::try_from(etag).ok()?);
        }
        Some(headers)
    }
}
