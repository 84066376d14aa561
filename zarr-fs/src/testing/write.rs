//! Writing, copying, removing.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::{FutureExt, StreamExt, stream};

use super::check::{assert_not_found, assert_unsupported, error};
use super::harness::{Case, Harness};
use super::read::pattern;
use crate::call_options::{CatOptions, PipeOptions, WriteMode};
use crate::error::{Context, Error};
use crate::ext::FileSystemExt;
use crate::filesystem::{ByteStream, FileSystem};
use crate::info::Version;
use crate::path::Path;
use crate::session::SessionOptions;

fn mode(mode: WriteMode) -> PipeOptions {
    PipeOptions::default().with_mode(mode)
}

fn in_pieces(data: &Bytes, piece_bytes: usize) -> ByteStream {
    let data = data.clone();
    let starts = (0..data.len()).step_by(piece_bytes);
    stream::iter(starts.map(move |start| Ok(data.slice(start..data.len().min(start + piece_bytes))))).boxed()
}

/// Whether writing is there to be tested; a filesystem that cannot write must say so, to each way of it.
async fn writes<H: Harness>(case: &Case<H>, fs: &dyn FileSystem) -> bool {
    if case.writes() {
        return true;
    }
    let there = case.seed("there", "x");
    let path = case.path("new");
    assert_unsupported(fs.pipe_file(&path, "x".into(), PipeOptions::default()).await);
    assert_unsupported(
        fs.pipe_stream(&path, in_pieces(&pattern(9), 4), PipeOptions::default())
            .await,
    );
    assert_unsupported(fs.cp_file(&there, &path, WriteMode::Overwrite).await);
    assert_unsupported(fs.rm_file(&there).await);
    assert_eq!(fs.cat(&there).await.unwrap(), "x");
    assert_not_found(fs.cat(&path).await);
    false
}

/// What was written is read, and the answer of the write says the same as `info`.
pub async fn reads_back_what_was_written<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        for (name, data) in [
            ("a", pattern(0)),
            ("b/c/d", pattern(1)),
            ("b/e", pattern(3_000_000)),
        ] {
            let path = case.path(name);
            let written = fs
                .pipe_file(&path, data.clone(), PipeOptions::default())
                .await
                .unwrap();
            let read = fs.cat_file(&path, CatOptions::default()).await.unwrap();
            assert!(read.bytes == data);
            assert_eq!(written.path, path);
            assert_eq!(written.size_bytes, Some(data.len() as u64));
            if case.capabilities().versions {
                assert!(
                    written.version.matches(&read.info.version),
                    "{written:?} {:?}",
                    read.info
                );
            }
        }
    }
    fs.close().await.unwrap();
}

/// Overwriting replaces the whole file, and makes another version of it.
pub async fn overwriting_replaces_the_file<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let path = case.path("a");
        let old = fs.pipe(&path, pattern(1000)).await.unwrap();
        let new = fs.pipe(&path, "short").await.unwrap();
        assert_eq!(fs.cat(&path).await.unwrap(), "short");
        assert!(!case.capabilities().versions || old.version != new.version);
    }
    fs.close().await.unwrap();
}

/// Mode `Create` writes where nothing is, and refuses where something is.
pub async fn creates_only_where_nothing_is<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let (path, source) = (case.path("new"), case.path("source"));
        let create = mode(WriteMode::Create);
        fs.pipe(&source, "source").await.unwrap();
        if case.capabilities().create {
            fs.pipe_file(&path, "first".into(), create.clone()).await.unwrap();
            let exists = |error: Error| assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
            exists(error(fs.pipe_file(&path, "second".into(), create.clone()).await));
            exists(error(
                fs.pipe_stream(&path, in_pieces(&pattern(9), 4), create.clone())
                    .await,
            ));
            exists(error(fs.cp_file(&source, &path, WriteMode::Create).await));
            assert_eq!(fs.cat(&path).await.unwrap(), "first");
            let (streamed, copied) = (case.path("streamed"), case.path("copied"));
            fs.pipe_stream(&streamed, in_pieces(&pattern(9), 4), create)
                .await
                .unwrap();
            fs.cp_file(&source, &copied, WriteMode::Create).await.unwrap();
            assert_eq!(fs.cat(&streamed).await.unwrap(), pattern(9));
            assert_eq!(fs.cat(&copied).await.unwrap(), "source");
        } else {
            assert_unsupported(fs.pipe_file(&path, "first".into(), create).await);
            assert_not_found(fs.cat(&path).await);
        }
    }
    fs.close().await.unwrap();
}

