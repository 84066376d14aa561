//! Hierarchies over the network: request budgets as the server counts them, and the corpus' trees through listings of all kinds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use zarr_core::hierarchy::{self, Member, Members, OpenOptions};
use zarr_core::{Group, NodePath, Store, StoreOptions, ZarrFormat};
use zarr_fs::{FileSystem, Path as FsPath};
use zarr_gcs::GcsConfig;
use zarr_http::HttpConfig;
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{RoundGate, Server};

const BUCKET: &str = "hierarchies";
const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#;
const ARRAY: &str = r#"{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "int32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
    "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}"#;
const V2_GROUP: &str = r#"{"zarr_format": 2}"#;
const V2_ARRAY: &str = r#"{"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "compressor": null,
    "fill_value": 0, "order": "C", "filters": null}"#;

/// How long a server may take to notice that connections are gone.
const LIMIT: Duration = Duration::from_millis(500);

/// Waves count once from so many requests on; less than the width of a client.
const WAVE: usize = 64;

fn store(fs: impl FileSystem) -> Arc<Store> {
    Store::new(Box::new(fs), FsPath::root(), StoreOptions::default())
}

fn gcs(server: &GcsServer) -> Arc<Store> {
    let config = GcsConfig::new(format!("gs://{BUCKET}")).with_anonymous();
    let mut options = zarr_fs::Options::new();
    options.set("endpoint_url", server.url().into()).unwrap();
    store(config.with_options(options).open().unwrap())
}

fn bucket(page_size: usize, files: impl IntoIterator<Item = (String, &'static str)>) -> GcsServer {
    let server = GcsServer::builder().bucket(BUCKET).page_size(page_size).start();
    for (key, value) in files {
        server.put(BUCKET, &key, value);
    }
    // From the first request on, or the session would learn that the server is near and ask few things at once.
    server.gate(RoundGate::new(WAVE));
    server
}

async fn open_group(store: &Arc<Store>, options: OpenOptions) -> Group {
    let node = hierarchy::open(store, &NodePath::root(), options).await;
    node.unwrap().into_group().unwrap()
}

async fn count(group: &Group) -> usize {
    match group.members(usize::MAX).await.unwrap() {
        Members::Known(members) => {
            assert!(members.iter().all(|member| matches!(member, Member::Node(_))));
            members.len()
        }
        Members::Unknown(unlisted) => panic!("{}", unlisted.error),
    }
}

/// What `work` costs: requests, and rounds of them.
async fn cost<T>(server: &Server, work: impl Future<Output = T>) -> (T, usize, usize) {
    server.clear_log();
    server.gate(RoundGate::new(WAVE));
    let done = work.await;
    let rounds = server.rounds();
    server.ungate();
    (done, server.log().len(), rounds)
}

fn v3(format: OpenOptions) -> OpenOptions {
    format.with_zarr_format(ZarrFormat::V3)
}

#[test]
fn opening_costs_one_round() {
    let server = bucket(1000, [("zarr.json".to_owned(), GROUP)]);
    block_on(async {
        let store = gcs(&server);
        let (_, requests, rounds) = cost(&server, open_group(&store, OpenOptions::default())).await;
        assert_eq!((requests, rounds), (5, 1));
        let (_, requests, rounds) = cost(&server, open_group(&store, v3(OpenOptions::default()))).await;
        assert_eq!((requests, rounds), (1, 1));
        store.close().await.unwrap();
    });
}

#[test]
fn a_thousand_v3_children_cost_a_listing_and_a_thousand_gets() {
    let arrays = (0..1000).map(|i| (format!("a{i:04}/zarr.json"), ARRAY));
    let server = bucket(400, arrays.chain([("zarr.json".to_owned(), GROUP)]));
    block_on(async {
        let store = gcs(&server);
        let group = open_group(&store, v3(OpenOptions::default())).await;
        let (members, requests, rounds) = cost(&server, count(&group)).await;
        assert_eq!(members, 1000);
        // Three pages of a listing, then all children in one wave.
        assert_eq!((requests, rounds), (1003, 4));
        assert!(
            server.max_in_flight() >= 64,
            "{} in flight",
            server.max_in_flight()
        );
        store.close().await.unwrap();
        assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
    });
}

#[test]
fn a_thousand_v2_arrays_cost_two_gets_each() {
    let arrays = (0..1000).map(|i| (format!("a{i:04}/.zarray"), V2_ARRAY));
    let server = bucket(1000, arrays.chain([(".zgroup".to_owned(), V2_GROUP)]));
    block_on(async {
        let store = gcs(&server);
        let group = open_group(&store, OpenOptions::default()).await;
        let (members, requests, rounds) = cost(&server, count(&group)).await;
        assert_eq!(members, 1000);
        // Two pages of a listing, then all children in one wave.
        assert_eq!((requests, rounds), (2002, 3));
        // None that was answered "missing" (here all attributes) is asked for again.
        let (members, requests, _) = cost(&server, count(&group)).await;
        assert_eq!((members, requests), (1000, 1002));
        store.close().await.unwrap();
    });
}

/// A second look at a node asks for what was there, and for nothing that was answered "missing".
#[test]
fn what_is_missing_is_asked_for_once_within_one_open() {
    let files = [
        (".zgroup", V2_GROUP),
        ("a/.zarray", V2_ARRAY),
        ("g/.zgroup", V2_GROUP),
        ("g/b/.zarray", V2_ARRAY),
    ];
    let server = bucket(1000, files.map(|(key, value)| (key.to_owned(), value)));
    block_on(async {
        let store = gcs(&server);
        let group = open_group(&store, OpenOptions::default()).await;
        for path in ["a", "g", "g/b", "nowhere"] {
            let (first, before, _) = cost(&server, group.get(path)).await;
            let (second, after, _) = cost(&server, group.get(path)).await;
            assert_eq!(first.is_ok(), second.is_ok(), "{path}");
            let there = usize::from(first.is_ok());
            assert!(
                before > after && after == there,
                "{path}: {before} requests, then {after}"
            );
        }
        // A listing after that asks for no missing document either: two groups are listed, three nodes are there.
        let (members, requests, _) = cost(&server, count(&group)).await;
        assert_eq!((members, requests), (3, 5));
        store.close().await.unwrap();
    });
}

#[test]
fn a_walk_of_three_hundred_nodes_costs_349_requests_in_six_rounds() {
    let mut files = vec![("zarr.json".to_owned(), GROUP)];
    for i in 0..6 {
        files.push((format!("g{i}/zarr.json"), GROUP));
        for j in 0..7 {
            files.push((format!("g{i}/h{j}/zarr.json"), GROUP));
            for k in 0..6 {
                files.push((format!("g{i}/h{j}/a{k}/zarr.json"), ARRAY));
                files.push((format!("g{i}/h{j}/a{k}/c/0"), "12345678"));
            }
        }
    }
    let server = bucket(1000, files);
    block_on(async {
        let store = gcs(&server);
        let group = open_group(&store, OpenOptions::default()).await;
        let (members, requests, rounds) = cost(&server, count(&group)).await;
        assert_eq!((members, requests, rounds), (300, 349, 6));
        store.close().await.unwrap();
        assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
    });
}

#[test]
fn consolidated_hierarchies_cost_one_round_with_all_members() {
    for name in ["v2_tree_cons.zarr", "v3_tree_cons.zarr"] {
        let server = GcsServer::start(BUCKET);
        server.load_dir(BUCKET, corpus().join(name), "");
        block_on(async {
            let store = gcs(&server);
            let work = async { count(&open_group(&store, OpenOptions::default()).await).await };
            let (members, requests, rounds) = cost(&server, work).await;
            assert_eq!((members, requests, rounds), (11, 5, 1), "{name}");
            store.close().await.unwrap();
        });
    }
}

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/stores")
}

