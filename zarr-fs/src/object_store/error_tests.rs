//! The table of statuses and faults.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test names the variants it expects"
)]

use http::Method;
use url::Url;

use super::*;
use crate::object_store::StatusError;
use crate::path::Path;

const READ: Intent = Intent::Read(ByteRange::Bounded(5, 9));

fn name(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "NotFound",
        Error::Unauthenticated { .. } => "Unauthenticated",
        Error::PermissionDenied { .. } => "PermissionDenied",
        Error::Unavailable { .. } => "Unavailable",
        Error::Corrupt { .. } => "Corrupt",
        Error::AlreadyExists { .. } => "AlreadyExists",
        Error::Precondition { .. } => "Precondition",
        Error::Unsupported { .. } => "Unsupported",
        Error::RangeOutOfBounds { size: Some(7), .. } => "RangeOutOfBounds(7)",
        Error::Closed {
            outcome: Outcome::Cut,
            ..
        } => "Closed(Cut)",
        Error::Closed {
            outcome: Outcome::Unknown,
            ..
        } => "Closed(Unknown)",
        Error::Backend { .. } => "Backend",
        Error::LimitReached { .. } => "LimitReached",
        other => panic!("{other:?}"),
    }
}

fn failed(fault: Fault) -> TransportError {
    let url = Url::parse("https://user:pass@host/b/k?token=s3cret").unwrap();
    TransportError::new(fault, &Method::GET, &url)
}

fn mapped(map: &ErrorMap, intent: Intent, fault: Fault) -> Error {
    map.transport(Context::new("gs://b", "op", &Path::root()), intent, failed(fault))
}

fn status(number: u16) -> Fault {
    Fault::Status(StatusError {
        status: StatusCode::from_u16(number).unwrap(),
        retry_after: None,
        size: (number == 416).then_some(7),
        body: String::new(),
    })
}

