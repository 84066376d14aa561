//! How an HTTP server behaves.

use http::StatusCode;

use crate::server::Framing;

/// The shape of an index page, after the server that writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStyle {
    /// nginx `autoindex on`: hides dotfiles, cuts long display names.
    Nginx,
    /// nginx `autoindex_format json`: hides dotfiles.
    NginxJson,
    /// Apache with `FancyIndexing`: sort links, a link to the parent.
    ApacheFancy,
    /// Apache without it: a plain list.
    ApachePlain,
    /// Caddy `file_server browse`: links begin with `./`; JSON for those who accept it.
    Caddy,
    /// lighttpd `dir-listing`: a table; hides dotfiles.
    Lighttpd,
    /// `python -m http.server`: HTTP/1.0, no ranges, no ETag.
    Python,
    /// `rclone serve http`: no ETag, 404 for a folder without its slash.
    Rclone,
}

impl IndexStyle {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Nginx,
        Self::NginxJson,
        Self::ApacheFancy,
        Self::ApachePlain,
        Self::Caddy,
        Self::Lighttpd,
        Self::Python,
        Self::Rclone,
    ];
}

/// What a server does beyond `GET` and `HEAD` of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// WebDAV, as Apache's `mod_dav`: PROPFIND (depth 0, 1 and infinity), PUT, DELETE, MKCOL, COPY, MOVE. `GET` of a folder
    /// is an index page in Apache's shape.
    Dav,
    /// Index pages; all other methods are refused as that server does.
    Index(IndexStyle),
    /// This status for folders; all other methods are refused with 405.
    NoIndex(u16),
}

/// When a body comes compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gzip {
    /// Never.
    #[default]
    Never,
    /// To those who send `Accept-Encoding: gzip`: in chunks, with a weak ETag, whole whatever range was asked for.
    IfAccepted,
    /// To everybody, whole whatever range was asked for, as nginx with `gzip_static always`.
    Always,
}

/// What a client has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Basic` with this name and password, else 401.
    Basic(String, String),
    /// `Authorization: Bearer` with this token, else 401.
    Bearer(String),
    /// A header of this name and value, else 403.
    Header(String, String),
    /// A pair in the query, as signed URLs have it, else 403.
    Query(String, String),
}

/// All the knobs.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) mode: Mode,
    pub(super) base: String,
    pub(super) hide_dotfiles: bool,
    pub(super) ranges: bool,
    pub(super) etags: bool,
    pub(super) conditions: bool,
    /// Whether `If-Match` is looked at; lighttpd knows only the other conditions.
    pub(super) if_match: bool,
    /// Whether 416 tells the length.
    pub(super) length_with_416: bool,
    pub(super) dates: bool,
    pub(super) framing: Framing,
    pub(super) gzip: Gzip,
    pub(super) dir_redirect: DirRedirect,
    pub(super) missing: StatusCode,
    pub(super) credentials: Vec<Credentials>,
    pub(super) elsewhere: Option<(StatusCode, String)>,
    pub(super) infinite_depth: bool,
    pub(super) corrects_spelling: bool,
}

/// What happens to a request for a folder without its slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirRedirect {
    /// A redirect with this status to a whole URL.
    Absolute(StatusCode),
    /// A redirect with this status to a path.
    Relative(StatusCode),
    /// It is not found.
    Missing,
    /// It is served all the same.
    Serve,
}

impl Options {
    /// What the server that the mode is named after does by default.
    pub(super) fn of(mode: Mode) -> Self {
        let relative = DirRedirect::Relative(StatusCode::MOVED_PERMANENTLY);
        let mut options = Self {
            mode,
            base: String::new(),
            hide_dotfiles: false,
            ranges: true,
            etags: true,
            conditions: true,
            if_match: true,
            length_with_416: true,
            dates: true,
            framing: Framing::Length,
            gzip: Gzip::Never,
            dir_redirect: DirRedirect::Absolute(StatusCode::MOVED_PERMANENTLY),
            missing: StatusCode::NOT_FOUND,
            credentials: Vec::new(),
            elsewhere: None,
            infinite_depth: true,
            corrects_spelling: false,
        };
        match mode {
            Mode::Index(IndexStyle::Nginx | IndexStyle::NginxJson) => options.hide_dotfiles = true,
            Mode::Index(IndexStyle::Lighttpd) => {
                options.if_match = false;
                options.length_with_416 = false;
                options.hide_dotfiles = true;
                options.dir_redirect = relative;
            }
            Mode::Index(IndexStyle::Caddy) => {
                options.dir_redirect = DirRedirect::Relative(StatusCode::PERMANENT_REDIRECT);
            }
            Mode::Index(IndexStyle::Python) => {
                options.ranges = false;
                options.etags = false;
                options.conditions = false;
                options.framing = Framing::LengthThenClose;
                options.dir_redirect = relative;
            }
            Mode::Index(IndexStyle::Rclone) => {
                options.etags = false;
                options.dir_redirect = DirRedirect::Missing;
            }
            Mode::Dav | Mode::Index(IndexStyle::ApacheFancy | IndexStyle::ApachePlain) => {
                options.length_with_416 = false;
            }
            Mode::NoIndex(_) => {}
        }
        options
    }
}