/// nginx and lighttpd hide `.zarray`, `.zgroup` and `.zattrs` in their pages; an empty group's page is empty then.
#[test]
fn trees_are_whole_through_every_kind_of_listing() {
    let modes = [
        Mode::Dav,
        Mode::Index(IndexStyle::Nginx),
        Mode::Index(IndexStyle::NginxJson),
        Mode::Index(IndexStyle::ApacheFancy),
        Mode::Index(IndexStyle::Caddy),
        Mode::Index(IndexStyle::Lighttpd),
        Mode::Index(IndexStyle::Python),
    ];
    for mode in modes {
        for name in ["v2_tree_plain.zarr", "v3_tree_plain.zarr"] {
            let server = HttpServer::start(mode);
            server.load_dir(corpus().join(name), "");
            block_on(async {
                let store = store(HttpConfig::new(server.base_url()).open().unwrap());
                let group = open_group(&store, OpenOptions::default()).await;
                assert_eq!(count(&group).await, 11, "{mode:?} {name}");
                store.close().await.unwrap();
            });
            assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
        }
    }
}

#[test]
fn a_server_that_cannot_list_leaves_the_children_unknown() {
    for status in [403, 404, 405, 501] {
        for name in ["v2_tree_plain.zarr", "v3_tree_plain.zarr"] {
            let server = HttpServer::start(Mode::NoIndex(status));
            server.load_dir(corpus().join(name), "");
            block_on(async {
                let store = store(HttpConfig::new(server.base_url()).open().unwrap());
                let group = open_group(&store, OpenOptions::default()).await;
                match group.members(1).await {
                    Ok(Members::Unknown(_)) => {}
                    // A refusal may be of this folder alone.
                    Err(error) if status == 403 => assert!(error.is_denied(), "{error}"),
                    other => panic!("{status} {name}: {other:?}"),
                }
                assert!(group.get("a/one").await.is_ok());
                store.close().await.unwrap();
            });
        }
    }
}
