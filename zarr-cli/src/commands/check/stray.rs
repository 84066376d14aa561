//! Keys that belong to no node, and chunks that lie outside the chunk grid.
//!
//! Files of other kinds among those of Zarr are nothing wrong: there are formats that put tables beside their arrays.

use std::collections::{BTreeSet, HashMap};

use zarr_core::{Array, NodePath};

use super::Checked;
use crate::lint::{self, Finding, Place};
use crate::usage;

/// What a hierarchy is made of, by path without the leading slash.
#[derive(Debug)]
pub(super) struct Known<'a> {
    nodes: BTreeSet<&'a str>,
    arrays: HashMap<&'a str, &'a Array>,
    /// Places of which nothing is known, because they could not be read or listed.
    blind: Vec<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn new(checked: &'a Checked) -> Self {
        Self {
            nodes: checked.places.iter().map(NodePath::as_relative).collect(),
            arrays: checked
                .arrays
                .iter()
                .map(|(path, array)| (path.as_relative(), array))
                .collect(),
            blind: checked.blind.iter().map(|path| path.trim_matches('/')).collect(),
        }
    }

    /// What is wrong with a key, if something is.
    pub(super) fn look(&self, key: &str) -> Option<Finding> {
        let is_below = |place: &&str| {
            key.strip_prefix(*place)
                .is_some_and(|rest| place.is_empty() || rest.starts_with('/'))
        };
        if self.blind.iter().any(is_below) {
            return None;
        }
        let place = |chunk: Option<Vec<u64>>| Place {
            key: key.to_owned(),
            chunk,
            ..Place::default()
        };
        if usage::is_document(key) {
            let node = key.rsplit_once('/').map_or("", |(node, _)| node);
            let message = format!("{key}: a document that makes no node here");
            return (!self.nodes.contains(node))
                .then(|| Finding::new(lint::STRAY_KEY, format!("/{node}"), message).at(place(None)));
        }
        let Some((path, array)) = self.array_of(key) else {
            return Some(stray(key, "/", "belongs to no array").at(place(None)));
        };
        let relative = key[path.len()..].trim_start_matches('/');
        let metadata = array.metadata();
        // Of an array whose grid or keys are not known, nothing is known.
        let (Ok(keys), Ok(grid)) = (metadata.chunk_key_encoding(), metadata.chunk_grid()) else {
            return None;
        };
        let shape = metadata.shape();
        let Some(chunk) = keys.chunk(relative, shape.len()) else {
            return Some(stray(key, &format!("/{path}"), "not the key of a chunk").at(place(None)));
        };
        let counts: Vec<u64> = grid
            .axes()
            .iter()
            .zip(shape)
            .map(|(axis, length)| axis.chunk_count(*length))
            .collect();
        if chunk.iter().zip(&counts).all(|(at, count)| at < count) {
            return None;
        }
        let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>();
        let message = format!(
            "{key} (chunk {}): outside the grid of {} chunks",
            list(&chunk).join(","),
            list(&counts).join("×")
        );
        Some(Finding::new(lint::OUTSIDE_GRID, format!("/{path}"), message).at(place(Some(chunk))))
    }

    /// The deepest array that a key lies in.
    fn array_of<'k>(&self, key: &'k str) -> Option<(&'k str, &'a Array)> {
        let mut path = key;
        while let Some((parent, _)) = path.rsplit_once('/') {
            if let Some(array) = self.arrays.get(parent) {
                return Some((parent, array));
            }
            path = parent;
        }
        self.arrays.get("").map(|array| ("", *array))
    }
}

/// A key that is no document and no chunk: of a chunk that is lost, or of something else.
fn stray(key: &str, path: &str, what: &str) -> Finding {
    if looks_like_chunk(key) {
        return Finding::new(lint::STRAY_KEY, path, format!("{key}: {what}"));
    }
    let message = format!("{key}: neither a document nor a chunk");
    Finding::new(lint::FOREIGN_KEY, path, message)
}

/// Whether a key ends as those of chunks do, whatever array it is of: `0`, `0.1`, `c`, `c.0.1`, and `c/0/1`, whose end is `1`.
fn looks_like_chunk(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    let numbers = match name.strip_prefix('c') {
        Some("") => return true,
        Some(rest) => rest.strip_prefix('.'),
        None => Some(name),
    };
    let is_number = |text: &str| {
        let is_canonical = text == "0" || !text.starts_with('0');
        is_canonical && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
    };
    numbers.is_some_and(|numbers| numbers.split('.').all(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_numbers_for_names() {
        for key in ["0", "10", "a/0/10", "a/0.10", "c", "a/c", "a/c/0/1", "a/c.0.1"] {
            assert!(looks_like_chunk(key), "{key}");
        }
        for key in [
            "README.md",
            "c0",
            "a/c.",
            "c.x",
            "0.1.",
            ".0",
            "a/0.csv",
            "007",
            "a/2024.01",
            "points/points.parquet/part.0.parquet",
            "tables/0/table.csv",
            "",
        ] {
            assert!(!looks_like_chunk(key), "{key}");
        }
    }
}
