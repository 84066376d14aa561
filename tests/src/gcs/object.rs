//! Reading, writing, copying and deleting one object.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, ETAG, LAST_MODIFIED, VARY,
};
use http::{HeaderName, StatusCode};
use md5::{Digest, Md5};

use super::state::{Object, State};
use super::strict::invalid;
use super::xml::{Xml, document, error};
use crate::server::{Answer, Framing, Ranged, Request, Validators, decode, ranged};
use crate::time::rfc3339;

const GENERATION: HeaderName = HeaderName::from_static("x-goog-generation");
const METAGENERATION: HeaderName = HeaderName::from_static("x-goog-metageneration");
const HASH: HeaderName = HeaderName::from_static("x-goog-hash");
const STORED_LENGTH: HeaderName = HeaderName::from_static("x-goog-stored-content-length");
const STORED_ENCODING: HeaderName = HeaderName::from_static("x-goog-stored-content-encoding");

impl State {
    pub(super) fn get(
        &self,
        request: &Request,
        bucket: &str,
        key: &str,
        generation: Option<&str>,
    ) -> Result<Answer, Answer> {
        let object = self.object(bucket, key);
        let object =
            object.filter(|object| generation.is_none_or(|wanted| wanted == object.generation.to_string()));
        generation_matches(request, object)?;
        let Some(object) = object else {
            return Err(self.no_such_key(request, bucket));
        };
        let answer = describe(object);
        if let Some(refusal) = object.validators().fail(request) {
            return Err(if refusal == StatusCode::NOT_MODIFIED {
                Answer {
                    status: refusal,
                    ..answer
                }
            } else {
                precondition_failed()
            });
        }
        if self.transcode && object.is_gzip() && !accepts_gzip(request) && !object.forbids_transform() {
            return Ok(transcoded(answer, object));
        }
        let length = object.data.len();
        Ok(match ranged(request.header("range"), length) {
            Ranged::Whole => Answer {
                body: object.data.clone(),
                ..answer
            },
            Ranged::Part(range) => {
                let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                Answer {
                    status: StatusCode::PARTIAL_CONTENT,
                    body: object.data.slice(range),
                    ..answer
                }
                .header(CONTENT_RANGE, &content_range)
            }
            Ranged::Unsatisfiable => {
                let message = "The requested range cannot be satisfied.";
                error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
                    .header(CONTENT_RANGE, &format!("bytes */{length}"))
            }
        })
    }

    pub(super) fn put(&mut self, request: &Request, bucket: &str, key: &str) -> Result<Answer, Answer> {
        check_md5(request)?;
        generation_matches(request, self.object(bucket, key))?;
        let object = self.store(bucket, key, request.body.clone(), stored_headers(request), None);
        Ok(stored(Answer::status(StatusCode::OK), &object))
    }

    pub(super) fn copy(&mut self, request: &Request, bucket: &str, key: &str) -> Result<Answer, Answer> {
        let source = request.header("x-goog-copy-source").unwrap_or_default();
        let source = source.strip_prefix('/').unwrap_or(source);
        let (from_bucket, from_key) = source
            .split_once('/')
            .ok_or_else(|| invalid("copy source has no key"))?;
        let (from_bucket, from_key) = (decode(from_bucket), decode(from_key));
        if let Some(from) = self.buckets.get(&from_bucket) {
            self.auth.check(request, &from.read)?;
        }
        let Some(source) = self.object(&from_bucket, &from_key).cloned() else {
            return Err(error(
                StatusCode::NOT_FOUND,
                "NoSuchKey",
                "The specified key does not exist.",
            ));
        };
        generation_matches(request, self.object(bucket, key))?;
        let object = self.store(bucket, key, source.data, source.metadata, Some(source.etag));
        let mut xml = Xml::open("CopyObjectResult", None);
        xml.text("LastModified", &rfc3339(object.modified))
            .text("ETag", &object.etag);
        Ok(stored(document(xml.close("CopyObjectResult")), &object))
    }

