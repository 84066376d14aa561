use super::super::json::{NonFiniteStyle, PrintOptions};
use super::super::*;
use super::{V2, V3, parsed, v2, v3};
use crate::node_path::NodePath;

fn consolidated(entries: &str) -> ConsolidatedMetadata {
    let text = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
        {{"kind": "inline", "must_understand": false, "metadata": {entries}}}}}"#
    );
    let node = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
    node.as_group().unwrap().consolidated().unwrap().unwrap()
}

fn paths(consolidated: &ConsolidatedMetadata) -> Vec<String> {
    consolidated.nodes().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn hostile_entries_are_refused_one_by_one() {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    let hostile = [
        "../x",
        "a/../../x",
        "/a",
        "a//b",
        "a/",
        "",
        ".",
        "a\\\\b",
        "a\\u0000b",
        "__x",
        "zarr.json",
        "a/...",
    ];
    let entries: Vec<_> = hostile
        .iter()
        .chain(&["good", "größe/数据"])
        .map(|key| format!("\"{key}\": {group}"))
        .collect();
    let read = consolidated(&format!("{{{}}}", entries.join(", ")));
    assert_eq!(paths(&read), ["/good", "/größe/数据"]);
    assert_eq!(read.refused().len(), hostile.len());
    let pointer = "/consolidated_metadata/metadata/..~1x";
    let error = read.refused()[0].error.clone().within("consolidated_metadata");
    assert_eq!(
        (read.refused()[0].key.as_str(), error.pointer()),
        ("../x", pointer)
    );
}

#[test]
fn broken_entries_stay_beside_the_healthy() {
    let read = consolidated(&format!(
        r#"{{"bad": {{"zarr_format": 3}}, "good": {V3}, "v2": {V2}}}"#
    ));
    assert_eq!(paths(&read), ["/bad", "/good", "/v2"]);
    let get = |name: &str| read.get(&NodePath::parse(name).unwrap()).unwrap();
    assert!(get("good").is_ok());
    assert_eq!(get("bad").as_ref().unwrap_err().pointer(), "/metadata/bad");
    assert_eq!(
        get("v2").as_ref().unwrap_err().pointer(),
        "/metadata/v2/zarr_format"
    );
}

#[test]
fn arrays_have_no_children() {
    let entries =
        format!(r#"{{"a/b": {V3}, "a/b/c": {V3}, "a": {V3}, "a-b": {V3}, "ab/c": {V3}, "a/x/y": {V3}}}"#);
    let read = consolidated(&entries);
    assert_eq!(paths(&read), ["/a", "/a-b", "/ab/c"]);
    let refused: Vec<_> = read.refused().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["a/b", "a/b/c", "a/x/y"]);
}

#[test]
fn empty_inner_maps_and_null_mean_nothing() {
    let read = consolidated(
        r#"{"g": {"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": {}}},
        "g/h": {"zarr_format": 3, "node_type": "group"}}"#,
    );
    assert_eq!(paths(&read), ["/g", "/g/h"]);
    let group = |field: &str| {
        let text = format!(r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {field}}}"#);
        let node = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
        node.as_group().unwrap().consolidated()
    };
    assert_eq!(group("null"), None);
    for (field, pointer) in [
        ("1", "/consolidated_metadata"),
        ("{}", "/consolidated_metadata"),
        (r#"{"kind": "inline"}"#, "/consolidated_metadata/metadata"),
        (
            r#"{"kind": "inline", "metadata": []}"#,
            "/consolidated_metadata/metadata",
        ),
        (
            r#"{"kind": "link", "metadata": {}}"#,
            "/consolidated_metadata/kind",
        ),
    ] {
        assert_eq!(group(field).unwrap().unwrap_err().pointer(), pointer, "{field}");
    }
}

