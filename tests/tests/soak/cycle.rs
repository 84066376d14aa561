//! One cycle: open a store, list its group, read its arrays, close.

use std::time::Duration;

use futures::future::join_all;
use zarr_core::array::{Array, ReadOptions, Selection};
use zarr_core::hierarchy::{self, Member, Members, OpenOptions};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::Path;
use zarr_fs::object_store::{RetryPolicy, TransportOptions};
use zarr_fs::options::Options;
use zarr_fs::session::{SessionOptions, UnclosedLog, UnclosedPolicy};
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::GcsServer;

use crate::tally::Tally;

pub(crate) const BUCKET: &str = "soak";
pub(crate) const TASKS: u64 = 8;
const ARRAYS: usize = 3;
const CHUNKS: usize = 4;
const CHUNK_BYTES: usize = 500;
const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#;

/// The bytes of an array; none is 0, the fill value.
fn content(array: usize) -> Vec<u8> {
    let byte =
        |index: usize| u8::try_from((index * (array + 3) + index / 251) % 255 + 1).expect("at most 255");
    (0..CHUNKS * CHUNK_BYTES).map(byte).collect()
}

pub(crate) fn seed(server: &GcsServer) {
    server.put(BUCKET, "zarr.json", GROUP);
    for array in 0..ARRAYS {
        let document = format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": [{}], "data_type": "uint8", "fill_value": 0,
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [{CHUNK_BYTES}]}}}},
            "chunk_key_encoding": {{"name": "default", "configuration": {{"separator": "/"}}}},
            "codecs": [{{"name": "bytes"}}], "attributes": {{}}}}"#,
            CHUNKS * CHUNK_BYTES
        );
        server.put(BUCKET, &format!("a{array}/zarr.json"), document);
        for (index, chunk) in content(array).chunks(CHUNK_BYTES).enumerate() {
            server.put(BUCKET, &format!("a{array}/c/{index}"), chunk.to_vec());
        }
    }
}

fn open(url: &str, number: u64, unclosed: &UnclosedLog) -> std::sync::Arc<Store> {
    // Some meet every fault as it comes, most get over it.
    let retry = if number.is_multiple_of(4) {
        RetryPolicy::never()
    } else {
        RetryPolicy::default()
            .with_base(Duration::from_millis(5))
            .with_retry_time(Duration::from_secs(5))
    };
    let transport = TransportOptions::default()
        .with_stall_timeout(Duration::from_millis(400))
        .with_connect_timeout(Duration::from_secs(2))
        .with_trust_env(false)
        .with_retry(retry);
    let session = SessionOptions::default()
        .with_drain(Duration::from_millis(200))
        .with_unclosed(UnclosedPolicy::Strict(unclosed.clone()));
    let mut options = Options::new();
    options.set_text("endpoint_url", url).expect("a known option");
    let fs = GcsConfig::new(format!("gs://{BUCKET}"))
        .with_options(options)
        .with_anonymous()
        .with_transport(transport)
        .with_session_options(session)
        .open()
        .expect("nothing is sent yet");
    Store::new(Box::new(fs), Path::root(), StoreOptions::default())
}

/// Runs cycle `number`. Each fifth closes its store while it reads.
pub(crate) async fn run(url: &str, number: u64, unclosed: &UnclosedLog, tally: &Tally) {
    let store = open(url, number, unclosed);
    let cut = number % 5 == 4;
    if let Some(arrays) = members(&store, tally).await {
        let reads = join_all(
            arrays
                .iter()
                .map(|(index, array)| read(*index, array, cut, tally)),
        );
        if cut {
            let close = async {
                tokio::task::yield_now().await;
                tally.close(store.close().await);
            };
            futures::join!(reads, close);
        } else {
            reads.await;
        }
    }
    // Again, where it was closed already: it says the same.
    tally.close(store.close().await);
}

async fn members(store: &std::sync::Arc<Store>, tally: &Tally) -> Option<Vec<(usize, Array)>> {
    let root = NodePath::parse("/").expect("a path");
    let group = match hierarchy::open(store, &root, OpenOptions::default())
        .await
        .and_then(|node| node.into_group())
    {
        Ok(group) => group,
        Err(error) => return tally.error("open", &error, false),
    };
    tally.right("open");
    let members = match group.members(1).await {
        Ok(Members::Known(members)) => members,
        Ok(Members::Unknown(unlisted)) => return tally.error("list", &unlisted.error, false),
        Err(error) => return tally.error("list", &error, false),
    };
    let mut arrays = Vec::new();
    let mut complete = members.len() == ARRAYS;
    for member in members {
        match member {
            Member::Node(node) => {
                let name = node.path().to_string();
                let index = name.strip_prefix("/a").and_then(|index| index.parse().ok());
                match (index, group.get_array(&name[1..]).await) {
                    (Some(index), Ok(array)) if index < ARRAYS => arrays.push((index, array)),
                    (_, Err(error)) => drop(tally.error::<()>("open array", &error, false)),
                    (_, Ok(_)) => complete = false,
                }
            }
            Member::Broken(broken) => drop(tally.error::<()>("list", &broken.error, false)),
            Member::Unlisted(unlisted) => drop(tally.error::<()>("list", &unlisted.error, false)),
        }
    }
    if complete {
        tally.right("list");
    } else {
        tally.wrong("a listing that is not the group's");
    }
    Some(arrays)
}

async fn read(index: usize, array: &Array, cut: bool, tally: &Tally) {
    let all = Selection::all(array.shape());
    match array.read_with::<u8>(&all, &ReadOptions::default()).await {
        Ok((data, report)) if report.missing_chunks == 0 && data == content(index) => tally.right("read"),
        Ok((_, report)) => tally.wrong(&format!("wrong bytes of array {index}: {report:?}")),
        Err(error) => drop(tally.error::<()>("read", &error, cut)),
    }
}

/// Whether a fault of the network, or a close during the call, may come to this.
pub(crate) fn is_right_class(error: &Error, cut: bool) -> bool {
    error.is_retryable() || (cut && error.is_closed())
}
