//! The corpus: every array of the corpus that it can read is read by us, written by us with the same
//! document, and compared by it with the original, bit for bit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures::executor::block_on;
use libtest_mimic::Failed;
use zarr_core::array::{ReadOptions, Selection, WriteOptions};
use zarr_core::hierarchy::{self, CreateMode, OpenOptions, create_array};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{LocalFileSystem, Path as FsPath};
use zarr_tests::{child, python};

const COMPARE: &str = r#"
import json, sys, warnings
import numpy as np, zarr
warnings.simplefilter("ignore")
zarr.config.set({"array.rectilinear_chunks": True})
wrong, count = [], 0
def same(a, b):
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "OT":
        return all(x == y for x, y in zip(a.ravel().tolist(), b.ravel().tolist()))
    return np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
for pair in json.load(open(sys.argv[1])):
    count += 1
    try:
        ours = np.asarray(zarr.open_array(pair["ours"], mode="r")[...])
        original = np.asarray(zarr.open_array(pair["original"], mode="r")[...])
        if not same(original, ours):
            wrong.append(f"{pair['id']}: differs")
    except Exception as error:
        wrong.append(f"{pair['id']}: {type(error).__name__}: {error}")
print(f"{count} arrays compared by zarr-python {zarr.__version__}")
if wrong:
    sys.exit("\n".join(wrong))
"#;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

pub(crate) fn zarr_python_reads(python: &python::Python) -> Result<(), Failed> {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data().join("manifest.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut pairs, mut unwritable) = (Vec::new(), Vec::new());
    for (number, array) in manifest["arrays"].as_array().unwrap().iter().enumerate() {
        if array["readers"]["zarr-python"] != "ok" {
            continue;
        }
        let id = array["id"].as_str().unwrap();
        let original = data().join(array["store"].as_str().unwrap());
        let path = array["path"].as_str().unwrap();
        let ours = folder.path().join(number.to_string());
        match block_on(copy(&original, path, &ours)) {
            Ok(()) => pairs.push(
                serde_json::json!({ "id": id, "original": original.join(path), "ours": ours.join("a") }),
            ),
            Err(Error::Unsupported { what, .. }) => unwritable.push(format!("{id}: {what}")),
            Err(error) => {
                return Err(format!("{id}: {error}: {:?}", std::error::Error::source(&error)).into());
            }
        }
    }
    println!(
        "{} arrays written; {} not written: {unwritable:?}",
        pairs.len(),
        unwritable.len()
    );
    if unwritable.len() * 20 > pairs.len() {
        return Err(format!("too many arrays cannot be written: {unwritable:?}").into());
    }
    let list = folder.path().join("pairs.json");
    std::fs::write(&list, serde_json::to_vec(&pairs).unwrap()).unwrap();
    let mut command = Command::new(&python.program);
    command.args(["-c", COMPARE]).arg(&list);
    let outcome = child::wait(command, Duration::from_secs(300))?;
    print!("{}", outcome.stdout);
    Ok(outcome.check()?)
}

/// Reads an array and writes it with the same document to another store.
async fn copy(original: &Path, path: &str, ours: &Path) -> Result<(), Error> {
    let source = Store::new(
        Box::new(LocalFileSystem::new(original)),
        FsPath::root(),
        StoreOptions::default(),
    );
    let path = NodePath::parse(format!("/{path}"))?;
    let array = hierarchy::open(&source, &path, OpenOptions::default())
        .await?
        .into_array()?;
    let all = Selection::all(array.shape());
    let (data, _) = array.read_data(&all, &ReadOptions::default()).await?;
    std::fs::create_dir_all(ours).unwrap();
    let target = Store::new(
        Box::new(LocalFileSystem::new(ours)),
        FsPath::root(),
        StoreOptions::default().writable(),
    );
    let metadata = array.metadata().clone();
    let copy = create_array(&target, &NodePath::parse("/a")?, metadata, CreateMode::Create).await?;
    let written = copy.write_data(&all, &data, &WriteOptions::default()).await;
    target.close().await.unwrap();
    source.close().await.unwrap();
    written.map(drop)
}
