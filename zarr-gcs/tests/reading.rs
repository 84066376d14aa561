//! Reading a bucket: one request each, ranges, versions, stored gzip.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "lists of ranges are what is asked for"
)]

mod common;

use bytes::Bytes;
use common::{BUCKET, open, path, stream_of};
use futures::StreamExt;
use http::header::LAST_MODIFIED;
use zarr_fs::{
    ByteRange, CatOptions, CatRangesOptions, Error, FileSystem, FileSystemExt, PipeOptions, Version,
    WriteMode,
};
use zarr_tests::gcs::GcsServer;
use zarr_tests::{Fault, When};

const ANON: &str = r#"{"token": "anon", "retries": 2}"#;

fn with(range: impl Into<ByteRange>) -> CatOptions {
    CatOptions::default().with_range(range)
}

#[tokio::test]
async fn a_date_that_the_server_does_not_tell_is_unknown() {
    let server = GcsServer::start(BUCKET);
    server.put(BUCKET, "a", "0123");
    let no_date = Fault::default().without_header(LAST_MODIFIED);
    server.faults().add(When::always(), no_date);
    let fs = open(&server, ANON);
    let read = fs.cat_file(&path("a"), CatOptions::default()).await.unwrap();
    assert_eq!((&read.bytes[..], read.info.modified), (&b"0123"[..], None));
    assert_eq!(fs.info(&path("a")).await.unwrap().modified, None);
    fs.close().await.unwrap();
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
