//! Listings with odd keys, and what faults become: errors of their kind, never data.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "lists of ranges are what is asked for"
)]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{BUCKET, open, path, shown, stream_of};
use futures::{StreamExt, TryStreamExt};
use zarr_fs::{
    ByteRange, CatOptions, CatRangesOptions, Error, FileSystem, FileSystemExt, Outcome, PipeOptions,
};
use zarr_tests::gcs::GcsServer;
use zarr_tests::{Fault, ServerOptions, TestCa, When};

const ANON: &str = r#"{"token": "anon", "retries": 2}"#;

fn with(range: impl Into<ByteRange>) -> CatOptions {
    CatOptions::default().with_range(range)
}

#[tokio::test]
async fn listings_have_all_pages_and_survive_odd_keys() {
    let server = GcsServer::builder().bucket(BUCKET).page_size(7).start();
    for key in (0..30).map(|i| format!("d/k{i:02}")) {
        server.put(BUCKET, &key, "x");
    }
    for key in [
        "d/",
        "d/sub/x",
        "d/sub/y/z",
        "d//odd",
        "d/bad\u{1}name",
        "d/sub/",
        "d/ sp&<>\"'é",
        "d/./x",
        "only/",
        "dd",
        "top",
    ] {
        server.put(BUCKET, key, "x");
    }
    let fs = open(&server, ANON);
    let listing = fs.ls(&path("d")).await.unwrap();
    let files: Vec<&str> = listing.files.iter().map(|file| file.path.as_str()).collect();
    let mut expected: Vec<String> = (0..30).map(|i| format!("d/k{i:02}")).collect();
    expected.insert(0, "d/ sp&<>\"'é".to_owned());
    assert_eq!(files, expected);
    assert_eq!(listing.prefixes, [path("d/sub")]);
    let first = &listing.files[1];
    assert_eq!(first.size_bytes, Some(1));
    assert_eq!(first.version, fs.info(&first.path).await.unwrap().version);

    let mut found: Vec<String> = fs
        .find(&path("d"))
        .map_ok(|file| file.path.as_str().to_owned())
        .try_collect()
        .await
        .unwrap();
    found.sort();
    expected.extend(["d/sub/x".to_owned(), "d/sub/y/z".to_owned()]);
    assert_eq!(found, expected);
    // A mark alone says that the folder is there; a name that only begins so does not.
    assert_eq!(
        fs.ls(&path("only")).await.unwrap(),
        zarr_fs::DirListing::default()
    );
    for missing in ["none", "top", "to", "d/k0"] {
        assert!(
            fs.ls(&path(missing)).await.unwrap_err().is_not_found(),
            "{missing}"
        );
        assert_eq!(fs.find(&path(missing)).count().await, 0);
    }
    assert_eq!(
        fs.ls(&path("")).await.unwrap().prefixes,
        [path("d"), path("only")]
    );
    fs.close().await.unwrap();
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_listing_that_is_none_is_an_error() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "d/k", "x");
    let fs = open(&server, r#"{"token": "anon", "retries": 0}"#);
    for fault in [
        Fault::html_login(),
        Fault::empty_ok(),
        Fault::truncate_without_length(100),
    ] {
        server.faults().clear();
        server.faults().add(When::always(), fault);
        let error = fs.ls(&path("d")).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        let error = fs.find(&path("d")).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
    server.faults().clear();
    server.faults().add(When::always(), Fault::status(503));
    assert!(matches!(fs.ls(&path("d")).await, Err(Error::Unavailable { .. })));
    fs.close().await.unwrap();
}

#[tokio::test]
async fn faults_are_errors_of_their_kind_and_never_data() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", Bytes::from(vec![7; 100_000]));
    let fs = open(&server, r#"{"token": "anon", "retries": 0, "timeout": "400ms"}"#);
    for (fault, expected) in [
        (Fault::status(401), "Unauthenticated"),
        (Fault::status(403), "PermissionDenied"),
        (Fault::status(404), "NotFound"),
        (Fault::status(410), "NotFound"),
        (Fault::status(429), "Unavailable"),
        (Fault::status(500), "Unavailable"),
        (Fault::status(503), "Unavailable"),
        (Fault::reset(), "Unavailable"),
        (Fault::reset_after(50_000), "Unavailable"),
        (Fault::truncate(50_000), "Unavailable"),
        (Fault::stall(), "Unavailable"),
        (Fault::stall_after(50_000), "Unavailable"),
        (Fault::html_login(), "Corrupt"),
        (Fault::empty_ok(), "Corrupt"),
        (Fault::content_range("bytes 0-9/100000"), "Corrupt"),
    ] {
        server.faults().clear();
        server.faults().add(When::always(), fault.clone());
        let one = fs.cat_file(&path("k"), with(10..90_000)).await.unwrap_err();
        let many = fs
            .cat_ranges(&path("k"), &[10..90_000], CatRangesOptions::default())
            .await
            .unwrap_err();
        let streamed = match fs.cat_stream(&path("k"), with(10..90_000)).await {
            Ok(stream) => stream.bytes.try_collect::<Vec<_>>().await.unwrap_err(),
            Err(error) => error,
        };
        for error in [one, many, streamed] {
            assert!(format!("{error:?}").starts_with(expected), "{fault:?}: {error:?}");
        }
    }
    fs.close().await.unwrap();
}

#[tokio::test]
async fn broken_bodies_are_resumed() {
    let server = GcsServer::start(BUCKET);
    let data: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    server.put(BUCKET, "k", data.clone());
    let fs = open(&server, r#"{"token": "anon", "timeout": "400ms"}"#);
    for fault in [
        Fault::reset_after(1_000_000),
        Fault::truncate(1_000_000),
        Fault::stall_after(1_000_000),
    ] {
        server.faults().add(When::always().times(2), fault.clone());
        assert!(fs.cat(&path("k")).await.unwrap() == data, "{fault:?}");
        server.faults().add(When::always().times(2), fault.clone());
        let stream = fs.cat_stream(&path("k"), CatOptions::default()).await.unwrap();
        let pieces: Vec<Bytes> = stream.bytes.try_collect().await.unwrap();
        assert!(pieces.concat() == data, "{fault:?}");
    }
    fs.close().await.unwrap();
}

#[tokio::test]
async fn close_cuts_a_back_off_at_once() {
    let server = GcsServer::start(BUCKET);
    server
        .faults()
        .add(When::always(), Fault::status(503).retry_after(20));
    let fs = open(&server, ANON);
    let target = path("k");
    let close = async {
        while server.log().is_empty() || server.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        fs.close().await.unwrap();
        began.elapsed()
    };
    let (read, elapsed) = tokio::join!(fs.cat(&target), close);
    assert!(
        matches!(
            read,
            Err(Error::Closed {
                outcome: Outcome::Cut,
                ..
            })
        ),
        "{read:?}"
    );
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

#[tokio::test]
async fn errors_show_no_token() {
    let server = GcsServer::start(BUCKET);
    let fs = open(&server, r#"{"token": "Bearer s3cret-token", "retries": 0}"#);
    server.faults().add(
        When::always(),
        Fault::status(403).body("denied to Bearer s3cret-token by policy"),
    );
    for error in [
        fs.cat(&path("k")).await.unwrap_err(),
        fs.ls(&path("d")).await.unwrap_err(),
        fs.pipe_file(&path("k"), "x".into(), PipeOptions::default())
            .await
            .unwrap_err(),
        fs.pipe_stream(
            &path("k"),
            stream_of(9, Bytes::from(vec![1; 1 << 20])),
            PipeOptions::default(),
        )
        .await
        .unwrap_err(),
    ] {
        let text = shown(&error);
        assert!(text.contains("by policy") && !text.contains("s3cret"), "{text}");
    }
    assert!(!format!("{fs:?}").contains("s3cret"));
    fs.close().await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_at_once() {
    let server = GcsServer::builder()
        .bucket(BUCKET)
        .server(ServerOptions::default().tls(&TestCa::new()))
        .start();
    let fs = open(&server, r#"{"token": "anon"}"#);
    let error = fs.cat(&path("k")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(shown(&error).contains("TLS handshake"), "{error:?}");
    // Trying again would not help.
    assert_eq!(fs.io_stats().connections_opened, 1);
    fs.close().await.unwrap();
}
