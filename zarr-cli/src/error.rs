//! What can end a command, and how it is told: cause, place, hint.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;

use crate::escape;
use crate::exit_code;
use crate::render::Theme;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The words typed make no sense.
    Usage { message: String, hint: Option<String> },
    /// An error of a store, a node or an array, those of filesystems included.
    Core(zarr_core::Error),
    /// There is no node, and perhaps another place was meant.
    NodeNotFound {
        error: zarr_core::Error,
        hint: Option<String>,
    },
    /// A document has no value at a JSON pointer; `keys` are at the last place on its way.
    NoSuchValue {
        pointer: String,
        at: String,
        keys: Vec<String>,
    },
    /// The elements of an array are no numbers.
    NotNumbers { at: String, data_type: String },
    /// The chunks of arrays could not be decoded, for a reason that says nothing about them; the rest was told.
    Unchecked { arrays: usize },
    /// Standard output cannot be written.
    Output(io::Error),
    /// A local file that is no part of a hierarchy (storage options) cannot be read.
    File { path: String, source: io::Error },
    /// `check` found faults, and has told them.
    Findings,
    /// A part of the answer is missing, and the rest was told.
    Partial {
        broken: usize,
        unlisted: usize,
        of: usize,
    },
    /// The node's members cannot be known.
    ChildrenUnknown { path: String, reason: String },
    /// The time for the whole command is over.
    Timeout(Duration),
    /// A signal asked to end.
    Interrupted(Signal),
    /// A bug: a panic, and where.
    Panic(String),
    /// Something was left open, or a close failed.
    NotClosed(Vec<String>),
    /// The operating system refused something that the command itself needs.
    System { what: &'static str, source: io::Error },
}

/// The signals that end a command in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>, hint: Option<&str>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: hint.map(str::to_owned),
        }
    }

    /// Whether there is nothing to tell: the reader went away, or everything was told.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::Findings)
            || matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<zarr_core::Error> for CliError {
    fn from(error: zarr_core::Error) -> Self {
        Self::Core(error)
    }
}

impl From<zarr_fs::Error> for CliError {
    fn from(error: zarr_fs::Error) -> Self {
        Self::Core(error.into())
    }
}

/// The error in one line, causes included.
impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } => f.write_str(message),
            // What was tried is told on a line of its own.
            Self::Core(zarr_core::Error::NodeNotFound { url, .. })
            | Self::NodeNotFound {
                error: zarr_core::Error::NodeNotFound { url, .. },
                ..
            } => write!(f, "no Zarr node at {url}"),
            Self::Core(error) | Self::NodeNotFound { error, .. } => f.write_str(&chain(error)),
            Self::NoSuchValue { pointer, .. } => write!(f, "the metadata has no value at {pointer}"),
            Self::NotNumbers { at, data_type } => {
                write!(
                    f,
                    "{at}: elements of type {data_type} are no numbers: nothing to sum up"
                )
            }
            Self::Unchecked { arrays: 1 } => f.write_str("the chunks of 1 array could not be decoded here"),
            Self::Unchecked { arrays } => {
                write!(f, "the chunks of {arrays} arrays could not be decoded here")
            }
            Self::Output(error) => write!(f, "standard output: {error}"),
            Self::File { path, source } => write!(f, "{path}: {source}"),
            Self::Findings => f.write_str("faults were found"),
            Self::Partial {
                broken,
                unlisted: 0,
                of,
            } => write!(f, "{broken} of {of} nodes could not be read"),
            Self::Partial { broken, unlisted, of } => {
                write!(
                    f,
                    "{broken} of {of} nodes could not be read, the members of {unlisted} are unknown"
                )
            }
            // The reason names the place mostly.
            Self::ChildrenUnknown { path, reason } if reason.starts_with(path.as_str()) => {
                write!(f, "children unknown: {reason}")
            }
            Self::ChildrenUnknown { path, reason } => write!(f, "{path}: children unknown: {reason}"),
            Self::Timeout(time) => write!(f, "not done within {time:?}"),
            Self::Interrupted(Signal::Interrupt) => f.write_str("interrupted"),
            Self::Interrupted(Signal::Terminate) => f.write_str("terminated"),
            Self::Panic(message) => write!(f, "a bug in zarr-cli: {message}"),
            Self::NotClosed(left) => write!(f, "not closed: {}", left.join("; ")),
            Self::System { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

/// An error and its causes; a cause that its error already tells is left out.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {}", without_place(&next, &text));
        }
        cause = error.source();
    }
    text
}

