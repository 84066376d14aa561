//! `check --deep`: every bad chunk is named, nothing else is.

use serde_json::{Value, json};
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

use crate::run::{Ended, data, manifest, run, store};

fn deep(url: &str, args: &[&str]) -> Ended {
    let ended = run(&[&["check", "--deep", "--json", "--io-stats", url][..], args].concat());
    ended.assert_all_closed();
    ended
}

/// The findings that are errors, and the last line.
fn split(ended: &Ended) -> (Vec<Value>, Value) {
    let mut lines = ended.lines();
    let summary = lines.pop().unwrap_or_else(|| panic!("{ended:?}"));
    assert_eq!(summary["kind"], "summary", "{ended:?}");
    lines.retain(|line| line["severity"] == "error");
    assert_eq!(summary["errors"], lines.len(), "{ended:?}");
    (lines, summary)
}

/// Every bad chunk of the corpus: exit code 1, its key and coordinates, the codec that refused it.
fn assert_finds_the_bad_chunks(options: &[&str], url: &dyn Fn(&str) -> String) {
    let mut seen = 0;
    for bad in manifest()["bad"].as_array().unwrap() {
        if bad["layer"] != "chunk" {
            continue;
        }
        seen += 1;
        let ended = deep(&url(bad["store"].as_str().unwrap()), options);
        assert_eq!(ended.code, 1, "{bad}: {ended:?}");
        let (errors, summary) = split(&ended);
        assert_eq!(summary["complete"], true, "{bad}: {ended:?}");
        assert!(!errors.is_empty(), "{bad}: {ended:?}");
        for error in errors {
            assert_eq!(error["code"], "ZC040", "{bad}: {error}");
            assert!(
                error["key"].as_str().is_some_and(|key| !key.is_empty()),
                "{bad}: {error}"
            );
            assert!(error["chunk"].is_array(), "{bad}: {error}");
            assert!(error["stage"].is_string(), "{bad}: {error}");
        }
    }
    assert_eq!(seen, 22);
}

#[test]
fn bad_chunks_of_a_local_folder() {
    assert_finds_the_bad_chunks(&[], &|store| data().join(store).to_str().unwrap().to_owned());
}

#[test]
fn bad_chunks_of_a_gcs_server() {
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", data().join("bad"), "bad/");
    let endpoint = format!("endpoint_url={}", server.url());
    assert_finds_the_bad_chunks(&["--anon", "-o", &endpoint], &|store| {
        format!("gs://bucket/{store}")
    });
    server.assert_nothing_open();
}

#[test]
fn bad_chunks_of_an_http_server() {
    let server = HttpServer::start(Mode::Dav);
    server.load_dir(data().join("bad"), "bad/");
    assert_finds_the_bad_chunks(&[], &|store| format!("{}/{store}", server.base_url()));
    server.assert_nothing_open();
}

#[test]
fn good_hierarchies_are_clean() {
    for hierarchy in manifest()["hierarchies"].as_array().unwrap() {
        let name = hierarchy["store"].as_str().unwrap();
        let ended = deep(data().join(name).to_str().unwrap(), &[]);
        let (errors, summary) = split(&ended);
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
        assert_eq!(
            (&summary["complete"], &summary["keys_listed"]),
            (&json!(true), &json!(true)),
            "{name}"
        );
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr");
    let ended = run(&["check", "--deep", example]);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            0,
            "0 errors, 0 warnings, 8 nodes, 6 arrays, 8 chunks decoded, 0 missing\n",
            ""
        ),
        "{ended:?}"
    );
}

/// Inner chunks in a shard of the array below.
const INNER: usize = 4;

/// One inner chunk of a shard is broken: it is named, and its neighbours are not.
#[test]
fn a_bad_inner_chunk_is_named() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.load_dir(data().join("stores/v3_shard.zarr/inner_blosc"), "a/");
    server.put("zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#);
    let mut shard = server.get("a/c/1/0").unwrap().to_vec();
    // The index: of each inner chunk offset and length, then a checksum. The second one's blosc header is overwritten.
    let index = shard.len() - 4 - 16 * INNER;
    let at = u64::from_le_bytes(shard[index + 16..index + 24].try_into().unwrap());
    let at = usize::try_from(at).unwrap();
    shard[at..at + 4].copy_from_slice(&[0xff; 4]);
    server.put("a/c/1/0", shard);

    let (errors, summary) = split(&deep(&server.base_url(), &[]));
    let [error] = errors.as_slice() else {
        panic!("{errors:#?}")
    };
    assert_eq!(
        (
            &error["path"],
            &error["key"],
            &error["chunk"],
            &error["inner_chunk"],
            &error["stage"]
        ),
        (
            &json!("/a"),
            &json!("a/c/1/0"),
            &json!([1, 0]),
            &json!([2, 1]),
            &json!("blosc")
        )
    );
    // All other inner chunks could be read.
    assert_eq!(summary["chunks"], 4 * INNER - 1);
    let people = run(&["check", "--deep", &server.base_url()]);
    assert_eq!(people.code, 1);
    assert!(
        people
            .stdout
            .starts_with("error    ZC040  /a  a/c/1/0 (chunk 1,0, inner chunk "),
        "{people:?}"
    );

    // A shard without index is one fault, whatever was in it.
    server.put("a/c/1/0", "short");
    let (errors, _) = split(&deep(&server.base_url(), &[]));
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0]["inner_chunk"], Value::Null);
}

