//! What Apache's `CheckSpelling` does with a name that is missing: it sends the client to the one that is alike, or lists them.

use ::http::StatusCode;
use ::http::header::LOCATION;

use super::{HttpApp, Target, page};
use crate::server::Answer;

impl HttpApp {
    /// The answer for `target`, of which nothing is there: of its missing segment a neighbour that is alike, with the rest
    /// behind it.
    pub(super) fn correct(&self, target: &Target) -> Option<Answer> {
        let segments: Vec<&str> = target.path.split('/').collect();
        let missing = (0..segments.len()).find(|at| self.tree.look(&segments[..=*at].join("/")).is_none())?;
        let wanted = segments[missing];
        let folder = segments[..missing].join("/");
        if wanted.chars().count() == 1 {
            // It takes `.` for a neighbour too.
            let path = super::index::apache_escape(&format!("{}/{folder}/", self.options.base));
            return Some(page(StatusCode::MOVED_PERMANENTLY).header(LOCATION, &path));
        }
        let alike: Vec<String> = self
            .tree
            .list(&folder)
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| is_alike(name, wanted))
            .collect();
        let [name] = alike.as_slice() else {
            return (!alike.is_empty()).then(|| page(StatusCode::MULTIPLE_CHOICES));
        };
        let mut found = segments.clone();
        found[missing] = name;
        let slash = if target.is_dir { "/" } else { "" };
        let path = super::index::apache_escape(&format!("{}/{}{slash}", self.options.base, found.join("/")));
        Some(page(StatusCode::MOVED_PERMANENTLY).header(LOCATION, &path))
    }
}

/// One character more, less or other; or the same up to the first dot.
fn is_alike(a: &str, b: &str) -> bool {
    let stem = |name: &str| name.split('.').next().map(str::to_owned);
    let same = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b, a_stem, b_stem) = (a.as_bytes(), b.as_bytes(), stem(a), stem(b));
    let (front, longest) = (same(a, b), a.len().max(b.len()));
    let reversed = |name: &[u8]| name.iter().rev().copied().collect::<Vec<u8>>();
    let back = same(&reversed(a), &reversed(b));
    a_stem == b_stem || (a.len().abs_diff(b.len()) <= 1 && front + back + 1 >= longest)
}
