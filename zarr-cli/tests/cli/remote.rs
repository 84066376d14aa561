//! Servers that refuse, fail, lie or cannot list: the exit code, the message, and nothing left open.

use serde_json::{Value, json};
use zarr_tests::gcs::{Access, GcsServer};
use zarr_tests::http::{Credentials, HttpServer, IndexStyle, Mode};
use zarr_tests::net::Refusing;
use zarr_tests::{Fault, ServerOptions, TestCa, When};

use crate::run::{Ended, command, run};

const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group"}"#;

/// Runs with statistics, and without waiting for retries.
fn quick(args: &[&str]) -> Ended {
    let ended = run(&[args, &["--io-stats", "-o", "retries=0"]].concat());
    ended.assert_all_closed();
    ended
}

#[test]
fn a_server_that_cannot_list() {
    let server = HttpServer::start(Mode::NoIndex(403));
    server.put("zarr.json", GROUP);
    server.put("a/zarr.json", GROUP);
    let url = server.base_url();
    let ended = quick(&["ls", "--json", &url]);
    assert_eq!(ended.code, 7, "{ended:?}");
    assert_eq!(
        ended.lines(),
        [json!({"path": "/", "kind": "group", "children": null})]
    );
    assert!(ended.stderr.contains("children unknown"), "{ended:?}");

    for verb in ["ls", "show", "tree"] {
        let ended = quick(&[verb, &url]);
        assert_eq!(ended.code, 7, "{ended:?}");
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(told.matches("the server answers 403").count(), 1, "{ended:?}");
        assert_eq!(ended.stderr.matches(&url).count(), 1, "{ended:?}");
        assert!(ended.stderr.contains("children unknown"), "{ended:?}");
        assert!(!ended.stdout.contains("empty"), "{ended:?}");
    }
    let inside = quick(&["info", "--json", &format!("{url}/a")]);
    assert_eq!((inside.code, &inside.lines()[0]["kind"]), (0, &json!("group")));
}

#[test]
fn nobody_there() {
    let refusing = Refusing::new().unwrap();
    let tls = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .server(ServerOptions::default().tls(&TestCa::new()))
        .start();
    let (secure, plain) = (tls.url(), tls.url().replace("https://", "http://"));
    for (url, hint) in [
        (refusing.url(), "does a server listen there"),
        ("http://no-such-host.invalid".to_owned(), "is the host name right"),
        // Nobody vouches for its certificate.
        (secure, "-o ca_file="),
        (plain, "a server with TLS is https://"),
    ] {
        let ended = quick(&["ls", &format!("{url}/x.zarr")]);
        assert_eq!(ended.code, 8, "{ended:?}");
        assert!(ended.stderr.contains("error[unavailable]"), "{ended:?}");
        assert!(ended.stderr.contains(hint), "{ended:?}");
    }
}

#[test]
fn missing() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("air.zarr/zarr.json", GROUP);
    let ended = quick(&["ls", &format!("{}/air.zar", server.base_url())]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("did you mean"), "{ended:?}");
    assert!(ended.stderr.contains("air.zarr ?"), "{ended:?}");

    let server = GcsServer::start("bucket");
    server.put("bucket", "air.zarr/zarr.json", GROUP);
    let endpoint = format!("endpoint_url={}", server.url());
    let ended = quick(&["ls", "--anon", "-o", &endpoint, "gs://bucket/air.zar"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.stderr.contains("did you mean gs://bucket/air.zarr ?"),
        "{ended:?}"
    );
}

#[test]
fn refused() {
    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .require(Credentials::Basic("ann".to_owned(), "s3cret".to_owned()))
        .start();
    server.put("zarr.json", GROUP);
    let url = server.base_url();
    let ended = quick(&["ls", &url]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("--auth"), "the hint: {ended:?}");
    let ended = quick(&["ls", "-vvv", "--auth", "ann:wr0ng", &url]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(!ended.stderr.contains("wr0ng"), "{ended:?}");
    let ended = quick(&["ls", "-vvv", "--auth", "ann:s3cret", &url]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("s3cret"), "{ended:?}");

    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .require(Credentials::Header("x-key".to_owned(), "s3cret".to_owned()))
        .start();
    server.put("zarr.json", GROUP);
    assert_eq!(quick(&["ls", &server.base_url()]).code, 4);
    assert_eq!(quick(&["ls", "-H", "X-Key: s3cret", &server.base_url()]).code, 0);

    let server = GcsServer::builder()
        .private_bucket("bucket", Access::Nobody)
        .start();
    server.put("bucket", "x.zarr/zarr.json", GROUP);
    let endpoint = format!("endpoint_url={}", server.url());
    let ended = quick(&["ls", "--anon", "-o", &endpoint, "gs://bucket/x.zarr"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("gcloud auth"), "the hint: {ended:?}");
}

#[test]
fn faults_are_never_empty_listings() {
    for (fault, code) in [
        (Fault::status(500), 8),
        (Fault::status(503), 8),
        (Fault::status(429), 8),
        (Fault::reset(), 8),
        (Fault::status(403), 4),
        (Fault::status(401), 4),
        (Fault::html_login(), 5),
        (Fault::empty_ok(), 5),
    ] {
        let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
        server.put("zarr.json", GROUP);
        let shown = format!("{fault:?}");
        server.faults().add(When::always(), fault);
        let ended = quick(&["ls", "--json", &server.base_url()]);
        assert_eq!(ended.code, code, "{shown}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{shown}: {ended:?}");
    }
}

/// One child whose document cannot be had is told beside the others.
#[test]
fn one_child_fails() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    for path in ["zarr.json", "a/zarr.json", "b/zarr.json"] {
        server.put(path, GROUP);
    }
    server
        .faults()
        .add(When::path_ends("/a/zarr.json"), Fault::status(503));
    let ended = quick(&["ls", "--json", &server.base_url()]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let lines = ended.lines();
    assert_eq!(lines[0]["path"], "/a");
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["error"]["code"]),
        (&json!("unknown"), &json!(8))
    );
    assert_eq!(
        (&lines[1]["path"], &lines[1]["kind"]),
        (&json!("/b"), &json!("group"))
    );
}

