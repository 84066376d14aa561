//! Access tokens: signed or fetched when needed, over the session's own transport, and kept until shortly before they expire.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use object_store::CredentialProvider;
use object_store::gcp::GcpCredential;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::Serializer;
use zarr_fs::object_store::{CredentialError, Fault, Request, Retry, Transport, TransportError};

use crate::credentials::{AuthorizedUser, Credentials, ServiceAccount};

const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.full_control";
/// A token is renewed when it has less than this left, or half of its life if that is less; the metadata server itself renews
/// at four minutes.
const RENEW_BEFORE: Duration = Duration::from_secs(225);
/// What Google signs and issues for.
const LIFETIME: Duration = Duration::from_secs(3600);
/// The metadata server is on the machine's own link: it answers at once or is not there.
const METADATA_LIMIT: Duration = Duration::from_secs(1);
const METADATA_HOST: &str = "metadata.google.internal";
const MOST_REPLY_BYTES: u64 = 1 << 20;

/// Gives object_store its credential. `Debug` shows none.
pub(crate) struct TokenProvider {
    source: Credentials,
    transport: Transport,
    /// Held over a fetch, so that one fetch serves all who wait for it.
    kept: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    credential: Arc<GcpCredential>,
    expires: Option<Instant>,
    renew_before: Duration,
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProvider").finish_non_exhaustive()
    }
}

type Result<T> = std::result::Result<T, CredentialError>;

impl TokenProvider {
    /// `transport` reaches the token server; for the metadata server it must know no proxy.
    pub(crate) fn new(source: Credentials, transport: Transport) -> Self {
        Self {
            source,
            transport,
            kept: Mutex::new(None),
        }
    }

    async fn token(&self) -> Result<Arc<GcpCredential>> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.lasts(token.renew_before)) {
            return Ok(Arc::clone(&token.credential));
        }
        match self.fetch().await {
            Ok(token) => {
                let credential = Arc::clone(&token.credential);
                *kept = Some(token);
                Ok(credential)
            }
            // An old one that is still good is better than none.
            Err(error) => match kept.as_ref().filter(|token| token.lasts(Duration::from_secs(10))) {
                Some(token) => Ok(Arc::clone(&token.credential)),
                None => Err(error),
            },
        }
    }

    async fn fetch(&self) -> Result<Token> {
        match &self.source {
            // The transport's traits take the empty token out again.
            Credentials::Anonymous => Ok(Token::new(String::new(), None)),
            Credentials::Bearer(token) => Ok(Token::new(token.clone(), None)),
            Credentials::ServiceAccount(account) => match &account.token_url {
                None => Ok(Token::new(
                    account.sign(&json!({"scope": SCOPE}))?,
                    Some(LIFETIME),
                )),
                Some(url) => {
                    let assertion = account.sign(&json!({"scope": SCOPE, "aud": url.as_str()}))?;
                    let form = [
                        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                        ("assertion", assertion.as_str()),
                    ];
                    self.exchange(url, &form, &[&assertion]).await
                }
            },
            Credentials::AuthorizedUser(user) => self.refresh(user).await,
            Credentials::Metadata { host } => {
                self.ask_metadata(host.as_deref().unwrap_or(METADATA_HOST)).await
            }
        }
    }

    async fn refresh(&self, user: &AuthorizedUser) -> Result<Token> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", user.client_id.as_str()),
            ("client_secret", user.client_secret.as_str()),
            ("refresh_token", user.refresh_token.as_str()),
        ];
        self.exchange(
            &user.token_url,
            &form,
            &[&user.client_secret, &user.refresh_token],
        )
        .await
    }

    async fn exchange(&self, url: &Url, form: &[(&str, &str)], secrets: &[&str]) -> Result<Token> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::new(Method::POST, url.clone())
            .with_header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .with_body(Bytes::from(body))
            // A token too many does no harm.
            .with_retry(Retry::Always);
        for secret in secrets {
            request = request.with_secret(*secret);
        }
        self.token_of(request).await
    }

    async fn ask_metadata(&self, host: &str) -> Result<Token> {
        let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        let url =
            Url::parse(&url).map_err(|_| CredentialError::new("the metadata server's name is none", None))?;
        let request = Request::new(Method::GET, url.clone()).with_header(
            HeaderName::from_static("metadata-flavor"),
            HeaderValue::from_static("Google"),
        );
        match tokio::time::timeout(METADATA_LIMIT, self.token_of(request)).await {
            Ok(token) => token,
            Err(_) => {
                let error = TransportError::new(Fault::Stall, &Method::GET, &url);
                Err(CredentialError::new(
                    "the metadata server does not answer",
                    Some(error),
                ))
            }
        }
    }

    async fn token_of(&self, request: Request) -> Result<Token> {
        let fetched = self.transport.fetch(request, MOST_REPLY_BYTES).await;
        let reply = fetched.map_err(|error| CredentialError::new("the token server refuses", Some(error)))?;
        let unread = || CredentialError::new("the token server's reply is no token", None);
        let reply: Value = serde_json::from_slice(&reply.bytes).map_err(|_| unread())?;
        let token = reply.get("access_token").and_then(Value::as_str);
        let token = token
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(unread)?;
        let seconds = reply.get("expires_in").and_then(Value::as_u64);
        Ok(Token::new(
            token.to_owned(),
            Some(seconds.map_or(LIFETIME, Duration::from_secs)),
        ))
    }
}

impl Token {
    fn new(bearer: String, lifetime: Option<Duration>) -> Self {
        Self {
            credential: Arc::new(GcpCredential { bearer }),
            expires: lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime)),
            renew_before: lifetime.map_or(RENEW_BEFORE, |lifetime| RENEW_BEFORE.min(lifetime / 2)),
        }
    }

    fn lasts(&self, time: Duration) -> bool {
        self.expires
            .is_none_or(|expires| expires.saturating_duration_since(Instant::now()) > time)
    }
}

impl ServiceAccount {
    /// A JSON web token with these claims, signed with the account's key.
    fn sign(&self, claims: &Value) -> Result<String> {
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(key_id) = &self.key_id {
            header["kid"] = Value::from(key_id.as_str());
        }
        let issued = seconds_since_1970();
        let mut claims = claims.clone();
        claims["iss"] = Value::from(self.email.as_str());
        claims["sub"] = Value::from(self.email.as_str());
        claims["iat"] = Value::from(issued);
        claims["exp"] = Value::from(issued + LIFETIME.as_secs());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &ring::signature::RSA_PKCS1_SHA256,
                &ring::rand::SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(|_| CredentialError::new("the service account's key cannot sign", None))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signed token says when it was signed, by the wall clock"
)]
fn seconds_since_1970() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[async_trait]
impl CredentialProvider for TokenProvider {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        self.token().await.map_err(|error| object_store::Error::Generic {
            store: "GCS",
            source: Box::new(error),
        })
    }
}
