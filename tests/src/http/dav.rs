//! WebDAV (RFC 4918) without locks, in the words of Apache's `mod_dav`.

use std::fmt::Write;

use ::http::header::{ALLOW, LOCATION};
use ::http::{HeaderName, Method, StatusCode, Uri};

use super::files::content_type;
use super::index::apache_escape;
use super::tree::{Entry, Refused, parent};
use super::{HttpApp, Target, page};
use crate::server::{Answer, Request, Validators};
use crate::time::rfc3339;

const ALLOWED: &str = "OPTIONS,GET,HEAD,PUT,DELETE,PROPFIND,MKCOL,COPY,MOVE";
const DAV: HeaderName = HeaderName::from_static("dav");

impl HttpApp {
    pub(super) fn dav(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        match request.method.as_str() {
            "GET" | "HEAD" => self.read(request, target),
            "OPTIONS" => Ok(Answer::status(StatusCode::OK)
                .header(DAV, "1")
                .header(ALLOW, ALLOWED)),
            "PROPFIND" => self.propfind(request, target),
            "PUT" => self.put(request, target),
            "DELETE" => self.delete(request, target),
            "MKCOL" => self.make_collection(request, target),
            "COPY" | "MOVE" => self.copy_or_move(request, target),
            _ => Err(page(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, ALLOWED)),
        }
    }

    fn propfind(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        let Some(entry) = self.tree.look(&target.path) else {
            return Err(page(self.options.missing));
        };
        match &entry {
            Entry::Dir(_) => self.check_slash(request, target)?,
            Entry::File(_) if target.is_dir => return Err(page(self.options.missing)),
            Entry::File(_) => {}
        }
        // No depth means infinity (RFC 4918, section 9.1).
        let depth = match request.header("depth").unwrap_or("infinity") {
            "0" => 0,
            "1" => 1,
            "infinity" if self.options.infinite_depth => usize::MAX,
            "infinity" => return Err(page(StatusCode::FORBIDDEN)),
            _ => return Err(page(StatusCode::BAD_REQUEST)),
        };
        let mut xml =
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n".to_owned();
        self.describe(&mut xml, &target.path, &entry, depth);
        xml += "</D:multistatus>\n";
        Ok(Answer::body(
            StatusCode::MULTI_STATUS,
            "text/xml; charset=\"utf-8\"",
            xml,
        ))
    }

    fn describe(&self, xml: &mut String, path: &str, entry: &Entry, depth: usize) {
        let is_dir = matches!(entry, Entry::Dir(_));
        let slash = if is_dir && !path.is_empty() { "/" } else { "" };
        let url = format!("{}/{path}{slash}", self.options.base);
        let href = apache_escape(&url);
        let _ = write!(
            xml,
            "<D:response xmlns:lp1=\"DAV:\" xmlns:lp2=\"http://apache.org/dav/props/\">\n<D:href>{}</D:href>\n<D:propstat>\n<D:prop>\n",
            href.replace('&', "&amp;")
        );
        let modified = match entry {
            Entry::Dir(modified) => {
                *xml += "<lp1:resourcetype><D:collection/></lp1:resourcetype>\n";
                *modified
            }
            Entry::File(file) => {
                let _ = write!(
                    xml,
                    "<lp1:resourcetype/>\n<lp1:getcontentlength>{}</lp1:getcontentlength>\n",
                    file.data.len()
                );
                if let Some(etag) = self.etag(file) {
                    let _ = writeln!(xml, "<lp1:getetag>{etag}</lp1:getetag>");
                }
                file.modified
            }
        };
        let kind = if is_dir {
            "httpd/unix-directory"
        } else {
            content_type(path)
        };
        let _ = write!(
            xml,
            "<lp1:creationdate>{}</lp1:creationdate>\n<lp1:getlastmodified>{}</lp1:getlastmodified>\n\
             <D:getcontenttype>{kind}</D:getcontenttype>\n<D:lockdiscovery/>\n</D:prop>\n<D:status>HTTP/1.1 200 OK</D:status>\n\
             </D:propstat>\n</D:response>\n",
            rfc3339(modified),
            httpdate::fmt_http_date(modified)
        );
        if depth == 0 || !is_dir {
            return;
        }
        for (name, entry) in self.tree.list(path) {
            if self.options.hide_dotfiles && name.starts_with('.') {
                continue;
            }
            let child = if path.is_empty() {
                name
            } else {
                format!("{path}/{name}")
            };
            self.describe(xml, &child, &entry, depth - 1);
        }
    }