/// `GET URL: what happened` without the place, if that is told already.
fn without_place<'a>(cause: &'a str, told: &str) -> &'a str {
    let what_happened = || {
        let (method, rest) = cause.split_once(' ')?;
        let (url, what) = rest.split_once(": ")?;
        let is_method = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
        (is_method && told.starts_with(url)).then_some(what)
    };
    what_happened().unwrap_or(cause)
}

/// The documents that were looked for, where a node was not found.
fn tried(error: &CliError) -> Option<String> {
    if let CliError::Core(error) | CliError::NodeNotFound { error, .. } = error
        && let zarr_core::Error::NodeNotFound { tried, .. } = error
    {
        return Some(tried.join(", "));
    }
    None
}

/// An error as it is told.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: u8,
    pub(crate) kind: &'static str,
    pub(crate) path: Option<String>,
    pub(crate) message: String,
    pub(crate) tried: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Report {
    pub(crate) fn new(error: &CliError, path: Option<&str>) -> Self {
        let (code, kind) = exit_code::of(error);
        Self {
            code,
            kind,
            path: path.map(str::to_owned),
            message: error.to_string(),
            tried: tried(error),
            hint: crate::hint::of(error, path),
        }
    }

    /// `error[kind]: message`, and what was tried and might help below it.
    pub(crate) fn text(&self, theme: Theme) -> String {
        let mut text = format!(
            "{}: {}\n",
            theme.error(&format!("error[{}]", self.kind)),
            escape::text(&self.message)
        );
        for (name, value) in [("tried", &self.tried), ("hint", &self.hint)] {
            if let Some(value) = value {
                text += &format!("  {}  {}\n", theme.dim(&format!("{name:5}")), escape::text(value));
            }
        }
        text
    }

    /// `{code, kind, path, message, hint}`, and `tried` where something was.
    pub(crate) fn json(&self) -> String {
        let mut object = Object::new();
        object.insert("code", u64::from(self.code));
        object.insert("kind", self.kind);
        object.insert("path", self.path.as_deref());
        object.insert("message", self.message.as_str());
        if let Some(tried) = &self.tried {
            object.insert("tried", tried.as_str());
        }
        object.insert("hint", self.hint.as_deref());
        escape::json(Json::Object(object).to_string()) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_once() {
        let told = "http://h/a/zarr.json: cat_file: unavailable";
        for (cause, news) in [
            ("GET http://h/a/zarr.json: cannot connect", "cannot connect"),
            (
                "GET http://other/b: cannot connect",
                "GET http://other/b: cannot connect",
            ),
            ("Connection refused", "Connection refused"),
        ] {
            assert_eq!(without_place(cause, told), news);
        }
    }

    fn report() -> Report {
        Report {
            code: 3,
            kind: "not-found",
            path: Some("gs://b/x".to_owned()),
            message: "no Zarr node at gs://b/x\u{1b}[2J".to_owned(),
            tried: Some("zarr.json, .zgroup".to_owned()),
            hint: None,
        }
    }

    #[test]
    fn is_told_to_people() {
        insta::assert_snapshot!(report().text(Theme::plain()), @r"
        error[not-found]: no Zarr node at gs://b/x\u{1b}[2J
          tried  zarr.json, .zgroup
        ");
    }

    #[test]
    fn is_told_to_programs() {
        insta::assert_snapshot!(report().json(), @r#"{"code":3,"kind":"not-found","path":"gs://b/x","message":"no Zarr node at gs://b/x\u001b[2J","tried":"zarr.json, .zgroup","hint":null}"#);
    }

    #[test]
    fn causes_are_told_once() {
        let source = io::Error::other("dns: no such host");
        let error = CliError::from(zarr_fs::Error::Unavailable {
            at: zarr_fs::Context::new("https://h", "cat_file", &zarr_fs::Path::root()),
            source: Box::new(source),
        });
        assert_eq!(
            error.to_string(),
            "https://h: cat_file: unavailable: dns: no such host"
        );
    }
}
