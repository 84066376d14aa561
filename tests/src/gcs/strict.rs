//! Which operation a request is, and whether all of it is understood.

use std::fmt;

use http::{HeaderName, Method, StatusCode};

use super::auth::Access;
use super::state::Bucket;
use super::xml::error;
use crate::server::{Answer, Request};

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Operation {
    List(ListQuery),
    Get { generation: Option<String> },
    Put,
    Copy,
    Delete,
    Initiate,
    PutPart { number: u32, upload: String },
    Complete { upload: String },
    Abort { upload: String },
}

/// The query of a listing.
#[derive(Debug, Default)]
pub(super) struct ListQuery {
    pub(super) prefix: String,
    pub(super) delimiter: String,
    pub(super) start_after: String,
    pub(super) token: Option<String>,
    pub(super) max_keys: Option<usize>,
}

/// Headers that any request may carry.
const ANY: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "date",
    "host",
    "traceparent",
    "user-agent",
    "x-goog-api-client",
    "x-goog-user-project",
];
const READ: &[&str] = &[
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "x-goog-if-generation-match",
];
const STORE: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "transfer-encoding",
    "x-goog-storage-class",
];

impl Operation {
    /// Who may do it.
    pub(super) fn access<'a>(&self, bucket: &'a Bucket) -> &'a Access {
        match self {
            Self::List(_) => &bucket.list,
            Self::Get { .. } => &bucket.read,
            Self::Put
            | Self::Copy
            | Self::Delete
            | Self::Initiate
            | Self::PutPart { .. }
            | Self::Complete { .. }
            | Self::Abort { .. } => &bucket.write,
        }
    }

    /// Whether it may carry this header, besides those that any request may.
    fn allows(&self, name: &str) -> bool {
        let stored = || STORE.contains(&name) || name.starts_with("x-goog-meta-");
        match self {
            Self::List(_) | Self::Abort { .. } => false,
            Self::Get { .. } => READ.contains(&name),
            Self::Put => stored() || matches!(name, "x-goog-if-generation-match" | "content-md5"),
            Self::Copy => stored() || matches!(name, "x-goog-if-generation-match" | "x-goog-copy-source"),
            Self::Delete => name == "x-goog-if-generation-match",
            Self::Initiate => stored(),
            Self::PutPart { .. } => matches!(name, "content-md5" | "transfer-encoding"),
            Self::Complete { .. } => {
                matches!(
                    name,
                    "content-type" | "transfer-encoding" | "x-goog-if-generation-match"
                )
            }
        }
    }
}

/// Names the operation, or refuses what is not understood with 501.
pub(super) fn classify(request: &Request, has_key: bool) -> Result<Operation, Answer> {
    let mut query = Query::of(request);
    let operation = match (&request.method, has_key) {
        (&Method::GET, false) => list(&mut query)?,
        (&Method::GET | &Method::HEAD, true) => Operation::Get {
            generation: query.take("generation"),
        },
        (&Method::PUT, true) => match (query.take("uploadId"), query.take("partNumber")) {
            (Some(upload), Some(number)) => Operation::PutPart {
                number: part_number(&number)?,
                upload,
            },
            (None, None) if request.headers.contains_key("x-goog-copy-source") => Operation::Copy,
            (None, None) => Operation::Put,
            (Some(_), None) | (None, Some(_)) => {
                return Err(invalid("uploadId and partNumber belong together"));
            }
        },
        (&Method::POST, true) => match (query.take("uploads"), query.take("uploadId")) {
            (Some(_), None) => Operation::Initiate,
            (None, Some(upload)) => Operation::Complete { upload },
            _ => return Err(unknown("POST without uploads or uploadId")),
        },
        (&Method::DELETE, true) => match query.take("uploadId") {
            Some(upload) => Operation::Abort { upload },
            None => Operation::Delete,
        },
        (method, _) => return Err(unknown(&format!("operation {method} here"))),
    };
    query.finish()?;
    known_headers(request, &operation, |name| operation.allows(name))?;
    Ok(operation)
}

/// Refuses headers that neither any request nor this operation may carry.
pub(super) fn known_headers(
    request: &Request,
    operation: &dyn fmt::Debug,
    allows: impl Fn(&str) -> bool,
) -> Result<(), Answer> {
    let mut names = request.headers.keys().map(HeaderName::as_str);
    match names.find(|name| !ANY.contains(name) && !allows(name)) {
        Some(name) => Err(unknown(&format!("header {name} with {operation:?}"))),
        None => Ok(()),
    }
}

fn list(query: &mut Query) -> Result<Operation, Answer> {
    match query.take("list-type").as_deref() {
        Some("2") => {}
        other => return Err(unknown(&format!("list-type {other:?}"))),
    }
    let max_keys = query.take_number("max-keys")?;
    Ok(Operation::List(ListQuery {
        prefix: query.take("prefix").unwrap_or_default(),
        delimiter: query.take("delimiter").unwrap_or_default(),
        start_after: query.take("start-after").unwrap_or_default(),
        token: query.take("continuation-token"),
        max_keys,
    }))
}

fn part_number(text: &str) -> Result<u32, Answer> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err(invalid("partNumber is not a number from 1 to 10000")),
    }
}

/// The query of a request, from which what is known is taken.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &Request) -> Self {
        Self(request.query_pairs())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(index).1)
    }

    pub(super) fn take_number(&mut self, name: &str) -> Result<Option<usize>, Answer> {
        let number = self.take(name).map(|text| text.parse::<usize>()).transpose();
        number.map_err(|_| invalid(&format!("{name} is not a number")))
    }

    /// Refuses what is left.
    pub(super) fn finish(&self) -> Result<(), Answer> {
        match self.0.first() {
            Some((name, _)) => Err(unknown(&format!("query {name}"))),
            None => Ok(()),
        }
    }
}

/// 400 with a reason.
pub(super) fn invalid(message: &str) -> Answer {
    error(StatusCode::BAD_REQUEST, "InvalidArgument", message)
}

/// 501, and the log says what is not known.
pub(super) fn unknown(what: &str) -> Answer {
    let message = format!("this server does not know {what}");
    let mut answer = error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message);
    answer.note = Some(message);
    answer
}
