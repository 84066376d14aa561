//! The exit code of each error: the table of the README, in one place.

use std::io;

use crate::error::{CliError, Signal};

pub(crate) const FINDINGS: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const NOT_FOUND: u8 = 3;
pub(crate) const PERMISSION: u8 = 4;
pub(crate) const CORRUPT: u8 = 5;
pub(crate) const PARTIAL: u8 = 6;
pub(crate) const UNSUPPORTED: u8 = 7;
pub(crate) const UNAVAILABLE: u8 = 8;
pub(crate) const REFUSED: u8 = 9;
pub(crate) const INTERNAL: u8 = 10;
pub(crate) const INTERRUPTED: u8 = 130;
pub(crate) const PIPE_CLOSED: u8 = 141;
pub(crate) const TERMINATED: u8 = 143;

/// The exit code of an error, and the word for it in messages.
pub(crate) fn of(error: &CliError) -> (u8, &'static str) {
    match error {
        CliError::Usage { .. } => (USAGE, "usage"),
        CliError::Core(error) | CliError::NodeNotFound { error, .. } => of_core(error),
        CliError::NoSuchValue { .. } => (NOT_FOUND, "no-such-value"),
        CliError::NotNumbers { .. } => (UNSUPPORTED, "not-numbers"),
        CliError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => (PIPE_CLOSED, "pipe-closed"),
        CliError::Output(_) => (INTERNAL, "output"),
        CliError::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            (PERMISSION, "permission")
        }
        CliError::File { .. } => (USAGE, "usage"),
        CliError::Findings => (FINDINGS, "findings"),
        CliError::Partial { .. } | CliError::Unchecked { .. } => (PARTIAL, "partial"),
        CliError::ChildrenUnknown { .. } => (UNSUPPORTED, "children-unknown"),
        CliError::Timeout(_) => (UNAVAILABLE, "timeout"),
        CliError::Interrupted(signal) => (signal.exit_code(), "interrupted"),
        CliError::Panic(_) => (INTERNAL, "internal"),
        CliError::NotClosed(_) => (INTERNAL, "not-closed"),
        CliError::System { .. } => (INTERNAL, "system"),
    }
}

/// The exit code of an error of a store, a node or an array.
pub(crate) fn of_core(error: &zarr_core::Error) -> (u8, &'static str) {
    use zarr_core::Error as E;
    match error {
        E::Fs(error) => of_fs(error),
        E::NodeNotFound { .. } => (NOT_FOUND, "not-found"),
        E::NotConsolidated { .. } => (NOT_FOUND, "not-consolidated"),
        E::InvalidMetadata { .. } => (CORRUPT, "invalid-metadata"),
        E::Corrupt { .. } => (CORRUPT, "corrupt"),
        E::InvalidCodecs { .. } => (CORRUPT, "invalid-codecs"),
        E::MissingChunk { .. } => (CORRUPT, "missing-chunk"),
        E::Unsupported { .. } => (UNSUPPORTED, "unsupported"),
        E::WrongKind { .. } | E::InvalidSelection { .. } | E::InvalidNodePath { .. } => (USAGE, "usage"),
        E::Unencodable { .. } => (USAGE, "unencodable"),
        E::ReadOnly { .. } => (REFUSED, "read-only"),
        E::NodeExists { .. } | E::UnfitParent { .. } | E::NotEmpty { .. } => (REFUSED, "exists"),
        E::Internal { .. } | E::LimitReached { .. } | _ => (INTERNAL, "internal"),
    }
}

/// The exit code that tells what is wrong with a member of a group. A name that no node can have is nobody's slip here:
/// the store holds it.
pub(crate) fn of_member(error: &zarr_core::Error) -> u8 {
    if let zarr_core::Error::InvalidNodePath { .. } = error {
        CORRUPT
    } else {
        of_core(error).0
    }
}

/// The exit code of a filesystem's error.
pub(crate) fn of_fs(error: &zarr_fs::Error) -> (u8, &'static str) {
    use zarr_fs::Error as E;
    match error {
        E::NotFound { .. } => (NOT_FOUND, "not-found"),
        E::Unauthenticated { .. } => (PERMISSION, "unauthenticated"),
        E::PermissionDenied { .. } => (PERMISSION, "permission"),
        E::Unavailable { .. } => (UNAVAILABLE, "unavailable"),
        E::Corrupt { .. } => (CORRUPT, "corrupt"),
        E::AlreadyExists { .. } => (REFUSED, "exists"),
        E::Precondition { .. } => (REFUSED, "precondition"),
        E::Unsupported { .. } => (UNSUPPORTED, "unsupported"),
        E::InvalidPath { .. }
        | E::InvalidOption { .. }
        | E::InvalidUrl { .. }
        | E::RangeOutOfBounds { .. } => (USAGE, "usage"),
        E::Closed { .. } => (INTERNAL, "closed"),
        E::Forked { .. } | E::LimitReached { .. } | E::Backend { .. } | _ => (INTERNAL, "internal"),
    }
}

impl Signal {
    /// 128 and the signal's number, as shells have it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => INTERRUPTED,
            Self::Terminate => TERMINATED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use zarr_fs::{Context, Error, Outcome, Path};

    fn fs(make: impl FnOnce(Context) -> Error) -> u8 {
        of(&CliError::from(make(Context::new(
            "memory",
            "cat_file",
            &Path::root(),
        ))))
        .0
    }

