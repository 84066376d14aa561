//! Arrays of which little is stored: what a listing names is read, the rest is counted, and nothing walks the grid.

use serde_json::json;
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};

use crate::run::{Ended, run};

/// An array of 10⁹×10⁹ chunks of one byte, whose fill value is 7.
fn vast() -> String {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": [1_000_000_000, 1_000_000_000], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 1]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 7, "codecs": [{"name": "bytes"}],
    })
    .to_string()
}

/// As [`vast`], of 1100×1 chunks.
fn some() -> String {
    let array = vast().replace("1000000000,1000000000", "1100,1");
    assert!(array.contains("[1100,1]"), "{array}");
    array
}

fn closed(args: &[&str]) -> Ended {
    let ended = run(&[args, &["--json", "--io-stats"]].concat());
    ended.assert_all_closed();
    ended
}

fn assert_counts(url: &str, options: &[&str], most_requests: u64) {
    let ended = closed(&[&["stats", url][..], options].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let stats = &ended.lines()[0];
    assert_eq!(stats["elements"], 1_000_000_000_000_000_000_u64, "{stats}");
    assert_eq!((&stats["min"], &stats["max"]), (&json!(7), &json!(9)), "{stats}");
    assert_eq!(stats["missing_chunks"], 999_999_999_999_999_998_u64, "{stats}");
    assert!(
        ended.last_json()["requests"].as_u64() <= Some(most_requests),
        "{ended:?}"
    );

    let ended = closed(&[&["stats", url, "-i", "5:2000000, 7"][..], options].concat());
    let stats = &ended.lines()[0];
    assert_eq!(
        (&stats["elements"], &stats["max"]),
        (&json!(1_999_995), &json!(8)),
        "{stats}"
    );

    let ended = closed(&[&["check", "--deep", url][..], options].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let summary = ended.lines().pop().unwrap();
    assert_eq!(summary["chunks"], 1_000_000_000_000_000_000_u64, "{summary}");
    assert_eq!(
        summary["missing_chunks"], 999_999_999_999_999_998_u64,
        "{summary}"
    );
    assert!(
        ended.last_json()["requests"].as_u64() <= Some(2 * most_requests),
        "{ended:?}"
    );

    let ended = closed(&[&["check", "--deep", "--missing", "error", url][..], options].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    let mut lines = ended.lines();
    assert_eq!(lines.pop().unwrap()["errors"], 1001);
    lines.retain(|line| line["code"] == "ZC041");
    assert_eq!(lines[0]["chunk"], json!([0, 0]));
    assert_eq!(
        lines[lines.len() - 1]["message"],
        "999999999999998998 more chunks are missing"
    );
}

#[test]
fn a_local_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (key, bytes) in [("c/5/7", 8), ("c/999999999/3", 9)] {
        let path = folder.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, [bytes]).unwrap();
    }
    std::fs::write(folder.path().join("zarr.json"), vast()).unwrap();
    assert_counts(folder.path().to_str().unwrap(), &[], 0);
}

#[test]
fn a_server_with_webdav() {
    let server = HttpServer::start(Mode::Dav);
    server.put("a/zarr.json", vast());
    server.put("a/c/5/7", vec![8]);
    server.put("a/c/999999999/3", vec![9]);
    assert_counts(&format!("{}/a", server.base_url()), &[], 13);
}

/// An index may leave names out: it says what `check` can look at, and no values follow from it.
#[test]
fn an_index_of_a_web_server() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("vast/zarr.json", vast());
    server.put("vast/c/5/7", vec![8]);
    let ended = closed(&["check", "--deep", &format!("{}/vast", server.base_url())]);
    let summary = ended.lines().pop().unwrap();
    assert_eq!(
        summary["missing_chunks"], 999_999_999_999_999_999_u64,
        "{summary}"
    );

    server.put("some/zarr.json", some());
    server.put("some/c/5/0", vec![8]);
    let ended = closed(&["stats", &format!("{}/some", server.base_url())]);
    // One for each chunk; the array, and what kind of listing the server has.
    let requests = ended.last_json()["requests"].as_u64();
    assert!((Some(1101)..=Some(1115)).contains(&requests), "{ended:?}");
}

#[test]
fn a_bucket() {
    let server = GcsServer::start("bucket");
    server.put("bucket", "a/zarr.json", vast());
    server.put("bucket", "a/c/5/7", vec![8]);
    server.put("bucket", "a/c/999999999/3", vec![9]);
    let endpoint = format!("endpoint_url={}", server.url());
    assert_counts("gs://bucket/a", &["--anon", "-o", &endpoint], 10);
}

/// A server that cannot list is asked for each chunk, as nothing else tells which there are.
#[test]
fn without_a_listing_each_chunk_is_asked_for() {
    let server = HttpServer::start(Mode::NoIndex(404));
    server.put("zarr.json", some());
    server.put("c/5/0", vec![8]);
    let ended = closed(&["stats", &server.base_url()]);
    let stats = &ended.lines()[0];
    assert_eq!(
        (&stats["missing_chunks"], &stats["max"]),
        (&json!(1099), &json!(8)),
        "{stats}"
    );
    assert!(ended.last_json()["requests"].as_u64() > Some(1100), "{ended:?}");
}
