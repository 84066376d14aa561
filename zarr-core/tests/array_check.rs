//! Checking every chunk: the bad ones are named, good ones are not, and the stream goes on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use support::Remote;
use zarr_core::array::{Array, ChunkCheck, ReadOptions};
use zarr_core::hierarchy::OpenOptions;
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{FileSystem, MemoryFileSystem, Path as FsPath};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data")
        .join(path)
}

/// Four shards of four inner chunks each; of shard (1, 0) the inner chunks in `bad` are broken.
async fn shards(fs: Box<dyn FileSystem>, bad: &[usize]) -> Array {
    let store = Store::new(fs, FsPath::root(), StoreOptions::default().writable());
    for key in ["zarr.json", "c/0/0", "c/0/1", "c/1/0", "c/1/1"] {
        let mut bytes = std::fs::read(data("stores/v3_shard.zarr/inner_blosc").join(key)).unwrap();
        if key == "c/1/0" {
            // The index at the end: offset and length of each inner chunk, then a checksum.
            let index = bytes.len() - 4 - 16 * 4;
            for inner in bad {
                let entry: [u8; 8] = bytes[index + 16 * inner..][..8].try_into().unwrap();
                let at = usize::try_from(u64::from_le_bytes(entry)).unwrap();
                bytes[at..at + 4].fill(0xff);
            }
        }
        store.set(key, bytes.into()).await.unwrap();
    }
    open(&store).await
}

async fn open(store: &Arc<Store>) -> Array {
    zarr_core::hierarchy::open(store, &NodePath::root(), OpenOptions::default())
        .await
        .unwrap()
        .into_array()
        .unwrap()
}

async fn checks(array: &Array) -> Vec<ChunkCheck> {
    let checks: Vec<ChunkCheck> = array
        .check_chunks(&ReadOptions::default())
        .map(Result::unwrap)
        .collect()
        .await;
    // Those that are stored are found alike if they are named by a listing.
    let stored = array.list_chunks().await.unwrap();
    let named: Vec<ChunkCheck> = array
        .check_stored(&stored, &ReadOptions::default())
        .map(Result::unwrap)
        .collect()
        .await;
    let told = |check: &ChunkCheck| {
        let bad: Vec<_> = check
            .faults
            .iter()
            .map(|fault| fault.inner_chunk.clone())
            .collect();
        (
            check.key.clone(),
            check.report.chunks,
            check.report.missing_chunks,
            bad,
        )
    };
    let all = checks
        .iter()
        .filter(|check| stored.contains(&check.chunk))
        .map(told);
    assert_eq!(
        named.iter().map(told).collect::<Vec<_>>(),
        all.collect::<Vec<_>>()
    );
    checks
}

fn both() -> [Box<dyn FileSystem>; 2] {
    [
        Box::new(MemoryFileSystem::new()),
        Box::new(Remote::new(MemoryFileSystem::new())),
    ]
}

#[test]
fn bad_inner_chunks_are_named_and_the_others_are_read() {
    for fs in both() {
        block_on(async {
            let array = shards(fs, &[1, 2]).await;
            let checks = checks(&array).await;
            let chunks: Vec<_> = checks.iter().map(|check| check.chunk.clone()).collect();
            assert_eq!(chunks, [[0, 0], [0, 1], [1, 0], [1, 1]]);
            for check in &checks {
                let bad: Vec<_> = check
                    .faults
                    .iter()
                    .map(|fault| fault.inner_chunk.clone().unwrap())
                    .collect();
                if check.chunk == [1, 0] {
                    assert_eq!((check.key.as_str(), check.report.chunks), ("c/1/0", 2));
                    assert_eq!(bad, [[2, 1], [3, 0]]);
                } else {
                    assert_eq!((bad.len(), check.report.chunks), (0, 4), "{check:?}");
                }
            }
            array.store().close().await.unwrap();
        });
    }
}

#[test]
fn a_shard_without_a_good_index_is_one_fault() {
    for fs in both() {
        block_on(async {
            let array = shards(fs, &[]).await;
            array.store().set("c/0/1", vec![0_u8; 80].into()).await.unwrap();
            array.store().set("c/1/1", vec![0_u8; 3].into()).await.unwrap();
            array.store().erase("c/0/0").await.unwrap();
            let checks = checks(&array).await;
            let faults: Vec<_> = checks.iter().map(|check| check.faults.len()).collect();
            assert_eq!(faults, [0, 1, 0, 1]);
            assert!(
                checks
                    .iter()
                    .flat_map(|check| &check.faults)
                    .all(|fault| { fault.inner_chunk.is_none() && fault.error.is_corrupt() })
            );
            assert_eq!((checks[0].report.chunks, checks[0].report.missing_chunks), (4, 4));
            array.store().close().await.unwrap();
        });
    }
}
