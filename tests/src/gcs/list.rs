//! Listing with prefix, delimiter and pages; both APIs list alike and differ in how a page is written.

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

/// One page of a listing.
pub(super) struct Page<'a> {
    /// Keys with their objects; a common prefix has none.
    pub(super) entries: Vec<(String, Option<&'a Object>)>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
    /// How many entries there could have been.
    limit: usize,
}

impl State {
    pub(super) fn list(&self, bucket: &str, query: &ListQuery) -> Result<Answer, Answer> {
        Ok(document(render(bucket, query, &self.page(bucket, query)?)))
    }

    /// Keys in the order of their UTF-8 bytes. A common prefix counts as one entry and is never split over two pages.
    pub(super) fn page(&self, bucket: &str, query: &ListQuery) -> Result<Page<'_>, Answer> {
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
        let last = entries.last().filter(|_| truncated);
        let next = last.map(|(last, _)| Token::write(query, last));
        Ok(Page { entries, next, limit })
    }
}

fn render(bucket: &str, query: &ListQuery, page: &Page<'_>) -> String {
    let entries = &page.entries;
    let mut xml = Xml::open(ROOT, Some("http://doc.s3.amazonaws.com/2006-03-01"));
    xml.text("Name", bucket).text("Prefix", &query.prefix);
    if !query.delimiter.is_empty() {
        xml.text("Delimiter", &query.delimiter);
    }
    xml.text("KeyCount", &entries.len().to_string())
        .text("MaxKeys", &page.limit.to_string());
    xml.text("IsTruncated", &page.next.is_some().to_string());
    if let Some(next) = &page.next {
        xml.text("NextContinuationToken", next);
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
