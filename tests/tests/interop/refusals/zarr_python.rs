//! zarr-python, and with it the pipeline of zarrs.

use super::{Refusal, row};

/// Types that the newest version does not know.
pub(super) const UNKNOWN_TYPE: Refusal = row(
    "v3",
    &[
        "bfloat16",
        "complex_*",
        "int2",
        "int4",
        "uint2",
        "uint4",
        "float4_*",
        "float6_*",
        "float8_*",
        "r24",
    ],
    &[],
    "No Zarr data type found that matches",
    "no such data type",
);

/// Types of v2 that only version 2 knows.
pub(super) const NO_OBJECTS: Refusal = row(
    "v2",
    &["json2", "msgpack2", "categorize", "vlen-array of *"],
    &[],
    "No Zarr data type found that matches {'name': '|O'",
    "no objects but text and bytes",
);
pub(super) const NO_SUB_ARRAYS: Refusal = row(
    "v2",
    &["struct of arrays"],
    &[],
    "No Zarr data type found that matches",
    "no sub-arrays in structs",
);

pub(super) const UNKNOWN_CODEC: Refusal = row(
    "v3",
    &[],
    &["reshape*", "packbits*", "zfp-*", "bitround"],
    "UnknownCodecError: An implementation for codec",
    "no such codec",
);

pub(super) const NOT_ENDIAN: Refusal = row(
    "v3",
    &[],
    &["endian"],
    "Expected 'bytes'. Got endian instead",
    "wrong there: the old name of `bytes` is known, and refused when the codec is made",
);

const NO_SNAPPY: Refusal = row(
    "",
    &[],
    &["blosc-snappy", "numcodecs.blosc-snappy"],
    "error during blosc decompression",
    "numcodecs is built without snappy; chunks that do not become smaller are stored as they are, and read",
);

/// Version 3.
pub(super) const NEWEST: &[Refusal] = &[
    UNKNOWN_TYPE,
    NO_OBJECTS,
    NO_SUB_ARRAYS,
    UNKNOWN_CODEC,
    NOT_ENDIAN,
    NO_SNAPPY,
    row(
        "v3",
        &["int16", "int32", "int64"],
        &["numcodecs.bitround"],
        "differs",
        "wrong there: the registry has the name for an alias of `bitround`, which takes integers; they become floats",
    ),
    row(
        "v3",
        &["int8"],
        &["numcodecs.bitround"],
        "data type '|f1' not understood",
        "the same",
    ),
    row(
        "v3",
        &[],
        &["sharded/cast_value"],
        "a C-contiguous array's buffer is a valid slice",
        "wrong there: its codec panics on numbers that are not aligned, as those behind the index of a shard",
    ),
];

/// Version 2.
pub(super) const VERSION_2: &[Refusal] = &[
    NO_SNAPPY,
    row(
        "v2",
        &["complex64", "complex128"],
        &[],
        "differs",
        "wrong there: the fill value is computed as re + 1j * im, which loses -0.0 and makes NaNs",
    ),
    row(
        "v2",
        &["vlen-bytes"],
        &[],
        "differs",
        "it takes the base64 of a fill value for the bytes; zarr-python 3 writes and reads it so",
    ),
];
