//! Reading.

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::{join_all, try_join_all};

use super::check::{assert_not_found, error};
use super::harness::{Case, Harness};
use crate::call_options::{ByteRange, CatOptions, CatRangesOptions};
use crate::error::Error;
use crate::ext::FileSystemExt;
use crate::filesystem::FileSystem;
use crate::info::Version;
use crate::path::Path;
use crate::ranges::PIN_FACTOR;
use crate::session::SessionOptions;

/// So many bytes, each different from its neighbours, and no period that divides a usual piece.
pub(super) fn pattern(length: usize) -> Bytes {
    (0..length)
        .map(|index| u8::try_from(index * 7 % 251).unwrap_or_default())
        .collect()
}

async fn stream(fs: &dyn FileSystem, path: &Path, options: CatOptions) -> crate::Result<Bytes> {
    let pieces: Vec<Bytes> = fs.cat_stream(path, options).await?.bytes.try_collect().await?;
    assert!(
        pieces.iter().all(|piece| !piece.is_empty()),
        "a piece of a stream is not empty"
    );
    Ok(pieces.concat().into())
}

/// A file's bytes come with its path, size and version, and `info` says the same of it.
pub async fn reads_a_whole_file_and_says_what_it_is<H: Harness>(case: &Case<H>) {
    let data = pattern(100_000);
    let path = case.seed("a/b", data.clone());
    let fs = case.open();
    assert_eq!(fs.capabilities(), case.capabilities(), "as its harness says");
    let read = fs.cat_file(&path, CatOptions::default()).await.unwrap();
    assert_eq!(read.bytes, data);
    let info = fs.info(&path).await.unwrap();
    for said in [&read.info, &info] {
        assert_eq!(said.path, path);
        assert_eq!(said.size_bytes, Some(100_000));
        assert_eq!(said.version.is_unknown(), !case.capabilities().versions);
    }
    assert_eq!(read.info.version, info.version);
    fs.close().await.unwrap();
}

/// Every form of a range gives its bytes, and the size that comes with them is the whole file's.
pub async fn reads_a_part_of_a_file<H: Harness>(case: &Case<H>) {
    let data = pattern(1000);
    let path = case.seed("a", data.clone());
    let fs = case.open();
    for (range, wanted) in [
        (ByteRange::Full, 0..1000),
        (ByteRange::From(0), 0..1000),
        (ByteRange::From(990), 990..1000),
        (ByteRange::From(1000), 1000..1000),
        (ByteRange::Bounded(0, 1), 0..1),
        (ByteRange::Bounded(10, 20), 10..20),
        (ByteRange::Bounded(999, 1000), 999..1000),
        (ByteRange::Bounded(5, 5), 5..5),
        (ByteRange::Suffix(10), 990..1000),
        (ByteRange::Suffix(1000), 0..1000),
        (ByteRange::Suffix(5000), 0..1000),
        (ByteRange::Suffix(0), 1000..1000),
    ] {
        let options = CatOptions::default().with_range(range);
        let read = fs.cat_file(&path, options.clone()).await.unwrap();
        assert_eq!(read.bytes, data.slice(wanted.clone()), "{range:?}");
        assert_eq!(read.info.size_bytes, Some(1000), "{range:?}");
        assert_eq!(
            stream(&fs, &path, options).await.unwrap(),
            data.slice(wanted),
            "{range:?}"
        );
    }
    fs.close().await.unwrap();
}

/// A range that leaves the file is an error, never fewer bytes.
pub async fn a_range_that_leaves_the_file_is_out_of_bounds<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", pattern(1000));
    let fs = case.open();
    let out = |error: Error| assert!(matches!(error, Error::RangeOutOfBounds { .. }), "{error:?}");
    for range in [
        ByteRange::Bounded(990, 1001),
        ByteRange::Bounded(1000, 1001),
        ByteRange::Bounded(2000, 3000),
        ByteRange::Bounded(0, u64::MAX),
        ByteRange::Bounded(20, 10),
        ByteRange::From(1001),
        ByteRange::From(u64::MAX),
    ] {
        let options = CatOptions::default().with_range(range);
        out(error(fs.cat_file(&path, options.clone()).await));
        out(error(stream(&fs, &path, options).await));
    }
    for range in [990..1001, 2000..3000, u64::MAX - 1..u64::MAX] {
        out(error(
            fs.cat_ranges(&path, &[0..1, range], CatRangesOptions::default())
                .await,
        ));
    }
    #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
    let backward = fs
        .cat_ranges(&path, &[0..1, 20..10], CatRangesOptions::default())
        .await;
    out(error(backward));
    fs.close().await.unwrap();
}

