//! Keys that belong to no node, and chunks that lie outside the chunk grid.

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
            let message = format!("{key}: belongs to no array");
            return Some(Finding::new(lint::STRAY_KEY, "/", message).at(place(None)));
        };
        let relative = key[path.len()..].trim_start_matches('/');
        let metadata = array.metadata();
        // Of an array whose grid or keys are not known, nothing is known.
        let (Ok(keys), Ok(grid)) = (metadata.chunk_key_encoding(), metadata.chunk_grid()) else {
            return None;
        };
        let shape = metadata.shape();
        let Some(chunk) = keys.chunk(relative, shape.len()) else {
            let message = format!("{key}: not the key of a chunk");
            return Some(Finding::new(lint::STRAY_KEY, format!("/{path}"), message).at(place(None)));
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
