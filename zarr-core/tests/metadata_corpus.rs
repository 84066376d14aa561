//! Every metadata document of the corpus (`tests/data`): what is readable equals the manifest, what is bad is refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests share fails as the tests do"
)]

use std::path::{Path, PathBuf};

use zarr_core::NodePath;
use zarr_core::metadata::json::{NonFinite, NonFiniteStyle, Object};
use zarr_core::metadata::{
    ArrayEncoding, ArrayMetadata, ConsolidatedMetadata, GroupMetadata, Json, MetadataError, NodeMetadata,
    Order, ZarrFormat,
};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

fn manifest() -> Json {
    Json::parse(&std::fs::read(data().join("manifest.json")).unwrap()).unwrap()
}

fn items<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json.get(key).and_then(Json::as_array).unwrap()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Opens the node in a folder: the documents of one format, an array before a group.
fn open(node: &Path, format: u64) -> Result<NodeMetadata, MetadataError> {
    if format == 3 {
        return NodeMetadata::parse_v3(&read(&node.join("zarr.json")).expect("a zarr.json"));
    }
    let zattrs = read(&node.join(".zattrs"));
    match (read(&node.join(".zarray")), read(&node.join(".zgroup"))) {
        (Some(zarray), _) => ArrayMetadata::parse_v2(&zarray, zattrs.as_deref())
            .map(|array| NodeMetadata::Array(Box::new(array))),
        (None, Some(zgroup)) => GroupMetadata::parse_v2(&zgroup, zattrs.as_deref()).map(NodeMetadata::Group),
        (None, None) => panic!("{}: no node", node.display()),
    }
}

