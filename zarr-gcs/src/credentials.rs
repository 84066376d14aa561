//! Whose credentials are used: found without I/O as a [`Plan`], read on the I/O thread as [`Credentials`].

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;
use zarr_fs::Result;
use zarr_fs::options::{invalid, nearest};

use crate::config::environment;

/// Where credentials come from, as far as options and environment say. Holds secrets; `Debug` shows none.
#[derive(Clone, PartialEq)]
pub(crate) enum Plan {
    /// None are sent, none are looked for.
    Anonymous,
    /// An access token.
    Bearer(String),
    /// A credentials file's content, and the name of the option that gave it.
    Json(Value, String),
    /// A credentials file, and the option or variable that named it.
    File(PathBuf, String),
    /// The metadata server of Google's machines; the host if another one was named.
    Metadata(Option<String>),
    /// What is found: `file` (gcloud's), else the metadata server if this is one of Google's machines, else anonymous
    /// (or an error, if credentials are `required`).
    Found {
        /// gcloud's file, if its place is known.
        file: Option<PathBuf>,
        /// The metadata server was named, or variables say that this is one of Google's machines.
        told: bool,
        /// Finding nothing is an error.
        required: bool,
    },
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Bearer(_) => "Bearer",
            Self::Json(..) => "Json",
            Self::File(..) => "File",
            Self::Metadata(_) => "Metadata",
            Self::Found { .. } => "Found",
        })
    }
}

/// Text that is equal for equal plans. It holds secrets.
pub(crate) fn identity(plan: &Plan) -> String {
    match plan {
        Plan::Anonymous => "anonymous".to_owned(),
        Plan::Bearer(token) => format!("bearer {token}"),
        Plan::Json(value, _) => format!("json {value}"),
        Plan::File(path, _) => format!("file {}", path.display()),
        Plan::Metadata(host) => format!("metadata {host:?}"),
        Plan::Found { file, told, required } => format!("found {file:?} {told} {required}"),
    }
}

/// gcsfs' names for ways to find credentials.
const METHODS: &[&str] = &["anon", "cloud", "google_default"];

impl Plan {
    /// What the option `token` says.
    pub(crate) fn of_token(key: &str, token: &Value) -> Result<Self> {
        match token {
            Value::Object(_) => Self::of_json(key, token.clone()),
            Value::String(text) => match text.trim() {
                "" => Err(invalid(key, "empty")),
                "anon" | "anonymous" => Ok(Self::Anonymous),
                "google_default" | "default" => Ok(Self::search(true)),
                "cloud" => Ok(Self::Metadata(environment("GCE_METADATA_HOST"))),
                "browser" | "cache" => Err(invalid(
                    key,
                    "gcsfs' own logins are not known here: use `google_default`",
                )),
                text if text.starts_with('{') => {
                    // serde_json names the place, not the text.
                    let json = serde_json::from_str(text).map_err(|error| invalid(key, error.to_string()))?;
                    Self::of_json(key, json)
                }
                text => match text.strip_prefix("Bearer ") {
                    Some(token) => Self::of_bearer(key, token.trim()),
                    None if text.starts_with("ya29.") => Self::of_bearer(key, text),
                    None => Self::of_path(key, text),
                },
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Err(invalid(key, "expected text or a JSON object"))
            }
        }
    }

    fn of_path(key: &str, text: &str) -> Result<Self> {
        let is_word = text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        match nearest(text, METHODS.iter().copied()).filter(|_| is_word) {
            Some(meant) => Err(invalid(key, format!("no such way; did you mean `{meant}`?"))),
            None => Ok(Self::File(PathBuf::from(text), key.to_owned())),
        }
    }

    fn of_bearer(key: &str, token: &str) -> Result<Self> {
        let valid = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !valid {
            return Err(invalid(key, "not an access token"));
        }
        Ok(Self::Bearer(token.to_owned()))
    }

    fn of_json(key: &str, json: Value) -> Result<Self> {
        if let Some(token) = json.get("access_token").and_then(Value::as_str) {
            return Self::of_bearer(key, token);
        }
        // Checked now, so that a slip is told where it was made.
        Credentials::of_json(key, &json)?;
        Ok(Self::Json(json, key.to_owned()))
    }

    /// Without a word in the options: the environment, else what is found.
    pub(crate) fn search(required: bool) -> Self {
        if let Some(json) = environment("GOOGLE_SERVICE_ACCOUNT_KEY") {
            let json = serde_json::from_str(&json).unwrap_or(Value::Null);
            return Self::Json(json, "GOOGLE_SERVICE_ACCOUNT_KEY".to_owned());
        }
        for name in [
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ] {
            if let Some(path) = environment(name) {
                return Self::File(PathBuf::from(path), name.to_owned());
            }
        }
        Self::Found {
            file: application_default_file(),
            told: ["GCE_METADATA_HOST", "K_SERVICE", "CLOUD_RUN_JOB", "GAE_ENV"]
                .iter()
                .any(|name| environment(name).is_some()),
            required,
        }
    }

