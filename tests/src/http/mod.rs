//! An HTTP file server in many shapes: WebDAV, the index pages of the usual servers, none at all; and with the habits that a
//! client has to live with: no ranges, no lengths, no ETags, compressed bodies, redirects, credentials.

mod access;
mod dav;
mod files;
mod index;
mod options;
mod spelling;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use ::http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use ::http::{Method, StatusCode};
use bytes::Bytes;

use crate::load::read_dir;
use crate::server::{Answer, App, Framing, Request, Server, ServerOptions, decode};
pub(crate) use files::gzip;
pub use options::{Credentials, Gzip, IndexStyle, Mode};
use options::{DirRedirect, Options};
pub use tree::{Entry, File, MemoryTree, Refused, Tree};

/// Builds an [`HttpServer`]. A mode begins with the habits of the server that it is named after; the knobs change them.
pub struct HttpServerBuilder {
    options: Options,
    server: ServerOptions,
    tree: Option<Arc<dyn Tree>>,
}

impl fmt::Debug for HttpServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpServerBuilder({:?})", self.options)
    }
}

impl HttpServerBuilder {
    /// Serves everything under this path, such as `/data/v1`; all else is 404. Default: the root.
    #[must_use]
    pub fn base(mut self, base: &str) -> Self {
        let base = base.trim_matches('/');
        self.options.base = if base.is_empty() {
            String::new()
        } else {
            format!("/{base}")
        };
        self
    }

    /// Whether listings leave out names that begin with a dot. Default: as the server that the mode is named after.
    #[must_use]
    pub fn hide_dotfiles(mut self, hide: bool) -> Self {
        self.options.hide_dotfiles = hide;
        self
    }

    /// Answers 200 and everything, whatever range is asked for.
    #[must_use]
    pub fn without_ranges(mut self) -> Self {
        self.options.ranges = false;
        self
    }

    /// Sends no ETag.
    #[must_use]
    pub fn without_etags(mut self) -> Self {
        self.options.etags = false;
        self
    }

    /// Ignores `If-Match` and the like, on reads and on writes.
    #[must_use]
    pub fn without_conditions(mut self) -> Self {
        self.options.conditions = false;
        self
    }

    /// Sends no `Last-Modified`.
    #[must_use]
    pub fn without_dates(mut self) -> Self {
        self.options.dates = false;
        self
    }

    /// How the end of a body is told: [`Framing::Chunked`] for no length at all.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.options.framing = framing;
        self
    }

    /// When bodies come compressed.
    #[must_use]
    pub fn gzip(mut self, gzip: Gzip) -> Self {
        self.options.gzip = gzip;
        self
    }

    /// The status for what is not there. Default: 404.
    #[must_use]
    pub fn missing_status(mut self, status: u16) -> Self {
        self.options.missing = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
        self
    }

    /// Sends those who ask for a name that is missing to the one that is alike, as Apache with `CheckSpelling`.
    #[must_use]
    pub fn correcting_spelling(mut self) -> Self {
        self.options.corrects_spelling = true;
        self
    }

    /// Asks for these credentials; several are all asked for.
    #[must_use]
    pub fn require(mut self, credentials: Credentials) -> Self {
        self.options.credentials.push(credentials);
        self
    }

    /// Redirects everything (after the credentials have been looked at) to the same path under another URL.
    #[must_use]
    pub fn redirect_to(mut self, status: u16, url: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
        self.options.elsewhere = Some((status, url.trim_end_matches('/').to_owned()));
        self
    }

    /// Refuses PROPFIND of infinite depth with 403, as nginx does and Apache by default.
    #[must_use]
    pub fn without_infinite_depth(mut self) -> Self {
        self.options.infinite_depth = false;
        self
    }

    /// Answers for a folder also without its slash, where the server that the mode is named after redirects.
    #[must_use]
    pub fn without_dir_redirects(mut self) -> Self {
        self.options.dir_redirect = DirRedirect::Serve;
        self
    }

    /// Serves another tree than a new one in memory; [`HttpServer::put`] and its like then cannot be used.
    #[must_use]
    pub fn tree(mut self, tree: Arc<dyn Tree>) -> Self {
        self.tree = Some(tree);
        self
    }

    /// Options of the server itself: TLS, protocol, delay, threads.
    #[must_use]
    pub fn server(mut self, options: ServerOptions) -> Self {
        self.server = options;
        self
    }

    /// Starts the server.
    #[track_caller]
    pub fn start(self) -> HttpServer {
        let memory = Arc::new(MemoryTree::default());
        let tree = self.tree.unwrap_or_else(|| Arc::clone(&memory) as Arc<dyn Tree>);
        let base = self.options.base.clone();
        let server = Server::start(
            Arc::new(HttpApp {
                tree,
                options: self.options,
            }),
            self.server,
        );
        HttpServer { memory, base, server }
    }
}

/// A running HTTP server; counts, faults and log are those of [`Server`].
#[derive(Debug)]
pub struct HttpServer {
    memory: Arc<MemoryTree>,
    base: String,
    server: Server,
}

