//! What a bucket's filesystem is told: URL, options under gcsfs' names, environment; and the backend's factory.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;
use zarr_fs::object_store::{
    ErrorMap, ObjectStoreFileSystem, ObjectStoreSession, TRANSPORT_OPTIONS, TransportOptions,
};
use zarr_fs::options::invalid;
use zarr_fs::registry::{invalid_url, url_path};
use zarr_fs::session::SessionOptions;
use zarr_fs::{Capabilities, Error, Factory, Options, Registry, Resolved, Result};

use crate::credentials::{self, Plan};
use crate::filesystem;

/// The options of this backend, besides those that every filesystem and every transport takes.
const OPTIONS: &[&str] = &["access", "endpoint_url", "project", "requester_pays", "token"];

/// gcsfs' options that mean nothing here: how fsspec caches, splits and schedules. They are taken, so that a pasted dict works,
/// and change nothing.
const IGNORED: &[&str] = &[
    "asynchronous",
    "block_size",
    "cache_timeout",
    "cache_type",
    "check_connection",
    "consistency",
    "default_cache_type",
    "default_location",
    "listings_expiry_time",
    "max_paths",
    "skip_instance_cache",
    "use_listings_cache",
    "version_aware",
];

const GOOGLE: &str = "https://storage.googleapis.com";

/// How to open a bucket as a filesystem. Nothing is checked before [`GcsConfig::open`], nothing is read or sent before the first call
/// of the filesystem. `Debug` shows no credential.
#[derive(Clone)]
#[must_use]
pub struct GcsConfig {
    url: String,
    options: Options,
    token: Option<Value>,
    transport: Option<TransportOptions>,
    session: SessionOptions,
}

impl fmt::Debug for GcsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).map(|url| zarr_fs::registry::redacted(&url));
        f.debug_struct("GcsConfig")
            .field("url", &url.ok())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl GcsConfig {
    /// A filesystem whose root is the bucket of `url`: `gs://bucket`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            options: Options::new(),
            token: None,
            transport: None,
            session: SessionOptions::default(),
        }
    }

    /// Takes storage options under gcsfs' names; see the [crate's documentation](crate#options).
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// No credentials: reads no file, asks no token server.
    pub fn with_anonymous(mut self) -> Self {
        self.token = Some("anon".into());
        self
    }

    /// An access token, sent as it is.
    pub fn with_bearer_token(mut self, token: impl fmt::Display) -> Self {
        self.token = Some(format!("Bearer {token}").into());
        self
    }

    /// The content of a credentials file: a service account's key, or `gcloud`'s application-default credentials.
    pub fn with_credentials_json(mut self, json: impl Into<String>) -> Self {
        self.token = Some(Value::String(json.into()));
        self
    }

    /// Sets how the transport behaves, in place of the options' `timeout`, `retries` and the like.
    pub fn with_transport(mut self, transport: TransportOptions) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets how the session behaves; the options' `drain`, `concurrency` and `io_threads` go before it.
    pub fn with_session_options(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }

    /// Checks everything and makes the filesystem. Reads no file and sends nothing.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] for a URL that is not just a bucket, [`Error::InvalidOption`] for an option.
    #[track_caller]
    pub fn open(self) -> Result<ObjectStoreFileSystem> {
        let opened_at = Location::caller();
        let url = Url::parse(&self.url).map_err(|error| Error::InvalidUrl {
            url: "(not shown)".to_owned(),
            reason: error.to_string(),
        })?;
        if !url_path(&url)?.is_root() {
            let reason = "a path behind the bucket: open the bucket, and the path in it".to_owned();
            return Err(invalid_url(&url, reason));
        }
        let session = self.options.session_options(self.session.clone())?;
        let settings = self.settings(&url)?;
        settings
            .session(session)
            .lease(opened_at)
            .map_err(|_| invalid_url(&url, "its session is closed".to_owned()))
    }

    fn settings(self, url: &Url) -> Result<Settings> {
        let known: Vec<&str> = [OPTIONS, IGNORED, TRANSPORT_OPTIONS].concat();
        self.options.check_keys(&known)?;
        let bucket = bucket(url)?;
        let emulator = environment("STORAGE_EMULATOR_HOST");
        let (endpoint, is_emulator) = match (self.options.text("endpoint_url")?, emulator) {
            (Some(text), _) => (endpoint("endpoint_url", &text)?, false),
            (None, Some(host)) if host.contains("://") => (endpoint("STORAGE_EMULATOR_HOST", &host)?, true),
            (None, Some(host)) => (
                endpoint("STORAGE_EMULATOR_HOST", &format!("http://{host}"))?,
                true,
            ),
            (None, None) => (endpoint("endpoint_url", GOOGLE)?, false),
        };
        let token = self.token.as_ref().or_else(|| self.options.get("token"));
        let credentials = match token {
            Some(token) if !token.is_null() => Plan::of_token("token", token)?,
            _ if is_emulator || endpoint.scheme() != "https" => Plan::Anonymous,
            _ => Plan::search(false),
        };
        let project = self
            .options
            .text("project")?
            .or_else(|| environment("GOOGLE_CLOUD_PROJECT"));
        let payer = match self.options.text("requester_pays")?.as_deref() {
            None | Some("false" | "False" | "0" | "no") => Payer::Owner,
            Some("true" | "True" | "1" | "yes") => match project {
                Some(project) => Payer::Project(header_value("project", &project)?),
                None => Payer::OfCredentials,
            },
            Some(project) => Payer::Project(header_value("requester_pays", project)?),
        };
        let mut capabilities = Capabilities::full();
        match self.options.text("access")?.as_deref() {
            None | Some("read_write" | "full_control") => {}
            Some("read_only") => {
                capabilities.write = false;
                capabilities.create = false;
                capabilities.conditional_write = false;
            }
            Some(_) => {
                return Err(invalid(
                    "access",
                    "expected read_only, read_write or full_control",
                ));
            }
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => TransportOptions::from_options(&self.options)?,
        };
        Ok(Settings {
            bucket,
            endpoint,
            credentials,
            payer,
            capabilities,
            transport,
            errors: ErrorMap::from_options(&self.options)?,
        })
    }
}

