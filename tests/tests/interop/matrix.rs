//! What we write, others read: every data type with every codec, in v2, v3 and shards, through our public API. The peers'
//! script compares bit for bit; what a peer does not read is in the table of refusals.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use zarr_core::array::{Array, ReadOptions, Select, Selection, WriteOptions};
use zarr_core::codec::{Chunk, VariableLength};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::{ComplexName, Endianness, FloatKind, IntKind, TimeScale, TimeUnit};
use zarr_core::metadata::{
    ArrayMetadata, DataType, Json, NamedConfig, Order, V2ArrayBuilder, V3ArrayBuilder,
};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{LocalFileSystem, Path as FsPath};
use zarr_tests::random::Random;

use super::chains::{self, Chain};
use super::values;

/// Two chunks of `[4, 3]` in each direction, those at the end cut off.
const SHAPE: [u64; 2] = [7, 4];
const ELEMENTS: usize = 28;

/// What was written.
pub(crate) struct Written {
    pub(crate) folder: PathBuf,
    /// For the peers' script.
    pub(crate) manifest: PathBuf,
    pub(crate) arrays: usize,
    /// Combinations that our own check of codecs refuses: pcodec of booleans and the like.
    pub(crate) refused: Vec<String>,
}

/// Writes every combination below `folder`.
pub(crate) fn write(folder: &Path) -> Written {
    let mut writer = Writer::new(folder);
    for data_type in v3_types() {
        for (turn, chain) in chains::of_v3(&data_type).into_iter().enumerate() {
            writer.v3(&data_type, &chain, turn);
        }
    }
    for data_type in v2_types() {
        let object = match &data_type {
            DataType::String => Some("vlen-utf8"),
            DataType::Bytes(_) => Some("vlen-bytes"),
            _ => None,
        };
        let object = object.map(NamedConfig::new);
        for (endianness, order) in [(Endianness::Little, Order::C), (Endianness::Big, Order::F)] {
            for (turn, chain) in chains::of_v2(&data_type, endianness, object.as_ref())
                .into_iter()
                .enumerate()
            {
                writer.v2(&data_type, &chain, endianness, order, turn);
            }
        }
    }
    writer.finish()
}

fn v3(json: &str) -> DataType {
    DataType::parse_v3(&Json::parse(json.as_bytes()).unwrap()).unwrap()
}

fn v3_types() -> Vec<DataType> {
    let mut types = v2_numbers();
    types.extend(
        IntKind::ALL
            .into_iter()
            .filter(|kind| kind.bits() < 8)
            .map(DataType::Int),
    );
    types.extend(
        FloatKind::ALL
            .into_iter()
            .filter(|kind| kind.bits() <= 8 || *kind == FloatKind::BFloat16)
            .map(DataType::Float),
    );
    types.extend(
        [
            FloatKind::BFloat16,
            FloatKind::Float16,
            FloatKind::Float32,
            FloatKind::Float64,
        ]
        .map(|component| DataType::Complex {
            component,
            name: ComplexName::Component,
        }),
    );
    types.extend(
        [
            r#""r24""#,
            r#"{"name":"raw_bytes","configuration":{"length_bytes":6}}"#,
            r#"{"name":"null_terminated_bytes","configuration":{"length_bytes":5}}"#,
            r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":12}}"#,
            r#"{"name":"numpy.datetime64","configuration":{"unit":"ns","scale_factor":1}}"#,
            r#"{"name":"numpy.timedelta64","configuration":{"unit":"us","scale_factor":25}}"#,
            r#"{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int16"},{"name":"b","data_type":"float64"},{"name":"c","data_type":"bool"}]}}"#,
            r#""string""#,
            r#""bytes""#,
            r#""variable_length_bytes""#,
        ]
        .map(v3),
    );
    types
}

