//! What NumPy selects, we select: generated arrays of zarr-python's and generated selections, from a local store and from a
//! bucket, element by element.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use libtest_mimic::Failed;
use serde_json::Value;
use zarr_core::array::{Array, ArrayData, ReadOptions, Select, Selection};
use zarr_core::hierarchy::{self, OpenOptions};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{FileSystem, LocalFileSystem, Path as FsPath};
use zarr_gcs::GcsConfig;
use zarr_tests::child;
use zarr_tests::gcs::GcsServer;
use zarr_tests::python::Python;

const SCRIPT: &str = include_str!("selections.py");
const ARRAYS: &str = "108";
const SELECTIONS: &str = "27";
const SEED: &str = "20261125";
const LEAST_CASES: usize = 2000;
const LIMIT: Duration = Duration::from_secs(300);
const BUCKET: &str = "selections";

/// NumPy's selections that this library does not make, each with what to do instead; the text form refuses them by name.
const REFUSED: [(&str, &str); 5] = [
    ("::-1", "a negative step: list the indices"),
    ("::0", "a step of 0, which NumPy refuses too"),
    (
        "[[0 1] [1 0]]",
        "a list of lists: points are a list of coordinates",
    ),
    ("None", "a new dimension: it is the caller's to add"),
    ("..., 0, ...", "two ellipses, which NumPy refuses too"),
];

pub(crate) fn equal_numpy(python: &Python) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("selections.py");
    std::fs::write(&script, SCRIPT)?;
    let mut command = Command::new(&python.program);
    command
        .arg(&script)
        .arg(folder.path())
        .args([ARRAYS, SELECTIONS, SEED]);
    let outcome = child::wait(command, LIMIT)?;
    outcome.check()?;
    print!("{}", outcome.stdout);
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.path().join("cases.json"))?)?;
    let expected = std::fs::read(folder.path().join("expected.bin"))?;
    if cases.len() < LEAST_CASES {
        return Err(format!("only {} cases", cases.len()).into());
    }

    let server = GcsServer::start(BUCKET);
    server.load_dir(BUCKET, folder.path().join("arrays"), "");
    let wrong: Vec<String> = [local(&folder.path().join("arrays")), bucket(&server)]
        .into_iter()
        .flat_map(|store| {
            let wrong: Vec<String> = cases
                .iter()
                .filter_map(|case| wrong(&store, case, &expected).err())
                .collect();
            block_on(store.close()).unwrap();
            wrong
        })
        .collect();
    if !wrong.is_empty() {
        return Err(format!(
            "{} wrong, such as\n{}",
            wrong.len(),
            wrong[..wrong.len().min(20)].join("\n")
        )
        .into());
    }
    for (text, what) in REFUSED {
        match Selection::parse(text, &[4, 4, 4], &[None, None, None]) {
            Err(Error::InvalidSelection { reason }) => println!("refused: {text} ({what}): {reason}"),
            other => return Err(format!("{text}: {other:?}").into()),
        }
    }
    Ok(())
}

fn store(fs: impl FileSystem) -> Arc<Store> {
    Store::new(Box::new(fs), FsPath::root(), StoreOptions::default())
}

fn local(root: &Path) -> Arc<Store> {
    store(LocalFileSystem::new(root))
}

fn bucket(server: &GcsServer) -> Arc<Store> {
    let mut options = zarr_fs::Options::new();
    options.set("endpoint_url", server.url().into()).unwrap();
    let config = GcsConfig::new(format!("gs://{BUCKET}")).with_anonymous();
    store(config.with_options(options).open().unwrap())
}

/// Holds one case against the array in a store.
fn wrong(store: &Arc<Store>, case: &Value, expected: &[u8]) -> Result<(), String> {
    let path = NodePath::parse(format!("/{}", case["array"].as_str().unwrap())).unwrap();
    let node = block_on(hierarchy::open(store, &path, OpenOptions::default()));
    let array = node
        .and_then(|node| node.into_array())
        .map_err(|error| format!("{case}: {error}"))?;
    let read = match case["points"].as_array() {
        Some(points) => {
            let points: Vec<Vec<i64>> = points.iter().map(integers).collect();
            block_on(array.read_points(&points, &ReadOptions::default()))
        }
        None => block_on(select(&array, case)),
    };
    match (read, case.get("error")) {
        (Err(Error::InvalidSelection { .. }), Some(_)) => Ok(()),
        (Err(error), _) => Err(format!("{case}: {error}")),
        (Ok(data), Some(_)) => Err(format!("{case}: NumPy refuses, we read {:?}", data.shape())),
        (Ok(data), None) => {
            let shape: Vec<u64> = integers(&case["shape"])
                .into_iter()
                .map(|length| length as u64)
                .collect();
            let start = case["offset"].as_u64().unwrap() as usize;
            let expected = &expected[start..start + case["bytes"].as_u64().unwrap() as usize];
            if data.shape() == shape && data.as_bytes() == Some(expected) {
                Ok(())
            } else {
                Err(format!(
                    "{case}: {:?} {:?} where {expected:?} is",
                    data.shape(),
                    data.as_bytes()
                ))
            }
        }
    }
}

async fn select(array: &Array, case: &Value) -> Result<ArrayData, Error> {
    let selects: Vec<Select> = case["select"].as_array().unwrap().iter().map(one).collect();
    let selection = Selection::new(&selects, array.shape());
    // Masks have no text; what has one means the same in both forms.
    if let Some(text) = selects.iter().map(text).collect::<Option<Vec<_>>>() {
        // The comma at the end, as NumPy takes it: `[3]` alone would be the index 3 in brackets.
        let text = text.into_iter().map(|text| text + ",").collect::<String>();
        let parsed = Selection::parse(&text, array.shape(), &[]);
        assert_eq!(parsed.is_ok(), selection.is_ok(), "{text:?}: {parsed:?}");
        assert!(parsed.ok() == selection.as_ref().ok().cloned(), "{text:?}");
    }
    Ok(array.read_data(&selection?, &ReadOptions::default()).await?.0)
}

fn integers(list: &Value) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_i64().unwrap())
        .collect()
}

fn one(select: &Value) -> Select {
    if select == "ellipsis" {
        return Select::Ellipsis;
    }
    let (kind, value) = select.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "index" => Select::Index(value.as_i64().unwrap()),
        "range" => Select::Range {
            start: value[0].as_i64(),
            stop: value[1].as_i64(),
            step: value[2].as_u64().unwrap_or(1),
        },
        "list" => Select::Indices(integers(value)),
        "mask" => Select::Mask(
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|chosen| chosen.as_bool().unwrap())
                .collect(),
        ),
        kind => panic!("{kind}"),
    }
}

fn text(select: &Select) -> Option<String> {
    let bound = |bound: &Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
    Some(match select {
        Select::Index(index) => index.to_string(),
        Select::Range { start, stop, step } => format!("{}:{}:{step}", bound(start), bound(stop)),
        Select::Indices(list) => {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("[{}]", list.join(" "))
        }
        Select::Mask(_) => return None,
        Select::Ellipsis => "...".to_owned(),
    })
}
