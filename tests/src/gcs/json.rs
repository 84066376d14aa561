//! The reading half of Google's JSON API, as gcsfs uses it: list objects, describe one, send its bytes. As strict as the XML API,
//! and with the same objects, generations, pages and rights; refusals are JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::state::{Object, State};
use super::strict::{ListQuery, Query, known_headers, unknown};
use crate::server::{Answer, Request, decode};
use crate::time::rfc3339;

const CONTENT_TYPE: &str = "application/json; charset=UTF-8";
/// What stored headers are called in an object's resource.
const FIELDS: [(&str, &str); 6] = [
    ("cache-control", "cacheControl"),
    ("content-disposition", "contentDisposition"),
    ("content-encoding", "contentEncoding"),
    ("content-language", "contentLanguage"),
    ("content-type", "contentType"),
    ("x-goog-storage-class", "storageClass"),
];

/// What is asked of a bucket.
#[derive(Debug)]
enum Call {
    List(ListQuery),
    Describe { key: String, generation: Option<String> },
    Media { key: String, generation: Option<String> },
}

impl State {
    /// Answers a request to the JSON API's paths; `None` for all else.
    pub(super) fn json_request(&self, request: &Request) -> Option<Answer> {
        let download = request.path.strip_prefix("/download/storage/v1/b/");
        let rest = download.or_else(|| request.path.strip_prefix("/storage/v1/b/"))?;
        let answer = self.json(request, rest, download.is_some());
        Some(answer.unwrap_or_else(|refusal| translated(request, refusal)))
    }

    fn json(&self, request: &Request, rest: &str, download: bool) -> Result<Answer, Answer> {
        // Split while it is encoded: a key has its slashes as `%2F`.
        let (bucket, place) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, place) = (decode(bucket), place.strip_prefix('o').unwrap_or("?"));
        match classify(request, place, download)? {
            Call::List(query) => {
                self.authorize(request, &bucket, |bucket| &bucket.list)?;
                self.json_list(request, &bucket, &query)
            }
            Call::Describe { key, generation } => {
                self.authorize(request, &bucket, |bucket| &bucket.read)?;
                let current = |object: &&Object| {
                    generation
                        .as_ref()
                        .is_none_or(|wanted| *wanted == object.generation.to_string())
                };
                let object = self.object(&bucket, &key).filter(current);
                let object = object.ok_or_else(|| self.no_such_key(request, &bucket))?;
                Ok(document(
                    StatusCode::OK,
                    &resource(request, &bucket, &key, object),
                ))
            }
            Call::Media { key, generation } => {
                self.authorize(request, &bucket, |bucket| &bucket.read)?;
                self.get(request, &bucket, &key, generation.as_deref())
            }
        }
    }

    fn json_list(&self, request: &Request, bucket: &str, query: &ListQuery) -> Result<Answer, Answer> {
        let page = self.page(bucket, query)?;
        let mut listing = Map::from_iter([("kind".to_owned(), json!("storage#objects"))]);
        if let Some(next) = &page.next {
            listing.insert("nextPageToken".to_owned(), json!(next));
        }
        let prefixes = page.entries.iter().filter(|(_, object)| object.is_none());
        let prefixes: Vec<Value> = prefixes.map(|(prefix, _)| json!(prefix)).collect();
        let items = page
            .entries
            .iter()
            .filter_map(|(key, object)| Some(resource(request, bucket, key, (*object)?)));
        // Google leaves out what is empty.
        for (name, values) in [("prefixes", prefixes), ("items", items.collect())] {
            if !values.is_empty() {
                listing.insert(name.to_owned(), Value::Array(values));
            }
        }
        Ok(document(StatusCode::OK, &Value::Object(listing)))
    }
}