#[test]
fn the_statistics_count() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.put("zarr.json", GROUP);
    let ended = quick(&["info", "--zarr-format", "3", &server.base_url()]);
    let stats = ended.last_json();
    assert_eq!(stats["requests"], 1, "{ended:?}");
    assert_eq!(stats["connections_opened"], 1);
    assert_eq!(stats["bytes_received"], GROUP.len());
    assert!(stats["elapsed_s"].as_f64() > Some(0.0));
    assert_eq!(server.requests(), 1);
}

#[test]
fn doctor_tells_what_the_server_can_do() {
    let server = HttpServer::start(Mode::NoIndex(404));
    server.put("zarr.json", GROUP);
    let ended = quick(&["doctor", "--json", "-H", "X-Key: s3cret", &server.base_url()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let facts = &ended.lines()[0];
    assert_eq!(facts["node"], "group, zarr v3, not consolidated");
    assert_eq!(facts["ranges"], "yes");
    assert!(facts["listing"].as_str().unwrap().starts_with("no"), "{facts}");
    assert_eq!(facts["options"], "headers, retries");
    assert!(!ended.stdout.contains("s3cret"));
}

/// A proxy that asks for credentials is not the server: no hint sends its password there.
#[test]
fn a_proxy_asks_for_itself() {
    let proxy = HttpServer::start(Mode::NoIndex(404));
    proxy.faults().add(When::always(), Fault::status(407));
    let url = "http://data.invalid/x.zarr";
    let output = command(&["ls", "-o", "retries=0", url])
        .env("http_proxy", proxy.url())
        .output()
        .unwrap();
    let ended = Ended::of(output);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(
        ended.stderr.contains("the proxy asks") && !ended.stderr.contains("--auth"),
        "{ended:?}"
    );
    let output = command(&["doctor", "-o", "retries=0", url])
        .env("http_proxy", proxy.url())
        .env("no_proxy", "example.org")
        .output()
        .unwrap();
    assert!(
        Ended::of(output).stdout.contains("set: http_proxy, no_proxy"),
        "the variables that are obeyed"
    );
}

/// A listing without sizes: nobody is told that nothing is stored.
#[test]
fn unknown_sizes_are_not_zero() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Python));
    let store = crate::run::data().join("stores/v3_tree_cons.zarr");
    server.load_dir(store, "");
    let url = server.base_url();
    let ended = quick(&["du", &url]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        !ended.stdout.contains(" 0 B") && ended.stdout.contains("  ?  "),
        "{ended:?}"
    );
    let du = &quick(&["du", "--json", &url]).lines()[0];
    assert_eq!(
        (&du["arrays"][0]["bytes"], &du["metadata_bytes"]),
        (&Value::Null, &Value::Null),
        "{du}"
    );
    let ended = quick(&["info", "--stored", &format!("{url}/top")]);
    assert!(
        ended
            .stdout
            .contains("stored      2/2 chunks · ? of 16 B logical · 3 of unknown size"),
        "{ended:?}"
    );
    let info = &quick(&["info", "--stored", "--json", &format!("{url}/top")]).lines()[0];
    assert_eq!(info["stored"]["object_bytes"], Value::Null, "{info}");
}

#[test]
fn an_array_s_own_name_is_not_encoded() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.load_dir(
        crate::run::data().join("stores/v3_tree_cons.zarr/with space"),
        "sp ace/",
    );
    let ended = quick(&["ls", &format!("{}/sp%20ace", server.base_url())]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "sp ace\n"), "{ended:?}");
}
