//! Reading: files with ranges and conditions, folders as index pages.

use std::io::Write;

use ::http::StatusCode;
use ::http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HOST,
    LAST_MODIFIED, LOCATION, VARY,
};
use bytes::Bytes;

use super::options::{DirRedirect, Gzip, IndexStyle, Mode};
use super::tree::{Entry, File};
use super::{HttpApp, Target, index, page};
use crate::server::{Answer, Framing, Ranged, Request, Validators, ranged};

impl HttpApp {
    /// `GET` and `HEAD`.
    pub(super) fn read(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        match self.tree.look(&target.path) {
            Some(Entry::File(file)) if !target.is_dir => self.file(request, &target.path, &file),
            Some(Entry::Dir(_)) => {
                self.check_slash(request, target)?;
                self.index(request, &target.path)
            }
            Some(Entry::File(_)) | None => Err(page(self.options.missing)),
        }
    }

    /// What this server answers for a folder without its slash; nothing if it serves it.
    pub(super) fn check_slash(&self, request: &Request, target: &Target) -> Result<(), Answer> {
        if target.is_dir || target.path.is_empty() {
            return Ok(());
        }
        let query = request
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let path = format!("{}/{query}", request.path);
        let host = request.header(HOST).unwrap_or_default();
        Err(match self.options.dir_redirect {
            DirRedirect::Absolute(status) => {
                page(status).header(LOCATION, &format!("{}://{host}{path}", request.scheme))
            }
            DirRedirect::Relative(status) => page(status).header(LOCATION, &path),
            DirRedirect::Missing => page(self.options.missing),
            DirRedirect::Serve => return Ok(()),
        })
    }

    pub(super) fn etag(&self, file: &File) -> Option<String> {
        self.options
            .etags
            .then(|| format!("\"{:x}-{:x}\"", file.data.len(), file.revision))
    }

    fn file(&self, request: &Request, path: &str, file: &File) -> Result<Answer, Answer> {
        let etag = self.etag(file);
        let validators = Validators {
            etag: etag.as_deref(),
            modified: file.modified,
        };
        let mut answer = Answer::status(StatusCode::OK).header(CONTENT_TYPE, content_type(path));
        if self.options.dates {
            answer = answer.header(LAST_MODIFIED, &httpdate::fmt_http_date(file.modified));
        }
        if let Some(etag) = &etag {
            answer = answer.header(ETAG, etag);
        }
        let failed = match (self.options.conditions, self.options.if_match) {
            (false, _) => None,
            (true, false) => validators.fail_none_match(request),
            (true, true) => validators.fail(request),
        };
        if let Some(status) = failed {
            return Err(if status == StatusCode::NOT_MODIFIED {
                Answer { status, ..answer }
            } else {
                page(status)
            });
        }
        let accepted = request
            .header(ACCEPT_ENCODING)
            .is_some_and(|encodings| encodings.contains("gzip"));
        match self.options.gzip {
            Gzip::Always => {
                return Ok(answer
                    .with_body(gzip(&file.data))
                    .header(CONTENT_ENCODING, "gzip"));
            }
            Gzip::IfAccepted if accepted => {
                let mut answer = answer
                    .with_body(gzip(&file.data))
                    .header(CONTENT_ENCODING, "gzip");
                answer.framing = Framing::Chunked;
                answer = answer.header(VARY, "Accept-Encoding");
                return Ok(match etag {
                    Some(etag) => answer.header(ETAG, &format!("W/{etag}")),
                    None => answer,
                });
            }
            Gzip::IfAccepted | Gzip::Never => {}
        }
        if !self.options.ranges {
            return Ok(answer.with_body(file.data.clone()));
        }
        answer = answer.header(ACCEPT_RANGES, "bytes");
        let length = file.data.len();
        let range = request
            .header("range")
            .filter(|_| validators.allow_range(request));
        Ok(match ranged(range, length) {
            Ranged::Whole => answer.with_body(file.data.clone()),
            Ranged::Part(range) => {
                let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                answer.status = StatusCode::PARTIAL_CONTENT;
                answer
                    .with_body(file.data.slice(range))
                    .header(CONTENT_RANGE, &content_range)
            }
            Ranged::Unsatisfiable => {
                let refusal = page(StatusCode::RANGE_NOT_SATISFIABLE);
                let told = self.options.length_with_416;
                if told {
                    refusal.header(CONTENT_RANGE, &format!("bytes */{length}"))
                } else {
                    refusal
                }
            }
        })
    }

    /// The page of a folder.
    fn index(&self, request: &Request, path: &str) -> Result<Answer, Answer> {
        let style = match self.options.mode {
            Mode::Dav => IndexStyle::ApacheFancy,
            Mode::Index(style) => style,
            Mode::NoIndex(status) => {
                return Err(page(
                    StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN),
                ));
            }
        };
        let mut entries = self.tree.list(path);
        if self.options.hide_dotfiles {
            entries.retain(|(name, _)| !name.starts_with('.'));
        }
        let url = format!(
            "{}/",
            [self.options.base.as_str(), path].join("/").trim_end_matches('/')
        );
        let wants_json = request
            .header(ACCEPT)
            .is_some_and(|accept| accept.contains("application/json"));
        let (content_type, body) = index::render(style, &url, &entries, wants_json);
        let mut answer = Answer::body(StatusCode::OK, content_type, body);
        if matches!(
            style,
            IndexStyle::Nginx | IndexStyle::NginxJson | IndexStyle::Rclone
        ) {
            answer.framing = Framing::Chunked;
        }
        Ok(answer)
    }
}

/// `data` as gzip.
pub(crate) fn gzip(data: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory cannot fail.
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
        .into()
}

/// The type, from the name, as static servers do it.
pub(super) fn content_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}
