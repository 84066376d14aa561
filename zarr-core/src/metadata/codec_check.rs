//! What can be checked of the codecs of a v3 array without running them: order, shapes, known configurations.

use super::chunk_grid::ChunkAxis;
use super::codec_config::{is_compressor, kind, parse_codecs};
use super::codec_options::{blosc, integer, one_of, optional, packbits, wrong};
use super::data_type::{IntKind, V2DataType};
use super::error::Within as _;
use super::json::Json;
use super::limits::{MAX_RANK, MAX_SHARD_NESTING};
use super::{ChunkGrid, DataType, MetadataError, NamedConfig};
use crate::codec::registry::CodecKind;

/// What a codec is given: as much as is known of it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// For each dimension the chunk edges that occur.
    edges: Option<Vec<Vec<u64>>>,
    data_type: Option<DataType>,
    shard_level: usize,
}

impl Input {
    pub(super) fn new(grid: Option<&ChunkGrid>, data_type: &DataType) -> Self {
        Self {
            edges: grid.map(|grid| grid.axes().iter().map(ChunkAxis::distinct_edges).collect()),
            data_type: Some(data_type.clone()).filter(DataType::is_known),
            shard_level: 0,
        }
    }

    fn unknown(&self) -> Self {
        Self {
            edges: None,
            data_type: None,
            shard_level: self.shard_level,
        }
    }

    fn rank(&self) -> Option<usize> {
        self.edges.as_ref().map(Vec::len)
    }
}

/// Checks a chain: array→array codecs, exactly one array→bytes codec, bytes→bytes codecs, each with a configuration
/// that fits what it is given.
///
/// A codec that is not known may be of any kind: the rest is checked as far as it can be.
pub(super) fn check_chain(codecs: &[NamedConfig], input: &Input) -> Result<(), MetadataError> {
    let mut input = input.clone();
    let mut any_unknown = false;
    let mut made_bytes = false;
    for (index, codec) in codecs.iter().enumerate() {
        let wrong_order = |expected: &'static str| {
            Err(MetadataError::mismatch(expected, format!("{:?}", codec.name()))).within_index(index)
        };
        match kind(codec.name()) {
            None => {
                any_unknown = true;
                input = input.unknown();
                continue;
            }
            Some(CodecKind::ArrayToArray) if made_bytes => {
                return wrong_order("no array→array codec after the array→bytes codec");
            }
            Some(CodecKind::ArrayToBytes) if made_bytes => {
                return wrong_order("exactly one array→bytes codec");
            }
            Some(CodecKind::BytesToBytes) if !made_bytes && !any_unknown => {
                return wrong_order("an array→bytes codec before any bytes→bytes codec");
            }
            Some(CodecKind::ArrayToArray) => {}
            Some(CodecKind::ArrayToBytes | CodecKind::BytesToBytes) => made_bytes = true,
        }
        input = check_codec(codec, input).within_index(index)?;
    }
    if made_bytes || any_unknown {
        Ok(())
    } else {
        Err(MetadataError::mismatch(
            "an array→bytes codec",
            format!("{} codecs without one", codecs.len()),
        ))
    }
}

/// Checks the configuration of one known codec and returns what the next one is given.
fn check_codec(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    match codec.name() {
        "bytes" | "endian" => bytes(codec, input),
        "transpose" => transpose(codec, input),
        "sharding_indexed" => sharding(codec, input),
        "reshape" => reshape(codec, input),
        "cast_value" => cast_value(codec, input),
        "gzip" => {
            codec.only_keys(&["level"])?;
            integer(codec, "level", 0, 9).map(|()| input)
        }
        "zstd" => {
            codec.only_keys(&["level", "checksum"])?;
            integer(codec, "level", -131_072, 22)?;
            optional(codec, "checksum", "true or false", |json| {
                json.as_bool().is_some()
            })
            .map(|()| input)
        }
        "blosc" => blosc(codec, &["noshuffle", "shuffle", "bitshuffle"]).map(|()| input),
        "crc32c" => codec.only_keys(&[]).map(|()| input),
        "vlen-utf8" => vlen(codec, input, &DataType::String),
        "vlen-bytes" => codec.only_keys(&[]).and_then(|()| match &input.data_type {
            Some(DataType::Bytes(_)) | None => Ok(input),
            Some(other) => Err(MetadataError::mismatch("an array of byte strings", other.name())),
        }),
        "packbits" => packbits(codec).map(|()| input),
        "bitround" | "numcodecs.bitround" => integer(codec, "keepbits", 0, 64).map(|()| input),
        "numcodecs.blosc" => Ok(input),
        "numcodecs.packbits" => Ok(Input {
            edges: None,
            data_type: Some(DataType::Int(IntKind::UInt8)),
            ..input
        }),
        "numcodecs.astype" => recast(codec, "encode_dtype", input),
        "numcodecs.delta" | "numcodecs.fixedscaleoffset" | "numcodecs.quantize" => {
            recast(codec, "astype", input)
        }
        _ => Ok(input),
    }
}

