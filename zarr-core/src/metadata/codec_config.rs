//! Codecs as v3 documents name them. Which there are is for the table of [`registry`](crate::codec::registry) to say.

use super::error::Within as _;
use super::json::Json;
use super::limits::MAX_CODECS;
use super::{MetadataError, NamedConfig};
use crate::codec::registry::{CodecKind, find_v3};

/// The kind of a v3 codec; `None` if its name is not known.
pub(super) fn kind(name: &str) -> Option<CodecKind> {
    find_v3(name).map(|codec| codec.kind)
}

/// Whether the size of what a codec writes depends on the values, which the index of a shard cannot have.
pub(super) fn is_compressor(name: &str) -> bool {
    let plain = name.strip_prefix("numcodecs.").unwrap_or(name);
    let fixed_size = matches!(plain, "bytes" | "endian" | "packbits" | "shuffle" | "base64")
        || matches!(
            plain,
            "crc32c" | "crc32" | "adler32" | "fletcher32" | "jenkins_lookup3"
        );
    !fixed_size
        && matches!(
            kind(name),
            Some(CodecKind::ArrayToBytes | CodecKind::BytesToBytes)
        )
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
            } else if kind(codec.name()).is_none() && codec.must_understand() {
                return Err(MetadataError::unsupported(format!("codec {:?}", codec.name())));
            }
            Ok(())
        };
        check().within_index(index)?;
    }
    Ok(())
}
