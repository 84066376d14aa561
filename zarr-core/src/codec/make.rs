//! From configurations to codecs: one function for each row of the registry.

use std::sync::Arc;

use super::blosc::{Blosc, Compressor, Shuffling};
use super::byte_filters::{Base64, Shuffle};
use super::bz2::Bz2;
use super::checksum::{Algorithm, Checksum, Location};
use super::config::Config;
use super::decode_only::or_decode_only;
use super::error::{CodecError, Result};
use super::gzip::Deflate;
use super::lz4::Lz4;
use super::lzma::{Lzma, LzmaFilter, LzmaSettings, Machine};
use super::object::{Format, Objects};
use super::registry::{Buffer, Nesting};
use super::representation::Representation;
use super::sharding::{IndexLocation, Sharding};
use super::vlen::{Elements, Vlen};
use super::zstd::Zstd;
use super::{ArrayToArray, ArrayToBytes, BytesToBytes, build, number_filters, packbits, scale_offset};
use crate::metadata::data_type::Endianness;
use crate::metadata::{DataType, Json, NamedConfig};

type Array = Result<Arc<dyn ArrayToArray>>;
type Serializer = Result<Arc<dyn ArrayToBytes>>;
type Bytes = Result<Arc<dyn BytesToBytes>>;

pub(super) fn transpose(config: Config<'_>, array: &Representation) -> Array {
    config.only(&["order"])?;
    // "C" and "F" were removed from the specification; zarrita wrote them, and tensorstore reads both.
    let order = match config.get("order").and_then(Json::as_str) {
        Some("C") => (0..array.shape().len() as u64).collect(),
        Some("F") => (0..array.shape().len() as u64).rev().collect(),
        _ => config.required("order", "an array of dimensions", config.unsigned_array("order")?)?,
    };
    Ok(Arc::new(super::Transpose::new(&order, array)?))
}

pub(super) fn reshape(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(super::reshape::Reshape::new(config, array)?))
}

pub(super) fn scale_offset(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(scale_offset::ScaleOffset::new(config, array)?))
}

pub(super) fn cast_value(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(super::cast_value::CastValue::new(config, array)?))
}

pub(super) fn bitround(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(super::bitround::BitRound::new(config, array)?))
}

pub(super) fn delta(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(number_filters::Delta::new(config, array)?))
}

pub(super) fn fixed_scale_offset(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(number_filters::FixedScaleOffset::new(config, array)?))
}

pub(super) fn quantize(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(number_filters::Quantize::new(config, array)?))
}

pub(super) fn astype(config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(number_filters::AsType::new(config, array)?))
}

pub(super) fn numcodecs_packbits(_config: Config<'_>, array: &Representation) -> Array {
    Ok(Arc::new(packbits::NumcodecsPackBits::new(array)?))
}

pub(super) fn bytes(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    config.only(&["endian"])?;
    let endian = match config.text("endian")? {
        None => None,
        Some("little") => Some(Endianness::Little),
        Some("big") => Some(Endianness::Big),
        Some(_) => return Err(config.wrong("endian", "\"little\" or \"big\"")),
    };
    Ok(Arc::new(super::bytes::Bytes::new(endian, array)?))
}

pub(super) fn packbits(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(packbits::PackBits::new(config, array)?))
}

pub(super) fn vlen_utf8(_: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(Vlen::new(Elements::Utf8, array)?))
}

pub(super) fn vlen_bytes(_: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(Vlen::new(Elements::Bytes, array)?))
}

pub(super) fn vlen_array(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    let dtype = config.dtype("dtype")?;
    let dtype = config.required("dtype", "a NumPy type string", dtype)?;
    let item = config.required("dtype", "a type of fixed size", dtype.data_type.size_bytes())?;
    let reverse = match dtype.big_endian_runs.as_slice() {
        [] => 0,
        [run] if run.offset_bytes == 0 && run.width_bytes * run.count == item => run.width_bytes,
        _ => return Err(CodecError::unsupported(config.codec(), "structured items")),
    };
    Ok(Arc::new(Vlen::new(Elements::Arrays { item, reverse }, array)?))
}

pub(super) fn json2(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(Objects::new(Format::Json, config, array)?))
}

pub(super) fn msgpack2(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(Objects::new(Format::MessagePack, config, array)?))
}

pub(super) fn categorize(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(super::categorize::Categorize::new(config, array)?))
}

pub(super) fn pcodec(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(super::pcodec::PCodec::new(config, array)?))
}

pub(super) fn zfp(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(super::zfp::Zfp::registered(config, array)?))
}

pub(super) fn zfpy(config: Config<'_>, array: &Representation, _: Nesting) -> Serializer {
    Ok(Arc::new(super::zfp::Zfp::numcodecs(config, array)?))
}

