//! The server as reqwest and object_store see it, and its index pages beside those of the servers they copy.

use futures::TryStreamExt;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use reqwest::{Client, Response};

use super::{Credentials, Gzip, HttpServer, IndexStyle, Mode};
use crate::Framing;
use crate::client::{Connector, all, client};

const NAMES: [&str; 5] = [
    "zarr.json",
    ".zarray",
    "it's<\"q\">.txt",
    "sp ace+&=%.json",
    "c/0",
];

fn raw() -> Client {
    client(None).build().unwrap()
}

async fn get(url: &str) -> Response {
    raw().get(url).send().await.unwrap()
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().unwrap().to_owned())
}

/// The targets of all links of a page, as they stand in it.
fn hrefs(page: &str) -> Vec<&str> {
    page.split("href=\"")
        .skip(1)
        .filter(|rest| !rest.starts_with('#'))
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[tokio::test]
async fn every_index_links_as_the_server_it_copies() {
    // Each list is what that server answered for this folder (nginx 1.22, Apache 2.4, Caddy 2.6, lighttpd 1.4, Python 3.11,
    // rclone 1.60).
    let component = [
        "c/",
        "%C3%BCn%C3%AF/",
        "it%27s%3C%22q%22%3E.txt",
        "sp%20ace%2B%26%3D%25.json",
        "zarr.json",
    ];
    let apache = [
        ".zarray",
        "c/",
        "it's%3c%22q%22%3e.txt",
        "sp%20ace+&amp;=%25.json",
        "zarr.json",
        "%c3%bcn%c3%af/",
    ];
    let go = [
        "c/",
        "%C3%BCn%C3%AF/",
        ".zarray",
        "it%27s%3C%22q%22%3E.txt",
        "sp%20ace+&amp;=%25.json",
        "zarr.json",
    ];
    let go_head = [
        "../",
        "",
        "?sort=namedirfirst&order=desc",
        "?sort=name&order=asc",
        "?sort=size&order=asc",
        "..",
    ];
    let go_foot = "https://caddyserver.com";
    let caddy: Vec<String> = go.iter().map(|href| format!("./{href}")).collect();
    let caddy: Vec<&str> = go_head
        .into_iter()
        .chain(caddy.iter().map(String::as_str))
        .chain([go_foot])
        .collect();
    let python = [
        ".zarray",
        "c/",
        "it%27s%3C%22q%22%3E.txt",
        "sp%20ace%2B%26%3D%25.json",
        "zarr.json",
        "%C3%BCn%C3%AF/",
    ];
    let expected: [(IndexStyle, Vec<&str>); 7] = [
        (IndexStyle::Nginx, [vec!["../"], component.to_vec()].concat()),
        (
            IndexStyle::ApacheFancy,
            [
                vec!["?C=N;O=D", "?C=M;O=A", "?C=S;O=A", "?C=D;O=A", "/"],
                apache.to_vec(),
            ]
            .concat(),
        ),
        (IndexStyle::ApachePlain, [vec!["/"], apache.to_vec()].concat()),
        (IndexStyle::Caddy, caddy),
        (IndexStyle::Lighttpd, [vec!["../"], component.to_vec()].concat()),
        (IndexStyle::Python, python.to_vec()),
        (IndexStyle::Rclone, [go_head.to_vec(), go.to_vec()].concat()),
    ];
    for (style, expected) in expected {
        let server = HttpServer::start(Mode::Index(style));
        for name in NAMES {
            server.put(&format!("d/{name}"), "x");
        }
        server.make_dir("d/ünï");
        let page = get(&format!("{}/d/", server.url())).await.text().await.unwrap();
        assert_eq!(hrefs(&page), expected, "{style:?}\n{page}");
    }
}

#[tokio::test]
async fn json_indexes_have_names_kinds_and_sizes() {
    let server = HttpServer::start(Mode::Index(IndexStyle::NginxJson));
    let caddy = HttpServer::start(Mode::Index(IndexStyle::Caddy));
    for server in [&server, &caddy] {
        NAMES
            .iter()
            .for_each(|name| server.put(&format!("d/{name}"), "xyz"));
    }
    let page = get(&format!("{}/d/", server.url())).await;
    assert_eq!(header(&page, "content-type").unwrap(), "application/json");
    let page: serde_json::Value = serde_json::from_str(&page.text().await.unwrap()).unwrap();
    let names: Vec<&str> = page
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["c", "it's<\"q\">.txt", "sp ace+&=%.json", "zarr.json"]);
    assert_eq!(
        (page[0]["type"].as_str(), page[3]["size"].as_u64()),
        (Some("directory"), Some(3))
    );

    let page = raw()
        .get(format!("{}/d/", caddy.url()))
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    let page: serde_json::Value = serde_json::from_str(&page.text().await.unwrap()).unwrap();
    let names: Vec<&str> = page
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["c/", ".zarray", "it's<\"q\">.txt", "sp ace+&=%.json", "zarr.json"]
    );
    assert_eq!(
        (page[0]["is_dir"].as_bool(), page[3]["url"].as_str()),
        (Some(true), Some("./sp%20ace+&=%25.json"))
    );
}

