//! The chains of v3: each codec by itself, and in shards.

use zarr_core::metadata::data_type::Endianness;
use zarr_core::metadata::{DataType, Json, NamedConfig, V3ArrayBuilder};
use zarr_tests::random::Random;

use super::super::values::Values;
use super::{BLOSC, Chain, LZMA_FORMATS, ZFPY_MODES, item_bytes, number, v3};

/// Those of the plain chains that are tried in chunks of different shapes.
const RECTILINEAR: [&str; 9] = [
    "bytes",
    "transpose",
    "reshape",
    "packbits",
    "zfp-reversible",
    "numcodecs.zfpy-reversible",
    "numcodecs.pcodec",
    "zstd",
    "blosc-lz4",
];

/// All chains, for chunks of `[4, 3]`, and shards of `[4, 4]` (`Chain::label` begins with `sharded`).
pub(crate) fn of_v3(data_type: &DataType) -> Vec<Chain> {
    let plain = plain(data_type);
    let sharded: Vec<Chain> = plain.iter().map(|chain| in_shard(chain, data_type)).collect();
    let mut all = plain;
    all.extend(sharded);
    all.extend(special_shards(data_type));
    all
}

/// The chains for chunks of several shapes, all of them even where it is sharded.
pub(crate) fn of_rectilinear(data_type: &DataType) -> Vec<Chain> {
    let plain = plain(data_type);
    let chosen = plain
        .iter()
        .filter(|chain| RECTILINEAR.contains(&chain.label.as_str()));
    let mut all: Vec<Chain> = chosen.clone().cloned().collect();
    all.extend(chosen.map(|chain| in_shard(chain, data_type)));
    all.extend(special_shards(data_type));
    all
}

fn array_of(codecs: &[NamedConfig]) -> String {
    let list: Vec<Json> = codecs.iter().map(NamedConfig::to_json).collect();
    Json::from(list).to_string()
}

fn shard(inner: &[u64], codecs: &[NamedConfig], index: &[NamedConfig], location: &str) -> NamedConfig {
    v3(
        "sharding_indexed",
        &format!(
            r#""chunk_shape":{inner:?},"codecs":{},"index_codecs":{},"index_location":"{location}""#,
            array_of(codecs),
            array_of(index)
        ),
    )
}

