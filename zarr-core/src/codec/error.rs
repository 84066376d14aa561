//! What can go wrong in a codec.

use std::fmt::Display;

/// An error of one codec of a chain: which codec, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}codec {codec}: {kind}", place(pointer))]
pub struct CodecError {
    /// JSON pointer of the codec in its document, where its configuration is wrong or not supported; else empty.
    pub pointer: String,
    /// The name of the codec as the metadata spells it.
    pub codec: String,
    /// What happened.
    pub kind: CodecErrorKind,
}

/// What happened in a codec; each variant is a decision for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecErrorKind {
    /// The bytes arrived whole but are not what the codec writes: a fresh read of the same object gives the same error.
    #[error("{reason}")]
    Corrupt {
        /// What is wrong, with sizes.
        reason: String,
    },
    /// The configuration may be valid but this crate cannot run it.
    #[error("unsupported: {what}")]
    Unsupported {
        /// The codec, option or combination that is not supported.
        what: String,
    },
    /// The configuration contradicts the codec's definition or the array's shape or data type.
    #[error("invalid configuration: {reason}")]
    InvalidConfiguration {
        /// What is wrong.
        reason: String,
    },
    /// A value cannot be encoded under the configuration (or not in the chunk's format at all).
    #[error("cannot encode: {reason}")]
    Unencodable {
        /// Which value, and why.
        reason: String,
    },
    /// The chunk needs more memory than this process can address or get.
    #[error("{bytes} bytes cannot be allocated")]
    OutOfMemory {
        /// Size of the refused allocation.
        bytes: u64,
    },
}

/// `/codecs/1: `
fn place(pointer: &str) -> String {
    match pointer {
        "" => String::new(),
        pointer => format!("{pointer}: "),
    }
}

/// The result of a codec operation.
pub type Result<T, E = CodecError> = std::result::Result<T, E>;

impl CodecError {
    fn new(codec: impl Into<String>, kind: CodecErrorKind) -> Self {
        Self {
            pointer: String::new(),
            codec: codec.into(),
            kind,
        }
    }

    /// Says that the codec lies inside the member `key` of an object: puts it in front of the pointer.
    pub(crate) fn within(mut self, key: &str) -> Self {
        self.pointer = format!("/{key}{}", self.pointer);
        self
    }

    /// Says that the codec lies inside the item `index` of an array.
    pub(crate) fn within_index(self, index: usize) -> Self {
        self.within(&index.to_string())
    }

    /// The bytes are not what `codec` writes.
    pub fn corrupt(codec: impl Into<String>, reason: impl Display) -> Self {
        Self::new(
            codec,
            CodecErrorKind::Corrupt {
                reason: reason.to_string(),
            },
        )
    }

    /// `codec` is valid but `what` is not supported here.
    pub fn unsupported(codec: impl Into<String>, what: impl Display) -> Self {
        Self::new(
            codec,
            CodecErrorKind::Unsupported {
                what: what.to_string(),
            },
        )
    }

    /// The configuration of `codec` is wrong.
    pub fn configuration(codec: impl Into<String>, reason: impl Display) -> Self {
        Self::new(
            codec,
            CodecErrorKind::InvalidConfiguration {
                reason: reason.to_string(),
            },
        )
    }

    /// A value that `codec` cannot encode.
    pub fn unencodable(codec: impl Into<String>, reason: impl Display) -> Self {
        Self::new(
            codec,
            CodecErrorKind::Unencodable {
                reason: reason.to_string(),
            },
        )
    }

    /// `bytes` could not be allocated.
    pub fn out_of_memory(codec: impl Into<String>, bytes: u64) -> Self {
        Self::new(codec, CodecErrorKind::OutOfMemory { bytes })
    }

    /// The stage decoded to another size than the chunk needs.
    pub(crate) fn wrong_size(codec: impl Into<String>, found: impl Display, expected: impl Display) -> Self {
        Self::corrupt(
            codec,
            format_args!("decodes to {found} bytes where {expected} are expected"),
        )
    }
}
