//! [`MetadataError`]: what is wrong in a metadata document, and where.

use std::borrow::Cow;
use std::fmt;

use super::json::Json;

/// Why a metadata document, or a part of it, was refused.
///
/// Each variant is a decision: an [`Invalid`](Self::Invalid) document is broken and somebody has to repair it;
/// an [`Unsupported`](Self::Unsupported) one is well formed and asks for something that this library lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The document breaks the specification, or is not JSON at all.
    #[error("{}: expected {expected}, found {found}", Place { pointer, position })]
    Invalid {
        /// JSON pointer (RFC 6901) of the offending value; empty for the document itself.
        pointer: String,
        /// Line and column, for errors of the JSON text itself.
        position: Option<Position>,
        /// What the specification asks for.
        expected: Cow<'static, str>,
        /// What the document holds, shortened if it is long.
        found: String,
    },
    /// The document is well formed and asks for something that is not implemented.
    #[error("{}: {what} is not supported", Place { pointer, position: &None })]
    Unsupported {
        /// JSON pointer (RFC 6901) of the value; empty for the document itself.
        pointer: String,
        /// What is missing here, as the subject of a sentence: `data type "foo"`.
        what: String,
    },
}

/// A place in the text of a document, both numbers counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, ended by a line feed.
    pub line: usize,
    /// Column, in Unicode scalar values.
    pub column: usize,
}

impl MetadataError {
    /// An [`Invalid`](Self::Invalid) error that quotes the value it found.
    pub fn invalid(expected: impl Into<Cow<'static, str>>, found: &Json) -> Self {
        Self::mismatch(expected, found.excerpt())
    }

    /// An [`Invalid`](Self::Invalid) error with its own words for what was found.
    pub fn mismatch(expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self::Invalid {
            pointer: String::new(),
            position: None,
            expected: tame(expected.into()),
            found: tame(found.into().into()).into_owned(),
        }
    }

    /// An [`Unsupported`](Self::Unsupported) error.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported {
            pointer: String::new(),
            what: tame(what.into().into()).into_owned(),
        }
    }

    /// JSON pointer (RFC 6901) of the offending value; empty for the document itself.
    #[must_use]
    pub fn pointer(&self) -> &str {
        match self {
            Self::Invalid { pointer, .. } | Self::Unsupported { pointer, .. } => pointer,
        }
    }

    /// Says that the error lies inside the member `key` of an object: puts it in front of the pointer.
    #[must_use]
    pub fn within(mut self, key: &str) -> Self {
        let (Self::Invalid { pointer, .. } | Self::Unsupported { pointer, .. }) = &mut self;
        let mut longer = String::with_capacity(pointer.len() + key.len() + 1);
        longer.push('/');
        for c in key.chars() {
            match c {
                '~' => longer.push_str("~0"),
                '/' => longer.push_str("~1"),
                c => longer.push(c),
            }
        }
        longer.push_str(pointer);
        *pointer = longer;
        self
    }

    /// Says that the error lies inside the item `index` of an array.
    #[must_use]
    pub fn within_index(self, index: usize) -> Self {
        self.within(&index.to_string())
    }

    /// Takes `key` from the front of the pointer: v2 has its configurations without a level of their own.
    pub(super) fn unwrapped(mut self, key: &str) -> Self {
        let (Self::Invalid { pointer, .. } | Self::Unsupported { pointer, .. }) = &mut self;
        if let Some(rest) = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(key)) {
            *pointer = rest.to_owned();
        }
        self
    }

    pub(crate) fn with_position(mut self, at: Position) -> Self {
        if let Self::Invalid { position, .. } = &mut self {
            *position = Some(at);
        }
        self
    }
}

/// Most characters of a text from a document that a message quotes.
const MOST_QUOTED: usize = 200;

/// A text that may quote a document: shortened, its control characters escaped, since a message goes to terminals and
/// logs.
fn tame(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.chars().nth(MOST_QUOTED).is_none() && !text.contains(char::is_control) {
        return text;
    }
    let mut tamed = String::new();
    for (count, c) in text.chars().enumerate() {
        match c {
            _ if count == MOST_QUOTED => {
                tamed.push('…');
                break;
            }
            c if c.is_control() => tamed.extend(c.escape_unicode()),
            c => tamed.push(c),
        }
    }
    tamed.into()
}

/// Adds the place to the error of a step into a document.
pub(crate) trait Within {
    /// See [`MetadataError::within`].
    fn within(self, key: &str) -> Self;
    /// See [`MetadataError::within_index`].
    fn within_index(self, index: usize) -> Self;
}

impl<T> Within for Result<T, MetadataError> {
    fn within(self, key: &str) -> Self {
        self.map_err(|e| e.within(key))
    }

    fn within_index(self, index: usize) -> Self {
        self.map_err(|e| e.within_index(index))
    }
}

/// "/a/b (line 1, column 2)", or "document" where the pointer is empty.
struct Place<'a> {
    pointer: &'a str,
    position: &'a Option<Position>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str("document")?;
        }
        // Keys come from strangers.
        f.write_str(&tame(self.pointer.to_owned().into()))?;
        match self.position {
            Some(Position { line, column }) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_short_and_harmless_whatever_a_document_says() {
        let hostile = format!("\u{1b}[2J\u{9b}31m{}", "x".repeat(1 << 20));
        let errors = [
            MetadataError::mismatch(hostile.clone(), hostile.clone()).within(&hostile),
            MetadataError::unsupported(hostile.clone())
                .within(&hostile)
                .within_index(3),
            MetadataError::invalid("a name", &Json::from(hostile.as_str())),
            MetadataError::invalid("a name", &Json::from([hostile.as_str()])),
        ];
        for error in errors {
            let message = error.to_string();
            assert!(
                message.len() < 1000 && !message.contains(char::is_control),
                "{message:?}"
            );
        }
    }

    #[test]
    fn pointers_are_escaped_and_messages_say_the_place() {
        let error = MetadataError::invalid("a number", &Json::Null)
            .within_index(2)
            .within("a/b~c");
        assert_eq!(error.pointer(), "/a~1b~0c/2");
        assert_eq!(error.to_string(), "/a~1b~0c/2: expected a number, found null");
        assert_eq!(error.unwrapped("a~1b~0c").pointer(), "/2");
    }
}