/// Of many who create one file at once, one wins, and the file is his.
pub async fn of_many_creators_one_wins<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await && case.capabilities().create {
        let path = case.path("contested");
        let tries =
            (0..12).map(|index| fs.pipe_file(&path, index.to_string().into(), mode(WriteMode::Create)));
        let outcomes = join_all(tries).await;
        let winners: Vec<usize> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(index, outcome)| match outcome {
                Ok(_) => Some(index),
                Err(Error::AlreadyExists { .. }) => None,
                Err(error) => panic!("{error:?}"),
            })
            .collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(fs.cat(&path).await.unwrap(), winners[0].to_string());
    }
    fs.close().await.unwrap();
}

/// Mode `IfMatch` replaces the version asked for, and no other one, and none where nothing is.
pub async fn replaces_only_the_version_asked_for<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let path = case.path("a");
        let first = fs.pipe(&path, "first").await.unwrap().version;
        if case.capabilities().conditional_write {
            let if_first = mode(WriteMode::IfMatch(first.clone()));
            let second = fs
                .pipe_file(&path, "second".into(), if_first.clone())
                .await
                .unwrap()
                .version;
            let changed = |error: Error| assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
            changed(error(fs.pipe_file(&path, "third".into(), if_first.clone()).await));
            changed(error(
                fs.pipe_stream(&path, in_pieces(&pattern(9), 4), if_first.clone())
                    .await,
            ));
            changed(error(
                fs.pipe_file(&case.path("missing"), "x".into(), if_first).await,
            ));
            assert_eq!(fs.cat(&path).await.unwrap(), "second");
            let if_second = mode(WriteMode::IfMatch(second));
            fs.pipe_stream(&path, in_pieces(&pattern(9), 4), if_second)
                .await
                .unwrap();
            assert_eq!(fs.cat(&path).await.unwrap(), pattern(9));
        } else {
            let some = Version {
                etag: first.etag.or(Some("\"none\"".to_owned())),
                generation: first.generation,
            };
            assert_unsupported(
                fs.pipe_file(&path, "x".into(), mode(WriteMode::IfMatch(some)))
                    .await,
            );
            assert_eq!(fs.cat(&path).await.unwrap(), "first");
        }
    }
    fs.close().await.unwrap();
}

/// A stream that is written may be made of reads through the same filesystem, though one call may be under way only.
pub async fn writes_a_stream_that_reads_here<H: Harness>(case: &Case<H>) {
    let fs = Arc::new(case.open_with(SessionOptions::default().with_concurrency(1)));
    if writes(case, &fs).await {
        let data = pattern(case.harness.part_bytes() * 2 + 12_345);
        let (from, to) = (case.path("from"), case.path("to"));
        fs.pipe(&from, data.clone()).await.unwrap();
        let length = data.len() as u64;
        let (reads, step) = (Arc::clone(&fs), length.div_ceil(5));
        let pieces = (0..5).map(move |piece| piece * step..length.min((piece + 1) * step));
        let pieces = stream::iter(pieces).then(move |range| {
            let (fs, from) = (Arc::clone(&reads), from.clone());
            async move {
                let read = fs.cat_file(&from, CatOptions::default().with_range(range)).await;
                read.map(|read| read.bytes)
            }
        });
        fs.pipe_stream(&to, pieces.boxed(), PipeOptions::default())
            .await
            .unwrap();
        assert!(fs.cat(&to).await.unwrap() == data);
    }
    fs.close().await.unwrap();
}

/// A stream is written whole: an empty one, one in odd pieces, one of several parts.
pub async fn writes_a_stream_whole<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let parts = case.harness.part_bytes() * 2 + 12_345;
        for (name, length, piece_bytes) in [("empty", 0, 1), ("odd", 10_007, 13), ("parts", parts, 700_001)] {
            let (path, data) = (case.path(name), pattern(length));
            let pieces = in_pieces(&data, piece_bytes);
            let written = fs
                .pipe_stream(&path, pieces, PipeOptions::default())
                .await
                .unwrap();
            assert_eq!(written.size_bytes, Some(length as u64), "{name}");
            assert!(fs.cat(&path).await.unwrap() == data, "{name}");
        }
        assert_eq!(case.harness.unfinished_uploads().unwrap_or(0), 0);
    }
    fs.close().await.unwrap();
}