/// The types that both formats have.
fn v2_numbers() -> Vec<DataType> {
    let mut types = vec![DataType::Bool];
    types.extend(
        IntKind::ALL
            .into_iter()
            .filter(|kind| kind.bits() >= 8)
            .map(DataType::Int),
    );
    types.extend([FloatKind::Float16, FloatKind::Float32, FloatKind::Float64].map(DataType::Float));
    types.extend(
        [FloatKind::Float32, FloatKind::Float64].map(|component| DataType::Complex {
            component,
            name: ComplexName::TotalBits,
        }),
    );
    types
}

fn v2_types() -> Vec<DataType> {
    let mut types = v2_numbers();
    types.extend([
        DataType::RawBytes { size_bytes: 6 },
        DataType::NullTerminatedBytes { size_bytes: 5 },
        DataType::FixedLengthUtf32 { code_points: 3 },
        DataType::DateTime64(TimeScale {
            unit: TimeUnit::Nanosecond,
            scale_factor: 1,
        }),
        DataType::TimeDelta64(TimeScale {
            unit: TimeUnit::Microsecond,
            scale_factor: 25,
        }),
        v3(
            r#"{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int16"},{"name":"b","data_type":"complex64"},{"name":"c","data_type":"bool"}]}}"#,
        ),
        DataType::String,
        v3(r#""bytes""#),
    ]);
    types
}

struct Writer {
    folder: PathBuf,
    stores: [Arc<Store>; 2],
    rows: Vec<serde_json::Value>,
    refused: Vec<String>,
    failed: Vec<String>,
}

impl Writer {
    fn new(folder: &Path) -> Self {
        let store = |name: &str| {
            let root = folder.join(name);
            std::fs::create_dir_all(&root).unwrap();
            Store::new(
                Box::new(LocalFileSystem::new(root)),
                FsPath::root(),
                StoreOptions::default().writable(),
            )
        };
        Self {
            folder: folder.to_owned(),
            stores: [store("v2"), store("v3")],
            rows: Vec::new(),
            refused: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn v3(&mut self, data_type: &DataType, chain: &Chain, turn: usize) {
        let mut random = self.random();
        let fill = values::fill(data_type, chain.values, turn, &mut random);
        let chunk: &[u64] = if chain.label.starts_with("sharded") {
            &[4, 4]
        } else {
            &[4, 3]
        };
        let metadata = V3ArrayBuilder::new(&SHAPE, data_type.clone())
            .chunk_shape(chunk)
            .codecs(chain.codecs.clone())
            .fill_value(fill)
            .build();
        let cell = format!("v3|{}|{}", data_type.name(), chain.label);
        self.array(cell, metadata, chain, &mut random, 3);
    }

    fn v2(
        &mut self,
        data_type: &DataType,
        v2: &chains::V2Chain,
        endianness: Endianness,
        order: Order,
        turn: usize,
    ) {
        let mut random = self.random();
        let fill = values::fill(data_type, v2.chain.values, turn, &mut random);
        let metadata = V2ArrayBuilder::new(&SHAPE, data_type.clone())
            .chunk_shape(&[4, 3])
            .endianness(endianness)
            .order(order)
            .filters(v2.chain.codecs.clone())
            .compressor(v2.compressor.clone())
            .fill_value(Some(fill))
            .build();
        let layout = if order == Order::C { "little C" } else { "big F" };
        let cell = format!("v2 {layout}|{}|{}", data_type.name(), v2.chain.label);
        self.array(cell, metadata, &v2.chain, &mut random, 2);
    }

    /// The number of the next array.
    fn number(&self) -> usize {
        self.rows.len() + self.refused.len() + self.failed.len()
    }

    /// Each array has a seed of its own.
    fn random(&self) -> Random {
        Random::new(self.number() as u64)
    }

    fn array(
        &mut self,
        cell: String,
        metadata: Result<ArrayMetadata, zarr_core::metadata::MetadataError>,
        chain: &Chain,
        random: &mut Random,
        format: u8,
    ) {
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(error) => return self.refused.push(format!("{cell}: {error}")),
        };
        let data_type = metadata.data_type().clone();
        let elements = values::elements(&data_type, chain.values, ELEMENTS, random);
        let fill = metadata.fill_value().unwrap().element().to_vec();
        let name = format!("a{}", self.number());
        let store = &self.stores[usize::from(format - 2)];
        let path = NodePath::parse(format!("/{name}")).unwrap();
        let array = block_on(create_array(store, &path, metadata, CreateMode::Create)).unwrap();
        match array.ensure_readable() {
            Ok(()) => {}
            Err(error @ (Error::InvalidCodecs { .. } | Error::Unsupported { .. })) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                return self
                    .refused
                    .push(format!("{cell}: {}", source.unwrap_or_default()));
            }
            Err(error) => panic!("{cell}: {error}"),
        }
        let ours = match write_and_read(&array, &elements) {
            Ok(ours) => ours,
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                return self
                    .failed
                    .push(format!("{cell}: {error}: {}", source.unwrap_or_default()));
            }
        };
        let written = elements.into_iter().enumerate().map(|(index, element)| {
            let missing = index / 4 >= 4 && index % 4 >= 2;
            if missing { fill.clone() } else { element }
        });
        let written: Vec<Vec<u8>> = written.collect();
        if !chain.lossy && ours != written {
            return self
                .failed
                .push(format!("{cell}: we read something else than we wrote"));
        }
        let expected = self.folder.join(format!("{name}.bin"));
        std::fs::write(&expected, values::packed(&data_type, &ours)).unwrap();
        let bits = match &data_type {
            DataType::Int(kind) => kind.bits(),
            DataType::Float(kind) => kind.bits(),
            _ => 8,
        };
        self.rows.push(json!({
            "cell": cell,
            "path": self.folder.join(format!("v{format}")).join(name),
            "zarr_format": format,
            "shape": SHAPE,
            "mask": if bits < 8 { (1_u32 << bits) - 1 } else { 0xff },
            "fields": match &data_type {
                DataType::Struct(structure) => structure.fields().iter().map(|field| field.name()).collect(),
                _ => Vec::new(),
            },
            "expected": expected,
        }));
    }

    fn finish(self) -> Written {
        assert!(self.failed.is_empty(), "{}", self.failed.join("\n"));
        for store in self.stores {
            block_on(store.close()).unwrap();
        }
        let manifest = self.folder.join("manifest.json");
        std::fs::write(&manifest, serde_json::to_vec(&self.rows).unwrap()).unwrap();
        Written {
            manifest,
            arrays: self.rows.len(),
            folder: self.folder,
            refused: self.refused,
        }
    }
}

