//! [`ConsolidatedMetadata`]: the documents of a whole hierarchy in one, of either format.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::document::{Document, ZARRAY, ZATTRS, ZGROUP};
use super::error::Within as _;
use super::json::{Json, Object};
use super::{ArrayMetadata, GroupMetadata, MetadataError, NodeMetadata, ZarrFormat};
use crate::node_path::NodePath;

const FIELD: &str = "consolidated_metadata";

/// The consolidated metadata of a group: what the nodes below it were when it was written.
///
/// It is a cache: a node may have changed or gone since. A key that is no path of node names, or lies below an array,
/// is refused by itself, and so is a document that breaks the specification: the healthy rest stays.
///
/// ```json
/// { "must_understand": false, "kind": "inline", "metadata": { "a/b": { "zarr_format": 3, "node_type": "group" } } }
/// { "zarr_consolidated_format": 1, "metadata": { ".zgroup": { "zarr_format": 2 }, "a/.zarray": {} } }
/// ```
/// The first is the member `consolidated_metadata` of a v3 group, the second the `.zmetadata` of a v2 one. Neither is in
/// a specification yet: both follow zarr-python.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConsolidatedMetadata {
    nodes: BTreeMap<NodePath, Result<NodeMetadata, MetadataError>>,
    refused: Vec<RefusedEntry>,
}

/// An entry that names no node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEntry {
    /// The key as it stands in the document: hostile, not to be used as one.
    pub key: String,
    /// Why it was refused, with its pointer from the consolidated metadata on.
    pub error: MetadataError,
}

