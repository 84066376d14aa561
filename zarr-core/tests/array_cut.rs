//! What a change of shape does to the chunks at the edge, and where it cannot be done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::executor::block_on;
use serde_json::{Value, json};
use support::{Remote, writable};
use zarr_core::array::{Array, ArrayData, Selection, WriteOptions};
use zarr_core::codec::Chunk;
use zarr_core::hierarchy::{CreateMode, OpenOptions, create_array, open};
use zarr_core::metadata::data_type::{Endianness, IntKind, ObjectType};
use zarr_core::metadata::{DataType, NamedConfig, V2ArrayBuilder, V3ArrayBuilder};
use zarr_core::{Error, NodePath, Store};
use zarr_fs::{Capabilities, FileSystem as _, FileSystemExt as _, Listing, MemoryFileSystem};

const U16: DataType = DataType::Int(IntKind::UInt16);
const OBJECTS: DataType = DataType::Object(ObjectType::Json);

fn at() -> NodePath {
    NodePath::parse("/a").unwrap()
}

fn limited(limit: fn(&mut Capabilities)) -> Arc<Store> {
    let fs = Remote::limited(Box::new(MemoryFileSystem::new()), limit);
    writable(Box::new(fs))
}

/// An array whose chunks are stored as they are decoded.
async fn plain(store: &Arc<Store>, shape: &[u64], chunk_shape: &[u64]) -> Array {
    let metadata = V3ArrayBuilder::new(shape, U16)
        .chunk_shape(chunk_shape)
        .codecs(vec![V3ArrayBuilder::array_to_bytes(&U16, Endianness::Little)]);
    create_array(store, &at(), metadata.build().unwrap(), CreateMode::Create)
        .await
        .unwrap()
}

async fn reopened(store: &Arc<Store>) -> Array {
    let node = open(store, &at(), OpenOptions::default()).await.unwrap();
    node.into_array().unwrap()
}

/// A v2 array of so many Python objects, and its one chunk of ten: `stored`.
async fn objects(store: &Arc<Store>, length: u64, codec: &str, stored: &[u8]) -> Array {
    let metadata = V2ArrayBuilder::new(&[length], OBJECTS)
        .chunk_shape(&[10])
        .filters(vec![NamedConfig::new(codec)])
        .compressor(None);
    let array = create_array(store, &at(), metadata.build().unwrap(), CreateMode::Create)
        .await
        .unwrap();
    store.set("a/0", Bytes::copy_from_slice(stored)).await.unwrap();
    array
}

async fn stored(store: &Arc<Store>) -> Vec<u8> {
    store.get("a/0").await.unwrap().expect("a chunk").to_vec()
}

/// Objects whose decoded form does not tell what they are: nothing and `False` are empty, a text may look like a list.
#[test]
fn objects_at_the_edge_stay_what_they_are() {
    block_on(async {
        let full = json!([0, false, "", null, "[1]", 5, "x", true, {"a": 1}, "12", "|O", [10]]);
        let cut = json!([
            0,
            false,
            "",
            null,
            "[1]",
            null,
            null,
            null,
            null,
            null,
            "|O",
            [10]
        ]);
        // Shrinking, and growing over what somebody has left.
        for (from, to) in [(10, 5), (5, 10), (5, 7)] {
            let store = limited(|_| ());
            let array = objects(&store, from, "json2", full.to_string().as_bytes()).await;
            array.resize(&[to]).await.unwrap();
            let after: Value = serde_json::from_slice(&stored(&store).await).unwrap();
            assert_eq!(after, cut, "{from} {to}");
            store.close().await.unwrap();
        }
        let store = limited(|_| ());
        let kept = b"\x9c\x00\xc2\xa0\xc0\xa3[1]";
        let full = [kept, b"\x05\x05\x05\x05\x05\xa2|O\x91\x0a".as_slice()].concat();
        let array = objects(&store, 10, "msgpack2", &full).await;
        array.resize(&[5]).await.unwrap();
        let expected = [kept, b"\xc0\xc0\xc0\xc0\xc0\xa2|O\x91\x0a".as_slice()].concat();
        assert_eq!(stored(&store).await, expected);
        store.close().await.unwrap();
    });
}

/// A store that cannot write on a condition erases chunks of fill value; one that has a `False` in it is none.
#[test]
fn objects_that_look_like_fill_value_are_not_erased() {
    block_on(async {
        let full = json!([0, false, "", null, "", 5, "x", true, 2.5, "12", "|O", [10]]);
        let cut = json!([0, false, "", null, "", null, null, null, null, null, "|O", [10]]);
        let store = limited(|capabilities| capabilities.conditional_write = false);
        let array = objects(&store, 10, "json2", full.to_string().as_bytes()).await;
        array.resize(&[5]).await.unwrap();
        let after: Value = serde_json::from_slice(&stored(&store).await).unwrap();
        assert_eq!(after, cut);
        store.close().await.unwrap();

        let store = limited(|capabilities| capabilities.conditional_write = false);
        let array = objects(&store, 10, "json2", full.to_string().as_bytes()).await;
        let nothing = Chunk::Variable([""; 5].into_iter().collect());
        let nothing = ArrayData::from_chunk(&[5], OBJECTS, nothing).unwrap();
        let place = Selection::parse("5:", &[10], &[]).unwrap();
        let options = WriteOptions::default();
        array.write_data(&place, &nothing, &options).await.unwrap();
        let after: Value = serde_json::from_slice(&stored(&store).await).unwrap();
        assert_eq!(after, cut);
        store.close().await.unwrap();
    });
}

