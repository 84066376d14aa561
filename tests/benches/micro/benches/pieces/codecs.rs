//! How fast does each codec decode and encode a chunk of 64³ elements? Each row is a chain of that codec and what it needs.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use zarr_core::codec::registry::codecs;
use zarr_core::codec::{Chunk, ChunkRef, CodecChain, Scratch, VariableLength};
use zarr_core::metadata::{ArrayMetadata, DataType, Json, NamedConfig};
use zarr_micro_benches::measurements;

const SHAPE: [u64; 3] = [64, 64, 64];
/// As many in one dimension: `json2` nests its values as the shape says.
const FLAT: [u64; 1] = [64 * 64 * 64];
const COUNT: usize = 64 * 64 * 64;
const BYTES: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;
const WORDS: [&str; 4] = ["north", "south", "west of the river", ""];

/// A chain with a chunk for it.
struct Case {
    name: String,
    chain: CodecChain,
    decoded: Chunk,
    encoded: Vec<u8>,
    writes: bool,
}

fn cases() -> Vec<Case> {
    let float32 = || Chunk::Fixed(measurements(COUNT).flat_map(f32::to_le_bytes).collect());
    let int32 = || {
        Chunk::Fixed(
            measurements(COUNT)
                .flat_map(|value| (value as i32).to_le_bytes())
                .collect(),
        )
    };
    let bool = || Chunk::Fixed(measurements(COUNT).map(|value| u8::from(value > 0.0)).collect());
    let with_bytes = |members: &str| format!("[{members},{BYTES}]");
    let after_bytes = |members: &str| format!("[{BYTES},{members}]");
    let named = |name: &str, members: &str| format!(r#"{{"name":"{name}","configuration":{{{members}}}}}"#);
    let zstd = named("zstd", r#""level":3,"checksum":false"#);
    let crc32c = named("crc32c", "");

    let mut all = Vec::new();
    // Codecs from arrays to arrays.
    for (name, members) in [
        ("transpose", r#""order":[2,1,0]"#),
        ("reshape", r#""shape":[-1,64]"#),
        ("scale_offset", r#""offset":10,"scale":0.5"#),
        ("cast_value", r#""data_type":"float64""#),
        ("bitround", r#""keepbits":10"#),
        (
            "numcodecs.fixedscaleoffset",
            r#""offset":0,"scale":100,"dtype":"<f4","astype":"<i4""#,
        ),
        ("numcodecs.quantize", r#""digits":2,"dtype":"<f4""#),
        ("numcodecs.astype", r#""encode_dtype":"<f8","decode_dtype":"<f4""#),
    ] {
        all.push(v3(name, &with_bytes(&named(name, members)), "float32", float32()));
    }
    all.push(v3(
        "numcodecs.delta",
        &with_bytes(&named("numcodecs.delta", r#""dtype":"<i4""#)),
        "int32",
        int32(),
    ));
    all.push(v3(
        "numcodecs.packbits",
        r#"[{"name":"numcodecs.packbits"},"bytes"]"#,
        "bool",
        bool(),
    ));
    // Codecs from arrays to bytes.
    all.push(v3("bytes", &format!("[{BYTES}]"), "float32", float32()));
    all.push(v3(
        "bytes, big-endian",
        &format!("[{}]", named("bytes", r#""endian":"big""#)),
        "float32",
        float32(),
    ));
    all.push(v3("packbits", r#"[{"name":"packbits"}]"#, "bool", bool()));
    for (name, members) in [
        ("numcodecs.pcodec", r#""level":8"#),
        ("zfp", r#""mode":"fixed_accuracy","tolerance":0.01"#),
        ("numcodecs.zfpy", r#""mode":4,"tolerance":0.01"#),
    ] {
        all.push(v3(
            name,
            &format!("[{}]", named(name, members)),
            "float32",
            float32(),
        ));
    }
    let shard = format!(
        r#""chunk_shape":[32,32,32],"codecs":[{BYTES},{zstd}],"index_codecs":[{BYTES},{crc32c}],"index_location":"end""#
    );
    all.push(v3(
        "sharding_indexed",
        &format!("[{}]", named("sharding_indexed", &shard)),
        "float32",
        float32(),
    ));
    all.push(v3("vlen-utf8", r#"["vlen-utf8"]"#, "string", words()));
    all.push(v3("vlen-bytes", r#"["vlen-bytes"]"#, "bytes", words()));
    // Codecs from bytes to bytes.
    all.push(v3("zstd", &after_bytes(&zstd), "float32", float32()));
    for (cname, shuffle) in [
        ("lz4", "shuffle"),
        ("lz4", "bitshuffle"),
        ("zstd", "shuffle"),
        ("blosclz", "shuffle"),
    ] {
        let members =
            format!(r#""cname":"{cname}","clevel":5,"shuffle":"{shuffle}","typesize":4,"blocksize":0"#);
        all.push(v3(
            &format!("blosc, {cname}, {shuffle}"),
            &after_bytes(&named("blosc", &members)),
            "float32",
            float32(),
        ));
    }
    for (name, members) in [
        ("gzip", r#""level":5"#),
        ("crc32c", ""),
        ("numcodecs.zlib", r#""level":1"#),
        ("numcodecs.bz2", r#""level":1"#),
        ("numcodecs.lzma", r#""format":1,"preset":1"#),
        ("numcodecs.lz4", r#""acceleration":1"#),
        ("numcodecs.shuffle", r#""elementsize":4"#),
        ("numcodecs.crc32", ""),
        ("numcodecs.adler32", ""),
        ("numcodecs.fletcher32", ""),
        ("numcodecs.jenkins_lookup3", ""),
    ] {
        all.push(v3(
            name,
            &after_bytes(&named(name, members)),
            "float32",
            float32(),
        ));
    }
    // What only v2 has.
    all.push(v2("base64", "<f4", "", r#"{"id":"base64"}"#, float32(), None));
    all.push(v2(
        "vlen-array",
        "|O",
        r#"{"id":"vlen-array","dtype":"<f4"}"#,
        "null",
        rows(),
        None,
    ));
    let categorize = format!(
        r#"{{"id":"categorize","labels":{:?},"dtype":"|O","astype":"|u1"}}"#,
        &WORDS[..3]
    );
    all.push(v2("categorize", "|O", &categorize, "null", words(), None));
    all.push(v2(
        "json2",
        "|O",
        r#"{"id":"json2"}"#,
        "null",
        words(),
        Some(json_document()),
    ));
    all.push(v2(
        "msgpack2",
        "|O",
        r#"{"id":"msgpack2"}"#,
        "null",
        words(),
        Some(msgpack_document()),
    ));
    all
}

/// Strings, some of them empty.
fn words() -> Chunk {
    let mut values = VariableLength::with_capacity(COUNT, COUNT * 8).expect("memory");
    word_numbers().for_each(|number| values.push(WORDS[number].as_bytes()));
    Chunk::Variable(values)
}

fn word_numbers() -> impl Iterator<Item = usize> {
    measurements(COUNT).map(|value| value.abs() as usize % WORDS.len())
}

/// Arrays of 0 to 3 numbers.
fn rows() -> Chunk {
    let mut values = VariableLength::with_capacity(COUNT, COUNT * 8).expect("memory");
    for number in word_numbers() {
        let row: Vec<u8> = measurements(number).flat_map(f32::to_le_bytes).collect();
        values.push(&row);
    }
    Chunk::Variable(values)
}

fn json_document() -> Vec<u8> {
    let values: Vec<String> = word_numbers()
        .map(|number| format!("{:?}", WORDS[number]))
        .collect();
    format!(r#"[{},"|O",[262144]]"#, values.join(",")).into_bytes()
}

/// The same in MessagePack: a list of short texts, then the type, then the shape.
fn msgpack_document() -> Vec<u8> {
    let mut out = vec![0xdd];
    out.extend(u32::try_from(COUNT + 2).expect("small").to_be_bytes());
    let text = |out: &mut Vec<u8>, text: &str| {
        out.push(0xa0 | u8::try_from(text.len()).expect("short"));
        out.extend(text.as_bytes());
    };
    word_numbers().for_each(|number| text(&mut out, WORDS[number]));
    text(&mut out, "|O");
    out.extend([0x91, 0xce]);
    out.extend(u32::try_from(COUNT).expect("small").to_be_bytes());
    out
}

fn v3(name: &str, codecs: &str, data_type: &str, decoded: Chunk) -> Case {
    let json = Json::parse(codecs.as_bytes()).expect(codecs);
    let configs: Vec<_> = json
        .as_array()
        .into_iter()
        .flatten()
        .map(|json| NamedConfig::parse(json).expect(codecs))
        .collect();
    let data_type = DataType::parse_v3(&Json::from(data_type)).expect("a data type");
    let fill = vec![0; data_type.size_bytes().unwrap_or(0)];
    let chain = CodecChain::from_v3(&configs, &data_type, &fill, &SHAPE).expect(name);
    case(name, chain, decoded, None)
}

fn v2(
    name: &str,
    dtype: &str,
    filter: &str,
    compressor: &str,
    decoded: Chunk,
    encoded: Option<Vec<u8>>,
) -> Case {
    let document = format!(
        r#"{{"zarr_format":2,"shape":{FLAT:?},"chunks":{FLAT:?},"dtype":"{dtype}","fill_value":0,"order":"C","filters":[{filter}],"compressor":{compressor}}}"#
    );
    let metadata = ArrayMetadata::parse_v2(document.as_bytes(), None).expect(&document);
    let chain = CodecChain::for_array(&metadata, &FLAT).expect(name);
    case(name, chain, decoded, encoded)
}

/// `encoded` is given where the codec is only read.
fn case(name: &str, chain: CodecChain, decoded: Chunk, encoded: Option<Vec<u8>>) -> Case {
    let writes = encoded.is_none();
    let encode = || chain.encode(decoded.as_ref(), &mut Scratch::new()).expect(name);
    let encoded = encoded.unwrap_or_else(encode);
    Case {
        name: name.to_owned(),
        chain,
        decoded,
        encoded,
        writes,
    }
}

/// A codec that joins the registry must join this list.
fn ensure_complete(cases: &[Case]) {
    let named: BTreeSet<&str> = cases
        .iter()
        .map(|case| case.name.split(',').next().unwrap_or_default())
        .collect();
    for codec in codecs() {
        let name = codec.v3.first().copied().or(codec.v2).expect("a name");
        assert!(named.contains(name), "no benchmark of {name}");
    }
}

fn size(chunk: ChunkRef<'_>) -> u64 {
    match chunk {
        ChunkRef::Fixed(bytes) => bytes.len() as u64,
        ChunkRef::Variable(values) => values.data().len() as u64,
    }
}

pub fn benches(criterion: &mut Criterion) {
    let cases = cases();
    ensure_complete(&cases);
    let mut scratch = Scratch::new();
    for what in ["decode", "encode"] {
        let mut group = criterion.benchmark_group(what);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(800));
        for case in &cases {
            group.throughput(Throughput::Bytes(size(case.decoded.as_ref())));
            match (what, &case.decoded) {
                ("encode", _) if !case.writes => {}
                ("encode", decoded) => {
                    group.bench_function(&case.name, |bencher| {
                        bencher.iter(|| {
                            case.chain
                                .encode(black_box(decoded.as_ref()), &mut scratch)
                                .expect("encoded")
                        });
                    });
                }
                // As a read does it: to memory that is there.
                (_, Chunk::Fixed(bytes)) => {
                    let mut out = vec![0; bytes.len()];
                    group.bench_function(&case.name, |bencher| {
                        bencher.iter(|| {
                            case.chain
                                .decode_into(black_box(&case.encoded), &mut out, &mut scratch)
                                .expect("decoded");
                        });
                    });
                }
                (_, Chunk::Variable(_)) => {
                    group.bench_function(&case.name, |bencher| {
                        bencher.iter(|| {
                            case.chain
                                .decode(black_box(&case.encoded), &mut scratch)
                                .expect("decoded")
                        });
                    });
                }
            }
        }
        group.finish();
    }
}
