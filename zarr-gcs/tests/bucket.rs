//! A bucket against the in-process server: reads, writes under conditions, uploads, listings, faults.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{BUCKET, open, open_at, path, shown, stream_of};
use futures::{StreamExt, TryStreamExt};
use zarr_fs::{
    ByteRange, CatOptions, CatRangesOptions, Error, FileSystem, FileSystemExt, Outcome, PipeOptions, Version,
    WriteMode,
};
use zarr_tests::gcs::GcsServer;
use zarr_tests::proxy::{Fate, FaultProxy, Link};
use zarr_tests::{Fault, When};

const ANON: &str = r#"{"token": "anon", "retries": 2}"#;

fn with(range: impl Into<ByteRange>) -> CatOptions {
    CatOptions::default().with_range(range)
}

#[tokio::test]
async fn reads_take_one_request_each() {
    let server = GcsServer::start(BUCKET);
    let generation = server.put(BUCKET, "a/b.json", "0123456789");
    let fs = open(&server, ANON);
    for (range, expected) in [
        (ByteRange::Full, "0123456789"),
        (ByteRange::From(0), "0123456789"),
        (ByteRange::From(7), "789"),
        (ByteRange::Bounded(2, 5), "234"),
        (ByteRange::Suffix(3), "789"),
        (ByteRange::Suffix(99), "0123456789"),
        // Empty ones: HTTP cannot ask for them, but the file must be there.
        (ByteRange::Bounded(4, 4), ""),
        (ByteRange::Suffix(0), ""),
    ] {
        server.clear_log();
        let result = fs.cat_file(&path("a/b.json"), with(range)).await.unwrap();
        assert_eq!(result.bytes, expected, "{range:?}");
        assert_eq!(result.info.size_bytes, Some(10));
        assert_eq!(result.info.version.generation, Some(generation.to_string()));
        assert!(result.info.version.etag.is_some() && result.info.modified.is_some());
        assert_eq!(server.log().len(), 1, "{range:?}");
    }
    let end = fs
        .cat_file(&path("a/b.json"), with(ByteRange::From(10)))
        .await
        .unwrap();
    assert_eq!((end.bytes.len(), end.info.size_bytes), (0, Some(10)));
    for range in [
        ByteRange::Bounded(5, 11),
        ByteRange::Bounded(20, 30),
        ByteRange::From(11),
        ByteRange::Bounded(11, 11),
    ] {
        let error = fs.cat_file(&path("a/b.json"), with(range)).await.unwrap_err();
        assert!(
            matches!(error, Error::RangeOutOfBounds { size: Some(10), .. }),
            "{range:?}: {error:?}"
        );
    }
    assert!(fs.cat(&path("a")).await.unwrap_err().is_not_found());
    assert!(fs.info(&path("a")).await.unwrap_err().is_not_found());
    fs.close().await.unwrap();
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_file_has_an_empty_end() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "empty", "");
    let fs = open(&server, ANON);
    for range in [
        ByteRange::Full,
        ByteRange::Suffix(4),
        ByteRange::From(0),
        ByteRange::Bounded(0, 0),
    ] {
        let result = fs.cat_file(&path("empty"), with(range)).await.unwrap();
        assert_eq!(
            (result.bytes.len(), result.info.size_bytes),
            (0, Some(0)),
            "{range:?}"
        );
        let stream = fs.cat_stream(&path("empty"), with(range)).await.unwrap();
        assert_eq!(stream.bytes.count().await, 0);
    }
    fs.close().await.unwrap();
}

#[tokio::test]
async fn near_ranges_go_together_and_each_request_is_a_call() {
    let server = GcsServer::start(BUCKET);
    let data: Vec<u8> = (0..4_000_000u32).map(|i| (i * 7 % 251) as u8).collect();
    server.put(BUCKET, "big", data.clone());
    let fs = open(&server, ANON);
    let ranges = [3_000_000..3_000_010, 0..5, 100..100, 60_000..60_010, 3..8];
    let options = CatRangesOptions::default();
    let got = fs
        .cat_ranges(&path("big"), &ranges, options.clone())
        .await
        .unwrap();
    for (range, bytes) in ranges.iter().zip(&got) {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        assert_eq!(bytes, &data[range]);
    }
    assert_eq!(server.log().len(), 2);
    server.clear_log();
    assert_eq!(
        fs.cat_ranges(&path("big"), &[], options.clone())
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        fs.cat_ranges(&path("big"), &[5..5], options.clone())
            .await
            .unwrap(),
        [Bytes::new()]
    );
    assert_eq!(server.log().len(), 0);
    let error = fs
        .cat_ranges(&path("big"), &[0..5, 3_999_999..4_000_001], options)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::RangeOutOfBounds {
                start: 3_999_999,
                end: 4_000_001,
                size: Some(4_000_000),
                ..
            }
        ),
        "{error:?}"
    );
    fs.close().await.unwrap();
}

