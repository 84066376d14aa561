//! What the peers refuse or read otherwise, by their own words: the table that a regression shows against.

use std::fmt;

/// A library that reads what we write.
pub(crate) struct Peer {
    /// As the script calls it.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// So many combinations it has read; fewer are a failure.
    pub(crate) least_read: usize,
    pub(crate) refusals: &'static [Refusal],
}

/// Where a peer runs.
pub(crate) enum Program {
    /// The script, with the newest versions.
    Python,
    /// The script, with the last version that has data types for objects.
    Python2,
    /// The crate.
    Rust,
}

/// Combinations that a peer does not read. An empty list of types or codecs is all of them.
pub(crate) struct Refusal {
    /// `v2`, `v2 big F`, `v3`, or nothing.
    format: &'static str,
    types: &'static [&'static str],
    /// Chains by their labels; in shards (`sharded/…`) too.
    codecs: &'static [&'static str],
    /// What its outcome must contain.
    says: &'static str,
    /// Why, where the words do not say it.
    why: &'static str,
}

impl Refusal {
    pub(crate) fn covers(&self, cell: &str, outcome: &str) -> bool {
        let mut parts = cell.split('|');
        let (format, data_type, codec) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let inner = codec.strip_prefix("sharded/").unwrap_or(codec);
        let among = |list: &[&str], words: [&str; 2]| {
            list.is_empty()
                || list.iter().any(|entry| match entry.strip_suffix('*') {
                    Some(start) => words.iter().any(|word| word.starts_with(start)),
                    None => words.contains(entry),
                })
        };
        format.starts_with(self.format)
            && among(self.types, [data_type; 2])
            && among(self.codecs, [codec, inner])
            && outcome.contains(self.says)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |list: &[&str]| {
            if list.is_empty() {
                "all".to_owned()
            } else {
                list.join(" ")
            }
        };
        write!(
            f,
            "{} types: {}; codecs: {}; says: {}; {}",
            self.format,
            all(self.types),
            all(self.codecs),
            self.says,
            self.why
        )
    }
}

pub(crate) static PEERS: [Peer; 5] = [
    Peer {
        name: "zarr-python",
        program: Program::Python,
        least_read: 2052,
        refusals: ZARR_PYTHON,
    },
    Peer {
        name: "zarr-python-2",
        program: Program::Python2,
        least_read: 1,
        refusals: &[],
    },
    Peer {
        name: "zarrs",
        program: Program::Rust,
        least_read: 1,
        refusals: &[],
    },
    Peer {
        name: "zarrs-python",
        program: Program::Python,
        least_read: 617,
        refusals: ZARRS,
    },
    Peer {
        name: "tensorstore",
        program: Program::Python,
        least_read: 907,
        refusals: TENSORSTORE,
    },
];

/// A row about all types and codecs whose outcome has these words.
const fn saying(says: &'static str, why: &'static str) -> Refusal {
    Refusal {
        format: "",
        types: &[],
        codecs: &[],
        says,
        why,
    }
}

/// Types that zarr-python, and with it the pipeline of zarrs, does not know.
const UNKNOWN_TYPE: Refusal = Refusal {
    format: "v3",
    types: &[
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
    codecs: &[],
    says: "No Zarr data type found that matches",
    why: "no such data type",
};

/// Codecs that zarr-python, and with it the pipeline of zarrs, does not know.
const UNKNOWN_CODEC: Refusal = Refusal {
    format: "v3",
    types: &[],
    codecs: &["reshape", "packbits", "zfp", "bitround"],
    says: "UnknownCodecError: An implementation for codec",
    why: "no such codec",
};

const ZARR_PYTHON: &[Refusal] = &[
    UNKNOWN_TYPE,
    UNKNOWN_CODEC,
    Refusal {
        format: "v3",
        types: &[],
        codecs: &["blosc-snappy"],
        says: "error during blosc decompression",
        why: "numcodecs is built without snappy; chunks that do not become smaller are stored as they are, and read",
    },
];

const ZARRS: &[Refusal] = &[
    UNKNOWN_TYPE,
    UNKNOWN_CODEC,
    saying(
        "UnsupportedMetadataError",
        "a codec or data type that zarrs does not have",
    ),
    saying(
        "UnsupportedDataTypeError",
        "strings, byte strings and times do not go through its pipeline",
    ),
    Refusal {
        format: "v2 big F",
        types: &[],
        codecs: &[],
        says: "Non-native byte order not supported",
        why: "big-endian arrays of v2",
    },
    Refusal {
        format: "v2 big F",
        types: &["bool", "int8", "uint8"],
        codecs: &[],
        says: "input array must be a C contiguous array",
        why: "order F, where the byte order does not stop it first",
    },
    Refusal {
        format: "v3",
        types: &["complex64", "complex128"],
        codecs: &["bytes-big", "transposed"],
        says: "differs",
        why: "wrong there: it swaps the two parts of big-endian numbers in chunks that are read in part",
    },
];

const TENSORSTORE: &[Refusal] = &[
    saying(
        "data type is not one of the supported data types",
        "no such data type",
    ),
    Refusal {
        format: "v3",
        types: &["r24"],
        codecs: &[],
        says: "Expected base64-encoded string",
        why: "wrong there: the specification's fill value of r<N> is a list of integers",
    },
    Refusal {
        format: "v3",
        types: &[],
        codecs: &[
            "reshape",
            "packbits",
            "zfp",
            "scale_offset",
            "cast_value",
            "bitround",
            "numcodecs.*",
        ],
        says: "Error parsing value at position",
        why: "no such codec",
    },
    Refusal {
        format: "v2",
        types: &[],
        codecs: &[],
        says: "filters are not supported",
        why: "no filters of v2",
    },
    Refusal {
        format: "v2",
        types: &[],
        codecs: &[],
        says: "Unsupported zarr dtype",
        why: "no times and no text",
    },
    Refusal {
        format: "v2",
        types: &[],
        codecs: &["lzma", "lz4", "pcodec"],
        says: "is not registered",
        why: "no such compressor",
    },
    Refusal {
        format: "v3",
        types: &[],
        codecs: &["compressed as a whole"],
        says: "",
        why: "wrong there: codecs behind the shard are legal by the rule of the chain",
    },
    saying(
        "its elements have no size in Python",
        "byte strings are read, but its Python interface cannot show them",
    ),
    Refusal {
        format: "v3",
        types: &["float8_e8m0fnu"],
        codecs: &[],
        says: "differs",
        why: "wrong there: it takes the fill value 2^-126 for 2^-127",
    },
];
