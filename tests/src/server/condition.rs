//! Conditional requests, as RFC 9110 section 13 has them, for reads.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::app::Request;

/// What a condition is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validators<'a> {
    pub(crate) etag: Option<&'a str>,
    pub(crate) modified: SystemTime,
}

impl Validators<'_> {
    /// The status to answer with if a condition fails: 412 or 304, in the order of section 13.2.2.
    pub(crate) fn fail(self, request: &Request) -> Option<StatusCode> {
        let date = |name: &str| {
            request
                .header(name)
                .and_then(|text| httpdate::parse_http_date(text).ok())
        };
        let modified = self.whole_seconds();
        match (request.header("if-match"), date("if-unmodified-since")) {
            (Some(header), _) if !self.lists(header) => return Some(StatusCode::PRECONDITION_FAILED),
            (None, Some(since)) if modified > since => return Some(StatusCode::PRECONDITION_FAILED),
            _ => {}
        }
        match (request.header("if-none-match"), date("if-modified-since")) {
            (Some(header), _) if self.lists(header) => Some(StatusCode::NOT_MODIFIED),
            (None, Some(since)) if modified <= since => Some(StatusCode::NOT_MODIFIED),
            _ => None,
        }
    }

    /// Whether `If-Range`, if there is one, lets a range be sent.
    pub(crate) fn allow_range(self, request: &Request) -> bool {
        match request.header("if-range") {
            None => true,
            Some(etag) if etag.starts_with('"') => self.etag == Some(etag),
            Some(date) => httpdate::parse_http_date(date).is_ok_and(|date| date == self.whole_seconds()),
        }
    }

    fn lists(self, header: &str) -> bool {
        header.trim() == "*" || header.split(',').any(|etag| Some(etag.trim()) == self.etag)
    }

    /// HTTP dates have whole seconds.
    fn whole_seconds(self) -> SystemTime {
        let seconds = self
            .modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }
}
