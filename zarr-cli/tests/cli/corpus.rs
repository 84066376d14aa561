//! The whole corpus through `ls --json -R` and `info --json`: exactly the manifest's nodes, formats, attributes and fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};

use crate::run::{Ended, data, manifest, run};

/// Where the corpus lies, and how it is opened: options, then a way from a hierarchy to its URL.
struct Place<'a> {
    options: &'a [&'a str],
    url: &'a dyn Fn(&str) -> String,
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

fn assert_lists_the_corpus(place: &Place<'_>) {
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

#[test]
fn a_local_folder() {
    let place = Place {
        options: &[],
        url: &|store| data().join(store).to_str().unwrap().to_owned(),
    };
    assert_lists_the_corpus(&place);
}

#[test]
fn a_gcs_server() {
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", data().join("stores"), "stores/");
    let endpoint = format!("endpoint_url={}", server.url());
    let place = Place {
        options: &["--anon", "-o", &endpoint],
        url: &|store| format!("gs://bucket/{store}"),
    };
    assert_lists_the_corpus(&place);
    assert_eq!(server.unknown_requests(), [""; 0]);
    assert_eq!(server.open_connections(), 0);
}

#[test]
fn an_nginx_index() {
    over_http(Mode::Index(IndexStyle::Nginx));
}

#[test]
fn apache_webdav() {
    over_http(Mode::Dav);
}

#[test]
fn a_caddy_index() {
    over_http(Mode::Index(IndexStyle::Caddy));
}

fn over_http(mode: Mode) {
    let server = HttpServer::start(mode);
    server.load_dir(data().join("stores"), "stores/");
    let place = Place {
        options: &[],
        url: &|store| format!("{}/{store}", server.base_url()),
    };
    assert_lists_the_corpus(&place);
    assert_eq!(server.open_connections(), 0);
}

/// Everything that is bad in its metadata or its hierarchy: the error that is expected, quickly, and nothing left open.
#[test]
fn bad_metadata_and_hierarchies() {
    let manifest = manifest();
    let mut seen = 0;
    for bad in manifest["bad"].as_array().unwrap() {
        let text = |key: &str| bad[key].as_str().unwrap();
        if text("layer") == "chunk" {
            continue;
        }
        seen += 1;
        let place = data().join(text("store")).join(text("path"));
        let place = place.to_str().unwrap();
        for verb in [&["info"][..], &["ls", "-R"], &["show"], &["tree"]] {
            let mut args = verb.to_vec();
            args.extend(["--json", "--io-stats", place]);
            let began = std::time::Instant::now();
            let ended = run(&args);
            assert!(began.elapsed().as_secs_f64() < 2.0, "{verb:?} {}", text("id"));
            ended.assert_all_closed();
            let allowed: &[i32] = match text("expect") {
                "open_error" => &[5, 7],
                "open_or_error" => &[0, 5, 7],
                "list_safe" => &[0, 5, 6],
                other => panic!("unknown expectation {other}"),
            };
            assert!(
                allowed.contains(&ended.code),
                "{verb:?} {}: {ended:?}",
                text("id")
            );
        }
    }
    assert_eq!(seen, 50);
}

/// Names that would lead out of the store are shown, if at all, as broken; no line has such a path as a node.
#[test]
fn hostile_names_are_no_nodes() {
    for id in [
        "cons_dotdot",
        "cons_empty_name",
        "cons_backslash",
        "cons_child_of_array",
    ] {
        let ended = run(&[
            "ls",
            "-R",
            "--json",
            data().join("bad").join(id).to_str().unwrap(),
        ]);
        for line in ended.lines().iter().filter(|line| line["kind"] != "unknown") {
            let path = line["path"].as_str().unwrap();
            assert!(
                !path.contains("..") && !path.contains('\\') && !path.contains("//"),
                "{id}: {line}"
            );
        }
    }
}

/// Every array's bytes by `cat -F bin` are the manifest's.
fn assert_prints_every_array(place: &Place<'_>) {
    use sha2::{Digest, Sha256};
    let manifest = manifest();
    let mut wrong = Vec::new();
    for array in manifest["arrays"].as_array().unwrap() {
        let text = |key: &str| array[key].as_str().unwrap();
        let url = format!("{}/{}", (place.url)(text("store")), text("path"));
        let mut args = vec!["cat", "-q", "-F", "bin"];
        args.extend(place.options);
        args.push(url.trim_end_matches('/'));
        let output = crate::run::command(&args).output().unwrap();
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

#[test]
fn the_values_of_a_local_folder() {
    assert_prints_every_array(&Place {
        options: &[],
        url: &|store| data().join(store).to_str().unwrap().to_owned(),
    });
}

#[test]
fn the_values_of_a_gcs_server() {
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", data(), "");
    let endpoint = format!("endpoint_url={}", server.url());
    assert_prints_every_array(&Place {
        options: &["--anon", "-o", &endpoint],
        url: &|store| format!("gs://bucket/{store}"),
    });
}

#[test]
fn the_values_of_an_nginx_index() {
    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx)).start();
    server.load_dir(data(), "");
    assert_prints_every_array(&Place {
        options: &[],
        url: &|store| format!("{}/{store}", server.base_url().trim_end_matches('/')),
    });
}

/// Broken chunks are errors of the class that the manifest asks for, and never values.
#[test]
fn broken_chunks_are_not_printed() {
    let manifest = manifest();
    let mut wrong = Vec::new();
    for bad in manifest["bad"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bad| bad["layer"] == "chunk")
    {
        let began = std::time::Instant::now();
        let url = data()
            .join(bad["store"].as_str().unwrap())
            .join(bad["path"].as_str().unwrap());
        let output = crate::run::command(&["cat", "-F", "bin", url.to_str().unwrap()])
            .output()
            .unwrap();
        if output.status.code() != Some(5) || began.elapsed().as_secs() >= 2 {
            wrong.push(format!(
                "{}: {:?} {:?}",
                bad["id"],
                output.status,
                began.elapsed()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_as_text_json_csv_and_npy() {
    let air = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr/air");
    let json = run(&["cat", air, "-F", "json", "-i", "0,:2,:2"]);
    assert_eq!(json.stdout, "[[-1047,-1074],[-853,-879]]\n");
    assert_eq!(
        run(&["cat", air, "-F", "csv", "-i", "time=0,lat=:2,lon=:2"]).stdout,
        "-1047,-1074\n-853,-879\n"
    );
    assert_eq!(run(&["cat", air, "-i", "[:2,0,:2]"]).stdout.lines().count(), 2);
    assert_eq!(
        run(&["cat", air, "-i", ":2,:2,0:1"]).stdout.lines().count(),
        5,
        "planes apart by an empty line"
    );
    let npy = crate::run::command(&["cat", air, "-F", "npy", "-i", "0,0,:4"])
        .output()
        .unwrap();
    assert!(npy.stdout.starts_with(b"\x93NUMPY\x02\x00"));
    assert_eq!(
        (npy.stdout.len() - 8) % 64,
        0,
        "the header is a multiple of 64, then 8 bytes of values"
    );
    assert_eq!(run(&["cat", air, "-i", "9999"]).code, 2);
}
