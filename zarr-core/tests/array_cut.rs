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
use futures::executor::block_on;
use serde_json::{Value, json};
use support::Remote;
use zarr_core::array::{Array, ArrayData, Selection, WriteOptions};
use zarr_core::codec::Chunk;
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::ObjectType;
use zarr_core::metadata::{DataType, NamedConfig, V2ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{Capabilities, MemoryFileSystem, Path};

const OBJECTS: DataType = DataType::Object(ObjectType::Json);

fn at() -> NodePath {
    NodePath::parse("/a").unwrap()
}

fn limited(limit: fn(&mut Capabilities)) -> Arc<Store> {
    let fs = Remote::limited(Box::new(MemoryFileSystem::new()), limit);
    Store::new(Box::new(fs), Path::root(), StoreOptions::default().writable())
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
