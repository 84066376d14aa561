//! Members whose names no node can have: told, escaped, and hiding nobody.

use serde_json::{Value, json};
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};

use crate::run::{Ended, run};

const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group"}"#;

/// Below the root, with what is to be told of each: a member that is fine, one in a group below, a control character, a
/// sequence that clears a terminal, a name that the format reserves.
const DOCUMENTS: [&str; 6] = [
    "zarr.json",
    "fine/zarr.json",
    "fine/line\nfeed/zarr.json",
    "clear\u{1b}[2J/zarr.json",
    "__reserved/zarr.json",
    "__other/not-a-node",
];

/// What of the root's members is told: kind, path and code of the error.
fn members(ended: &Ended) -> Vec<(Value, Value, Value)> {
    let told = |line: Value| {
        let code = line["error"]["code"].clone();
        (line["kind"].clone(), line["path"].clone(), code)
    };
    ended.lines().into_iter().map(told).collect()
}

#[track_caller]
fn assert_tells_each(place: &str, options: &[&str]) {
    let verb = |args: &[&str]| {
        let ended = run(&[args, options, &["--io-stats", place]].concat());
        ended.assert_all_closed();
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{ended:?}");
        }
        ended
    };
    let broken = |path: &str| (json!("unknown"), json!(path), json!(5));
    let fine = || (json!("group"), json!("/fine"), Value::Null);
    let listed = verb(&["ls", "--json"]);
    let expected = [broken("/__reserved"), broken("/clear\u{1b}[2J"), fine()];
    assert_eq!(
        (listed.code, members(&listed)),
        (6, expected.to_vec()),
        "{listed:?}"
    );
    let below = verb(&["ls", "-R", "--json"]);
    let expected = [
        broken("/__reserved"),
        broken("/clear\u{1b}[2J"),
        fine(),
        broken("/fine/line\nfeed"),
    ];
    assert_eq!((below.code, members(&below)), (6, expected.to_vec()), "{below:?}");
    for args in [&["ls", "-R"][..], &["ls", "-R", "-l"], &["tree"]] {
        let ended = verb(args);
        assert_eq!(ended.code, 6, "{ended:?}");
        for told in [
            "fine",
            "clear\\u{1b}[2J",
            "line\\nfeed",
            "__reserved",
            "a control character",
        ] {
            assert!(ended.stdout.contains(told), "{told}: {ended:?}");
        }
        assert!(!ended.stdout.contains("__other"), "{ended:?}");
    }
    let ended = verb(&["check", "--json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let findings = ended.lines()[0]["findings"].clone();
    let found: Vec<_> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["code"].as_str().unwrap(),
                finding["path"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("ZC008", "/__reserved"),
            ("ZC008", "/clear\u{1b}[2J"),
            ("ZC008", "/fine/line\nfeed")
        ]
    );
}

#[cfg(unix)]
#[test]
fn names_in_a_local_folder() {
    use std::os::unix::ffi::OsStrExt;

    let place = tempfile::tempdir().unwrap();
    for document in DOCUMENTS {
        let path = place.path().join(document);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, GROUP).unwrap();
    }
    assert_tells_each(place.path().to_str().unwrap(), &[]);
    // What is not UTF-8 has no name in JSON: the nearest is shown.
    let latin = place
        .path()
        .join("fine")
        .join(std::ffi::OsStr::from_bytes(b"lat\xe9in"));
    std::fs::create_dir(latin).unwrap();
    let ended = run(&["ls", "--json", place.path().join("fine").to_str().unwrap()]);
    let names: Vec<Value> = members(&ended).into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(
        (ended.code, names),
        (6, vec![json!("/lat\u{fffd}in"), json!("/line\nfeed")])
    );
}

#[test]
fn names_in_a_bucket() {
    let server = GcsServer::start("bucket");
    for document in DOCUMENTS {
        server.put("bucket", &format!("x/{document}"), GROUP);
    }
    let endpoint = format!("endpoint_url={}", server.url());
    assert_tells_each("gs://bucket/x", &["--anon", "-o", &endpoint]);
}

#[test]
fn names_in_an_index() {
    for mode in [
        Mode::Index(IndexStyle::Nginx),
        Mode::Index(IndexStyle::Python),
        Mode::Dav,
    ] {
        let server = HttpServer::start(mode);
        for document in DOCUMENTS {
            server.put(document, GROUP);
        }
        assert_tells_each(&server.base_url(), &[]);
    }
}