#[tokio::test]
async fn a_read_of_another_version_is_refused() {
    let server = GcsServer::start(BUCKET);
    let old = server.put(BUCKET, "a", "old");
    let fs = open(&server, ANON);
    let version = fs.info(&path("a")).await.unwrap().version;
    assert_eq!(version.generation, Some(old.to_string()));
    let by_etag = Version {
        generation: None,
        ..version.clone()
    };
    for version in [&version, &by_etag] {
        let options = CatOptions::default().with_if_match(version.clone());
        assert_eq!(fs.cat_file(&path("a"), options).await.unwrap().bytes, "old");
    }
    server.put(BUCKET, "a", "new");
    let odd = Version {
        generation: Some("1\r\nx".to_owned()),
        etag: None,
    };
    for version in [&version, &by_etag, &odd] {
        let options = CatOptions::default().with_if_match(version.clone());
        let error = fs.cat_file(&path("a"), options.clone()).await.unwrap_err();
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
        assert!(matches!(
            fs.cat_stream(&path("a"), options).await,
            Err(Error::Precondition { .. })
        ));
        let options = CatRangesOptions::default().with_if_match(version.clone());
        let error = fs.cat_ranges(&path("a"), &[0..1], options).await.unwrap_err();
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
    }
    fs.close().await.unwrap();
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn writes_hold_their_conditions() {
    let server = GcsServer::start(BUCKET);
    let fs = open(&server, ANON);
    let create = PipeOptions::default().with_mode(WriteMode::Create);
    let first = fs
        .pipe_file(&path("k"), "one".into(), create.clone())
        .await
        .unwrap();
    assert_eq!(
        first.version.generation,
        server
            .generation(BUCKET, "k")
            .map(|generation| generation.to_string())
    );
    assert_eq!(first.size_bytes, Some(3));
    let error = fs
        .pipe_file(&path("k"), "two".into(), create.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");

    let replace = |version: &Version| PipeOptions::default().with_mode(WriteMode::IfMatch(version.clone()));
    let second = fs
        .pipe_file(&path("k"), "two".into(), replace(&first.version))
        .await
        .unwrap();
    let error = fs
        .pipe_file(&path("k"), "three".into(), replace(&first.version))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
    // By ETag alone too, though the store takes generations only.
    let by_etag = Version {
        generation: None,
        ..second.version.clone()
    };
    fs.pipe_file(&path("k"), "three".into(), replace(&by_etag))
        .await
        .unwrap();
    let error = fs
        .pipe_file(&path("k"), "four".into(), replace(&by_etag))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
    for missing in [&first.version, &by_etag] {
        let error = fs
            .pipe_file(&path("no"), "x".into(), replace(missing))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
    }
    assert_eq!(server.get(BUCKET, "k").unwrap(), "three");

    let copied = fs
        .cp_file(&path("k"), &path("l"), WriteMode::Create)
        .await
        .unwrap();
    assert_eq!((copied.path.as_str(), copied.size_bytes), ("l", Some(5)));
    let error = fs
        .cp_file(&path("k"), &path("l"), WriteMode::Create)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::AlreadyExists { at, .. } if at.path == path("l")),
        "{error:?}"
    );
    let error = fs
        .cp_file(&path("none"), &path("m"), WriteMode::Overwrite)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { at, .. } if at.path == path("none")),
        "{error:?}"
    );
    let changed = fs
        .cp_file(&path("k"), &path("l"), WriteMode::IfMatch(copied.version.clone()))
        .await
        .unwrap();
    let error = fs
        .cp_file(&path("k"), &path("l"), WriteMode::IfMatch(copied.version))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
    assert_ne!(changed.version.generation, None);

    fs.rm_file(&path("l")).await.unwrap();
    assert!(fs.rm_file(&path("l")).await.unwrap_err().is_not_found());
    fs.close().await.unwrap();
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