impl ConsolidatedMetadata {
    /// The nodes by path, relative to the group, in the order of their paths; the group itself only in v2, as the root.
    /// A node whose document is broken is there with its error, whose pointer begins at the consolidated metadata.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&NodePath, &Result<NodeMetadata, MetadataError>)> {
        self.nodes.iter()
    }

    /// The nodes by path, as [`nodes`](Self::nodes).
    #[must_use]
    pub fn into_nodes(self) -> BTreeMap<NodePath, Result<NodeMetadata, MetadataError>> {
        self.nodes
    }

    /// The node at a path relative to the group.
    #[must_use]
    pub fn get(&self, path: &NodePath) -> Option<&Result<NodeMetadata, MetadataError>> {
        self.nodes.get(path)
    }

    /// The entries that name no node.
    #[must_use]
    pub fn refused(&self) -> &[RefusedEntry] {
        &self.refused
    }

    /// Parses a `.zmetadata`.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if it is no JSON or has no such form; [`MetadataError::Unsupported`] if its
    /// `zarr_consolidated_format` is not 1. In both cases nothing of it is usable.
    pub fn parse_v2(zmetadata: &[u8]) -> Result<Self, MetadataError> {
        Self::from_v2_json(&Json::parse(zmetadata)?)
    }

    /// As [`parse_v2`](Self::parse_v2), of a document that is parsed already.
    ///
    /// # Errors
    /// As for [`parse_v2`](Self::parse_v2).
    pub fn from_v2_json(zmetadata: &Json) -> Result<Self, MetadataError> {
        let format = zmetadata.get("zarr_consolidated_format");
        match format.and_then(Json::as_u64) {
            Some(1) => {}
            Some(other) => {
                let what = format!("zarr_consolidated_format {other}");
                return Err(MetadataError::unsupported(what)).within("zarr_consolidated_format");
            }
            None => {
                let expected = "an object with zarr_consolidated_format and metadata";
                return Err(MetadataError::invalid(expected, format.unwrap_or(zmetadata)));
            }
        }
        let mut read = Self::default();
        let mut documents: BTreeMap<NodePath, V2Documents<'_>> = BTreeMap::new();
        for (key, json) in metadata_of(zmetadata)?.iter() {
            let (path, name) = key.rsplit_once('/').unwrap_or(("", key));
            let path = match (node_path(path, ZarrFormat::V2), name) {
                (_, name) if ![ZARRAY, ZGROUP, ZATTRS].contains(&name) => {
                    read.refuse(
                        key,
                        MetadataError::mismatch("a key that ends in .zarray, .zgroup or .zattrs", "another"),
                    );
                    continue;
                }
                (Err(error), _) => {
                    read.refuse(key, error);
                    continue;
                }
                (Ok(path), _) => path,
            };
            let node = documents.entry(path).or_default();
            match name {
                ZARRAY => node.zarray = Some((key, json)),
                ZGROUP => node.zgroup = Some((key, json)),
                _ => node.zattrs = Some((key, json)),
            }
        }
        for (path, documents) in documents {
            match documents.parse() {
                Some(parsed) => {
                    read.nodes.insert(path, parsed.within("metadata"));
                }
                None => {
                    let error =
                        MetadataError::mismatch("attributes of an array or a group", "neither of them");
                    read.refuse(documents.zattrs.map_or("", |(key, _)| key), error);
                }
            }
        }
        read.refuse_below_arrays();
        Ok(read)
    }

    fn from_v3_json(json: &Json) -> Result<Self, MetadataError> {
        let kind = json.get("kind").unwrap_or(json);
        match kind.as_str() {
            Some("inline") => {}
            Some(other) => {
                let what = format!("consolidated metadata of kind {other:?}");
                return Err(MetadataError::unsupported(what)).within("kind");
            }
            None => return Err(MetadataError::invalid("an object with a kind and metadata", kind)),
        }
        let mut read = Self::default();
        for (key, json) in metadata_of(json)?.iter() {
            match node_path(key, ZarrFormat::V3) {
                Ok(path) if path.is_root() => {
                    read.refuse(key, MetadataError::mismatch("the path of a node", "none"))
                }
                Ok(path) => {
                    let node = NodeMetadata::from_v3_json(json.clone())
                        .within(key)
                        .within("metadata");
                    read.nodes.insert(path, node);
                }
                Err(error) => read.refuse(key, error),
            }
        }
        read.refuse_below_arrays();
        Ok(read)
    }

    fn refuse(&mut self, key: &str, error: MetadataError) {
        self.refused.push(RefusedEntry {
            key: key.to_owned(),
            error: error.within(key).within("metadata"),
        });
    }

    /// An array has no children. Paths are in order, so what lies below one follows it, and is gone before it is looked
    /// at itself: each entry is touched once.
    fn refuse_below_arrays(&mut self) {
        let mut next = self.nodes.keys().next().cloned();
        while let Some(path) = next {
            if matches!(self.nodes.get(&path), Some(Ok(NodeMetadata::Array(_)))) {
                for below in self.below(&path) {
                    self.nodes.remove(&below);
                    let error =
                        MetadataError::mismatch("no node below an array", format!("the array {path}"));
                    self.refuse(below.as_relative(), error);
                }
            }
            let after = (Bound::Excluded(&path), Bound::Unbounded);
            next = self.nodes.range(after).next().map(|(path, _)| path.clone());
        }
    }

    fn below(&self, path: &NodePath) -> Vec<NodePath> {
        // No legal name comes before a space. A path that is too long for a name below it has nothing there.
        let Ok(first) = path.join(" ") else {
            return Vec::new();
        };
        let all = self.nodes.range(first..).map(|(below, _)| below);
        all.take_while(|below| below.strip_prefix(path).is_some())
            .cloned()
            .collect()
    }
}

/// The documents of one v2 node, with their keys.
#[derive(Default)]
struct V2Documents<'a> {
    zarray: Option<(&'a str, &'a Json)>,
    zgroup: Option<(&'a str, &'a Json)>,
    zattrs: Option<(&'a str, &'a Json)>,
}

impl V2Documents<'_> {
    /// The node; an array if it could be both, as zarr-python and tensorstore have it.
    fn parse(&self) -> Option<Result<NodeMetadata, MetadataError>> {
        let (key, json) = self.zarray.or(self.zgroup)?;
        // As in a v3 document, `null` is none.
        let zattrs = self.zattrs.filter(|(_, zattrs)| !zattrs.is_null());
        if let Some((key, zattrs)) = zattrs.filter(|(_, zattrs)| zattrs.as_object().is_none()) {
            return Some(Err(MetadataError::invalid("an object", zattrs)).within(key));
        }
        let zattrs = zattrs.map(|(_, zattrs)| zattrs.clone());
        let parsed = if self.zarray.is_some() {
            ArrayMetadata::from_v2_json(json.clone(), zattrs)
                .map(|array| NodeMetadata::Array(Box::new(array)))
        } else {
            GroupMetadata::from_v2_json(json.clone(), zattrs).map(NodeMetadata::Group)
        };
        Some(parsed.within(key))
    }
}