pub(super) fn sharding(config: Config<'_>, array: &Representation, nesting: Nesting) -> Serializer {
    config.only(&["chunk_shape", "codecs", "index_codecs", "index_location"])?;
    let deeper = Nesting(nesting.0 + 1);
    if deeper.0 > crate::metadata::limits::MAX_SHARD_NESTING {
        return Err(CodecError::unsupported(
            config.codec(),
            format_args!("{} shards inside each other", deeper.0),
        ));
    }
    let inner_shape = config.required(
        "chunk_shape",
        "an array of integers",
        config.unsigned_array("chunk_shape")?,
    )?;
    let grid = Sharding::grid_shape(array.shape(), &inner_shape)?;
    let chain = |key: &str, array: Representation| {
        let items = config.required(key, "an array of codecs", config.array(key)?)?;
        let codecs = items
            .iter()
            .map(NamedConfig::parse)
            .collect::<Result<Vec<_>, _>>();
        let codecs = codecs
            .map_err(|error| CodecError::configuration(config.codec(), format_args!("{key}: {error}")))?;
        let chain = build::chain_v3(&codecs, array, deeper);
        chain.map_err(|error| error.within(key).within("configuration"))
    };
    let location = match config.text("index_location")? {
        None | Some("end") => IndexLocation::End,
        Some("start") => IndexLocation::Start,
        Some(_) => return Err(config.wrong("index_location", "\"start\" or \"end\"")),
    };
    let inner = chain("codecs", array.with_shape(inner_shape)?)?;
    let mut index_shape = grid;
    index_shape.push(2);
    let uint64 = DataType::Int(crate::metadata::data_type::IntKind::UInt64);
    let index = chain(
        "index_codecs",
        Representation::new(index_shape, uint64, vec![0xff; 8])?,
    )?;
    Ok(Arc::new(Sharding::new(array.clone(), inner, index, location)?))
}

pub(super) fn gzip(config: Config<'_>, _: Buffer) -> Bytes {
    let level = config.integer("level")?.unwrap_or(1);
    or_decode_only(Deflate::gzip(level), || Deflate::gzip(1))
}

pub(super) fn zlib(config: Config<'_>, _: Buffer) -> Bytes {
    let level = config.integer("level")?.unwrap_or(1);
    or_decode_only(Deflate::zlib(level), || Deflate::zlib(1))
}

pub(super) fn zstd(config: Config<'_>, _: Buffer) -> Bytes {
    let checksum = config.boolean("checksum")?.unwrap_or(false);
    let level = config.integer("level")?.unwrap_or(0);
    or_decode_only(Zstd::new(level, checksum), || Zstd::new(0, checksum))
}

pub(super) fn bz2(config: Config<'_>, _: Buffer) -> Bytes {
    let level = config.integer("level")?.unwrap_or(1);
    or_decode_only(Bz2::new(level), || Bz2::new(1))
}

pub(super) fn lz4(config: Config<'_>, _: Buffer) -> Bytes {
    let acceleration = config.integer("acceleration")?.unwrap_or(1);
    or_decode_only(Lz4::new(acceleration), || Lz4::new(1))
}

pub(super) fn lzma(config: Config<'_>, _: Buffer) -> Bytes {
    let preset = match config.unsigned("preset")? {
        None => None,
        Some(preset) => Some(u32::try_from(preset).map_err(|_| config.wrong("preset", "0 to 9"))?),
    };
    let filters = config
        .array("filters")?
        .map(|filters| filters.iter().map(lzma_filter).collect::<Option<Vec<_>>>());
    let filters = match filters {
        None => None,
        Some(Some(filters)) => Some(filters),
        Some(None) => {
            return Err(CodecError::unsupported(
                config.codec(),
                "filters that Python does not have",
            ));
        }
    };
    let format = config.integer("format")?.unwrap_or(1);
    Ok(Arc::new(Lzma::new(
        format,
        config.integer("check")?.unwrap_or(-1),
        preset,
        filters,
    )?))
}

/// A filter as Python's `lzma` module describes it.
fn lzma_filter(json: &Json) -> Option<LzmaFilter> {
    let number = |key: &str| json.get(key).map(|value| u32::try_from(value.as_u64()?).ok());
    let optional = |key: &str| number(key).map_or(Some(None), |number| number.map(Some));
    let settings = || {
        Some(LzmaSettings {
            preset: number("preset").unwrap_or(Some(6))?,
            dictionary: optional("dict_size")?,
            literal_context_bits: optional("lc")?,
            literal_position_bits: optional("lp")?,
            position_bits: optional("pb")?,
        })
    };
    let branch = |machine| {
        let start_offset = optional("start_offset")?.unwrap_or(0);
        Some(LzmaFilter::Branch {
            machine,
            start_offset,
        })
    };
    match json.get("id")?.as_u64()? {
        3 => Some(LzmaFilter::Delta {
            distance: number("dist").unwrap_or(Some(1))?,
        }),
        4 => branch(Machine::X86),
        5 => branch(Machine::PowerPc),
        6 => branch(Machine::Ia64),
        7 => branch(Machine::Arm),
        8 => branch(Machine::ArmThumb),
        9 => branch(Machine::Sparc),
        33 => settings().map(LzmaFilter::Lzma2),
        0x4000_0000_0000_0001 => settings().map(LzmaFilter::Lzma1),
        _ => None,
    }
}

