//! Arrays that get longer and shorter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::sync::Arc;

use futures::executor::block_on;
use zarr_core::array::{Array, ArrayData, Selection, WriteOptions};
use zarr_core::codec::Chunk;
use zarr_core::hierarchy::{CreateMode, OpenOptions, create_array, open};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, Json, NamedConfig, V3ArrayBuilder};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{MemoryFileSystem, Path};

const U16: DataType = DataType::Int(IntKind::UInt16);

fn at() -> NodePath {
    NodePath::parse("/a").unwrap()
}

fn memory() -> Arc<Store> {
    let options = StoreOptions::default().writable();
    Store::new(Box::new(MemoryFileSystem::new()), Path::root(), options)
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
            report.chunks_read, 2,
            "only the chunks of the row before are read"
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