fn metadata_of(json: &Json) -> Result<&Object, MetadataError> {
    let metadata = json.get("metadata").unwrap_or(&Json::Null);
    metadata
        .as_object()
        .ok_or_else(|| MetadataError::invalid("an object", metadata))
        .within("metadata")
}

/// A path of node names, whatever a stranger wrote there.
fn node_path(key: &str, format: ZarrFormat) -> Result<NodePath, MetadataError> {
    let path = NodePath::root()
        .join(key)
        .and_then(|path| path.check_names(format).map(|()| path));
    path.map_err(|error| MetadataError::mismatch("a path of node names", error.to_string()))
}

impl GroupMetadata {
    /// The consolidated metadata inside a v3 group; `None` if there is none, or `null`, as older writers left it.
    #[must_use]
    pub fn consolidated(&self) -> Option<Result<ConsolidatedMetadata, MetadataError>> {
        if self.zarr_format() != ZarrFormat::V3 {
            return None;
        }
        let json = self.document().main().get(FIELD).filter(|json| !json.is_null())?;
        Some(ConsolidatedMetadata::from_v3_json(json).within(FIELD))
    }

    /// The same v3 group with the consolidated metadata of `nodes`, given by their paths relative to it.
    ///
    /// As zarr-python has it: the shallow ones first, and each group among them with empty consolidated metadata of its
    /// own, which does not mean that it has no children.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] if the group or a node is of v2.
    pub fn with_consolidated<'a>(
        &self,
        nodes: impl IntoIterator<Item = (&'a NodePath, &'a NodeMetadata)>,
    ) -> Result<Self, MetadataError> {
        let inline = |metadata: Object| {
            let must_understand = ("must_understand", Json::from(false));
            Object::from([
                ("kind", Json::from("inline")),
                must_understand,
                ("metadata", metadata.into()),
            ])
        };
        let mut metadata = Object::new();
        for (path, node) in by_depth(nodes) {
            if node.zarr_format() != ZarrFormat::V3 || self.zarr_format() != ZarrFormat::V3 {
                return Err(MetadataError::unsupported(format!(
                    "the v2 node {path} in a v3 document"
                )));
            }
            let mut document = node.document().main().clone();
            if let NodeMetadata::Group(_) = node {
                document.insert(FIELD, inline(Object::new()));
            }
            metadata.insert(path.as_relative(), document);
        }
        let mut group = self.clone();
        group.document_mut().main_mut().insert(FIELD, inline(metadata));
        Ok(group)
    }

    /// The same group without consolidated metadata.
    #[must_use]
    pub fn without_consolidated(&self) -> Self {
        let mut group = self.clone();
        group.document_mut().main_mut().remove(FIELD);
        group
    }
}

impl ConsolidatedMetadata {
    /// The `.zmetadata` of v2 `nodes`, given by their paths relative to the group, which is itself among them as the
    /// root.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] if a node is of v3.
    pub fn v2_document<'a>(
        nodes: impl IntoIterator<Item = (&'a NodePath, &'a NodeMetadata)>,
    ) -> Result<Object, MetadataError> {
        let mut metadata = Object::new();
        for (path, node) in by_depth(nodes) {
            if node.zarr_format() != ZarrFormat::V2 {
                return Err(MetadataError::unsupported(format!(
                    "the v3 node {path} in a v2 document"
                )));
            }
            let document: &Document = node.document();
            metadata.insert(path.key(document.kind().key()), document.main().clone());
            if let Some(zattrs) = document.zattrs() {
                metadata.insert(path.key(ZATTRS), zattrs.clone());
            }
        }
        Ok(Object::from([
            ("metadata", Json::from(metadata)),
            ("zarr_consolidated_format", 1.into()),
        ]))
    }
}

fn by_depth<'a>(
    nodes: impl IntoIterator<Item = (&'a NodePath, &'a NodeMetadata)>,
) -> Vec<(&'a NodePath, &'a NodeMetadata)> {
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by_cached_key(|(path, _)| (path.depth(), (*path).clone()));
    nodes
}