#[test]
fn v2_consolidated_documents_are_read() {
    let text = format!(
        r#"{{"zarr_consolidated_format": 1, "metadata": {{".zgroup": {{"zarr_format": 2}}, ".zattrs": {{"t": 1}},
        "a/.zarray": {V2}, "a/.zattrs": {{"x": NaN}}, "a/.zgroup": {{"zarr_format": 2}}, "a/b/.zarray": {V2},
        "b/.zarray": {{}}, "c/.zattrs": {{}}, "../d/.zarray": {V2}, "e/.zarray/x": {V2}, "f/.zgroup": {{"zarr_format": 2}},
        "f/.zattrs": 1, "g/.zgroup": {{"zarr_format": 2}}, "g/.zattrs": null}}}}"#
    );
    let read = ConsolidatedMetadata::parse_v2(text.as_bytes()).unwrap();
    assert_eq!(paths(&read), ["/", "/a", "/b", "/f", "/g"]);
    let get = |name: &str| read.get(&NodePath::parse(name).unwrap()).unwrap().clone();
    assert_eq!(get("/").unwrap().attributes().get("t"), Some(&1.into()));
    assert!(
        get("a")
            .unwrap()
            .as_array()
            .unwrap()
            .attributes()
            .contains_key("x")
    );
    assert_eq!(get("b").unwrap_err().pointer(), "/metadata/b~1.zarray");
    assert_eq!(get("f").unwrap_err().pointer(), "/metadata/f~1.zattrs");
    assert!(get("g").unwrap().attributes().is_empty());
    let refused: Vec<_> = read.refused().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["../d/.zarray", "e/.zarray/x", "c/.zattrs", "a/b"]);
    for text in [
        "{}",
        "[]",
        r#"{"zarr_consolidated_format": 1}"#,
        r#"{"zarr_consolidated_format": "1", "metadata": {}}"#,
    ] {
        assert!(
            matches!(
                ConsolidatedMetadata::parse_v2(text.as_bytes()),
                Err(MetadataError::Invalid { .. })
            ),
            "{text}"
        );
    }
    let newer = br#"{"zarr_consolidated_format": 2, "metadata": {}}"#;
    assert!(matches!(
        ConsolidatedMetadata::parse_v2(newer),
        Err(MetadataError::Unsupported { .. })
    ));
}

#[test]
fn consolidated_metadata_is_written_and_read_back() {
    let path = |text: &str| NodePath::parse(text).unwrap();
    let array = NodeMetadata::Array(Box::new(v3(&[]).unwrap()));
    let group = NodeMetadata::Group(GroupMetadata::new(ZarrFormat::V3));
    let (g, a, ga) = (path("z"), path("a"), path("z/a"));
    let nodes = [(&ga, &array), (&g, &group), (&a, &array)];
    let root = GroupMetadata::new(ZarrFormat::V3)
        .with_consolidated(nodes)
        .unwrap();
    let (_, text) = root.document().files(NonFiniteStyle::String).remove(0);
    let read = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
    assert_eq!(read, NodeMetadata::Group(root.clone()));
    let keys: Vec<_> = parsed(&text)
        .pointer("/consolidated_metadata/metadata")
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .map(str::to_owned)
        .collect();
    assert_eq!(keys, ["a", "z", "z/a"]);
    let consolidated = root.consolidated().unwrap().unwrap();
    assert_eq!(consolidated.get(&ga).unwrap().as_ref().unwrap(), &array);
    assert!(
        consolidated
            .get(&g)
            .unwrap()
            .as_ref()
            .unwrap()
            .as_group()
            .unwrap()
            .consolidated()
            .is_some()
    );
    assert_eq!(root.without_consolidated(), GroupMetadata::new(ZarrFormat::V3));

    let mut v2_array = v2(&[]).unwrap();
    v2_array.attributes_mut().insert("x", 1);
    let v2_array = NodeMetadata::Array(Box::new(v2_array));
    let v2_group = NodeMetadata::Group(GroupMetadata::new(ZarrFormat::V2));
    let root_path = NodePath::root();
    let document =
        ConsolidatedMetadata::v2_document([(&ga, &v2_array), (&g, &v2_group), (&root_path, &v2_group)])
            .unwrap();
    let text = document.print(PrintOptions::pretty());
    let read = ConsolidatedMetadata::parse_v2(text.as_bytes()).unwrap();
    assert_eq!(paths(&read), ["/", "/z", "/z/a"]);
    assert_eq!(read.get(&ga).unwrap().as_ref().unwrap(), &v2_array);
    assert!(ConsolidatedMetadata::v2_document([(&a, &array)]).is_err());
    assert!(
        GroupMetadata::new(ZarrFormat::V3)
            .with_consolidated([(&a, &v2_array)])
            .is_err()
    );
}
