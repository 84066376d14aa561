//! [`GroupMetadata`] and [`NodeMetadata`].

use super::document::{Document, DocumentKind};
use super::json::{Json, Object};
use super::{ArrayMetadata, ZarrFormat};

/// The metadata of a group, of either format, checked. It keeps its document as stored.
///
/// ```json
/// { "zarr_format": 3, "node_type": "group", "attributes": { "title": "a v3 group: zarr.json" } }
/// { "zarr_format": 2 }
/// ```
/// Spec: v3 <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#group-metadata>,
/// v2 <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#hierarchies>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMetadata {
    document: Document,
}

impl GroupMetadata {
    /// A new group without attributes.
    #[must_use]
    pub fn new(format: ZarrFormat) -> Self {
        let (kind, main) = match format {
            ZarrFormat::V3 => {
                let node_type = ("node_type", Json::from("group"));
                let members = [
                    ("zarr_format", Json::from(3)),
                    node_type,
                    ("attributes", Object::new().into()),
                ];
                (DocumentKind::ZarrJson, members.into())
            }
            ZarrFormat::V2 => (DocumentKind::Zgroup, [("zarr_format", Json::from(2))].into()),
        };
        Self {
            document: Document::of(kind, main),
        }
    }

    pub(super) fn from_checked(document: Document) -> Self {
        Self { document }
    }

    /// The format.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        self.document.kind().zarr_format()
    }

    /// The attributes, in order.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.document.attributes()
    }

    /// The attributes, to be changed. No other part of the documents changes.
    pub fn attributes_mut(&mut self) -> &mut Object {
        self.document.attributes_mut()
    }

    /// The document as stored: `zarr.json`, or `.zgroup` and `.zattrs`.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }
}

/// The metadata of a node: an array or a group.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeMetadata {
    /// An array.
    Array(Box<ArrayMetadata>),
    /// A group.
    Group(GroupMetadata),
}

impl NodeMetadata {
    /// The format.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        self.document().kind().zarr_format()
    }

    /// The attributes, in order.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.document().attributes()
    }

    /// The document as stored.
    #[must_use]
    pub fn document(&self) -> &Document {
        match self {
            Self::Array(array) => array.document(),
            Self::Group(group) => group.document(),
        }
    }

    /// The array, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&ArrayMetadata> {
        if let Self::Array(array) = self {
            Some(array)
        } else {
            None
        }
    }

    /// The group, if it is one.
    #[must_use]
    pub fn as_group(&self) -> Option<&GroupMetadata> {
        if let Self::Group(group) = self {
            Some(group)
        } else {
            None
        }
    }
}
