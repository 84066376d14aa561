//! Any operations in any order: a filesystem is a map from paths to bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU64, Ordering};

use futures::executor::block_on;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use zarr_fs::testing::strategies::{Operation, assert_is_a_map, operations};
use zarr_fs::testing::{CountingFileSystem, FaultyFileSystem};
use zarr_fs::{FileSystem, LocalFileSystem, MemoryFileSystem, Path, PrefixFileSystem};

fn check(fs: impl FileSystem, operations: &[Operation]) {
    block_on(async {
        assert_is_a_map(&fs, operations).await;
        fs.close().await.unwrap();
    });
}

/// A folder that goes away with its test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("zarr-fs-properties-{}-{count}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

proptest! {
    // Regressions are written to a file beside this one; it is to be committed.
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/properties.regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_is_a_map(operations in operations()) {
        check(MemoryFileSystem::new(), &operations);
    }

    #[test]
    fn a_folder_is_a_map(operations in operations()) {
        let folder = Folder::new();
        check(LocalFileSystem::new(&folder.0), &operations);
    }

    #[test]
    fn a_prefix_is_a_map(operations in operations()) {
        let prefix = Path::parse("pre/fix").unwrap();
        check(PrefixFileSystem::new(MemoryFileSystem::new(), prefix), &operations);
    }

    #[test]
    fn what_counts_and_what_could_fail_is_a_map(operations in operations()) {
        check(CountingFileSystem::new(FaultyFileSystem::new(MemoryFileSystem::new())), &operations);
    }
}