fn index_codecs() -> [NamedConfig; 2] {
    [v3("bytes", r#""endian":"little""#), v3("crc32c", "")]
}

/// The same chain within inner chunks of `[2, 2]`; of some types the index comes first, of others last.
fn in_shard(chain: &Chain, data_type: &DataType) -> Chain {
    let name = format!("{}|{}", data_type.name(), chain.label);
    let location = ["start", "end"][Random::named(&name).below(2)];
    Chain {
        label: format!("sharded/{}", chain.label),
        codecs: vec![shard(&[2, 2], &chain.codecs, &index_codecs(), location)],
        ..chain.clone()
    }
}

/// Each codec by itself.
fn plain(data_type: &DataType) -> Vec<Chain> {
    let little = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Little);
    let mut chains = vec![
        Chain::new("bytes", vec![little.clone()]),
        Chain::new(
            "transpose",
            vec![v3("transpose", r#""order":[1,0]"#), little.clone()],
        ),
        Chain::new("reshape", vec![v3("reshape", r#""shape":[-1]"#), little.clone()]),
        Chain::new(
            "reshape-listed",
            vec![v3("reshape", r#""shape":[[0],[1],1]"#), little.clone()],
        ),
        Chain::new("numcodecs.pcodec", vec![v3("numcodecs.pcodec", r#""level":8"#)]),
    ];
    for padding in ["none", "first_byte", "last_byte"] {
        let suffix = if padding == "first_byte" {
            String::new()
        } else {
            format!("-{padding}")
        };
        let codec = v3("packbits", &format!(r#""padding_encoding":"{padding}""#));
        chains.push(Chain::new(format!("packbits{suffix}"), vec![codec]));
    }
    let some_bits = r#""padding_encoding":"none","first_bit":1,"last_bit":2"#;
    chains.push(Chain::new("packbits-some", vec![v3("packbits", some_bits)]).lossy());
    if data_type.needs_endian() {
        let big = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Big);
        chains.push(Chain::new("bytes-big", vec![big]));
    }
    if data_type.size_bytes().is_some() {
        let members = if data_type.needs_endian() {
            r#""endian":"little""#
        } else {
            ""
        };
        chains.push(Chain::new("endian", vec![v3("endian", members)]));
    }
    chains.extend(zfp());
    chains.extend(calculating(data_type, &little));
    for (label, codec) in bytes_to_bytes(item_bytes(data_type)) {
        chains.push(Chain::new(label, vec![little.clone(), codec]));
    }
    let shuffle = v3(
        "numcodecs.shuffle",
        &format!(r#""elementsize":{}"#, item_bytes(data_type)),
    );
    let several = vec![little, shuffle, v3("gzip", r#""level":9"#), v3("crc32c", "")];
    chains.push(Chain::new("several", several));
    chains
}

/// Codecs that take finite numbers only, so far as they are not lossless.
fn zfp() -> Vec<Chain> {
    let modes = [
        ("reversible", r#""mode":"reversible""#),
        ("rate", r#""mode":"fixed_rate","rate":11.5"#),
        ("precision", r#""mode":"fixed_precision","precision":14"#),
        ("accuracy", r#""mode":"fixed_accuracy","tolerance":0.25"#),
        (
            "expert",
            r#""mode":"expert","minbits":1,"maxbits":300,"maxprec":20,"minexp":-3"#,
        ),
    ];
    let registered = modes.map(|(mode, members)| ("zfp", mode, members));
    let numcodecs = ZFPY_MODES.map(|(mode, members)| ("numcodecs.zfpy", mode, members));
    let chain = |(name, mode, members): (&str, &str, &str)| {
        let chain = Chain::new(format!("{name}-{mode}"), vec![v3(name, members)]);
        if mode == "reversible" {
            chain
        } else {
            chain.with_values(Values::Small).lossy()
        }
    };
    registered.into_iter().chain(numcodecs).map(chain).collect()
}

/// bytes→bytes codecs, which all data types take.
fn bytes_to_bytes(item_bytes: usize) -> Vec<(String, NamedConfig)> {
    let mut all = vec![
        ("gzip".to_owned(), v3("gzip", r#""level":5"#)),
        ("zstd".to_owned(), v3("zstd", r#""level":3,"checksum":false"#)),
        (
            "zstd+checksum".to_owned(),
            v3("zstd", r#""level":-5,"checksum":true"#),
        ),
        ("crc32c".to_owned(), v3("crc32c", "")),
    ];
    for (cname, shuffle, number) in BLOSC {
        let members = format!(
            r#""cname":"{cname}","clevel":5,"shuffle":"{shuffle}","typesize":{item_bytes},"blocksize":0"#
        );
        all.push((format!("blosc-{cname}"), v3("blosc", &members)));
        let members = format!(r#""cname":"{cname}","clevel":5,"shuffle":{number},"blocksize":0"#);
        all.push((
            format!("numcodecs.blosc-{cname}"),
            v3("numcodecs.blosc", &members),
        ));
    }
    for (suffix, members) in LZMA_FORMATS {
        all.push((format!("numcodecs.lzma{suffix}"), v3("numcodecs.lzma", members)));
    }
    let shuffle = format!(r#""elementsize":{item_bytes}"#);
    for (name, configuration) in [
        ("gzip", r#""level":1"#),
        ("zstd", r#""level":1"#),
        ("zlib", r#""level":1"#),
        ("bz2", r#""level":1"#),
        ("lz4", r#""acceleration":1"#),
        ("shuffle", shuffle.as_str()),
        ("crc32", r#""location":"end""#),
        ("crc32c", r#""location":"end""#),
        ("adler32", r#""location":"start""#),
        ("fletcher32", ""),
        ("jenkins_lookup3", r#""initval":7,"prefix":null"#),
    ] {
        let name = format!("numcodecs.{name}");
        let codec = v3(&name, configuration);
        all.push((name, codec));
    }
    for (label, configuration) in [
        ("crc32", r#""location":"start""#),
        ("adler32", r#""location":"end""#),
    ] {
        let codec = v3(&format!("numcodecs.{label}"), configuration);
        all.push((format!("numcodecs.{label}-other end"), codec));
    }
    all
}

/// Codecs that calculate with the elements, or leave bits of them out.
fn calculating(data_type: &DataType, little: &NamedConfig) -> Vec<Chain> {
    let keep = r#""keepbits":4"#;
    let mut chains: Vec<Chain> = ["bitround", "numcodecs.bitround"]
        .into_iter()
        .map(|name| Chain::new(name, vec![v3(name, keep), little.clone()]).lossy())
        .collect();
    let Some(dtype) = number(data_type, Endianness::Little) else {
        return chains;
    };
    let mut add = |label: &str, name: &str, configuration: &str, serializer: &NamedConfig| {
        let chain = Chain::new(label, vec![v3(name, configuration), serializer.clone()]);
        chains.push(chain.with_values(Values::Small).lossy());
    };
    if data_type == &DataType::Bool {
        add("numcodecs.packbits", "numcodecs.packbits", "", &v3("bytes", ""));
        return chains;
    }
    let two_bytes = v3("bytes", r#""endian":"little""#);
    let is_float = matches!(data_type, DataType::Float(_));
    // As far as the smallest type reaches, and without a negative result.
    let signed = is_float || matches!(data_type, DataType::Int(kind) if kind.is_signed());
    let offset = if signed { -20 } else { 0 };
    let scale = if signed && item_bytes(data_type) == 1 {
        1
    } else {
        2
    };
    let scaled = format!(r#""offset":{offset},"scale":{scale}"#);
    add("scale_offset", "scale_offset", &scaled, little);
    let cast = r#""data_type":"float64","rounding":"nearest-even""#;
    add("cast_value", "cast_value", cast, &two_bytes);
    let mapped = if is_float {
        r#""data_type":"int16","rounding":"towards-zero","out_of_range":"clamp","scalar_map":{"encode":[["NaN",-1]],"decode":[[-1,"NaN"]]}"#
    } else {
        r#""data_type":"int16","out_of_range":"wrap""#
    };
    add("cast_value-mapped", "cast_value", mapped, &two_bytes);
    add(
        "numcodecs.delta",
        "numcodecs.delta",
        &format!(r#""dtype":"{dtype}""#),
        little,
    );
    let astype = format!(r#""encode_dtype":"<f8","decode_dtype":"{dtype}""#);
    add("numcodecs.astype", "numcodecs.astype", &astype, &two_bytes);
    let scaled = format!(r#""offset":-20,"scale":10,"dtype":"{dtype}","astype":"<i4""#);
    add(
        "numcodecs.fixedscaleoffset",
        "numcodecs.fixedscaleoffset",
        &scaled,
        &two_bytes,
    );
    if is_float {
        let quantize = format!(r#""digits":1,"dtype":"{dtype}""#);
        add("numcodecs.quantize", "numcodecs.quantize", &quantize, little);
    }
    chains
}

/// Shards that differ in more than the codecs of their inner chunks.
fn special_shards(data_type: &DataType) -> Vec<Chain> {
    let little = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Little);
    let big = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Big);
    let index = index_codecs();
    let transpose = v3("transpose", r#""order":[1,0]"#);
    let plain = std::slice::from_ref(&little);
    let nested = shard(&[1, 2], plain, &index, "start");
    let transposed = shard(&[2, 2], &[transpose.clone(), big], &index, "end");
    let big_index = [v3("bytes", r#""endian":"big""#)];
    let of = |label: &str, codecs| Chain::new(format!("sharded/{label}"), codecs);
    vec![
        of("big index", vec![shard(&[2, 2], plain, &big_index, "end")]),
        of("nested", vec![shard(&[2, 2], &[nested], &index, "end")]),
        of("transposed", vec![transposed]),
        of(
            "in a transposed chunk",
            vec![transpose, shard(&[2, 2], plain, &index, "end")],
        ),
        of(
            "compressed as a whole",
            vec![
                shard(&[2, 2], plain, &index, "start"),
                v3("zstd", r#""level":1,"checksum":true"#),
            ],
        ),
    ]
}
