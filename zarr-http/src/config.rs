//! What an HTTP filesystem is told: URL, credentials, options under fsspec's names; and the backend's factory.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use url::Url;
use zarr_fs::object_store::{ErrorMap, TRANSPORT_OPTIONS, TransportOptions, header_map};
use zarr_fs::options::{COMMON_OPTIONS, invalid, nearest};
use zarr_fs::session::SessionOptions;
use zarr_fs::{Factory, Options, Path, Resolved, Result};

use crate::filesystem::{HttpFileSystem, HttpSession};
use crate::page::Pages;
use crate::target::{Target, url_path};

/// How folders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingMode {
    /// By what the server is found to do: an index page or JSON, WebDAV where that says more or alone says anything.
    #[default]
    Auto,
    /// By WebDAV only (`PROPFIND`). For nginx with its `dav_ext` module, which shows no sign of it.
    WebDav,
    /// By index pages only: `PROPFIND` is never sent.
    Index,
    /// Not at all: every listing is `Unsupported`, without a request.
    None,
}

/// The options of this backend, besides those that every filesystem and every transport takes.
const OPTIONS: &[&str] = &["auth", "client_kwargs", "headers", "html", "listing", "write"];

/// fsspec's options that mean nothing here: how fsspec caches, splits and schedules. They are taken, so that a pasted
/// dict works, and change nothing. `encoded`: URLs are always taken as they are written. `simple_links`: an index is
/// recognised by its structure, never by loose URLs in a page.
const IGNORED: &[&str] = &[
    "asynchronous",
    "block_size",
    "cache_options",
    "cache_type",
    "encoded",
    "listings_expiry_time",
    "max_paths",
    "same_scheme",
    "simple_links",
    "skip_instance_cache",
    "use_listings_cache",
];

/// What of aiohttp's session options is understood.
const CLIENT_KWARGS: &[&str] = &["auth", "headers", "trust_env"];

/// Headers that requests set themselves: from outside they would change what a read or a write means.
const RESERVED: [HeaderName; 13] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    HeaderName::from_static("depth"),
    HeaderName::from_static("destination"),
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    HeaderName::from_static("overwrite"),
    header::RANGE,
    header::TE,
    header::TRANSFER_ENCODING,
];

/// How to open an HTTP server as a filesystem. Nothing is checked before [`HttpConfig::open`], and nothing is sent before
/// the first call of the filesystem. `Debug` shows no credential, header value or query.
///
/// ```
/// use zarr_fs::FileSystem;
/// use zarr_http::HttpConfig;
///
/// let fs = HttpConfig::new("https://user:secret@data.example.org/v1/?sig=abc").open()?;
/// assert_eq!(fs.name(), "https://data.example.org/v1");
/// # futures::executor::block_on(fs.close()).expect("nothing was opened");
/// # Ok::<(), zarr_fs::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpConfig {
    url: String,
    options: Options,
    headers: Vec<(String, String)>,
    basic: Option<(String, String)>,
    write: Option<bool>,
    listing: Option<ListingMode>,
    transport: Option<TransportOptions>,
    session: SessionOptions,
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).map(|url| zarr_fs::registry::redacted(&url));
        f.debug_struct("HttpConfig")
            .field("url", &url.ok())
            .field("options", &self.options)
            .field(
                "headers",
                &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            )
            .field("has_basic_auth", &self.basic.is_some())
            .finish_non_exhaustive()
    }
}

