//! tensorstore.

use super::{Refusal, row, saying};

pub(super) const ALL: &[Refusal] = &[
    saying(
        "data type is not one of the supported data types",
        "no such data type",
    ),
    row(
        "v3",
        &["r24"],
        &[],
        "Expected base64-encoded string",
        "wrong there: the specification's fill value of r<N> is a list of integers",
    ),
    row(
        "",
        &["struct in struct"],
        &[],
        "Error parsing value at position",
        "fields have no fields",
    ),
    row(
        "v3 rectilinear",
        &[],
        &[],
        "Error parsing object member \"chunk_grid\"",
        "regular grids only",
    ),
    row(
        "v3",
        &[],
        &[
            "reshape*",
            "packbits*",
            "endian",
            "zfp-*",
            "scale_offset",
            "cast_value*",
            "bitround",
            "numcodecs.*",
            "several",
        ],
        "Error parsing value at position",
        "no such codec",
    ),
    row("v2", &[], &[], "filters are not supported", "no filters of v2"),
    row(
        "v2",
        &[],
        &[],
        "Unsupported zarr dtype",
        "no times, no text, no objects",
    ),
    row(
        "v2",
        &[],
        &["lzma*", "lz4", "pcodec", "zfpy-*"],
        "is not registered",
        "no such compressor",
    ),
    row(
        "v2",
        &[],
        &["zstd+checksum"],
        "Object includes extra members: \"checksum\"",
        "no checksum of zstd in v2",
    ),
    row(
        "v3",
        &[],
        &["compressed as a whole"],
        "",
        "wrong there: codecs behind the shard are legal by the rule of the chain",
    ),
    saying(
        "its elements have no size in Python",
        "byte strings are read, but its Python interface cannot show them",
    ),
    row(
        "v3",
        &["float8_e8m0fnu"],
        &[],
        "differs",
        "wrong there: it takes the fill value 2^-126 for 2^-127",
    ),
];