/// More chunks than can be asked for in a store that does not list: known before anything is changed.
#[test]
fn too_many_chunks_are_refused_before_anything_is_changed() {
    block_on(async {
        let store = limited(|capabilities| capabilities.listing = Listing::None);
        let array = plain(&store, &[6, 1 << 40], &[4, 2]).await;
        let left = Bytes::from(vec![7; 16]);
        store.set("a/c/1/0", left.clone()).await.unwrap();
        for target in [[6, 4], [8, 4], [6, 1 << 50], [3, 1 << 50]] {
            let refused = array.resize(&target).await;
            assert!(
                matches!(refused, Err(Error::LimitReached { .. })),
                "{target:?}: {refused:?}"
            );
            assert_eq!(reopened(&store).await.shape(), [6, 1 << 40], "{target:?}");
            assert_eq!(store.get("a/c/1/0").await.unwrap(), Some(left.clone()));
        }
        store.close().await.unwrap();
    });
}

#[test]
fn a_bad_chunk_at_the_edge_does_not_keep_the_others() {
    block_on(async {
        let store = limited(|_| ());
        let full = plain(&store, &[2000, 10], &[10, 10]).await;
        full.write(&Selection::all(&[2000, 10]), &[7_u16; 20_000])
            .await
            .unwrap();
        store.set("a/c/0/0", Bytes::from_static(b"bad")).await.unwrap();
        let error = full.resize(&[1500, 5]).await.unwrap_err();
        let Error::Corrupt { key, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(key.ends_with("a/c/0/0"), "{key}");

        let cut = reopened(&store).await;
        assert_eq!(cut.shape(), [1500, 5]);
        // As one sees it who has not noticed: what is stored.
        let rest = Selection::parse("10:", &[2000, 10], &[]).unwrap();
        let rest: Vec<u16> = full.read(&rest).await.unwrap();
        for (place, element) in (100..).zip(rest) {
            let is_kept = place / 10 < 1500 && place % 10 < 5;
            assert_eq!(element, if is_kept { 7 } else { 0 }, "{place}");
        }
        assert_eq!(store.get("a/c/199/0").await.unwrap(), None);

        // It is in the way of a longer array until what it has in the shape is written.
        let refused = cut.resize(&[1500, 6]).await.unwrap_err();
        assert!(refused.is_corrupt(), "{refused:?}");
        assert_eq!(reopened(&store).await.shape(), [1500, 5]);
        let row = Selection::parse(":10", &[1500, 5], &[]).unwrap();
        cut.write(&row, &[8_u16; 50]).await.unwrap();
        let grown = cut.resize(&[1500, 6]).await.unwrap();
        let row = Selection::parse("0", &[1500, 6], &[]).unwrap();
        assert_eq!(grown.read::<u16>(&row).await.unwrap(), [8, 8, 8, 8, 8, 0]);
        store.close().await.unwrap();
    });
}

/// What a shrink leaves that is killed after it wrote the metadata goes by way of the old shape.
#[test]
fn what_a_killed_shrink_left_can_be_removed() {
    block_on(async {
        let fs = MemoryFileSystem::new();
        let store = writable(fs.share().unwrap());
        let full = plain(&store, &[24, 4], &[4, 2]).await;
        let whole = Selection::all(&[24, 4]);
        full.write(&whole, &[7_u16; 96]).await.unwrap();
        let dying = writable(Box::new(Remote::dying(fs.share().unwrap(), 1)));
        assert!(reopened(&dying).await.resize(&[6, 4]).await.is_err());
        dying.close().await.unwrap();

        let keys = async || {
            let keys = store.list_prefix("a/c").map_ok(|found| found.key);
            let mut keys: Vec<String> = keys.try_collect().await.unwrap();
            keys.sort();
            keys
        };
        let cut = reopened(&store).await;
        assert_eq!(cut.shape(), [6, 4]);
        assert_eq!(keys().await.len(), 12);
        let cut = cut.resize(&[6, 4]).await.unwrap();
        assert_eq!(keys().await.len(), 12, "nothing was looked for");
        cut.resize(&[24, 4]).await.unwrap().resize(&[6, 4]).await.unwrap();
        assert_eq!(keys().await, ["a/c/0/0", "a/c/0/1", "a/c/1/0", "a/c/1/1"]);
        store.close().await.unwrap();
        fs.close().await.unwrap();
    });
}