impl HttpConfig {
    /// A filesystem whose root is `url`. The URL may have a path, with or without a slash at its end, a query, which every
    /// request carries (signed URLs), and a user and password (basic authentication).
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            options: Options::new(),
            headers: Vec::new(),
            basic: None,
            write: None,
            listing: None,
            transport: None,
            session: SessionOptions::default(),
        }
    }

    /// Takes storage options under fsspec's names; see the [crate's documentation](crate#options). What the other methods
    /// set goes before them.
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sends a header with every request to the server, and to no other.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Authenticates with user and password.
    pub fn with_basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.basic = Some((user.into(), password.into()));
        self
    }

    /// Authenticates with a bearer token.
    pub fn with_bearer_token(self, token: impl fmt::Display) -> Self {
        self.with_header("authorization", format!("Bearer {token}"))
    }

    /// Allows writing. Default: read only.
    pub fn with_write(mut self, write: bool) -> Self {
        self.write = Some(write);
        self
    }

    /// Sets how folders are listed.
    pub fn with_listing(mut self, listing: ListingMode) -> Self {
        self.listing = Some(listing);
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

    /// Checks everything and makes the filesystem. Sends nothing.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`](zarr_fs::Error::InvalidUrl), [`Error::InvalidPath`](zarr_fs::Error::InvalidPath) or
    /// [`Error::InvalidOption`](zarr_fs::Error::InvalidOption).
    #[track_caller]
    pub fn open(self) -> Result<HttpFileSystem> {
        let opened_at = Location::caller();
        let url = Url::parse(&self.url).map_err(|error| zarr_fs::Error::InvalidUrl {
            url: "(not shown)".to_owned(),
            reason: error.to_string(),
        })?;
        let base = url_path(&url)?;
        let session = self.options.session_options(self.session.clone())?;
        let settings = self.settings(&url, &base)?;
        Ok(HttpSession::new(settings, session).first_lease(opened_at))
    }

    /// The settings for the root at `base` on the origin of `url`.
    fn settings(self, url: &Url, base: &Path) -> Result<Settings> {
        check_keys(&self.options)?;
        let target = Target::new(url, base)?;
        let kwargs = self.options.nested("client_kwargs")?;
        check_client_kwargs(&kwargs)?;

        let mut transport = match self.transport {
            Some(transport) => transport,
            None => {
                let mut transport = TransportOptions::from_options(&self.options)?;
                if self.options.get("trust_env").is_none()
                    && let Some(trust_env) = kwargs.boolean("trust_env")?
                {
                    transport.trust_env = trust_env;
                }
                transport
            }
        };
        let mut headers = headers_of("client_kwargs.headers", kwargs.texts("headers")?)?;
        // As in aiohttp: a request's headers go before the session's.
        replace(
            &mut headers,
            &headers_of("headers", self.options.texts("headers")?)?,
        );
        replace(&mut headers, &headers_of("headers", self.headers)?);
        let basic = match (self.basic, self.options.get("auth"), kwargs.get("auth")) {
            (Some(basic), _, _) => Some(basic),
            (None, Some(auth), _) if !auth.is_null() => Some(basic_auth("auth", auth)?),
            (None, _, Some(auth)) if !auth.is_null() => Some(basic_auth("client_kwargs.auth", auth)?),
            _ => url_auth(url)?,
        };
        if let Some((user, password)) = basic {
            if headers.contains_key(header::AUTHORIZATION) {
                return Err(invalid("auth", "there is an `Authorization` header too"));
            }
            headers.insert(header::AUTHORIZATION, basic_header(&user, &password)?);
        }
        if !headers.is_empty() {
            transport = transport.with_headers(url, headers);
        }
        let listing = match (self.listing, self.options.text("listing")?.as_deref()) {
            (Some(listing), _) => listing,
            (None, None | Some("auto")) => ListingMode::Auto,
            (None, Some("webdav")) => ListingMode::WebDav,
            (None, Some("index")) => ListingMode::Index,
            (None, Some("none")) => ListingMode::None,
            (None, Some(_)) => return Err(invalid("listing", "expected auto, webdav, index or none")),
        };
        let write = match self.write {
            Some(write) => write,
            None => self.options.boolean("write")?.unwrap_or(false),
        };
        Ok(Settings {
            name: target.name(),
            target,
            transport,
            errors: ErrorMap::from_options(&self.options)?,
            write,
            listing,
            pages: Pages::from_options(&self.options)?,
        })
    }
}

