//! [`NodePath`]: a node's place in a hierarchy.

use std::fmt;

use crate::error::{Error, Result};
use crate::node_kind::ZarrFormat;

/// The path of a node in a hierarchy, shown as `/a/b`; the root is `/`.
///
/// Invariants, held by every constructor:
/// 1. no empty, `.` or `..` segment;
/// 2. no control character (NUL included) and no backslash, which some filesystems take for a separator;
/// 3. at most [`zarr_fs::MAX_PATH_BYTES`] bytes of UTF-8.
///
/// So a node path, hostile or not, names no key outside its store. The formats have rules of their own on top, which hold
/// where nodes are created: [`NodePath::check_name`]. What a group holds under a name that breaks any of these rules is
/// told as a broken member, never left out.
///
/// ```
/// use zarr_core::NodePath;
/// let path = NodePath::parse("/a")?.join("b/c")?;
/// assert_eq!(path.to_string(), "/a/b/c");
/// assert_eq!(path.key("zarr.json"), "a/b/c/zarr.json");
/// assert!(NodePath::parse("a/../b").is_err());
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodePath(String);

impl NodePath {
    /// The root of a hierarchy.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Takes `text` as it stands; one leading and one trailing slash may be there or not.
    ///
    /// # Errors
    /// [`Error::InvalidNodePath`] if an invariant of [`NodePath`] does not hold.
    pub fn parse(text: impl AsRef<str>) -> Result<Self> {
        let whole = text.as_ref();
        let text = whole.strip_prefix('/').unwrap_or(whole);
        let text = if whole == "/" {
            ""
        } else {
            text.strip_suffix('/').unwrap_or(text)
        };
        if text.is_empty() && whole.len() <= 1 {
            return Ok(Self::root());
        }
        check(text).map_err(|reason| invalid(whole, reason))?;
        Ok(Self(text.to_owned()))
    }

    /// Takes `text` as the v2 specification says: backslashes are slashes, slashes around it are dropped, rows of slashes
    /// are one.
    ///
    /// # Errors
    /// [`Error::InvalidNodePath`] if an invariant of [`NodePath`] does not hold after that.
    ///
    /// Spec: Zarr v2, "Logical storage paths" <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#logical-storage-paths>.
    pub fn normalize_v2(text: impl AsRef<str>) -> Result<Self> {
        let segments: Vec<&str> = text
            .as_ref()
            .split(['/', '\\'])
            .filter(|segment| !segment.is_empty())
            .collect();
        let path = segments.join("/");
        if path.is_empty() {
            return Ok(Self::root());
        }
        check(&path).map_err(|reason| invalid(text.as_ref(), reason))?;
        Ok(Self(path))
    }

    /// The path below `self` that `relative` names. An empty `relative` gives `self`; a leading slash is refused, for the
    /// one who wrote it meant another place.
    ///
    /// # Errors
    /// [`Error::InvalidNodePath`] if `relative` or the whole breaks an invariant of [`NodePath`].
    pub fn join(&self, relative: impl AsRef<str>) -> Result<Self> {
        let relative = relative.as_ref();
        if relative.is_empty() {
            return Ok(self.clone());
        }
        check(relative).map_err(|reason| invalid(relative, reason))?;
        if self.is_root() {
            return Ok(Self(relative.to_owned()));
        }
        let whole = format!("{}/{relative}", self.0);
        if whole.len() > zarr_fs::MAX_PATH_BYTES {
            return Err(invalid(relative, TOO_LONG));
        }
        Ok(Self(whole))
    }

    /// Checks a node's name against the rules of `format`.
    ///
    /// In v3 a name does not start with `__`, is not made of dots alone and is not `zarr.json`; in v2 it is not one of
    /// the names of the metadata documents.
    ///
    /// # Errors
    /// [`Error::InvalidNodePath`].
    ///
    /// Spec: Zarr v3 core, "Node names" <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#node-names>.
    pub fn check_name(name: &str, format: ZarrFormat) -> Result<()> {
        check(name).map_err(|reason| invalid(name, reason))?;
        let broken = match format {
            _ if name.contains('/') => Some("a name holds no `/`"),
            ZarrFormat::V3 if name.starts_with("__") => Some("names that start with `__` are reserved"),
            ZarrFormat::V3 if name.chars().all(|c| c == '.') => Some("a name of dots alone"),
            ZarrFormat::V3 if name == "zarr.json" => Some("the name of a metadata document"),
            ZarrFormat::V2 if [".zarray", ".zgroup", ".zattrs", ".zmetadata"].contains(&name) => {
                Some("the name of a metadata document")
            }
            ZarrFormat::V2 | ZarrFormat::V3 => None,
        };
        broken.map_or(Ok(()), |reason| Err(invalid(name, reason)))
    }

    /// Checks every name of the path: [`NodePath::check_name`].
    ///
    /// # Errors
    /// [`Error::InvalidNodePath`].
    pub fn check_names(&self, format: ZarrFormat) -> Result<()> {
        self.segments()
            .try_for_each(|name| Self::check_name(name, format))
    }

    /// The error of a name that stands in a listing and that no node path can have.
    pub(crate) fn refused(name: &str, reason: &'static str) -> Error {
        invalid(name, reason)
    }