impl Deref for HttpServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl HttpServer {
    /// Starts a server of this mode with its usual habits.
    #[track_caller]
    pub fn start(mode: Mode) -> Self {
        Self::builder(mode).start()
    }

    /// A server of this mode, to be changed.
    pub fn builder(mode: Mode) -> HttpServerBuilder {
        HttpServerBuilder {
            options: Options::of(mode),
            server: ServerOptions::default(),
            tree: None,
        }
    }

    /// The URL of the served root, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.url(), self.base)
    }

    /// Writes a file behind the clients' backs, with the folders above it. Paths begin at the served root, without a slash.
    #[track_caller]
    pub fn put(&self, path: &str, data: impl Into<Bytes>) {
        self.memory.put(path, data);
    }

    /// Makes an empty folder, with those above it.
    pub fn make_dir(&self, path: &str) {
        self.memory.make_dirs(path);
    }

    /// A file's bytes, read behind the clients' backs.
    pub fn get(&self, path: &str) -> Option<Bytes> {
        match self.memory.look(path)? {
            Entry::File(file) => Some(file.data),
            Entry::Dir(_) => None,
        }
    }

    /// Removes a file or folder; says whether it was there.
    pub fn remove(&self, path: &str) -> bool {
        self.memory.remove(path).is_ok()
    }

    /// Writes every file under `dir` as a file named `prefix` plus its path; returns how many.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[track_caller]
    pub fn load_dir(&self, dir: impl AsRef<Path>, prefix: &str) -> usize {
        let files =
            read_dir(dir.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", dir.as_ref().display()));
        let count = files.len();
        for (path, data) in files {
            self.put(&format!("{prefix}{path}"), data);
        }
        count
    }
}

struct HttpApp {
    tree: Arc<dyn Tree>,
    options: Options,
}

impl App for HttpApp {
    fn answer(&self, request: &Request) -> Answer {
        let mut answer = self.route(request).unwrap_or_else(|refusal| refusal);
        if answer.framing == Framing::Length {
            answer.framing = self.options.framing;
        }
        answer
    }
}

impl HttpApp {
    fn route(&self, request: &Request) -> Result<Answer, Answer> {
        access::check(&self.options.credentials, request)?;
        if let Some((status, url)) = &self.options.elsewhere {
            return Ok(Answer::status(*status).header(LOCATION, &format!("{url}{}", request.target())));
        }
        let target = self.target(&request.path)?;
        let is_read = matches!(request.method, Method::GET | Method::HEAD);
        if is_read
            && self.options.corrects_spelling
            && let Some(answer) = self.correct(&target)
        {
            return Ok(answer);
        }
        match self.options.mode {
            Mode::Dav => self.dav(request, &target),
            // Caddy answers every method as if it were GET.
            Mode::Index(IndexStyle::Caddy) => self.read(request, &target),
            Mode::Index(_) | Mode::NoIndex(_) if is_read => self.read(request, &target),
            Mode::Index(IndexStyle::Python) => Err(page(StatusCode::NOT_IMPLEMENTED)),
            Mode::Index(IndexStyle::Lighttpd) => match self.tree.look(&target.path) {
                Some(Entry::Dir(_)) => self
                    .check_slash(request, &target)
                    .and(Err(page(StatusCode::NOT_IMPLEMENTED))),
                Some(Entry::File(_)) => Err(page(StatusCode::NOT_IMPLEMENTED)),
                None => Err(page(self.options.missing)),
            },
            Mode::Index(style) => {
                let apache = matches!(style, IndexStyle::ApacheFancy | IndexStyle::ApachePlain);
                if apache && matches!(self.tree.look(&target.path), Some(Entry::Dir(_))) {
                    self.check_slash(request, &target)?;
                }
                Err(not_allowed())
            }
            Mode::NoIndex(_) => Err(not_allowed()),
        }
    }

    /// Decodes a path below the base. What climbs or has empty segments is no path of the tree.
    fn target(&self, path: &str) -> Result<Target, Answer> {
        let missing = || page(self.options.missing);
        let rest = path.strip_prefix(&self.options.base).ok_or_else(missing)?;
        let rest = match rest.strip_prefix('/') {
            Some(rest) => rest,
            None if rest.is_empty() => "",
            None => return Err(missing()),
        };
        let is_dir = path.ends_with('/');
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let path = decode(rest);
        let bad =
            |segment: &str| segment.is_empty() || segment == "." || segment == ".." || segment.contains('\0');
        if !path.is_empty() && path.split('/').any(bad) {
            return Err(page(StatusCode::BAD_REQUEST));
        }
        Ok(Target { path, is_dir })
    }
}

/// What a request is about.
#[derive(Debug)]
struct Target {
    path: String,
    /// Whether the URL ends in a slash.
    is_dir: bool,
}

fn not_allowed() -> Answer {
    page(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD, OPTIONS")
}

/// A short page that says a status.
fn page(status: StatusCode) -> Answer {
    let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    Answer::status(status)
        .header(CONTENT_TYPE, "text/html")
        .with_body(body)
}