/// All that a session is made of.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) transport: TransportOptions,
    pub(crate) errors: ErrorMap,
    pub(crate) write: bool,
    pub(crate) listing: ListingMode,
    pub(crate) pages: Pages,
}

/// Opens `http://` and `https://` URLs: the filesystem's root is the origin, and the URL's path the place in it. A query or
/// a user makes an origin of its own, for every request carries it.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFactory;

impl Factory for HttpFactory {
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved> {
        let path = url_path(url)?;
        let settings = HttpConfig::new(url.as_str())
            .with_options(options.clone())
            .settings(url, &Path::root())?;
        let origin = format!(
            "{}\n{}:{}\n{}",
            url.origin().ascii_serialization(),
            url.username(),
            url.password().unwrap_or_default(),
            url.query().unwrap_or_default()
        );
        Ok(Resolved {
            origin,
            path,
            open: Box::new(move |session| Ok(Arc::new(HttpSession::new(settings, session)))),
        })
    }
}

fn check_keys(options: &Options) -> Result<()> {
    let known: Vec<&str> = [OPTIONS, IGNORED, TRANSPORT_OPTIONS].concat();
    options.check_keys(&known)
}

fn check_client_kwargs(kwargs: &Options) -> Result<()> {
    match kwargs.keys().find(|key| !CLIENT_KWARGS.contains(key)) {
        None => Ok(()),
        Some(unknown) => {
            let meant = nearest(unknown, CLIENT_KWARGS.iter().copied());
            let elsewhere = COMMON_OPTIONS.contains(&unknown) || TRANSPORT_OPTIONS.contains(&unknown);
            Err(invalid(
                format!("client_kwargs.{unknown}"),
                match meant {
                    Some(name) => format!("unknown; did you mean `client_kwargs.{name}`?"),
                    None if elsewhere => format!("unknown; did you mean the option `{unknown}`?"),
                    None => format!("unknown; known are {}", CLIENT_KWARGS.join(", ")),
                },
            ))
        }
    }
}

fn headers_of(key: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Result<HeaderMap> {
    let pairs: Vec<(String, String)> = pairs.into_iter().collect();
    let headers = header_map(
        key,
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())),
    )?;
    match headers.keys().find(|name| RESERVED.contains(name)) {
        None => Ok(headers),
        Some(name) => Err(invalid(
            format!("{key}.{name}"),
            "this header is set by each request itself",
        )),
    }
}

/// Puts `new` over what `headers` has of the same names.
fn replace(headers: &mut HeaderMap, new: &HeaderMap) {
    for name in new.keys() {
        headers.remove(name);
        for value in new.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// User and password as Python dicts write them: `"user:password"`, `["user", "password"]`, `{"login": …, "password": …}`.
fn basic_auth(key: &str, auth: &Value) -> Result<(String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let pair = match auth {
        Value::String(both) => both
            .split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned())),
        Value::Array(both) if both.len() == 2 => text(both.first()).zip(text(both.get(1))),
        Value::Object(fields)
            if fields
                .keys()
                .all(|name| matches!(name.as_str(), "login" | "password")) =>
        {
            text(fields.get("login")).zip(Some(text(fields.get("password")).unwrap_or_default()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    pair.ok_or_else(|| {
        invalid(
            key,
            "expected \"user:password\", [\"user\", \"password\"] or {\"login\": …, \"password\": …}",
        )
    })
}

/// User and password in a URL, decoded.
fn url_auth(url: &Url) -> Result<Option<(String, String)>> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| zarr_fs::registry::invalid_url(url, "its user or password is not UTF-8".to_owned()))
    };
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    Ok(Some((
        decode(url.username())?,
        decode(url.password().unwrap_or_default())?,
    )))
}

fn basic_header(user: &str, password: &str) -> Result<HeaderValue> {
    if user.contains(':') {
        return Err(invalid("auth", "a user name has no colon"));
    }
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|_| invalid("auth", "not a header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
