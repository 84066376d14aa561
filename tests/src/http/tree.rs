//! What an HTTP server serves: files and folders.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;

use crate::load::now;
use crate::order::beyond;
use crate::sync::lock;

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its bytes.
    pub data: Bytes,
    /// When it was last written.
    pub modified: SystemTime,
    /// Grows with every write of any file, so that two contents never share an ETag.
    pub revision: u64,
}

/// What a path names.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A file.
    File(File),
    /// A folder, and when it was made.
    Dir(SystemTime),
}

/// Why a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is nothing of this name.
    Missing,
    /// The folder that it would be in is missing, or is a file.
    NoParent,
    /// Something of this name, or of another kind, is there.
    Exists,
    /// This tree cannot be changed.
    ReadOnly,
}

/// Files and folders. Paths have no leading and no trailing slash; the root is the empty path.
pub trait Tree: Send + Sync + 'static {
    /// What `path` names.
    fn look(&self, path: &str) -> Option<Entry>;

    /// Names and entries of a folder, in the order of their UTF-8 bytes; empty if it is none.
    fn list(&self, dir: &str) -> Vec<(String, Entry)>;

    /// Writes a file into an existing folder; says whether it is new.
    ///
    /// # Errors
    /// [`Refused`] says why.
    fn write(&self, path: &str, data: Bytes) -> Result<bool, Refused>;

    /// Makes a folder in an existing folder.
    ///
    /// # Errors
    /// [`Refused`] says why.
    fn make_dir(&self, path: &str) -> Result<(), Refused>;

    /// Removes a file, or a folder and all in it.
    ///
    /// # Errors
    /// [`Refused`] says why.
    fn remove(&self, path: &str) -> Result<(), Refused>;
}

/// The folder of a path; `None` for the root.
pub(super) fn parent(path: &str) -> Option<&str> {
    if path.is_empty() {
        None
    } else {
        Some(path.rsplit_once('/').map_or("", |(parent, _)| parent))
    }
}

/// A tree in memory.
#[derive(Debug)]
pub struct MemoryTree(Mutex<State>);

#[derive(Debug)]
struct State {
    entries: BTreeMap<String, Entry>,
    revision: u64,
}

impl Default for MemoryTree {
    fn default() -> Self {
        let entries = BTreeMap::from([(String::new(), Entry::Dir(now()))]);
        Self(Mutex::new(State { entries, revision: 0 }))
    }
}

impl MemoryTree {
    /// Writes a file, making the folders above it.
    ///
    /// # Panics
    /// If a folder above it is a file, or it is a folder.
    #[track_caller]
    pub fn put(&self, path: &str, data: impl Into<Bytes>) {
        self.make_dirs(parent(path).unwrap_or_default());
        self.write(path, data.into())
            .unwrap_or_else(|refused| panic!("{path}: {refused:?}"));
    }

    /// Makes a folder and those above it.
    pub fn make_dirs(&self, path: &str) {
        let ends = path
            .match_indices('/')
            .map(|(end, _)| end)
            .chain((!path.is_empty()).then_some(path.len()));
        for end in ends {
            // One that is there already is what was wanted; a file in its place is found by the write that follows.
            let _ = self.make_dir(&path[..end]);
        }
    }
}

impl State {
    fn has_dir(&self, path: Option<&str>) -> bool {
        path.is_some_and(|path| matches!(self.entries.get(path), Some(Entry::Dir(_))))
    }
}

impl Tree for MemoryTree {
    fn look(&self, path: &str) -> Option<Entry> {
        lock(&self.0).entries.get(path).cloned()
    }

    fn list(&self, dir: &str) -> Vec<(String, Entry)> {
        let state = lock(&self.0);
        if !state.has_dir(Some(dir)) {
            return Vec::new();
        }
        let prefix = if dir.is_empty() {
            String::new()
        } else {
            format!("{dir}/")
        };
        let mut names = Vec::new();
        let mut from = Bound::Excluded(prefix.clone());
        while let Some((path, entry)) = state
            .entries
            .range::<String, _>((from.as_ref(), Bound::Unbounded))
            .next()
        {
            let Some(name) = path.strip_prefix(&prefix) else {
                break;
            };
            from = match name.split_once('/') {
                // What is further down is stepped over at once.
                Some((child, _)) => beyond(&format!("{prefix}{child}/")),
                None => {
                    names.push((name.to_owned(), entry.clone()));
                    Bound::Excluded(path.clone())
                }
            };
        }
        names
    }

    fn write(&self, path: &str, data: Bytes) -> Result<bool, Refused> {
        let mut state = lock(&self.0);
        if !state.has_dir(parent(path)) {
            return Err(Refused::NoParent);
        }
        if state.has_dir(Some(path)) {
            return Err(Refused::Exists);
        }
        state.revision += 1;
        let file = File {
            data,
            modified: now(),
            revision: state.revision,
        };
        Ok(state.entries.insert(path.to_owned(), Entry::File(file)).is_none())
    }

    fn make_dir(&self, path: &str) -> Result<(), Refused> {
        let mut state = lock(&self.0);
        if state.entries.contains_key(path) {
            return Err(Refused::Exists);
        }
        if !state.has_dir(parent(path)) {
            return Err(Refused::NoParent);
        }
        state.entries.insert(path.to_owned(), Entry::Dir(now()));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), Refused> {
        let mut state = lock(&self.0);
        if path.is_empty() {
            return Err(Refused::ReadOnly);
        }
        state.entries.remove(path).ok_or(Refused::Missing)?;
        let below = format!("{path}/");
        state.entries.retain(|other, _| !other.starts_with(&below));
        Ok(())
    }
}