    pub(super) fn delete(&mut self, request: &Request, bucket: &str, key: &str) -> Result<Answer, Answer> {
        let object = self.object(bucket, key);
        if object.is_none() {
            return Err(self.no_such_key(request, bucket));
        }
        generation_matches(request, object)?;
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.objects.remove(key);
        }
        Ok(Answer::status(StatusCode::NO_CONTENT))
    }
}

impl Object {
    fn validators(&self) -> Validators<'_> {
        Validators {
            etag: Some(&self.etag),
            modified: self.modified,
        }
    }

    fn is_gzip(&self) -> bool {
        self.metadata
            .get("content-encoding")
            .is_some_and(|encoding| encoding == "gzip")
    }

    fn forbids_transform(&self) -> bool {
        self.metadata
            .get("cache-control")
            .is_some_and(|control| control.contains("no-transform"))
    }
}

/// The headers that tell what was stored.
pub(super) fn stored(answer: Answer, object: &Object) -> Answer {
    answer
        .header(ETAG, &object.etag)
        .header(GENERATION, &object.generation.to_string())
        .header(METAGENERATION, "1")
        .header(HASH, &format!("md5={}", object.md5))
}

/// The stored headers of a request.
pub(super) fn stored_headers(request: &Request) -> BTreeMap<String, String> {
    let names = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
    ];
    let kept = |name: &str| {
        names.contains(&name) || name == "x-goog-storage-class" || name.starts_with("x-goog-meta-")
    };
    let headers = request.headers.iter().filter(|(name, _)| kept(name.as_str()));
    headers
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// `x-goog-if-generation-match`: 0 means that no object must be there.
pub(super) fn generation_matches(request: &Request, current: Option<&Object>) -> Result<(), Answer> {
    let Some(wanted) = request.header("x-goog-if-generation-match") else {
        return Ok(());
    };
    let wanted: u64 = wanted
        .parse()
        .map_err(|_| invalid("x-goog-if-generation-match is not a number"))?;
    if wanted == current.map_or(0, |object| object.generation) {
        Ok(())
    } else {
        Err(precondition_failed())
    }
}

/// `Content-MD5`, if given.
pub(super) fn check_md5(request: &Request) -> Result<(), Answer> {
    match request.header("content-md5") {
        Some(told) if told != STANDARD.encode(Md5::digest(&request.body)) => Err(error(
            StatusCode::BAD_REQUEST,
            "BadDigest",
            "The Content-MD5 did not match the data.",
        )),
        _ => Ok(()),
    }
}

fn precondition_failed() -> Answer {
    let message = "At least one of the pre-conditions you specified did not hold.";
    error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message)
}

fn describe(object: &Object) -> Answer {
    let mut answer = stored(Answer::status(StatusCode::OK), object)
        .header(LAST_MODIFIED, &httpdate::fmt_http_date(object.modified))
        .header(ACCEPT_RANGES, "bytes")
        .header(STORED_LENGTH, &object.data.len().to_string())
        .header(
            STORED_ENCODING,
            object
                .metadata
                .get("content-encoding")
                .map_or("identity", String::as_str),
        );
    for (name, value) in &object.metadata {
        if let Ok(name) = HeaderName::try_from(name) {
            answer = answer.header(name, value);
        }
    }
    answer
}

fn accepts_gzip(request: &Request) -> bool {
    request
        .header(ACCEPT_ENCODING)
        .is_some_and(|encodings| encodings.contains("gzip"))
}

/// Decompressive transcoding: decoded, chunked, whole whatever range was asked for.
fn transcoded(mut answer: Answer, object: &Object) -> Answer {
    let mut decoded = Vec::new();
    if flate2::read::MultiGzDecoder::new(&object.data[..])
        .read_to_end(&mut decoded)
        .is_err()
    {
        return error(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The stored gzip data cannot be decoded.",
        );
    }
    answer.headers.remove(CONTENT_ENCODING);
    answer.headers.remove(ACCEPT_RANGES);
    answer.body = Bytes::from(decoded);
    answer.framing = Framing::Chunked;
    let cache = object
        .metadata
        .get("cache-control")
        .map_or("public, max-age=3600", String::as_str);
    answer
        .header(VARY, "Accept-Encoding")
        .header(CACHE_CONTROL, cache)
        .header(HeaderName::from_static("warning"), "214 UploadServer gunzipped")
}
