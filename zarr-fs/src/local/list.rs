//! Listing folders.

use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::error::reading;
use super::read::info_of;
use super::root::{self, Root};
use crate::error::{Context, Error, Result};
use crate::info::{DirListing, FileInfo, Unnameable};
use crate::path::Path;

/// One level: the files in `at.path` and the folders.
pub(super) fn ls(root: &Root, at: &Context) -> Result<DirListing> {
    let mut listing = DirListing::default();
    each_entry(root, at, |found| {
        match found {
            Found::File(info) => listing.files.push(info),
            Found::Folder(folder) => listing.prefixes.push(folder.path),
            Found::Unnameable {
                name,
                is_folder: true,
            } => listing.unnameable.push(name),
            Found::Unnameable { name, .. } => warn(at, &name),
        }
        Ok(())
    })?;
    if listing.is_empty() {
        return Err(at.not_found());
    }
    listing.unnameable.sort_unstable();
    listing.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    listing.prefixes.sort_unstable();
    Ok(listing)
}

/// A walk over everything below a prefix: a folder at a time.
#[derive(Debug)]
pub(super) struct Walk {
    at: Context,
    folders: Vec<Folder>,
}

/// A folder to be looked into, and the real places of those above it that links led to.
#[derive(Clone, Debug)]
struct Folder {
    path: Path,
    is_link: bool,
    linked: Vec<PathBuf>,
}

enum Found {
    File(FileInfo),
    Folder(Folder),
    /// Something that no path can name.
    Unnameable {
        name: Unnameable,
        is_folder: bool,
    },
}

impl Walk {
    pub(super) fn new(at: Context) -> Self {
        let folder = Folder {
            path: at.path.clone(),
            is_link: false,
            linked: Vec::new(),
        };
        Self {
            at,
            folders: vec![folder],
        }
    }

    /// The files of the next folder; `None` after the last one.
    pub(super) fn next(&mut self, root: &Root) -> Result<Option<Vec<FileInfo>>> {
        let Some(mut folder) = self.folders.pop() else {
            return Ok(None);
        };
        let at = Context {
            path: folder.path.clone(),
            ..self.at.clone()
        };
        let mut files = Vec::new();
        if folder.is_link && !enter_link(root, &at, &mut folder)? {
            return Ok(Some(files));
        }
        let looked = each_entry(root, &at, |found| {
            match found {
                Found::File(info) => files.push(info),
                Found::Folder(below) => self.folders.push(Folder {
                    linked: folder.linked.clone(),
                    ..below
                }),
                Found::Unnameable { name, .. } => warn(&at, &name),
            }
            Ok(())
        });
        match looked {
            // Nothing there, or it went away under our eyes.
            Err(Error::NotFound { .. }) => Ok(Some(files)),
            Err(error) => Err(error),
            Ok(()) => Ok(Some(files)),
        }
    }
}

/// Whether a folder that a link leads to is to be walked: not if the walk is inside it already.
fn enter_link(root: &Root, at: &Context, folder: &mut Folder) -> Result<bool> {
    let place = root.place_to_read(at)?;
    let real = match place.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        real => real.map_err(|error| reading(at, error))?,
    };
    let above = place
        .parent()
        .unwrap_or(&place)
        .canonicalize()
        .map_err(|error| reading(at, error))?;
    if above.starts_with(&real) || folder.linked.contains(&real) {
        tracing::warn!(target: "zarr_fs::local", place = %place.display(), "skipped a symbolic link that leads back");
        return Ok(false);
    }
    folder.linked.push(real);
    Ok(true)
}

/// Shows `each` what lies in the folder `at.path`.
///
/// # Errors
/// `NotFound` if it is no folder.
fn each_entry(root: &Root, at: &Context, mut each: impl FnMut(Found) -> Result<()>) -> Result<()> {
    let place = root.place_to_read(at)?;
    let failed = |error| reading(at, error);
    for entry in fs::read_dir(&place).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(named) = root::child(&at.path, &entry.file_name()) else {
            continue;
        };
        let path = match named {
            Ok(path) => path,
            Err(name) => {
                let is_folder = matches!(kind(&entry).map_err(failed)?, Kind::Folder { .. });
                each(Found::Unnameable { name, is_folder })?;
                continue;
            }
        };
        let found = kind(&entry).map_err(|error| {
            reading(
                &Context {
                    path: path.clone(),
                    ..at.clone()
                },
                error,
            )
        })?;
        match found {
            Kind::File(metadata) => each(Found::File(info_of(path, &metadata)))?,
            Kind::Folder { is_link } => each(Found::Folder(Folder {
                path,
                is_link,
                linked: Vec::new(),
            }))?,
            Kind::Unknown => each(Found::File(FileInfo::new(path)))?,
            Kind::Other => {}
        }
    }
    Ok(())
}

fn warn(at: &Context, name: &Unnameable) {
    let (folder, reason) = (&at.path, name.reason);
    let name = name.name.escape_debug();
    tracing::warn!(target: "zarr_fs::local", %folder, %name, reason, "skipped a name that no path can have");
}

enum Kind {
    File(Metadata),
    Folder {
        is_link: bool,
    },
    /// Something that we may not look at, or a link to nothing. It is shown as a file of which only the path is known:
    /// whoever reads it gets the operating system's answer, and nobody takes it for missing.
    Unknown,
    /// A device, a pipe, a socket, a link that leads to itself, or what has gone meanwhile.
    Other,
}

fn kind(entry: &DirEntry) -> io::Result<Kind> {
    let file_type = entry.file_type()?;
    if file_type.is_dir() {
        return Ok(Kind::Folder { is_link: false });
    }
    let is_link = file_type.is_symlink();
    if !is_link && !file_type.is_file() {
        return Ok(Kind::Other);
    }
    let metadata = if is_link {
        fs::metadata(entry.path())
    } else {
        entry.metadata()
    };
    match metadata {
        Ok(metadata) if metadata.is_file() => Ok(Kind::File(metadata)),
        Ok(metadata) if metadata.is_dir() => Ok(Kind::Folder { is_link }),
        Ok(_) => Ok(Kind::Other),
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied
                || (is_link && error.kind() == ErrorKind::NotFound) =>
        {
            Ok(Kind::Unknown)
        }
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) || is_loop(&error) =>
        {
            Ok(Kind::Other)
        }
        Err(error) => Err(error),
    }
}

/// Whether a link leads to itself.
fn is_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::ELOOP);
    #[cfg(not(unix))]
    return {
        let _ = error;
        false
    };
}