    /// The path as text without its leading slash: `a/b`, and nothing for the root.
    #[must_use]
    pub fn as_relative(&self) -> &str {
        &self.0
    }

    /// The key of something that lies in the node: a document or a chunk.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        if self.is_root() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.0)
        }
    }

    /// What `name`, which may be no valid name, would be below this path: for messages only.
    pub(crate) fn child_text(&self, name: &str) -> String {
        format!("/{}", self.key(name))
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names from the root down; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// How many names the path has; 0 for the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments().count()
    }

    /// The last name; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.segments().next_back()
    }

    /// The path of the group that holds this node; `None` for the root.
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

    /// The groups that hold this node, from the root down; none for the root.
    pub fn ancestors(&self) -> impl DoubleEndedIterator<Item = Self> {
        let mut ancestors: Vec<Self> = std::iter::successors(self.parent(), Self::parent).collect();
        ancestors.reverse();
        ancestors.into_iter()
    }

    /// What of `self` lies below `group`: the root if they are equal, `None` if `self` is not below it.
    #[must_use]
    pub fn strip_prefix(&self, group: &NodePath) -> Option<Self> {
        if group.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&group.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        rest.strip_prefix('/').map(|rest| Self(rest.to_owned()))
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

impl std::str::FromStr for NodePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

const TOO_LONG: &str = "longer than 4096 bytes";

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > zarr_fs::MAX_PATH_BYTES {
        return Err(TOO_LONG);
    }
    for segment in text.split('/') {
        match segment {
            "" => return Err("an empty name"),
            "." | ".." => return Err("a `.` or `..` name"),
            _ => {}
        }
    }
    if text.contains('\\') {
        return Err("a backslash");
    }
    if text.chars().any(char::is_control) {
        return Err("a control character");
    }
    Ok(())
}

fn invalid(text: &str, reason: &'static str) -> Error {
    const MOST: usize = 128;
    let path = match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    Error::InvalidNodePath { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_hostile_paths() {
        for bad in [
            "..",
            "a/..",
            "../../etc/x",
            "a//b",
            "//",
            "//a",
            "a//",
            ".",
            "a/./b",
            "a\0b",
            "..\\x",
            "a\\b",
            "a\nb",
        ] {
            assert!(NodePath::parse(bad).is_err(), "{bad:?}");
            assert!(NodePath::root().join(bad).is_err(), "{bad:?}");
        }
        assert!(NodePath::root().join("/a").is_err());
        assert!(NodePath::root().join("a/").is_err());
        assert!(NodePath::parse("x".repeat(5000)).is_err());
        let long = NodePath::parse("x".repeat(4000)).unwrap();
        assert!(long.join("y".repeat(200)).is_err());
    }

    #[test]
    fn takes_ordinary_paths() {
        for (text, shown) in [
            ("", "/"),
            ("/", "/"),
            ("a", "/a"),
            ("/a/b/", "/a/b"),
            ("größe/数据", "/größe/数据"),
            ("with space/a.b/...", "/with space/a.b/..."),
        ] {
            assert_eq!(NodePath::parse(text).unwrap().to_string(), shown, "{text:?}");
        }
        assert_eq!(NodePath::root().join("").unwrap(), NodePath::root());
        assert_eq!(NodePath::root().key(".zgroup"), ".zgroup");
    }

    #[test]
    fn normalizes_as_v2_says() {
        for (text, shown) in [
            ("a\\b", "/a/b"),
            ("//a///b//", "/a/b"),
            ("\\", "/"),
            ("", "/"),
            ("a", "/a"),
        ] {
            assert_eq!(
                NodePath::normalize_v2(text).unwrap().to_string(),
                shown,
                "{text:?}"
            );
        }
        for bad in ["a/../b", "..\\..", "a/.", "a\0"] {
            assert!(NodePath::normalize_v2(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_follow_their_format() {
        use ZarrFormat::{V2, V3};
        for (name, v2, v3) in [
            ("a", true, true),
            ("__a", true, false),
            ("_a", true, true),
            ("...", true, false),
            ("zarr.json", true, false),
            (".zarray", false, true),
            ("a/b", false, false),
            ("", false, false),
            ("..", false, false),
        ] {
            assert_eq!(NodePath::check_name(name, V2).is_ok(), v2, "{name:?}");
            assert_eq!(NodePath::check_name(name, V3).is_ok(), v3, "{name:?}");
        }
        assert!(NodePath::parse("a/__b").unwrap().check_names(V3).is_err());
    }

    #[test]
    fn goes_up_and_down() {
        let path = NodePath::parse("a/b/c").unwrap();
        let up: Vec<String> = path.ancestors().map(|p| p.to_string()).collect();
        assert_eq!(up, ["/", "/a", "/a/b"]);
        assert_eq!(path.depth(), 3);
        assert_eq!(path.name(), Some("c"));
        let a = NodePath::parse("a").unwrap();
        assert_eq!(path.strip_prefix(&a).unwrap().to_string(), "/b/c");
        assert_eq!(NodePath::parse("ab").unwrap().strip_prefix(&a), None);
        assert_eq!(a.strip_prefix(&a).unwrap(), NodePath::root());
        assert_eq!(NodePath::root().ancestors().count(), 0);
    }
}
