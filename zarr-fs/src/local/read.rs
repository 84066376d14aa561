//! Reading a file: one open, one look at what it is, then bytes from that same file.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path as OsPath;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::error::{reading, reading_file};
use super::root::Root;
use crate::call_options::{ByteRange, CatOptions, CatRangesOptions};
use crate::error::{Context, Result};
use crate::info::{CatResult, FileInfo, Version};
use crate::path::Path;
use crate::ranges::{self, RangePlan};

/// An open file and what it was when it was opened. A writer replaces files, so this one does not change.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    pub(super) info: FileInfo,
    size_bytes: u64,
}

impl Opened {
    /// Opens a file, if it is of the version asked for.
    pub(super) fn open(root: &Root, at: &Context, if_match: Option<&Version>) -> Result<Self> {
        let place = root.place_to_read(at)?;
        let file = open(&place).map_err(|error| reading_file(at, &place, error))?;
        let metadata = file.metadata().map_err(|error| reading(at, error))?;
        let info = file_info(at, &metadata)?;
        if if_match.is_some_and(|version| !version.matches(&info.version)) {
            return Err(at.precondition());
        }
        Ok(Self {
            file,
            info,
            size_bytes: metadata.len(),
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The bytes that `range` means.
    pub(super) fn resolve(&self, range: ByteRange, at: &Context) -> Result<Range<u64>> {
        ranges::resolve(range, self.size_bytes, at)
    }

    /// Replaces the content of `buffer` by the bytes of `range`; its capacity is used, and its old bytes are not cleared
    /// first, so that a buffer that is used again costs nothing but the read.
    pub(super) fn read_into(&self, range: &Range<u64>, buffer: &mut Vec<u8>, at: &Context) -> Result<()> {
        let length = usize::try_from(range.end - range.start).map_err(|error| at.backend(error))?;
        if let Some(more) = length.checked_sub(buffer.len()) {
            buffer
                .try_reserve_exact(more)
                .map_err(|error| at.backend(error))?;
        }
        buffer.resize(length, 0);
        read_exact_at(&self.file, buffer, range.start).map_err(|error| {
            buffer.clear();
            reading(at, error)
        })
    }

    /// The bytes of `range`.
    pub(super) fn read(&self, range: &Range<u64>, at: &Context) -> Result<Bytes> {
        let mut buffer = Vec::new();
        self.read_into(range, &mut buffer, at)?;
        Ok(buffer.into())
    }
}

pub(super) fn info(root: &Root, at: &Context) -> Result<FileInfo> {
    let place = root.place_to_read(at)?;
    let metadata = place
        .metadata()
        .map_err(|error| reading_file(at, &place, error))?;
    file_info(at, &metadata)
}

pub(super) fn cat(root: &Root, at: &Context, options: &CatOptions) -> Result<CatResult> {
    let opened = Opened::open(root, at, options.if_match.as_ref())?;
    let range = opened.resolve(options.range, at)?;
    options.check_length(range.end - range.start)?;
    Ok(CatResult {
        bytes: opened.read(&range, at)?,
        info: opened.info,
    })
}

pub(super) fn cat_ranges(
    root: &Root,
    at: &Context,
    wanted: &[Range<u64>],
    options: &CatRangesOptions,
) -> Result<Vec<Bytes>> {
    // A gap costs a copy here and saves a system call: as many bytes as are copied in the time of one.
    let gap_bytes = options.gap_bytes.min(4096);
    let plan = RangePlan::new(wanted, &options.clone().with_gap_bytes(gap_bytes), at)?;
    if plan.fetches().is_empty() {
        return Ok(vec![Bytes::new(); wanted.len()]);
    }
    let opened = Opened::open(root, at, options.if_match.as_ref())?;
    for range in plan.fetches() {
        opened.resolve(range.clone().into(), at)?;
    }
    let bodies: Vec<Bytes> = plan
        .fetches()
        .iter()
        .map(|range| opened.read(range, at))
        .collect::<Result<_>>()?;
    plan.slice_out(&bodies, at)
}

/// Facts about what is at `at.path`.
///
/// # Errors
/// `NotFound` unless it is a regular file.
pub(super) fn file_info(at: &Context, metadata: &Metadata) -> Result<FileInfo> {
    if metadata.is_file() {
        return Ok(info_of(at.path.clone(), metadata));
    }
    Err(crate::Error::NotFound {
        at: at.clone(),
        source: Some(if metadata.is_dir() {
            "it is a folder".into()
        } else {
            "it is a device, a pipe or a socket, no regular file".into()
        }),
    })
}

/// Facts about a file.
pub(super) fn info_of(path: Path, metadata: &Metadata) -> FileInfo {
    FileInfo::new(path)
        .with_size_bytes(metadata.len())
        .with_modified(metadata.modified().ok())
        .with_version(version(metadata))
}

/// What tells two versions of a file apart: a write makes a new inode, with a time to the nanosecond.
pub(super) fn version(metadata: &Metadata) -> Version {
    let since_epoch = |time: io::Result<SystemTime>| {
        let time = time.unwrap_or(UNIX_EPOCH);
        time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos())
    };
    let modified = since_epoch(metadata.modified());
    #[cfg(unix)]
    let identity = std::os::unix::fs::MetadataExt::ino(metadata);
    // Windows gives the standard library no file index; the time a file was made serves as well.
    #[cfg(not(unix))]
    let identity = since_epoch(metadata.created());
    Version {
        etag: Some(format!("\"{identity:x}-{modified:x}-{:x}\"", metadata.len())),
        generation: None,
    }
}

/// Opens without waiting: a pipe that nobody writes to would block its reader for ever.
#[cfg(unix)]
fn open(place: &OsPath) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags).open(place)
}

#[cfg(not(unix))]
fn open(place: &OsPath) -> io::Result<File> {
    OpenOptions::new().read(true).open(place).map_err(|error| {
        // Windows does not open folders, and says it with the same words as for a file that may not be read.
        if place.is_dir() {
            io::ErrorKind::IsADirectory.into()
        } else {
            error
        }
    })
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_exact_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek};
    file.seek(io::SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}
