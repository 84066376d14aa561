//! From the documents of a place to its node.

use std::sync::Arc;

use super::ConsolidatedMode;
use super::consolidated::Consolidated;
use super::context::Context;
use super::decide::Decision;
use super::node::{Node, NodeCore, StoredDocument};
use super::warning::Warning;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::{
    ArrayMetadata, ConsolidatedMetadata, GroupMetadata, Json, MetadataError, NodeMetadata, ZARR_JSON, ZARRAY,
    ZATTRS, ZGROUP, ZMETADATA, ZarrFormat,
};
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
        self.documents.push(StoredDocument {
            key,
            bytes: value.bytes,
            version: value.version,
        });
        Ok(json)
    }

    /// Parses a `.zattrs`, which is an object.
    fn take_attributes(&mut self, value: Option<Value>) -> Result<Option<Json>> {
        let Some(value) = value else {
            return Ok(None);
        };
        let json = self.take(ZATTRS, value)?;
        ensure_object(&json).map_err(|error| self.refused(ZATTRS, error))?;
        Ok(Some(json))
    }

    fn refused(&self, name: &str, error: MetadataError) -> Error {
        Error::metadata(self.context.store.key_url(&self.path.key(name)), error)
    }
}

/// A `.zattrs` document is an object.
pub(crate) fn ensure_object(json: &Json) -> Result<(), MetadataError> {
    match json.as_object() {
        Some(_) => Ok(()),
        None => Err(MetadataError::invalid("an object", json)),
    }
}

fn v3(mut core: NodeCore, document: Value) -> Result<Node> {
    let text = document.bytes.clone();
    let json = core.take(ZARR_JSON, document)?;
    match NodeMetadata::from_v3_json(json).map_err(|error| core.refused(ZARR_JSON, error))? {
        NodeMetadata::Array(mut metadata) => {
            metadata.keep_text(text, None);
            Ok(Node::Array(Array::new(core, *metadata)))
        }
        NodeMetadata::Group(metadata) => {
            let consolidated = match core.context.options.consolidated {
                ConsolidatedMode::Ignore => None,
                ConsolidatedMode::Auto | ConsolidatedMode::Require => metadata.consolidated(),
            };
            let consolidated = consolidated.map(|parsed| match parsed {
                Ok(parsed) => Ok(Consolidated::new(&core.path, ZarrFormat::V3, parsed)),
                Err(error) => Err(core.refused(ZARR_JSON, error)),
            });
            group(core, metadata, consolidated)
        }
    }
}

fn v2_array(mut core: NodeCore, document: Value, attributes: Option<Value>) -> Result<Node> {
    let text = document.bytes.clone();
    let zattrs = attributes.as_ref().map(|attributes| attributes.bytes.clone());
    let json = core.take(ZARRAY, document)?;
    let attributes = core.take_attributes(attributes)?;
    let mut metadata =
        ArrayMetadata::from_v2_json(json, attributes).map_err(|error| core.refused(ZARRAY, error))?;
    metadata.keep_text(text, zattrs);
    Ok(Node::Array(Array::new(core, metadata)))
}

fn v2_group(
    mut core: NodeCore,
    document: Value,
    attributes: Option<Value>,
    consolidated: Option<Value>,
) -> Result<Node> {
    let json = core.take(ZGROUP, document)?;
    let attributes = core.take_attributes(attributes)?;
    let metadata =
        GroupMetadata::from_v2_json(json, attributes).map_err(|error| core.refused(ZGROUP, error))?;
    let consolidated = consolidated.map(|value| {
        let json = core.take(ZMETADATA, value)?;
        match ConsolidatedMetadata::from_v2_json(&json) {
            Ok(parsed) => Ok(Consolidated::new(&core.path, ZarrFormat::V2, parsed)),
            Err(error) => Err(core.refused(ZMETADATA, error)),
        }
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
