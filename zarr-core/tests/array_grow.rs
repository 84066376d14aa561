//! Arrays that get longer and shorter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use futures::executor::block_on;
use support::writable;
use zarr_core::array::{Array, ArrayData, Selection, WriteOptions};
use zarr_core::codec::Chunk;
use zarr_core::hierarchy::{CreateMode, OpenOptions, create_array, open};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, Json, NamedConfig, V3ArrayBuilder};
use zarr_core::{Error, NodePath, Store};
use zarr_fs::{FileSystem, FileSystemExt as _, MemoryFileSystem};

const U16: DataType = DataType::Int(IntKind::UInt16);

fn at() -> NodePath {
    NodePath::parse("/a").unwrap()
}

fn memory() -> Arc<Store> {
    writable(Box::new(MemoryFileSystem::new()))
}

async fn create(store: &Arc<Store>, shape: &[u64], chunk_shape: &[u64]) -> Array {
    let metadata = V3ArrayBuilder::new(shape, U16).chunk_shape(chunk_shape);
    create_array(store, &at(), metadata.build().unwrap(), CreateMode::Create)
        .await
        .unwrap()
}

async fn reopened(store: &Arc<Store>) -> Array {
    let node = open(store, &at(), OpenOptions::default()).await.unwrap();
    node.into_array().unwrap()
}

async fn all(array: &Array) -> Vec<u16> {
    array.read(&Selection::all(array.shape())).await.unwrap()
}

#[test]
fn appends_what_was_never_read() {
    block_on(async {
        let store = memory();
        let array = create(&store, &[0, 3], &[2, 2]).await;
        let (array, _) = array.append(&[1_u16, 2, 3], 0).await.unwrap();
        let more = ArrayData::from_elements(&[2, 3], U16, &[4_u16, 5, 6, 7, 8, 9]).unwrap();
        let (array, report) = array
            .append_data(&more, 0, &WriteOptions::default())
            .await
            .unwrap();
        assert_eq!(array.shape(), [3, 3]);
        assert_eq!(
            report.chunks_read, 4,
            "those of the row before, and those that others may fill up"
        );
        assert_eq!(all(&array).await, (1..=9).collect::<Vec<u16>>());
        let (array, _) = array.append(&[10_u16, 20, 30], 1).await.unwrap();
        assert_eq!(all(&array).await, [1, 2, 3, 10, 4, 5, 6, 20, 7, 8, 9, 30]);
        let (array, _) = array.append::<u16>(&[], 1).await.unwrap();
        assert_eq!(array.shape(), [3, 4]);
        assert_eq!(reopened(&store).await.shape(), [3, 4]);
        store.close().await.unwrap();
    });
}

#[test]
fn what_does_not_fit_leaves_the_array_as_long_as_it_was() {
    block_on(async {
        let store = memory();
        let array = create(&store, &[2, 3], &[2, 2]).await;
        assert!(matches!(
            array.append(&[1.0_f32; 3], 0).await,
            Err(Error::Unsupported { .. })
        ));
        let other = ArrayData::from_elements(&[1, 3], DataType::Int(IntKind::Int16), &[1_i16; 3]).unwrap();
        let refused = array.append_data(&other, 0, &WriteOptions::default()).await;
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
        for (count, axis) in [(4, 0), (3, 1), (3, 2)] {
            let refused = array.append(&vec![1_u16; count], axis).await;
            assert!(
                matches!(refused, Err(Error::InvalidSelection { .. })),
                "{count} {axis}"
            );
        }
        // Somebody else has made it wider meanwhile: three elements are no row any more.
        array.resize(&[2, 5]).await.unwrap();
        let refused = array.append(&[1_u16; 3], 0).await;
        assert!(matches!(refused, Err(Error::InvalidSelection { .. })));
        assert_eq!(reopened(&store).await.shape(), [2, 5]);
        store.close().await.unwrap();
    });
}

#[test]
fn data_has_as_many_elements_as_its_shape() {
    let invalid = |made: Result<ArrayData, Error>| matches!(made, Err(Error::InvalidSelection { .. }));
    assert!(invalid(ArrayData::from_elements(&[2, 2], U16, &[1_u16; 3])));
    assert!(invalid(ArrayData::from_chunk(
        &[1],
        U16,
        Chunk::Fixed(vec![0; 3])
    )));
    assert!(invalid(ArrayData::from_chunk(
        &[1],
        DataType::String,
        Chunk::Fixed(vec![0])
    )));
    assert!(invalid(ArrayData::from_elements(
        &[u64::MAX, 2],
        U16,
        &[1_u16; 2]
    )));
    let wrong = ArrayData::from_elements(&[1], U16, &[1_i16]);
    assert!(matches!(wrong, Err(Error::Unsupported { .. })));
}

