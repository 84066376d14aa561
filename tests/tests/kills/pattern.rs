//! What is written: every element says which writer wrote it and where it belongs.

use zarr_core::ZarrFormat;
use zarr_core::array::{Select, Selection};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{ArrayMetadata, DataType, Json, NamedConfig, V2ArrayBuilder, V3ArrayBuilder};

/// Bytes of the file that is uploaded as a stream: more than one part of an upload in parts.
pub(crate) const BLOB_BYTES: usize = (8 << 20) + 3 * PAGE;
pub(crate) const BLOB: &str = "blob";

/// An element of generation `generation` at `index` of its array in C order; never 0, the fill value.
pub(crate) fn element(generation: u32, index: usize) -> u32 {
    (generation << 12) | u32::try_from(index % 4096).expect("below 4096")
}

/// The generation that an element says, if it says its own place.
pub(crate) fn generation_of(element: u32, index: usize) -> Option<u32> {
    let generation = element >> 12;
    (element == self::element(generation, index) && generation > 0).then_some(generation)
}

/// Bytes of a page of the uploaded file.
pub(crate) const PAGE: usize = 4096;

/// A page of the uploaded file: one byte, which says the generation and the page.
pub(crate) fn page(generation: u32, number: usize) -> [u8; PAGE] {
    let number = u32::try_from(number).expect("small");
    [generation.wrapping_mul(31).wrapping_add(number).to_le_bytes()[0]; PAGE]
}

/// A region of an array that is written by one call: wholly old or wholly new.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) phase: &'static str,
    pub(crate) array: &'static str,
    pub(crate) ranges: &'static [(i64, i64)],
}

/// An array of the hierarchy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static [u64],
    pub(crate) chunk: &'static [u64],
    codecs: &'static str,
}

const SHARDS: &str = r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[8,8],"index_location":"end",
    "codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"crc32c"}],
    "index_codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"crc32c"}]}}]"#;

/// The arrays whose shape stays. Of `v2` the format is v2.
pub(crate) const ARRAYS: [Layout; 4] = [
    Layout {
        name: "plain",
        shape: &[32, 32],
        chunk: &[8, 8],
        codecs: r#"[{"name":"bytes","configuration":{"endian":"little"}},{"name":"zstd","configuration":{"level":1,"checksum":true}}]"#,
    },
    Layout {
        name: "partial",
        shape: &[16, 32],
        chunk: &[16, 16],
        codecs: r#"[{"name":"bytes","configuration":{"endian":"big"}},{"name":"crc32c"}]"#,
    },
    Layout {
        name: "shards",
        shape: &[32, 32],
        chunk: &[16, 32],
        codecs: SHARDS,
    },
    Layout {
        name: "v2",
        shape: &[30, 4],
        chunk: &[8, 4],
        codecs: "",
    },
];

/// The nodes whose attributes every writer changes.
pub(crate) const STAMPED: [(ZarrFormat, &str); 4] = [
    (ZarrFormat::V3, "/"),
    (ZarrFormat::V3, "/plain"),
    (ZarrFormat::V2, "/"),
    (ZarrFormat::V2, "/v2"),
];

/// What each writer writes there, in this order. `plain` and `v2` are written in whole chunks, `partial` in parts of chunks,
/// the second shard of `shards` in parts that cut through inner chunks.
pub(crate) const REGIONS: [Region; 7] = [
    Region {
        phase: "chunks",
        array: "plain",
        ranges: &[(0, 32), (0, 32)],
    },
    Region {
        phase: "partial chunks",
        array: "partial",
        ranges: &[(0, 5), (0, 32)],
    },
    Region {
        phase: "partial chunks",
        array: "partial",
        ranges: &[(5, 16), (0, 32)],
    },
    Region {
        phase: "shards",
        array: "shards",
        ranges: &[(0, 16), (0, 32)],
    },
    Region {
        phase: "shards",
        array: "shards",
        ranges: &[(16, 32), (0, 13)],
    },
    Region {
        phase: "shards",
        array: "shards",
        ranges: &[(16, 32), (13, 32)],
    },
    Region {
        phase: "v2",
        array: "v2",
        ranges: &[(0, 30), (0, 4)],
    },
];

/// The array that grows and shrinks; its first elements stay.
pub(crate) const LOG: &str = "log";
pub(crate) const LOG_STAYS: u64 = 8;
pub(crate) const LOG_GROWS: u64 = 12;
pub(crate) const LOG_MOST: u64 = 60;

/// The array that every writer makes anew, in a group of its own.
pub(crate) const MADE: &str = "/made/new";
pub(crate) const MADE_SHAPE: [u64; 1] = [12];

fn uint32() -> DataType {
    DataType::Int(IntKind::UInt32)
}

impl Layout {
    pub(crate) fn format(&self) -> ZarrFormat {
        if self.codecs.is_empty() {
            ZarrFormat::V2
        } else {
            ZarrFormat::V3
        }
    }

    /// The path of its node.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.name)
    }

    pub(crate) fn metadata(&self) -> ArrayMetadata {
        if self.format() == ZarrFormat::V2 {
            let zlib = Json::parse(br#"{"id":"zlib","level":1}"#).expect("JSON");
            let zlib = NamedConfig::parse_v2(&zlib).expect("a codec");
            let builder = V2ArrayBuilder::new(self.shape, uint32()).chunk_shape(self.chunk);
            return builder.compressor(Some(zlib)).build().expect("an array");
        }
        let codecs = Json::parse(self.codecs.as_bytes()).expect("JSON");
        let codecs = codecs.as_array().into_iter().flatten();
        let codecs = codecs
            .map(|codec| NamedConfig::parse(codec).expect("a codec"))
            .collect();
        let builder = V3ArrayBuilder::new(self.shape, uint32()).chunk_shape(self.chunk);
        builder.codecs(codecs).build().expect("an array")
    }
}

/// An array in one dimension.
pub(crate) fn list(length: u64, chunk: u64) -> ArrayMetadata {
    let builder = V3ArrayBuilder::new(&[length], uint32()).chunk_shape(&[chunk]);
    builder.build().expect("an array")
}

impl Region {
    pub(crate) fn selection(&self, shape: &[u64]) -> Selection {
        let selects: Vec<Select> = self
            .ranges
            .iter()
            .map(|&(start, stop)| (start..stop).into())
            .collect();
        Selection::new(&selects, shape).expect("within the array")
    }

    /// The elements' places in the array, in C order.
    pub(crate) fn places(&self, shape: &[u64]) -> Vec<usize> {
        let width = i64::try_from(shape[1]).expect("small");
        let [(top, bottom), (left, right)] = *self.ranges else {
            panic!("two dimensions")
        };
        (top..bottom)
            .flat_map(|row| {
                (left..right).map(move |column| usize::try_from(row * width + column).expect("small"))
            })
            .collect()
    }
}
