//! The files themselves: what a session's calls work on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use bytes::Bytes;

use crate::call_options::{ByteRange, CatOptions, WriteMode};
use crate::error::{Context, Result};
use crate::info::{CatResult, DirListing, FileInfo, Version};
use crate::path::Path;
use crate::ranges;

/// The files of a memory filesystem: what its session's calls work on.
#[derive(Default)]
pub(super) struct Memory {
    files: RwLock<Files>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("files", &self.read().by_path.len())
            .finish_non_exhaustive()
    }
}

/// By path, so that what lies below a prefix is one range.
#[derive(Default)]
struct Files {
    by_path: BTreeMap<String, File>,
    last_generation: u64,
}

#[derive(Clone)]
pub(super) struct File {
    pub(super) bytes: Bytes,
    generation: u64,
    modified: SystemTime,
}

impl File {
    pub(super) fn info(&self, path: &Path) -> FileInfo {
        FileInfo::new(path.clone())
            .with_size_bytes(self.bytes.len() as u64)
            .with_modified(Some(self.modified))
            .with_version(Version {
                etag: Some(format!("\"{}\"", self.generation)),
                generation: Some(self.generation.to_string()),
            })
    }

    pub(super) fn slice(&self, range: ByteRange, at: &Context) -> Result<Bytes> {
        let size = self.bytes.len() as u64;
        let part = ranges::resolve(range, size, at)?;
        match (usize::try_from(part.start), usize::try_from(part.end)) {
            (Ok(start), Ok(end)) => Ok(self.bytes.slice(start..end)),
            _ => Err(at.out_of_bounds(range, size)),
        }
    }
}

impl Memory {
    fn read(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file at `path`, if it is of the version asked for.
    pub(super) fn get(&self, at: &Context, if_match: Option<&Version>) -> Result<File> {
        let file = self.read().by_path.get(at.path.as_str()).cloned();
        let file = file.ok_or_else(|| at.not_found())?;
        match if_match {
            Some(version) if !version.matches(&file.info(&at.path).version) => Err(at.precondition()),
            _ => Ok(file),
        }
    }

    pub(super) fn cat(&self, at: &Context, options: &CatOptions) -> Result<CatResult> {
        let file = self.get(at, options.if_match.as_ref())?;
        let bytes = file.slice(options.range, at)?;
        options.check_length(bytes.len() as u64)?;
        Ok(CatResult {
            bytes,
            info: file.info(&at.path),
        })
    }

    pub(super) fn put(&self, at: &Context, bytes: Bytes, mode: &WriteMode) -> Result<FileInfo> {
        if at.path.is_root() {
            return Err(at.root_is_no_file());
        }
        let mut files = self.write();
        let there = files.by_path.get(at.path.as_str());
        match mode {
            WriteMode::Overwrite => {}
            WriteMode::Create if there.is_some() => return Err(at.already_exists()),
            WriteMode::Create => {}
            WriteMode::IfMatch(version) => {
                if !there.is_some_and(|file| version.matches(&file.info(&at.path).version)) {
                    return Err(at.precondition());
                }
            }
        }
        files.last_generation += 1;
        #[expect(
            clippy::disallowed_methods,
            reason = "here this filesystem is the server that tells the time"
        )]
        let modified = SystemTime::now();
        let file = File {
            bytes,
            generation: files.last_generation,
            modified,
        };
        let info = file.info(&at.path);
        files.by_path.insert(at.path.as_str().to_owned(), file);
        Ok(info)
    }

    pub(super) fn remove(&self, at: &Context) -> Result<()> {
        match self.write().by_path.remove(at.path.as_str()) {
            Some(_) => Ok(()),
            None => Err(at.not_found()),
        }
    }

    pub(super) fn ls(&self, at: &Context) -> Result<DirListing> {
        let files = self.read();
        let mut listing = DirListing::default();
        let below = Below::of(&at.path);
        let mut next = below.first();
        while let Some((path, file)) = files.by_path.range((next, below.end())).next() {
            // All keys came from paths, so they are paths.
            let name = &path[below.start.len()..];
            match name.split_once('/') {
                None => {
                    listing.files.push(file.info(&Path::parse(path)?));
                    next = Bound::Excluded(path.clone());
                }
                Some((folder, _)) => {
                    let prefix = format!("{}{folder}", below.start);
                    listing.prefixes.push(Path::parse(&prefix)?);
                    // `0` follows `/`: on to the first path that is not below this prefix.
                    next = Bound::Included(format!("{prefix}0"));
                }
            }
        }
        if listing.files.is_empty() && listing.prefixes.is_empty() {
            return Err(at.not_found());
        }
        // The keys' order is not that of the prefixes: `a-b/c` comes before `a/c`.
        listing.prefixes.sort_unstable();
        Ok(listing)
    }

    pub(super) fn find(&self, prefix: &Path) -> Result<Vec<FileInfo>> {
        let below = Below::of(prefix);
        self.read()
            .by_path
            .range((below.first(), below.end()))
            .map(|(path, file)| Ok(file.info(&Path::parse(path)?)))
            .collect()
    }
}

/// The keys below a prefix.
struct Below {
    start: String,
    end: Option<String>,
}

impl Below {
    fn of(prefix: &Path) -> Self {
        if prefix.is_root() {
            return Self {
                start: String::new(),
                end: None,
            };
        }
        Self {
            start: format!("{prefix}/"),
            end: Some(format!("{prefix}0")),
        }
    }

    fn first(&self) -> Bound<String> {
        Bound::Included(self.start.clone())
    }

    fn end(&self) -> Bound<String> {
        self.end.clone().map_or(Bound::Unbounded, Bound::Excluded)
    }
}