#[test]
fn missing_chunks_are_findings_only_if_they_must_not_be() {
    let place = store("v3_shard.zarr");
    let ended = deep(&place, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(split(&ended).1["missing_chunks"].as_u64() > Some(0));
    let ended = deep(&place, &["--missing", "error"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let (errors, _) = split(&ended);
    assert!(errors.iter().all(|error| error["code"] == "ZC041"), "{errors:#?}");
    let of = |path: &str| errors.iter().filter(|error| error["path"] == path).count();
    assert_eq!((of("/all_missing"), of("/edge")), (2, 0), "{errors:#?}");
    assert_eq!(
        run(&["check", "--missing", "error", &place]).code,
        2,
        "only with --deep"
    );
}

#[test]
fn stray_keys() {
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", data().join("stores/v2_arrays.zarr"), "x/");
    for key in [
        "notes.txt",
        "sep_dot/0.9",
        "sep_dot/readme",
        "sep_slash/0.0",
        "lost/.zarray",
        "lost/0",
        "gone/0.0",
        "tables/table.csv",
        "none/zarr.json",
    ] {
        server.put("bucket", &format!("x/{key}"), "{}");
    }
    let endpoint = format!("endpoint_url={}", server.url());
    let ended = deep("gs://bucket/x", &["--anon", "-o", &endpoint, "--missing", "fill"]);
    let (errors, _) = split(&ended);
    let mut lines = ended.lines();
    lines.retain(|line| line["kind"] == "finding");
    let told: Vec<_> = lines
        .iter()
        .map(|line| ["severity", "code", "key", "path"].map(|key| line[key].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        ["error", "ZC001", "", "/lost"],
        ["error", "ZC042", "gone/0.0", "/"],
        ["error", "ZC042", "none/zarr.json", "/none"],
        ["warning", "ZC045", "notes.txt", "/"],
        ["error", "ZC043", "sep_dot/0.9", "/sep_dot"],
        ["warning", "ZC045", "sep_dot/readme", "/sep_dot"],
        ["error", "ZC042", "sep_slash/0.0", "/sep_slash"],
        ["warning", "ZC045", "tables/table.csv", "/"],
    ];
    assert_eq!(told, expected, "{ended:?}");
    assert_eq!(ended.code, 1);
    assert_eq!(errors[3]["chunk"], json!([0, 9]));
}

/// Tables and notes beside arrays are other formats' business.
#[test]
fn files_of_other_kinds_are_no_errors() {
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", data().join("stores/v2_arrays.zarr"), "x/");
    for key in [
        "README.md",
        "OME/METADATA.ome.xml",
        "points/points.parquet/part.0.parquet",
    ] {
        server.put("bucket", &format!("x/{key}"), "");
    }
    let endpoint = format!("endpoint_url={}", server.url());
    let ended = deep("gs://bucket/x", &["--anon", "-o", &endpoint]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (errors, summary) = split(&ended);
    assert!(errors.is_empty(), "{ended:?}");
    let warned = ended
        .lines()
        .iter()
        .filter(|line| line["code"] == "ZC045")
        .count();
    assert_eq!((warned, &summary["keys_listed"]), (3, &json!(true)), "{ended:?}");
}

/// A fault of the network is an end with its own exit code, and no finding.
#[test]
fn the_network_is_not_the_data() {
    for (fault, code) in [
        (Fault::status(503), 8),
        (Fault::reset(), 8),
        (Fault::status(403), 4),
    ] {
        let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
        server.load_dir(data().join("stores/v2_arrays.zarr/i4_le"), "a/");
        server.put("a/0.0", "bad");
        let shown = format!("{fault:?}");
        server.faults().add(When::path_ends("/a/2.1"), fault);
        let url = format!("{}/a", server.base_url());
        let ended = deep(&url, &["-o", "retries=0"]);
        assert_eq!(ended.code, code, "{shown}: {ended:?}");
        let (errors, summary) = split(&ended);
        // What was found before is told.
        assert_eq!(errors.len(), 1, "{shown}: {ended:?}");
        assert_eq!(errors[0]["key"], "0.0");
        assert_eq!(summary["complete"], false);
    }
}

/// A server that cannot list: the array is checked, and that its keys were not is told.
#[test]
fn without_a_listing() {
    let server = HttpServer::start(Mode::NoIndex(403));
    server.load_dir(data().join("stores/v2_arrays.zarr/i4_le"), "a/");
    let ended = deep(&format!("{}/a", server.base_url()), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (_, summary) = split(&ended);
    assert_eq!(
        (&summary["keys_listed"], &summary["chunks"], &summary["complete"]),
        (&json!(false), &json!(9), &json!(true))
    );
}

/// A server that cannot list, and consolidated metadata: what it names is checked, and that this is all is told.
#[test]
fn without_a_listing_what_the_consolidated_metadata_names() {
    for name in ["v3_tree_cons.zarr", "v2_tree_cons.zarr"] {
        let server = HttpServer::start(Mode::NoIndex(403));
        server.load_dir(data().join("stores").join(name), "");
        let listed = HttpServer::start(Mode::Dav);
        listed.load_dir(data().join("stores").join(name), "");
        let (_, expected) = split(&deep(&listed.base_url(), &[]));
        let ended = deep(&server.base_url(), &[]);
        assert_eq!(ended.code, 0, "{name} {ended:?}");
        assert!(
            ended
                .stderr
                .contains("only what the consolidated metadata names was checked"),
            "{name} {ended:?}"
        );
        let (errors, summary) = split(&ended);
        assert!(errors.is_empty(), "{name} {errors:#?}");
        assert!(summary["chunks"].as_u64() > Some(0), "{name} {summary}");
        for key in ["nodes", "chunks", "missing_chunks"] {
            assert_eq!(summary[key], expected[key], "{name} {key}");
        }
        assert_eq!(
            (
                &expected["members_from"],
                &summary["members_from"],
                &summary["keys_listed"]
            ),
            (&json!("listing"), &json!("consolidated"), &json!(false)),
            "{name}"
        );
        let ignoring = run(&["check", "--consolidated", "ignore", &server.base_url()]);
        assert_eq!(ignoring.code, 7, "{ignoring:?}");
        let shallow = run(&["check", "--json", &server.base_url()]);
        assert_eq!(
            (shallow.code, &shallow.lines()[0]["members_from"]),
            (0, &json!("consolidated"))
        );
    }
}

/// What is named and not there, what is broken, and what is not named by anything.
#[test]
fn without_a_listing_faults_are_found_all_the_same() {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    let parent = |names: &[&str]| {
        let named: Vec<String> = names.iter().map(|name| format!("\"{name}\": {group}")).collect();
        format!(
            r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
                {{"kind": "inline", "must_understand": false, "metadata": {{{}}}}}}}"#,
            named.join(",")
        )
    };
    let server = HttpServer::start(Mode::NoIndex(404));
    server.put("zarr.json", parent(&["gone", "broken", "there"]));
    server.put("broken/zarr.json", "{");
    server.put("there/zarr.json", group);
    let ended = deep(&server.base_url(), &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let (errors, _) = split(&ended);
    let told: Vec<_> = errors
        .iter()
        .map(|error| (&error["code"], &error["path"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("ZC001"), &json!("/broken")),
            (&json!("ZC006"), &json!("/gone"))
        ]
    );

    server.put("zarr.json", group);
    for args in [&["check", "--json"][..], &["check", "--deep", "--json"]] {
        let ended = run(&[args, &[&server.base_url()]].concat());
        assert_eq!(ended.code, 7, "nothing was checked: {ended:?}");
        let lines = ended.lines();
        assert_eq!(lines.last().unwrap()["members_from"], Value::Null, "{ended:?}");
        assert!(ended.stderr.contains("children unknown"), "{ended:?}");
    }
}

/// What cannot be decoded here was not checked, and an exit code of 0 would say that it was.
#[test]
fn an_unknown_codec_is_no_clean_bill() {
    let ended = deep(data().join("bad/unknown_codec").to_str().unwrap(), &[]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let (errors, summary) = split(&ended);
    assert!(errors.is_empty(), "{ended:?}");
    assert_eq!(summary["arrays_not_decoded"], 1);
}