#[tokio::test]
async fn folders_are_redirected_listed_or_refused_by_mode() {
    let cases = [
        (Mode::Index(IndexStyle::Nginx), 301, true, 200, 405),
        (Mode::Index(IndexStyle::ApachePlain), 301, true, 200, 405),
        (Mode::Index(IndexStyle::Caddy), 308, false, 200, 200),
        (Mode::Index(IndexStyle::Lighttpd), 301, false, 200, 501),
        (Mode::Index(IndexStyle::Python), 301, false, 200, 501),
        (Mode::Index(IndexStyle::Rclone), 404, false, 200, 405),
        (Mode::NoIndex(403), 301, true, 403, 405),
        (Mode::NoIndex(404), 301, true, 404, 405),
        (Mode::Dav, 301, true, 200, 207),
    ];
    for (mode, bare, absolute, with_slash, propfind) in cases {
        let server = HttpServer::builder(mode).base("/pre/fix/").start();
        server.put("d/c/k", "x");
        let url = format!("{}/d", server.base_url());
        let response = get(&format!("{url}?sig=1")).await;
        assert_eq!(response.status(), bare, "{mode:?}");
        if bare != 404 {
            let location = header(&response, "location").unwrap();
            assert_eq!(
                location,
                if absolute {
                    format!("{url}/?sig=1")
                } else {
                    "/pre/fix/d/?sig=1".to_owned()
                }
            );
        }
        assert_eq!(get(&format!("{url}/")).await.status(), with_slash, "{mode:?}");
        let response = raw()
            .request("PROPFIND".parse().unwrap(), format!("{url}/"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), propfind, "{mode:?}");
        for path in [
            "/pre/fix/d/nothing",
            "/pre/fix/d/c/k/",
            "/pre/fix2/d/c/k",
            "/d/c/k",
            "/",
        ] {
            assert_eq!(
                get(&format!("{}{path}", server.url())).await.status(),
                404,
                "{mode:?} {path}"
            );
        }
        assert_eq!(
            get(&format!("{url}/%2e%2e/x")).await.status(),
            404,
            "reqwest resolves dots; nothing is above"
        );
        assert_eq!(get(&format!("{url}//c")).await.status(), 400);
    }
}

