//! How a local filesystem writes, and where it may be led.

use crate::error::Result;
use crate::options::{Options, invalid};
use crate::session::SessionOptions;

/// The options of `file://` URLs beside the common ones.
pub(super) const NAMES: &[&str] = &["fsync"];

/// When a write is forced to the disk.
///
/// Whatever the choice, a file is renamed into place when it is complete: a writer that is killed leaves the old file or
/// the new one. The choice is about power cuts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Never; the operating system writes when it likes. After a power cut a new file may be empty or missing.
    ///
    /// The default, as in zarr-python: an `fsync` costs milliseconds for each chunk, and data that was lost in a power
    /// cut is written again.
    #[default]
    Never,
    /// The file before it is renamed: after a power cut there is the old file or the new one, whole.
    File,
    /// The file before, and its folder after it is renamed: once a write has returned it is there after a power cut.
    FileAndFolder,
}

/// Where symbolic links may lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// To places below the root; a link that leads out of it is `PermissionDenied`. The default: a hierarchy that came
    /// from elsewhere reaches nothing outside itself. It is a check, no jail: who can change the tree during a call can
    /// defeat it.
    #[default]
    Inside,
    /// Anywhere.
    Anywhere,
}

/// How a [`LocalFileSystem`](crate::LocalFileSystem) behaves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    /// When a write is forced to the disk.
    pub fsync: Fsync,
    /// Where symbolic links may lead.
    pub symlinks: Symlinks,
    /// How its session behaves.
    pub session: SessionOptions,
}

impl LocalOptions {
    /// Sets when a write is forced to the disk.
    #[must_use]
    pub fn with_fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// Sets where symbolic links may lead.
    #[must_use]
    pub fn with_symlinks(mut self, symlinks: Symlinks) -> Self {
        self.symlinks = symlinks;
        self
    }

    /// Sets how its session behaves.
    #[must_use]
    pub fn with_session(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }
}

/// The `fsync` option: `never`, `file` or `folder`.
pub(super) fn fsync(options: &Options) -> Result<Fsync> {
    match options.text("fsync")?.as_deref() {
        None | Some("never") => Ok(Fsync::Never),
        Some("file") => Ok(Fsync::File),
        Some("folder") => Ok(Fsync::FileAndFolder),
        Some(_) => Err(invalid("fsync", "expected never, file or folder")),
    }
}