/// Writes all but the block at the lower right, which is the end of a chunk, or of a shard's inner chunks; reads all.
fn write_and_read(array: &Array, elements: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
    let write = |ranges: [std::ops::Range<i64>; 2], elements: &[Vec<u8>]| {
        let selection = Selection::new(&ranges.map(Select::from), array.shape())?;
        let chunk = chunk_of(array.metadata().data_type(), elements);
        block_on(array.write_chunks(&selection, chunk.as_ref(), &WriteOptions::default()))
    };
    write([0..4, 0..4], &elements[..16])?;
    let left: Vec<Vec<u8>> = elements[16..]
        .chunks(4)
        .flat_map(|row| row[..2].to_vec())
        .collect();
    write([4..7, 0..2], &left)?;
    let (all, _) = block_on(array.read_data(&Selection::all(&SHAPE), &ReadOptions::default()))?;
    Ok((0..ELEMENTS)
        .map(|index| all.element(index).unwrap().to_vec())
        .collect())
}

/// Elements in the form that arrays are written from.
pub(crate) fn chunk_of(data_type: &DataType, elements: &[Vec<u8>]) -> Chunk {
    if data_type.size_bytes().is_some() {
        return Chunk::Fixed(elements.concat());
    }
    let mut values = VariableLength::default();
    elements.iter().for_each(|element| values.push(element));
    Chunk::Variable(values)
}
