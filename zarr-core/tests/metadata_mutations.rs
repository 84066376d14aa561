//! Documents of the corpus with one value replaced by something nasty: an error or a checked document, never a panic,
//! and whatever was accepted answers every question.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails as the tests do"
)]

use std::path::Path;

use zarr_core::metadata::json::{NonFiniteStyle, Object};
use zarr_core::metadata::{ArrayMetadata, ConsolidatedMetadata, Json, MetadataError, NodeMetadata};

/// What takes the place of a value.
const NASTY: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1",
    "-0",
    "0.5",
    "1e400",
    "NaN",
    "255",
    "256",
    "64",
    "65",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "\"\"",
    "\"NaN\"",
    "\"0x\"",
    "\"0x7fc00000\"",
    "\"AAAA\"",
    "\"|O\"",
    "\"|V2147483647\"",
    "\">U536870911\"",
    "\"<M8[2147483647as]\"",
    "\"r8\"",
    "\"r17179869176\"",
    "\"string\"",
    "\"int4\"",
    "\"complex128\"",
    "\"float4_e2m1fn\"",
    "\"\\u0000\"",
    "[]",
    "[0]",
    "[[]]",
    "[18446744073709551615,2]",
    "[[1,1152921504606846976]]",
    "[[18446744073709551615,18446744073709551615]]",
    "[9223372036854775807,9223372036854775807]",
    "[\"sharding_indexed\"]",
    "[[\"a\",\">i4\",[1073741824]]]",
    "[[\"a\",\"|O\"]]",
    "{}",
    "{\"name\":\"transpose\"}",
    "{\"must_understand\":false}",
    "{\"name\":\"raw_bytes\",\"configuration\":{\"length_bytes\":2147483647}}",
    "{\"name\":\"fixed_length_utf32\",\"configuration\":{\"length_bytes\":2147483644}}",
];

/// A copy of `json` for each value in it and each nasty value, up to `most`, spread evenly.
fn mutations(json: &Json, most: usize) -> Vec<Json> {
    let places = count(json);
    let all = places * NASTY.len();
    (0..all)
        .step_by((all / most).max(1))
        .map(|n| replaced(json, &mut (n % places), NASTY[n / places]))
        .collect()
}

fn count(json: &Json) -> usize {
    let inner: usize = match json {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(object) => object.iter().map(|(_, value)| count(value)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    };
    inner + 1
}

fn replaced(json: &Json, place: &mut usize, nasty: &str) -> Json {
    if *place == 0 {
        *place = usize::MAX;
        return Json::parse(nasty.as_bytes()).unwrap();
    }
    *place = place.wrapping_sub(1);
    match json {
        Json::Array(items) => Json::Array(items.iter().map(|item| replaced(item, place, nasty)).collect()),
        Json::Object(object) => {
            let members = object
                .iter()
                .map(|(key, value)| (key.to_owned(), replaced(value, place, nasty)));
            members.collect::<Object>().into()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

/// Asks what readers and writers ask.
fn question(node: &NodeMetadata) {
    for (name, text) in node.document().files(NonFiniteStyle::Token) {
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(
            json.as_object(),
            node.document()
                .zattrs()
                .filter(|_| name == ".zattrs")
                .or(Some(node.document().main()))
        );
    }
    if let Some(group) = node.as_group() {
        let _ = group.consolidated();
    }
    let Some(array) = node.as_array() else { return };
    let _ = array.ensure_supported();
    let _ = array.with_shape(&vec![u64::from(u32::MAX); array.shape().len()]);
    assert!(array.data_type().scalar_runs().len() <= zarr_core::metadata::limits::MAX_STRUCT_UNITS);
    if let Ok(fill) = array.fill_value()
        && fill.size_bytes() < 1 << 20
    {
        let written = fill.to_v3_json(array.data_type());
        if let Some(size) = array.data_type().size_bytes() {
            assert_eq!(fill.element().len(), size);
            // Text of fixed length can hold what is no Unicode only in chunks, not in a document.
            written.unwrap_or_else(|error| panic!("{error}"));
        }
    }
    if let Ok(grid) = array.chunk_grid() {
        let shape = array.shape();
        let _ = grid.chunk_count(shape);
        let counts = grid.grid_shape(shape).unwrap();
        let last: Option<Vec<u64>> = counts.iter().map(|count| count.checked_sub(1)).collect();
        if let Some(last) = last {
            let elements = grid.elements_of(&last).unwrap();
            assert!(
                elements
                    .iter()
                    .zip(shape)
                    .all(|(range, length)| range.contains(&(length - 1)))
            );
            let all: Vec<_> = shape.iter().map(|&length| 0..length).collect();
            let chunks: Vec<_> = counts.iter().map(|&count| 0..count).collect();
            assert_eq!(grid.chunks_of(&all), Some(chunks));
            if let Ok(keys) = array.chunk_key_encoding() {
                assert_eq!(keys.chunk(&keys.key(&last), last.len()), Some(last));
            }
        }
        let _ = grid.elements_of(&vec![u64::MAX; shape.len()]);
    }
}

fn documents(folder: &Path, name: &str, found: &mut Vec<Json>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, name, found);
        } else if path.file_name().is_some_and(|found| found == name) {
            found.push(Json::parse(&std::fs::read(path).unwrap()).unwrap());
        }
    }
}

fn mutate(name: &str, most: usize, parse: impl Fn(Json) -> Result<Option<NodeMetadata>, MetadataError>) {
    let mut found = Vec::new();
    documents(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/stores"),
        name,
        &mut found,
    );
    assert!(!found.is_empty());
    let (mut accepted, mut refused) = (0, 0);
    for document in found {
        for mutated in mutations(&document, most) {
            match parse(mutated) {
                Ok(node) => {
                    accepted += 1;
                    node.iter().for_each(question);
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().len() < 1500, "{error}");
                }
            }
        }
    }
    // A mutation that all documents survive, or none, would test nothing.
    assert!(
        accepted > 0 && refused > 0,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn v3_documents() {
    mutate("zarr.json", 120, |json| {
        NodeMetadata::from_v3_json(json).map(Some)
    });
}

#[test]
fn v2_arrays() {
    mutate(".zarray", 200, |json| {
        ArrayMetadata::from_v2_json(json, None).map(|array| Some(NodeMetadata::Array(Box::new(array))))
    });
}

#[test]
fn v2_consolidated_documents() {
    mutate(".zmetadata", 3000, |json| {
        let read = ConsolidatedMetadata::from_v2_json(&json)?;
        read.nodes()
            .filter_map(|(_, node)| node.as_ref().ok())
            .for_each(question);
        Ok(None)
    });
}
