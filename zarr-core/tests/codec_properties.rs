//! Properties of every v3 codec and of chains of them: what is encoded is decoded; what is not an encoding is refused.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what broke")]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use zarr_core::codec::{Chunk, ChunkRef, CodecChain, CodecErrorKind, Scratch, VariableLength};
use zarr_core::metadata::{DataType, Json, NamedConfig};

const LE: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;
const BE: &str = r#"{"name":"bytes","configuration":{"endian":"big"}}"#;

fn chain(codecs: &str, data_type: &str, fill: &[u8], shape: &[u64]) -> CodecChain {
    let json = Json::parse(codecs.as_bytes()).expect(codecs);
    let codecs: Vec<_> = json
        .as_array()
        .into_iter()
        .flatten()
        .map(|json| NamedConfig::parse(json).expect("codec"))
        .collect();
    let data_type = DataType::parse_v3(&Json::parse(data_type.as_bytes()).expect("JSON")).expect("data type");
    CodecChain::from_v3(&codecs, &data_type, fill, shape).expect("chain")
}

fn codec(name: &str, configuration: &str) -> String {
    format!(r#"{{"name":"{name}","configuration":{{{configuration}}}}}"#)
}

fn shard(inner: &str, codecs: &str, index: &str, location: &str) -> String {
    let members = format!(
        r#""chunk_shape":{inner},"codecs":[{codecs}],"index_codecs":[{index}],"index_location":"{location}""#
    );
    codec("sharding_indexed", &members)
}

/// Chains that lose nothing, for arrays of `int32` and of shape `[4, 6]`, say.
fn lossless() -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    let compressors = [
        codec("gzip", r#""level":3"#),
        codec("zstd", r#""level":1,"checksum":true"#),
        codec("crc32c", ""),
        codec("numcodecs.zlib", r#""level":0"#),
        codec("numcodecs.bz2", r#""level":1"#),
        codec("numcodecs.lzma", r#""format":2"#),
        codec("numcodecs.lz4", ""),
        codec("numcodecs.shuffle", r#""elementsize":4"#),
        codec("numcodecs.adler32", ""),
        codec("numcodecs.crc32", r#""location":"end""#),
        codec("numcodecs.fletcher32", ""),
        codec("numcodecs.jenkins_lookup3", ""),
    ];
    for compressor in &compressors {
        all.push((format!("[{LE},{compressor}]"), r#""int32""#));
        // Checksums and compressors in both orders around each other.
        all.push((
            format!("[{BE},{compressor},{},{}]", compressors[0], compressors[2]),
            r#""uint32""#,
        ));
    }
    for cname in ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"] {
        for shuffle in ["noshuffle", "shuffle", "bitshuffle"] {
            let members =
                format!(r#""cname":"{cname}","clevel":5,"shuffle":"{shuffle}","typesize":4,"blocksize":256"#);
            all.push((format!("[{LE},{}]", codec("blosc", &members)), r#""float32""#));
        }
    }
    for data_type in [
        r#""int8""#,
        r#""int16""#,
        r#""float64""#,
        r#""complex128""#,
        r#""r24""#,
        r#""bfloat16""#,
        r#"{"name":"numpy.datetime64","configuration":{"unit":"ns","scale_factor":1}}"#,
        r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":12}}"#,
        r#"{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int8"},{"name":"b","data_type":"float64"}]}}"#,
    ] {
        all.push((format!("[{LE}]"), data_type));
        all.push((
            format!("[{},{BE}]", codec("transpose", r#""order":[1,0]"#)),
            data_type,
        ));
        all.push((format!("[{}]", shard("[2,3]", BE, LE, "start")), data_type));
    }
    let order = codec("transpose", r#""order":[1,0]"#);
    let gzip = &compressors[0];
    let index = format!("{LE},{}", compressors[2]);
    for shards in [
        format!("[{}]", shard("[2,3]", LE, &index, "end")),
        format!(
            "[{}]",
            shard("[4,1]", &format!("{order},{BE},{gzip}"), &index, "start")
        ),
        format!("[{}]", shard("[1,1]", LE, BE, "end")),
        format!("[{}]", shard("[2,6]", LE, &index, "end")),
        format!("[{order},{},{gzip}]", shard("[3,2]", LE, &index, "end")),
        format!(
            "[{}]",
            shard(
                "[4,3]",
                &shard("[2,1]", &format!("{LE},{gzip}"), &index, "start"),
                &index,
                "end"
            )
        ),
        format!("[{}]", shard("[2,3]", &codec("packbits", ""), &index, "end")),
        format!("[{},{LE}]", codec("reshape", r#""shape":[[0],2,-1]"#)),
        format!("[{},{order},{BE}]", codec("reshape", r#""shape":[-1,3]"#)),
        format!("[{},{LE}]", codec("numcodecs.delta", r#""dtype":"<i4""#)),
        format!("[{}]", codec("numcodecs.pcodec", r#""level":2"#)),
        format!("[{}]", codec("numcodecs.zfpy", r#""mode":5"#)),
        format!("[{}]", codec("zfp", r#""mode":"reversible""#)),
        format!("[{}]", codec("packbits", r#""padding_encoding":"first_byte""#)),
        format!(
            "[{},{LE}]",
            codec("numcodecs.astype", r#""encode_dtype":"<i8","decode_dtype":"<i4""#)
        ),
        format!("[{},{LE}]", codec("cast_value", r#""data_type":"int64""#)),
        format!("[{},{LE}]", codec("cast_value", r#""data_type":"float64""#)),
    ] {
        all.push((shards, r#""int32""#));
    }
    for data_type in [
        r#""bool""#,
        r#""int2""#,
        r#""uint4""#,
        r#""float6_e2m3fn""#,
        r#""complex_float4_e2m1fn""#,
    ] {
        for padding in ["none", "first_byte", "last_byte"] {
            all.push((
                format!(
                    "[{}]",
                    codec("packbits", &format!(r#""padding_encoding":"{padding}""#))
                ),
                data_type,
            ));
        }
        all.push((r#"["bytes"]"#.to_owned(), data_type));
    }
    all.push((
        format!("[{},\"bytes\"]", codec("numcodecs.packbits", "")),
        r#""bool""#,
    ));
    all
}

/// Makes arbitrary bytes elements that the data type has.
fn legalise(data_type: &str, bytes: &mut [u8]) {
    let mask = match data_type {
        r#""bool""# => 1,
        r#""int2""# => 3,
        r#""uint4""# | r#""complex_float4_e2m1fn""# => 15,
        r#""float6_e2m3fn""# => 63,
        _ => 255,
    };
    bytes.iter_mut().for_each(|byte| *byte &= mask);
}

/// Runs of equal bytes and noise, so that compressors have something to do and shards have empty chunks.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop_oneof![Just(0), any::<u8>()], 1_usize..60).prop_map(|(byte, length)| vec![byte; length]);
    let noise = proptest::collection::vec(any::<u8>(), 1..40);
    proptest::collection::vec(prop_oneof![2 => run, 1 => noise], 1..12).prop_map(|parts| parts.concat())
}

fn fill_up(content: &[u8], len: usize) -> Vec<u8> {
    content.iter().copied().cycle().take(len).collect()
}

fn run(cases: u32, test: impl Fn(Vec<u8>, u64) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    if let Err(error) = runner.run(&(content(), any::<u64>()), |(content, seed)| test(content, seed)) {
        panic!("{error}");
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    for (codecs, data_type) in lossless() {
        let parsed =
            DataType::parse_v3(&Json::parse(data_type.as_bytes()).expect("JSON")).expect("data type");
        let size = parsed.size_bytes().expect("fixed size");
        let made = chain(&codecs, data_type, &vec![0; size], &[4, 6]);
        run(24, |content, _| {
            let mut scratch = Scratch::new();
            let mut decoded = fill_up(&content, 24 * size);
            legalise(data_type, &mut decoded);
            let encoded = made.encode(ChunkRef::Fixed(&decoded), &mut scratch);
            let encoded = encoded.map_err(|error| TestCaseError::fail(format!("{codecs}: {error}")))?;
            made.check_reachable(encoded.len())
                .map_err(|error| TestCaseError::fail(format!("{codecs}: {error}")))?;
            let again = made.decode(&encoded, &mut scratch);
            prop_assert_eq!(
                again,
                Ok(Chunk::Fixed(decoded.clone())),
                "{} of {}",
                &codecs,
                data_type
            );
            let mut out = vec![0xa5; decoded.len()];
            prop_assert_eq!(made.decode_into(&encoded, &mut out, &mut scratch), Ok(()));
            prop_assert_eq!(out, decoded);
            Ok(())
        });
    }
}

/// A change of `encoded`: a bit, a byte, an integer, the length.
fn mutate(encoded: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = encoded.to_vec();
    let pick =
        |shift: u32, below: usize| usize::try_from(seed.rotate_right(shift)).unwrap_or(0) % below.max(1);
    let at = pick(8, bytes.len());
    match seed % 8 {
        0 => bytes.truncate(at),
        1 => bytes.extend_from_slice(&seed.to_le_bytes()),
        2 => bytes.extend_from_slice(encoded),
        3 => {
            for (to, from) in bytes.iter_mut().skip(at).zip(u64::MAX.to_le_bytes()) {
                *to = from;
            }
        }
        4 => {
            for (to, from) in bytes.iter_mut().skip(at & !3).zip(seed.to_le_bytes()) {
                *to = from;
            }
        }
        5 => {
            bytes.drain(at..(at + pick(24, 9)).min(encoded.len()));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << pick(32, 8);
            }
        }
    }
    bytes
}

fn is_verdict(kind: &CodecErrorKind) -> bool {
    matches!(
        kind,
        CodecErrorKind::Corrupt { .. }
            | CodecErrorKind::Unsupported { .. }
            | CodecErrorKind::OutOfMemory { .. }
    )
}

#[test]
fn changed_bytes_are_refused_or_make_a_whole_chunk() {
    for (codecs, data_type) in lossless() {
        let parsed =
            DataType::parse_v3(&Json::parse(data_type.as_bytes()).expect("JSON")).expect("data type");
        let size = parsed.size_bytes().expect("fixed size");
        let made = chain(&codecs, data_type, &vec![0; size], &[4, 6]);
        run(48, |content, seed| {
            let mut scratch = Scratch::new();
            let mut decoded = fill_up(&content, 24 * size);
            legalise(data_type, &mut decoded);
            let encoded = made
                .encode(ChunkRef::Fixed(&decoded), &mut scratch)
                .expect("encoded");
            for bytes in [mutate(&encoded, seed), fill_up(&content, content.len())] {
                match made.decode(&bytes, &mut scratch) {
                    Ok(Chunk::Fixed(out)) => prop_assert_eq!(out.len(), 24 * size, "{}", &codecs),
                    Ok(Chunk::Variable(_)) => prop_assert!(false, "{}", &codecs),
                    Err(error) => prop_assert!(is_verdict(&error.kind), "{}: {}", &codecs, error),
                }
            }
            // A checksum over everything finds every change.
            let changed = mutate(&encoded, seed);
            if codecs.ends_with(r#"{"name":"crc32c","configuration":{}}]"#) && changed != encoded {
                prop_assert!(made.decode(&changed, &mut scratch).is_err(), "{}", &codecs);
            }
            Ok(())
        });
    }
}

fn strings() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(
        prop_oneof![Just(String::new()), Just("fill".to_owned()), "\\PC{0,20}"],
        6,
    )
}

fn variable() -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    let gzip = codec("gzip", r#""level":1"#);
    let order = codec("transpose", r#""order":[1,0]"#);
    let index = format!("{LE},{}", codec("crc32c", ""));
    for (name, data_type) in [
        ("vlen-utf8", r#""string""#),
        ("vlen-bytes", r#""bytes""#),
        ("vlen-bytes", r#""variable_length_bytes""#),
    ] {
        for codecs in [
            format!(r#"["{name}"]"#),
            format!(r#"[{order},"{name}",{gzip},"crc32c"]"#),
            format!(r#"[{},"{name}"]"#, codec("reshape", r#""shape":[6]"#)),
            format!(
                "[{}]",
                shard("[1,3]", &format!(r#""{name}",{gzip}"#), &index, "end")
            ),
            format!(
                "[{order},{},{gzip}]",
                shard("[1,2]", &format!(r#""{name}""#), &index, "start")
            ),
        ] {
            all.push((codecs, data_type));
        }
    }
    all
}

#[test]
fn strings_survive_and_changed_ones_are_refused() {
    for (codecs, data_type) in variable() {
        let made = chain(&codecs, data_type, b"fill", &[2, 3]);
        let mut runner = TestRunner::new(Config {
            cases: 64,
            failure_persistence: None,
            ..Config::default()
        });
        let result = runner.run(&(strings(), any::<u64>()), |(strings, seed)| {
            let mut scratch = Scratch::new();
            let mut values = VariableLength::default();
            strings.iter().for_each(|text| values.push(text.as_bytes()));
            let encoded = made
                .encode(ChunkRef::Variable(&values), &mut scratch)
                .expect("encoded");
            prop_assert_eq!(
                made.decode(&encoded, &mut scratch),
                Ok(Chunk::Variable(values)),
                "{}",
                &codecs
            );
            match made.decode(&mutate(&encoded, seed), &mut scratch) {
                Ok(Chunk::Variable(values)) => {
                    prop_assert_eq!(values.len(), 6);
                    if data_type == r#""string""# {
                        prop_assert!(
                            values.iter().all(|value| std::str::from_utf8(value).is_ok()),
                            "{}",
                            &codecs
                        );
                    }
                }
                Ok(Chunk::Fixed(_)) => prop_assert!(false, "{}", &codecs),
                Err(error) => prop_assert!(is_verdict(&error.kind), "{}: {}", &codecs, error),
            }
            Ok(())
        });
        assert!(result.is_ok(), "{codecs}: {result:?}");
    }
}

#[test]
fn wrong_sizes_are_refused_on_both_sides() {
    let made = chain(&format!("[{LE}]"), r#""int32""#, &[0; 4], &[4, 6]);
    let mut scratch = Scratch::new();
    for len in [0, 95, 97, 960] {
        assert!(made.encode(ChunkRef::Fixed(&vec![0; len]), &mut scratch).is_err());
        assert!(made.decode(&vec![0; len], &mut scratch).is_err());
        assert!(
            made.decode_into(&[0; 96], &mut vec![0; len], &mut scratch)
                .is_err()
        );
    }
    assert!(
        made.encode(ChunkRef::Variable(&VariableLength::default()), &mut scratch)
            .is_err()
    );
}

#[test]
fn an_unknown_codec_names_itself_unless_it_need_not_be_understood() {
    let build = |codecs: &str| {
        let json = Json::parse(codecs.as_bytes()).expect("JSON");
        let codecs: Vec<_> = json
            .as_array()
            .into_iter()
            .flatten()
            .map(|json| NamedConfig::parse(json).expect("codec"))
            .collect();
        CodecChain::from_v3(&codecs, &DataType::Bool, &[0], &[4])
    };
    let error = build(r#"["bytes","acme.brotli9"]"#).expect_err("unknown");
    assert_eq!(error.codec, "acme.brotli9");
    assert!(matches!(error.kind, CodecErrorKind::Unsupported { .. }));
    assert!(build(r#"["bytes",{"name":"acme.brotli9","must_understand":false}]"#).is_ok());
    for wrong in [
        r#"[]"#,
        r#"["gzip"]"#,
        r#"["crc32c","bytes"]"#,
        r#"["bytes","bytes"]"#,
        r#"["bytes",{"name":"transpose","configuration":{"order":[0]}}]"#,
        r#"[{"name":"transpose","configuration":{"order":[1]}},"bytes"]"#,
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[3],"codecs":["bytes"],"index_codecs":["bytes"]}}]"#,
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[0],"codecs":["bytes"],"index_codecs":["bytes"]}}]"#,
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}},"gzip"]}}]"#,
    ] {
        let error = build(wrong).expect_err(wrong);
        assert!(
            matches!(error.kind, CodecErrorKind::InvalidConfiguration { .. }),
            "{wrong}: {error}"
        );
    }
}
