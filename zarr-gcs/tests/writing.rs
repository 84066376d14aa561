//! Writing to a bucket: conditions, lost answers, uploads in parts.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{BUCKET, open, open_at, path, stream_of};
use futures::StreamExt;
use zarr_fs::{Error, FileSystem, Outcome, PipeOptions, Version, WriteMode};
use zarr_tests::gcs::GcsServer;
use zarr_tests::proxy::{Fate, FaultProxy, Link};
use zarr_tests::{Fault, When};

const ANON: &str = r#"{"token": "anon", "retries": 2}"#;

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
    assert_eq!(server.wait_for_connections(0, Duration::from_secs(2)), Ok(()));
}

#[tokio::test]
async fn close_cuts_an_upload_whose_parts_all_wait_to_be_sent_again() {
    let server = GcsServer::start(BUCKET);
    let is_part = |request: &zarr_tests::Request| {
        request
            .query
            .as_ref()
            .is_some_and(|query| query.contains("partNumber"))
    };
    let refused = server.faults().add(
        When::method("PUT").and(is_part),
        Fault::status(503).retry_after(20),
    );
    let fs = open(&server, ANON);
    let target = path("k");
    let upload = fs.pipe_stream(
        &target,
        stream_of(24, Bytes::from(vec![1; 1 << 20])),
        PipeOptions::default(),
    );
    let close = async {
        while server.faults().hits(refused) < 3 || server.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
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
}
