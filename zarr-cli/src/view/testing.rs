//! Nodes for tests of what is rendered.

use zarr_core::metadata::Json;
use zarr_core::{NodeKind, ZarrFormat};

use super::{Documents, NodeView};

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
    pub(crate) fn with_attribute(mut self, key: &str, value: impl Into<Json>) -> Self {
        if let Documents::Apart { attributes, .. } = &mut self.documents {
            attributes.insert(key, value.into());
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
