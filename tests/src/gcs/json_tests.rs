//! The JSON API as gcsfs speaks it.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::{Access, GcsServer};
use crate::client::client;

const BUCKET: &str = "test-bucket";

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

fn raw() -> Client {
    client(None).build().unwrap()
}

/// Status and body of a GET with these headers.
async fn get(server: &GcsServer, target: &str, headers: Headers<'_>) -> (StatusCode, String) {
    let mut request = raw().get(format!("{}{target}", server.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn document(server: &GcsServer, target: &str) -> Value {
    let (status, body) = get(server, target, &[]).await;
    assert_eq!(status, 200, "{target}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn names(items: &Value) -> Vec<&str> {
    let items = items.as_array().into_iter().flatten();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_listing_has_levels_and_pages() {
    for page_size in [1, 2, 3, 1000] {
        let server = GcsServer::builder().bucket(BUCKET).page_size(page_size).start();
        for key in [
            "a", "d-x", "d/a&b", "d/b", "d/c/0", "d/c/1", "d/d/0", "d/é", "e/f",
        ] {
            server.put(BUCKET, key, key);
        }
        let level = format!("/storage/v1/b/{BUCKET}/o?delimiter=/&prefix=d/");
        let (mut objects, mut prefixes, mut pages, mut token) = (Vec::new(), Vec::new(), 0, None);
        loop {
            let more = token
                .map(|token| format!("&pageToken={token}"))
                .unwrap_or_default();
            let page = document(&server, &format!("{level}{more}")).await;
            assert_eq!(page["kind"], "storage#objects");
            objects.extend(names(&page["items"]).into_iter().map(str::to_owned));
            let found = page["prefixes"].as_array().cloned().unwrap_or_default();
            prefixes.extend(found);
            pages += 1;
            token = page["nextPageToken"].as_str().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(objects, ["d/a&b", "d/b", "d/é"], "pages of {page_size}");
        assert_eq!(prefixes, ["d/c/", "d/d/"]);
        assert_eq!(pages, 5_usize.div_ceil(page_size), "prefixes count as entries");
        let one = document(&server, &format!("{level}&maxResults=1")).await;
        assert_eq!(names(&one["items"]), ["d/a&b"]);
        assert!(one["nextPageToken"].is_string());
        assert_eq!(server.unknown_requests(), Vec::<String>::new());
    }
    let server = GcsServer::start(BUCKET);
    let empty = document(&server, &format!("/storage/v1/b/{BUCKET}/o?prefix=none/")).await;
    assert_eq!(
        empty,
        json!({"kind": "storage#objects"}),
        "what is empty is left out"
    );
}

#[tokio::test]
async fn an_object_is_described_and_its_bytes_are_sent() {
    let server = GcsServer::start(BUCKET);
    let metadata = [("content-type", "text/plain"), ("x-goog-meta-owner", "me")];
    let generation = server.put_with(BUCKET, "a/b c+ü", "0123456789", &metadata);
    let place = format!("b/{BUCKET}/o/a%2Fb%20c%2B%C3%BC");

    let object = document(&server, &format!("/storage/v1/{place}")).await;
    assert_eq!(object["name"], "a/b c+ü");
    assert_eq!(object["bucket"], BUCKET);
    assert_eq!(object["size"], "10", "64-bit numbers are text");
    assert_eq!(object["generation"], generation.to_string());
    assert_eq!(object["contentType"], "text/plain");
    assert_eq!(object["metadata"], json!({"owner": "me"}));
    assert_eq!(object["md5Hash"], "eB5eJF1ptWaXm4bijSPyxw==");
    assert!(object["updated"].as_str().unwrap().ends_with('Z'));
    let target = |link: &str| object[link].as_str().unwrap().replace(&server.url(), "");
    assert_eq!(get(&server, &target("mediaLink"), &[]).await.1, "0123456789");
    assert_eq!(document(&server, &target("selfLink")).await, object);

    let media = format!("/download/storage/v1/{place}?alt=media");
    assert_eq!(
        get(&server, &media, &[]).await,
        (StatusCode::OK, "0123456789".to_owned())
    );
    let part = get(&server, &media, &[("range", "bytes=2-4")]).await;
    assert_eq!(part, (StatusCode::PARTIAL_CONTENT, "234".to_owned()));
    let beyond = get(&server, &media, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.0, StatusCode::RANGE_NOT_SATISFIABLE);
    let here = get(&server, &format!("/storage/v1/{place}?alt=media"), &[]).await;
    assert_eq!(here.1, "0123456789", "media is sent from both paths");
    let old = get(&server, &format!("{media}&generation=1"), &[]).await;
    assert_eq!(old.0, StatusCode::NOT_FOUND, "another generation");
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn refusals_are_json_with_the_status_of_the_json_api() {
    let server = GcsServer::builder()
        .bucket("open")
        .private_bucket("token", Access::Bearer("secret".to_owned()))
        .bucket("pays")
        .requester_pays("pays")
        .start();
    for bucket in ["open", "token", "pays"] {
        server.put(bucket, "k", "x");
    }
    let secret = [("authorization", "Bearer secret")];
    let wrong = [("authorization", "Bearer wrong")];
    let payer = [("x-goog-user-project", "p")];
    let cases: [(&str, Headers<'_>, u16); 11] = [
        ("open/o/missing", &[], 404),
        ("open/o/k", &[], 200),
        ("nowhere/o", &[], 404),
        ("nowhere/o/k", &[], 404),
        // Here the XML API says 403.
        ("token/o/k", &[], 401),
        ("token/o", &[], 401),
        ("token/o/k", &wrong, 401),
        ("token/o/k", &secret, 200),
        ("pays/o/k", &[], 400),
        ("pays/o/k?userProject=p", &[], 200),
        ("pays/o/k", &payer, 200),
    ];
    for (target, headers, wanted) in cases {
        let (status, body) = get(&server, &format!("/storage/v1/b/{target}"), headers).await;
        assert_eq!(status, wanted, "{target} {headers:?}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        if wanted >= 400 {
            assert_eq!(body["error"]["code"], wanted, "{target}: {body}");
        }
    }
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_named() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", "x");
    let b = format!("/storage/v1/b/{BUCKET}");
    let cases: [(String, Headers<'_>); 7] = [
        (b.clone(), &[]),
        (format!("{b}/acl"), &[]),
        (format!("{b}/o?fields=items"), &[]),
        (format!("{b}/o/k?alt=proto"), &[]),
        (format!("/download{b}/o/k"), &[]),
        (format!("{b}/o/k"), &[("range", "bytes=0-1")]),
        (format!("{b}/o/k"), &[("x-fancy", "1")]),
    ];
    for (target, headers) in &cases {
        let (status, body) = get(&server, target, headers).await;
        assert_eq!(status, 501, "{target}: {body}");
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap()["error"]["code"],
            501
        );
    }
    let put = raw().put(format!("{}{b}/o/k", server.url()));
    assert_eq!(put.send().await.unwrap().status(), 501);
    assert_eq!(server.unknown_requests().len(), cases.len() + 1);
}
