//! Codecs as documents name them: their kinds, and the chain of a v3 array.

use super::error::Within as _;
use super::json::Json;
use super::limits::MAX_CODECS;
use super::{MetadataError, NamedConfig};

/// What a codec makes of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name says all")]
pub enum CodecKind {
    ArrayToArray,
    ArrayToBytes,
    BytesToBytes,
}

impl CodecKind {
    /// The kind of a v3 codec; `None` if the name is not known.
    ///
    /// `endian` is the older name of `bytes`; `numcodecs.*` are the names under which zarr-python ships the codecs of v2.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "transpose" | "reshape" | "bitround" | "cast_value" | "scale_offset" => Self::ArrayToArray,
            "bytes" | "endian" | "sharding_indexed" | "vlen-utf8" | "vlen-bytes" | "packbits" | "zfp" => {
                Self::ArrayToBytes
            }
            "gzip" | "zstd" | "blosc" | "crc32c" => Self::BytesToBytes,
            _ => match name.strip_prefix("numcodecs.")? {
                "delta" | "fixedscaleoffset" | "quantize" | "packbits" | "bitround" | "astype" => {
                    Self::ArrayToArray
                }
                "pcodec" | "zfpy" => Self::ArrayToBytes,
                "shuffle" | "zlib" | "bz2" | "lzma" | "lz4" | "blosc" | "zstd" | "gzip" | "adler32"
                | "crc32" | "crc32c" | "fletcher32" | "jenkins_lookup3" | "base64" => Self::BytesToBytes,
                _ => return None,
            },
        })
    }

    /// Whether the size of what a known codec writes depends on the values, which the index of a shard cannot have.
    pub(super) fn is_compressor(name: &str) -> bool {
        let fixed_size = matches!(name, "crc32c" | "bytes" | "endian" | "packbits")
            || name.strip_prefix("numcodecs.").is_some_and(|name| {
                matches!(
                    name,
                    "shuffle" | "adler32" | "crc32" | "crc32c" | "fletcher32" | "jenkins_lookup3"
                )
            });
        !fixed_size && matches!(Self::of(name), Some(Self::ArrayToBytes | Self::BytesToBytes))
    }
}

/// Whether the `id` of a v2 filter or compressor is known.
#[must_use]
pub fn is_known_v2_codec(id: &str) -> bool {
    let object_codec = matches!(
        id,
        "vlen-utf8" | "vlen-bytes" | "vlen-array" | "json2" | "msgpack2" | "categorize"
    );
    let plain = matches!(
        id,
        "blosc"
            | "zstd"
            | "gzip"
            | "zlib"
            | "bz2"
            | "lzma"
            | "lz4"
            | "zfpy"
            | "pcodec"
            | "delta"
            | "fixedscaleoffset"
            | "quantize"
            | "packbits"
            | "bitround"
            | "astype"
            | "shuffle"
            | "crc32"
            | "crc32c"
            | "adler32"
            | "fletcher32"
            | "jenkins_lookup3"
            | "base64"
    );
    object_codec || plain
}

/// Reads a list of v3 codecs without a look at their order or configurations.
pub(super) fn parse_codecs(json: &Json) -> Result<Vec<NamedConfig>, MetadataError> {
    let items = json
        .as_array()
        .ok_or_else(|| MetadataError::invalid("an array of codecs", json))?;
    if items.len() > MAX_CODECS {
        let found = format!("{} codecs", items.len());
        return Err(MetadataError::mismatch(
            format!("at most {MAX_CODECS} codecs"),
            found,
        ));
    }
    let codec = |(index, item)| NamedConfig::parse(item).within_index(index);
    items.iter().enumerate().map(codec).collect()
}

/// The first codec of a chain that must be understood and is not known, also inside of shards.
pub(super) fn ensure_known(codecs: &[NamedConfig]) -> Result<(), MetadataError> {
    for (index, codec) in codecs.iter().enumerate() {
        let check = || {
            if codec.name() == "sharding_indexed" {
                for key in ["codecs", "index_codecs"] {
                    let inner = codec.get(key).map_or_else(|| Ok(Vec::new()), parse_codecs);
                    inner
                        .and_then(|inner| ensure_known(&inner))
                        .within(key)
                        .within("configuration")?;
                }
            } else if CodecKind::of(codec.name()).is_none() && codec.must_understand() {
                return Err(MetadataError::unsupported(format!("codec {:?}", codec.name())));
            }
            Ok(())
        };
        check().within_index(index)?;
    }
    Ok(())
}