fn bytes(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    codec.only_keys(&["endian"])?;
    // The first drafts of the specification let writers say `null`.
    let endian = codec.get("endian").filter(|json| !json.is_null());
    if endian.is_some() {
        one_of(codec, "endian", &["little", "big"])?;
    }
    let Some(data_type) = &input.data_type else {
        return Ok(input);
    };
    if data_type.is_variable() {
        return Err(MetadataError::mismatch(
            "a data type of fixed size",
            data_type.name(),
        ));
    }
    // Documents with the older `structured` may leave it out: it is little then.
    let legacy = matches!(data_type, DataType::Struct(fields) if fields.is_legacy());
    if data_type.needs_endian() && !legacy && endian.is_none() {
        return wrong(
            codec,
            "endian",
            format!("since the byte order of {} matters", data_type.name()),
        );
    }
    Ok(input)
}

fn vlen(codec: &NamedConfig, input: Input, data_type: &DataType) -> Result<Input, MetadataError> {
    codec.only_keys(&[])?;
    match &input.data_type {
        Some(other) if other != data_type => Err(MetadataError::mismatch(
            format!("an array of data type {:?}", data_type.name()),
            other.name(),
        )),
        Some(_) | None => Ok(input),
    }
}

fn transpose(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    codec.only_keys(&["order"])?;
    let rank = input.rank();
    // The first drafts of the specification had these two names for orders, and zarrita wrote them.
    match codec.get("order").and_then(Json::as_str) {
        Some("C") => return Ok(input),
        Some("F") => {
            let edges = input.edges.map(|edges| edges.into_iter().rev().collect());
            return Ok(Input { edges, ..input });
        }
        Some(_) | None => {}
    }
    let order = codec
        .get("order")
        .and_then(Json::as_array)
        .filter(|order| order.len() <= MAX_RANK);
    let order: Option<Vec<usize>> = order.and_then(|order| {
        order
            .iter()
            .map(|json| json.as_u64().and_then(|axis| usize::try_from(axis).ok()))
            .collect()
    });
    let is_permutation = |order: &Vec<usize>| (0..order.len()).all(|axis| order.contains(&axis));
    let Some(order) =
        order.filter(|order| is_permutation(order) && rank.is_none_or(|rank| rank == order.len()))
    else {
        let expected = match rank {
            Some(rank) => format!("a permutation of the {rank} dimensions"),
            None => "a permutation of the dimensions".to_owned(),
        };
        return wrong(codec, "order", expected);
    };
    let edges = input
        .edges
        .map(|edges| order.iter().map(|&axis| edges[axis].clone()).collect());
    Ok(Input { edges, ..input })
}

