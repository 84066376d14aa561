//! Codecs that compute: the examples of their definitions, and the places where arithmetic goes wrong.

#![expect(clippy::expect_used, reason = "a test says what broke")]

use zarr_core::codec::{Chunk, ChunkRef, CodecChain, CodecError, CodecErrorKind, Scratch};
use zarr_core::metadata::{DataType, Json, NamedConfig};

const LE: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;

fn try_chain(codecs: &str, data_type: &str, fill: &[u8], length: usize) -> Result<CodecChain, CodecError> {
    let json = Json::parse(codecs.as_bytes()).expect(codecs);
    let items = json.as_array().into_iter().flatten();
    let codecs: Vec<_> = items
        .map(|json| NamedConfig::parse(json).expect("codec"))
        .collect();
    let data_type = DataType::parse_v3(&Json::from(data_type)).expect("data type");
    CodecChain::from_v3(&codecs, &data_type, fill, &[length as u64])
}

/// Encodes with `codec` (its name and configuration) and `bytes`.
fn encode<const N: usize>(codec: &str, data_type: &str, elements: &[[u8; N]]) -> Result<Vec<u8>, CodecError> {
    let chain = try_chain(&format!("[{codec},{LE}]"), data_type, &[0; N], elements.len())?;
    chain.encode(ChunkRef::Fixed(elements.as_flattened()), &mut Scratch::new())
}

fn decode<const N: usize>(
    codec: &str,
    data_type: &str,
    encoded: &[u8],
    length: usize,
) -> Result<Vec<[u8; N]>, CodecError> {
    let chain = try_chain(&format!("[{codec},{LE}]"), data_type, &[0; N], length)?;
    match chain.decode(encoded, &mut Scratch::new())? {
        Chunk::Fixed(bytes) => Ok(bytes.as_chunks::<N>().0.to_vec()),
        Chunk::Variable(_) => Ok(Vec::new()),
    }
}

