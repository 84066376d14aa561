//! The server as object_store sees it, and what object_store does not send as reqwest sees it.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, CopyMode, CopyOptions, Error, GetOptions, GetRange, MultipartUpload, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig, StaticCredentialProvider, UpdateVersion,
};
use reqwest::Client;

use super::{Access, GcsServer};
use crate::client::{Connector, all, client};

const BUCKET: &str = "test-bucket";

fn builder(server: &GcsServer) -> GoogleCloudStorageBuilder {
    let retry = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    GoogleCloudStorageBuilder::new()
        .with_bucket_name(BUCKET)
        .with_base_url(&server.url())
        .with_http_connector(Connector)
        .with_retry(retry)
}

fn store(server: &GcsServer) -> GoogleCloudStorage {
    let credential = GcpCredential {
        bearer: "x".to_owned(),
    };
    builder(server)
        .with_credentials(Arc::new(StaticCredentialProvider::new(credential)))
        .build()
        .unwrap()
}

fn raw() -> Client {
    client(None).build().unwrap()
}

fn mode(mode: PutMode) -> PutOptions {
    PutOptions {
        mode,
        ..PutOptions::default()
    }
}

#[tokio::test]
async fn an_object_is_put_read_and_deleted_under_an_encoded_key() {
    let server = GcsServer::start(BUCKET);
    let store = store(&server);
    for key in ["a/zarr.json", "sp ace/+&=%.json", "ünï/c/0", "x%2Fy/z"] {
        let path = Path::parse(key).unwrap();
        let put = store
            .put(&path, PutPayload::from(key.as_bytes().to_vec()))
            .await
            .unwrap();
        assert_eq!(server.get(BUCKET, key).unwrap(), key.as_bytes(), "{key}");
        let got = store.get(&path).await.unwrap();
        assert_eq!(
            (got.meta.e_tag.clone(), got.meta.version.clone()),
            (put.e_tag, put.version)
        );
        assert_eq!(got.meta.size, key.len() as u64);
        assert_eq!(got.bytes().await.unwrap(), key.as_bytes());
        assert_eq!(store.head(&path).await.unwrap().size, key.len() as u64);
        store.delete(&path).await.unwrap();
        assert!(matches!(store.delete(&path).await, Err(Error::NotFound { .. })));
        assert!(matches!(store.get(&path).await, Err(Error::NotFound { .. })));
        assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })));
    }
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn ranges_are_exact_and_416_beyond_the_end() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", "0123456789");
    server.put(BUCKET, "empty", "");
    let store = store(&server);
    let get = async |key: &str, range: GetRange| {
        let options = GetOptions {
            range: Some(range),
            ..GetOptions::default()
        };
        store.get_opts(&Path::from(key), options).await?.bytes().await
    };
    assert_eq!(get("k", GetRange::Bounded(2..5)).await.unwrap(), "234");
    assert_eq!(get("k", GetRange::Bounded(8..50)).await.unwrap(), "89");
    assert_eq!(get("k", GetRange::Offset(7)).await.unwrap(), "789");
    assert_eq!(get("k", GetRange::Suffix(4)).await.unwrap(), "6789");
    assert_eq!(get("k", GetRange::Suffix(40)).await.unwrap(), "0123456789");
    for (key, range) in [
        ("k", "bytes=10-"),
        ("k", "bytes=10-20"),
        ("k", "bytes=-0"),
        ("empty", "bytes=-5"),
        ("empty", "bytes=0-"),
    ] {
        let url = format!("{}/{BUCKET}/{key}", server.url());
        let response = raw().get(url).header("range", range).send().await.unwrap();
        assert_eq!(response.status(), 416, "{key} {range}");
        let size = if key == "k" { 10 } else { 0 };
        assert_eq!(
            response.headers()["content-range"],
            format!("bytes */{size}").as_str()
        );
    }
}