#[test]
fn what_cannot_be_encoded_is_no_corruption() {
    block_on(async {
        let store = memory();
        let cast = br#"{"name": "cast_value", "configuration": {"data_type": "uint8"}}"#;
        let codecs = [cast.as_slice(), br#""bytes""#];
        let codecs = codecs.map(|codec| NamedConfig::parse(&Json::parse(codec).unwrap()).unwrap());
        let metadata = V3ArrayBuilder::new(&[6], U16)
            .chunk_shape(&[2])
            .codecs(codecs.to_vec());
        let array = create_array(&store, &at(), metadata.build().unwrap(), CreateMode::Create)
            .await
            .unwrap();
        let place = Selection::parse("2:", &[6], &[]).unwrap();
        let error = array.write(&place, &[1_u16, 2, 300, 4]).await.unwrap_err();
        assert!(!error.is_corrupt() && !error.is_retryable());
        let Error::Unencodable { key, chunk, by, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(key.ends_with("a/c/2"), "{key}");
        assert_eq!(
            (chunk.as_deref(), by.as_ref()),
            (Some([2].as_slice()), "codec cast_value")
        );
        let text = error.to_string();
        assert!(
            text.ends_with("a/c/2 (chunk [2]): a value that codec cast_value cannot hold"),
            "{text}"
        );
        assert_eq!(
            store.get("a/c/2").await.unwrap(),
            None,
            "nothing of the chunk is written"
        );
        store.close().await.unwrap();

        let store = memory();
        let metadata = V3ArrayBuilder::new(&[2], DataType::Int(IntKind::Int4)).chunk_shape(&[2]);
        let array = create_array(&store, &at(), metadata.build().unwrap(), CreateMode::Create)
            .await
            .unwrap();
        let error = array.write(&Selection::all(&[2]), &[1_i8, 8]).await.unwrap_err();
        let Error::Unencodable { key, by, source, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(key.ends_with("/a"), "{key}");
        assert_eq!(by.as_ref(), "data type int4");
        assert!(source.to_string().contains("place 1"), "{source}");
        store.close().await.unwrap();
    });
}

/// The elements of an array of `shape` that lie in `kept` are as `full` says, the others are fill value.
#[track_caller]
fn assert_kept(read: &[u16], shape: [u64; 2], kept: [u64; 2], context: &str) {
    for (place, element) in read.iter().enumerate() {
        let (row, column) = (place as u64 / shape[1], place as u64 % shape[1]);
        let is_kept = row < kept[0] && column < kept[1];
        let expected = if is_kept { full(row, column) } else { 0 };
        assert_eq!(*element, expected, "{context}: ({row}, {column})");
    }
}

const FULL: [u64; 2] = [10, 10];

fn full(row: u64, column: u64) -> u16 {
    (row * 10 + column + 1) as u16
}

/// An array of [`FULL`] in a filesystem that another store can be opened on.
async fn filled() -> MemoryFileSystem {
    let fs = MemoryFileSystem::new();
    let store = writable(fs.share().unwrap());
    let array = create(&store, &FULL, &[4, 3]).await;
    let elements: Vec<u16> = (0..100).map(|at| full(at / 10, at % 10)).collect();
    array.write(&Selection::all(&FULL), &elements).await.unwrap();
    store.close().await.unwrap();
    fs
}

/// A writer that is killed after any number of changes leaves the old shape with all its elements or the new one, and
/// growing never brings back what was cut off.
#[test]
fn a_resize_killed_at_any_point_leaves_nothing_to_come_back() {
    block_on(async {
        for target in [[5, 4], [4, 10], [10, 1], [0, 10], [12, 4], [3, 12]] {
            let kept = [FULL[0].min(target[0]), FULL[1].min(target[1])];
            let mut ended = false;
            for changes in 0.. {
                let context = format!("{target:?} killed after {changes}");
                let fs = filled().await;
                let dying = writable(Box::new(support::Remote::dying(fs.share().unwrap(), changes)));
                ended = reopened(&dying).await.resize(&target).await.is_ok();
                dying.close().await.unwrap();

                let store = writable(fs.share().unwrap());
                let array = reopened(&store).await;
                let shape = [array.shape()[0], array.shape()[1]];
                assert!(shape == FULL || shape == target, "{context}: {shape:?}");
                let inside = if shape == FULL { FULL } else { kept };
                assert_kept(&all(&array).await, shape, inside, &context);
                // In one step and by an append: nothing old comes back, and what is appended is there.
                let larger = array.resize(&[13, 11]).await.unwrap();
                assert_kept(&all(&larger).await, [13, 11], inside, &context);
                let (longer, _) = larger.append(&[7_u16; 22], 0).await.unwrap();
                let read = all(&longer).await;
                assert_kept(&read[..13 * 11], [13, 11], inside, &context);
                assert_eq!(read[13 * 11..], [7; 22], "{context}");
                store.close().await.unwrap();
                fs.close().await.unwrap();
                if ended {
                    break;
                }
            }
            assert!(ended);
        }
    });
}

/// The same of growing itself, over what a killed writer left.
#[test]
fn growing_killed_at_any_point_shows_nothing_old() {
    block_on(async {
        for changes in 0..100 {
            let fs = filled().await;
            let left = writable(Box::new(support::Remote::dying(fs.share().unwrap(), 1)));
            assert!(reopened(&left).await.resize(&[5, 4]).await.is_err());
            left.close().await.unwrap();
            let dying = writable(Box::new(support::Remote::dying(fs.share().unwrap(), changes)));
            let grown = reopened(&dying).await.resize(&[9, 9]).await.is_ok();
            dying.close().await.unwrap();
            let store = writable(fs.share().unwrap());
            let array = reopened(&store).await;
            let shape = [array.shape()[0], array.shape()[1]];
            assert_eq!(shape, if grown { [9, 9] } else { [5, 4] }, "{changes}");
            assert_kept(
                &all(&array).await,
                shape,
                [5, 4],
                &format!("killed after {changes}"),
            );
            store.close().await.unwrap();
            fs.close().await.unwrap();
            if grown {
                assert!(changes > 5, "there was nothing to clear");
                return;
            }
        }
        panic!("it never ended");
    });
}

/// More chunks than are asked for one by one: those that are there are found in a listing.
#[test]
fn many_chunks_are_looked_for_in_a_listing() {
    block_on(async {
        let fs = MemoryFileSystem::new();
        let store = writable(fs.share().unwrap());
        let array = create(&store, &[1 << 40], &[2]).await;
        for at in [0, 7, 1_000_000, (1_u64 << 40) - 1] {
            let place = Selection::parse(&at.to_string(), array.shape(), &[]).unwrap();
            array.write(&place, &[5_u16]).await.unwrap();
        }
        store.close().await.unwrap();
        let dying = writable(Box::new(support::Remote::dying(fs.share().unwrap(), 2)));
        assert!(
            reopened(&dying).await.resize(&[8]).await.is_err(),
            "killed between two chunks"
        );
        dying.close().await.unwrap();
        let store = writable(fs.share().unwrap());
        let array = reopened(&store).await.resize(&[1 << 40]).await.unwrap();
        for (at, expected) in [(0, 5), (7, 5), (1_000_000, 0), ((1_u64 << 40) - 1, 0)] {
            let place = Selection::parse(&at.to_string(), array.shape(), &[]).unwrap();
            assert_eq!(array.read::<u16>(&place).await.unwrap(), [expected], "{at}");
        }
        assert_eq!(array.resize(&[7]).await.unwrap().shape(), [7]);
        store.close().await.unwrap();
    });
}

/// The limit that the docs of `write` tell: a handle from before an append takes the chunk at its end for its own alone.
#[test]
fn a_handle_from_before_an_append_writes_its_last_chunk_whole() {
    block_on(async {
        let store = memory();
        let before = create(&store, &[3], &[4]).await;
        let (longer, _) = before.append(&[4_u16, 5], 0).await.unwrap();
        // In part: what was appended is kept.
        let part = Selection::parse(":2", before.shape(), &[]).unwrap();
        before.write(&part, &[1_u16, 2]).await.unwrap();
        assert_eq!(all(&longer).await, [1, 2, 0, 4, 5]);
        let whole = Selection::all(before.shape());
        before.write(&whole, &[1_u16, 2, 3]).await.unwrap();
        assert_eq!(all(&longer).await, [1, 2, 3, 0, 5]);
        // Opened anew it knows them.
        let now = reopened(&store).await;
        let place = Selection::parse("3", now.shape(), &[]).unwrap();
        now.write(&place, &[4_u16]).await.unwrap();
        let first = Selection::parse(":3", now.shape(), &[]).unwrap();
        now.write(&first, &[6_u16, 7, 8]).await.unwrap();
        assert_eq!(all(&now).await, [6, 7, 8, 4, 5]);
        store.close().await.unwrap();
    });
}

/// The error of a value that the data type cannot hold names the array.
#[cfg(feature = "ndarray")]
#[test]
fn what_ndarray_appends_is_named_by_its_array() {
    block_on(async {
        let store = memory();
        let metadata = V3ArrayBuilder::new(&[2], DataType::Int(IntKind::Int4)).chunk_shape(&[2]);
        let array = create_array(&store, &at(), metadata.build().unwrap(), CreateMode::Create)
            .await
            .unwrap();
        let values = ndarray::arr1(&[1_i8, 8]).into_dyn();
        let error = array.append_ndarray(values.view(), 0).await.unwrap_err();
        let Error::Unencodable { key, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(key.ends_with("/a"), "{key}");
        assert_eq!(reopened(&store).await.shape(), [2]);
        store.close().await.unwrap();
    });
}