/// The error of a stream is the error of its write; the old file stays and nothing else is left.
pub async fn a_failed_stream_leaves_the_old_file<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        for (name, before) in [("early", 10), ("late", case.harness.part_bytes() + 1)] {
            let path = case.path(name);
            fs.pipe(&path, "old").await.unwrap();
            let broken = Context::new("the producer", "read", &Path::root()).not_found();
            let pieces = in_pieces(&pattern(before), 1 << 20).chain(stream::iter([Err(broken)]));
            let failed = fs
                .pipe_stream(&path, pieces.boxed(), PipeOptions::default())
                .await;
            let error = error(failed);
            assert_eq!(
                error.context().expect("has a place").fs,
                "the producer",
                "{error:?}"
            );
            assert_eq!(fs.cat(&path).await.unwrap(), "old");
        }
        assert_eq!(case.harness.unfinished_uploads().unwrap_or(0), 0);
        if case.lists() {
            assert_eq!(fs.find_all(&case.path("")).await.unwrap().len(), 2);
        }
    }
    fs.close().await.unwrap();
}

/// A copy is a file of its own; a missing source is `NotFound`, and then there is no copy.
pub async fn copies_a_file<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let (from, to) = (case.path("from"), case.path("b/to"));
        fs.pipe(&from, pattern(100_000)).await.unwrap();
        let copied = fs.cp_file(&from, &to, WriteMode::Overwrite).await.unwrap();
        assert_eq!(
            (copied.path.clone(), copied.size_bytes),
            (to.clone(), Some(100_000))
        );
        fs.pipe(&from, "changed").await.unwrap();
        assert!(fs.cat(&to).await.unwrap() == pattern(100_000));
        fs.cp_file(&from, &to, WriteMode::Overwrite).await.unwrap();
        assert_eq!(fs.cat(&to).await.unwrap(), "changed");
        let nowhere = case.path("nowhere");
        assert_not_found(
            fs.cp_file(&case.path("missing"), &nowhere, WriteMode::Overwrite)
                .await,
        );
        assert_not_found(fs.cat(&nowhere).await);
    }
    fs.close().await.unwrap();
}

/// A removed file is gone, from listings too; removing what is not there is `NotFound`.
pub async fn removes_a_file<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let path = case.path("d/e/a");
        assert_not_found(fs.rm_file(&path).await);
        fs.pipe(&path, "x").await.unwrap();
        fs.pipe(&case.path("d/b"), "x").await.unwrap();
        fs.rm_file(&path).await.unwrap();
        assert_not_found(fs.cat(&path).await);
        assert_not_found(fs.rm_file(&path).await);
        assert_not_found(fs.rm_file(&case.path("d")).await);
        if case.lists() {
            assert_eq!(fs.find_all(&case.path("d")).await.unwrap().len(), 1);
        }
        assert_eq!(fs.cat(&case.path("d/b")).await.unwrap(), "x");
    }
    fs.close().await.unwrap();
}

/// The root of a filesystem is a prefix and no file.
pub async fn the_root_is_no_file<H: Harness>(case: &Case<H>) {
    case.seed("a", "x");
    let fs = case.open();
    let root = Path::root();
    assert_not_found(fs.cat_file(&root, CatOptions::default()).await);
    assert_not_found(fs.info(&root).await);
    if writes(case, &fs).await {
        let refused = error(fs.pipe_file(&root, "x".into(), PipeOptions::default()).await);
        assert!(matches!(refused, Error::InvalidPath { .. }), "{refused:?}");
        assert_not_found(fs.rm_file(&root).await);
    }
    fs.close().await.unwrap();
}

/// Whoever reads while a file is replaced sees the old one or the new one, whole.
pub async fn readers_see_the_old_or_the_new_file<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if writes(case, &fs).await {
        let path = case.path("a");
        let file = |round: u8| Bytes::from(vec![round; 200_000 + usize::from(round)]);
        fs.pipe(&path, file(0)).await.unwrap();
        let writer = async {
            for round in 1..20 {
                fs.pipe(&path, file(round)).await.unwrap();
            }
        };
        let mut writer = std::pin::pin!(writer.fuse());
        loop {
            let mut read = std::pin::pin!(fs.cat_file(&path, CatOptions::default()).fuse());
            let mut written = false;
            let read = loop {
                futures::select_biased! {
                    () = writer => written = true,
                    read = read => break read.unwrap(),
                }
            };
            let round = read.bytes[0];
            assert!(read.bytes == file(round), "a mixture of two files");
            assert_eq!(read.info.size_bytes, Some(200_000 + u64::from(round)));
            if written {
                break;
            }
        }
        assert!(fs.cat(&path).await.unwrap() == file(19));
    }
    fs.close().await.unwrap();
}