/// A connection that dies after the first byte of its answer: the write is done, and nobody has heard of it.
#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_taken_for_anothers() {
    let server = GcsServer::start(BUCKET);
    let proxy = FaultProxy::start(server.addr());
    let fs = open_at(&proxy.url(&server.url()), ANON);
    let create = PipeOptions::default().with_mode(WriteMode::Create);
    proxy.next(&Link::fate(Fate::ResetAfter(1)), 1);
    let info = fs
        .pipe_file(&path("k"), "mine".into(), create.clone())
        .await
        .unwrap();
    assert_eq!(
        info.version.generation,
        server
            .generation(BUCKET, "k")
            .map(|generation| generation.to_string())
    );
    let methods: Vec<String> = server
        .log()
        .iter()
        .map(|entry| entry.method.to_string())
        .collect();
    assert_eq!(methods, ["PUT", "PUT", "HEAD"]);

    // Somebody else's, lost answer or not.
    server.put(BUCKET, "theirs", "mine");
    proxy.next(&Link::fate(Fate::ResetAfter(1)), 1);
    let fs2 = open_at(&proxy.url(&server.url()), ANON);
    let error = fs2
        .pipe_file(&path("theirs"), "mine".into(), create)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
    let generation = server.generation(BUCKET, "theirs");

    // A write without a condition is not done twice.
    server.clear_log();
    let fs3 = open_at(&proxy.url(&server.url()), ANON);
    proxy.next(&Link::fate(Fate::ResetAfter(1)), 1);
    let error = fs3
        .pipe_file(&path("theirs"), "again".into(), PipeOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(server.log().len(), 1);
    assert_ne!(server.generation(BUCKET, "theirs"), generation);
    for fs in [fs, fs2, fs3] {
        fs.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_goes_in_parts_and_a_short_one_in_one_request() {
    let server = GcsServer::start(BUCKET);
    let fs = open(&server, ANON);
    let info = fs
        .pipe_stream(&path("short"), stream_of(3, "abc".into()), PipeOptions::default())
        .await
        .unwrap();
    assert_eq!(info.size_bytes, Some(9));
    assert_eq!(server.log().len(), 1);
    fs.pipe_stream(&path("none"), stream_of(0, "".into()), PipeOptions::default())
        .await
        .unwrap();
    assert_eq!(server.get(BUCKET, "none").unwrap(), "");
    server.clear_log();

    let piece = Bytes::from((0..1_000_003u32).map(|i| (i % 253) as u8).collect::<Vec<_>>());
    let info = fs
        .pipe_stream(
            &path("long"),
            stream_of(40, piece.clone()),
            PipeOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(info.size_bytes, Some(40 * 1_000_003));
    assert_eq!(
        info.version.generation,
        server
            .generation(BUCKET, "long")
            .map(|generation| generation.to_string())
    );
    let stored = server.get(BUCKET, "long").unwrap();
    assert!(stored.chunks(piece.len()).all(|chunk| chunk == piece) && stored.len() == 40 * piece.len());
    // Begin, five parts of 8 MiB or more, end.
    assert_eq!(server.log().len(), 7);
    assert!(server.max_in_flight() <= 4);

    let create = PipeOptions::default().with_mode(WriteMode::Create);
    let error = fs
        .pipe_stream(&path("short"), stream_of(3, "xyz".into()), create.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
    let more_than_a_part = stream_of(9, Bytes::from(vec![1; 1 << 20]));
    let error = fs
        .pipe_stream(&path("long"), more_than_a_part, create.clone())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
    let too_long = stream_of(65, Bytes::from(vec![1; 1 << 20]));
    let error = fs.pipe_stream(&path("new"), too_long, create).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert_eq!(server.get(BUCKET, "new"), None);
    fs.close().await.unwrap();
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_fails_leaves_nothing() {
    let server = GcsServer::start(BUCKET);
    let fs = open(&server, ANON);
    let failing = || {
        let failed = Error::LimitReached {
            what: "the producer",
            limit: 1,
        };
        stream_of(12, Bytes::from(vec![1; 1 << 20]))
            .chain(futures::stream::iter([Err(failed)]))
            .boxed()
    };
    let error = fs
        .pipe_stream(&path("k"), failing(), PipeOptions::default())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::LimitReached {
                what: "the producer",
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!((server.unfinished_uploads(), server.get(BUCKET, "k")), (0, None));

    // A part that the server will not have.
    server.faults().add(
        When::method("PUT").and(|request| request.query.is_some()).skip(1),
        Fault::status(403),
    );
    let error = fs
        .pipe_stream(
            &path("k"),
            stream_of(40, Bytes::from(vec![1; 1 << 20])),
            PipeOptions::default(),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
    server.faults().clear();
    assert_eq!((server.unfinished_uploads(), server.get(BUCKET, "k")), (0, None));

    // A part whose answer is lost is sent again.
    server.faults().add(
        When::method("PUT")
            .and(|request| request.query.is_some())
            .times(2),
        Fault::status(503),
    );
    fs.pipe_stream(
        &path("k"),
        stream_of(20, Bytes::from(vec![1; 1 << 20])),
        PipeOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(server.get(BUCKET, "k").unwrap().len(), 20 << 20);
    fs.close().await.unwrap();
}

#[tokio::test]
async fn close_aborts_an_upload_that_waits_for_its_producer() {
    let server = GcsServer::start(BUCKET);
    let fs = open(&server, ANON);
    let endless = stream_of(20, Bytes::from(vec![1; 1 << 20]))
        .chain(futures::stream::pending())
        .boxed();
    let target = path("k");
    let upload = fs.pipe_stream(&target, endless, PipeOptions::default());
    let close = async {
        while server.log().len() < 3 || server.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(server.unfinished_uploads(), 1);
        let began = Instant::now();
        fs.close().await.unwrap();
        began.elapsed()
    };
    let (uploaded, elapsed) = tokio::join!(upload, close);
    assert!(
        matches!(
            uploaded,
            Err(Error::Closed {
                outcome: Outcome::Unknown,
                ..
            })
        ),
        "{uploaded:?}"
    );
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.open_connections(), 0);
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
async fn stored_gzip_is_decoded_or_refused() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"{\"plain\": \"text\"}").unwrap();
    let packed = encoder.finish().unwrap();
    for transcode in [true, false] {
        let server = GcsServer::builder().bucket(BUCKET).transcode(transcode).start();
        server.put_with(BUCKET, "z", packed.clone(), &[("content-encoding", "gzip")]);
        server.put_with(BUCKET, "b", "?", &[("content-encoding", "br")]);
        let fs = open(&server, ANON);
        let result = fs.cat_file(&path("z"), CatOptions::default()).await.unwrap();
        assert_eq!(result.bytes, "{\"plain\": \"text\"}");
        assert_eq!(result.info.size_bytes, Some(17));
        assert_eq!(fs.info(&path("z")).await.unwrap().size_bytes, None);
        for error in [
            fs.cat_file(&path("z"), with(0..4)).await.unwrap_err(),
            fs.cat_file(&path("z"), with(ByteRange::Suffix(4)))
                .await
                .unwrap_err(),
            fs.cat_file(&path("z"), with(1..1)).await.unwrap_err(),
            fs.cat_ranges(&path("z"), &[0..4], CatRangesOptions::default())
                .await
                .unwrap_err(),
            fs.cat_stream(&path("z"), CatOptions::default())
                .await
                .unwrap_err(),
            fs.cat(&path("b")).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        }
        fs.close().await.unwrap();
    }
}

#[tokio::test]
async fn read_only_means_it() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "k", "x");
    let fs = open(&server, r#"{"token": "anon", "access": "read_only"}"#);
    assert!(!fs.capabilities().write);
    let k = path("k");
    for error in [
        fs.pipe_file(&k, "y".into(), PipeOptions::default())
            .await
            .unwrap_err(),
        fs.pipe_stream(&k, stream_of(1, "y".into()), PipeOptions::default())
            .await
            .unwrap_err(),
        fs.cp_file(&k, &path("l"), WriteMode::Overwrite)
            .await
            .unwrap_err(),
        fs.rm_file(&k).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    }
    assert_eq!(fs.cat(&k).await.unwrap(), "x");
    assert_eq!(server.log().len(), 1);
    fs.close().await.unwrap();
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
