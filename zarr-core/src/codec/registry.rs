//! The table of codecs: every name that is read, what it makes, and what it supports.
//!
//! README's support matrix is checked against [`codecs`] by a test.

use std::sync::Arc;

use super::config::Config;
use super::error::Result;
use super::representation::Representation;
use super::{ArrayToArray, ArrayToBytes, BytesToBytes, make};

/// What a codec turns into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodecKind {
    /// An array into another one.
    ArrayToArray,
    /// An array into bytes.
    ArrayToBytes,
    /// Bytes into bytes.
    BytesToBytes,
}

/// One codec of the table.
#[derive(Debug, Clone, Copy)]
pub struct CodecInfo {
    /// Its names in v3 documents; the first is the one to write, the others are read alike.
    pub v3: &'static [&'static str],
    /// Its identifier in v2 documents.
    pub v2: Option<&'static str>,
    /// What it turns into what (in v3; filters of v2 all work on buffers).
    pub kind: CodecKind,
    /// Whether it can be written; all of them can be read.
    pub writes: bool,
    pub(super) make: Make,
}

type MakeArrayToArray = fn(Config<'_>, &Representation) -> Result<Arc<dyn ArrayToArray>>;
type MakeArrayToBytes = fn(Config<'_>, &Representation, Nesting) -> Result<Arc<dyn ArrayToBytes>>;
type MakeBytesToBytes = fn(Config<'_>, Buffer) -> Result<Arc<dyn BytesToBytes>>;

/// How to make a codec of its configuration.
#[derive(Debug, Clone, Copy)]
pub(super) enum Make {
    ArrayToArray(MakeArrayToArray),
    ArrayToBytes(MakeArrayToBytes),
    BytesToBytes(MakeBytesToBytes),
}

/// How many shards the chain is inside of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nesting(pub(super) usize);

/// What is known of the buffer that a bytes→bytes codec encodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffer {
    /// The size of its elements in bytes, if it still has elements.
    pub(super) element_size: Option<usize>,
}

const fn array(v3: &'static [&'static str], v2: Option<&'static str>, make: MakeArrayToArray) -> CodecInfo {
    CodecInfo {
        v3,
        v2,
        kind: CodecKind::ArrayToArray,
        writes: true,
        make: Make::ArrayToArray(make),
    }
}

const fn serializer(
    v3: &'static [&'static str],
    v2: Option<&'static str>,
    make: MakeArrayToBytes,
) -> CodecInfo {
    CodecInfo {
        v3,
        v2,
        kind: CodecKind::ArrayToBytes,
        writes: true,
        make: Make::ArrayToBytes(make),
    }
}

const fn bytes(v3: &'static [&'static str], v2: Option<&'static str>, make: MakeBytesToBytes) -> CodecInfo {
    CodecInfo {
        v3,
        v2,
        kind: CodecKind::BytesToBytes,
        writes: true,
        make: Make::BytesToBytes(make),
    }
}

