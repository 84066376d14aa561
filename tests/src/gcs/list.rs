//! Listing with prefix, delimiter and pages.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::state::{Object, State};
use super::strict::{ListQuery, invalid};
use super::xml::{Xml, document};
use crate::order::beyond;
use crate::server::Answer;
use crate::time::rfc3339;

const ROOT: &str = "ListBucketResult";

impl State {
    /// Keys in the order of their UTF-8 bytes. A common prefix counts as one entry and is never split over two pages.
    pub(super) fn list(&self, bucket: &str, query: &ListQuery) -> Result<Answer, Answer> {
        let Some(objects) = self.buckets.get(bucket).map(|bucket| &bucket.objects) else {
            return Err(invalid("no such bucket"));
        };
        let resume = query
            .token
            .as_deref()
            .map(|token| Token::read(token, query))
            .transpose()?;
        let limit = query.max_keys.unwrap_or(self.page_size).min(self.page_size);
        let after = resume
            .as_deref()
            .unwrap_or_default()
            .max(query.start_after.as_str());
        let mut from = if after < query.prefix.as_str() {
            Bound::Included(query.prefix.clone())
        } else {
            Bound::Excluded(after.to_owned())
        };

        let mut entries: Vec<(String, Option<&Object>)> = Vec::new();
        let mut truncated = false;
        while let Some((key, object)) = objects
            .range::<String, _>((from.as_ref(), Bound::Unbounded))
            .next()
        {
            let Some(rest) = key.strip_prefix(query.prefix.as_str()) else {
                break;
            };
            let cut = (!query.delimiter.is_empty())
                .then(|| rest.find(&query.delimiter))
                .flatten();
            let (entry, object) = match cut {
                Some(at) => (
                    key[..query.prefix.len() + at + query.delimiter.len()].to_owned(),
                    None,
                ),
                None => (key.clone(), Some(object)),
            };
            // A common prefix stands for all that begins with it, on this page and on the next.
            from = if object.is_none() {
                beyond(&entry)
            } else {
                Bound::Excluded(key.clone())
            };
            if object.is_none() && resume.as_ref() == Some(&entry) {
                continue;
            }
            if entries.len() >= limit {
                truncated = limit > 0;
                break;
            }
            entries.push((entry, object));
        }
        Ok(document(render(bucket, query, limit, &entries, truncated)))
    }
}

fn render(
    bucket: &str,
    query: &ListQuery,
    limit: usize,
    entries: &[(String, Option<&Object>)],
    truncated: bool,
) -> String {
    let mut xml = Xml::open(ROOT, Some("http://doc.s3.amazonaws.com/2006-03-01"));
    xml.text("Name", bucket).text("Prefix", &query.prefix);
    if !query.delimiter.is_empty() {
        xml.text("Delimiter", &query.delimiter);
    }
    xml.text("KeyCount", &entries.len().to_string())
        .text("MaxKeys", &limit.to_string());
    xml.text("IsTruncated", if truncated { "true" } else { "false" });
    if let (true, Some((last, _))) = (truncated, entries.last()) {
        xml.text("NextContinuationToken", &Token::write(query, last));
    }
    for (key, object) in entries.iter().filter_map(|(key, object)| Some((key, (*object)?))) {
        xml.start("Contents")
            .text("Key", key)
            .text("Generation", &object.generation.to_string());
        xml.text("MetaGeneration", "1")
            .text("LastModified", &rfc3339(object.modified));
        xml.text("ETag", &object.etag)
            .text("Size", &object.data.len().to_string())
            .end("Contents");
    }
    for (prefix, _) in entries.iter().filter(|(_, object)| object.is_none()) {
        xml.start("CommonPrefixes")
            .text("Prefix", prefix)
            .end("CommonPrefixes");
    }
    xml.close(ROOT)
}

/// Where the next page begins, for the same prefix and delimiter only.
struct Token;

impl Token {
    fn write(query: &ListQuery, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\0{}\0{last}", query.prefix, query.delimiter))
    }

    fn read(token: &str, query: &ListQuery) -> Result<String, Answer> {
        let wrong = || invalid("the continuation token is not one of this listing");
        let decoded = URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(wrong)?;
        let rest = decoded
            .strip_prefix(&format!("{}\0{}\0", query.prefix, query.delimiter))
            .ok_or_else(wrong)?;
        Ok(rest.to_owned())
    }
}
