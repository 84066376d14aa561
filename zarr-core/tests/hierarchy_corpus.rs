//! Every hierarchy of the conformance corpus, opened and walked, against the manifest; and every bad one, refused or listed
//! as it says. The files are held in memory; the backends have the same test over the network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Map, Value, json};
use zarr_core::hierarchy::{self, ConsolidatedMode, Member, Members, OpenOptions};
use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;
use zarr_core::{Error, Node, NodeKind, NodePath, Store, StoreOptions};
use zarr_fs::{FileSystemExt, MemoryFileSystem};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

fn manifest() -> Value {
    serde_json::from_slice(&fs::read(data().join("manifest.json")).unwrap()).unwrap()
}

fn files(dir: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let key = format!("{prefix}/{name}");
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &key, found);
        } else {
            found.push((key, entry.path()));
        }
    }
}

/// A store of the corpus in memory. Beside its base lies a node that nothing may reach.
fn load(store: &str) -> Arc<Store> {
    let fs = MemoryFileSystem::new();
    let mut found = Vec::new();
    files(&data().join(store), "base/store", &mut found);
    for (key, file) in found {
        let key = zarr_fs::Path::parse(key).unwrap();
        block_on(fs.pipe(&key, fs::read(file).unwrap())).unwrap();
    }
    let outside = br#"{"zarr_format": 3, "node_type": "group", "attributes": {"outside": true}}"#;
    for key in ["base/x/zarr.json", "base/zarr.json", "etc/x/zarr.json"] {
        let key = zarr_fs::Path::parse(key).unwrap();
        block_on(fs.pipe(&key, outside.as_slice())).unwrap();
    }
    let base = zarr_fs::Path::parse("base/store").unwrap();
    Store::new(Box::new(fs), base, StoreOptions::default())
}

/// A value in the manifest's words: non-finite numbers are `{"$nonfinite": "NaN"}`.
fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => json!(value),
        Json::String(text) => json!(text),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(object) => plain_object(object),
        Json::Number(number) => match number.non_finite() {
            Some(token) => json!({"$nonfinite": token.as_str()}),
            None => serde_json::from_str(&number.text()).unwrap(),
        },
    }
}

fn plain_object(object: &Object) -> Value {
    let members: Map<String, Value> = object
        .iter()
        .map(|(key, value)| (key.to_owned(), plain(value)))
        .collect();
    Value::Object(members)
}

/// What the manifest says of a node.
fn facts(node: &Node) -> Value {
    let is_consolidated = match node {
        Node::Group(group) => group.is_consolidated(),
        Node::Array(_) => false,
    };
    json!({
        "path": node.path().as_relative(),
        "type": node.kind().to_string(),
        "zarr_format": node.zarr_format().number(),
        "attributes": plain_object(node.attributes()),
        "consolidated": is_consolidated,
    })
}

fn walk(store: &Arc<Store>, options: OpenOptions) -> zarr_core::Result<(Node, Vec<Member>)> {
    block_on(async {
        let node = hierarchy::open(store, &NodePath::root(), options).await?;
        let members = match &node {
            Node::Array(_) => Vec::new(),
            Node::Group(group) => match group.members(usize::MAX).await? {
                Members::Known(members) => members,
                Members::Unknown(unlisted) => return Err(unlisted.error),
            },
        };
        Ok((node, members))
    })
}

fn by_path<'a>(nodes: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, Value> {
    let path = |node: &Value| node["path"].as_str().unwrap().to_owned();
    nodes.into_iter().map(|node| (path(node), node.clone())).collect()
}

#[test]
fn every_hierarchy_has_exactly_the_nodes_of_the_manifest() {
    let manifest = manifest();
    let hierarchies = manifest["hierarchies"].as_array().unwrap();
    assert_eq!(hierarchies.len(), 24);
    let mut nodes_seen = 0;
    for hierarchy in hierarchies {
        let name = hierarchy["store"].as_str().unwrap();
        let mut expected = by_path(hierarchy["nodes"].as_array().unwrap());
        for mode in [ConsolidatedMode::Auto, ConsolidatedMode::Ignore] {
            let store = load(name);
            let (root, members) = walk(&store, OpenOptions::default().with_consolidated(mode)).unwrap();
            if mode == ConsolidatedMode::Ignore {
                for node in expected.values_mut() {
                    node["consolidated"] = json!(false);
                }
            }
            let mut found = vec![facts(&root)];
            assert!(root.warnings().is_empty(), "{name}: {:?}", root.warnings());
            for member in &members {
                let Member::Node(node) = member else {
                    panic!("{name}: {member:?}")
                };
                assert!(
                    node.warnings().is_empty(),
                    "{name}{}: {:?}",
                    node.path(),
                    node.warnings()
                );
                found.push(facts(node));
            }
            nodes_seen += found.len();
            let found = by_path(&found);
            assert_eq!(
                found.keys().collect::<Vec<_>>(),
                expected.keys().collect::<Vec<_>>(),
                "{name}"
            );
            for (path, node) in &expected {
                assert_eq!(&found[path], node, "{name}/{path}");
            }
            block_on(store.close()).unwrap();
        }
    }
    assert!(nodes_seen > 500, "{nodes_seen}");
}

