//! What we write, others read: every data type with every codec, in v2, v3 and shards, through our public API. The peers'
//! script compares bit for bit; what a peer does not read is in the table of refusals.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use zarr_core::array::{Array, ReadOptions, Select, Selection, WriteOptions};
use zarr_core::codec::registry::codecs;
use zarr_core::codec::{Chunk, VariableLength};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::{Endianness, ObjectType};
use zarr_core::metadata::{
    ArrayMetadata, ChunkAxis, ChunkGrid, ChunkKeyEncoding, ChunkRuns, DataType, Order, Separator,
    V2ArrayBuilder, V3ArrayBuilder,
};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{LocalFileSystem, Path as FsPath};
use zarr_tests::random::Random;

use super::chains::{self, Chain};
use super::types::{self, Type};
use super::values::{self, Values};

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
    for data_type in types::of_v3() {
        for chain in chains::of_v3(&data_type.data_type) {
            writer.v3(&data_type, &chain, false);
        }
        for chain in chains::of_rectilinear(&data_type.data_type) {
            writer.v3(&data_type, &chain, true);
        }
    }
    for layout in LAYOUTS {
        for data_type in types::of_v2(layout.endianness) {
            let scalars = match &data_type.data_type {
                DataType::Object(ObjectType::Ragged(item)) => item.as_ref(),
                other => other,
            };
            if layout.endianness == Endianness::Big && !scalars.needs_endian() {
                continue;
            }
            let object = data_type.object.as_ref();
            for chain in chains::of_v2(&data_type.data_type, layout.endianness, object) {
                writer.v2(&data_type, &chain, &layout);
            }
        }
    }
    writer.finish()
}

/// How v2 lays out the elements of a chunk, and the name of it in the table of refusals.
struct Layout {
    name: &'static str,
    endianness: Endianness,
    order: Order,
    /// Of the chunk keys: has nothing to do with the rest, and is tried by the way.
    separator: Separator,
}

const LAYOUTS: [Layout; 4] = [
    Layout {
        name: "v2 little C",
        endianness: Endianness::Little,
        order: Order::C,
        separator: Separator::Dot,
    },
    Layout {
        name: "v2 little F",
        endianness: Endianness::Little,
        order: Order::F,
        separator: Separator::Slash,
    },
    Layout {
        name: "v2 big C",
        endianness: Endianness::Big,
        order: Order::C,
        separator: Separator::Slash,
    },
    Layout {
        name: "v2 big F",
        endianness: Endianness::Big,
        order: Order::F,
        separator: Separator::Dot,
    },
];

/// Chunks of several shapes, the last of which reach beyond the array; of shards, all that inner chunks of `[2, 2]` divide.
fn rectilinear(is_sharded: bool) -> ChunkGrid {
    let runs = |edges: &[(u64, u64)]| ChunkAxis::Runs(ChunkRuns::new(edges.iter().copied()).unwrap());
    ChunkGrid::rectilinear(if is_sharded {
        vec![runs(&[(4, 1), (2, 2)]), ChunkAxis::Step(2)]
    } else {
        vec![runs(&[(1, 2), (2, 1), (4, 1)]), runs(&[(2, 1), (3, 1)])]
    })
}

struct Writer {
    folder: PathBuf,
    stores: [Arc<Store>; 2],
    rows: Vec<serde_json::Value>,
    /// The codecs of the arrays that were written, by format and name.
    codecs: BTreeSet<(u8, String)>,
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
            codecs: BTreeSet::new(),
            refused: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn v3(&mut self, data_type: &Type, chain: &Chain, is_rectilinear: bool) {
        let is_sharded = chain.label.starts_with("sharded");
        let (format, grid) = match (is_rectilinear, is_sharded) {
            (true, _) => ("v3 rectilinear", rectilinear(is_sharded)),
            (false, true) => ("v3", ChunkGrid::regular(&[4, 4])),
            (false, false) => ("v3", ChunkGrid::regular(&[4, 3])),
        };
        let cell = format!("{format}|{}|{}", data_type.label, chain.label);
        let mut random = Random::named(&cell);
        let values = data_type.values.unwrap_or(chain.values);
        let fill = values::fill(&data_type.data_type, values, &mut random);
        // What chunks are called has nothing to do with the rest, and is tried by the way.
        let keys = match random.below(4) {
            0 | 1 => ChunkKeyEncoding::Default(Separator::Slash),
            2 => ChunkKeyEncoding::Default(Separator::Dot),
            _ => ChunkKeyEncoding::V2(Separator::Dot),
        };
        let metadata = V3ArrayBuilder::new(&SHAPE, data_type.data_type.clone())
            .chunk_grid(grid)
            .chunk_key_encoding(keys)
            .codecs(chain.codecs.clone())
            .fill_value(fill)
            .build();
        self.array(cell, metadata, chain, values, &mut random, 3);
    }

    fn v2(&mut self, data_type: &Type, chain: &Chain, layout: &Layout) {
        let cell = format!("{}|{}|{}", layout.name, data_type.label, chain.label);
        let mut random = Random::named(&cell);
        let values = data_type.values.unwrap_or(chain.values);
        let fill = values::fill(&data_type.data_type, values, &mut random);
        let metadata = V2ArrayBuilder::new(&SHAPE, data_type.data_type.clone())
            .chunk_shape(&[4, 3])
            .endianness(layout.endianness)
            .order(layout.order)
            .separator(layout.separator)
            .filters(chain.codecs.clone())
            .compressor(chain.compressor.clone())
            .fill_value(Some(fill))
            .build();
        self.array(cell, metadata, chain, values, &mut random, 2);
    }

    /// The number of the next array.
    fn number(&self) -> usize {
        self.rows.len() + self.refused.len() + self.failed.len()
    }

    fn array(
        &mut self,
        cell: String,
        metadata: Result<ArrayMetadata, zarr_core::metadata::MetadataError>,
        chain: &Chain,
        values: Values,
        random: &mut Random,
        format: u8,
    ) {
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(error) => return self.refused.push(format!("{cell}: {error}")),
        };
        let data_type = metadata.data_type().clone();
        let elements = values::elements(&data_type, values, ELEMENTS, random);
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
        self.codecs
            .extend(chain.names().into_iter().map(|name| (format, name)));
        let expected = self.folder.join(format!("{name}.bin"));
        std::fs::write(&expected, values::packed(&data_type, &ours)).unwrap();
        let bits = match &data_type {
            DataType::Int(kind) => kind.bits(),
            DataType::Float(kind) => kind.bits(),
            DataType::Complex { component, .. } => component.bits(),
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
        let of_v3 = codecs()
            .iter()
            .flat_map(|codec| codec.v3)
            .map(|name| (3, (*name).to_owned()));
        let of_v2 = codecs()
            .iter()
            .filter_map(|codec| Some((2, codec.v2?.to_owned())));
        let left_out: Vec<_> = of_v3
            .chain(of_v2)
            .filter(|codec| !self.codecs.contains(codec))
            .collect();
        assert!(left_out.is_empty(), "no array has these codecs: {left_out:?}");
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
