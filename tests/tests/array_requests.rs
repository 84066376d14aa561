//! What reading data costs in requests, as the server counts them.

use std::sync::Arc;

use futures::executor::block_on;
use zarr_core::array::{Array, Selection};
use zarr_core::hierarchy::{self, CreateMode, OpenOptions};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, Json, NamedConfig, V3ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::Path as FsPath;
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::GcsServer;
use zarr_tests::{Fault, Request, When};

const BUCKET: &str = "arrays";
const SHARDING: &str = r#"{"name": "sharding_indexed", "configuration": {"chunk_shape": [32, 32, 32],
    "codecs": [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 1, "checksum": false}}],
    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    "index_location": "end"}}"#;

fn store(server: &GcsServer) -> Arc<Store> {
    let config = GcsConfig::new(format!("gs://{BUCKET}")).with_anonymous();
    let mut options = zarr_fs::Options::new();
    options.set("endpoint_url", server.url().into()).unwrap();
    let fs = config.with_options(options).open().unwrap();
    Store::new(Box::new(fs), FsPath::root(), StoreOptions::default().writable())
}

fn codec(json: &str) -> NamedConfig {
    NamedConfig::parse(&Json::parse(json.as_bytes()).unwrap()).unwrap()
}

/// An array of bytes, each the low byte of its place, written and opened anew: nothing of it is remembered.
async fn written(store: &Arc<Store>, shape: &[u64], chunk: &[u64], codecs: &[&str]) -> Array {
    let metadata = V3ArrayBuilder::new(shape, DataType::Int(IntKind::UInt8))
        .chunk_shape(chunk)
        .codecs(codecs.iter().map(|json| codec(json)).collect::<Vec<_>>())
        .build()
        .unwrap();
    let array = hierarchy::create_array(store, &NodePath::root(), metadata, CreateMode::Create).await;
    let array = array.unwrap();
    let elements: Vec<u8> = (0..shape.iter().product()).map(place).collect();
    array.write(&Selection::all(shape), &elements).await.unwrap();
    reopened(store).await
}

async fn reopened(store: &Arc<Store>) -> Array {
    let node = hierarchy::open(store, &NodePath::root(), OpenOptions::default()).await;
    node.unwrap().into_array().unwrap()
}

/// What lies at a place, counted in C order: not zero everywhere, and not the same in neighbouring rows.
fn place(at: u64) -> u8 {
    (at % 251) as u8
}

#[test]
fn a_corner_of_an_inner_chunk_costs_two_requests_and_one_when_the_index_is_known() {
    let server = GcsServer::builder().bucket(BUCKET).start();
    block_on(async {
        let store = store(&server);
        let array = written(&store, &[256, 256, 256], &[256, 256, 256], &[SHARDING]).await;
        let corner = |start: i64| {
            let dim = start..start + 4;
            Selection::new(
                &[dim.clone().into(), dim.clone().into(), dim.into()],
                array.shape(),
            )
            .unwrap()
        };
        for (start, requests) in [(32, 2), (40, 1), (100, 1)] {
            server.clear_log();
            let elements: Vec<u8> = array.read(&corner(start)).await.unwrap();
            let expected: Vec<u8> = (0..64)
                .map(|i| {
                    let at = |power: u64| start as u64 + i / 4_u64.pow(2 - power as u32) % 4;
                    place((at(0) * 256 + at(1)) * 256 + at(2))
                })
                .collect();
            assert_eq!(elements, expected);
            assert_eq!(server.log().len(), requests, "from {start}");
        }
        store.close().await.unwrap();
    });
}

/// As behind a balancer of servers that each have an ETag of their own for the same bytes.
#[test]
fn a_shard_that_is_another_version_each_time_is_read_by_one_request() {
    let server = GcsServer::builder().bucket(BUCKET).start();
    block_on(async {
        let store = store(&server);
        let array = written(&store, &[64, 64, 64], &[64, 64, 64], &[SHARDING]).await;
        let conditional = |request: &Request| {
            let headers = ["if-match", "x-goog-if-generation-match"];
            headers.iter().any(|name| request.header(*name).is_some())
        };
        let changed = Fault::status(412);
        let refused = server.faults().add(When::always().and(conditional), changed);
        let corner = Selection::new(&[(0..4).into(), (0..4).into(), (0..4).into()], array.shape()).unwrap();
        let elements: Vec<u8> = array.read(&corner).await.unwrap();
        let expected = (0..64).map(|i| place((i / 16 * 64 + i / 4 % 4) * 64 + i % 4));
        assert_eq!(elements, expected.collect::<Vec<_>>());
        assert!(server.faults().hits(refused) > 0);
        store.close().await.unwrap();
    });
}

#[test]
fn all_of_an_array_costs_a_request_for_each_chunk() {
    let server = GcsServer::builder().bucket(BUCKET).start();
    block_on(async {
        let store = store(&server);
        let array = written(&store, &[64, 64], &[4, 4], &[r#"{"name": "bytes"}"#]).await;
        server.clear_log();
        let elements: Vec<u8> = array.read(&Selection::all(array.shape())).await.unwrap();
        assert_eq!(elements, (0..4096).map(place).collect::<Vec<_>>());
        assert_eq!(server.log().len(), 256);
        store.close().await.unwrap();
    });
}
