//! Every array of the conformance corpus, decoded chunk by chunk from local files and compared with its hash; and every
//! bad chunk, refused.
//!
//! Chunks are found and put together here in the plainest way; the array API has its own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use zarr_core::codec::{Chunk, CodecChain, Order, Scratch, VariableLength, object_type};
use zarr_core::metadata::data_type::{Endianness, V2DataType};
use zarr_core::metadata::fill_value::FillValue;
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{DataType, Json, NamedConfig};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

type Failure = Box<dyn std::error::Error>;

/// What is needed of an array's metadata.
struct Array {
    root: PathBuf,
    shape: Vec<u64>,
    /// The edges of the chunks along each dimension.
    edges: Vec<Vec<u64>>,
    data_type: DataType,
    fill: Vec<u8>,
    key: Box<dyn Fn(&[u64]) -> String>,
    chain: Box<dyn Fn(&[u64]) -> Result<CodecChain, Failure>>,
}

fn numbers(json: &Json) -> Option<Vec<u64>> {
    json.as_array()?.iter().map(Json::as_u64).collect()
}

/// Edges of equal chunks, or of a rectilinear dimension.
fn edges(length: u64, chunks: &Json) -> Option<Vec<u64>> {
    if let Some(edge) = chunks.as_u64() {
        // Chunks of length 0 belong to dimensions of length 0.
        let count = if edge == 0 { 0 } else { length.div_ceil(edge) };
        return Some(vec![edge; usize::try_from(count).ok()?]);
    }
    let mut edges = Vec::new();
    for item in chunks.as_array()? {
        match item.as_array() {
            Some([edge, count]) => edges.extend((0..count.as_u64()?).map(|_| edge.as_u64().unwrap_or(0))),
            _ => edges.push(item.as_u64()?),
        }
    }
    Some(edges)
}

fn config(json: &Json) -> Result<NamedConfig, Failure> {
    Ok(NamedConfig::parse(json)?)
}

fn open_v3(root: PathBuf) -> Result<Array, Failure> {
    let document = Json::parse(&fs::read(root.join("zarr.json"))?)?;
    let get = |key: &str| {
        document
            .get(key)
            .ok_or_else(|| Failure::from(format!("no {key}")))
    };
    let shape = numbers(get("shape")?).ok_or("shape")?;
    let data_type = DataType::parse_v3(get("data_type")?)?;
    let grid = config(get("chunk_grid")?)?;
    let chunks = grid
        .get("chunk_shape")
        .or_else(|| grid.get("chunk_shapes"))
        .and_then(Json::as_array)
        .ok_or("chunk grid")?;
    let all_edges = shape
        .iter()
        .zip(chunks)
        .map(|(length, chunks)| edges(*length, chunks))
        .collect::<Option<Vec<_>>>()
        .ok_or("edges")?;
    let encoding = config(get("chunk_key_encoding")?)?;
    let default = encoding.name() == "default";
    let separator = encoding
        .get("separator")
        .and_then(Json::as_str)
        .unwrap_or(if default { "/" } else { "." })
        .to_owned();
    let codecs = get("codecs")?
        .as_array()
        .ok_or("codecs")?
        .iter()
        .map(config)
        .collect::<Result<Vec<_>, _>>()?;
    let big = codecs
        .iter()
        .any(|codec| codec.name() == "bytes" && codec.get("endian").and_then(Json::as_str) == Some("big"));
    let fill = FillValue::parse_v3(
        &data_type,
        get("fill_value")?,
        if big { Endianness::Big } else { Endianness::Little },
    )?;
    let fill = fill.element().to_vec();
    let chain_fill = fill.clone();
    let chain_type = data_type.clone();
    Ok(Array {
        root,
        shape,
        edges: all_edges,
        data_type,
        fill,
        key: Box::new(move |chunk| {
            let mut parts: Vec<String> = chunk.iter().map(u64::to_string).collect();
            if default {
                parts.insert(0, "c".to_owned());
            } else if parts.is_empty() {
                parts.push("0".to_owned());
            }
            parts.join(&separator)
        }),
        chain: Box::new(move |shape| Ok(CodecChain::from_v3(&codecs, &chain_type, &chain_fill, shape)?)),
    })
}

fn open_v2(root: PathBuf) -> Result<Array, Failure> {
    let document = Json::parse(&fs::read(root.join(".zarray"))?)?;
    let get = |key: &str| {
        document
            .get(key)
            .ok_or_else(|| Failure::from(format!("no {key}")))
    };
    let shape = numbers(get("shape")?).ok_or("shape")?;
    let chunks = get("chunks")?.as_array().ok_or("chunks")?;
    let all_edges = shape
        .iter()
        .zip(chunks)
        .map(|(length, chunks)| edges(*length, chunks))
        .collect::<Option<Vec<_>>>()
        .ok_or("edges")?;
    let object = |json: &Json| json.as_object().cloned().ok_or("a codec is no object");
    let filters = get("filters")?
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(object)
        .collect::<Result<Vec<Object>, _>>()?;
    let compressor = document
        .get("compressor")
        .filter(|json| !json.is_null())
        .map(object)
        .transpose()?;
    let mut data_type = V2DataType::parse(get("dtype")?)?;
    if matches!(data_type.data_type, DataType::Object(_)) {
        data_type.data_type = object_type(&filters).ok_or("no object codec")?;
    }
    let order = if get("order")?.as_str() == Some("F") {
        Order::F
    } else {
        Order::C
    };
    let fill = FillValue::parse_v2(&data_type, get("fill_value")?)?
        .element()
        .to_vec();
    let separator = document
        .get("dimension_separator")
        .and_then(Json::as_str)
        .unwrap_or(".")
        .to_owned();
    let chain_fill = fill.clone();
    let chain_type = data_type.clone();
    Ok(Array {
        root,
        shape,
        edges: all_edges,
        data_type: data_type.data_type,
        fill,
        key: Box::new(move |chunk| {
            let parts: Vec<String> = chunk.iter().map(u64::to_string).collect();
            if parts.is_empty() {
                "0".to_owned()
            } else {
                parts.join(&separator)
            }
        }),
        chain: Box::new(move |shape| {
            Ok(CodecChain::from_v2(
                &chain_type,
                order,
                &filters,
                compressor.as_ref(),
                &chain_fill,
                shape,
            )?)
        }),
    })
}