/// Names the operation, or refuses what is not understood with 501.
fn classify(request: &Request, place: &str, download: bool) -> Result<Call, Answer> {
    if request.method != Method::GET {
        return Err(unknown(&format!("operation {} of the JSON API", request.method)));
    }
    let mut query = Query::of(request);
    // Who pays; the server asks for it where a bucket wants it.
    query.take("userProject");
    let call = if let Some(key) = place.strip_prefix('/').filter(|key| !key.is_empty()) {
        let (key, generation) = (decode(key), query.take("generation"));
        match (query.take("alt").as_deref(), download) {
            (Some("media"), _) => Call::Media { key, generation },
            (None | Some("json"), false) => Call::Describe { key, generation },
            (alt, _) => return Err(unknown(&format!("alt {alt:?} here"))),
        }
    } else if place.is_empty() && !download {
        Call::List(ListQuery {
            prefix: query.take("prefix").unwrap_or_default(),
            delimiter: query.take("delimiter").unwrap_or_default(),
            start_after: String::new(),
            token: query.take("pageToken"),
            max_keys: query.take_number("maxResults")?,
        })
    } else {
        return Err(unknown(&format!("path {} of the JSON API", request.path)));
    };
    query.finish()?;
    let may_range = matches!(call, Call::Media { .. });
    known_headers(request, &call, |name| may_range && name == "range")?;
    Ok(call)
}

/// The resource that describes an object.
fn resource(request: &Request, bucket: &str, key: &str, object: &Object) -> Value {
    let generation = object.generation.to_string();
    let time = rfc3339(object.modified);
    let host = request.header("host").unwrap_or_default();
    let encoded = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
    let (scheme, place) = (request.scheme, format!("storage/v1/b/{bucket}/o/{encoded}"));
    let mut resource = json!({
        "kind": "storage#object",
        "id": format!("{bucket}/{key}/{generation}"),
        "selfLink": format!("{scheme}://{host}/{place}"),
        "mediaLink": format!("{scheme}://{host}/download/{place}?generation={generation}&alt=media"),
        "name": key,
        "bucket": bucket,
        "generation": generation,
        "metageneration": "1",
        "storageClass": "STANDARD",
        "size": object.data.len().to_string(),
        "md5Hash": object.md5,
        // Not the XML API's: one of generation and metageneration, to be compared only.
        "etag": STANDARD.encode(object.generation.to_be_bytes()),
        "timeCreated": time,
        "updated": time,
    });
    for (header, field) in FIELDS {
        if let Some(value) = object.metadata.get(header) {
            resource[field] = json!(value);
        }
    }
    let custom = object
        .metadata
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("x-goog-meta-")?, value)));
    for (name, value) in custom {
        resource["metadata"][name] = json!(value);
    }
    resource
}

fn document(status: StatusCode, body: &Value) -> Answer {
    Answer::body(status, CONTENT_TYPE, body.to_string())
}

/// A refusal of the XML API in the JSON API's words. Who sends no credentials where some are needed gets 401 here, not 403.
fn translated(request: &Request, refusal: Answer) -> Answer {
    let anonymous = refusal.status == StatusCode::FORBIDDEN && request.header("authorization").is_none();
    let status = if anonymous {
        StatusCode::UNAUTHORIZED
    } else {
        refusal.status
    };
    let (reason, message) = match status {
        StatusCode::UNAUTHORIZED => ("required", "Login Required."),
        StatusCode::FORBIDDEN => ("forbidden", "Access denied."),
        StatusCode::NOT_FOUND => ("notFound", "Not Found"),
        StatusCode::NOT_IMPLEMENTED => ("notImplemented", refusal.note.as_deref().unwrap_or_default()),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            ("requestedRangeNotSatisfiable", "Request range not satisfiable")
        }
        _ => ("badRequest", "Bad Request"),
    };
    let error = json!({"domain": "global", "reason": reason, "message": message});
    let error = json!({"error": {"code": status.as_u16(), "message": message, "errors": [error]}});
    Answer {
        note: refusal.note.clone(),
        ..document(status, &error)
    }
}
