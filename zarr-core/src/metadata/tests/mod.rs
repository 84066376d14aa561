//! Documents by hand: what is read, what is refused and where, what is written.

mod consolidated;
mod v2;
mod v3;
mod write;

use super::*;

fn parsed(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

const V3: &str = r#"{
    "zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "int32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": 0, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {}
}"#;

const V2: &str = r#"{
    "zarr_format": 2, "shape": [4, 6], "chunks": [2, 3], "dtype": "<i4", "compressor": null, "fill_value": 0,
    "order": "C", "filters": null
}"#;

/// A document with other values; an empty text removes a member.
fn changed(document: &str, changes: &[(&str, &str)]) -> Json {
    let Json::Object(mut object) = parsed(document) else {
        unreachable!()
    };
    for (key, value) in changes {
        if value.is_empty() {
            object.remove(key)
        } else {
            object.insert(*key, parsed(value))
        };
    }
    object.into()
}

fn v3(changes: &[(&str, &str)]) -> Result<ArrayMetadata, MetadataError> {
    NodeMetadata::from_v3_json(changed(V3, changes)).map(|node| node.as_array().unwrap().clone())
}

fn v2(changes: &[(&str, &str)]) -> Result<ArrayMetadata, MetadataError> {
    ArrayMetadata::from_v2_json(changed(V2, changes), None)
}