/// Who pays for requests.
#[derive(Clone)]
pub(crate) enum Payer {
    /// The bucket's owner.
    Owner,
    /// This project.
    Project(HeaderValue),
    /// The project that the credentials belong to.
    OfCredentials,
}

/// The header that names the project that pays.
pub(crate) const USER_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

pub(crate) fn header_value(key: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(text)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| invalid(key, "not a header value"))
}

/// All that a session is made of.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) bucket: String,
    pub(crate) endpoint: Url,
    pub(crate) credentials: Plan,
    pub(crate) payer: Payer,
    pub(crate) capabilities: Capabilities,
    pub(crate) transport: TransportOptions,
    pub(crate) errors: ErrorMap,
}

impl Settings {
    fn session(self, options: SessionOptions) -> ObjectStoreSession {
        let name = format!("gs://{}", self.bucket);
        ObjectStoreSession::new(name, options, self.capabilities, move |counters| {
            filesystem::connect(&self, counters)
        })
    }

    /// The endpoint without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

/// An environment variable; an empty one is none.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn bucket(url: &Url) -> Result<String> {
    let refuse = |reason: &str| Err(invalid_url(url, reason.to_owned()));
    if !matches!(url.scheme(), "gs" | "gcs") {
        return refuse("expected gs://bucket");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("a `?` or `#` in a path is written `%3F` or `%23`");
    }
    if url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return refuse("a bucket has neither user nor port");
    }
    let name = url.host_str().unwrap_or_default();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 222 || !name.bytes().all(valid) || matches!(name, "." | "..") {
        return refuse("not a bucket's name");
    }
    Ok(name.to_owned())
}

fn endpoint(key: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text.trim()).map_err(|error| invalid(key, error.to_string()))?;
    let plain = url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || !nobody {
        return Err(invalid(key, "expected http(s)://host[:port]"));
    }
    Ok(url)
}

/// Opens `gs://bucket/path` URLs: the filesystem's root is the bucket, and the URL's path the place in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GcsFactory;

impl Factory for GcsFactory {
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved> {
        let path = url_path(url)?;
        let settings = GcsConfig::new(url.as_str())
            .with_options(options.clone())
            .settings(url)?;
        // What the environment says is part of it: a session lives longer than a variable may.
        let origin = format!(
            "gs://{}\n{}\n{}",
            settings.bucket,
            settings.base(),
            credentials::identity(&settings.credentials)
        );
        Ok(Resolved {
            origin,
            path,
            open: Box::new(move |session| Ok(Arc::new(settings.session(session)))),
        })
    }
}

/// Registers this backend for `gs://` and `gcs://`.
pub fn register(registry: &mut Registry) {
    registry.register("gs", Arc::new(GcsFactory));
    registry.register("gcs", Arc::new(GcsFactory));
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
