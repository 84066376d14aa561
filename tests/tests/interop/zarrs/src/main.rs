//! Reads every array of a manifest with zarrs and says of each: read, other bytes, or zarrs' own refusal.
//!
//! Usage: `zarr-interop-zarrs MANIFEST`. Prints what `peers.py` prints of the others, one JSON object: cell -> `read` |
//! `differs: …` | `refused: …`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use zarrs::array::{Array, ArrayBytes};
use zarrs::filesystem::FilesystemStore;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One array of the manifest.
#[derive(Deserialize)]
struct Row {
    cell: String,
    path: PathBuf,
    shape: Vec<u64>,
    /// The bits of each byte that count.
    mask: u8,
    /// The file with the bytes that are to be found.
    expected: PathBuf,
}

fn main() -> Result<()> {
    let manifest = std::env::args_os().nth(1).ok_or("a manifest is needed")?;
    let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(manifest)?)?;
    // A panic is an answer like any other here.
    std::panic::set_hook(Box::new(|_| {}));
    let mut outcomes = BTreeMap::new();
    for row in rows {
        let expected = std::fs::read(&row.expected)?;
        let outcome = match catch_unwind(AssertUnwindSafe(|| read(&row))) {
            Ok(Ok(found)) if found == expected => "read".to_owned(),
            Ok(Ok(found)) => {
                let same = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
                let (found, expected) = (hex(&found[same..]), hex(&expected[same..]));
                format!("differs: {found} where {expected} was written, from byte {same} on")
            }
            Ok(Err(error)) => format!("refused: {error}"),
            Err(panic) => format!("refused: panic: {}", message(&*panic)),
        };
        outcomes.insert(row.cell, outcome);
    }
    println!("{}", serde_json::to_string(&outcomes)?);
    Ok(())
}

/// The elements in C order, little-endian, each behind its length where they are of variable length.
fn read(row: &Row) -> Result<Vec<u8>> {
    let array = Array::open(Arc::new(FilesystemStore::new(&row.path)?), "/")?;
    if array.shape() != row.shape {
        return Err(format!("a shape of {:?}", array.shape()).into());
    }
    let bytes: ArrayBytes = array.retrieve_array_subset(&array.subset_all())?;
    match bytes {
        ArrayBytes::Fixed(bytes) => Ok(bytes.iter().map(|byte| byte & row.mask).collect()),
        ArrayBytes::Variable(elements) => {
            let (bytes, offsets) = elements.into_parts();
            let mut framed = Vec::new();
            for pair in offsets.windows(2) {
                framed.extend(u32::try_from(pair[1] - pair[0])?.to_le_bytes());
                framed.extend_from_slice(&bytes[pair[0]..pair[1]]);
            }
            Ok(framed)
        }
        ArrayBytes::Optional(_) => Err("elements that may be absent".into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(30).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("of unknown cause")
}
