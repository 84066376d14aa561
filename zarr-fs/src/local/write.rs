//! Writing, copying and removing files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path as OsPath;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::error::{reading, writing};
use super::options::Fsync;
use super::read::{Opened, file_info, info_of, version};
use super::root::{Root, is_hidden};
use super::temp::{Condition, NotCommitted, Temp, alone_at};
use crate::call_options::WriteMode;
use crate::error::{Context, Result};
use crate::info::FileInfo;

/// A file under way to its place.
#[derive(Debug)]
pub(super) struct Upload {
    at: Context,
    place: std::path::PathBuf,
    temp: Temp,
}

impl Upload {
    /// Begins one; the folders it needs are made. A mode that cannot come true is found out now, before bytes are sent.
    pub(super) fn begin(root: &Root, at: &Context, mode: &WriteMode) -> Result<Self> {
        let place = root.place_to_write(at)?;
        match (mode, place.symlink_metadata()) {
            (WriteMode::Create, Ok(_)) => return Err(at.already_exists()),
            (WriteMode::IfMatch(_), Err(error)) if is_absent(&error) => return Err(at.precondition()),
            _ => {}
        }
        Ok(Self {
            temp: Temp::beside(&place).map_err(|error| writing(at, error))?,
            place,
            at: at.clone(),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.temp.file();
        file.and_then(|file| file.write_all(bytes))
            .map_err(|error| writing(&self.at, error))
    }

    fn copy(&mut self, mut from: &File) -> Result<()> {
        let file = self.temp.file();
        // Where the disk can, the kernel copies, or shares the blocks.
        file.and_then(|file| io::copy(&mut from, file))
            .map(|_| ())
            .map_err(|error| writing(&self.at, error))
    }

    /// Moves the file into its place.
    pub(super) fn commit(self, mode: &WriteMode, fsync: Fsync) -> Result<FileInfo> {
        let Self { at, place, temp } = self;
        let wanted;
        let condition = match mode {
            WriteMode::Overwrite => Condition::Any,
            WriteMode::Create => Condition::Absent,
            WriteMode::IfMatch(asked) => {
                wanted = |found: &fs::Metadata| asked.matches(&version(found));
                Condition::Is(&wanted)
            }
        };
        match temp.commit(&place, condition, fsync) {
            Ok(metadata) => Ok(info_of(at.path, &metadata)),
            Err(NotCommitted::Exists) => Err(at.already_exists()),
            Err(NotCommitted::Differs) => Err(at.precondition()),
            Err(NotCommitted::Io(error)) => Err(writing(&at, error)),
        }
    }
}

pub(super) fn pipe(
    root: &Root,
    at: &Context,
    bytes: &Bytes,
    mode: &WriteMode,
    fsync: Fsync,
) -> Result<FileInfo> {
    let mut upload = Upload::begin(root, at, mode)?;
    upload.write(bytes)?;
    upload.commit(mode, fsync)
}

pub(super) fn copy(
    root: &Root,
    from: &Context,
    to: &Context,
    mode: &WriteMode,
    fsync: Fsync,
) -> Result<FileInfo> {
    let source = Opened::open(root, from, None)?;
    let mut upload = Upload::begin(root, to, mode)?;
    upload.copy(source.file())?;
    upload.commit(mode, fsync)
}

/// Removes a file, or a link to one, and then the folders that it leaves empty, up to the root: a prefix is there as long
/// as something lies below it.
pub(super) fn remove(root: &Root, at: &Context) -> Result<()> {
    // A path that a reader would not find is not found here either; only writers are told that a name cannot be.
    if at.path.is_root() {
        return Err(at.not_found());
    }
    root.place_to_read(at)?;
    let place = root.place_to_write(at)?;
    let metadata = place.metadata().map_err(|error| reading(at, error))?;
    file_info(at, &metadata)?;
    let alone = alone_at(&place);
    fs::remove_file(&place).map_err(|error| reading(at, error))?;
    drop(alone);
    let mut folder = place.parent();
    while let Some(empty) =
        folder.filter(|folder| *folder != root.folder() && folder.starts_with(root.folder()))
    {
        // It is not empty, or somebody else was quicker.
        if fs::remove_dir(empty).is_err() {
            break;
        }
        folder = empty.parent();
    }
    Ok(())
}

/// Removes temporary files below `at.path` that are older than `age`: those of killed writers.
pub(super) fn remove_leftovers(root: &Root, at: &Context, age: Duration) -> Result<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is compared with the times of files, which are wall times"
    )]
    let now = SystemTime::now();
    let place = root.place_to_read(at)?;
    let mut removed = 0;
    let mut folders = vec![place];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if is_absent(&error) => continue,
            entries => entries.map_err(|error| reading(at, error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| reading(at, error))?;
            let kind = entry.file_type().map_err(|error| reading(at, error))?;
            // Links are not followed: what they lead to has its own place.
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_hidden) {
                removed +=
                    u64::from(remove_if_old(&entry.path(), now, age).map_err(|error| writing(at, error))?);
            }
        }
    }
    Ok(removed)
}

fn remove_if_old(place: &OsPath, now: SystemTime, age: Duration) -> io::Result<bool> {
    let removed = place.symlink_metadata().and_then(|metadata| {
        let is_old = now
            .duration_since(metadata.modified()?)
            .is_ok_and(|passed| passed >= age);
        if is_old {
            fs::remove_file(place).map(|()| true)
        } else {
            Ok(false)
        }
    });
    match removed {
        // Its writer was not dead, or another sweep was quicker.
        Err(error) if is_absent(&error) => Ok(false),
        removed => removed,
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