/// The manifest has `{"$nonfinite": "NaN"}` where the store has a bare token.
fn with_tokens(json: &Json) -> Json {
    match json {
        Json::Object(object) => match (object.len(), object.get("$nonfinite").and_then(Json::as_str)) {
            (1, Some(token)) => {
                let all = [NonFinite::Nan, NonFinite::Infinity, NonFinite::NegInfinity];
                Json::Number(
                    all.into_iter()
                        .find(|value| value.as_str() == token)
                        .unwrap()
                        .into(),
                )
            }
            _ => object
                .iter()
                .map(|(key, value)| (key, with_tokens(value)))
                .collect::<Object>()
                .into(),
        },
        Json::Array(items) => items.iter().map(with_tokens).collect::<Vec<_>>().into(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

fn expect_stored(id: &str, array: &ArrayMetadata, entry: &Json, keys: &[(&str, &str)]) {
    for &(in_manifest, in_document) in keys {
        let expected = entry
            .get(in_manifest)
            .unwrap_or_else(|| panic!("{id}: {in_manifest}"));
        let stored = array.stored(in_document).unwrap_or(&Json::Null);
        assert_eq!(stored, expected, "{id}: {in_document}");
    }
}

#[test]
fn every_array_equals_the_manifest() {
    let manifest = manifest();
    let entries = items(&manifest, "arrays");
    assert_eq!(entries.len(), 296);
    for entry in entries {
        let id = text(entry, "id");
        let format = entry.get("zarr_format").and_then(Json::as_u64).unwrap();
        let node = open(
            &data().join(text(entry, "store")).join(text(entry, "path")),
            format,
        );
        let node = node.unwrap_or_else(|error| panic!("{id}: {error}"));
        let array = node.as_array().unwrap_or_else(|| panic!("{id}: not an array"));
        array
            .ensure_supported()
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(
            array.attributes(),
            with_tokens(entry.get("attributes").unwrap()).as_object().unwrap(),
            "{id}"
        );
        assert_eq!(
            Json::from(array.shape()),
            entry.get("shape").cloned().unwrap(),
            "{id}"
        );
        assert_eq!(
            Json::from(array.chunk_shape()),
            entry.get("chunk_shape").cloned().unwrap(),
            "{id}"
        );
        let names = array.dimension_names().map(|names| Json::from(names.to_vec()));
        expect_stored(id, array, entry, &[("fill_value", "fill_value")]);
        let size = array.data_type().size_bytes();
        let is_variable = text(entry, "hash_encoding") == "vlen-u32le";
        assert_eq!(
            (size.is_none(), array.data_type().is_variable()),
            (is_variable, is_variable),
            "{id}"
        );
        if let Some(size) = size {
            let elements: u64 = array.shape().iter().product();
            let bytes = entry.get("decoded_nbytes").and_then(Json::as_u64);
            assert_eq!(bytes, Some(elements * size as u64), "{id}");
            assert_eq!(array.fill_value().unwrap().element().len(), size, "{id}");
        }
        match array.encoding() {
            ArrayEncoding::V3(encoding) => {
                assert_eq!(array.zarr_format(), ZarrFormat::V3);
                let same = ["data_type", "chunk_grid", "chunk_key_encoding", "codecs"].map(|key| (key, key));
                expect_stored(id, array, entry, &same);
                assert_eq!(
                    names,
                    entry
                        .get("dimension_names")
                        .filter(|json| !json.is_null())
                        .cloned(),
                    "{id}"
                );
                assert_eq!(encoding.codecs.len(), items(entry, "codecs").len(), "{id}");
            }
            ArrayEncoding::V2(encoding) => {
                assert_eq!(array.zarr_format(), ZarrFormat::V2);
                let same = ["order", "compressor", "filters", "dimension_separator"].map(|key| (key, key));
                expect_stored(id, array, entry, &same);
                expect_stored(id, array, entry, &[("data_type", "dtype")]);
                assert_eq!(encoding.order == Order::F, text(entry, "order") == "F", "{id}");
                assert_eq!(
                    encoding.compressor.is_none(),
                    entry.get("compressor").unwrap().is_null(),
                    "{id}"
                );
            }
        }
    }
}

#[test]
fn fill_values_survive_being_written() {
    for entry in items(&manifest(), "arrays") {
        let id = text(entry, "id");
        let format = entry.get("zarr_format").and_then(Json::as_u64).unwrap();
        let node = open(
            &data().join(text(entry, "store")).join(text(entry, "path")),
            format,
        )
        .unwrap();
        let array = node.as_array().unwrap();
        let fill = array.fill_value().unwrap();
        let data_type = array.data_type();
        let mut main = array.document().main().clone();
        let again = match array.encoding() {
            ArrayEncoding::V3(_) => {
                main.insert("fill_value", fill.to_v3_json(data_type).unwrap());
                NodeMetadata::from_v3_json(main.into()).unwrap()
            }
            ArrayEncoding::V2(encoding) => {
                let big = zarr_core::metadata::data_type::Endianness::Big;
                let little = zarr_core::metadata::data_type::Endianness::Little;
                let order = if encoding.big_endian_runs.is_empty() {
                    little
                } else {
                    big
                };
                main.insert("fill_value", fill.to_v2_json(data_type, order).unwrap());
                NodeMetadata::Array(Box::new(ArrayMetadata::from_v2_json(main.into(), None).unwrap()))
            }
        };
        assert_eq!(again.as_array().unwrap().fill_value().unwrap(), fill, "{id}");
    }
}

#[test]
fn every_hierarchy_equals_the_manifest() {
    let manifest = manifest();
    let hierarchies = items(&manifest, "hierarchies");
    assert_eq!(hierarchies.len(), 24);
    for hierarchy in hierarchies {
        let store = data().join(text(hierarchy, "store"));
        for expected in items(hierarchy, "nodes") {
            let folder = store.join(text(expected, "path"));
            let format = expected.get("zarr_format").and_then(Json::as_u64).unwrap();
            let node = open(&folder, format).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            assert_eq!(
                node.as_array().is_some(),
                text(expected, "type") == "array",
                "{}",
                folder.display()
            );
            let attributes = with_tokens(expected.get("attributes").unwrap());
            assert_eq!(
                Some(node.attributes()),
                attributes.as_object(),
                "{}",
                folder.display()
            );
            // Written as it was read, it is the same node; strictly, it is JSON for everybody.
            for (name, document) in node.document().files(NonFiniteStyle::Token) {
                let stored = Json::parse(&read(&folder.join(name)).unwrap()).unwrap();
                assert_eq!(
                    Json::parse(document.as_bytes()).unwrap(),
                    stored,
                    "{}",
                    folder.display()
                );
            }
            for (_, document) in node.document().files(NonFiniteStyle::String) {
                serde_json::from_str::<serde::de::IgnoredAny>(&document).unwrap();
            }
        }
    }
}

#[test]
fn consolidated_metadata_holds_the_nodes_of_the_manifest() {
    let mut seen = 0;
    for hierarchy in items(&manifest(), "hierarchies") {
        let store = data().join(text(hierarchy, "store"));
        let nodes = items(hierarchy, "nodes");
        for group in nodes
            .iter()
            .filter(|node| node.get("consolidated") == Some(&true.into()))
        {
            let format = group.get("zarr_format").and_then(Json::as_u64).unwrap();
            let folder = store.join(text(group, "path"));
            let consolidated = match read(&folder.join(".zmetadata")) {
                Some(zmetadata) if format == 2 => ConsolidatedMetadata::parse_v2(&zmetadata).unwrap(),
                _ => open(&folder, format)
                    .unwrap()
                    .as_group()
                    .unwrap()
                    .consolidated()
                    .unwrap()
                    .unwrap(),
            };
            seen += 1;
            assert_eq!(consolidated.refused(), [], "{}", folder.display());
            let here = NodePath::parse(text(group, "path")).unwrap();
            for node in nodes {
                let path = NodePath::parse(text(node, "path")).unwrap();
                let Some(below) = path.strip_prefix(&here).filter(|below| !below.is_root()) else {
                    continue;
                };
                let found = consolidated
                    .get(&below)
                    .unwrap_or_else(|| panic!("{}: {below}", folder.display()));
                let found = found.as_ref().unwrap_or_else(|error| panic!("{below}: {error}"));
                let attributes = with_tokens(node.get("attributes").unwrap());
                assert_eq!(Some(found.attributes()), attributes.as_object(), "{below}");
                assert_eq!(
                    found.as_array().is_some(),
                    text(node, "type") == "array",
                    "{below}"
                );
            }
        }
    }
    assert!(seen >= 4, "{seen} groups with consolidated metadata");
}

/// What opening a node asks of its metadata.
fn open_fully(node: &Path, format: u64) -> Result<NodeMetadata, MetadataError> {
    let node = open(node, format)?;
    node.as_array().map_or(Ok(()), ArrayMetadata::ensure_supported)?;
    Ok(node)
}

#[test]
fn bad_metadata_gets_what_the_manifest_says() {
    let manifest = manifest();
    let bad = items(&manifest, "bad");
    let mut refused = 0;
    for entry in bad.iter().filter(|entry| text(entry, "layer") == "metadata") {
        let id = text(entry, "id");
        let format = entry.get("zarr_format").and_then(Json::as_u64).unwrap();
        let opened = open_fully(
            &data().join(text(entry, "store")).join(text(entry, "path")),
            format,
        );
        match text(entry, "expect") {
            "open_error" => {
                let error = opened
                    .err()
                    .unwrap_or_else(|| panic!("{id} opened: {}", text(entry, "reason")));
                // Nothing of a document that could harm a terminal or flood a log.
                let message = error.to_string();
                assert!(
                    message.len() < 500 && !message.contains(char::is_control),
                    "{id}: {message}"
                );
                refused += 1;
            }
            "open_or_error" => {}
            other => panic!("{id}: {other}"),
        }
    }
    assert!(refused >= 30, "{refused} refused");
    // Chunks are bad there, and the metadata is not.
    for entry in bad.iter().filter(|entry| text(entry, "expect") == "read_error") {
        let id = text(entry, "id");
        let format = entry.get("zarr_format").and_then(Json::as_u64).unwrap();
        let opened = open_fully(
            &data().join(text(entry, "store")).join(text(entry, "path")),
            format,
        );
        assert!(opened.is_ok(), "{id}: {}", opened.unwrap_err());
    }
}

#[test]
fn bad_consolidated_metadata_hides_no_healthy_node() {
    // Nodes (marked if broken), refused keys.
    let expected: &[(&str, &[&str], &[&str])] = &[
        ("cons_dotdot", &["/a"], &["../../etc/x"]),
        ("cons_empty_name", &[], &["a//b", ""]),
        ("cons_backslash", &[], &["..\\..\\x"]),
        ("cons_child_of_array", &["/a"], &["a/b"]),
        ("cons_self_cycle", &["/g"], &[]),
        ("cons_invalid_child", &["/a: broken"], &[]),
    ];
    let mut seen = 0;
    for entry in items(&manifest(), "bad")
        .iter()
        .filter(|entry| text(entry, "layer") == "hierarchy")
    {
        let id = text(entry, "id");
        let format = entry.get("zarr_format").and_then(Json::as_u64).unwrap();
        let folder = data().join(text(entry, "store")).join(text(entry, "path"));
        if id == "v2_zmetadata_format_2" {
            let read = ConsolidatedMetadata::parse_v2(&read(&folder.join(".zmetadata")).unwrap());
            assert!(matches!(read, Err(MetadataError::Unsupported { .. })), "{read:?}");
            continue;
        }
        let node = open(&folder, format).unwrap_or_else(|error| panic!("{id}: {error}"));
        let Some(consolidated) = node.as_group().and_then(GroupMetadata::consolidated) else {
            continue;
        };
        let consolidated = consolidated.unwrap_or_else(|error| panic!("{id}: {error}"));
        let mark = |path: &NodePath, broken: bool| format!("{path}{}", if broken { ": broken" } else { "" });
        let paths: Vec<_> = consolidated
            .nodes()
            .map(|(path, node)| mark(path, node.is_err()))
            .collect();
        let refused: Vec<_> = consolidated
            .refused()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        let (_, healthy, hostile) = expected
            .iter()
            .find(|(name, ..)| *name == id)
            .unwrap_or_else(|| panic!("{id}"));
        assert_eq!(
            (paths.join(", "), &refused[..]),
            (healthy.join(", "), *hostile),
            "{id}"
        );
        seen += 1;
    }
    assert_eq!(seen, expected.len());
}
