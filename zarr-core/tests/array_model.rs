//! Random arrays, regions and selections against a plain vector, over a filesystem that blocks and one that does not.
//! Files, and a bucket with faults, are in the tests across the crates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

#[path = "support/cases.rs"]
mod cases;
mod support;

use std::sync::Arc;

use cases::{Case, Model, Step, case};
use futures::executor::block_on;
use proptest::prelude::*;
use support::Remote;
use zarr_core::array::{Array, ReadOptions, Select, Selection, WriteOptions};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, V3ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{FileSystem, MemoryFileSystem, Path};

async fn run(case: &Case, fs: Box<dyn FileSystem>) {
    let store = Store::new(fs, Path::root(), StoreOptions::default().writable());
    let path = NodePath::parse("/a").unwrap();
    let array: Array = create_array(&store, &path, case.metadata(), CreateMode::Create)
        .await
        .unwrap();
    let count = case.shape.iter().product::<u64>() as usize;
    let mut model = Model {
        shape: case.shape.clone(),
        elements: vec![case.fill; count],
    };
    let mut reused = vec![0xdead; 37];
    for step in &case.steps {
        match step {
            Step::Write(selects, seed) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let places = model.places(&selection);
                let elements = case.written(*seed, places.len());
                array.write(&selection, &elements).await.unwrap();
                for (place, element) in places.into_iter().zip(elements) {
                    model.elements[place] = element;
                }
            }
            Step::Read(selects) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let expected: Vec<u16> = model
                    .places(&selection)
                    .into_iter()
                    .map(|place| model.elements[place])
                    .collect();
                let (elements, whole) = array
                    .read_with::<u16>(&selection, &ReadOptions::default())
                    .await
                    .unwrap();
                assert_eq!(elements, expected, "{selection:?}");
                let options = ReadOptions::default();
                let (again, _) = array.read_reusing(&selection, reused, &options).await.unwrap();
                assert_eq!(
                    again, expected,
                    "into memory that held something else: {selection:?}"
                );
                reused = again;
                // By chunks it is the same elements, in another order.
                let mapped = array.map_chunks(&selection, &ReadOptions::default(), |chunk| {
                    chunk.data.to_vec::<u16>().unwrap()
                });
                let mut mapped = futures::TryStreamExt::try_concat(mapped).await.unwrap();
                let mut expected = expected;
                mapped.sort_unstable();
                expected.sort_unstable();
                assert_eq!(mapped, expected, "{selection:?}");
                // By the chunks that are stored it is the same; the rest is the fill value, and only counted.
                let stored = array.list_chunks().await.unwrap();
                let mapped = array.map_stored(&stored, &selection, &ReadOptions::default(), |chunk| {
                    let report = chunk.report;
                    vec![(
                        chunk.data.to_vec::<u16>().unwrap(),
                        report.chunks,
                        report.missing_chunks,
                    )]
                });
                let mapped = futures::TryStreamExt::try_concat(mapped).await.unwrap();
                let beside = array.beside(&stored, &selection).unwrap();
                let read: u64 = mapped.iter().map(|(_, chunks, _)| chunks).sum();
                let absent: u64 = mapped.iter().map(|(_, _, missing)| missing).sum();
                assert_eq!(read + beside.chunks, whole.chunks, "{selection:?}");
                assert_eq!(absent + beside.chunks, whole.missing_chunks, "{selection:?}");
                let mut mapped: Vec<u16> = mapped.into_iter().flat_map(|(elements, ..)| elements).collect();
                mapped.extend((0..beside.elements).map(|_| case.fill));
                mapped.sort_unstable();
                assert_eq!(mapped, expected, "{selection:?}");
            }
            Step::Points(points) => {
                let data = array.read_points(points, &ReadOptions::default()).await.unwrap();
                let expected: Vec<u16> = points
                    .iter()
                    .map(|point| model.elements[model.place(point)])
                    .collect();
                assert_eq!(data.to_vec::<u16>().unwrap(), expected);
            }
        }
    }
    let all = array.read::<u16>(&Selection::all(&case.shape)).await.unwrap();
    assert_eq!(all, model.elements);
    // The chunks as a stream hold each element once, in its place.
    let mut seen = vec![false; count];
    let mut chunks = array.chunks(&ReadOptions::default());
    while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
        let chunk = chunk.unwrap();
        let selects: Vec<Select> = chunk
            .origin
            .iter()
            .zip(chunk.data.shape())
            .map(|(start, length)| Select::from(*start as i64..(start + length) as i64))
            .collect();
        let places = model.places(&Selection::new(&selects, &case.shape).unwrap());
        let elements = chunk.data.to_vec::<u16>().unwrap();
        assert_eq!(places.len(), elements.len());
        for (place, element) in places.into_iter().zip(elements) {
            assert!(!std::mem::replace(&mut seen[place], true));
            assert_eq!(element, model.elements[place]);
        }
    }
    assert!(seen.into_iter().all(|seen| seen));
    store.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// About 1600 selections each way, and as many writes.
    #[test]
    fn what_is_written_is_read_where_the_reader_blocks(case in case()) {
        block_on(run(&case, Box::new(MemoryFileSystem::new())));
    }

    #[test]
    fn what_is_written_is_read_over_requests(case in case()) {
        block_on(run(&case, Box::new(Remote::new(MemoryFileSystem::new()))));
    }
}

