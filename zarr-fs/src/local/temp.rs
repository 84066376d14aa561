//! Files under way: written beside their place and moved there when they are whole.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::options::Fsync;

/// What the names of temporary files begin with. No listing shows them, so that those of killed writers hurt nobody.
pub(super) const PREFIX: &str = ".zarr-fs-tmp.";

/// How often a folder may vanish between its making and its use (another call removed its last file) before we give up.
const ATTEMPTS: usize = 16;

/// A file under way; dropped before [`Temp::commit`], it is removed.
#[derive(Debug)]
pub(super) struct Temp {
    place: PathBuf,
    file: Option<File>,
    moved: bool,
}

/// What is wanted of the file that is in the place.
pub(super) enum Condition<'a> {
    /// Nothing.
    Any,
    /// That there is none.
    Absent,
    /// What the function says of it.
    Is(&'a dyn Fn(&fs::Metadata) -> bool),
}

/// Why a file did not get into its place.
#[derive(Debug)]
pub(super) enum NotCommitted {
    /// There is one, and none was wanted.
    Exists,
    /// The one that is there is not as wanted, or there is none.
    Differs,
    /// The operating system's reason.
    Io(io::Error),
}

impl From<io::Error> for NotCommitted {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Temp {
    /// Begins a file beside `target`, whose folder is made if need be.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        let folder = target.parent().unwrap_or(target);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let place = folder.join(fresh_name());
            match OpenOptions::new().write(true).create_new(true).open(&place) {
                Ok(file) => {
                    return Ok(Self {
                        place,
                        file: Some(file),
                        moved: false,
                    });
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) if error.kind() == ErrorKind::NotFound => match fs::create_dir_all(folder) {
                    // Removed under our hands: make it again.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    made => made?,
                },
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The file to write to.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is complete"))
    }

    /// Moves the file to `target` and tells what it is then.
    pub(super) fn commit(
        mut self,
        target: &Path,
        condition: Condition<'_>,
        fsync: Fsync,
    ) -> Result<fs::Metadata, NotCommitted> {
        let Some(file) = self.file.take() else {
            return Err(io::Error::other("the file is complete").into());
        };
        // The kernel's own times are those of its last tick, milliseconds ago; with them a file that is replaced twice in
        // a tick could get the version of the first one.
        #[expect(
            clippy::disallowed_methods,
            reason = "a file's time is wall time; nothing is measured by it"
        )]
        file.set_modified(SystemTime::now())?;
        if fsync != Fsync::Never {
            file.sync_all()?;
        }
        let metadata = file.metadata()?;
        // Windows moves no open file.
        drop(file);
        let alone = alone_at(target);
        match condition {
            Condition::Any => self.rename(target)?,
            Condition::Absent => self.commit_new(target)?,
            Condition::Is(wanted) => match fs::symlink_metadata(target) {
                Ok(found) if found.is_file() && wanted(&found) => self.rename(target)?,
                Ok(_) => return Err(NotCommitted::Differs),
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(NotCommitted::Differs),
                Err(error) => return Err(error.into()),
            },
        }
        drop(alone);
        if fsync == Fsync::FileAndFolder {
            sync_folder(target.parent().unwrap_or(target))?;
        }
        Ok(metadata)
    }

    fn rename(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.place, target)?;
        self.moved = true;
        Ok(())
    }

    /// A hard link is the portable way to move a whole file only where none is. Where the disk has no hard links (FAT) the
    /// name is taken by an empty file first: still only one of two writers wins, but a reader may see the empty one.
    fn commit_new(&mut self, target: &Path) -> Result<(), NotCommitted> {
        let linked = match fs::hard_link(&self.place, target) {
            Err(error) if has_no_links(&error) => self.take_name(target),
            linked => linked,
        };
        linked.map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                NotCommitted::Exists
            } else {
                NotCommitted::Io(error)
            }
        })
    }
}

impl Temp {
    /// Takes a name that is free with an empty file, then moves the whole one over it.
    pub(super) fn take_name(&mut self, target: &Path) -> io::Result<()> {
        drop(OpenOptions::new().write(true).create_new(true).open(target)?);
        self.rename(target).inspect_err(|_| {
            let _ = fs::remove_file(target);
        })
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // Windows removes no open file.
        self.file = None;
        if !self.moved {
            let _ = fs::remove_file(&self.place);
        }
    }
}

fn has_no_links(error: &io::Error) -> bool {
    // Linux says EPERM where the disk has no links; a folder that we may not write to said so when the temporary file was
    // made in it.
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

/// Random for each process, then counted: a leftover of another process, or machine, has another name.
fn fresh_name() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{:016x}.{count:x}", *PROCESS)
}

/// Keeps the other writers of this process from a place (and a few more that share the lock), so that a check of what is
/// there and the change are one step among them. Another process is not kept out: there is no portable conditional rename.
pub(super) fn alone_at(target: &Path) -> MutexGuard<'static, ()> {
    static STRIPES: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let stripe = usize::try_from(HASHER.hash_one(target) % 64).unwrap_or_default();
    STRIPES[stripe].lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(not(windows))]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows cannot open a folder as a file, and writes its names by itself.
#[cfg(windows)]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
