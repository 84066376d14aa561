//! Opening, listing and walking over memory, with every request counted.

mod budgets;
mod consolidated;
mod fake;
mod growing;
mod listing;
mod near;
mod opening;
mod together;
mod writing;

use std::future::Future;
use std::sync::Arc;

use futures::executor::block_on;
use zarr_fs::{FileSystemExt as _, MemoryFileSystem, Path};

use self::fake::{Control, FakeFileSystem, Fault};
use super::*;
use crate::error::{Error, Result};
use crate::node_path::NodePath;
use crate::store::{Store, StoreOptions};

const GROUP_V3: &str = r#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#;
const ARRAY_V3: &str = r#"{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "int32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
    "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}"#;
const GROUP_V2: &str = r#"{"zarr_format": 2}"#;
const ARRAY_V2: &str = r#"{"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "compressor": null,
    "fill_value": 0, "order": "C", "filters": null}"#;

/// A store over a fake filesystem with these keys and values.
fn store(files: &[(&str, &str)]) -> (Arc<Store>, Control) {
    store_with(
        files
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned())),
    )
}

fn store_with(files: impl IntoIterator<Item = (String, String)>) -> (Arc<Store>, Control) {
    let inner = MemoryFileSystem::new();
    for (key, value) in files {
        block_on(inner.pipe(&Path::parse(key).unwrap(), value)).unwrap();
    }
    let control = Control::default();
    let fs = FakeFileSystem {
        inner,
        control: control.clone(),
    };
    let store = Store::new(Box::new(fs), Path::root(), StoreOptions::default().writable());
    (store, control)
}

/// How many documents a walk asks for at once, if nothing else is said.
fn width() -> usize {
    StoreOptions::default().metadata_concurrency
}

fn path(text: &str) -> NodePath {
    NodePath::parse(text).unwrap()
}

fn open_root(store: &Arc<Store>, options: OpenOptions) -> Result<Node> {
    block_on(open(store, &NodePath::root(), options))
}

fn root_group(store: &Arc<Store>) -> crate::Group {
    open_root(store, OpenOptions::default())
        .unwrap()
        .into_group()
        .unwrap()
}

/// One line for each member: `group /a`, `array /a/b`, `broken /c`, `unlisted /d`.
fn lines(members: &[Member]) -> Vec<String> {
    let line = |member: &Member| match member {
        Member::Node(node) => format!("{} {}", node.kind(), node.path()),
        Member::Broken(broken) => format!("broken {}", broken.path),
        Member::Unlisted(unlisted) => format!("unlisted {}", unlisted.path),
    };
    members.iter().map(line).collect()
}

fn known(members: Members) -> Vec<Member> {
    match members {
        Members::Known(members) => members,
        Members::Unknown(unlisted) => panic!("unknown: {}", unlisted.error),
    }
}

fn members(group: &crate::Group, depth: usize) -> Vec<String> {
    lines(&known(block_on(group.members(depth)).unwrap()))
}

/// Drives a future whose requests are held back, and lets them go only when all that can be asked is asked: one round.
/// Returns its output and how many requests each round had.
fn in_rounds<T>(control: &Control, future: impl Future<Output = T>) -> (T, Vec<usize>) {
    control.hold();
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
    let mut rounds = Vec::new();
    let mut held = 0;
    for _ in 0..100_000 {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            control.let_go();
            return (output, rounds);
        }
        // A future that parses between two requests is pending, too: a round is over when a poll starts nothing more.
        let before = std::mem::replace(&mut held, control.held());
        if held > 0 && held == before {
            rounds.push(control.release());
            held = 0;
        }
    }
    panic!("no end after {} rounds", rounds.len());
}

fn close(store: &Store) {
    block_on(store.close()).unwrap();
}
