//! `check`: what cannot be read is named, and the exit code says what counts most.

use serde_json::{Value, json};
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

use crate::run::{Ended, run};

const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group"}"#;

fn array() -> Value {
    json!({
        "zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": [{"name": "bytes"}],
    })
}

fn check(url: &str, args: &[&str]) -> Ended {
    let ended = run(&[&["check", "--io-stats", "-o", "retries=0", url][..], args].concat());
    ended.assert_all_closed();
    ended
}

/// An extension that must be understood keeps a node from being opened: it is named, and counted among all nodes.
#[test]
fn a_node_that_must_be_understood_is_named() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("zarr.json", GROUP);
    server.put("good/zarr.json", array().to_string());
    let mut odd = array();
    odd["foo"] = json!({"must_understand": true});
    server.put("odd/zarr.json", odd.to_string());
    let url = server.base_url();
    for args in [&[][..], &["--deep"]] {
        let ended = check(&url, args);
        assert_eq!(ended.code, 6, "{ended:?}");
        assert!(ended.stdout.contains("warning  ZC002  /odd "), "{ended:?}");
        assert!(
            ended.stderr.contains("1 of 3 nodes could not be read"),
            "{ended:?}"
        );
    }
    // Where something is wrong beside it, that is what the exit code says.
    server.put("wrong/zarr.json", "{");
    for args in [&[][..], &["--deep"]] {
        let ended = check(&url, args);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stdout.contains("error    ZC001  /wrong "), "{ended:?}");
        assert!(
            ended.stderr.contains("1 of 4 nodes could not be read"),
            "{ended:?}"
        );
    }
}

#[test]
fn a_node_that_the_network_hides_is_named() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("zarr.json", GROUP);
    server.put("a/zarr.json", GROUP);
    server
        .faults()
        .add(When::path_ends("/a/zarr.json"), Fault::status(503));
    let ended = check(&server.base_url(), &[]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(ended.stdout.contains("warning  ZC031  /a "), "{ended:?}");
}

/// Where 403 is said of all that is not there, the copies that a group of version 2 lacks are not there; and the error of a
/// chunk names the option that says so.
#[test]
fn denied_is_missing_where_the_group_could_be_read() {
    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .hide_dotfiles(false)
        .missing_status(403)
        .start();
    server.put(".zgroup", r#"{"zarr_format": 2}"#);
    server.put(
        "a/.zarray",
        r#"{"zarr_format": 2, "shape": [2], "chunks": [1], "dtype": "|u1", "fill_value": 0, "order": "C",
            "compressor": null, "filters": null}"#,
    );
    let url = server.base_url();
    assert_eq!(check(&url, &[]).code, 0);
    let array = format!("{url}/a");
    let ended = run(&["cat", &array]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("-o missing_status=403"), "{ended:?}");
    let ended = run(&["cat", "-o", "missing_status=403", &array]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "0 0\n"), "{ended:?}");
}

/// One cause is told once: what the metadata show need not be told of the chunks again.
#[test]
fn an_unknown_codec_is_told_once() {
    let place = crate::run::data().join("bad/unknown_codec");
    let ended = check(place.to_str().unwrap(), &["--deep"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert_eq!(
        ended.stdout.matches("warning").count(),
        2,
        "with the summary: {ended:?}"
    );
    assert!(ended.stdout.contains("ZC002"), "{ended:?}");
}

/// Codecs that are known, and do not fit: without a look at a chunk it is told what `cat` would say, and told once.
#[test]
fn codecs_that_cannot_be_put_together_are_told() {
    let v2 = |dtype: &str, filter: &str| {
        json!({
            "zarr_format": 2, "shape": [2], "chunks": [2], "dtype": dtype, "fill_value": null, "order": "C",
            "compressor": null, "filters": [{"id": "delta", "dtype": "<i4"}, serde_json::from_str::<Value>(filter).unwrap()],
        })
        .to_string()
    };
    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .hide_dotfiles(false)
        .start();
    server.put(".zgroup", r#"{"zarr_format": 2}"#);
    server.put(
        "good/.zarray",
        v2("<i4", r#"{"id": "shuffle", "elementsize": 0}"#),
    );
    server.put(
        "wrong/.zarray",
        v2("<i4", r#"{"id": "shuffle", "elementsize": 65537}"#),
    );
    server.put("unfit/.zarray", v2("<i4", r#"{"id": "vlen-utf8"}"#));
    let url = server.base_url();
    for args in [&[][..], &["--deep"]] {
        let ended = check(&url, args);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(!ended.stdout.contains("/good"), "{ended:?}");
        for (name, place) in [
            ("wrong", "/filters/1: codec shuffle"),
            ("unfit", "/filters/1: codec vlen-utf8"),
        ] {
            let line = ended
                .stdout
                .lines()
                .find(|line| line.contains(&format!("  /{name} ")));
            let line = line.unwrap_or_else(|| panic!("{name}: {ended:?}"));
            assert!(line.starts_with("error    ZC001"), "{line}");
            assert!(line.contains(place), "{line}");
            assert_eq!(
                ended.stdout.matches(&format!("  /{name} ")).count(),
                1,
                "{ended:?}"
            );
        }
    }
    // What is valid, and not implemented here.
    for name in ["wrong", "unfit"] {
        server.put(&format!("{name}/.zarray"), v2("<i4", r#"{"id": "shuffle"}"#));
    }
    server.put(
        "late/.zarray",
        v2("<i4", r#"{"id": "fletcher32"}"#).replace(
            r#"{"id":"fletcher32"}"#,
            r#"{"id":"fletcher32"},{"id":"shuffle","elementsize":0}"#,
        ),
    );
    let ended = check(&url, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("warning  ZC002  /late "), "{ended:?}");
    let ended = check(&url, &["--deep"]);
    assert_eq!(ended.code, 6, "{ended:?}");
    assert_eq!(ended.stdout.matches("/late ").count(), 1, "{ended:?}");
}

#[test]
fn both_formats_in_one_place_are_told_with_the_option_that_chooses() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("zarr.json", GROUP);
    server.put(".zgroup", r#"{"zarr_format": 2}"#);
    let ended = check(&server.base_url(), &[]);
    assert!(ended.stdout.contains("(--zarr-format chooses)"), "{ended:?}");
}