fn open(entry: &Json) -> Result<Array, Failure> {
    let text = |key: &str| entry.get(key).and_then(Json::as_str).unwrap_or_default();
    let root = data().join(text("store")).join(text("path"));
    if entry.get("zarr_format").and_then(Json::as_u64) == Some(3) {
        open_v3(root)
    } else {
        open_v2(root)
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
    let total = usize::try_from(array.shape.iter().product::<u64>())?;
    let mut elements = vec![array.fill.clone(); total];
    let counts: Vec<u64> = array.edges.iter().map(|edges| edges.len() as u64).collect();
    for chunk in positions(&counts) {
        let path = array.root.join((array.key)(&chunk));
        let Ok(encoded) = fs::read(&path) else { continue };
        let at = |dimension: usize| usize::try_from(chunk[dimension]).unwrap();
        let shape: Vec<u64> = array
            .edges
            .iter()
            .enumerate()
            .map(|(dimension, edges)| edges[at(dimension)])
            .collect();
        let start: Vec<u64> = array
            .edges
            .iter()
            .enumerate()
            .map(|(dimension, edges)| edges[..at(dimension)].iter().sum())
            .collect();
        let chain = (array.chain)(&shape)?;
        let decoded = chain.decode(&encoded, &mut scratch)?;
        if let Chunk::Fixed(bytes) = &decoded {
            // The other entry point gives the same.
            let mut again = vec![0x5a; bytes.len()];
            chain.decode_into(&encoded, &mut again, &mut scratch)?;
            assert_eq!(&again, bytes, "{}", path.display());
        }
        let one = VariableLength::default();
        let (fixed, variable) = match &decoded {
            Chunk::Fixed(bytes) => (bytes.as_slice(), &one),
            Chunk::Variable(values) => (&[][..], values),
        };
        for (index, position) in positions(&shape).into_iter().enumerate() {
            let place: Vec<u64> = position
                .iter()
                .zip(&start)
                .map(|(position, start)| position + start)
                .collect();
            if place
                .iter()
                .zip(&array.shape)
                .any(|(place, length)| place >= length)
            {
                continue;
            }
            let to = place
                .iter()
                .zip(&array.shape)
                .fold(0, |index, (place, length)| index * length + place);
            let element = match array.data_type.size_bytes() {
                Some(size) => &fixed[index * size..(index + 1) * size],
                None => variable.get(index).unwrap(),
            };
            elements[usize::try_from(to)?] = element.to_vec();
        }
    }
    Ok(elements)
}

fn hash(array: &Array, elements: &[Vec<u8>]) -> String {
    let mut hash = Sha256::new();
    for element in elements {
        if array.data_type.is_variable() {
            hash.update(u32::try_from(element.len()).unwrap().to_le_bytes());
        }
        hash.update(element);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest(key: &str) -> Vec<Json> {
    let manifest = Json::parse(&fs::read(data().join("manifest.json")).unwrap()).unwrap();
    manifest.get(key).and_then(Json::as_array).unwrap().to_vec()
}

fn id(entry: &Json) -> &str {
    entry.get("id").and_then(Json::as_str).unwrap()
}

#[test]
fn every_array_of_the_corpus_has_its_hash() {
    let entries = manifest("arrays");
    assert_eq!(entries.len(), 296);
    let mut wrong = Vec::new();
    for entry in &entries {
        let expected = entry.get("sha256").and_then(Json::as_str).unwrap();
        match open(entry).and_then(|array| read(&array).map(|elements| hash(&array, &elements))) {
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
fn every_bad_chunk_of_the_corpus_is_refused_quickly_and_cheaply() {
    let chunks: Vec<Json> = manifest("bad")
        .into_iter()
        .filter(|entry| entry.get("layer").and_then(Json::as_str) == Some("chunk"))
        .collect();
    assert!(chunks.len() >= 20);
    let mut wrong = Vec::new();
    for entry in &chunks {
        let begin = Instant::now();
        // Only the first chunk: the array of `shard_index_huge` has 2^40 elements.
        let refused = open(entry).and_then(|array| {
            let shape: Vec<u64> = array.edges.iter().map(|edges| edges[0]).collect();
            let encoded = fs::read(array.root.join((array.key)(&vec![0; shape.len()])))?;
            (array.chain)(&shape)?.decode(&encoded, &mut Scratch::new())?;
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
}
