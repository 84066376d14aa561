//! v2 arrays of Python objects: we write, zarr-python 2 reads and changes, we change, it reads again. (zarr-python 3 has no
//! data type for them.)

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures::executor::block_on;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use zarr_core::array::{Array, Select, Selection, WriteOptions};
use zarr_core::codec::{Chunk, VariableLength};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::ObjectType;
use zarr_core::metadata::{DataType, NamedConfig, Order, V2ArrayBuilder};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{LocalFileSystem, Path as FsPath};
use zarr_tests::child;
use zarr_tests::python::Python;

/// The last version that knows these arrays.
pub(crate) const PACKAGES: [&str; 6] = [
    "zarr==2.18.7",
    "numcodecs[msgpack,zfpy,pcodec,crc32c]==0.15.1",
    "numpy==2.5.5",
    "zfpy==1.0.1",
    "crc32c==2.8",
    "msgpack==1.2.4",
];

const SCRIPT: &str = include_str!("objects.py");
const LIMIT: Duration = Duration::from_secs(120);
/// What elements are, and what Python has for them.
const ELEMENTS: [&str; 8] = [
    "text",
    "-7",
    "",
    r#"{"a":[1,null]}"#,
    "2.5",
    "é漢🙂\"",
    "true",
    "[]",
];

/// An array, what must be in it, and whether zarr-python changes it.
struct Objects {
    array: Array,
    values: Value,
    changed: bool,
}

pub(crate) fn are_read_by_zarr_python_2(python: &Python) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("objects.py");
    std::fs::write(&script, SCRIPT)?;
    let store = Store::new(
        Box::new(LocalFileSystem::new(folder.path())),
        FsPath::root(),
        StoreOptions::default().writable(),
    );
    let mut arrays: Vec<Objects> = Vec::new();
    for codec in ["json2", "msgpack2"] {
        for (shape, chunk) in [
            (vec![], vec![]),
            (vec![2, 2], vec![2, 3]),
            (vec![8], vec![3]),
            (vec![3, 5], vec![2, 3]),
            (vec![2, 3, 4], vec![2, 3, 2]),
        ] {
            for order in [Order::C, Order::F] {
                let path = NodePath::parse(format!("/{}", arrays.len())).unwrap();
                let metadata = V2ArrayBuilder::new(&shape, DataType::Object(ObjectType::Json))
                    .chunk_shape(&chunk)
                    .order(order)
                    .filters(vec![NamedConfig::new(codec)])
                    .build()
                    .unwrap();
                let array = block_on(create_array(&store, &path, metadata, CreateMode::Create)).unwrap();
                let count = shape.iter().product::<u64>() as usize;
                let elements: Vec<Vec<u8>> = ELEMENTS
                    .iter()
                    .cycle()
                    .take(count)
                    .map(|e| e.as_bytes().to_vec())
                    .collect();
                write(&array, &Selection::all(&shape), &elements).unwrap();
                let values = elements.iter().map(|element| value(element)).collect();
                // numcodecs writes no MessagePack without dimensions, and of order F zarr-python 2 misreads what it
                // has written itself.
                let changed = !shape.is_empty() && order == Order::C;
                arrays.push(Objects {
                    array,
                    values,
                    changed,
                });
            }
        }
    }
    check(python, folder.path(), &script, &arrays)?;
    // The text "1" is there now, which for us is the element 1; it must stay a text while its neighbour becomes a number.
    for Objects {
        array,
        values,
        changed,
    } in &mut arrays
    {
        if *changed {
            values[0] = json!("1");
        }
        let last: Vec<Select> = array.shape().iter().map(|_| Select::Index(-1)).collect();
        if !last.is_empty() {
            write(
                array,
                &Selection::new(&last, array.shape()).unwrap(),
                &[b"42".to_vec()],
            )
            .unwrap();
            *values.as_array_mut().unwrap().last_mut().unwrap() = json!(42);
        }
    }
    check(python, folder.path(), &script, &arrays)?;
    block_on(store.close())?;
    Ok(())
}

fn value(element: &[u8]) -> Value {
    let text = std::str::from_utf8(element).unwrap();
    match text {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn write(array: &Array, selection: &Selection, elements: &[Vec<u8>]) -> Result<(), Error> {
    let mut values = VariableLength::default();
    elements.iter().for_each(|element| values.push(element));
    let values = Chunk::Variable(values);
    block_on(array.write_chunks(selection, values.as_ref(), &WriteOptions::default())).map(drop)
}

fn check(python: &Python, folder: &Path, script: &Path, arrays: &[Objects]) -> Result<(), Failed> {
    let rows: Vec<Value> = arrays
        .iter()
        .enumerate()
        .map(|(name, objects)| {
            json!({
                "path": folder.join(name.to_string()),
                "values": objects.values,
                "change": objects.changed,
            })
        })
        .collect();
    let manifest = folder.join("manifest.json");
    std::fs::write(&manifest, serde_json::to_vec(&rows)?)?;
    let mut command = Command::new(&python.program);
    command.arg(script).arg(&manifest);
    let outcome = child::wait(command, LIMIT)?;
    print!("{}", outcome.stdout);
    Ok(outcome.check()?)
}
