//! Who may do what: bearer tokens, a service account, and the endpoints that hand tokens out.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::xml::error;
use crate::load::now;
use crate::server::{Answer, Request};

/// The service account of every test server.
pub const CLIENT_EMAIL: &str = "reader@zarr-tests.iam.gserviceaccount.com";
const KEY_ID: &str = "0123456789abcdef0123456789abcdef01234567";
/// A key made for these tests; it opens nothing anywhere.
const PRIVATE_KEY: &str = include_str!("test_key.pem");
const REFRESH_TOKEN: &str = "1//test-refresh-token";
const CLIENT_ID: &str = "test-client.apps.googleusercontent.com";
const CLIENT_SECRET: &str = "test-client-secret";
const METADATA_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/";
/// Clocks may differ by so much.
const SKEW: u64 = 300;

/// Who may do something with a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone; credentials, if any, are not looked at.
    Anyone,
    /// Whoever sends `Authorization: Bearer` with this token.
    Bearer(String),
    /// The server's service account: with a token from `/token`, or with a JWT that it signed itself.
    ServiceAccount,
    /// Nobody.
    Nobody,
}

/// The server's knowledge of tokens.
#[derive(Debug)]
pub(super) struct Auth {
    pub(super) anonymous: StatusCode,
    pub(super) lifetime: Duration,
    tokens: BTreeMap<String, SystemTime>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            anonymous: StatusCode::FORBIDDEN,
            lifetime: Duration::from_secs(3600),
            tokens: BTreeMap::new(),
        }
    }
}

impl Auth {
    pub(super) fn issued(&self) -> usize {
        self.tokens.len()
    }

    /// Lets a request pass or answers it: no credentials 403 (or as set), wrong ones 401, good ones for something else 403.
    pub(super) fn check(&self, request: &Request, access: &Access) -> Result<(), Answer> {
        let denied = |status, message: &str| Err(error(status, "AccessDenied", message));
        let header = request.header("authorization");
        let bearer = header.and_then(|header| header.strip_prefix("Bearer "));
        match (access, header, bearer) {
            (Access::Anyone, _, _) => Ok(()),
            (Access::Nobody, _, _) => denied(StatusCode::FORBIDDEN, "Access denied."),
            (_, None, _) => denied(self.anonymous, "Anonymous caller does not have access."),
            (Access::Bearer(token), Some(_), Some(bearer)) if bearer == token => Ok(()),
            (Access::ServiceAccount, Some(_), Some(bearer)) if self.knows(bearer) => Ok(()),
            (Access::Bearer(_) | Access::ServiceAccount, Some(_), _) => Err(error(
                StatusCode::UNAUTHORIZED,
                "AuthenticationRequired",
                "Authentication required.",
            )),
        }
    }

    fn knows(&self, bearer: &str) -> bool {
        match self.tokens.get(bearer) {
            Some(expiry) => *expiry > now(),
            None => verify_jwt(bearer).is_ok(),
        }
    }

    /// Answers `POST /token` and the metadata server's paths; `None` for all else.
    pub(super) fn token_request(&mut self, request: &Request) -> Option<Answer> {
        if let Some(item) = request.path.strip_prefix(METADATA_PATH) {
            return Some(self.metadata(request, item));
        }
        if request.path != "/token" || request.method != Method::POST {
            return None;
        }
        let form = Request {
            query: std::str::from_utf8(&request.body).ok().map(str::to_owned),
            ..request.clone()
        };
        let form: BTreeMap<String, String> = form.query_pairs().into_iter().collect();
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let granted = match field("grant_type") {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => verify_jwt(field("assertion")),
            "refresh_token" => {
                let known = [field("refresh_token"), field("client_id"), field("client_secret")];
                let granted = known == [REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET];
                granted.then_some(()).ok_or("unknown refresh token or client")
            }
            _ => {
                return Some(oauth_error(
                    "unsupported_grant_type",
                    "this grant type is not known",
                ));
            }
        };
        Some(match granted {
            Ok(()) => self.issue(),
            Err(reason) => oauth_error("invalid_grant", reason),
        })
    }

    fn metadata(&mut self, request: &Request, item: &str) -> Answer {
        if request.header("metadata-flavor") != Some("Google") {
            return Answer::body(
                StatusCode::FORBIDDEN,
                "text/html",
                "Missing Metadata-Flavor:Google header.",
            );
        }
        match item {
            "token" => self.issue(),
            "email" => Answer::body(StatusCode::OK, "application/text", CLIENT_EMAIL),
            _ => Answer::status(StatusCode::NOT_FOUND),
        }
    }

    fn issue(&mut self) -> Answer {
        let token = format!("ya29.test-{}", self.tokens.len());
        self.tokens.insert(token.clone(), now() + self.lifetime);
        let seconds = self.lifetime.as_secs();
        let reply = json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"});
        Answer::body(
            StatusCode::OK,
            "application/json; charset=UTF-8",
            reply.to_string(),
        )
    }
}

fn oauth_error(code: &str, reason: &str) -> Answer {
    let reply = json!({"error": code, "error_description": reason});
    let mut answer = Answer::body(
        StatusCode::BAD_REQUEST,
        "application/json; charset=UTF-8",
        reply.to_string(),
    );
    answer.note = Some(format!("{code}: {reason}"));
    answer
}

/// Whether the test service account signed this JWT and it is valid now.
fn verify_jwt(jwt: &str) -> Result<(), &'static str> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or("not a JWT")?;
    let (header, claims) = signed.split_once('.').ok_or("not a JWT")?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "not base64url");
    let parse = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|_| "not JSON");
    let (header, claims) = (parse(header)?, parse(claims)?);
    if header["alg"] != "RS256" || header.get("kid").is_some_and(|kid| kid != KEY_ID) {
        return Err("another algorithm or key");
    }
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key()?)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| "wrong signature")?;
    let seconds = now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let time = |name: &str| claims[name].as_u64().ok_or("iat or exp is missing");
    let (issued, expires) = (time("iat")?, time("exp")?);
    if claims["iss"] != CLIENT_EMAIL {
        return Err("another issuer");
    }
    if claims["scope"]
        .as_str()
        .or(claims["aud"].as_str())
        .is_none_or(str::is_empty)
    {
        return Err("neither scope nor audience");
    }
    if issued > seconds + SKEW || expires + SKEW < seconds || expires > issued + 3600 {
        return Err("not valid now, or for more than an hour");
    }
    Ok(())
}

fn public_key() -> Result<Vec<u8>, &'static str> {
    let body: String = PRIVATE_KEY
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(body).map_err(|_| "the test key is not PEM")?;
    let pair = KeyPair::from_pkcs8(&der).map_err(|_| "the test key is not a key")?;
    Ok(pair.public_key().as_ref().to_vec())
}

pub(super) fn service_account_json(url: &str) -> String {
    let key = json!({
        "type": "service_account",
        "project_id": "zarr-tests",
        "private_key_id": KEY_ID,
        "private_key": PRIVATE_KEY,
        "client_email": CLIENT_EMAIL,
        "client_id": "100000000000000000000",
        "token_uri": format!("{url}/token"),
        "gcs_base_url": url,
    });
    key.to_string()
}

pub(super) fn authorized_user_json(url: &str) -> String {
    let user = json!({
        "type": "authorized_user",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "token_uri": format!("{url}/token"),
    });
    user.to_string()
}