#[test]
fn resize_cuts_back_and_grows_with_fill_value() {
    block_on(async {
        let store = Store::new(
            Box::new(MemoryFileSystem::new()),
            Path::root(),
            StoreOptions::default().writable(),
        );
        let data_type = DataType::Int(IntKind::UInt16);
        let metadata = V3ArrayBuilder::new(&[10, 10], data_type)
            .chunk_shape(&[4, 3])
            .build()
            .unwrap();
        let path = NodePath::parse("/a").unwrap();
        let array = create_array(&store, &path, metadata, CreateMode::Create)
            .await
            .unwrap();
        let all: Vec<u16> = (1..=100).collect();
        array.write(&Selection::all(&[10, 10]), &all).await.unwrap();
        let small = array.resize(&[5, 4]).await.unwrap();
        let large = small.resize(&[10, 10]).await.unwrap();
        let read = large.read::<u16>(&Selection::all(&[10, 10])).await.unwrap();
        for (place, element) in read.iter().enumerate() {
            let kept = place / 10 < 5 && place % 10 < 4;
            assert_eq!(*element, if kept { place as u16 + 1 } else { 0 }, "{place}");
        }
        let more = large
            .read_data(&Selection::all(&[10, 10]), &ReadOptions::default())
            .await
            .unwrap()
            .0;
        let options = WriteOptions::default();
        let (longer, _) = large.append_data(&more, 1, &options).await.unwrap();
        assert_eq!(longer.shape(), [10, 20]);
        let tail = longer
            .read::<u16>(&Selection::parse(":,10:", &[10, 20], &[]).unwrap())
            .await
            .unwrap();
        assert_eq!(tail, read);
        store.close().await.unwrap();
    });
}

#[test]
fn writers_of_one_chunk_lose_nothing_and_all_get_on() {
    const WRITERS: usize = 8;
    let fs = MemoryFileSystem::new();
    let leases: Vec<_> = (0..WRITERS)
        .map(|_| zarr_fs::FileSystemExt::share(&fs).unwrap())
        .collect();
    block_on(async {
        let store = Store::new(Box::new(fs), Path::root(), StoreOptions::default().writable());
        let metadata = V3ArrayBuilder::new(&[64], DataType::Int(IntKind::UInt16))
            .chunk_shape(&[64])
            .build()
            .unwrap();
        let path = NodePath::parse("/a").unwrap();
        create_array(&store, &path, metadata, CreateMode::Create)
            .await
            .unwrap();
        let mut writers = Vec::new();
        for (number, lease) in leases.into_iter().enumerate() {
            let store = Store::new(lease, Path::root(), StoreOptions::default().writable());
            let path = path.clone();
            writers.push(std::thread::spawn(move || {
                block_on(async {
                    let array = zarr_core::hierarchy::open(
                        &store,
                        &path,
                        zarr_core::hierarchy::OpenOptions::default(),
                    )
                    .await
                    .unwrap()
                    .into_array()
                    .unwrap();
                    for at in (number as i64..64).step_by(WRITERS) {
                        let place = Selection::new(&[Select::Index(at)], &[64]).unwrap();
                        array.write(&place, &[at as u16 + 1]).await.unwrap();
                    }
                    Arc::clone(&store).close().await.unwrap();
                });
            }));
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let array = zarr_core::hierarchy::open(&store, &path, zarr_core::hierarchy::OpenOptions::default())
            .await
            .unwrap()
            .into_array()
            .unwrap();
        let all = array.read::<u16>(&Selection::all(&[64])).await.unwrap();
        assert_eq!(all, (1..=64).collect::<Vec<u16>>());
        store.close().await.unwrap();
    });
}