fn sharding(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    codec.only_keys(&["chunk_shape", "codecs", "index_codecs", "index_location"])?;
    if input.shard_level == MAX_SHARD_NESTING {
        return Err(MetadataError::mismatch(
            format!("at most {MAX_SHARD_NESTING} levels of shards"),
            "more",
        ));
    }
    let rank = input.rank();
    let shape = codec
        .get("chunk_shape")
        .and_then(Json::as_array)
        .filter(|shape| shape.len() <= MAX_RANK);
    let shape: Option<Vec<u64>> = shape.and_then(|shape| {
        shape
            .iter()
            .map(|json| json.as_u64().filter(|&edge| edge > 0))
            .collect()
    });
    let Some(shape) = shape.filter(|shape| rank.is_none_or(|rank| rank == shape.len())) else {
        let expected = match rank {
            Some(rank) => format!("a positive integer for each of the {rank} dimensions"),
            None => "positive integers".to_owned(),
        };
        return wrong(codec, "chunk_shape", expected);
    };
    for (axis, (edges, inner)) in input.edges.iter().flatten().zip(&shape).enumerate() {
        if let Some(edge) = edges.iter().find(|&edge| !edge.is_multiple_of(*inner)) {
            let error =
                MetadataError::mismatch(format!("a divisor of the chunk edge {edge}"), inner.to_string());
            return Err(error
                .within_index(axis)
                .within("chunk_shape")
                .within("configuration"));
        }
    }
    let chain = |key: &str, input: &Input| {
        let Some(json) = codec.get(key) else {
            return wrong(codec, key, "the codecs of a shard");
        };
        let checked = parse_codecs(json).and_then(|codecs| check_chain(&codecs, input).map(|()| codecs));
        checked.within(key).within("configuration")
    };
    let shard_level = input.shard_level + 1;
    let inner_edges = shape.iter().map(|&edge| vec![edge]).collect();
    chain(
        "codecs",
        &Input {
            edges: Some(inner_edges),
            data_type: input.data_type,
            shard_level,
        },
    )?;
    // The index is an array of (offset, length) for each inner chunk.
    let index_edges = input
        .edges
        .filter(|edges| edges.iter().all(|edges| edges.len() == 1))
        .map(|edges| {
            let inner_chunks = edges
                .iter()
                .zip(&shape)
                .map(|(edges, inner)| vec![edges[0] / inner]);
            inner_chunks.chain([vec![2]]).collect()
        });
    let index = Input {
        edges: index_edges,
        data_type: Some(DataType::Int(IntKind::UInt64)),
        shard_level,
    };
    let index_codecs = chain("index_codecs", &index)?;
    if let Some(at) = index_codecs.iter().position(|codec| is_compressor(codec.name())) {
        let expected = "codecs of fixed size for the index of a shard";
        let error = MetadataError::mismatch(expected, format!("{:?}", index_codecs[at].name()));
        return Err(error
            .within_index(at)
            .within("index_codecs")
            .within("configuration"));
    }
    one_of(codec, "index_location", &["start", "end"])?;
    Ok(Input {
        edges: None,
        data_type: None,
        shard_level: shard_level - 1,
    })
}

/// Checks the form; whether the products agree is for the codec to see, which has each chunk's own shape.
fn reshape(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    codec.only_keys(&["shape"])?;
    let is_dimension = |json: &Json| match json.as_array() {
        Some(axes) => axes
            .iter()
            .all(|axis| axis.as_u64().is_some_and(|axis| axis < MAX_RANK as u64)),
        None => json.as_i64().is_some_and(|size| size > 0 || size == -1),
    };
    let shape = codec
        .get("shape")
        .and_then(Json::as_array)
        .filter(|shape| shape.len() <= MAX_RANK);
    if !shape.is_some_and(|shape| shape.iter().all(is_dimension)) {
        return wrong(
            codec,
            "shape",
            "an array of positive integers, -1, or arrays of dimensions",
        );
    }
    Ok(Input { edges: None, ..input })
}

fn cast_value(codec: &NamedConfig, input: Input) -> Result<Input, MetadataError> {
    codec.only_keys(&["data_type", "rounding", "out_of_range", "scalar_map"])?;
    let Some(json) = codec.get("data_type") else {
        return wrong(codec, "data_type", "a data type");
    };
    let data_type = DataType::parse_v3(json)
        .within("data_type")
        .within("configuration")?;
    let roundings = [
        "nearest-even",
        "towards-zero",
        "towards-positive",
        "towards-negative",
        "nearest-away",
    ];
    one_of(codec, "rounding", &roundings)?;
    one_of(codec, "out_of_range", &["clamp", "wrap"])?;
    Ok(Input {
        data_type: Some(data_type).filter(DataType::is_known),
        ..input
    })
}

/// A filter of numcodecs that stores another type.
fn recast(codec: &NamedConfig, key: &str, input: Input) -> Result<Input, MetadataError> {
    let Some(json) = codec.get(key).filter(|json| !json.is_null()) else {
        return Ok(input);
    };
    let parsed = V2DataType::from_numpy(json).within(key).within("configuration")?;
    Ok(Input {
        data_type: Some(parsed.data_type),
        ..input
    })
}
