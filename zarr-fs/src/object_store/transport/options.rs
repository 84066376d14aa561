//! How a transport behaves.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::{Origin, Url};

use super::super::retry::RetryPolicy;
use super::tls;
use crate::error::Result;
use crate::options::{Options, invalid};

/// The options that every backend over HTTP takes, besides [`COMMON_OPTIONS`](crate::options::COMMON_OPTIONS).
pub const TRANSPORT_OPTIONS: &[&str] = &["ca_file", "connect_timeout", "http_version", "trust_env"];

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1, a connection for each request in flight: the widest pipe (many flow-control windows).
    #[default]
    Http1,
    /// HTTP/2 where the server offers it in the TLS handshake (ALPN), else HTTP/1.1.
    Http2,
    /// HTTP/2 without asking, over plain TCP too (`h2c`).
    Http2PriorKnowledge,
}

/// How a transport behaves. `Debug` shows no header value.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportOptions {
    /// How long name lookup, TCP and TLS handshake may take together. Default 10 s.
    pub connect_timeout: Duration,
    /// How long nothing may move, neither a byte sent nor one received; there is no limit on the whole. Default 30 s.
    pub stall_timeout: Duration,
    /// What is tried again, and how often.
    pub retry: RetryPolicy,
    /// Which HTTP is spoken.
    pub http_version: HttpVersion,
    /// Whether the proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`, ...) are used. Default yes, as `curl` and
    /// `gcloud` do.
    pub trust_env: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) certificates: Vec<rustls::pki_types::CertificateDer<'static>>,
    pub(super) headers: Option<ScopedHeaders>,
}

/// Headers that go to one origin only.
#[derive(Clone)]
pub(super) struct ScopedHeaders {
    pub(super) origin: Origin,
    pub(super) headers: HeaderMap,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            http_version: HttpVersion::default(),
            trust_env: true,
            ca_file: None,
            certificates: Vec::new(),
            headers: None,
        }
    }
}

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("retry", &self.retry)
            .field("http_version", &self.http_version)
            .field("trust_env", &self.trust_env)
            .finish_non_exhaustive()
    }
}

impl TransportOptions {
    /// The transport's part of storage options: `timeout` (stall), `connect_timeout`, `retries`, `retry_time`,
    /// `http_version` (`1.1`, `2`, `h2c`), `trust_env`, `ca_file`. Reads no file.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) for an impossible value.
    pub fn from_options(options: &Options) -> Result<Self> {
        let mut made = Self {
            retry: RetryPolicy::from_options(options)?,
            ..Self::default()
        };
        if let Some(timeout) = options.duration("timeout")? {
            made.stall_timeout = positive("timeout", timeout)?;
        }
        if let Some(timeout) = options.duration("connect_timeout")? {
            made.connect_timeout = positive("connect_timeout", timeout)?;
        }
        if let Some(trust_env) = options.boolean("trust_env")? {
            made.trust_env = trust_env;
        }
        made.http_version = match options.text("http_version")?.as_deref() {
            None | Some("1.1" | "1") => HttpVersion::Http1,
            Some("2" | "2.0") => HttpVersion::Http2,
            Some("h2c") => HttpVersion::Http2PriorKnowledge,
            Some(_) => return Err(invalid("http_version", "expected 1.1, 2 or h2c")),
        };
        made.ca_file = options.text("ca_file")?.map(PathBuf::from);
        Ok(made)
    }

    /// Sets the stall timeout.
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets the connect timeout.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets what is tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets which HTTP is spoken.
    #[must_use]
    pub fn with_http_version(mut self, version: HttpVersion) -> Self {
        self.http_version = version;
        self
    }

    /// Sets whether the proxies of the environment are used.
    #[must_use]
    pub fn with_trust_env(mut self, trust_env: bool) -> Self {
        self.trust_env = trust_env;
        self
    }

    /// Trusts more root certificates, besides the platform's: any number in PEM, or one in DER.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) if `bytes` hold no certificate.
    pub fn with_root_certificates(mut self, bytes: &[u8]) -> Result<Self> {
        self.certificates.extend(tls::certificates("ca_file", bytes)?);
        Ok(self)
    }

    /// Sends `headers` with every request to the origin (scheme, host, port) of `base`, and with no other: neither a
    /// redirect to another host nor a token server sees them. What a request sets itself is not replaced.
    #[must_use]
    pub fn with_headers(mut self, base: &Url, mut headers: HeaderMap) -> Self {
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        self.headers = Some(ScopedHeaders {
            origin: base.origin(),
            headers,
        });
        self
    }
}

/// Takes header names and values as a user wrote them.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for a name or value that HTTP does not allow; the value is not shown.
pub fn header_map<'a>(key: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let shown = || name.escape_debug().to_string();
        let name = HeaderName::try_from(name)
            .map_err(|_| invalid(format!("{key}.{}", shown()), "not a header name"))?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| invalid(format!("{key}.{name}"), "not a header value"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn positive(key: &str, time: Duration) -> Result<Duration> {
    if time.is_zero() {
        return Err(invalid(key, "expected more than 0"));
    }
    Ok(time)
}
