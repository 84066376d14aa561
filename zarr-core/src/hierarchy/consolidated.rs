//! [`Consolidated`]: consolidated metadata in its place in a hierarchy.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::context::Context;
use super::member::{Broken, Member};
use super::node::{Node, NodeCore};
use super::warning::Warning;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::{
    ArrayMetadata, ConsolidatedMetadata, GroupMetadata, MetadataError, NodeMetadata, ZARR_JSON, ZATTRS,
    ZMETADATA, ZarrFormat,
};
use crate::node_path::NodePath;

/// The nodes that a group's consolidated metadata names, by path from the store's base.
///
/// It is a cache that somebody wrote: each entry stands for itself, and a bad one is reported without hiding the rest.
#[derive(Debug)]
pub(crate) struct Consolidated {
    /// The group that holds the document.
    root: NodePath,
    format: ZarrFormat,
    entries: BTreeMap<NodePath, Entry>,
    /// Keys that name no node, as they are written, and why.
    refused: Vec<(String, MetadataError)>,
}

#[derive(Debug)]
enum Entry {
    Array(Arc<ArrayMetadata>),
    Group(Arc<GroupMetadata>),
    Bad(MetadataError),
}

impl Consolidated {
    /// Puts what the group `root` holds in its place.
    pub(crate) fn new(root: &NodePath, format: ZarrFormat, metadata: ConsolidatedMetadata) -> Self {
        // Attributes alone make no node, here as in the store.
        let is_stray = |key: &str| {
            let node = key
                .strip_suffix(ZATTRS)
                .map(|node| node.strip_suffix('/').unwrap_or(node));
            node.is_some_and(|node| format == ZarrFormat::V2 && root.join(node).is_ok())
        };
        let refused = metadata.refused().iter().filter(|entry| !is_stray(&entry.key));
        let refused = refused
            .map(|entry| (entry.key.clone(), entry.error.clone()))
            .collect();
        let mut parsed = Self {
            root: root.clone(),
            format,
            entries: BTreeMap::new(),
            refused,
        };
        for (path, node) in metadata.into_nodes() {
            // The group's own documents were read; what is repeated here may be stale.
            if path.is_root() {
                continue;
            }
            let entry = match node {
                Ok(NodeMetadata::Array(array)) => Entry::Array(Arc::new(*array)),
                Ok(NodeMetadata::Group(group)) => Entry::Group(Arc::new(group)),
                Err(error) => Entry::Bad(error),
            };
            match root.join(path.as_relative()) {
                Ok(path) => drop(parsed.entries.insert(path, entry)),
                Err(error) => {
                    let error = MetadataError::mismatch("the path of a node", error.to_string());
                    parsed.refused.push((path.as_relative().to_owned(), error));
                }
            }
        }
        parsed
    }

    /// The group that holds the document.
    pub(crate) fn root(&self) -> &NodePath {
        &self.root
    }

    /// Whether it names nothing at all. Groups in consolidated metadata carry an empty one of their own, which says
    /// nothing; a reader that meets one alone cannot tell it from an empty group's.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.refused.is_empty()
    }

    /// The node at `path`; `None` if the metadata does not name it.
    pub(crate) fn get(self: &Arc<Self>, context: &Arc<Context>, path: &NodePath) -> Option<Result<Node>> {
        let entry = self.entries.get(path)?;
        let mut core = NodeCore::new(context, path.clone());
        let parent = path.parent().filter(|parent| *parent != self.root);
        if let Some(parent) = parent.filter(|parent| !self.entries.contains_key(parent)) {
            core.warnings.push(Warning::ParentNotConsolidated { parent });
        }
        Some(match entry {
            Entry::Bad(error) => Err(self.error(context, error)),
            Entry::Array(metadata) => Ok(Node::Array(Array::new(core, Arc::clone(metadata)))),
            Entry::Group(metadata) => Ok(Node::Group(Group {
                core,
                metadata: Arc::clone(metadata),
                consolidated: Some(Arc::clone(self)),
            })),
        })
    }

    /// What it names below `group`, at most `max_depth` levels down: level by level, by path in each.
    pub(crate) fn below(&self, group: &NodePath, max_depth: usize) -> Vec<NodePath> {
        let start = if group.is_root() {
            Bound::Unbounded
        } else {
            Bound::Excluded(group)
        };
        let mut below: Vec<(usize, &NodePath)> = self
            .entries
            .range((start, Bound::Unbounded))
            .take_while(|(path, _)| path.as_relative().starts_with(group.as_relative()))
            .filter_map(|(path, _)| Some((path.strip_prefix(group)?.depth(), path)))
            .filter(|(depth, _)| (1..=max_depth).contains(depth))
            .collect();
        below.sort();
        below.into_iter().map(|(_, path)| path.clone()).collect()
    }

    /// The keys that name no node, if `group` is the one that holds the document.
    pub(crate) fn refused(&self, context: &Context, group: &NodePath) -> Vec<Member> {
        if *group != self.root {
            return Vec::new();
        }
        let refused = self.refused.iter().map(|(key, error)| {
            Member::Broken(Broken {
                path: self.root.child_text(key),
                node_path: None,
                error: self.error(context, error),
            })
        });
        refused.collect()
    }

    /// The entry at `path`, as a member.
    pub(crate) fn member(self: &Arc<Self>, context: &Arc<Context>, path: &NodePath) -> Option<Member> {
        Some(match self.get(context, path)? {
            Ok(node) => Member::Node(node),
            Err(error) => Member::broken(path, error),
        })
    }

    /// An entry's error, with the document and the place in it.
    fn error(&self, context: &Context, error: &MetadataError) -> Error {
        let error = error.clone();
        let error = match self.format {
            ZarrFormat::V3 => error.within("consolidated_metadata"),
            ZarrFormat::V2 => error,
        };
        Error::metadata(self.key_url(context), error)
    }

    fn key_url(&self, context: &Context) -> String {
        let name = match self.format {
            ZarrFormat::V3 => ZARR_JSON,
            ZarrFormat::V2 => ZMETADATA,
        };
        context.store.key_url(&self.root.key(name))
    }
}
