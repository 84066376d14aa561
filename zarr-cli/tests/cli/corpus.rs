//! The whole corpus through `ls --json -R` and `info --json`: exactly the manifest's nodes, formats, attributes and fields.

use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};

use crate::place::{Place, assert_lists_the_corpus, assert_prints_every_array};
use crate::run::{data, run};

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
    server.assert_nothing_open();
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
    server.assert_nothing_open();
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
    assert_eq!(
        run(&["cat", air, "-i", "0,:3,:3"]).stdout,
        "-1047 -1074 -1080\n -853  -879  -883\n -659  -683  -686\n",
        "columns line up"
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
