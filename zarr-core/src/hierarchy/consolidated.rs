//! [`Consolidated`]: the nodes that a group's consolidated metadata names.
//!
//! It is a cache that somebody wrote, so each entry is taken for itself: its name is checked before a path is made of it,
//! its document is parsed when the node is asked for, and a bad one is reported without hiding the rest.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::context::Context;
use super::documents::ensure_object;
use super::member::{Broken, Member};
use super::node::{Node, NodeCore};
use super::warning::Warning;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::ZarrFormat;
use crate::metadata::json::Object;
use crate::metadata::{
    ArrayMetadata, GroupMetadata, Json, MetadataError, NodeMetadata, ZARR_JSON, ZARRAY, ZATTRS, ZGROUP,
    ZMETADATA,
};
use crate::node_path::NodePath;

/// The nodes that a group's consolidated metadata names.
#[derive(Debug)]
pub(crate) struct Consolidated {
    /// The group that holds the document.
    root: NodePath,
    format: ZarrFormat,
    /// By path from the store's base.
    entries: BTreeMap<NodePath, Entry>,
    /// Keys that are no path of a node, as they are written, and why.
    bad: Vec<(String, String)>,
}

/// The documents of one node; parsed when the node is first asked for.
#[derive(Debug)]
struct Entry {
    is_array: bool,
    stored: Mutex<Stored>,
    parsed: OnceLock<Result<Parsed, Refused>>,
}

#[derive(Debug, Default)]
struct Stored {
    zarr_json: Option<Json>,
    zarray: Option<Json>,
    zgroup: Option<Json>,
    zattrs: Option<Json>,
}

#[derive(Debug)]
enum Parsed {
    Array(Arc<ArrayMetadata>),
    Group(Arc<GroupMetadata>),
    /// Attributes alone make no node.
    Nothing,
}

/// An error and the document that it is in.
#[derive(Clone, Debug)]
struct Refused {
    document: &'static str,
    error: MetadataError,
}

impl Entry {
    fn new(stored: Stored) -> Self {
        let node_type = stored.zarr_json.as_ref().and_then(|json| json.get("node_type"));
        Self {
            is_array: stored.zarray.is_some() || node_type.and_then(Json::as_str) == Some("array"),
            stored: Mutex::new(stored),
            parsed: OnceLock::new(),
        }
    }

    fn parsed(&self) -> &Result<Parsed, Refused> {
        self.parsed.get_or_init(|| {
            std::mem::take(&mut *self.stored.lock().unwrap_or_else(PoisonError::into_inner)).parse()
        })
    }
}

impl Stored {
    fn parse(self) -> Result<Parsed, Refused> {
        let refused = |document| move |error| Refused { document, error };
        if let Some(json) = self.zarr_json {
            return Ok(
                match NodeMetadata::from_v3_json(json).map_err(refused(ZARR_JSON))? {
                    NodeMetadata::Array(metadata) => Parsed::Array(Arc::new(*metadata)),
                    NodeMetadata::Group(metadata) => Parsed::Group(Arc::new(metadata)),
                },
            );
        }
        if let (Some(_), Some(json)) = (self.zarray.as_ref().or(self.zgroup.as_ref()), &self.zattrs) {
            ensure_object(json).map_err(refused(ZATTRS))?;
        }
        if let Some(json) = self.zarray {
            let metadata = ArrayMetadata::from_v2_json(json, self.zattrs).map_err(refused(ZARRAY))?;
            return Ok(Parsed::Array(Arc::new(metadata)));
        }
        let Some(json) = self.zgroup else {
            return Ok(Parsed::Nothing);
        };
        let metadata = GroupMetadata::from_v2_json(json, self.zattrs).map_err(refused(ZGROUP))?;
        Ok(Parsed::Group(Arc::new(metadata)))
    }
}