/// A file that is not there is `NotFound`, whichever way it is read, and `exists` says no.
pub async fn a_missing_file_is_not_found<H: Harness>(case: &Case<H>) {
    case.seed("there", "x");
    let fs = case.open();
    for path in [
        case.path("missing"),
        case.path("there/missing"),
        case.path("no/such/prefix"),
    ] {
        assert_not_found(fs.info(&path).await);
        assert_not_found(fs.cat_file(&path, CatOptions::default()).await);
        assert_not_found(fs.cat_file(&path, CatOptions::default().with_range(0..1)).await);
        assert_not_found(
            fs.cat_file(&path, CatOptions::default().with_range(ByteRange::Suffix(8)))
                .await,
        );
        let ranges = fs.cat_ranges(&path, &[0..1, 5..9], CatRangesOptions::default());
        assert_not_found(ranges.await);
        assert_not_found(fs.cat_stream(&path, CatOptions::default()).await);
        assert!(!fs.exists(&path).await.unwrap());
    }
    fs.close().await.unwrap();
}

/// A path that is only a prefix of others is no file.
pub async fn a_prefix_is_no_file<H: Harness>(case: &Case<H>) {
    case.seed("a/b/c", "x");
    let fs = case.open();
    for path in [case.path("a"), case.path("a/b")] {
        assert_not_found(fs.info(&path).await);
        assert_not_found(fs.cat_file(&path, CatOptions::default()).await);
        assert_not_found(fs.cat_stream(&path, CatOptions::default()).await);
    }
    fs.close().await.unwrap();
}

/// An empty file is read as no bytes, and its stream ends at once.
pub async fn an_empty_file_has_no_bytes<H: Harness>(case: &Case<H>) {
    let path = case.seed("empty", "");
    let fs = case.open();
    let read = fs.cat_file(&path, CatOptions::default()).await.unwrap();
    assert!(read.bytes.is_empty());
    assert_eq!(read.info.size_bytes, Some(0));
    assert_eq!(fs.info(&path).await.unwrap().size_bytes, Some(0));
    assert!(
        stream(&fs, &path, CatOptions::default())
            .await
            .unwrap()
            .is_empty()
    );
    for range in [ByteRange::Suffix(8), ByteRange::From(0)] {
        let read = fs.cat_file(&path, CatOptions::default().with_range(range)).await;
        assert!(read.unwrap().bytes.is_empty(), "{range:?}");
    }
    let one = fs.cat_file(&path, CatOptions::default().with_range(0..1)).await;
    assert!(matches!(error(one), Error::RangeOutOfBounds { .. }));
    fs.close().await.unwrap();
}

/// Ranges come back in the order in which they were asked for, overlapping or not, merged or not.
pub async fn ranges_come_in_the_order_asked_for<H: Harness>(case: &Case<H>) {
    let data = pattern(300_000);
    let path = case.seed("a", data.clone());
    let fs = case.open();
    let ranges = [
        200_000..200_010,
        0..5,
        3..100,
        50..50,
        0..300_000,
        299_999..300_000,
        7..8,
    ];
    for options in [
        CatRangesOptions::default(),
        CatRangesOptions::default().with_gap_bytes(0),
        CatRangesOptions::default()
            .with_gap_bytes(1 << 30)
            .with_max_merged_bytes(1 << 30),
    ] {
        let slices = fs.cat_ranges(&path, &ranges, options).await.unwrap();
        assert_eq!(slices.len(), ranges.len());
        for (slice, range) in slices.iter().zip(ranges.clone()) {
            let (start, end) = (
                usize::try_from(range.start).unwrap(),
                usize::try_from(range.end).unwrap(),
            );
            assert!(*slice == data.slice(start..end), "{range:?}");
        }
    }
    fs.close().await.unwrap();
}

