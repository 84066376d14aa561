//! A result that is too large for the cache is written in another way: it must be the same elements.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test")]

use futures::executor::block_on;
use zarr_core::array::{Select, Selection};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, V3ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{MemoryFileSystem, Path};

/// 47 MB of `uint32`.
const SHAPE: [u64; 3] = [3, 1500, 2600];

#[test]
fn a_large_result_is_exact() {
    block_on(async {
        let fs = Box::new(MemoryFileSystem::new());
        let store = Store::new(fs, Path::root(), StoreOptions::default().writable());
        // Rows of 37 elements begin and end anywhere in a cache line.
        let metadata = V3ArrayBuilder::new(&SHAPE, DataType::Int(IntKind::UInt32))
            .chunk_shape(&[2, 400, 37])
            .build()
            .unwrap();
        let path = NodePath::parse("/a").unwrap();
        let array = create_array(&store, &path, metadata, CreateMode::Create)
            .await
            .unwrap();
        let elements: Vec<u32> = (1..).take(3 * 1500 * 2600).collect();
        array.write(&Selection::all(&SHAPE), &elements).await.unwrap();
        let read = array.read::<u32>(&Selection::all(&SHAPE)).await.unwrap();
        assert!(read == elements);
        // Every second one of the last dimension, twice in the second: rows with a step, as large.
        let rows: Vec<i32> = (0..1500).chain((0..1500).rev()).collect();
        let selects = [
            Select::from(..),
            Select::from(rows.iter().copied().map(i64::from).collect::<Vec<_>>()),
            Select::Range {
                start: None,
                stop: None,
                step: 2,
            },
        ];
        let read = array
            .read::<u32>(&Selection::new(&selects, &SHAPE).unwrap())
            .await
            .unwrap();
        let mut expected: Vec<u32> = Vec::with_capacity(read.len());
        for plane in 0..3 {
            for row in &rows {
                let start = (plane * 1500 + usize::try_from(*row).unwrap()) * 2600;
                expected.extend(elements[start..start + 2600].iter().step_by(2));
            }
        }
        assert!(read == expected);
        store.close().await.unwrap();
    });
}
