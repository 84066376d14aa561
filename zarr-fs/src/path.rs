//! A file's place inside a filesystem.

use std::fmt;
use std::sync::Arc;

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
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(
    /// `None` is the root. Shared, because each call names its path in several places: where it is listed, in its errors, in
    /// what it finds.
    Option<Arc<str>>,
);

impl Path {
    /// The filesystem's root, the empty path.
    #[must_use]
    pub const fn root() -> Self {
        Self(None)
    }

    /// Takes `text` as a path as it stands. One trailing `/` is dropped, so that `a/` names the same place as `a`.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if an invariant of [`Path`] does not hold.
    pub fn parse(text: impl AsRef<str>) -> Result<Self> {
        let text = without_slash(text.as_ref());
        if text.is_empty() {
            return Ok(Self::root());
        }
        check(text)?;
        Ok(Self(Some(text.into())))
    }

    /// The path below `self` that `relative` names. An empty `relative` gives `self`.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if `relative` or the whole breaks an invariant of [`Path`].
    pub fn join(&self, relative: impl AsRef<str>) -> Result<Self> {
        let relative = without_slash(relative.as_ref());
        if relative.is_empty() {
            return Ok(self.clone());
        }
        check(relative)?;
        let whole = self.followed_by(relative);
        check_length(&whole)?;
        Ok(Self(Some(whole.into())))
    }

    /// The path below `self` that `relative` names; both are valid, so the segments of the whole are too.
    #[must_use]
    pub fn join_path(&self, relative: &Path) -> Self {
        match (self.is_root(), relative.is_root()) {
            (true, _) => relative.clone(),
            (_, true) => self.clone(),
            (false, false) => Self(Some(self.followed_by(relative.as_str()).into())),
        }
    }

    fn followed_by(&self, relative: &str) -> String {
        match &self.0 {
            None => relative.to_owned(),
            Some(path) => format!("{path}/{relative}"),
        }
    }

    /// The path as text, without a leading or trailing `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether this is the filesystem's root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// The segments from the root down; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.as_str().split('/').filter(|segment| !segment.is_empty())
    }

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The path without its last segment; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let path = self.0.as_deref()?;
        let parent = path.rsplit_once('/').map(|(parent, _)| parent.into());
        Some(Self(parent))
    }

    /// What of `self` lies below `prefix`: the root if they are equal, `None` if `self` is not below it.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &Path) -> Option<Self> {
        let Some(prefix) = prefix.0.as_deref() else {
            return Some(self.clone());
        };
        let rest = self.as_str().strip_prefix(prefix)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| Self(Some(rest.into())))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("/"))
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl std::str::FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

fn check_length(text: &str) -> Result<()> {
    if text.len() > MAX_PATH_BYTES {
        return Err(Error::InvalidPath {
            path: format!("{}…", text.chars().take(64).collect::<String>().escape_debug()),
            reason: "longer than 4096 bytes",
        });
    }
    Ok(())
}

fn check(text: &str) -> Result<()> {
    let refuse = |reason| {
        Err(Error::InvalidPath {
            path: text.escape_debug().to_string(),
            reason,
        })
    };
    check_length(text)?;
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
        assert!(a.join("x".repeat(MAX_PATH_BYTES - 3)).is_err());
        assert!(a.join("x".repeat(MAX_PATH_BYTES - 4)).is_ok());
        assert_eq!(a.join("c").unwrap().strip_prefix(&a).unwrap().as_str(), "c");
        assert_eq!(Path::parse("a/bc").unwrap().strip_prefix(&a), None);
        assert_eq!(a.parent().unwrap().as_str(), "a");
        assert_eq!(a.parent().unwrap().parent(), Some(Path::root()));
        assert_eq!(Path::root().parent(), None);
    }
}