static CODECS: &[CodecInfo] = &[
    array(&["transpose"], None, make::transpose),
    array(&["reshape"], None, make::reshape),
    array(&["scale_offset"], None, make::scale_offset),
    array(&["cast_value"], None, make::cast_value),
    array(
        &["bitround", "numcodecs.bitround"],
        Some("bitround"),
        make::bitround,
    ),
    array(&["numcodecs.delta"], Some("delta"), make::delta),
    array(
        &["numcodecs.fixedscaleoffset"],
        Some("fixedscaleoffset"),
        make::fixed_scale_offset,
    ),
    array(&["numcodecs.quantize"], Some("quantize"), make::quantize),
    array(&["numcodecs.astype"], Some("astype"), make::astype),
    array(
        &["numcodecs.packbits"],
        Some("packbits"),
        make::numcodecs_packbits,
    ),
    serializer(&["bytes", "endian"], None, make::bytes),
    serializer(&["packbits"], None, make::packbits),
    serializer(&["vlen-utf8"], Some("vlen-utf8"), make::vlen_utf8),
    serializer(&["vlen-bytes"], Some("vlen-bytes"), make::vlen_bytes),
    serializer(&["sharding_indexed"], None, make::sharding),
    serializer(&["numcodecs.pcodec"], Some("pcodec"), make::pcodec),
    serializer(&["zfp"], None, make::zfp),
    serializer(&["numcodecs.zfpy"], Some("zfpy"), make::zfpy),
    serializer(&[], Some("vlen-array"), make::vlen_array),
    serializer(&[], Some("json2"), make::json2),
    serializer(&[], Some("msgpack2"), make::msgpack2),
    serializer(&[], Some("categorize"), make::categorize),
    bytes(&["gzip", "numcodecs.gzip"], Some("gzip"), make::gzip),
    bytes(&["zstd", "numcodecs.zstd"], Some("zstd"), make::zstd),
    bytes(&["blosc", "numcodecs.blosc"], Some("blosc"), make::blosc),
    bytes(&["crc32c", "numcodecs.crc32c"], Some("crc32c"), make::crc32c),
    bytes(&["numcodecs.zlib"], Some("zlib"), make::zlib),
    bytes(&["numcodecs.bz2"], Some("bz2"), make::bz2),
    bytes(&["numcodecs.lzma"], Some("lzma"), make::lzma),
    bytes(&["numcodecs.lz4"], Some("lz4"), make::lz4),
    bytes(&["numcodecs.shuffle"], Some("shuffle"), make::shuffle),
    bytes(&["numcodecs.crc32"], Some("crc32"), make::crc32),
    bytes(&["numcodecs.adler32"], Some("adler32"), make::adler32),
    bytes(&["numcodecs.fletcher32"], Some("fletcher32"), make::fletcher32),
    bytes(
        &["numcodecs.jenkins_lookup3"],
        Some("jenkins_lookup3"),
        make::jenkins_lookup3,
    ),
    bytes(&[], Some("base64"), make::base64),
];

/// All codecs that are known.
#[must_use]
pub fn codecs() -> &'static [CodecInfo] {
    CODECS
}

/// The codec of a v3 name.
#[must_use]
pub fn find_v3(name: &str) -> Option<&'static CodecInfo> {
    CODECS.iter().find(|codec| codec.v3.contains(&name))
}

/// The codec of a v2 identifier.
#[must_use]
pub fn find_v2(id: &str) -> Option<&'static CodecInfo> {
    CODECS.iter().find(|codec| codec.v2 == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README's table of codecs is this one.
    #[test]
    fn the_readme_lists_the_codecs() {
        let quoted = |names: &[&str]| match names {
            [] => "–".to_owned(),
            names => names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let kind = |codec: &CodecInfo| match codec.kind {
            CodecKind::ArrayToArray => "array → array",
            CodecKind::ArrayToBytes => "array → bytes",
            CodecKind::BytesToBytes => "bytes → bytes",
        };
        let row = |codec: &CodecInfo| {
            let v2: Vec<&str> = codec.v2.into_iter().collect();
            let does = if codec.writes { "read, write" } else { "read" };
            format!(
                "| {} | {} | {} | {does} |",
                quoted(codec.v3),
                quoted(&v2),
                kind(codec)
            )
        };
        let readme = include_str!("../../../README.md");
        let rows: Vec<&str> = readme
            .lines()
            .filter(|line| line.contains(" → ") && line.starts_with('|'))
            .collect();
        assert_eq!(rows, codecs().iter().map(row).collect::<Vec<_>>());
    }

    #[test]
    fn names_are_distinct_and_kinds_agree_with_constructors() {
        let mut v3: Vec<_> = CODECS.iter().flat_map(|codec| codec.v3).collect();
        let mut v2: Vec<_> = CODECS.iter().filter_map(|codec| codec.v2).collect();
        let (n3, n2) = (v3.len(), v2.len());
        v3.sort_unstable();
        v3.dedup();
        v2.sort_unstable();
        v2.dedup();
        assert_eq!((v3.len(), v2.len()), (n3, n2));
        for codec in CODECS {
            let made = match codec.make {
                Make::ArrayToArray(_) => CodecKind::ArrayToArray,
                Make::ArrayToBytes(_) => CodecKind::ArrayToBytes,
                Make::BytesToBytes(_) => CodecKind::BytesToBytes,
            };
            assert_eq!(codec.kind, made, "{codec:?}");
        }
    }
}
