//! A node as it is shown: what its stored documents say.
//!
//! Listing must also work for nodes that cannot be opened (an unknown codec, a data type of another library), so this
//! reads the documents leniently: what is not understood is shown as it is stored.

mod grid;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::LazyLock;

use zarr_core::hierarchy::Node;
use zarr_core::metadata::data_type::{Endianness, V2DataType};
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{DataType, FillValue, Json};
use zarr_core::{NodeKind, NodePath, ZarrFormat};

pub(crate) use grid::{cells, product};

/// A node as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct NodeView {
    /// From the node that was asked for, with a leading slash: `/a/b`, and `/` for that node itself.
    pub(crate) path: String,
    pub(crate) kind: NodeKind,
    pub(crate) format: ZarrFormat,
    documents: Documents,
}

/// Where the documents of a shown node are.
#[derive(Clone, Debug)]
enum Documents {
    /// With the node, which shares them: a listing of thousands copies none.
    Node(Node),
    /// Apart, for tests of what is rendered.
    #[cfg(test)]
    Apart { attributes: Object, document: Object },
}

/// A member of a group as it is shown.
#[derive(Clone, Debug)]
pub(crate) enum MemberView {
    /// A node.
    Node(NodeView),
    /// Something that should be a node, and what is wrong with it.
    Broken { path: String, code: u8, message: String },
    /// A group whose children are not known.
    Unlisted { path: String, code: u8, reason: String },
}

/// A node's path as it is shown: from `base` on, with a leading slash.
pub(crate) fn relative(path: &NodePath, base: &NodePath) -> String {
    path.strip_prefix(base)
        .unwrap_or_else(|| path.clone())
        .to_string()
}

impl NodeView {
    /// A node as it is shown from `base` on.
    pub(crate) fn of(node: &Node, base: &NodePath) -> Self {
        Self {
            path: relative(node.path(), base),
            kind: node.kind(),
            format: node.zarr_format(),
            documents: Documents::Node(node.clone()),
        }
    }

    pub(crate) fn attributes(&self) -> &Object {
        match &self.documents {
            Documents::Node(node) => node.attributes(),
            #[cfg(test)]
            Documents::Apart { attributes, .. } => attributes,
        }
    }

    /// The array's document as stored: `zarr.json` or `.zarray`. Empty for a group.
    pub(crate) fn document(&self) -> &Object {
        static EMPTY: LazyLock<Object> = LazyLock::new(Object::new);
        match &self.documents {
            Documents::Node(Node::Array(array)) => array.metadata().document().main(),
            Documents::Node(Node::Group(_)) => &EMPTY,
            #[cfg(test)]
            Documents::Apart { document, .. } => document,
        }
    }

    /// The last name of the path; empty for the node that was asked for.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// A field of the array's document; `null` if it is absent.
    pub(crate) fn stored(&self, field: &str) -> &Json {
        self.document().get(field).unwrap_or(&Json::Null)
    }

    /// The shape in elements, as far as it is one.
    pub(crate) fn shape(&self) -> Vec<u64> {
        numbers(self.stored("shape")).unwrap_or_default()
    }

    /// The data type as stored.
    pub(crate) fn stored_data_type(&self) -> &Json {
        match self.format {
            ZarrFormat::V2 => self.stored("dtype"),
            ZarrFormat::V3 => self.stored("data_type"),
        }
    }

    /// The data type, if it is one that is known.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        let stored = self.stored_data_type();
        match self.format {
            ZarrFormat::V2 => V2DataType::parse(stored).ok().map(|parsed| parsed.data_type),
            ZarrFormat::V3 => DataType::parse_v3(stored).ok(),
        }
        .filter(DataType::is_known)
    }

    /// The byte order of the stored elements, where there is one.
    pub(crate) fn endianness(&self) -> Option<Endianness> {
        match self.format {
            ZarrFormat::V2 => V2DataType::parse(self.stored_data_type()).ok()?.endianness(),
            ZarrFormat::V3 => {
                // Of the innermost chunks, where shards lie in shards.
                let mut codecs = self.stored("codecs");
                while let Some(inner) = grid::sharding_among(codecs).and_then(|inner| inner.get("codecs")) {
                    codecs = inner;
                }
                let bytes = codecs.as_array()?.iter().find(|codec| {
                    matches!(codec.get("name").and_then(Json::as_str), Some("bytes" | "endian"))
                })?;
                match bytes.get("configuration")?.get("endian")?.as_str()? {
                    "little" => Some(Endianness::Little),
                    "big" => Some(Endianness::Big),
                    _ => None,
                }
            }
        }
    }

    /// The fill value, if there is one that can be read.
    pub(crate) fn fill_value(&self) -> Option<FillValue> {
        let stored = self.document().get("fill_value")?;
        let parsed = match self.format {
            ZarrFormat::V2 => FillValue::parse_v2(&V2DataType::parse(self.stored_data_type()).ok()?, stored),
            ZarrFormat::V3 => {
                let order = self.endianness().unwrap_or(Endianness::Little);
                FillValue::parse_v3(&self.data_type()?, stored, order)
            }
        };
        parsed.ok().filter(|fill| !fill.is_undefined())
    }

    /// Size of one element in bytes, if it is fixed and known.
    pub(crate) fn element_bytes(&self) -> Option<u64> {
        self.data_type()?
            .size_bytes()
            .and_then(|size| u64::try_from(size).ok())
    }

    /// The bytes of all elements; `None` if they vary in size.
    pub(crate) fn logical_bytes(&self) -> Option<u128> {
        product(&self.shape())?.checked_mul(u128::from(self.element_bytes()?))
    }

    /// The names of the dimensions, where they have one: `dimension_names`, or in v2 xarray's attribute.
    pub(crate) fn dimension_names(&self) -> Vec<Option<String>> {
        let stored = match self.format {
            ZarrFormat::V2 => self.attributes().get("_ARRAY_DIMENSIONS"),
            ZarrFormat::V3 => self.document().get("dimension_names"),
        };
        let names = stored.and_then(Json::as_array).unwrap_or_default();
        let mut names: Vec<Option<String>> = names
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect();
        // A list of another length names nothing.
        if names.len() != self.shape().len() {
            names = vec![None; self.shape().len()];
        }
        names
    }

    /// Whether it is a coordinate: an array of one dimension that has the array's name.
    pub(crate) fn is_coordinate(&self) -> bool {
        matches!(self.dimension_names().as_slice(), [Some(name)] if name == self.name())
    }
}

fn numbers(json: &Json) -> Option<Vec<u64>> {
    json.as_array()?.iter().map(Json::as_u64).collect()
}
