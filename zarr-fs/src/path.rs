//! A file's place inside a filesystem.

use std::fmt;

use crate::error::{Error, Result};

/// Longest path in bytes that is accepted; Google Cloud Storage stops at 1024, local filesystems at 4096.
pub const MAX_PATH_BYTES: usize = 4096;

/// A normalised path inside a filesystem: segments joined by `/`, relative to the filesystem's root.
///
/// Invariants, held by every constructor:
/// 1. no leading, trailing or doubled `/`; the root is the empty path;
/// 2. no segment is `.` or `..`;
/// 3. no control character (NUL included) anywhere;
/// 4. at most [`MAX_PATH_BYTES`] bytes of UTF-8.
///
/// The text is the name itself: nothing in it is percent-encoded.
///
/// ```
/// use zarr_fs::Path;
/// let path = Path::parse("a/b")?;
/// assert_eq!(path.join("zarr.json")?.as_str(), "a/b/zarr.json");
/// assert_eq!(path.name(), Some("b"));
/// assert!(Path::parse("a/../b").is_err());
/// # Ok::<(), zarr_fs::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String);

impl Path {
    /// The filesystem's root, the empty path.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Takes `text` as a path as it stands. One trailing `/` is dropped, so that `a/` names the same place as `a`.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if an invariant of [`Path`] does not hold.
    pub fn parse(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::root());
        }
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The path below `self` that `relative` names. An empty `relative` gives `self`.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if `relative` or the whole breaks an invariant of [`Path`].
    pub fn join(&self, relative: impl AsRef<str>) -> Result<Self> {
        let relative = Self::parse(relative)?;
        Self::parse(self.join_path(&relative).0)
    }

    /// The path below `self` that `relative` names; both are valid, so the segments of the whole are too.
    #[must_use]
    pub fn join_path(&self, relative: &Path) -> Self {
        match (self.is_root(), relative.is_root()) {
            (true, _) => relative.clone(),
            (_, true) => self.clone(),
            (false, false) => Self(format!("{}/{}", self.0, relative.0)),
        }
    }

    /// The path as text, without a leading or trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the filesystem's root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments from the root down; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The path without its last segment; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(
            self.0
                .rsplit_once('/')
                .map(|(parent, _)| parent.to_owned())
                .unwrap_or_default(),
        ))
    }

    /// What of `self` lies below `prefix`: the root if they are equal, `None` if `self` is not below it.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &Path) -> Option<Self> {
        if prefix.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&prefix.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "/" } else { &self.0 })
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn check(text: &str) -> Result<()> {
    let refuse = |reason| {
        Err(Error::InvalidPath {
            path: text.escape_debug().to_string(),
            reason,
        })
    };
    if text.len() > MAX_PATH_BYTES {
        return Err(Error::InvalidPath {
            path: format!("{}…", text.chars().take(64).collect::<String>().escape_debug()),
            reason: "longer than 4096 bytes",
        });
    }
    if text.chars().any(char::is_control) {
        return refuse("a control character");
    }
    for segment in text.split('/') {
        match segment {
            "" => return refuse("an empty segment"),
            "." | ".." => return refuse("a `.` or `..` segment"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_breaks_an_invariant() {
        for bad in ["/a", "a//b", "a/./b", "..", "a/..", "a\0b", "a\nb", "//", "a//"] {
            assert!(
                matches!(Path::parse(bad), Err(Error::InvalidPath { .. })),
                "{bad:?}"
            );
        }
        assert!(Path::parse("x".repeat(MAX_PATH_BYTES + 1)).is_err());
    }

    #[test]
    fn keeps_names_as_they_are() {
        for good in ["a", "a/b", "sp ace+&=%.json", "ünï/c", "...", "a\\b", "%2e%2e"] {
            assert_eq!(Path::parse(good).unwrap().as_str(), good);
        }
        assert!(Path::parse("").unwrap().is_root());
        assert!(Path::parse("/").unwrap().is_root());
    }

    #[test]
    fn joins_and_strips() {
        let a = Path::parse("a/b").unwrap();
        assert_eq!(a.join("c/d").unwrap().as_str(), "a/b/c/d");
        assert_eq!(a.join("").unwrap(), a);
        assert!(a.join("../c").is_err());
        assert_eq!(a.join("c").unwrap().strip_prefix(&a).unwrap().as_str(), "c");
        assert_eq!(Path::parse("a/bc").unwrap().strip_prefix(&a), None);
        assert_eq!(a.parent().unwrap().as_str(), "a");
        assert_eq!(a.parent().unwrap().parent(), Some(Path::root()));
        assert_eq!(Path::root().parent(), None);
    }
}
