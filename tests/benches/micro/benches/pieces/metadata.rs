//! How fast are documents parsed: of one array, and of a hierarchy of 1000?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use zarr_core::metadata::{ArrayMetadata, ConsolidatedMetadata, GroupMetadata, Json, NodeMetadata};
use zarr_micro_benches::{array_document, consolidated_v2, consolidated_v3, zarray_document};

const NODES: usize = 1000;

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let mut measure = |name: &str, document: String, parse: &dyn Fn(&[u8]) -> usize| {
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| parse(black_box(document.as_bytes())))
        });
    };
    measure("array, v3", array_document(), &|bytes| {
        let NodeMetadata::Array(array) = NodeMetadata::parse_v3(bytes).expect("an array") else {
            panic!("an array")
        };
        array.shape().len()
    });
    measure("array, v2", zarray_document(), &|bytes| {
        ArrayMetadata::parse_v2(bytes, None)
            .expect("an array")
            .shape()
            .len()
    });
    measure("consolidated 1000 nodes, v3", consolidated_v3(NODES), &|bytes| {
        let NodeMetadata::Group(group) = NodeMetadata::parse_v3(bytes).expect("a group") else {
            panic!("a group")
        };
        complete(&group)
    });
    measure("consolidated 1000 nodes, v2", consolidated_v2(NODES), &|bytes| {
        let consolidated = ConsolidatedMetadata::parse_v2(bytes).expect("consolidated metadata");
        count(&consolidated, NODES + 1)
    });
    // What of it is reading JSON.
    measure(
        "consolidated 1000 nodes, v3, JSON alone",
        consolidated_v3(NODES),
        &|bytes| {
            Json::parse(bytes)
                .expect("JSON")
                .as_object()
                .expect("an object")
                .len()
        },
    );
}

fn complete(group: &GroupMetadata) -> usize {
    let consolidated = group.consolidated().expect("consolidated").expect("valid");
    count(&consolidated, NODES)
}

/// Each node is there and valid.
fn count(consolidated: &ConsolidatedMetadata, expected: usize) -> usize {
    let found = consolidated.nodes().filter(|(_, node)| node.is_ok()).count();
    assert_eq!(found, expected);
    found
}
