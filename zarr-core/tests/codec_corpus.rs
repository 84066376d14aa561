//! Every array of the conformance corpus, decoded chunk by chunk from local files and compared with its hash; and every
//! bad chunk, refused.
//!
//! Chunks are found and put together here in the plainest way; the array API has its own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use zarr_core::codec::{Chunk, CodecChain, Scratch, VariableLength};
use zarr_core::metadata::{ArrayMetadata, Json, NodeMetadata};

type Failure = Box<dyn std::error::Error>;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

/// A chunk as it is stored, if it is there, and its first element and shape.
struct Stored {
    bytes: Option<Vec<u8>>,
    start: Vec<u64>,
    shape: Vec<u64>,
}

struct Array {
    root: PathBuf,
    metadata: ArrayMetadata,
}

fn open(entry: &Json) -> Result<Array, Failure> {
    let text = |key: &str| entry.get(key).and_then(Json::as_str).unwrap_or_default();
    let root = data().join(text("store")).join(text("path"));
    let metadata = if entry.get("zarr_format").and_then(Json::as_u64) == Some(3) {
        match NodeMetadata::parse_v3(&fs::read(root.join("zarr.json"))?)? {
            NodeMetadata::Array(metadata) => *metadata,
            NodeMetadata::Group(_) => return Err("a group".into()),
        }
    } else {
        ArrayMetadata::parse_v2(&fs::read(root.join(".zarray"))?, None)?
    };
    Ok(Array { root, metadata })
}

impl Array {
    fn chunk(&self, chunk: &[u64]) -> Result<Stored, Failure> {
        let ranges = self
            .metadata
            .chunk_grid()?
            .elements_of(chunk)
            .ok_or("no such chunk")?;
        let path = self.root.join(self.metadata.chunk_key_encoding()?.key(chunk));
        let start = ranges.iter().map(|range| range.start).collect();
        let shape = ranges.iter().map(|range| range.end - range.start).collect();
        Ok(Stored {
            bytes: fs::read(path).ok(),
            start,
            shape,
        })
    }
}

/// All positions of a grid in C order.
fn positions(counts: &[u64]) -> Vec<Vec<u64>> {
    counts.iter().fold(vec![Vec::new()], |all, count| {
        all.into_iter()
            .flat_map(|position| (0..*count).map(move |at| [position.as_slice(), &[at]].concat()))
            .collect()
    })
}

/// Every element of the array, as bytes.
fn read(array: &Array) -> Result<Vec<Vec<u8>>, Failure> {
    let mut scratch = Scratch::new();
    let length = array.metadata.shape();
    let total = usize::try_from(length.iter().product::<u64>())?;
    let mut elements = vec![array.metadata.fill_value()?.element().to_vec(); total];
    let counts = array.metadata.chunk_grid()?.grid_shape(length).ok_or("grid")?;
    for chunk in positions(&counts) {
        let Stored { bytes, start, shape } = array.chunk(&chunk)?;
        let Some(encoded) = bytes else { continue };
        let chain = CodecChain::for_array(&array.metadata, &shape)?;
        let decoded = chain.decode(&encoded, &mut scratch)?;
        if let Chunk::Fixed(bytes) = &decoded {
            // The other entry point gives the same.
            let mut again = vec![0x5a; bytes.len()];
            chain.decode_into(&encoded, &mut again, &mut scratch)?;
            assert_eq!(&again, bytes);
        }
        let none = VariableLength::default();
        let (fixed, variable) = match &decoded {
            Chunk::Fixed(bytes) => (bytes.as_slice(), &none),
            Chunk::Variable(values) => (&[][..], values),
        };
        for (index, position) in positions(&shape).into_iter().enumerate() {
            let place: Vec<u64> = position
                .iter()
                .zip(&start)
                .map(|(position, start)| position + start)
                .collect();
            if place.iter().zip(length).any(|(place, length)| place >= length) {
                continue;
            }
            let to = place
                .iter()
                .zip(length)
                .fold(0, |index, (place, length)| index * length + place);
            let element = match array.metadata.data_type().size_bytes() {
                Some(size) => &fixed[index * size..(index + 1) * size],
                None => variable.get(index).ok_or("too few elements")?,
            };
            elements[usize::try_from(to)?] = element.to_vec();
        }
    }
    Ok(elements)
}

fn hash(array: &Array, elements: &[Vec<u8>]) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    for element in elements {
        if array.metadata.data_type().is_variable() {
            hash.update(u32::try_from(element.len())?.to_le_bytes());
        }
        hash.update(element);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn manifest(key: &str) -> Result<Vec<Json>, Failure> {
    let manifest = Json::parse(&fs::read(data().join("manifest.json"))?)?;
    Ok(manifest
        .get(key)
        .and_then(Json::as_array)
        .ok_or("no such list")?
        .to_vec())
}

fn id(entry: &Json) -> &str {
    entry.get("id").and_then(Json::as_str).unwrap_or_default()
}

#[test]
fn every_array_of_the_corpus_has_its_hash() -> Result<(), Failure> {
    let entries = manifest("arrays")?;
    assert_eq!(entries.len(), 296);
    let mut wrong = Vec::new();
    for entry in &entries {
        let expected = entry.get("sha256").and_then(Json::as_str).ok_or("no hash")?;
        match open(entry).and_then(|array| hash(&array, &read(&array)?)) {
            Ok(found) if found == expected => {}
            Ok(_) => wrong.push(format!("{}: other bytes", id(entry))),
            Err(error) => wrong.push(format!("{}: {error}", id(entry))),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        entries.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// Bytes that the process has resident at most, so far.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}

#[test]
fn every_bad_chunk_of_the_corpus_is_refused_quickly_and_cheaply() -> Result<(), Failure> {
    let chunks: Vec<Json> = manifest("bad")?
        .into_iter()
        .filter(|entry| entry.get("layer").and_then(Json::as_str) == Some("chunk"))
        .collect();
    assert!(chunks.len() >= 20);
    let mut wrong = Vec::new();
    for entry in &chunks {
        let begin = Instant::now();
        // Only the first chunk: the array of `shard_index_huge` has 2^40 elements.
        let refused = open(entry).and_then(|array| {
            let first = vec![0; array.metadata.shape().len()];
            let Stored { bytes, shape, .. } = array.chunk(&first)?;
            CodecChain::for_array(&array.metadata, &shape)?
                .decode(&bytes.ok_or("no chunk")?, &mut Scratch::new())?;
            Ok(())
        });
        match refused {
            Ok(()) => wrong.push(format!("{}: accepted", id(entry))),
            Err(error) => println!("{}: {error}", id(entry)),
        }
        if begin.elapsed() > Duration::from_secs(2) {
            wrong.push(format!("{}: took {:?}", id(entry), begin.elapsed()));
        }
    }
    // The other test of this file runs in the same process and stays far below this, too.
    if let Some(peak) = peak() {
        assert!(peak < 256 << 20, "{peak} bytes at most");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
