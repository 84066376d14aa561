//! What the operating system's errors mean here: the only mapping of them.

use std::io;
use std::path::Path;

use crate::error::{Context, Error};

/// The error of a call that reads.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kinds grow in number; those not named here have one meaning"
)]
pub(super) fn reading(at: &Context, error: io::Error) -> Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        // Something else is in the place of a folder or of the file, or no file can have such a name: it is not there.
        Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidFilename => {
            Error::NotFound {
                at: at.clone(),
                source: Some(Box::new(error)),
            }
        }
        Kind::UnexpectedEof => Error::Corrupt {
            at: at.clone(),
            source: "the file became shorter while it was read".into(),
        },
        _ => either(at, error),
    }
}

/// The error of a call that reads the file at `place`. A link whose target is not there is no missing file: it says that
/// there is one, elsewhere (git-annex and DataLad keep files so that have not been fetched), and a chunk behind it is not
/// the fill value.
pub(super) fn reading_file(at: &Context, place: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound && place.is_symlink() {
        return at.backend(
            "a symbolic link leads to a file that is not there (a repository of git-annex or DataLad has to fetch it first)",
        );
    }
    reading(at, error)
}

/// The error of a call that writes.
#[expect(clippy::wildcard_enum_match_arm, reason = "as above")]
pub(super) fn writing(at: &Context, error: io::Error) -> Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::InvalidFilename => Error::InvalidPath {
            path: at.path.as_str().escape_debug().to_string(),
            reason: "the operating system allows no such name",
        },
        _ => either(at, error),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "as above")]
fn either(at: &Context, error: io::Error) -> Error {
    use io::ErrorKind as Kind;
    let at = at.clone();
    match error.kind() {
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Error::PermissionDenied {
            at,
            source: Some(Box::new(error)),
        },
        // A network mount that does not answer.
        Kind::TimedOut | Kind::StaleNetworkFileHandle | Kind::HostUnreachable | Kind::NetworkUnreachable => {
            Error::Unavailable {
                at,
                source: Box::new(error),
            }
        }
        // A full disk, a bad disk, too many open files.
        _ => at.backend(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    #[test]
    fn each_error_of_the_operating_system_has_its_meaning() {
        type Row = (io::ErrorKind, fn(&Error) -> bool, fn(&Error) -> bool);
        use io::ErrorKind as Kind;
        let not_found = |error: &Error| matches!(error, Error::NotFound { .. });
        let denied = |error: &Error| matches!(error, Error::PermissionDenied { .. });
        let backend = |error: &Error| matches!(error, Error::Backend { .. });
        let retryable = |error: &Error| error.is_retryable();
        let rows: [Row; 10] = [
            (Kind::NotFound, not_found, backend),
            (Kind::NotADirectory, not_found, backend),
            (Kind::IsADirectory, not_found, backend),
            (Kind::InvalidFilename, not_found, |error| {
                matches!(error, Error::InvalidPath { .. })
            }),
            (
                Kind::UnexpectedEof,
                |error| matches!(error, Error::Corrupt { .. }),
                backend,
            ),
            (Kind::PermissionDenied, denied, denied),
            (Kind::ReadOnlyFilesystem, denied, denied),
            (Kind::StorageFull, backend, backend),
            (Kind::TimedOut, retryable, retryable),
            (Kind::StaleNetworkFileHandle, retryable, retryable),
        ];
        let at = Context::new("/data", "test", &Path::root());
        for (kind, read, write) in rows {
            assert!(read(&reading(&at, kind.into())), "{kind} reading");
            assert!(write(&writing(&at, kind.into())), "{kind} writing");
        }
    }
}