#[tokio::test]
async fn ranges_and_conditions_hold_unless_the_server_is_to_ignore_them() {
    let server = HttpServer::start(Mode::NoIndex(404));
    server.put("k", "0123456789");
    let url = format!("{}/k", server.url());
    let with = async |name: &str, value: &str| {
        let response = raw().get(&url).header(name, value).send().await.unwrap();
        (
            response.status().as_u16(),
            header(&response, "content-range"),
            response.text().await.unwrap(),
        )
    };
    let etag = header(&get(&url).await, "etag").unwrap();
    assert_eq!(
        with("range", "bytes=2-4").await,
        (206, Some("bytes 2-4/10".to_owned()), "234".to_owned())
    );
    assert_eq!(with("range", "bytes=-3").await.2, "789");
    assert_eq!(with("range", "bytes=10-").await.0, 416);
    assert_eq!(with("range", "bytes=1-2,4-5").await.0, 200);
    assert_eq!(
        with("range", "bytes=5-2").await.0,
        200,
        "an invalid range is ignored"
    );
    assert_eq!(with("range", "bytes=99999999999999999999-").await.0, 416);
    assert_eq!(with("if-match", &etag).await.0, 200);
    assert_eq!(with("if-match", "\"x\"").await.0, 412);
    assert_eq!(with("if-none-match", &etag).await.0, 304);
    let changed = raw()
        .get(&url)
        .header("range", "bytes=0-1")
        .header("if-range", "\"x\"")
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 200);
    server.put("k", "0123456789");
    assert_eq!(
        with("if-match", &etag).await.0,
        412,
        "the same bytes written again are another version"
    );

    let careless = HttpServer::builder(Mode::NoIndex(404))
        .without_ranges()
        .without_etags()
        .without_conditions()
        .start();
    careless.put("k", "0123456789");
    let request = raw()
        .get(format!("{}/k", careless.url()))
        .header("range", "bytes=2-4")
        .header("if-match", "\"x\"");
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "etag")),
        (200, None)
    );
    assert_eq!(response.text().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn a_body_comes_without_length_or_in_http_1_0_or_compressed() {
    let body = "zarr".repeat(1000);
    let chunked = HttpServer::builder(Mode::NoIndex(404))
        .framing(Framing::Chunked)
        .start();
    let until_close = HttpServer::builder(Mode::NoIndex(404))
        .framing(Framing::UntilClose)
        .start();
    let python = HttpServer::start(Mode::Index(IndexStyle::Python));
    for (server, length, old) in [
        (&chunked, None, false),
        (&until_close, None, true),
        (&python, Some(4000), true),
    ] {
        server.put("k", body.clone());
        let client = raw();
        for _ in 0..2 {
            let response = client.get(format!("{}/k", server.url())).send().await.unwrap();
            assert_eq!(response.content_length(), length);
            assert_eq!(response.version() == reqwest::Version::HTTP_10, old);
            assert_eq!(response.text().await.unwrap(), body);
        }
        assert_eq!(
            server.accepted_connections(),
            if old { 2 } else { 1 },
            "HTTP/1.0 closes"
        );
    }
    let ungzip = |bytes: &[u8]| std::io::read_to_string(flate2::read::GzDecoder::new(bytes)).unwrap();
    for gzip in [Gzip::IfAccepted, Gzip::Always] {
        let server = HttpServer::builder(Mode::NoIndex(404)).gzip(gzip).start();
        server.put("k", body.clone());
        let request = raw().get(format!("{}/k", server.url()));
        let plain = request.try_clone().unwrap().send().await.unwrap();
        assert_eq!(header(&plain, "content-encoding").is_some(), gzip == Gzip::Always);
        let encoded = request
            .header("accept-encoding", "gzip")
            .header("range", "bytes=0-9")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (
                encoded.status().as_u16(),
                header(&encoded, "content-encoding").as_deref()
            ),
            (200, Some("gzip"))
        );
        assert_eq!(ungzip(&encoded.bytes().await.unwrap()), body);
    }
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let cases = [
        (Credentials::Basic("user".into(), "päss".into()), 401),
        (Credentials::Bearer("token".into()), 401),
        (Credentials::Header("x-key".into(), "1".into()), 403),
        (Credentials::Query("sig".into(), "a+b/c=".into()), 403),
    ];
    for (credentials, refused) in cases {
        let server = HttpServer::builder(Mode::NoIndex(404))
            .require(credentials.clone())
            .start();
        server.put("k", "x");
        let url = format!("{}/k", server.url());
        let bare = get(&url).await;
        assert_eq!(bare.status(), refused, "{credentials:?}");
        assert_eq!(header(&bare, "www-authenticate").is_some(), refused == 401);
        let request = match &credentials {
            Credentials::Basic(user, password) => raw().get(&url).basic_auth(user, Some(password)),
            Credentials::Bearer(token) => raw().get(&url).bearer_auth(token),
            Credentials::Header(name, value) => raw().get(&url).header(name, value),
            Credentials::Query(..) => raw().get(format!("{url}?sig=a%2Bb%2Fc%3D")),
        };
        assert_eq!(request.send().await.unwrap().status(), 200, "{credentials:?}");
    }
}

#[tokio::test]
async fn everything_can_be_redirected_to_another_server() {
    let target = HttpServer::start(Mode::NoIndex(404));
    let source = HttpServer::builder(Mode::NoIndex(404))
        .redirect_to(307, &target.url())
        .start();
    let response = get(&format!("{}/a%2Fb/c?sig=1", source.url())).await;
    assert_eq!(response.status(), 307);
    assert_eq!(
        header(&response, "location").unwrap(),
        format!("{}/a%2Fb/c?sig=1", target.url())
    );
}

#[tokio::test]
async fn what_is_missing_has_the_status_it_is_given() {
    let server = HttpServer::builder(Mode::NoIndex(403))
        .missing_status(410)
        .start();
    assert_eq!(get(&format!("{}/k", server.url())).await.status(), 410);
}

