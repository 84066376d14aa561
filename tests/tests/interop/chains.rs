//! The codec chains that each data type is tried with. A chain that a data type does not take is left out when the array is
//! made: our own check of codecs refuses it.

use zarr_core::metadata::data_type::{Endianness, FloatKind};
use zarr_core::metadata::{DataType, Json, NamedConfig, V3ArrayBuilder};

use super::values::Values;

/// One chain.
pub(crate) struct Chain {
    /// What it is called in the table of refusals.
    pub(crate) label: String,
    pub(crate) codecs: Vec<NamedConfig>,
    pub(crate) values: Values,
    /// Whether what is read may differ from what was written: then all readers must agree with us.
    pub(crate) lossy: bool,
}

impl Chain {
    fn new(label: impl Into<String>, codecs: Vec<NamedConfig>) -> Self {
        Self {
            label: label.into(),
            codecs,
            values: Values::Any,
            lossy: false,
        }
    }

    fn calculating(self) -> Self {
        Self {
            values: Values::Small,
            lossy: true,
            ..self
        }
    }
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn v3(name: &str, configuration: &str) -> NamedConfig {
    // zarr-python wants numcodecs' codecs to have one, if an empty one.
    let text = if configuration.is_empty() && !name.starts_with("numcodecs.") {
        format!(r#"{{"name":"{name}"}}"#)
    } else {
        format!(r#"{{"name":"{name}","configuration":{{{configuration}}}}}"#)
    };
    NamedConfig::parse(&json(&text)).unwrap()
}

fn v2(id: &str, members: &str) -> NamedConfig {
    let comma = if members.is_empty() { "" } else { "," };
    NamedConfig::parse_v2(&json(&format!(r#"{{"id":"{id}"{comma}{members}}}"#))).unwrap()
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

/// bytes→bytes codecs of v3, which all data types take.
fn v3_bytes(item_bytes: usize) -> Vec<(String, NamedConfig)> {
    let mut all = vec![
        ("gzip".to_owned(), v3("gzip", r#""level":5"#)),
        ("zstd".to_owned(), v3("zstd", r#""level":3,"checksum":false"#)),
        (
            "zstd+checksum".to_owned(),
            v3("zstd", r#""level":-5,"checksum":true"#),
        ),
        ("crc32c".to_owned(), v3("crc32c", "")),
    ];
    for (cname, shuffle) in [
        ("lz4", "shuffle"),
        ("lz4hc", "bitshuffle"),
        ("blosclz", "noshuffle"),
        ("zstd", "bitshuffle"),
        ("snappy", "shuffle"),
        ("zlib", "noshuffle"),
    ] {
        let members = format!(
            r#""cname":"{cname}","clevel":5,"shuffle":"{shuffle}","typesize":{item_bytes},"blocksize":0"#
        );
        all.push((format!("blosc-{cname}"), v3("blosc", &members)));
    }
    let shuffle = format!(r#""elementsize":{item_bytes}"#);
    for (name, configuration) in [
        ("gzip", r#""level":1"#),
        ("zstd", r#""level":1"#),
        ("zlib", r#""level":1"#),
        ("bz2", r#""level":1"#),
        ("lzma", r#""format":1,"check":-1,"preset":null,"filters":null"#),
        ("lz4", r#""acceleration":1"#),
        ("blosc", r#""cname":"lz4","clevel":5,"shuffle":1,"blocksize":0"#),
        ("shuffle", shuffle.as_str()),
        ("crc32", r#""location":"end""#),
        ("crc32c", r#""location":"end""#),
        ("adler32", r#""location":"start""#),
        ("fletcher32", ""),
        ("jenkins_lookup3", r#""initval":7,"prefix":null"#),
    ] {
        all.push((
            format!("numcodecs.{name}"),
            v3(&format!("numcodecs.{name}"), configuration),
        ));
    }
    all
}

/// All chains of v3 for chunks of `[4, 3]`, and shards of `[4, 4]` (`Chain::label` begins with `sharded`).
pub(crate) fn of_v3(data_type: &DataType) -> Vec<Chain> {
    let little = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Little);
    let big = V3ArrayBuilder::array_to_bytes(data_type, Endianness::Big);
    let item_bytes = item_bytes(data_type);
    let transpose = v3("transpose", r#""order":[1,0]"#);
    let index = [v3("bytes", r#""endian":"little""#), v3("crc32c", "")];
    let mut chains = vec![
        Chain::new("bytes", vec![little.clone()]),
        Chain::new("transpose", vec![transpose.clone(), little.clone()]),
        Chain::new("reshape", vec![v3("reshape", r#""shape":[-1]"#), little.clone()]),
        Chain::new(
            "packbits",
            vec![v3("packbits", r#""padding_encoding":"first_byte""#)],
        ),
        Chain::new("zfp", vec![v3("zfp", r#""mode":"reversible""#)]).calculating(),
        Chain::new("numcodecs.zfpy", vec![v3("numcodecs.zfpy", r#""mode":5"#)]).calculating(),
        Chain::new("numcodecs.pcodec", vec![v3("numcodecs.pcodec", r#""level":8"#)]),
    ];
    if data_type.needs_endian() {
        chains.push(Chain::new("bytes-big", vec![big.clone()]));
    }
    for (turn, (label, codec)) in v3_bytes(item_bytes).into_iter().enumerate() {
        chains.push(Chain::new(&label, vec![little.clone(), codec.clone()]));
        let location = if turn % 2 == 0 { "end" } else { "start" };
        let sharding = shard(&[2, 2], &[little.clone(), codec], &index, location);
        chains.push(Chain::new(format!("sharded/{label}"), vec![sharding]));
    }
    let nested = shard(&[1, 2], std::slice::from_ref(&little), &index, "start");
    let transposed = shard(&[2, 2], &[transpose.clone(), big.clone()], &index, "end");
    let big_index = [v3("bytes", r#""endian":"big""#)];
    let plain = std::slice::from_ref(&little);
    chains.extend([
        Chain::new("sharded/bytes", vec![shard(&[2, 2], plain, &index, "end")]),
        Chain::new(
            "sharded/big index",
            vec![shard(&[2, 2], plain, &big_index, "end")],
        ),
        Chain::new("sharded/nested", vec![shard(&[2, 2], &[nested], &index, "end")]),
        Chain::new("sharded/transposed", vec![transposed]),
        Chain::new(
            "sharded/in a transposed chunk",
            vec![transpose, shard(&[2, 2], plain, &index, "end")],
        ),
        Chain::new(
            "sharded/compressed as a whole",
            vec![
                shard(&[2, 2], plain, &index, "start"),
                v3("zstd", r#""level":1,"checksum":true"#),
            ],
        ),
    ]);
    chains.extend(v3_calculating(data_type, &little));
    chains
}

/// Codecs that calculate with the elements; only numbers take them.
fn v3_calculating(data_type: &DataType, little: &NamedConfig) -> Vec<Chain> {
    let Some(dtype) = number(data_type, Endianness::Little) else {
        return Vec::new();
    };
    let float64 = v3("bytes", r#""endian":"little""#);
    let bytes = v3("bytes", "");
    let mut chains = Vec::new();
    let mut add = |label: &str, name: &str, configuration: &str, serializer: &NamedConfig| {
        let codecs = vec![v3(name, configuration), serializer.clone()];
        chains.push(Chain::new(label, codecs).calculating());
    };
    if data_type == &DataType::Bool {
        add("numcodecs.packbits", "numcodecs.packbits", "", &bytes);
        return chains;
    }
    // As far as the smallest type reaches, and without a negative result.
    let scale = if item_bytes(data_type) == 1 { 1 } else { 2 };
    let scaled = format!(r#""offset":-20,"scale":{scale}"#);
    add("scale_offset", "scale_offset", &scaled, little);
    let cast = r#""data_type":"float64","rounding":"nearest-even""#;
    add("cast_value", "cast_value", cast, &float64);
    let delta = format!(r#""dtype":"{dtype}""#);
    add("numcodecs.delta", "numcodecs.delta", &delta, little);
    let astype = format!(r#""encode_dtype":"<f8","decode_dtype":"{dtype}""#);
    add("numcodecs.astype", "numcodecs.astype", &astype, &float64);
    if matches!(data_type, DataType::Float(_)) {
        let scaled = format!(r#""offset":1,"scale":10,"dtype":"{dtype}","astype":"<i4""#);
        add(
            "numcodecs.fixedscaleoffset",
            "numcodecs.fixedscaleoffset",
            &scaled,
            &float64,
        );
        let quantize = format!(r#""digits":1,"dtype":"{dtype}""#);
        add("numcodecs.quantize", "numcodecs.quantize", &quantize, little);
        add("bitround", "bitround", r#""keepbits":4"#, little);
        add(
            "numcodecs.bitround",
            "numcodecs.bitround",
            r#""keepbits":4"#,
            little,
        );
    }
    chains
}

fn item_bytes(data_type: &DataType) -> usize {
    data_type.size_bytes().unwrap_or(1)
}

/// NumPy's name of a number that calculating codecs take.
fn number(data_type: &DataType, endianness: Endianness) -> Option<String> {
    let takes = match data_type {
        DataType::Bool => true,
        DataType::Int(kind) => kind.bits() >= 8,
        DataType::Float(FloatKind::Float32 | FloatKind::Float64) => true,
        _ => false,
    };
    let json = data_type.to_v2_json(endianness).ok().filter(|_| takes)?;
    json.as_str().map(str::to_owned)
}

/// A v2 array's filters and compressor.
pub(crate) struct V2Chain {
    pub(crate) chain: Chain,
    pub(crate) compressor: Option<NamedConfig>,
}

/// All filters and compressors of v2; `object` is the object codec that the data type needs.
pub(crate) fn of_v2(
    data_type: &DataType,
    endianness: Endianness,
    object: Option<&NamedConfig>,
) -> Vec<V2Chain> {
    let item_bytes = item_bytes(data_type);
    let compressors = [
        None,
        Some(v2("zlib", r#""level":1"#)),
        Some(v2("gzip", r#""level":1"#)),
        Some(v2("bz2", r#""level":1"#)),
        Some(v2(
            "lzma",
            r#""format":1,"check":-1,"preset":null,"filters":null"#,
        )),
        Some(v2("lz4", r#""acceleration":1"#)),
        Some(v2("zstd", r#""level":3"#)),
        Some(v2(
            "blosc",
            r#""cname":"lz4","clevel":5,"shuffle":-1,"blocksize":0"#,
        )),
        Some(v2(
            "blosc",
            r#""cname":"zstd","clevel":5,"shuffle":2,"blocksize":0"#,
        )),
        Some(v2("pcodec", r#""level":8"#)),
    ];
    let mut all: Vec<V2Chain> = compressors
        .into_iter()
        .map(|compressor| {
            let mut label = compressor.as_ref().map_or("bytes", NamedConfig::name).to_owned();
            if let Some(cname) = compressor.as_ref().and_then(|blosc| blosc.get("cname")?.as_str()) {
                label = format!("{label}-{cname}");
            }
            let chain = Chain::new(label, object.cloned().into_iter().collect());
            V2Chain { chain, compressor }
        })
        .collect();
    let shuffle = format!(r#""elementsize":{item_bytes}"#);
    let mut filters = vec![
        Chain::new("shuffle", vec![v2("shuffle", &shuffle)]),
        Chain::new("crc32", vec![v2("crc32", "")]),
        Chain::new("crc32c", vec![v2("crc32c", "")]),
        Chain::new("adler32", vec![v2("adler32", "")]),
        Chain::new("fletcher32", vec![v2("fletcher32", "")]),
        Chain::new(
            "jenkins_lookup3",
            vec![v2("jenkins_lookup3", r#""initval":0,"prefix":null"#)],
        ),
        Chain::new("base64", vec![v2("base64", "")]),
    ];
    if let Some(dtype) = number(data_type, endianness) {
        if data_type == &DataType::Bool {
            filters.push(Chain::new("packbits", vec![v2("packbits", "")]));
        } else {
            let members = format!(r#""dtype":"{dtype}""#);
            filters.push(Chain::new("delta", vec![v2("delta", &members)]).calculating());
            let members = format!(r#""encode_dtype":"<f8","decode_dtype":"{dtype}""#);
            filters.push(Chain::new("astype", vec![v2("astype", &members)]).calculating());
        }
        if matches!(data_type, DataType::Float(_)) {
            let members = format!(r#""offset":1,"scale":10,"dtype":"{dtype}","astype":"<i4""#);
            filters
                .push(Chain::new("fixedscaleoffset", vec![v2("fixedscaleoffset", &members)]).calculating());
            let members = format!(r#""digits":1,"dtype":"{dtype}""#);
            filters.push(Chain::new("quantize", vec![v2("quantize", &members)]).calculating());
            filters.push(Chain::new("bitround", vec![v2("bitround", r#""keepbits":4"#)]).calculating());
        }
    }
    if object.is_none() {
        all.extend(filters.into_iter().map(|chain| V2Chain {
            chain,
            compressor: Some(v2("zlib", r#""level":1"#)),
        }));
    }
    all
}
