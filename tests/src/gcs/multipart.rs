//! Uploads in parts.

use http::StatusCode;
use md5::{Digest, Md5};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::object::{check_md5, generation_matches, stored, stored_headers};
use super::state::{State, Upload, quoted_hex};
use super::xml::{Xml, document, error};
use crate::server::{Answer, Request};

const NAMESPACE: Option<&str> = Some("http://s3.amazonaws.com/doc/2006-03-01/");

impl State {
    pub(super) fn initiate(&mut self, request: &Request, bucket: &str, key: &str) -> Answer {
        let id = format!("upload-{:x}", self.next_generation());
        let upload = Upload {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            metadata: stored_headers(request),
            parts: Default::default(),
        };
        self.uploads.insert(id.clone(), upload);
        let mut xml = Xml::open("InitiateMultipartUploadResult", NAMESPACE);
        xml.text("Bucket", bucket).text("Key", key).text("UploadId", &id);
        document(xml.close("InitiateMultipartUploadResult"))
    }

    pub(super) fn put_part(
        &mut self,
        request: &Request,
        bucket: &str,
        key: &str,
        number: u32,
        upload: &str,
    ) -> Result<Answer, Answer> {
        check_md5(request)?;
        let upload = self.upload(bucket, key, upload)?;
        let etag = quoted_hex(&Md5::digest(&request.body));
        upload.parts.insert(number, (etag.clone(), request.body.clone()));
        Ok(Answer::status(StatusCode::OK).header(http::header::ETAG, &etag))
    }

    pub(super) fn complete(
        &mut self,
        request: &Request,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<Answer, Answer> {
        let least = self.min_part_size;
        let upload = self.upload(bucket, key, id)?;
        let wanted = read_parts(&request.body).ok_or_else(|| {
            error(
                StatusCode::BAD_REQUEST,
                "MalformedXML",
                "The XML you provided was not well-formed.",
            )
        })?;
        if wanted.is_empty() {
            return Err(error(
                StatusCode::BAD_REQUEST,
                "MalformedXML",
                "There is no part.",
            ));
        }
        if !wanted.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(error(
                StatusCode::BAD_REQUEST,
                "InvalidPartOrder",
                "The parts were not in ascending order.",
            ));
        }
        let mut data = Vec::new();
        let mut digests = Md5::new();
        for (index, (number, etag)) in wanted.iter().enumerate() {
            let Some((_, part)) = upload
                .parts
                .get(number)
                .filter(|(stored, _)| stored.trim_matches('"') == etag)
            else {
                let message = format!("Part {number} was not found, or its ETag differs.");
                return Err(error(StatusCode::BAD_REQUEST, "InvalidPart", &message));
            };
            if part.len() < least && index + 1 < wanted.len() {
                let message = "A part other than the last is smaller than the minimum.";
                return Err(error(StatusCode::BAD_REQUEST, "EntityTooSmall", message));
            }
            digests.update(Md5::digest(part));
            data.extend_from_slice(part);
        }
        let metadata = upload.metadata.clone();
        generation_matches(request, self.object(bucket, key))?;
        self.uploads.remove(id);
        let digest = quoted_hex(&digests.finalize());
        let etag = format!("\"{}-{}\"", digest.trim_matches('"'), wanted.len());
        let object = self.store(bucket, key, data.into(), metadata, Some(etag));
        let mut xml = Xml::open("CompleteMultipartUploadResult", NAMESPACE);
        xml.text("Bucket", bucket)
            .text("Key", key)
            .text("ETag", &object.etag);
        Ok(stored(
            document(xml.close("CompleteMultipartUploadResult")),
            &object,
        ))
    }

    pub(super) fn abort(&mut self, bucket: &str, key: &str, id: &str) -> Result<Answer, Answer> {
        self.upload(bucket, key, id)?;
        self.uploads.remove(id);
        Ok(Answer::status(StatusCode::NO_CONTENT))
    }

    fn upload(&mut self, bucket: &str, key: &str, id: &str) -> Result<&mut Upload, Answer> {
        self.uploads
            .get_mut(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key)
            .ok_or_else(|| {
                error(
                    StatusCode::NOT_FOUND,
                    "NoSuchUpload",
                    "The requested upload was not found.",
                )
            })
    }
}

/// Number and unquoted ETag of each part of a `CompleteMultipartUpload`; `None` if it is not one.
fn read_parts(body: &[u8]) -> Option<Vec<(u32, String)>> {
    let mut reader = Reader::from_reader(body);
    let (mut parts, mut path) = (Vec::new(), Vec::<String>::new());
    let (mut number, mut etag) = (None, String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => path.push(String::from_utf8(start.local_name().as_ref().to_vec()).ok()?),
            Event::End(end) => {
                path.pop()?;
                if end.local_name().as_ref() == b"Part" {
                    parts.push((number.take()?, etag.trim_matches('"').to_owned()));
                    etag.clear();
                }
            }
            Event::Text(text) => match path.last().map(String::as_str) {
                Some("PartNumber") => number = Some(text.decode().ok()?.trim().parse().ok()?),
                Some("ETag") => etag.push_str(text.decode().ok()?.trim()),
                _ => {}
            },
            // Quotes may come escaped.
            Event::GeneralRef(entity) => match (path.last().map(String::as_str), entity.as_ref()) {
                (Some("ETag"), b"quot" | b"#34") => etag.push('"'),
                _ => return None,
            },
            Event::Eof => return (path.is_empty() && number.is_none()).then_some(parts),
            _ => {}
        }
    }
}
