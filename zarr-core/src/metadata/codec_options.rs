//! What the members of a codec's configuration may be.

use super::json::Json;
use super::{MetadataError, NamedConfig};

/// Refuses the member `key`, or says that it is missing.
pub(super) fn wrong<T>(
    codec: &NamedConfig,
    key: &str,
    expected: impl Into<String>,
) -> Result<T, MetadataError> {
    let expected = expected.into();
    let error = match codec.get(key) {
        Some(found) => MetadataError::invalid(expected, found).within(key),
        None => MetadataError::mismatch(format!("a configuration with {key:?}, {expected}"), "none"),
    };
    Err(error.within("configuration"))
}

/// Checks the member `key` if it is there.
pub(super) fn optional(
    codec: &NamedConfig,
    key: &str,
    expected: &str,
    is_valid: impl FnOnce(&Json) -> bool,
) -> Result<(), MetadataError> {
    if codec.get(key).is_none_or(is_valid) {
        Ok(())
    } else {
        wrong(codec, key, expected)
    }
}

pub(super) fn one_of(codec: &NamedConfig, key: &str, names: &[&str]) -> Result<(), MetadataError> {
    let expected = format!("one of {}", names.join(", "));
    optional(codec, key, &expected, |json| {
        json.as_str().is_some_and(|name| names.contains(&name))
    })
}

pub(super) fn integer(codec: &NamedConfig, key: &str, least: i64, most: i64) -> Result<(), MetadataError> {
    let expected = format!("an integer from {least} to {most}");
    optional(codec, key, &expected, |json| {
        json.as_i64().is_some_and(|value| (least..=most).contains(&value))
    })
}

pub(super) fn packbits(codec: &NamedConfig) -> Result<(), MetadataError> {
    codec.only_keys(&["padding_encoding", "first_bit", "last_bit"])?;
    one_of(codec, "padding_encoding", &["none", "first_byte", "last_byte"])?;
    for key in ["first_bit", "last_bit"] {
        let is_bit = |json: &Json| json.is_null() || json.as_u64().is_some_and(|bit| bit < 64);
        optional(codec, key, "an integer from 0 to 63, or null", is_bit)?;
    }
    Ok(())
}

const BLOSC_COMPRESSORS: [&str; 6] = ["lz4", "lz4hc", "blosclz", "zstd", "snappy", "zlib"];

pub(super) fn blosc(codec: &NamedConfig, shuffles: &[&str]) -> Result<(), MetadataError> {
    codec.only_keys(&["cname", "clevel", "shuffle", "typesize", "blocksize"])?;
    if codec.get("cname").is_none() {
        return wrong(codec, "cname", "the name of a compressor");
    }
    one_of(codec, "cname", &BLOSC_COMPRESSORS)?;
    integer(codec, "clevel", 0, 9)?;
    one_of(codec, "shuffle", shuffles)?;
    // Writers put the size of an element here, also where blosc itself stops at 255.
    integer(codec, "typesize", 0, i64::from(i32::MAX))?;
    integer(codec, "blocksize", 0, i64::from(i32::MAX))
}

/// Checks the configuration of a v2 filter or compressor as far as a wrong one would make chunks unreadable or
/// say something impossible: the rest is for the codec, because v2 readers ignore what they do not know.
pub(super) fn check_v2(codec: &NamedConfig) -> Result<(), MetadataError> {
    let without_configuration = |error: MetadataError| error.unwrapped("configuration");
    if codec.name() == "blosc" {
        let value_of = |json: &Json| json.outside_a_string().as_i64();
        let checked = one_of(codec, "cname", &BLOSC_COMPRESSORS)
            // Which level it is matters for encoding only.
            .and_then(|()| optional(codec, "clevel", "an integer", |json| value_of(json).is_some()))
            .and_then(|()| {
                optional(codec, "shuffle", "an integer from -1 to 2", |json| {
                    value_of(json).is_some_and(|value| (-1..=2).contains(&value))
                })
            });
        checked.map_err(without_configuration)?;
    }
    Ok(())
}
