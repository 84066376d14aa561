//! From the documents of a place to its node.

use std::sync::Arc;

use super::ConsolidatedMode;
use super::consolidated::Consolidated;
use super::context::Context;
use super::decide::Decision;
use super::node::{Document, Node, NodeCore};
use super::warning::Warning;
use super::{ArrayMetadata, GroupMetadata};
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::json::Object;
use crate::metadata::{Json, MetadataError};
use crate::node_kind::NodeKind;
use crate::node_path::NodePath;
use crate::store::Value;

/// The node that the documents make; `None` if there is nothing.
pub(crate) fn build(context: &Arc<Context>, path: &NodePath, decision: Decision) -> Result<Option<Node>> {
    let core = NodeCore::new(context, path.clone());
    match decision {
        Decision::Nothing => Ok(None),
        Decision::V3 { document, warnings } => v3(core.with_warnings(warnings), document).map(Some),
        Decision::V2Array {
            document,
            attributes,
            warnings,
        } => v2_array(core.with_warnings(warnings), document, attributes).map(Some),
        Decision::V2Group {
            document,
            attributes,
            consolidated,
            warnings,
        } => v2_group(core.with_warnings(warnings), document, attributes, consolidated).map(Some),
    }
}

impl NodeCore {
    fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings = warnings;
        self
    }

    /// Parses a document and keeps it as it was read.
    fn take(&mut self, name: &str, value: Value) -> Result<Json> {
        let key = self.path.key(name);
        let json = Json::parse(&value.bytes).map_err(|error| self.refused(name, error))?;
        self.documents.push(Document {
            key,
            bytes: value.bytes,
            version: value.version,
        });
        Ok(json)
    }

    fn take_attributes(&mut self, value: Option<Value>) -> Result<Object> {
        let Some(value) = value else {
            return Ok(Object::new());
        };
        let json = self.take(".zattrs", value)?;
        attributes_object(json).map_err(|error| self.refused(".zattrs", error))
    }

    fn refused(&self, name: &str, error: MetadataError) -> Error {
        Error::metadata(self.context.store.key_url(&self.path.key(name)), error)
    }
}

/// A `.zattrs` document is an object.
pub(crate) fn attributes_object(json: Json) -> Result<Object, MetadataError> {
    match json {
        Json::Object(attributes) => Ok(attributes),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Err(MetadataError::invalid("an object", &other))
        }
    }
}

/// What a v3 document is a document of.
pub(crate) fn v3_kind(json: &Json) -> Result<NodeKind, MetadataError> {
    if json.as_object().is_none() {
        return Err(MetadataError::invalid("an object", json));
    }
    let expected = "\"array\" or \"group\"";
    match json.get("node_type") {
        None => Err(MetadataError::mismatch(expected, "nothing").within("node_type")),
        Some(value) => match value.as_str() {
            Some("array") => Ok(NodeKind::Array),
            Some("group") => Ok(NodeKind::Group),
            Some(_) | None => Err(MetadataError::invalid(expected, value).within("node_type")),
        },
    }
}

fn v3(mut core: NodeCore, document: Value) -> Result<Node> {
    let mut json = core.take("zarr.json", document)?;
    let refused = |core: &NodeCore, error| core.refused("zarr.json", error);
    match v3_kind(&json).map_err(|error| refused(&core, error))? {
        NodeKind::Array => {
            let metadata = ArrayMetadata::from_v3(&json).map_err(|error| refused(&core, error))?;
            Ok(Node::Array(Array::new(core, metadata)))
        }
        NodeKind::Group => {
            // Taken out first: a bad cache must not make the group unreadable.
            let inline = json.as_object_mut().and_then(|group| group.remove("consolidated_metadata"));
            let metadata = GroupMetadata::from_v3(&json).map_err(|error| refused(&core, error))?;
            let consolidated = match (inline, core.context.options.consolidated) {
                (None | Some(Json::Null), _) | (_, ConsolidatedMode::Ignore) => None,
                (Some(inline), _) => Some(Consolidated::from_v3(&core.path, inline)),
            };
            let consolidated = consolidated.map(|parsed| {
                parsed.map_err(|error| refused(&core, error.within("consolidated_metadata")))
            });
            group(core, metadata, consolidated)
        }
    }
}

fn v2_array(mut core: NodeCore, document: Value, attributes: Option<Value>) -> Result<Node> {
    let json = core.take(".zarray", document)?;
    let attributes = core.take_attributes(attributes)?;
    let metadata =
        ArrayMetadata::from_v2(&json, attributes).map_err(|error| core.refused(".zarray", error))?;
    Ok(Node::Array(Array::new(core, metadata)))
}

fn v2_group(
    mut core: NodeCore,
    document: Value,
    attributes: Option<Value>,
    consolidated: Option<Value>,
) -> Result<Node> {
    let json = core.take(".zgroup", document)?;
    let attributes = core.take_attributes(attributes)?;
    let metadata =
        GroupMetadata::from_v2(&json, attributes).map_err(|error| core.refused(".zgroup", error))?;
    let consolidated = consolidated.map(|value| {
        let json = core.take(".zmetadata", value)?;
        Consolidated::from_v2(&core.path, json).map_err(|error| core.refused(".zmetadata", error))
    });
    group(core, metadata, consolidated)
}

/// A group with what its consolidated metadata came to: a bad cache is a warning, unless it is required.
fn group(
    mut core: NodeCore,
    metadata: GroupMetadata,
    consolidated: Option<Result<Consolidated>>,
) -> Result<Node> {
    let consolidated = match (consolidated, core.context.options.consolidated) {
        (Some(Ok(consolidated)), _) => Some(Arc::new(consolidated)),
        (Some(Err(error)), ConsolidatedMode::Require) => return Err(error),
        (Some(Err(error)), ConsolidatedMode::Auto | ConsolidatedMode::Ignore) => {
            core.warnings.push(Warning::ConsolidatedUnread(Arc::new(error)));
            None
        }
        (None, _) => None,
    };
    Ok(Node::Group(Group::new(core, metadata, consolidated)))
}