fn cast(members: &str) -> String {
    format!(r#"{{"name":"cast_value","configuration":{{{members}}}}}"#)
}

fn f64s(values: &[f64]) -> Vec<[u8; 8]> {
    values.iter().map(|value| value.to_le_bytes()).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, CodecError>) {
    let error = result.expect_err("refused");
    assert!(
        matches!(error.kind, CodecErrorKind::Unencodable { .. }),
        "{error}"
    );
}

#[test]
fn cast_value_can_do_what_numpy_does() {
    let codec = cast(
        r#""data_type":"uint8","rounding":"towards-zero","out_of_range":"wrap",
           "scalar_map":{"encode":[["NaN",0],["+Infinity",0],["-Infinity",0]]}"#,
    );
    let values = f64s(&[
        1.9,
        -1.0,
        256.5,
        -257.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
    ]);
    assert_eq!(
        encode(&codec, "float64", &values).expect("encoded"),
        [1, 255, 0, 255, 0, 0, 0, 0]
    );
}

#[test]
fn cast_value_treats_what_is_out_of_range_as_told() {
    let one = f64s(&[128.0]);
    refused(encode(&cast(r#""data_type":"int8""#), "float64", &one));
    assert_eq!(
        encode(
            &cast(r#""data_type":"int8","out_of_range":"clamp""#),
            "float64",
            &one
        )
        .expect("clamped"),
        [127]
    );
    assert_eq!(
        encode(
            &cast(r#""data_type":"int8","out_of_range":"wrap""#),
            "float64",
            &one
        )
        .expect("wrapped"),
        [128]
    );
    let wrap = cast(r#""data_type":"int16","out_of_range":"wrap""#);
    let integers: Vec<_> = [32_768_i32, 32_769, -32_769]
        .iter()
        .map(|value| value.to_le_bytes())
        .collect();
    let expected: Vec<u8> = [-32_768_i16, -32_767, 32_767]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(encode(&wrap, "int32", &integers).expect("wrapped"), expected);
    // Floats clamp to infinity where there is one, else to the largest value.
    let clamp = |data_type: &str| cast(&format!(r#""data_type":"{data_type}","out_of_range":"clamp""#));
    let huge = f64s(&[1e300, -1e300]);
    let f32s: Vec<u8> = [f32::INFINITY, f32::NEG_INFINITY]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(
        encode(&clamp("float32"), "float64", &huge).expect("infinite"),
        f32s
    );
    assert_eq!(
        encode(&clamp("float8_e4m3fn"), "float64", &huge).expect("448"),
        [0x7e, 0xfe]
    );
    assert_eq!(
        encode(&clamp("float4_e2m1fn"), "float64", &huge).expect("6"),
        [0x7, 0xf]
    );
    refused(encode(&cast(r#""data_type":"float32""#), "float64", &huge));
    // NaN has no place among integers, and none in float4.
    refused(encode(&clamp("int8"), "float64", &f64s(&[f64::NAN])));
    refused(encode(&clamp("float4_e2m1fn"), "float64", &f64s(&[f64::NAN])));
    assert!(
        try_chain(
            &format!(
                "[{},{LE}]",
                cast(r#""data_type":"float32","out_of_range":"wrap""#)
            ),
            "float64",
            &[0; 8],
            1
        )
        .is_err()
    );
    assert!(
        try_chain(
            &format!("[{},{LE}]", cast(r#""data_type":"int8","extra":1"#)),
            "float64",
            &[0; 8],
            1
        )
        .is_err()
    );
}

#[test]
fn cast_value_rounds_in_five_ways() {
    let values = [0.5, 1.5, 2.5, -0.5, -1.5, 0.2, 0.8, -0.2, -0.8, 3.0];
    for (mode, expected) in [
        ("nearest-even", [0_i8, 2, 2, 0, -2, 0, 1, 0, -1, 3]),
        ("towards-zero", [0, 1, 2, 0, -1, 0, 0, 0, 0, 3]),
        ("towards-positive", [1, 2, 3, 0, -1, 1, 1, 0, 0, 3]),
        ("towards-negative", [0, 1, 2, -1, -2, 0, 0, -1, -1, 3]),
        ("nearest-away", [1, 2, 3, -1, -2, 0, 1, 0, -1, 3]),
    ] {
        let codec = cast(&format!(r#""data_type":"int8","rounding":"{mode}""#));
        let expected: Vec<u8> = expected.iter().map(|value| value.cast_unsigned()).collect();
        assert_eq!(
            encode(&codec, "float64", &f64s(&values)).expect(mode),
            expected,
            "{mode}"
        );
    }
    // Integers that single precision lacks: 2^24 + 1 lies between two that it has.
    let integers: Vec<_> = [16_777_217_i64, -16_777_217, 16_777_219]
        .iter()
        .map(|value| value.to_le_bytes())
        .collect();
    for (mode, expected) in [
        ("nearest-even", [16_777_216_f32, -16_777_216.0, 16_777_220.0]),
        ("towards-zero", [16_777_216.0, -16_777_216.0, 16_777_218.0]),
        ("towards-positive", [16_777_218.0, -16_777_216.0, 16_777_220.0]),
        ("towards-negative", [16_777_216.0, -16_777_218.0, 16_777_218.0]),
        ("nearest-away", [16_777_218.0, -16_777_218.0, 16_777_220.0]),
    ] {
        let codec = cast(&format!(r#""data_type":"float32","rounding":"{mode}""#));
        let expected: Vec<u8> = expected.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(
            encode(&codec, "int64", &integers).expect(mode),
            expected,
            "{mode}"
        );
    }
    // One rounding, not two: 2^16 + 2^8 + 1 is just above a tie of bfloat16.
    let integers = [
        (65_536_i64 + 256 + 1).to_le_bytes(),
        (65_536_i64 + 256).to_le_bytes(),
    ];
    let encoded = encode(&cast(r#""data_type":"bfloat16""#), "int64", &integers).expect("bfloat16");
    assert_eq!(encoded, [0x81, 0x47, 0x80, 0x47]);
}

#[test]
fn scale_offset_computes_in_the_data_type() {
    let codec = r#"{"name":"scale_offset","configuration":{"offset":1000,"scale":2}}"#;
    let integers: Vec<_> = [1000_u16, 1001, 2255]
        .iter()
        .map(|value| value.to_le_bytes())
        .collect();
    let chain = try_chain(&format!("[{codec},{LE}]"), "uint16", &1000_u16.to_le_bytes(), 3).expect("chain");
    let encoded = chain
        .encode(ChunkRef::Fixed(integers.as_flattened()), &mut Scratch::new())
        .expect("encoded");
    let expected: Vec<u8> = [0_u16, 2, 2510]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(encoded, expected);
    let decoded = chain.decode(&encoded, &mut Scratch::new()).expect("decoded");
    assert_eq!(decoded, Chunk::Fixed(integers.concat()));
    // Below the offset, above the type, and no multiple of the scale.
    refused(chain.encode(ChunkRef::Fixed(&[0; 6]), &mut Scratch::new()));
    refused(chain.encode(ChunkRef::Fixed(&[0xff; 6]), &mut Scratch::new()));
    let odd = chain
        .decode(&[1, 0, 2, 0, 4, 0], &mut Scratch::new())
        .expect_err("odd");
    assert!(matches!(odd.kind, CodecErrorKind::Corrupt { .. }), "{odd}");
    let zero = r#"{"name":"scale_offset","configuration":{"scale":0}}"#;
    assert!(try_chain(&format!("[{zero},{LE}]"), "uint16", &[0; 2], 3).is_err());
}

#[test]
fn the_fill_value_goes_through_the_chain() {
    // The example of the registry, sharded: NaN is stored as 0, and absent inner chunks come back as NaN.
    let codecs = format!(
        r#"[{{"name":"scale_offset","configuration":{{"offset":-10,"scale":0.1}}}},
            {},
            {{"name":"sharding_indexed","configuration":{{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":[{LE}]}}}}]"#,
        cast(r#""data_type":"uint8","scalar_map":{"encode":[["NaN",0]],"decode":[[0,"NaN"]]}"#)
    );
    let nan = f64::NAN.to_le_bytes();
    let chain = try_chain(&codecs, "float64", &nan, 6).expect("chain");
    let values = f64s(&[0.0, 2540.0, f64::NAN, f64::NAN, f64::NAN, 30.0]);
    let encoded = chain
        .encode(ChunkRef::Fixed(values.as_flattened()), &mut Scratch::new())
        .expect("encoded");
    // Two of the three inner chunks are there.
    assert_eq!(encoded.len(), 2 * 2 + 3 * 16);
    assert_eq!(&encoded[..4], [1, 255, 0, 4]);
    let Chunk::Fixed(bytes) = chain.decode(&encoded, &mut Scratch::new()).expect("decoded") else {
        return;
    };
    let decoded: Vec<f64> = bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect();
    for (value, expected) in decoded
        .iter()
        .zip([0.0, 2540.0, f64::NAN, f64::NAN, f64::NAN, 30.0])
    {
        assert!(
            value.is_nan() && expected.is_nan() || (value - expected).abs() < 1e-9,
            "{decoded:?}"
        );
    }
}

#[test]
fn bitround_rounds_half_to_even_and_keeps_signs() {
    let codec = r#"{"name":"bitround","configuration":{"keepbits":1}}"#;
    let round = |value: f32| {
        let encoded = encode(codec, "float32", &[value.to_le_bytes()]).expect("encoded");
        f32::from_le_bytes(*encoded.first_chunk().expect("four bytes"))
    };
    for (value, expected) in [
        (1.0, 1.0),
        (1.2, 1.0),
        (1.25, 1.0),
        (1.3, 1.5),
        (1.75, 2.0),
        (-1.3, -1.5),
        (-0.0, -0.0),
        (f32::INFINITY, f32::INFINITY),
    ] {
        assert_eq!(round(value).to_bits(), f32::to_bits(expected), "{value}");
    }
    let codec = r#"{"name":"bitround","configuration":{"keepbits":2}}"#;
    let encoded = encode(codec, "uint8", &[[0], [1], [5], [7], [11], [255]]).expect("encoded");
    assert_eq!(encoded, [0, 1, 4, 8, 12, 192]);
    assert!(
        try_chain(
            &format!(r#"[{{"name":"bitround","configuration":{{"keepbits":24}}}},{LE}]"#),
            "float32",
            &[0; 4],
            1
        )
        .is_err()
    );
}

#[test]
fn packbits_keeps_the_bits_that_it_is_told_to() {
    let chain = |members: &str, data_type: &str, fill: &[u8], length| {
        try_chain(
            &format!(r#"[{{"name":"packbits","configuration":{{{members}}}}}]"#),
            data_type,
            fill,
            length,
        )
    };
    let made = chain(r#""last_bit":2,"padding_encoding":"last_byte""#, "int8", &[0], 3).expect("chain");
    let values: Vec<u8> = [-4_i8, 3, -1].iter().map(|value| value.cast_unsigned()).collect();
    let encoded = made
        .encode(ChunkRef::Fixed(&values), &mut Scratch::new())
        .expect("encoded");
    // 100, 011, 111, the first one lowest; seven bits of padding.
    assert_eq!(encoded, [0b1101_1100, 0b1, 7]);
    assert_eq!(
        made.decode(&encoded, &mut Scratch::new()),
        Ok(Chunk::Fixed(values))
    );
    assert!(made.decode(&[0b1101_1100, 0b1, 6], &mut Scratch::new()).is_err());
    let upper = chain(r#""first_bit":4"#, "uint16", &[0; 2], 2).expect("chain");
    let encoded = upper
        .encode(ChunkRef::Fixed(&[0x3f, 0x12, 0xff, 0xff]), &mut Scratch::new())
        .expect("encoded");
    assert_eq!(encoded, [0x23, 0xf1, 0xff]);
    assert_eq!(
        upper.decode(&encoded, &mut Scratch::new()),
        Ok(Chunk::Fixed(vec![0x30, 0x12, 0xf0, 0xff]))
    );
    for wrong in [
        r#""first_bit":3,"last_bit":2"#,
        r#""last_bit":8"#,
        r#""padding_encoding":"both""#,
    ] {
        assert!(chain(wrong, "int8", &[0], 3).is_err(), "{wrong}");
    }
}

#[test]
fn quantize_and_delta_keep_the_types_of_numpy() {
    // Sums wrap around in the decoded type.
    let codec = r#"{"name":"numcodecs.delta","configuration":{"dtype":"|u1"}}"#;
    let encoded = encode(codec, "uint8", &[[250], [5], [0]]).expect("encoded");
    assert_eq!(encoded, [250, 11, 251]);
    assert_eq!(
        decode::<1>(codec, "uint8", &encoded, 3),
        Ok(vec![[250], [5], [0]])
    );
    // A type of another width views the same bytes.
    let codec = r#"{"name":"numcodecs.delta","configuration":{"dtype":"<u4"}}"#;
    let encoded = encode(codec, "int64", &[5_i64.to_le_bytes()]).expect("encoded");
    assert_eq!(encoded, [5, 0, 0, 0, 251, 255, 255, 255]);
    assert_eq!(
        decode::<8>(codec, "int64", &encoded, 1),
        Ok(vec![5_i64.to_le_bytes()])
    );
}

#[test]
fn zfp_brings_infinities_and_the_largest_numbers_back() {
    let chain = |data_type: &str, size: usize| {
        let codecs = r#"[{"name":"zfp","configuration":{"mode":"reversible"}}]"#;
        try_chain(codecs, data_type, &vec![0; size], 8).expect("chain")
    };
    let single = [
        0.0,
        f32::INFINITY,
        0.0,
        f32::NEG_INFINITY,
        f32::MAX,
        0.0,
        f32::MIN,
        -0.0,
    ];
    let double = [
        0.0,
        f64::INFINITY,
        0.0,
        f64::NEG_INFINITY,
        f64::MAX,
        0.0,
        f64::MIN,
        -0.0,
    ];
    let single: Vec<u8> = single.iter().flat_map(|value| value.to_le_bytes()).collect();
    let double: Vec<u8> = double.iter().flat_map(|value| value.to_le_bytes()).collect();
    for (data_type, size, bytes) in [("float32", 4, single), ("float64", 8, double)] {
        let (chain, mut scratch) = (chain(data_type, size), Scratch::new());
        let encoded = chain
            .encode(ChunkRef::Fixed(&bytes), &mut scratch)
            .expect("encoded");
        assert_eq!(
            chain.decode(&encoded, &mut scratch),
            Ok(Chunk::Fixed(bytes)),
            "{data_type}"
        );
    }
}

/// numcodecs compresses no big-endian numbers, and takes what it decompresses for little-endian ones: what we wrote would be
/// read with its bytes swapped.
#[test]
fn big_endian_numbers_are_no_input_of_number_compressors_in_v2() {
    use zarr_core::metadata::V2ArrayBuilder;
    use zarr_core::metadata::data_type::{Endianness, IntKind};
    for compressor in ["pcodec", "zfpy"] {
        let array = |endianness| {
            let config = Json::parse(format!(r#"{{"id":"{compressor}","mode":5,"level":8}}"#).as_bytes())
                .expect("JSON");
            let metadata = V2ArrayBuilder::new(&[8], DataType::Int(IntKind::Int32))
                .endianness(endianness)
                .compressor(Some(NamedConfig::parse_v2(&config).expect("codec")))
                .build()
                .expect("metadata");
            CodecChain::for_array(&metadata, &[8])
        };
        let error = array(Endianness::Big).expect_err("refused");
        assert!(
            matches!(error.kind, CodecErrorKind::Unsupported { .. }),
            "{error}"
        );
        assert!(array(Endianness::Little).is_ok(), "{compressor}");
    }
}