impl Consolidated {
    /// Takes the value of `consolidated_metadata` in the group `root`.
    ///
    /// ```json
    /// {"kind": "inline", "must_understand": false, "metadata": {"a/b": {"zarr_format": 3, ...}}}
    /// ```
    pub(crate) fn from_v3(root: &NodePath, inline: Json) -> Result<Self, MetadataError> {
        let mut inline = into_object(inline)?;
        match inline.get("kind") {
            Some(kind) if kind.as_str() == Some("inline") => {}
            Some(kind) => return Err(MetadataError::invalid("\"inline\"", kind).within("kind")),
            None => return Err(MetadataError::mismatch("\"inline\"", "nothing").within("kind")),
        }
        let metadata = take_metadata(&mut inline)?;
        let mut parsed = Self::new(root, ZarrFormat::V3);
        for (key, json) in metadata {
            match parsed.path_of(&key) {
                Ok(path) => {
                    let stored = Stored {
                        zarr_json: Some(json),
                        ..Stored::default()
                    };
                    parsed.entries.insert(path, Entry::new(stored));
                }
                Err(reason) => parsed.bad.push((key, reason)),
            }
        }
        Ok(parsed)
    }

    /// Takes a `.zmetadata` document of the group `root`.
    ///
    /// ```json
    /// {"zarr_consolidated_format": 1, "metadata": {".zgroup": {...}, "a/b/.zarray": {...}, "a/b/.zattrs": {...}}}
    /// ```
    pub(crate) fn from_v2(root: &NodePath, document: Json) -> Result<Self, MetadataError> {
        let mut document = into_object(document)?;
        match document.get("zarr_consolidated_format") {
            Some(format) if format.as_u64() == Some(1) => {}
            Some(format) => {
                return Err(MetadataError::invalid("1", format).within("zarr_consolidated_format"));
            }
            None => {
                return Err(MetadataError::mismatch("1", "nothing").within("zarr_consolidated_format"));
            }
        }
        let metadata = take_metadata(&mut document)?;
        let mut parsed = Self::new(root, ZarrFormat::V2);
        let mut nodes = BTreeMap::new();
        for (key, json) in metadata {
            let (node, name) = match key.rsplit_once('/') {
                Some((node, name)) => (Some(node), name),
                None => (None, key.as_str()),
            };
            if ![ZARRAY, ZGROUP, ZATTRS].contains(&name) {
                parsed.bad.push((key, "no v2 metadata document".to_owned()));
                continue;
            }
            // The group's own documents were read; what is repeated here may be stale.
            let Some(node) = node else { continue };
            let path = match parsed.path_of(node) {
                Ok(path) => path,
                Err(reason) => {
                    parsed.bad.push((key, reason));
                    continue;
                }
            };
            let stored: &mut Stored = nodes.entry(path).or_default();
            match name {
                ZARRAY => stored.zarray = Some(json),
                ZGROUP => stored.zgroup = Some(json),
                _ => stored.zattrs = Some(json),
            }
        }
        parsed.entries = nodes
            .into_iter()
            .map(|(path, stored)| (path, Entry::new(stored)))
            .collect();
        Ok(parsed)
    }

    fn new(root: &NodePath, format: ZarrFormat) -> Self {
        Self {
            root: root.clone(),
            format,
            entries: BTreeMap::new(),
            bad: Vec::new(),
        }
    }

    /// A key as the path of a node below the root. It reaches nothing outside.
    fn path_of(&self, key: &str) -> Result<NodePath, String> {
        let reason = |error| match error {
            Error::InvalidNodePath { reason, .. } => reason.to_owned(),
            other => other.to_string(),
        };
        if key.is_empty() {
            return Err("an empty name".to_owned());
        }
        let path = self.root.join(key).map_err(reason)?;
        for name in key.split('/') {
            NodePath::check_name(name, self.format).map_err(reason)?;
        }
        Ok(path)
    }

    /// The group that holds the document.
    pub(crate) fn root(&self) -> &NodePath {
        &self.root
    }

