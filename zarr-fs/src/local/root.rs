//! From a path in the filesystem to one of the operating system, without leaving the root.

use std::ffi::OsStr;
use std::io;
use std::path::{self, PathBuf};

use super::error;
use super::options::Symlinks;
use super::temp;
use crate::error::{Context, Error, Result};
use crate::info::Unnameable;

/// The folder that is a local filesystem's root.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
    symlinks: Symlinks,
    /// Whether nothing can lie outside: the root is that of the operating system.
    is_everything: bool,
}

impl Root {
    pub(super) fn new(folder: &path::Path, symlinks: Symlinks) -> Self {
        // Asks for the working folder at most, so that a later change of it changes nothing here. If there is none, a
        // relative path fails at its first use, with a better message.
        let folder = path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self {
            is_everything: folder.parent().is_none(),
            folder,
            symlinks,
        }
    }

    pub(super) fn folder(&self) -> &path::Path {
        &self.folder
    }

    /// The place of `at.path`. Its existing part leads nowhere outside the root.
    ///
    /// # Errors
    /// `NotFound` for a name that is never shown (a temporary file's) or that the operating system does not have,
    /// `PermissionDenied` for a link that leads out, others as the operating system says.
    pub(super) fn place_to_read(&self, at: &Context) -> Result<PathBuf> {
        if at
            .path
            .segments()
            .any(|segment| is_hidden(segment) || !is_native(segment))
        {
            return Err(at.not_found());
        }
        self.checked(at, true)
    }

    /// As [`Root::place_to_read`], for a file that will be made, replaced or removed: if it is a link it is that itself,
    /// not where it leads.
    ///
    /// # Errors
    /// `InvalidPath` for a name that cannot be, else as [`Root::place_to_read`].
    pub(super) fn place_to_write(&self, at: &Context) -> Result<PathBuf> {
        let refuse = |reason| {
            Err(Error::InvalidPath {
                path: at.path.as_str().escape_debug().to_string(),
                reason,
            })
        };
        if at.path.is_root() {
            return Err(at.root_is_no_file());
        }
        if at.path.segments().any(is_hidden) {
            return refuse("the name is kept for temporary files");
        }
        if !at.path.segments().all(is_native) {
            return refuse("the operating system allows no such name");
        }
        self.checked(at, false)
    }

    fn checked(&self, at: &Context, follow_last: bool) -> Result<PathBuf> {
        let mut place = self.folder.clone();
        if self.is_everything || self.symlinks == Symlinks::Anywhere {
            place.extend(at.path.segments());
            return Ok(place);
        }
        let mut segments = at.path.segments().peekable();
        let mut linked = false;
        while let Some(segment) = segments.next() {
            place.push(segment);
            if segments.peek().is_none() && !follow_last {
                break;
            }
            match place.symlink_metadata() {
                Ok(found) => linked |= found.is_symlink(),
                // What is not there leads nowhere; whoever uses the place finds the error again and knows what it means.
                Err(_) => break,
            }
        }
        place.extend(segments);
        if linked {
            self.check_links(at, &place, follow_last)?;
        }
        Ok(place)
    }

    fn check_links(&self, at: &Context, place: &path::Path, follow_last: bool) -> Result<()> {
        let target = if follow_last {
            place
        } else {
            place.parent().unwrap_or(place)
        };
        let real = match existing(target) {
            Ok(real) => real,
            Err(source) => return Err(error::reading_file(at, place, source)),
        };
        let root = self
            .folder
            .canonicalize()
            .map_err(|source| error::reading(at, source))?;
        if real.starts_with(&root) {
            return Ok(());
        }
        Err(Error::PermissionDenied {
            at: at.clone(),
            source: Some("a symbolic link leads out of the filesystem's root".into()),
        })
    }
}

/// Where the existing part of `place` really is.
fn existing(place: &path::Path) -> io::Result<PathBuf> {
    let mut part = place;
    loop {
        match part.canonicalize() {
            // A link to nothing is no end of the existing part: where it leads may come to be.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !part.is_symlink() => {
                match part.parent() {
                    Some(parent) => part = parent,
                    None => return Err(error),
                }
            }
            real => return real,
        }
    }
}

/// Whether a name is never shown: a temporary file's.
pub(super) fn is_hidden(segment: &str) -> bool {
    segment.starts_with(temp::PREFIX)
}

/// The path of an entry of the folder `at`; `None` for a temporary file, and an error for a name that no path can have.
pub(super) fn child(at: &crate::Path, name: &OsStr) -> Option<Result<crate::Path, Unnameable>> {
    let Some(text) = name.to_str() else {
        let lossy = name.to_string_lossy();
        return Some(Err(Unnameable::new(lossy, Unnameable::NOT_UTF8)));
    };
    let named = || at.join(text).map_err(|error| Unnameable::refused(text, &error));
    (!is_hidden(text)).then(named)
}

/// Whether the operating system takes `segment` as one name.
#[cfg(not(windows))]
fn is_native(_: &str) -> bool {
    true
}

/// Whether the operating system takes `segment` as one name: on Windows `a\b`, `C:` and `CON` would lead elsewhere.
#[cfg(windows)]
fn is_native(segment: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = segment
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let is_port = (stem.starts_with("COM") || stem.starts_with("LPT")) && stem.chars().count() == 4;
    !segment.contains(['\\', ':', '<', '>', '"', '|', '?', '*'])
        && !segment.ends_with(['.', ' '])
        && !is_port
        && !DEVICES.contains(&stem.as_str())
}