#[tokio::test]
async fn generations_guard_writes_reads_and_deletes() {
    let server = GcsServer::start(BUCKET);
    let (store, path) = (store(&server), Path::from("k"));
    let first = store
        .put_opts(&path, "1".into(), mode(PutMode::Create))
        .await
        .unwrap();
    assert!(matches!(
        store.put_opts(&path, "2".into(), mode(PutMode::Create)).await,
        Err(Error::AlreadyExists { .. })
    ));
    let second = store
        .put_opts(&path, "2".into(), mode(PutMode::Update(first.clone().into())))
        .await
        .unwrap();
    let stale = store
        .put_opts(
            &path,
            "3".into(),
            mode(PutMode::Update(UpdateVersion::from(first.clone()))),
        )
        .await;
    assert!(matches!(stale, Err(Error::Precondition { .. })));
    assert_eq!(server.get(BUCKET, "k").unwrap(), "2");

    let url = format!("{}/{BUCKET}/k", server.url());
    let old = first.version.unwrap();
    let generation = "x-goog-if-generation-match";
    let wrong = raw().get(&url).header(generation, &old).send().await.unwrap();
    assert_eq!(wrong.status(), 412);
    assert_eq!(
        raw()
            .get(format!("{url}?generation={old}"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        raw()
            .delete(&url)
            .header(generation, &old)
            .send()
            .await
            .unwrap()
            .status(),
        412
    );
    let current = second.version.unwrap();
    assert_eq!(
        raw()
            .get(format!("{url}?generation={current}"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        raw()
            .delete(&url)
            .header(generation, &current)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
}

#[tokio::test]
async fn etag_and_date_conditions_hold_on_reads() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", "data");
    let url = format!("{}/{BUCKET}/k", server.url());
    let plain = raw().get(&url).send().await.unwrap();
    let text = |name: &str| plain.headers()[name].to_str().unwrap().to_owned();
    let (etag, date) = (text("etag"), text("last-modified"));
    let cases = [
        ("if-match", etag.as_str(), 200),
        ("if-match", "*", 200),
        ("if-match", "\"other\"", 412),
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", date.as_str(), 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("if-unmodified-since", date.as_str(), 200),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 412),
    ];
    for (name, value, status) in cases {
        let response = raw().get(&url).header(name, value).send().await.unwrap();
        assert_eq!(response.status(), status, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_listing_has_pages_prefixes_and_an_offset() {
    for page_size in [1, 2, 3, 1000] {
        let server = GcsServer::builder().bucket(BUCKET).page_size(page_size).start();
        let keys = [
            "a", "d-x", "d/a&<b", "d/b", "d/c/0", "d/c/1", "d/c/2", "d/d/0", "d/é", "e/f",
        ];
        for key in keys {
            server.put(BUCKET, key, key);
        }
        let store = store(&server);
        let names = |entries: Vec<object_store::ObjectMeta>| -> Vec<String> {
            entries
                .into_iter()
                .map(|entry| entry.location.to_string())
                .collect()
        };
        assert_eq!(names(all(store.list(None)).await), keys, "pages of {page_size}");
        let dir = Path::from("d");
        let level = store.list_with_delimiter(Some(&dir)).await.unwrap();
        assert_eq!(names(level.objects), ["d/a&<b", "d/b", "d/é"]);
        let prefixes: Vec<String> = level.common_prefixes.iter().map(ToString::to_string).collect();
        assert_eq!(prefixes, ["d/c", "d/d"]);
        let after = store.list_with_offset(Some(&dir), &Path::from("d/c/1"));
        assert_eq!(names(all(after).await), ["d/c/2", "d/d/0", "d/é"]);
        let pages = server
            .log()
            .iter()
            .filter(|entry| entry.query.as_ref().is_some_and(|q| q.contains("delimiter")))
            .count();
        assert_eq!(pages, 5_usize.div_ceil(page_size), "prefixes count as entries");
        assert_eq!(server.unknown_requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_continuation_token_belongs_to_its_listing() {
    let server = GcsServer::builder().bucket(BUCKET).page_size(1).start();
    server.put(BUCKET, "a/1", "");
    server.put(BUCKET, "a/2", "");
    let url = format!("{}/{BUCKET}?list-type=2", server.url());
    let page = raw()
        .get(format!("{url}&prefix=a/"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let token = page
        .split("<NextContinuationToken>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let next = raw()
        .get(format!("{url}&prefix=a/&continuation-token={token}"))
        .send()
        .await
        .unwrap();
    assert!(next.text().await.unwrap().contains("<Key>a/2</Key>"));
    for query in [
        format!("&continuation-token={token}"),
        "&prefix=a/&continuation-token=zzz".to_owned(),
    ] {
        assert_eq!(
            raw().get(format!("{url}{query}")).send().await.unwrap().status(),
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn metadata_comes_back_and_survives_a_copy() {
    let server = GcsServer::start(BUCKET);
    let store = store(&server);
    let attributes: Attributes = [
        (Attribute::ContentType, "application/json"),
        (Attribute::CacheControl, "no-store"),
        (Attribute::Metadata("colour".into()), "blue"),
    ]
    .into_iter()
    .collect();
    let options = PutOptions {
        attributes: attributes.clone(),
        ..PutOptions::default()
    };
    let (from, to) = (Path::from("d/from"), Path::from("d/to.json"));
    store.put_opts(&from, "x".into(), options).await.unwrap();
    store.copy(&from, &to).await.unwrap();
    for path in [&from, &to] {
        let got = store.get(path).await.unwrap();
        assert_eq!(got.attributes, attributes);
    }
    let create = CopyOptions {
        mode: CopyMode::Create,
        ..CopyOptions::default()
    };
    assert!(matches!(
        store.copy_opts(&from, &to, create).await,
        Err(Error::AlreadyExists { .. })
    ));
    assert!(matches!(
        store.copy(&Path::from("nothing"), &to).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn parts_make_an_object_or_leave_nothing() {
    let server = GcsServer::builder().bucket(BUCKET).min_part_size(4).start();
    let (store, path) = (store(&server), Path::from("d/big"));
    let mut upload = store.put_multipart(&path).await.unwrap();
    for part in ["0123", "4567", "89"] {
        upload.put_part(part.into()).await.unwrap();
    }
    assert_eq!(
        (server.unfinished_uploads(), server.get(BUCKET, "d/big")),
        (1, None)
    );
    let put = upload.complete().await.unwrap();
    assert_eq!(server.get(BUCKET, "d/big").unwrap(), "0123456789");
    assert_eq!(
        put.version.unwrap(),
        server.generation(BUCKET, "d/big").unwrap().to_string()
    );

    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part("012".into()).await.unwrap();
    upload.put_part("3".into()).await.unwrap();
    assert!(
        upload
            .complete()
            .await
            .unwrap_err()
            .to_string()
            .contains("EntityTooSmall")
    );
    assert_eq!(server.unfinished_uploads(), 1);
    upload.abort().await.unwrap();
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.get(BUCKET, "d/big").unwrap(), "0123456789");
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn completing_with_a_wrong_etag_or_order_is_refused() {
    let server = GcsServer::builder().bucket(BUCKET).min_part_size(0).start();
    let url = format!("{}/{BUCKET}/k", server.url());
    let begun = raw()
        .post(format!("{url}?uploads="))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let id = begun
        .split("<UploadId>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    let mut etags = Vec::new();
    for number in [1, 2] {
        let part = raw()
            .put(format!("{url}?partNumber={number}&uploadId={id}"))
            .body("data");
        etags.push(
            part.send().await.unwrap().headers()["etag"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    let part = |number: usize, etag: &str| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let complete = async |parts: String| {
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        raw()
            .post(format!("{url}?uploadId={id}"))
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(complete(String::new()).await, 400);
    assert_eq!(complete(part(1, "\"other\"")).await, 400);
    assert_eq!(complete(part(3, &etags[0])).await, 400);
    assert_eq!(complete(part(2, &etags[1]) + &part(1, &etags[0])).await, 400);
    assert_eq!(complete("<Part>".to_owned()).await, 400);
    assert_eq!(server.unfinished_uploads(), 1);
    let escaped = etags[0].replace('"', "&quot;");
    assert_eq!(complete(part(1, &escaped) + &part(2, &etags[1])).await, 200);
    assert_eq!(complete(part(1, &etags[0])).await, 404, "the upload is gone");
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_named() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", "x");
    let url = format!("{}/{BUCKET}", server.url());
    let requests = [
        raw().get(format!("{url}/k?alt=media")),
        raw().get(format!("{url}/k")).header("x-fancy", "1"),
        raw().get(format!("{url}?list-type=1")),
        raw().get(&url),
        raw().get(format!("{url}?list-type=2&fetch-owner=true")),
        raw().put(format!("{url}/k")).header("if-match", "\"x\""),
        raw().delete(&url),
        raw().patch(format!("{url}/k")),
    ];
    let count = requests.len();
    for request in requests {
        assert_eq!(request.send().await.unwrap().status(), 501);
    }
    assert_eq!(server.unknown_requests().len(), count);
    assert!(
        server.unknown_requests()[1].contains("header x-fancy"),
        "{:?}",
        server.unknown_requests()[1]
    );
}

#[tokio::test]
async fn missing_buckets_credentials_and_projects_have_their_status() {
    let server = GcsServer::builder()
        .private_bucket("token", Access::Bearer("secret".to_owned()))
        .private_bucket("nobody", Access::Nobody)
        .bucket_with("unlisted", Access::Anyone, Access::Nobody, Access::Nobody)
        .bucket("pays")
        .requester_pays("pays")
        .start();
    for bucket in ["token", "nobody", "unlisted", "pays"] {
        server.put(bucket, "k", "x");
    }
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = raw().get(format!("{}/{path}", server.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = get("nowhere/k", &[]).await;
    assert!(status == 404 && body.contains("NoSuchBucket"), "{status} {body}");
    assert_eq!(get("token/k", &[]).await.0, 403);
    assert_eq!(get("token/k", &[("authorization", "Bearer wrong")]).await.0, 401);
    assert_eq!(get("token/k", &[("authorization", "Bearer secret")]).await.0, 200);
    assert_eq!(
        get("nobody/k", &[("authorization", "Bearer secret")]).await.0,
        403
    );
    assert_eq!(get("unlisted/k", &[]).await.0, 200);
    assert_eq!(
        get("unlisted/missing", &[]).await.0,
        403,
        "whether it exists is not told"
    );
    assert_eq!(get("unlisted?list-type=2", &[]).await.0, 403);
    let (status, body) = get("pays/k", &[]).await;
    assert!(
        status == 400 && body.contains("UserProjectMissing"),
        "{status} {body}"
    );
    assert_eq!(get("pays/k", &[("x-goog-user-project", "p")]).await.0, 200);
}

#[tokio::test]
async fn a_service_account_signs_in() {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .start();
    server.put(BUCKET, "k", "secret");
    let path = Path::from("k");
    let anonymous = builder(&server).with_skip_signature(true).build().unwrap();
    assert!(matches!(
        anonymous.get(&path).await,
        Err(Error::PermissionDenied { .. })
    ));
    assert!(matches!(
        store(&server).get(&path).await,
        Err(Error::Unauthenticated { .. })
    ));

    // object_store signs its own token.
    let signed = builder(&server)
        .with_service_account_key(server.service_account_json())
        .build()
        .unwrap();
    assert_eq!(signed.get(&path).await.unwrap().bytes().await.unwrap(), "secret");
    let bearer = server
        .log()
        .last()
        .unwrap()
        .header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned();
    let forged = format!("{}AAAA", &bearer[..bearer.len() - 4]);
    let url = format!("{}/{BUCKET}/k", server.url());
    assert_eq!(
        raw()
            .get(&url)
            .bearer_auth(&forged)
            .send()
            .await
            .unwrap()
            .status(),
        401
    );

    // The same JWT, traded for an access token.
    let grant = |jwt: &str| {
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={jwt}")
    };
    let trade = async |body: String| {
        let response = raw()
            .post(format!("{}/token", server.url()))
            .body(body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(trade(grant(&forged)).await.0, 400);
    assert_eq!(trade("grant_type=password".to_owned()).await.0, 400);
    let (status, body) = trade(grant(&bearer)).await;
    assert_eq!((status, server.tokens_issued()), (200, 1));
    let reply: serde_json::Value = serde_json::from_str(&body).unwrap();
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(
        raw().get(&url).bearer_auth(token).send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .token_lifetime(std::time::Duration::ZERO)
        .start();
    server.put(BUCKET, "k", "secret");
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let url = format!("{}{path}", server.url());
    assert_eq!(
        raw().get(&url).send().await.unwrap().status(),
        403,
        "the flavour header is required"
    );
    let reply = raw()
        .get(&url)
        .header("metadata-flavor", "Google")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
    let token = reply["access_token"].as_str().unwrap();
    let response = raw()
        .get(format!("{}/{BUCKET}/k", server.url()))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn stored_gzip_is_decoded_for_those_who_do_not_accept_it() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&[b'z'; 1000]).unwrap();
    let stored = gzip.finish().unwrap();
    let server = GcsServer::start(BUCKET);
    server.put_with(BUCKET, "k", stored.clone(), &[("content-encoding", "gzip")]);
    let url = format!("{}/{BUCKET}/k", server.url());

    let decoded = raw().get(&url).header("range", "bytes=0-9").send().await.unwrap();
    assert_eq!(
        (decoded.status().as_u16(), decoded.content_length()),
        (200, None),
        "no range, no length"
    );
    assert!(!decoded.headers().contains_key("content-encoding"));
    assert_eq!(decoded.bytes().await.unwrap(), vec![b'z'; 1000]);

    let encoded = raw()
        .get(&url)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(encoded.headers()["content-encoding"], "gzip");
    assert_eq!(encoded.bytes().await.unwrap(), stored);
}

#[tokio::test]
async fn a_folder_is_served_under_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("d/c")).unwrap();
    for (path, data) in [("zarr.json", "{}"), ("d/c/0", "data"), ("d/.zarray", "")] {
        std::fs::write(dir.path().join(path), data).unwrap();
    }
    let server = GcsServer::start(BUCKET);
    assert_eq!(server.load_dir(BUCKET, dir.path(), "pre/"), 3);
    assert_eq!(
        server.keys(BUCKET),
        ["pre/d/.zarray", "pre/d/c/0", "pre/zarr.json"]
    );
    let got = store(&server)
        .get(&Path::from("pre/d/c/0"))
        .await
        .unwrap()
        .into_stream();
    let got: Vec<bytes::Bytes> = got.try_collect().await.unwrap();
    assert_eq!(got.concat(), b"data");
}