    fn put(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        if target.is_dir {
            return Err(page(StatusCode::CONFLICT));
        }
        self.check_write(request, &target.path)?;
        let is_new = self
            .tree
            .write(&target.path, request.body.clone())
            .map_err(refusal)?;
        let answer = Answer::status(if is_new {
            StatusCode::CREATED
        } else {
            StatusCode::NO_CONTENT
        });
        Ok(if is_new {
            answer.header(LOCATION, &request.path)
        } else {
            answer
        })
    }

    fn delete(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        if self.tree.look(&target.path).is_none() {
            return Err(page(self.options.missing));
        }
        self.check_write(request, &target.path)?;
        self.tree.remove(&target.path).map_err(refusal)?;
        Ok(Answer::status(StatusCode::NO_CONTENT))
    }

    fn make_collection(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        if !request.body.is_empty() {
            return Err(page(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        self.tree.make_dir(&target.path).map_err(refusal)?;
        Ok(Answer::status(StatusCode::CREATED).header(LOCATION, &request.path))
    }

    fn copy_or_move(&self, request: &Request, target: &Target) -> Result<Answer, Answer> {
        let Some(entry) = self.tree.look(&target.path) else {
            return Err(page(self.options.missing));
        };
        let destination = request
            .header("destination")
            .ok_or_else(|| page(StatusCode::BAD_REQUEST))?;
        let destination: Uri = destination.parse().map_err(|_| page(StatusCode::BAD_REQUEST))?;
        if let (Some(authority), Some(host)) = (destination.authority(), request.header("host"))
            && authority.as_str() != host
        {
            return Err(page(StatusCode::BAD_GATEWAY));
        }
        let to = self.target(destination.path())?.path;
        let inside = to
            .strip_prefix(&target.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if inside {
            return Err(page(StatusCode::FORBIDDEN));
        }
        let exists = self.tree.look(&to).is_some();
        if exists && request.header("overwrite") == Some("F") {
            return Err(page(StatusCode::PRECONDITION_FAILED));
        }
        if !matches!(
            parent(&to).map(|parent| self.tree.look(parent)),
            Some(Some(Entry::Dir(_)))
        ) {
            return Err(page(StatusCode::CONFLICT));
        }
        if exists {
            self.tree.remove(&to).map_err(refusal)?;
        }
        self.copy(&target.path, &entry, &to).map_err(refusal)?;
        if request.method.as_str() == "MOVE" {
            self.tree.remove(&target.path).map_err(refusal)?;
        }
        Ok(Answer::status(if exists {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::CREATED
        }))
    }

    fn copy(&self, from: &str, entry: &Entry, to: &str) -> Result<(), Refused> {
        match entry {
            Entry::File(file) => self.tree.write(to, file.data.clone()).map(|_| ()),
            Entry::Dir(_) => {
                self.tree.make_dir(to)?;
                let children = self.tree.list(from);
                children.iter().try_for_each(|(name, entry)| {
                    self.copy(&format!("{from}/{name}"), entry, &format!("{to}/{name}"))
                })
            }
        }
    }

    /// The conditions of a write. For one of them `If-None-Match` means 412, not 304.
    fn check_write(&self, request: &Request, path: &str) -> Result<(), Answer> {
        if !self.options.conditions {
            return Ok(());
        }
        let failed = match self.tree.look(path) {
            Some(Entry::File(file)) => {
                let etag = self.etag(&file);
                Validators {
                    etag: etag.as_deref(),
                    modified: file.modified,
                }
                .fail(request)
                .is_some()
            }
            Some(Entry::Dir(_)) | None => {
                request.header("if-match").is_some() && request.method != Method::OPTIONS
            }
        };
        if failed {
            Err(page(StatusCode::PRECONDITION_FAILED))
        } else {
            Ok(())
        }
    }
}

fn refusal(refused: Refused) -> Answer {
    page(match refused {
        Refused::Missing => StatusCode::NOT_FOUND,
        Refused::NoParent => StatusCode::CONFLICT,
        Refused::Exists => StatusCode::METHOD_NOT_ALLOWED,
        Refused::ReadOnly => StatusCode::FORBIDDEN,
    })
}