#[test]
fn every_bad_document_fails_to_open_with_a_typed_error() {
    let manifest = manifest();
    let mut seen = 0;
    for bad in manifest["bad"].as_array().unwrap() {
        let (id, expect) = (bad["id"].as_str().unwrap(), bad["expect"].as_str().unwrap());
        if bad["layer"] != "metadata" {
            continue;
        }
        seen += 1;
        let store = load(bad["store"].as_str().unwrap());
        let path = NodePath::parse(bad["path"].as_str().unwrap()).unwrap();
        let opened = block_on(hierarchy::open(&store, &path, OpenOptions::default()));
        match (opened, expect) {
            (Err(Error::InvalidMetadata { key, .. } | Error::Unsupported { at: key, .. }), _) => {
                assert!(
                    key.contains("zarr.json") || key.contains(".zarray"),
                    "{id}: {key}"
                );
            }
            (Err(other), _) => panic!("{id}: {other:?}"),
            (Ok(_), "open_or_error") => {}
            (Ok(node), _) => panic!("{id}: opened as {node:?}"),
        }
        block_on(store.close()).unwrap();
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_bad_hierarchy_is_listed_without_reaching_outside() {
    let manifest = manifest();
    let listed: BTreeMap<&str, Vec<String>> = manifest["bad"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bad| bad["layer"] == "hierarchy")
        .map(|bad| {
            let id = bad["id"].as_str().unwrap();
            let store = load(bad["store"].as_str().unwrap());
            let (root, members) = walk(&store, OpenOptions::default()).unwrap();
            let mut lines = vec![root.kind().to_string()];
            for member in members {
                lines.push(match member {
                    Member::Node(node) => {
                        assert!(
                            !node.attributes().contains_key("outside"),
                            "{id}: {}",
                            node.path()
                        );
                        format!("{} {}", node.kind(), node.path())
                    }
                    Member::Broken(broken) => format!("broken {}", broken.path),
                    Member::Unlisted(unlisted) => format!("unlisted {}", unlisted.path),
                });
            }
            lines.extend(root.warnings().iter().map(|warning| format!("! {warning}")));
            block_on(store.close()).unwrap();
            (id, lines)
        })
        .collect();
    let expected = [
        ("cons_backslash", vec!["group", "broken /..\\..\\x"]),
        ("cons_child_of_array", vec!["group", "array /a", "broken /a/b"]),
        ("cons_dotdot", vec!["group", "broken /../../etc/x", "array /a"]),
        ("cons_empty_name", vec!["group", "broken /", "broken /a//b"]),
        ("cons_invalid_child", vec!["group", "broken /a"]),
        ("cons_self_cycle", vec!["group", "group /g"]),
        ("implicit_group_v3", vec!["group"]),
        (
            "v2_array_and_group",
            vec!["array", "! has a .zarray and a .zgroup; the array was taken"],
        ),
        (
            "v2_zmetadata_format_2",
            vec!["group", "! consolidated metadata not used: "],
        ),
    ];
    assert_eq!(listed.len(), expected.len());
    for (id, expected) in expected {
        let found = &listed[id];
        assert_eq!(found.len(), expected.len(), "{id}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            let fits = if expected.ends_with(": ") {
                found.starts_with(expected)
            } else {
                found == expected
            };
            assert!(fits, "{id}: {found}");
        }
    }
}

/// Each bad store as a child of a healthy group: it is reported, and its siblings are listed.
#[test]
fn a_bad_store_as_a_child_hides_no_sibling() {
    let manifest = manifest();
    let fs = MemoryFileSystem::new();
    let group = br#"{"zarr_format": 3, "node_type": "group"}"#;
    let mut expected = Vec::new();
    let put =
        |key: String, bytes: Vec<u8>| block_on(fs.pipe(&zarr_fs::Path::parse(key).unwrap(), bytes)).unwrap();
    put("zarr.json".to_owned(), group.to_vec());
    put("healthy/zarr.json".to_owned(), group.to_vec());
    for bad in manifest["bad"].as_array().unwrap() {
        if bad["layer"] != "metadata" || bad["zarr_format"] != 3 || bad["path"] != "" {
            continue;
        }
        let id = bad["id"].as_str().unwrap();
        put(
            format!("{id}/zarr.json"),
            fs::read(data().join(bad["store"].as_str().unwrap()).join("zarr.json")).unwrap(),
        );
        expected.push(id.to_owned());
    }
    let store = Store::new(Box::new(fs), zarr_fs::Path::root(), StoreOptions::default());
    let (_, members) = walk(&store, OpenOptions::default()).unwrap();
    assert_eq!(members.len(), expected.len() + 1);
    let broken = members
        .iter()
        .filter(|member| matches!(member, Member::Broken(_)))
        .count();
    assert!(broken > 25, "{broken}");
    let healthy = members.iter().any(|member| {
        matches!(member, Member::Node(node) if node.kind() == NodeKind::Group && node.path().name() == Some("healthy"))
    });
    assert!(healthy);
    block_on(store.close()).unwrap();
}