#[tokio::test]
async fn object_store_reads_writes_lists_and_copies_over_dav() {
    let server = HttpServer::start(Mode::Dav);
    let store = HttpBuilder::new()
        .with_url(server.url())
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_http_connector(Connector)
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
        .build()
        .unwrap();
    let paths = ["d/.zarray", "d/c/0", "d/c/1", "d/sp ace+&=%.json", "d/ünï/x"];
    for path in paths {
        store.put(&Path::parse(path).unwrap(), path.into()).await.unwrap();
        assert_eq!(server.get(path).unwrap(), path);
    }
    let (from, to) = (Path::from("d/c/0"), Path::from("d/copy"));
    store.copy(&from, &to).await.unwrap();
    assert!(matches!(
        store.copy_if_not_exists(&from, &to).await,
        Err(object_store::Error::AlreadyExists { .. })
    ));
    assert_eq!(server.get("d/copy").unwrap(), "d/c/0");
    store.delete(&to).await.unwrap();
    assert!(matches!(
        store.delete(&to).await,
        Err(object_store::Error::NotFound { .. })
    ));

    let mut listed: Vec<String> = all(store.list(None))
        .await
        .iter()
        .map(|entry| entry.location.to_string())
        .collect();
    listed.sort();
    assert_eq!(listed, paths);
    let level = store.list_with_delimiter(Some(&Path::from("d"))).await.unwrap();
    let prefixes: Vec<String> = level.common_prefixes.iter().map(ToString::to_string).collect();
    assert_eq!(
        (level.objects.len(), prefixes),
        (2, vec!["d/c".to_owned(), "d/ünï".to_owned()])
    );
    assert_eq!(level.objects[0].size, 9);
    let got: Vec<bytes::Bytes> = store
        .get(&from)
        .await
        .unwrap()
        .into_stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(got.concat(), b"d/c/0");
}

#[tokio::test]
async fn dav_keeps_its_rules() {
    let server = HttpServer::builder(Mode::Dav)
        .base("dav")
        .without_infinite_depth()
        .start();
    server.put("d/k", "1");
    let base = server.base_url();
    let send = async |method: &str, path: &str, headers: &[(&str, &str)], body: &'static str| {
        let mut request = raw()
            .request(method.parse().unwrap(), format!("{base}/{path}"))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let to = format!("{base}/d/k2");
    let elsewhere = "http://example.org/dav/d/k2";
    assert_eq!(send("PUT", "none/k", &[], "x").await, 409, "no parent");
    assert_eq!(send("PUT", "d/k", &[("if-match", "\"x\"")], "x").await, 412);
    assert_eq!(send("PUT", "d/k", &[("if-none-match", "*")], "x").await, 412);
    assert_eq!(send("PUT", "d/new", &[("if-none-match", "*")], "x").await, 201);
    assert_eq!(send("PUT", "d/new", &[], "y").await, 204);
    assert_eq!(send("MKCOL", "d", &[], "").await, 405);
    assert_eq!(send("MKCOL", "a/b", &[], "").await, 409);
    assert_eq!(send("MKCOL", "a", &[], "body").await, 415);
    assert_eq!(send("MKCOL", "a", &[], "").await, 201);
    assert_eq!(send("COPY", "d/k", &[("destination", elsewhere)], "").await, 502);
    assert_eq!(
        send("COPY", "d", &[("destination", &format!("{base}/d/in"))], "").await,
        403
    );
    assert_eq!(send("COPY", "d/k", &[("destination", &to)], "").await, 201);
    assert_eq!(
        send("COPY", "d/k", &[("destination", &to), ("overwrite", "F")], "").await,
        412
    );
    assert_eq!(
        send("MOVE", "d", &[("destination", &format!("{base}/e"))], "").await,
        201
    );
    assert_eq!((server.get("e/k2"), server.get("d/k")), (Some("1".into()), None));
    assert_eq!(send("PROPFIND", "e", &[("depth", "1")], "").await, 301);
    assert_eq!(send("PROPFIND", "e/", &[("depth", "1")], "").await, 207);
    assert_eq!(send("PROPFIND", "e/", &[], "").await, 403, "infinite depth");
    assert_eq!(send("PROPFIND", "e/k", &[("depth", "0")], "").await, 207);
    assert_eq!(send("PROPFIND", "nothing", &[("depth", "0")], "").await, 404);
    let lenient = HttpServer::builder(Mode::Dav).without_dir_redirects().start();
    lenient.put("d/k", "1");
    let propfind = raw().request("PROPFIND".parse().unwrap(), format!("{}/d", lenient.url()));
    assert_eq!(propfind.header("depth", "1").send().await.unwrap().status(), 207);
    assert_eq!(send("LOCK", "e/k", &[], "").await, 405);
    assert_eq!(send("DELETE", "e", &[], "").await, 204);
    assert_eq!(server.get("e/k"), None);
}
