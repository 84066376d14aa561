//! What has been learned of a server: which way of listing works, and where.

use std::collections::HashMap;

use zarr_fs::{Listing, Path};

/// A way of listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `PROPFIND`.
    WebDav,
    /// `GET` of the folder.
    Index,
    /// None that is known.
    None,
}

/// Trees that are kept apart; one more makes the session forget all, and learn anew.
const MAX_TREES: usize = 1024;

/// What has been learned of a server. A folder's way holds for all below it, until one of them is known better.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    trees: HashMap<Path, Way>,
    /// The server does not know the method `PROPFIND` (405, 501), or breaks at it.
    refuses_webdav: bool,
    /// Its index pages, which nothing shows the writer of, mark folders by a slash.
    pub(super) marks_folders: bool,
    worked: Option<Way>,
    failed: bool,
    hides: bool,
}

impl Knowledge {
    /// The way for `dir`, and whether a folder at or above it has been asked.
    pub(crate) fn way(&self, dir: &Path) -> Option<Way> {
        let mut next = Some(dir.clone());
        while let Some(dir) = next {
            if let Some(way) = self.trees.get(&dir) {
                return Some(*way);
            }
            next = dir.parent();
        }
        None
    }

    /// Remembers the way for `dir` and all below it.
    pub(crate) fn learn(&mut self, dir: &Path, way: Way) {
        match way {
            Way::None => self.failed = true,
            // What is weakest counts: a listing is believed for the whole session or not.
            Way::Index => self.worked = Some(Way::Index),
            Way::WebDav => {
                self.worked.get_or_insert(Way::WebDav);
            }
        }
        if self.way(dir) == Some(way) {
            return;
        }
        if self.trees.len() >= MAX_TREES {
            self.trees.clear();
        }
        self.trees.insert(dir.clone(), way);
    }

    /// Whether `PROPFIND` is worth a try where nothing is known.
    pub(crate) fn may_try_webdav(&self) -> bool {
        !self.refuses_webdav
    }

    /// Remembers that the server does not know the method.
    pub(crate) fn refuse_webdav(&mut self) {
        self.refuses_webdav = true;
    }

    /// Remembers that the server's WebDAV answers leave files out, as its indexes do.
    pub(crate) fn hides_files(&mut self) {
        self.hides = true;
    }

    /// How far listings can be believed: the best as long as nothing is known.
    pub(crate) fn listing(&self) -> Listing {
        match self.worked {
            Some(Way::Index) => Listing::VisibleOnly,
            Some(Way::WebDav) if self.hides => Listing::VisibleOnly,
            Some(Way::WebDav | Way::None) => Listing::Complete,
            None if self.failed => Listing::None,
            None => Listing::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn a_way_holds_below_its_folder() {
        let mut known = Knowledge::default();
        assert_eq!(known.way(&path("a/b")), None);
        known.learn(&path("a"), Way::Index);
        assert_eq!(known.way(&path("a/b/c")), Some(Way::Index));
        assert_eq!(known.way(&path("b")), None);
        assert_eq!(known.way(&Path::root()), None);
        known.learn(&path("a/b"), Way::None);
        assert_eq!(known.way(&path("a/b/c")), Some(Way::None));
        assert_eq!(known.way(&path("a/c")), Some(Way::Index));
        known.learn(&path("a/c"), Way::Index);
        assert_eq!(known.trees.len(), 2);
    }

    #[test]
    fn the_capability_is_lowered_once_known() {
        let mut known = Knowledge::default();
        assert_eq!(known.listing(), Listing::Complete);
        known.learn(&path("a"), Way::None);
        assert_eq!(known.listing(), Listing::None);
        known.learn(&path("b"), Way::WebDav);
        assert_eq!(known.listing(), Listing::Complete);
        known.learn(&path("c"), Way::Index);
        assert_eq!(known.listing(), Listing::VisibleOnly);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut known = Knowledge::default();
        for n in 0..3 * MAX_TREES {
            known.learn(&path(&format!("{n}")), Way::Index);
        }
        assert!(known.trees.len() <= MAX_TREES);
    }
}