pub(super) fn blosc(config: Config<'_>, buffer: Buffer) -> Bytes {
    let name = config.text("cname")?.unwrap_or("lz4");
    let compressor = Compressor::from_name(name)
        .ok_or_else(|| config.wrong("cname", "blosclz, lz4, lz4hc, snappy, zlib or zstd"))?;
    let shuffling = match config.get("shuffle") {
        None => None,
        Some(json) => match (json.as_str(), config.integer("shuffle").ok().flatten()) {
            (Some("noshuffle"), _) | (_, Some(0)) => Some(Shuffling::None),
            (Some("shuffle"), _) | (_, Some(1)) => Some(Shuffling::Bytes),
            (Some("bitshuffle"), _) | (_, Some(2)) => Some(Shuffling::Bits),
            (_, Some(-1)) => None,
            _ => return Err(config.wrong("shuffle", "noshuffle, shuffle, bitshuffle or -1 to 2")),
        },
    };
    let type_size = config.unsigned("typesize")?;
    let type_size = type_size.unwrap_or(buffer.element_size.unwrap_or(1) as u64);
    let automatic = if type_size == 1 {
        Shuffling::Bits
    } else {
        Shuffling::Bytes
    };
    let level = config.integer("clevel")?.unwrap_or(5);
    let block_size = config.unsigned("blocksize")?.unwrap_or(0);
    let shuffling = shuffling.unwrap_or(automatic);
    or_decode_only(
        Blosc::new(compressor, level, shuffling, type_size, block_size),
        || Blosc::new(compressor, 5, shuffling, type_size, 0),
    )
}

pub(super) fn shuffle(config: Config<'_>, buffer: Buffer) -> Bytes {
    let element_size = match config.unsigned("elementsize")? {
        None => 4,
        // netCDF-C writes 0 and shuffles by the size of the data type. numcodecs takes 0 for no shuffling at all, and reads
        // netCDF's chunks as wrong numbers; what it writes itself with 0 nobody has a use for.
        Some(0) if config.is_v2() => {
            let size = buffer.element_size.ok_or_else(|| {
                CodecError::unsupported(
                    config.codec(),
                    "elementsize 0 after a filter that leaves no elements",
                )
            })?;
            size as u64
        }
        Some(size) => size,
    };
    Ok(Arc::new(Shuffle::new(element_size)?))
}

pub(super) fn base64(_: Config<'_>, _: Buffer) -> Bytes {
    Ok(Arc::new(Base64))
}

fn checksum(config: Config<'_>, algorithm: Algorithm, default: Location) -> Bytes {
    let location = match config.text("location")? {
        None => default,
        Some("start") => Location::Start,
        Some("end") => Location::End,
        Some(_) => return Err(config.wrong("location", "\"start\" or \"end\"")),
    };
    Ok(Arc::new(Checksum::new(algorithm, location)))
}

pub(super) fn crc32c(config: Config<'_>, _: Buffer) -> Bytes {
    checksum(config, Algorithm::Crc32c, Location::End)
}

pub(super) fn crc32(config: Config<'_>, _: Buffer) -> Bytes {
    checksum(config, Algorithm::Crc32, Location::Start)
}

pub(super) fn adler32(config: Config<'_>, _: Buffer) -> Bytes {
    checksum(config, Algorithm::Adler32, Location::Start)
}

pub(super) fn fletcher32(_: Config<'_>, _: Buffer) -> Bytes {
    Ok(Arc::new(Checksum::new(Algorithm::Fletcher32, Location::End)))
}

pub(super) fn jenkins_lookup3(config: Config<'_>, _: Buffer) -> Bytes {
    let seed = config.unsigned("initval")?.unwrap_or(0);
    let initial = u32::try_from(seed).map_err(|_| config.wrong("initval", "a 32-bit integer"))?;
    let prefix = match config.get("prefix") {
        None => Vec::new(),
        Some(Json::String(text)) => text.as_bytes().to_vec(),
        Some(_) => {
            let bytes = config
                .unsigned_array("prefix")?
                .unwrap_or_default()
                .into_iter()
                .map(u8::try_from);
            bytes
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| config.wrong("prefix", "bytes"))?
        }
    };
    Ok(Arc::new(Checksum::new(
        Algorithm::JenkinsLookup3 { initial, prefix },
        Location::End,
    )))
}
