//! Every array of the corpus, read through the pipeline, equals the manifest to the bit; every broken chunk is an error.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use sha2::{Digest, Sha256};
use zarr_core::array::{Array, ArrayData, ReadOptions, Select, Selection};
use zarr_core::hierarchy::OpenOptions;
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{LocalFileSystem, Path as FsPath};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

fn manifest() -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(data().join("manifest.json")).unwrap()).unwrap()
}

async fn open(store: &Arc<Store>, path: &str) -> Result<Array, Error> {
    let path = NodePath::parse(format!("/{path}"))?;
    zarr_core::hierarchy::open(store, &path, OpenOptions::default())
        .await?
        .into_array()
}

fn store(root: &str) -> Arc<Store> {
    let fs = LocalFileSystem::new(data().join(root));
    Store::new(Box::new(fs), FsPath::root(), StoreOptions::default())
}

/// The manifest's encoding of decoded elements.
fn hash(data: &ArrayData) -> String {
    let mut hasher = Sha256::new();
    match data.as_variable() {
        None => hasher.update(data.as_bytes().unwrap()),
        Some(_) => {
            for index in 0..data.len() {
                let element = data.element(index).unwrap();
                hasher.update(u32::try_from(element.len()).unwrap().to_le_bytes());
                hasher.update(element);
            }
        }
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn every_array_reads_as_the_manifest_says() {
    let manifest = manifest();
    let arrays = manifest["arrays"].as_array().unwrap();
    let mut wrong = Vec::new();
    for expected in arrays {
        let id = expected["id"].as_str().unwrap();
        let store = store(expected["store"].as_str().unwrap());
        let read = block_on(async {
            let array = open(&store, expected["path"].as_str().unwrap()).await?;
            let all = Selection::all(array.shape());
            array.read_data(&all, &ReadOptions::default()).await
        });
        block_on(store.close()).unwrap();
        match read {
            Ok((data, _)) if hash(&data) == expected["sha256"].as_str().unwrap() => {}
            Ok((data, report)) => {
                wrong.push(format!(
                    "{id}: differs {} {:?} {report:?}",
                    expected["tags"],
                    data.shape()
                ));
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                wrong.push(format!("{id}: {error} {source:?}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        arrays.len(),
        wrong.join("\n")
    );
}

/// One element at a time, by index: what a selection of it alone gives.
#[test]
fn every_sample_is_the_element_at_its_index() {
    let manifest = manifest();
    let (mut seen, mut wrong) = (0, Vec::new());
    for expected in manifest["arrays"].as_array().unwrap() {
        let id = expected["id"].as_str().unwrap();
        let store = store(expected["store"].as_str().unwrap());
        let array = block_on(open(&store, expected["path"].as_str().unwrap())).unwrap();
        for sample in expected["samples"].as_array().unwrap() {
            seen += 1;
            let index: Vec<Select> = sample["index"]
                .as_array()
                .unwrap()
                .iter()
                .map(|at| Select::Index(at.as_i64().unwrap()))
                .collect();
            let selection = Selection::new(&index, array.shape()).unwrap();
            let (data, _) = block_on(array.read_data(&selection, &ReadOptions::default())).unwrap();
            assert!(
                data.shape().is_empty() && data.len() == 1,
                "{id}: {:?}",
                data.shape()
            );
            let element: String = data
                .element(0)
                .unwrap()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if element != sample["le_hex"].as_str().unwrap() {
                wrong.push(format!("{id}: {element}, not {sample}"));
            }
        }
        block_on(store.close()).unwrap();
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(seen, 1457);
}

#[test]
fn every_broken_chunk_is_an_error_with_its_place() {
    let manifest = manifest();
    let mut wrong = Vec::new();
    for bad in manifest["bad"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bad| bad["layer"] == "chunk")
    {
        let id = bad["id"].as_str().unwrap();
        let store = store(bad["store"].as_str().unwrap());
        let began = std::time::Instant::now();
        let read = block_on(async {
            let array = open(&store, bad["path"].as_str().unwrap()).await?;
            // A corner, because one of them claims four terabytes; it touches the broken chunk 0 in all of them.
            let corner: Vec<Select> = array.shape().iter().map(|_| (0..64).into()).collect();
            array
                .read_data(&Selection::new(&corner, array.shape())?, &ReadOptions::default())
                .await
        });
        match read {
            Err(error @ Error::Corrupt { chunk: Some(_), .. }) if began.elapsed().as_secs() < 2 => {
                println!("{id}: {error}: {}", std::error::Error::source(&error).unwrap());
            }
            other => wrong.push(format!("{id}: {:?} {other:?}", began.elapsed())),
        }
        block_on(store.close()).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