    /// Whether it names nothing at all. Groups in consolidated metadata carry an empty one of their own, which says
    /// nothing; a reader that meets one alone cannot tell it from an empty group's.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.bad.is_empty()
    }

    /// The node at `path`; `None` if the metadata does not name it.
    pub(crate) fn get(self: &Arc<Self>, context: &Arc<Context>, path: &NodePath) -> Option<Result<Node>> {
        let entry = self.entries.get(path)?;
        self.node(context, path, entry).transpose()
    }

    /// What it names below `group`, at most `max_depth` levels down: level by level, by path in each.
    pub(crate) fn below(self: &Arc<Self>, group: &NodePath, max_depth: usize) -> Vec<NodePath> {
        let start = if group.is_root() {
            Bound::Unbounded
        } else {
            Bound::Excluded(group.clone())
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

    /// The entries whose names are no paths, if `group` is the one that holds the document.
    pub(crate) fn bad_entries(&self, context: &Context, group: &NodePath) -> Vec<Member> {
        if *group != self.root {
            return Vec::new();
        }
        let key_url = self.key_url(context);
        let bad = self.bad.iter().map(|(key, reason)| {
            let error = MetadataError::mismatch("the path of a node", reason.clone());
            Member::Broken(Broken {
                path: format!(
                    "{}/{key}",
                    if self.root.is_root() {
                        String::new()
                    } else {
                        self.root.to_string()
                    }
                ),
                node_path: None,
                error: Error::metadata(key_url.clone(), self.place(key, error)),
            })
        });
        bad.collect()
    }

    /// The entry at `path`, as a member; `None` if it makes no node.
    pub(crate) fn member(self: &Arc<Self>, context: &Arc<Context>, path: &NodePath) -> Option<Member> {
        match self.get(context, path)? {
            Ok(node) => Some(Member::Node(node)),
            Err(error) => Some(Member::broken(path, error)),
        }
    }

    fn node(
        self: &Arc<Self>,
        context: &Arc<Context>,
        path: &NodePath,
        entry: &Entry,
    ) -> Result<Option<Node>> {
        let relative = path.strip_prefix(&self.root).unwrap_or_default();
        let refused = |name: &str, error: MetadataError| {
            let key = match self.format {
                ZarrFormat::V3 => relative.as_relative().to_owned(),
                ZarrFormat::V2 => relative.key(name),
            };
            Error::metadata(self.key_url(context), self.place(&key, error))
        };
        let mut core = NodeCore::new(context, path.clone());
        for group in relative.ancestors().skip(1) {
            let group = self.root.join(group.as_relative())?;
            match self.entries.get(&group) {
                Some(entry) if entry.is_array => {
                    let error =
                        MetadataError::mismatch("a node in a group", format!("a node in the array {group}"));
                    return Err(refused("", error));
                }
                Some(_) => {}
                None => core.warnings = vec![Warning::ParentNotConsolidated { parent: group }],
            }
        }
        match entry.parsed() {
            Err(Refused { document, error }) => Err(refused(document, error.clone())),
            Ok(Parsed::Nothing) => Ok(None),
            Ok(Parsed::Array(metadata)) => Ok(Some(Node::Array(Array {
                core,
                metadata: Arc::clone(metadata),
            }))),
            Ok(Parsed::Group(metadata)) => Ok(Some(Node::Group(Group {
                core,
                metadata: Arc::clone(metadata),
                consolidated: Some(Arc::clone(self)),
            }))),
        }
    }

    fn key_url(&self, context: &Context) -> String {
        let name = match self.format {
            ZarrFormat::V3 => ZARR_JSON,
            ZarrFormat::V2 => ZMETADATA,
        };
        context.store.key_url(&self.root.key(name))
    }

    /// Puts the place of an entry in front of an error's.
    fn place(&self, key: &str, error: MetadataError) -> MetadataError {
        let error = error.within(key).within("metadata");
        match self.format {
            ZarrFormat::V3 => error.within("consolidated_metadata"),
            ZarrFormat::V2 => error,
        }
    }
}

fn into_object(json: Json) -> Result<Object, MetadataError> {
    match json {
        Json::Object(object) => Ok(object),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Err(MetadataError::invalid("an object", &other))
        }
    }
}

fn take_metadata(object: &mut Object) -> Result<Object, MetadataError> {
    match object.remove("metadata") {
        Some(json) => into_object(json).map_err(|error| error.within("metadata")),
        None => Err(MetadataError::mismatch("an object", "nothing").within("metadata")),
    }
}
