//! A node as it is shown: what its stored documents say.
//!
//! Listing must also work for nodes that cannot be opened (an unknown codec, a data type of another library), so this
//! reads the documents leniently: what is not understood is shown as it is stored.

use std::sync::LazyLock;

use zarr_core::hierarchy::Node;
use zarr_core::metadata::data_type::{Endianness, V2DataType};
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{DataType, Json};
use zarr_core::{NodeKind, NodePath, ZarrFormat};

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

    /// The shape of the grid's chunks as stored, which are shards if the array is sharded; `None` if it is not regular.
    pub(crate) fn stored_chunk_shape(&self) -> Option<&Json> {
        match self.format {
            ZarrFormat::V2 => self.document().get("chunks"),
            ZarrFormat::V3 => {
                let grid = self.document().get("chunk_grid")?;
                let regular = grid.get("name").and_then(Json::as_str) == Some("regular");
                grid.get("configuration").filter(|_| regular)?.get("chunk_shape")
            }
        }
    }

    /// The shape of the grid's chunks in elements.
    pub(crate) fn chunk_shape(&self) -> Option<Vec<u64>> {
        numbers(self.stored_chunk_shape()?)
    }

    /// The sharding codec's configuration, if the array is sharded.
    pub(crate) fn sharding(&self) -> Option<&Json> {
        let codecs = self.stored("codecs").as_array()?;
        let sharding = codecs
            .iter()
            .find(|codec| codec.get("name").and_then(Json::as_str) == Some("sharding_indexed"));
        sharding?.get("configuration")
    }

    /// The shape of the chunks inside a shard.
    pub(crate) fn inner_chunk_shape(&self) -> Option<Vec<u64>> {
        numbers(self.sharding()?.get("chunk_shape")?)
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
                let codecs = self
                    .sharding()
                    .and_then(|sharding| sharding.get("codecs"))
                    .unwrap_or(self.stored("codecs"));
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

    /// How many chunks the grid has, if it is regular.
    pub(crate) fn chunk_count(&self) -> Option<u128> {
        cells(&self.shape(), &self.chunk_shape()?)
    }
}

/// How many cells of `cell` elements cover `shape`.
pub(crate) fn cells(shape: &[u64], cell: &[u64]) -> Option<u128> {
    if shape.len() != cell.len() || cell.contains(&0) {
        return None;
    }
    let counts: Vec<u64> = shape
        .iter()
        .zip(cell)
        .map(|(length, edge)| length.div_ceil(*edge))
        .collect();
    product(&counts)
}

/// The product, unless it is beyond all bounds.
pub(crate) fn product(lengths: &[u64]) -> Option<u128> {
    lengths
        .iter()
        .try_fold(1_u128, |product, length| product.checked_mul(u128::from(*length)))
}

fn numbers(json: &Json) -> Option<Vec<u64>> {
    json.as_array()?.iter().map(Json::as_u64).collect()
}

/// Nodes for tests of what is rendered.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    fn node(path: &str, kind: NodeKind, format: ZarrFormat, attributes: &str, document: &str) -> NodeView {
        let object = |text: &str| Json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone();
        NodeView {
            path: path.to_owned(),
            kind,
            format,
            documents: Documents::Apart {
                attributes: object(attributes),
                document: object(document),
            },
        }
    }

    impl NodeView {
        /// The same with one more attribute.
        pub(crate) fn with_attribute(mut self, key: &str, value: &str) -> Self {
            if let Documents::Apart { attributes, .. } = &mut self.documents {
                attributes.insert(key, value);
            }
            self
        }
    }

    pub(crate) fn group(path: &str) -> NodeView {
        node(
            path,
            NodeKind::Group,
            ZarrFormat::V3,
            r#"{"title": "tests", "limit": NaN}"#,
            "{}",
        )
    }

    pub(crate) fn array_v3(document: &str) -> NodeView {
        node("/a", NodeKind::Array, ZarrFormat::V3, "{}", document)
    }

    /// Like xarray's tutorial data set.
    pub(crate) fn air_v3() -> NodeView {
        node(
            "/air",
            NodeKind::Array,
            ZarrFormat::V3,
            r#"{"units": "degK", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -32767}"#,
            r#"{"zarr_format": 3, "node_type": "array", "shape": [240, 25, 53], "data_type": "int16",
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [100, 25, 53]}},
                "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "fill_value": 0,
                "codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
                           {"name": "zstd", "configuration": {"level": 0, "checksum": false}}],
                "dimension_names": ["time", "lat", "lon"]}"#,
        )
    }

    pub(crate) fn coordinate(name: &str, length: u64) -> NodeView {
        node(
            &format!("/{name}"),
            NodeKind::Array,
            ZarrFormat::V3,
            r#"{"units": "degrees_north"}"#,
            &format!(
                r#"{{"shape": [{length}], "data_type": "float32", "dimension_names": ["{name}"], "fill_value": "NaN",
                    "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [{length}]}}}},
                    "codecs": [{{"name": "bytes", "configuration": {{"endian": "little"}}}}]}}"#
            ),
        )
    }

    pub(crate) fn air_v2() -> NodeView {
        node(
            "/air",
            NodeKind::Array,
            ZarrFormat::V2,
            r#"{"_ARRAY_DIMENSIONS": ["time", "lat", "lon"]}"#,
            r#"{"zarr_format": 2, "shape": [240, 25, 53], "chunks": [100, 25, 53], "dtype": ">i2", "fill_value": null,
                "order": "C", "filters": [{"id": "delta", "dtype": "<i2"}],
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}}"#,
        )
    }
}
