//! A page of a listing in XML.
//!
//! Read by events: a deserializer would take any document for an empty listing, and would trim names.

use std::time::SystemTime;

use chrono::DateTime;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use zarr_fs::BoxError;
use zarr_fs::object_store::{ListPage, ListedObject};

/// Why a reply is no listing.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("not a listing: the document's root is `{0}`")]
    Root(String),
    #[error("not a listing: no XML element in the reply")]
    Nothing,
    #[error("the listing ends in the middle")]
    CutOff,
    #[error("the listing's `{0}` cannot be read")]
    Field(&'static str),
    #[error("the listing goes on, but does not say where")]
    NoToken,
    #[error("an unknown entity in the listing")]
    Entity,
    #[error("elements nested too deeply for a listing")]
    Deep,
    #[error("invalid XML at byte {position}")]
    Xml {
        position: u64,
        #[source]
        source: quick_xml::Error,
    },
}

/// A listing is three elements deep.
const MOST_DEPTH: usize = 16;

/// Reads a page.
///
/// # Errors
/// If `body` is no listing, or not a whole one.
pub(crate) fn parse(body: &[u8]) -> Result<ListPage, BoxError> {
    let mut reader = Reader::from_reader(body);
    let mut page = Page::default();
    // The names of the open elements, and the text of the innermost.
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut seen_root = false;
    loop {
        let event = reader.read_event().map_err(|source| Unread::Xml {
            position: reader.error_position(),
            source,
        })?;
        match event {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                if open.is_empty() && (seen_root || name != "ListBucketResult") {
                    return Err(Unread::Root(name.escape_debug().take(40).collect()).into());
                }
                if open.len() >= MOST_DEPTH {
                    return Err(Unread::Deep.into());
                }
                seen_root = true;
                open.push(name);
                text.clear();
                page.begin(&open);
            }
            Event::Empty(start) if open.is_empty() => {
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                return Err(Unread::Root(name.escape_debug().take(40).collect()).into());
            }
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Text(piece) => text.push_str(&piece.decode()?),
            Event::CData(piece) => text.push_str(&piece.decode()?),
            Event::GeneralRef(entity) => text.push(resolve(&entity)?),
            Event::End(_) => {
                page.end(&open, std::mem::take(&mut text))?;
                open.pop();
            }
            Event::Eof => break,
        }
    }
    if !seen_root {
        return Err(Unread::Nothing.into());
    }
    if !open.is_empty() {
        return Err(Unread::CutOff.into());
    }
    page.finish()
}

fn resolve(entity: &BytesRef<'_>) -> Result<char, BoxError> {
    if let Some(character) = entity.resolve_char_ref()? {
        return Ok(character);
    }
    match &**entity {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(Unread::Entity.into()),
    }
}

#[derive(Default)]
struct Page {
    page: ListPage,
    object: ListedObject,
    truncated: bool,
}

impl Page {
    fn begin(&mut self, open: &[String]) {
        if names(open) == ["Contents"] {
            self.object = ListedObject::default();
        }
    }

    fn end(&mut self, open: &[String], text: String) -> Result<(), Unread> {
        match names(open)[..] {
            ["NextContinuationToken"] => self.page.next = Some(text),
            ["IsTruncated"] => self.truncated = text.trim() == "true",
            ["CommonPrefixes", "Prefix"] => self.page.prefixes.push(text),
            ["Contents", "Key"] => self.object.key = text,
            ["Contents", "Size"] => {
                let size = text.trim().parse().map_err(|_| Unread::Field("Size"))?;
                self.object.size_bytes = Some(size);
            }
            ["Contents", "ETag"] => self.object.version.etag = Some(text),
            ["Contents", "Generation"] => self.object.version.generation = Some(text),
            ["Contents", "LastModified"] => {
                let time =
                    DateTime::parse_from_rfc3339(text.trim()).map_err(|_| Unread::Field("LastModified"))?;
                self.object.modified = Some(SystemTime::from(time));
            }
            ["Contents"] => {
                let object = std::mem::take(&mut self.object);
                if object.key.is_empty() {
                    return Err(Unread::Field("Key"));
                }
                self.page.objects.push(object);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<ListPage, BoxError> {
        if self.truncated && self.page.next.as_ref().is_none_or(String::is_empty) {
            return Err(Unread::NoToken.into());
        }
        Ok(self.page)
    }
}

/// The names below the root.
fn names(open: &[String]) -> Vec<&str> {
    open.iter().skip(1).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_page() {
        let page = parse(
            br#"<?xml version='1.0' encoding='UTF-8'?>
            <ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>b</Name><Prefix>a/</Prefix>
            <IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>
            <Contents><Key> a/&lt;&amp;&#xfc;&#10;> </Key><Generation>12</Generation>
            <LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>"e"</ETag><Size>7</Size>
            <Owner><ID>me</ID><Key>no</Key></Owner></Contents>
            <CommonPrefixes><Prefix>a/x/</Prefix></CommonPrefixes><Contents><Key>a/z</Key></Contents></ListBucketResult>"#,
        )
        .unwrap();
        assert_eq!(page.next.as_deref(), Some("next"));
        assert_eq!(page.prefixes, ["a/x/"]);
        assert_eq!(page.objects.len(), 2);
        let object = &page.objects[0];
        assert_eq!(object.key, " a/<&\u{fc}\n> ");
        assert_eq!(
            (object.size_bytes, object.version.etag.as_deref()),
            (Some(7), Some("\"e\""))
        );
        assert_eq!(object.version.generation.as_deref(), Some("12"));
        let time = object
            .modified
            .unwrap()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert_eq!(time.as_millis(), 1_767_323_045_678);
    }

    #[test]
    fn an_empty_listing_is_one() {
        let page = parse(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").unwrap();
        assert_eq!(page, ListPage::default());
    }

    #[test]
    fn what_is_no_listing_is_an_error() {
        for bad in [
            &b""[..],
            b"   ",
            b"{}",
            b"<html><body>Please log in</body></html>",
            b"<!DOCTYPE html><html><p>a</html>",
            b"<Error><Code>NoSuchBucket</Code></Error>",
            b"<ListBucketResult/>",
            b"<ListBucketResult><Contents><Key>a</Key>",
            b"<ListBucketResult><Contents><Key>a</Size></Contents></ListBucketResult>",
            b"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
            b"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
            b"<ListBucketResult><Contents><Key>&nbsp;</Key></Contents></ListBucketResult>",
            b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            b"<ListBucketResult><Contents><Key>\xff</Key></Contents></ListBucketResult>",
            b"<ListBucketResult></ListBucketResult><ListBucketResult></ListBucketResult>",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn depth_and_length_cost_no_more_than_their_bytes() {
        let deep = [b"<ListBucketResult>".to_vec(), b"<a>".repeat(100_000)].concat();
        assert!(parse(&deep).is_err());
    }
}