/// Without ranges nothing is asked, so a missing file is not noticed.
pub async fn no_ranges_ask_for_nothing<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    let path = case.path("missing");
    let none = fs.cat_ranges(&path, &[], CatRangesOptions::default()).await;
    assert!(none.unwrap().is_empty());
    let empty = fs
        .cat_ranges(&path, &[3..3, 9..9], CatRangesOptions::default())
        .await;
    assert_eq!(empty.unwrap(), [Bytes::new(), Bytes::new()]);
    assert_eq!(fs.io_stats().requests, 0);
    fs.close().await.unwrap();
}

/// A small slice of a large merged request holds little more than itself.
pub async fn a_small_slice_keeps_no_large_buffer<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", pattern(200_000));
    let fs = case.open();
    let options = CatRangesOptions::default().with_gap_bytes(1 << 20);
    let mut slices = fs
        .cat_ranges(&path, &[0..100, 199_000..200_000], options)
        .await
        .unwrap();
    slices.truncate(1);
    match slices.remove(0).try_into_mut() {
        Ok(alone) => assert!(
            alone.capacity() <= 100 * PIN_FACTOR + 64,
            "100 bytes keep {} alive",
            alone.capacity()
        ),
        // Shared with the file itself, which is in memory anyway.
        Err(_) => assert!(!case.is_remote(), "a buffer is kept alive"),
    }
    fs.close().await.unwrap();
}

/// A read of more bytes than the caller wants to hold is refused; one of as many is not.
pub async fn reads_no_more_than_it_may<H: Harness>(case: &Case<H>) {
    let data = pattern(100_000);
    let path = case.seed("a", data.clone());
    let fs = case.open();
    let just = CatOptions::default().with_max_bytes(100_000);
    assert_eq!(fs.cat_file(&path, just).await.unwrap().bytes, data);
    let short = CatOptions::default().with_max_bytes(99_999);
    let refused = error(fs.cat_file(&path, short.clone()).await);
    assert!(
        matches!(refused, Error::LimitReached { limit: 99_999, .. }),
        "{refused:?}"
    );
    let part = fs.cat_file(&path, short.with_range(0..10)).await.unwrap();
    assert_eq!(part.bytes, data.slice(0..10));
    fs.close().await.unwrap();
}

/// A stream of a large file gives all of it, in pieces.
pub async fn a_stream_gives_a_large_file_in_pieces<H: Harness>(case: &Case<H>) {
    let data = pattern(5_000_000);
    let path = case.seed("large", data.clone());
    let fs = case.open();
    let opened = fs.cat_stream(&path, CatOptions::default()).await.unwrap();
    assert_eq!(opened.info.size_bytes, Some(5_000_000));
    let pieces: Vec<Bytes> = opened.bytes.try_collect().await.unwrap();
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| !piece.is_empty()));
    assert!(pieces.concat() == data);
    let part = CatOptions::default().with_range(1_234_567..4_321_000);
    assert!(stream(&fs, &path, part).await.unwrap() == data.slice(1_234_567..4_321_000));
    fs.close().await.unwrap();
}

/// A read of one version is refused if the file has another; without versions such a read is refused altogether.
pub async fn reads_only_the_version_asked_for<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "old");
    let fs = case.open();
    let old = fs.info(&path).await.unwrap().version;
    let asked = if case.capabilities().versions {
        let options = CatOptions::default().with_if_match(old.clone());
        assert_eq!(fs.cat_file(&path, options.clone()).await.unwrap().bytes, "old");
        assert_eq!(stream(&fs, &path, options).await.unwrap(), "old");
        let options = CatRangesOptions::default().with_if_match(old.clone());
        assert_eq!(fs.cat_ranges(&path, &[1..3], options).await.unwrap(), ["ld"]);
        case.seed("a", "newer");
        old
    } else {
        Version {
            etag: Some("\"none\"".to_owned()),
            generation: None,
        }
    };
    let refused = |error: Error| {
        let right = matches!(error, Error::Precondition { .. }) && case.capabilities().versions
            || matches!(error, Error::Unsupported { .. }) && !case.capabilities().versions;
        assert!(right, "{error:?}");
    };
    let options = CatOptions::default().with_if_match(asked.clone());
    refused(error(fs.cat_file(&path, options.clone()).await));
    refused(error(fs.cat_file(&path, options.clone().with_range(0..1)).await));
    refused(error(stream(&fs, &path, options).await));
    let options = CatRangesOptions::default().with_if_match(asked);
    refused(error(fs.cat_ranges(&path, &[0..1], options).await));
    fs.close().await.unwrap();
}