    /// Reads what the plan names. Blocks: for the I/O thread.
    pub(crate) fn read(&self) -> Result<Credentials> {
        match self {
            Self::Anonymous => Ok(Credentials::Anonymous),
            Self::Bearer(token) => Ok(Credentials::Bearer(token.clone())),
            Self::Json(json, key) => Credentials::of_json(key, json),
            Self::File(path, key) => Credentials::of_file(key, path),
            Self::Metadata(host) => Ok(Credentials::Metadata { host: host.clone() }),
            Self::Found { file, told, required } => {
                if let Some(file) = file.as_ref().filter(|file| file.exists()) {
                    return Credentials::of_file("token", file);
                }
                if *told || is_googles_machine() {
                    let host = environment("GCE_METADATA_HOST");
                    return Ok(Credentials::Metadata { host });
                }
                if *required {
                    return Err(invalid(
                        "token",
                        "no default credentials: neither environment, file nor machine has any",
                    ));
                }
                Ok(Credentials::Anonymous)
            }
        }
    }
}

/// Credentials as they were read. Holds secrets.
pub(crate) enum Credentials {
    Anonymous,
    Bearer(String),
    ServiceAccount(Box<ServiceAccount>),
    AuthorizedUser(AuthorizedUser),
    Metadata { host: Option<String> },
}

/// A service account's key.
pub(crate) struct ServiceAccount {
    pub(crate) email: String,
    pub(crate) key_id: Option<String>,
    pub(crate) key: ring::signature::RsaKeyPair,
    /// Where a signed word is exchanged for a token; `None` if Google takes the signed word itself.
    pub(crate) token_url: Option<Url>,
    pub(crate) project: Option<String>,
}

/// A user's consent, as gcloud keeps it.
pub(crate) struct AuthorizedUser {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    pub(crate) token_url: Url,
    pub(crate) project: Option<String>,
}

const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const GOOGLE_TOKEN_URLS: &[&str] = &[
    GOOGLE_TOKEN_URL,
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
];
/// A credentials file is a few kilobytes.
const MOST_FILE_BYTES: u64 = 1 << 20;

impl Credentials {
    fn of_file(key: &str, path: &Path) -> Result<Self> {
        use std::io::Read as _;
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MOST_FILE_BYTES).read_to_string(&mut text))
            .map_err(|error| invalid(key, format!("{}: {error}", path.display())))?;
        let json = serde_json::from_str(&text)
            .map_err(|error| invalid(key, format!("{}: {error}", path.display())))?;
        Self::of_json(key, &json)
    }

    fn of_json(key: &str, json: &Value) -> Result<Self> {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let needed = |name: &str| {
            text(name)
                .filter(|text| !text.is_empty())
                .ok_or_else(|| invalid(key, format!("credentials without `{name}`")))
        };
        let token_url = || match text("token_uri") {
            None => Ok(None),
            Some(uri) if GOOGLE_TOKEN_URLS.contains(&uri.as_str()) => Ok(None),
            Some(uri) => match Url::parse(&uri) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
                _ => Err(invalid(key, "credentials with an invalid `token_uri`")),
            },
        };
        match text("type").as_deref() {
            // A key is a service account's, also without saying so.
            Some("service_account") | None if json.get("private_key").is_some() => {
                Ok(Self::ServiceAccount(Box::new(ServiceAccount {
                    email: needed("client_email")?,
                    key_id: text("private_key_id"),
                    key: rsa_key(&needed("private_key")?)
                        .ok_or_else(|| invalid(key, "credentials with an invalid `private_key`"))?,
                    token_url: token_url()?,
                    project: text("quota_project_id").or_else(|| text("project_id")),
                })))
            }
            Some("authorized_user") => Ok(Self::AuthorizedUser(AuthorizedUser {
                client_id: needed("client_id")?,
                client_secret: needed("client_secret")?,
                refresh_token: needed("refresh_token")?,
                token_url: match token_url()? {
                    Some(url) => url,
                    None => Url::parse(GOOGLE_TOKEN_URL).map_err(|error| invalid(key, error.to_string()))?,
                },
                project: text("quota_project_id"),
            })),
            Some("service_account") => Err(invalid(key, "credentials without `private_key`")),
            Some(other) => Err(invalid(
                key,
                format!("credentials of type `{}` are not supported", other.escape_debug()),
            )),
            None => Err(invalid(key, "not credentials: no `type`")),
        }
    }

    /// The project that they belong to.
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Self::ServiceAccount(account) => account.project.as_deref(),
            Self::AuthorizedUser(user) => user.project.as_deref(),
            Self::Anonymous | Self::Bearer(_) | Self::Metadata { .. } => None,
        }
    }
}

fn rsa_key(pem: &str) -> Option<ring::signature::RsaKeyPair> {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    if let PrivateKeyDer::Pkcs8(der) = &key {
        return ring::signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok();
    }
    if let PrivateKeyDer::Pkcs1(der) = &key {
        return ring::signature::RsaKeyPair::from_der(der.secret_pkcs1_der()).ok();
    }
    None
}

/// Where gcloud keeps its application-default credentials.
fn application_default_file() -> Option<PathBuf> {
    const NAME: &str = "application_default_credentials.json";
    if let Some(folder) = environment("CLOUDSDK_CONFIG") {
        return Some(Path::new(&folder).join(NAME));
    }
    let folder = if cfg!(windows) {
        Path::new(&environment("APPDATA")?).join("gcloud")
    } else {
        Path::new(&environment("HOME")?).join(".config/gcloud")
    };
    Some(folder.join(NAME))
}

/// Whether the firmware says that this is one of Google's machines: no network is asked.
fn is_googles_machine() -> bool {
    if environment("NO_GCE_CHECK").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return false;
    }
    std::fs::read_to_string("/sys/class/dmi/id/product_name")
        .is_ok_and(|name| matches!(name.trim(), "Google" | "Google Compute Engine"))
}
