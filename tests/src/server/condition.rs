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
        self.fail_match(request).or_else(|| self.fail_none_match(request))
    }

    /// `If-Match`, or else `If-Unmodified-Since`.
    pub(crate) fn fail_match(self, request: &Request) -> Option<StatusCode> {
        let fails = match (request.header("if-match"), date(request, "if-unmodified-since")) {
            (Some(header), _) => !self.lists(header),
            (None, Some(since)) => self.whole_seconds() > since,
            (None, None) => false,
        };
        fails.then_some(StatusCode::PRECONDITION_FAILED)
    }

    /// `If-None-Match`, or else `If-Modified-Since`.
    pub(crate) fn fail_none_match(self, request: &Request) -> Option<StatusCode> {
        let fails = match (
            request.header("if-none-match"),
            date(request, "if-modified-since"),
        ) {
            (Some(header), _) => self.lists(header),
            (None, Some(since)) => self.whole_seconds() <= since,
            (None, None) => false,
        };
        fails.then_some(StatusCode::NOT_MODIFIED)
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

fn date(request: &Request, name: &str) -> Option<SystemTime> {
    request
        .header(name)
        .and_then(|text| httpdate::parse_http_date(text).ok())
}
