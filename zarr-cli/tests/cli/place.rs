//! The corpus somewhere: what the command must list and print there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::run::{Ended, command, manifest, run};

/// Where the corpus lies, and how it is opened: options, then a way from a hierarchy to its URL.
pub(crate) struct Place<'a> {
    pub(crate) options: &'a [&'a str],
    pub(crate) url: &'a dyn Fn(&str) -> String,
}

impl Place<'_> {
    fn run(&self, verb: &[&str], store: &str) -> Ended {
        let url = (self.url)(store);
        let mut args = verb.to_vec();
        args.extend(["--json", "--io-stats"]);
        args.extend(self.options);
        args.push(&url);
        run(&args)
    }
}

/// The manifest writes tokens that are no JSON as an object; the command prints them as strings.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.len() == 1 && object.contains_key("$nonfinite") => {
            object["$nonfinite"].clone()
        }
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// What `ls --json` and `info --json` must print for a node.
fn expected(node: &Value, store: &str, arrays: &BTreeMap<(String, String), Value>) -> Value {
    let path = node["path"].as_str().unwrap();
    let mut line = json!({
        "path": format!("/{path}"),
        "kind": node["type"],
        "zarr_format": node["zarr_format"],
        "attributes": plain(&node["attributes"]),
    });
    if node["type"] == "array" {
        let array = &arrays[&(store.to_owned(), path.to_owned())];
        let fields: &[&str] = match array["zarr_format"].as_u64() {
            Some(2) => &["order", "compressor", "filters", "dimension_separator"],
            _ => &["chunk_key_encoding", "codecs", "dimension_names"],
        };
        for field in fields
            .iter()
            .chain(&["shape", "chunk_shape", "data_type", "fill_value"])
        {
            line[field] = plain(&array[*field]);
        }
    }
    line
}

/// Every hierarchy has exactly the manifest's nodes, formats, attributes and fields, and nothing is left open.
pub(crate) fn assert_lists_the_corpus(place: &Place<'_>) {
    let manifest = manifest();
    let arrays: BTreeMap<_, _> = manifest["arrays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|array| {
            let text = |key: &str| array[key].as_str().unwrap().to_owned();
            ((text("store"), text("path")), array.clone())
        })
        .collect();
    let hierarchies = manifest["hierarchies"].as_array().unwrap();
    assert_eq!(hierarchies.len(), 24);
    for hierarchy in hierarchies {
        let store = hierarchy["store"].as_str().unwrap();
        let mut nodes: Vec<Value> = hierarchy["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| expected(node, store, &arrays))
            .collect();
        let by_path = |value: &Value| value["path"].as_str().unwrap().to_owned();
        nodes.sort_by_key(by_path);
        let root = nodes.remove(0);
        assert_eq!(root["path"], "/");

        let listed = place.run(&["ls", "-R"], store);
        assert_eq!(listed.code, 0, "{store}: {}", listed.stderr);
        listed.assert_all_closed();
        let mut lines = listed.lines();
        lines.sort_by_key(by_path);
        assert_eq!(lines, nodes, "{store}");

        let told = place.run(&["info"], store);
        assert_eq!(told.code, 0, "{store}: {}", told.stderr);
        told.assert_all_closed();
        assert_eq!(told.lines(), [root], "{store}");
    }
}

/// Every array's bytes by `cat -F bin` are the manifest's.
pub(crate) fn assert_prints_every_array(place: &Place<'_>) {
    let manifest = manifest();
    let mut wrong = Vec::new();
    for array in manifest["arrays"].as_array().unwrap() {
        let text = |key: &str| array[key].as_str().unwrap();
        let url = format!("{}/{}", (place.url)(text("store")), text("path"));
        let mut args = vec!["cat", "-q", "-F", "bin"];
        args.extend(place.options);
        args.push(url.trim_end_matches('/'));
        let output = command(&args).output().unwrap();
        let hash: String = Sha256::digest(&output.stdout)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if !output.status.success() || hash != text("sha256") {
            wrong.push(format!(
                "{}: {}",
                text("id"),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