#[test]
fn each_status_and_fault_has_its_error() {
    let map = ErrorMap::default();
    for (number, read, create, replace, write) in [
        (304, "Backend", "Backend", "Backend", "Backend"),
        (400, "Backend", "Backend", "Backend", "Backend"),
        (
            401,
            "Unauthenticated",
            "Unauthenticated",
            "Unauthenticated",
            "Unauthenticated",
        ),
        (
            403,
            "PermissionDenied",
            "PermissionDenied",
            "PermissionDenied",
            "PermissionDenied",
        ),
        (404, "NotFound", "NotFound", "NotFound", "NotFound"),
        (405, "Unsupported", "Unsupported", "Unsupported", "Unsupported"),
        (
            407,
            "Unauthenticated",
            "Unauthenticated",
            "Unauthenticated",
            "Unauthenticated",
        ),
        (408, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (409, "Backend", "AlreadyExists", "Precondition", "Backend"),
        (410, "NotFound", "NotFound", "NotFound", "NotFound"),
        (
            412,
            "Precondition",
            "AlreadyExists",
            "Precondition",
            "Precondition",
        ),
        (416, "RangeOutOfBounds(7)", "Backend", "Backend", "Backend"),
        (429, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (500, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (501, "Unsupported", "Unsupported", "Unsupported", "Unsupported"),
        (502, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (503, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (504, "Unavailable", "Unavailable", "Unavailable", "Unavailable"),
        (507, "Backend", "Backend", "Backend", "Backend"),
    ] {
        let got = [READ, Intent::Create, Intent::Replace, Intent::Write]
            .map(|intent| name(&mapped(&map, intent, status(number))));
        assert_eq!(got, [read, create, replace, write], "{number}");
    }
    for (fault, expected) in [
        (Fault::Dns, "Unavailable"),
        (Fault::Connect, "Unavailable"),
        (Fault::ConnectTimeout, "Unavailable"),
        (Fault::Tls, "Unavailable"),
        (Fault::Stall, "Unavailable"),
        (Fault::Broken, "Unavailable"),
        (Fault::NotHttp, "Unavailable"),
        (
            Fault::ShortBody {
                promised: 2,
                received: 1,
            },
            "Unavailable",
        ),
        (Fault::LongBody { promised: 2 }, "Unavailable"),
        (Fault::TooLarge { limit: 2 }, "LimitReached"),
        (Fault::WrongRange, "Corrupt"),
        (Fault::Changed, "Corrupt"),
        (Fault::Page, "Corrupt"),
        (Fault::Redirect("down to http"), "Backend"),
        (Fault::RedirectLoop("in a circle"), "Backend"),
        (Fault::InvalidRequest, "Backend"),
        (Fault::Cut, "Closed(Cut)"),
    ] {
        assert_eq!(name(&mapped(&map, READ, fault.clone())), expected, "{fault:?}");
    }
    assert_eq!(name(&mapped(&map, Intent::Write, Fault::Cut)), "Closed(Unknown)");
}

#[test]
fn missing_status_is_opt_in_and_for_reads_only() {
    let with = |json: &str| ErrorMap::from_options(&Options::from_json(json).unwrap());
    for json in [
        r#"{"missing_status": 403}"#,
        r#"{"missing_status": "404,403"}"#,
        r#"{"missing_status": [403]}"#,
    ] {
        let map = with(json).unwrap();
        assert_eq!(name(&mapped(&map, READ, status(403))), "NotFound");
        assert_eq!(name(&mapped(&map, Intent::List, status(403))), "NotFound");
        assert_eq!(name(&mapped(&map, READ, status(404))), "NotFound");
        assert_eq!(
            name(&mapped(&map, Intent::Write, status(403))),
            "PermissionDenied"
        );
    }
    for json in [
        r#"{"missing_status": 500}"#,
        r#"{"missing_status": "x"}"#,
        r#"{"missing_status": [200]}"#,
        r#"{"missing_status": {}}"#,
    ] {
        assert!(with(json).is_err(), "{json}");
    }
}

#[test]
fn the_transports_error_is_found_under_object_stores() {
    let inner = failed(status(410));
    let http = object_store::client::HttpError::new(object_store::client::HttpErrorKind::Unknown, inner);
    let error = object_store::Error::Generic {
        store: "GCS",
        source: Box::new(http),
    };
    let mapped = ErrorMap::default().store(Context::new("gs://b", "op", &Path::root()), READ, error);
    assert_eq!(name(&mapped), "NotFound");
    let unread = object_store::Error::Generic {
        store: "GCS",
        source: "no ETag".into(),
    };
    let mapped = ErrorMap::default().store(Context::new("gs://b", "op", &Path::root()), READ, unread);
    assert_eq!(name(&mapped), "Corrupt");
}

#[test]
fn a_token_servers_word_is_not_about_the_file() {
    let map = ErrorMap::default();
    let mapped = |source: Option<Fault>| {
        let error = object_store::Error::Generic {
            store: "GCS",
            source: Box::new(CredentialError::new("test", source.map(failed))),
        };
        map.store(Context::new("gs://b", "op", &Path::root()), READ, error)
    };
    for (fault, expected) in [
        (Some(status(404)), "Unauthenticated"),
        (Some(status(400)), "Unauthenticated"),
        (Some(status(403)), "Unauthenticated"),
        (Some(status(503)), "Unavailable"),
        (Some(status(429)), "Unavailable"),
        (Some(Fault::Dns), "Unavailable"),
        (Some(Fault::Tls), "Unavailable"),
        (Some(Fault::Cut), "Closed(Cut)"),
        (None, "Unauthenticated"),
    ] {
        assert_eq!(name(&mapped(fault.clone())), expected, "{fault:?}");
    }
}

#[test]
fn no_secret_is_shown() {
    let error = mapped(&ErrorMap::default(), READ, status(403));
    let mut shown = format!("{error:?} {error}");
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        shown += &format!(" {cause} {cause:?}");
        next = cause.source();
    }
    assert!(shown.contains("https://host/b/k"), "{shown}");
    for secret in ["s3cret", "user", "pass"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