/// Nothing in a name has a meaning: it is neither decoded nor encoded twice.
pub async fn a_name_is_taken_as_it_stands<H: Harness>(case: &Case<H>) {
    let names = [
        "sp ace",
        "per%20cent",
        "plus+",
        "a=b&c",
        "hash#",
        "semi;colon,",
        "ünïcödé",
        "(par)[br]{c}",
        "~!@$'^`",
    ];
    for name in names {
        case.seed(&format!("odd/{name}"), name.to_owned());
    }
    let fs = case.open();
    for name in names {
        let path = case.path(&format!("odd/{name}"));
        assert_eq!(fs.cat(&path).await.unwrap(), name);
        assert_eq!(fs.info(&path).await.unwrap().path, path);
    }
    assert_not_found(fs.cat(&case.path("odd/per cent")).await);
    fs.close().await.unwrap();
}

/// Local filesystems offer a blocking reader, which reads what `cat_file` reads; remote ones have none.
pub async fn a_blocking_reader_reads_the_same<H: Harness>(case: &Case<H>) {
    let data = pattern(10_000);
    let path = case.seed("a", data.clone());
    let fs = case.open();
    let reader = fs.blocking_reader();
    assert_eq!(
        reader.is_none(),
        case.is_remote(),
        "remote reads would block a thread for long"
    );
    if let Some(reader) = reader {
        let mut buffer = b"what was there before".to_vec();
        let read = |path: &Path, range: ByteRange, buffer: &mut Vec<u8>| {
            reader.read(path, &CatOptions::default().with_range(range), buffer)
        };
        let info = read(&path, ByteRange::Full, &mut buffer).unwrap();
        assert_eq!(
            (buffer.as_slice(), &info),
            (&data[..], &fs.info(&path).await.unwrap())
        );
        let capacity = buffer.capacity();
        read(&path, ByteRange::Suffix(10), &mut buffer).unwrap();
        assert_eq!(buffer, data[9990..]);
        assert_eq!(buffer.capacity(), capacity, "the buffer is used again");
        assert_not_found(read(&case.path("missing"), ByteRange::Full, &mut buffer));
        let out = read(&path, ByteRange::Bounded(0, 10_001), &mut buffer);
        assert!(matches!(error(out), Error::RangeOutOfBounds { .. }));
        let short = CatOptions::default().with_max_bytes(9_999);
        let long = reader.read(&path, &short, &mut buffer);
        assert!(matches!(error(long), Error::LimitReached { .. }));
    }
    fs.close().await.unwrap();
}

/// More calls at once than the session lets start: all of them are answered, each with its own file.
pub async fn many_reads_at_once_are_all_answered<H: Harness>(case: &Case<H>) {
    let paths: Vec<Path> = (0..60)
        .map(|index| case.seed(&format!("many/{index}"), index.to_string()))
        .collect();
    let fs = case.open_with(SessionOptions::default().with_concurrency(4));
    let read = try_join_all(paths.iter().map(|path| fs.cat(path))).await.unwrap();
    for (index, bytes) in read.iter().enumerate() {
        assert_eq!(*bytes, index.to_string());
    }
    fs.close().await.unwrap();
}

/// A dropped call gives its place back, and is neither drained nor cut by the close that comes after.
pub async fn dropping_a_call_cancels_it<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_with(SessionOptions::default().with_concurrency(2));
    let hang = case.harness.hang();
    let mut calls = Box::pin(join_all((0..2).map(|_| fs.cat(&path))));
    case.until_held(&*hang, 2, &mut calls).await;
    drop(calls);
    drop(hang);
    assert_eq!(fs.cat(&path).await.unwrap(), "x", "there is a permit for it");
    let report = fs.close().await.unwrap();
    assert_eq!(report.calls_cut, 0);
}
