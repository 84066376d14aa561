//! The chains of each family of decoders.

use super::decode::{Case, Keeps};

const BYTES: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;
const BIG: &str = r#"{"name":"bytes","configuration":{"endian":"big"}}"#;

fn codec(name: &str, configuration: &str) -> String {
    format!(r#"{{"name":"{name}","configuration":{{{configuration}}}}}"#)
}

/// A bytes→bytes codec behind `bytes`, for a small and a larger chunk.
fn compressor(codecs: &[String]) -> Vec<Case> {
    let mut cases = Vec::new();
    for codec in codecs {
        let chain = format!("[{BYTES},{codec}]");
        cases.push(Case::v3(r#""uint8""#, "0", &[3000], &chain, Keeps::All));
        cases.push(Case::v3(r#""int32""#, "7", &[4, 6], &chain, Keeps::All));
    }
    cases
}

pub(super) fn deflate() -> Vec<Case> {
    compressor(&[
        codec("gzip", r#""level":6"#),
        codec("numcodecs.zlib", r#""level":1"#),
    ])
}

pub(super) fn zstd() -> Vec<Case> {
    let mut cases = compressor(&[
        codec("zstd", r#""level":1,"checksum":false"#),
        codec("zstd", r#""level":1,"checksum":true"#),
    ]);
    let twice = format!(
        "[{BYTES},{0},{0}]",
        codec("zstd", r#""level":1,"checksum":false"#)
    );
    // The inner stream may have any size up to twice the chunk's and 64 KiB.
    cases.push(Case::v3(r#""int16""#, "0", &[500], &twice, Keeps::All));
    cases
}

pub(super) fn blosc() -> Vec<Case> {
    let of = |cname: &str, shuffle: &str, size: u8, block: u16| {
        codec(
            "blosc",
            &format!(
                r#""cname":"{cname}","clevel":5,"shuffle":"{shuffle}","typesize":{size},"blocksize":{block}"#
            ),
        )
    };
    let mut cases = compressor(&[
        of("blosclz", "noshuffle", 1, 0),
        of("lz4", "shuffle", 4, 256),
        of("snappy", "bitshuffle", 4, 0),
        of("zlib", "bitshuffle", 2, 512),
        of("zstd", "shuffle", 8, 0),
    ]);
    let chain = format!("[{BYTES},{}]", of("blosclz", "bitshuffle", 8, 0));
    cases.push(Case::v3(r#""float64""#, "0.0", &[33], &chain, Keeps::All));
    cases
}

pub(super) fn lz4() -> Vec<Case> {
    compressor(&[codec("numcodecs.lz4", r#""acceleration":1"#)])
}

/// A block of up to 900 kB takes four bytes for each of its own, however little of it the chunk needs.
pub(super) fn bz2() -> Vec<Case> {
    let cases = compressor(&[codec("numcodecs.bz2", r#""level":1"#)]);
    cases.into_iter().map(|case| case.tables(5 << 20)).collect()
}

pub(super) fn lzma() -> Vec<Case> {
    compressor(&[
        codec("numcodecs.lzma", r#""format":1,"check":1,"preset":0"#),
        codec("numcodecs.lzma", r#""format":1,"check":0,"preset":0"#),
        codec("numcodecs.lzma", r#""format":2,"preset":0"#),
        codec(
            "numcodecs.lzma",
            r#""format":3,"filters":[{"id":3,"dist":4},{"id":33,"preset":0}]"#,
        ),
    ])
}

/// Checksums, and the filters on bytes that change no size or grow by a fixed part.
pub(super) fn checksum() -> Vec<Case> {
    let mut cases = compressor(&[
        codec("crc32c", ""),
        codec("numcodecs.crc32", r#""location":"start""#),
        codec("numcodecs.crc32", r#""location":"end""#),
        codec("numcodecs.adler32", r#""location":"end""#),
        codec("numcodecs.fletcher32", ""),
        codec("numcodecs.jenkins_lookup3", r#""initval":77,"prefix":[1,2]"#),
        codec("numcodecs.shuffle", r#""elementsize":4"#),
        format!(
            "{},{}",
            codec("crc32c", ""),
            codec("numcodecs.shuffle", r#""elementsize":3"#)
        ),
    ]);
    cases.push(
        Case::v2(
            "<i4",
            &[21],
            'C',
            r#"[{"id":"shuffle","elementsize":2}]"#,
            r#"{"id":"base64"}"#,
            Keeps::All,
        )
        .wider(2),
    );
    cases
}

pub(super) fn vlen() -> Vec<Case> {
    let text = |codecs: &str, shape: &[u64]| Case::v3(r#""string""#, r#""""#, shape, codecs, Keeps::All);
    let object = |filters: &str, shape: &[u64], order: char, keeps| {
        Case::v2("|O", shape, order, filters, "null", keeps)
    };
    vec![
        text(r#"["vlen-utf8"]"#, &[]),
        text(r#"["vlen-utf8"]"#, &[3, 4]),
        // A thousand times what was stored is as much as deflate makes of it.
        text(r#"["vlen-utf8",{"name":"gzip","configuration":{"level":1}}]"#, &[7]).wider(1040),
        text(r#"[{"name":"transpose","configuration":{"order":[1,0]}},"vlen-utf8","crc32c"]"#, &[3, 4]),
        Case::v3(r#""variable_length_bytes""#, r#""""#, &[9], r#"["vlen-bytes"]"#, Keeps::Decoded),
        object(r#"[{"id":"vlen-utf8"}]"#, &[2, 3], 'F', Keeps::All),
        object(r#"[{"id":"vlen-bytes"}]"#, &[5], 'C', Keeps::All),
        object(r#"[{"id":"vlen-array","dtype":">i4"}]"#, &[5], 'C', Keeps::Decoded),
        object(r#"[{"id":"vlen-array","dtype":"<f8"}]"#, &[2, 3], 'F', Keeps::Decoded),
        object(r#"[{"id":"categorize","labels":["a","","bcd","a"],"dtype":"|O","astype":"|u1"}]"#, &[40], 'C', Keeps::Decoded).wider(3),
        object(r#"[{"id":"categorize","labels":["aa","b"],"dtype":"|O","astype":">i2"},{"id":"delta","dtype":">i2"}]"#, &[40], 'C', Keeps::Decoded).wider(3),
    ]
}

pub(super) fn packbits() -> Vec<Case> {
    let mut cases = Vec::new();
    for (data_type, fill) in [
        ("bool", "false"),
        ("int2", "0"),
        ("uint4", "3"),
        ("float6_e2m3fn", "0.0"),
        ("float4_e2m1fn", "0.0"),
        ("int32", "0"),
    ] {
        for padding in ["none", "first_byte", "last_byte"] {
            let codecs = format!(
                "[{}]",
                codec("packbits", &format!(r#""padding_encoding":"{padding}""#))
            );
            cases.push(Case::v3(
                &format!("\"{data_type}\""),
                fill,
                &[13],
                &codecs,
                Keeps::Decoded,
            ));
        }
    }
    let parts = format!(
        "[{}]",
        codec(
            "packbits",
            r#""padding_encoding":"none","first_bit":3,"last_bit":9"#
        )
    );
    cases.push(Case::v3(r#""int16""#, "0", &[13], &parts, Keeps::Decoded));
    cases.push(Case::v2(
        "|b1",
        &[3, 7],
        'F',
        r#"[{"id":"packbits"}]"#,
        "null",
        Keeps::Decoded,
    ));
    cases
}

/// Up to 16,384 bins for each of three parts of a number, whatever the chunk.
pub(super) fn pcodec() -> Vec<Case> {
    [
        "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    ]
    .iter()
    .map(|data_type| {
        let fill = if data_type.starts_with('f') { "0.0" } else { "0" };
        let codecs = format!(
            "[{}]",
            codec("numcodecs.pcodec", r#""level":4,"equal_pages_up_to":100"#)
        );
        Case::v3(&format!("\"{data_type}\""), fill, &[300], &codecs, Keeps::All).tables(4 << 20)
    })
    .collect()
}

pub(super) fn zfp() -> Vec<Case> {
    let mut cases = Vec::new();
    for (data_type, fill) in [
        ("int32", "0"),
        ("int64", "0"),
        ("float32", "0.0"),
        ("float64", "0.0"),
    ] {
        for (shape, mode) in [
            (&[21][..], r#""mode":"reversible""#),
            (&[5, 6][..], r#""mode":"fixed_rate","rate":9.5"#),
            (&[3, 5, 6][..], r#""mode":"fixed_precision","precision":13"#),
            (&[2, 3, 5, 4][..], r#""mode":"reversible""#),
            (
                &[6, 5][..],
                r#""mode":"expert","minbits":1,"maxbits":300,"maxprec":30,"minexp":-20"#,
            ),
        ] {
            let keeps = if mode.contains("reversible") {
                Keeps::All
            } else {
                Keeps::Nothing
            };
            let codecs = format!("[{}]", codec("zfp", mode));
            cases.push(Case::v3(&format!("\"{data_type}\""), fill, shape, &codecs, keeps));
        }
        let codecs = format!("[{}]", codec("numcodecs.zfpy", r#""mode":5"#));
        cases.push(Case::v3(
            &format!("\"{data_type}\""),
            fill,
            &[4, 7],
            &codecs,
            Keeps::All,
        ));
    }
    cases
}

/// What holds values of Python: much more than their text.
pub(super) fn object() -> Vec<Case> {
    let mut cases = Vec::new();
    for id in ["json2", "msgpack2"] {
        for (shape, order) in [
            (&[3][..], 'C'),
            (&[2, 2][..], 'C'),
            (&[2, 3][..], 'F'),
            (&[1][..], 'C'),
        ] {
            let filters = format!(r#"[{{"id":"{id}"}}]"#);
            cases.push(Case::v2("|O", shape, order, &filters, "null", Keeps::Nothing).wider(200));
        }
    }
    cases
}

/// Documents of both languages: the codecs do not write.
pub(super) fn object_seeds() -> Vec<Vec<u8>> {
    let json = [
        r#"["a",1.5,null,"|O",[3]]"#,
        r#"[["a",{"b":[1,2]}],[true,-0.0],"|O",[2,2]]"#,
        r#"[1,2,3,4,5,6,"|O",[2,3]]"#,
        r#"[18446744073709551616,"<U3",[1]]"#,
    ];
    let packed: [&[u8]; 4] = [
        b"\x95\xa1a\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc0\xa2|O\x91\x03",
        b"\x94\x92\xa1a\x81\xa1b\x92\x01\x02\x92\xc3\xd0\x80\xa2|O\x92\x02\x02",
        b"\x98\x01\x02\x03\xc4\x02ab\xcd\x01\x00\xd3\xff\xff\xff\xff\xff\xff\xff\xff\xa2|O\x92\x02\x03",
        b"\x93\xca\x7f\xc0\x00\x00\xa2|O\x91\x01",
    ];
    let number = |offset: u8| offset..offset + 4;
    let json = number(0)
        .zip(json)
        .map(|(case, text)| [&[case, 0][..], text.as_bytes()].concat());
    let packed = number(4)
        .zip(packed)
        .map(|(case, bytes)| [&[case, 0][..], bytes].concat());
    json.chain(packed).collect()
}

/// array→array codecs.
pub(super) fn filters() -> Vec<Case> {
    let v3 = |data_type: &str, fill: &str, shape: &[u64], filter: &str, keeps| {
        let codecs = format!("[{filter},{BIG}]");
        Case::v3(&format!("\"{data_type}\""), fill, shape, &codecs, keeps).wider(8)
    };
    let v2 =
        |dtype: &str, filters: &str, keeps| Case::v2(dtype, &[5, 7], 'F', filters, "null", keeps).wider(8);
    vec![
        v3(
            "int32",
            "0",
            &[4, 6],
            &codec("transpose", r#""order":[1,0]"#),
            Keeps::All,
        ),
        v3(
            "r24",
            "[0,0,0]",
            &[2, 3, 4],
            &codec("transpose", r#""order":[2,0,1]"#),
            Keeps::All,
        ),
        v3(
            "int16",
            "0",
            &[4, 6],
            &codec("reshape", r#""shape":[[0],2,-1]"#),
            Keeps::All,
        ),
        v3(
            "int32",
            "0",
            &[9],
            &codec("numcodecs.delta", r#""dtype":"<i4""#),
            Keeps::All,
        ),
        v3(
            "float64",
            "0.0",
            &[9],
            &codec("numcodecs.delta", r#""dtype":"<f8""#),
            Keeps::Nothing,
        ),
        v3(
            "float32",
            "0.0",
            &[9],
            &codec("bitround", r#""keepbits":5"#),
            Keeps::Decoded,
        ),
        v3(
            "float64",
            "0.0",
            &[9],
            &codec("numcodecs.quantize", r#""digits":2,"dtype":"<f8""#),
            Keeps::Nothing,
        ),
        v3(
            "float64",
            "0.0",
            &[9],
            &codec(
                "numcodecs.fixedscaleoffset",
                r#""offset":5,"scale":10,"dtype":"<f8","astype":"<i2""#,
            ),
            Keeps::Nothing,
        ),
        v3(
            "int32",
            "0",
            &[9],
            &codec("numcodecs.astype", r#""encode_dtype":"<i8","decode_dtype":"<i4""#),
            Keeps::All,
        ),
        v3(
            "float64",
            "0.0",
            &[9],
            &codec(
                "cast_value",
                r#""data_type":"uint8","rounding":"towards-zero","out_of_range":"clamp","scalar_map":{"encode":[["NaN",0]]}"#,
            ),
            Keeps::Decoded,
        ),
        v3(
            "int64",
            "0",
            &[9],
            &codec("cast_value", r#""data_type":"float32""#),
            Keeps::Nothing,
        ),
        v3(
            "uint8",
            "0",
            &[9],
            &codec("cast_value", r#""data_type":"float64""#),
            Keeps::All,
        ),
        v3(
            "float32",
            "0.0",
            &[9],
            &codec("scale_offset", r#""offset":5,"scale":0.1"#),
            Keeps::Nothing,
        ),
        v3(
            "int16",
            "0",
            &[9],
            &codec("scale_offset", r#""offset":5,"scale":3"#),
            Keeps::Decoded,
        ),
        v2(
            ">i4",
            r#"[{"id":"delta","dtype":">i4","astype":">i2"}]"#,
            Keeps::Nothing,
        ),
        v2(
            "<f8",
            r#"[{"id":"fixedscaleoffset","offset":1.25,"scale":0.3,"dtype":"<f8","astype":">i4"}]"#,
            Keeps::Nothing,
        ),
        v2(
            "<f4",
            r#"[{"id":"astype","encode_dtype":"|u1","decode_dtype":"<f4"}]"#,
            Keeps::Decoded,
        ),
        v2(
            "<f2",
            r#"[{"id":"quantize","digits":1,"dtype":"<f2"}]"#,
            Keeps::Nothing,
        ),
        v2(
            "<i8",
            r#"[{"id":"delta","dtype":"<i8"},{"id":"shuffle","elementsize":8}]"#,
            Keeps::All,
        ),
    ]
}
