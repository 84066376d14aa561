//! Who is let in.

use ::http::StatusCode;
use ::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::options::Credentials;
use super::page;
use crate::server::{Answer, Request};

/// Lets a request pass, or refuses it.
pub(super) fn check(required: &[Credentials], request: &Request) -> Result<(), Answer> {
    let authorization = request.header(AUTHORIZATION);
    for credentials in required {
        let (passes, challenge) = match credentials {
            Credentials::Basic(user, password) => {
                let right = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                (
                    authorization == Some(&right),
                    Some("Basic realm=\"zarr-tests\", charset=\"UTF-8\""),
                )
            }
            Credentials::Bearer(token) => (
                authorization == Some(&format!("Bearer {token}")),
                Some("Bearer realm=\"zarr-tests\""),
            ),
            Credentials::Header(name, value) => (request.header(name.as_str()) == Some(value), None),
            Credentials::Query(name, value) => (
                request
                    .query_pairs()
                    .iter()
                    .any(|(key, given)| key == name && given == value),
                None,
            ),
        };
        match challenge {
            _ if passes => {}
            Some(challenge) => return Err(page(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, challenge)),
            None => return Err(page(StatusCode::FORBIDDEN)),
        }
    }
    Ok(())
}