    #[test]
    fn filesystem_errors() {
        let source = || Box::new(io::Error::other("x"));
        assert_eq!(fs(|at| Error::NotFound { at, source: None }), 3);
        assert_eq!(fs(|at| Error::Unauthenticated { at, source: None }), 4);
        assert_eq!(fs(|at| Error::PermissionDenied { at, source: None }), 4);
        assert_eq!(fs(|at| Error::Corrupt { at, source: source() }), 5);
        assert_eq!(
            fs(|at| Error::Unsupported {
                at,
                what: String::new()
            }),
            7
        );
        assert_eq!(fs(|at| Error::Unavailable { at, source: source() }), 8);
        assert_eq!(fs(|at| Error::AlreadyExists { at, source: None }), 9);
        assert_eq!(fs(|at| Error::Precondition { at, source: None }), 9);
        assert_eq!(
            fs(|at| Error::Closed {
                at,
                outcome: Outcome::Cut
            }),
            10
        );
        assert_eq!(fs(|at| Error::Backend { at, source: source() }), 10);
        assert_eq!(fs(|at| Error::Forked { at }), 10);
        assert_eq!(
            fs(|at| Error::RangeOutOfBounds {
                at,
                start: 0,
                end: 1,
                size: None
            }),
            2
        );
        assert_eq!(
            fs(|_| Error::InvalidOption {
                key: String::new(),
                reason: String::new()
            }),
            2
        );
        assert_eq!(
            fs(|_| Error::InvalidUrl {
                url: String::new(),
                reason: String::new()
            }),
            2
        );
        assert_eq!(
            fs(|_| Error::InvalidPath {
                path: String::new(),
                reason: ""
            }),
            2
        );
        assert_eq!(fs(|_| Error::LimitReached { what: "", limit: 1 }), 10);
    }

    #[test]
    fn errors_of_nodes() {
        use zarr_core::{Error as E, NodeKind, NodePath, ZarrFormat, metadata::MetadataError};
        let code = |error: E| of(&CliError::from(error)).0;
        let url = String::new;
        assert_eq!(
            code(E::NodeNotFound {
                url: url(),
                path: NodePath::root(),
                tried: vec![]
            }),
            3
        );
        assert_eq!(
            code(E::NotConsolidated {
                url: url(),
                path: NodePath::root()
            }),
            3
        );
        let source = Box::new(MetadataError::mismatch("an object", "a number"));
        assert_eq!(code(E::InvalidMetadata { key: url(), source }), 5);
        let source = Box::new(io::Error::other("x"));
        assert_eq!(
            code(E::Corrupt {
                key: url(),
                chunk: None,
                stage: "zstd".into(),
                source
            }),
            5
        );
        assert_eq!(
            code(E::Unencodable {
                key: url(),
                chunk: None,
                by: "codec cast_value".into(),
                source: Box::new(io::Error::other("x"))
            }),
            2
        );
        assert_eq!(
            code(E::NotEmpty {
                url: url(),
                key: url()
            }),
            9
        );
        assert_eq!(
            code(E::MissingChunk {
                key: url(),
                chunk: vec![]
            }),
            5
        );
        assert_eq!(code(E::Internal { url: url() }), 10);
        assert_eq!(
            code(E::Unsupported {
                at: url(),
                what: url()
            }),
            7
        );
        assert_eq!(code(E::InvalidSelection { reason: url() }), 2);
        assert_eq!(
            code(E::InvalidNodePath {
                path: url(),
                reason: ""
            }),
            2
        );
        let (expected, found) = (NodeKind::Group, NodeKind::Array);
        assert_eq!(
            code(E::WrongKind {
                url: url(),
                expected,
                found
            }),
            2
        );
        assert_eq!(
            code(E::ReadOnly {
                op: "set",
                key: url()
            }),
            9
        );
        assert_eq!(
            code(E::NodeExists {
                url: url(),
                found,
                format: ZarrFormat::V3
            }),
            9
        );
        let (format, wanted) = (ZarrFormat::V3, ZarrFormat::V2);
        assert_eq!(
            code(E::UnfitParent {
                url: url(),
                found,
                format,
                wanted
            }),
            9
        );
        assert_eq!(
            code(E::LimitReached {
                at: url(),
                what: "nodes",
                limit: 1
            }),
            10
        );
    }

    #[test]
    fn the_command_s_own_errors() {
        let code = |error| of(&error).0;
        assert_eq!(code(CliError::Findings), 1);
        assert_eq!(code(CliError::usage("", None)), 2);
        assert_eq!(
            code(CliError::Partial {
                broken: 1,
                unlisted: 0,
                of: 2
            }),
            6
        );
        assert_eq!(
            code(CliError::ChildrenUnknown {
                path: String::new(),
                reason: String::new()
            }),
            7
        );
        let (at, data_type) = (String::new(), String::new());
        assert_eq!(code(CliError::NotNumbers { at, data_type }), 7);
        assert_eq!(code(CliError::Unchecked { arrays: 1 }), 6);
        assert_eq!(code(CliError::Timeout(Duration::ZERO)), 8);
        assert_eq!(code(CliError::Panic(String::new())), 10);
        assert_eq!(code(CliError::Output(io::ErrorKind::StorageFull.into())), 10);
        assert_eq!(code(CliError::Interrupted(Signal::Interrupt)), 130);
        assert_eq!(code(CliError::Output(io::ErrorKind::BrokenPipe.into())), 141);
        assert_eq!(code(CliError::Interrupted(Signal::Terminate)), 143);
    }
}
