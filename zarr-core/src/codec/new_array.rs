//! What the codecs of a new array must be, beyond what is read: nothing is written that only some readers can read.

use super::build::place_v2;
use super::config::Config;
use super::error::{CodecError, CodecErrorKind, Result};
use super::registry::{self, Buffer, CodecInfo, Make};
use crate::metadata::{ArrayEncoding, Json, NamedConfig};

/// Which forms of a configuration will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forms {
    /// Those that are read: of an array whose document comes from elsewhere.
    AnyRead,
    /// Those of the specification and of numcodecs alone: of a document that is made here.
    Strict,
}

/// Refuses codecs that could not encode a chunk, and forms that will not do. Codecs that are not known are passed over.
///
/// # Errors
/// [`CodecErrorKind::InvalidConfiguration`], with the codec's pointer.
pub(crate) fn ensure_encodes(encoding: &ArrayEncoding, forms: Forms) -> Result<()> {
    match encoding {
        ArrayEncoding::V3(encoding) => {
            chain_v3(&encoding.codecs, forms).map_err(|error| error.within("codecs"))
        }
        ArrayEncoding::V2(encoding) => {
            let codecs = encoding.filters.iter().chain(&encoding.compressor);
            for (index, codec) in codecs.enumerate() {
                let config = match forms {
                    Forms::AnyRead => Config::v2(codec.name(), codec.configuration()),
                    Forms::Strict => Config::new(codec.name(), codec.configuration()),
                };
                let checked = check(registry::find_v2(codec.name()), config);
                checked.map_err(|error| place_v2(&encoding.filters, index, error))?;
            }
            Ok(())
        }
    }
}

fn chain_v3(codecs: &[NamedConfig], forms: Forms) -> Result<()> {
    for (index, codec) in codecs.iter().enumerate() {
        let config = Config::new(codec.name(), codec.configuration());
        let checked = check(registry::find_v3(codec.name()), config)
            .and_then(|()| strict_form(codec, config, forms))
            .and_then(|()| inner_chains(codec, forms));
        checked.map_err(|error| error.within_index(index))?;
    }
    Ok(())
}

/// Only what turns bytes into bytes has parameters that matter for encoding alone, and needs no array to be made.
fn check(info: Option<&CodecInfo>, config: Config<'_>) -> Result<()> {
    let Some(Make::BytesToBytes(make)) = info.map(|info| info.make) else {
        return Ok(());
    };
    let buffer = Buffer {
        element_size: Some(1),
    };
    match make(config, buffer).and_then(|codec| codec.ensure_encodes()) {
        // Something that is valid, and not implemented here.
        Err(CodecError {
            kind: CodecErrorKind::Unsupported { .. },
            ..
        }) => Ok(()),
        checked => checked,
    }
}

/// The first drafts of the specification had other forms of these two.
fn strict_form(codec: &NamedConfig, config: Config<'_>, forms: Forms) -> Result<()> {
    if forms == Forms::AnyRead {
        return Ok(());
    }
    match (codec.name(), codec.get("order"), codec.get("endian")) {
        ("transpose", Some(Json::String(_)), _) => Err(config.wrong("order", "an array of dimensions")),
        ("bytes" | "endian", _, Some(Json::Null)) => Err(config.wrong("endian", "\"little\" or \"big\"")),
        _ => Ok(()),
    }
}

fn inner_chains(codec: &NamedConfig, forms: Forms) -> Result<()> {
    if codec.name() != "sharding_indexed" {
        return Ok(());
    }
    for key in ["codecs", "index_codecs"] {
        let items = codec.get(key).and_then(Json::as_array).unwrap_or_default();
        // That they are codecs was checked when the document was read.
        let codecs: Vec<NamedConfig> = items.iter().flat_map(NamedConfig::parse).collect();
        chain_v3(&codecs, forms).map_err(|error| error.within(key).within("configuration"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::data_type::IntKind;
    use crate::metadata::{ArrayMetadata, DataType, MetadataError, V2ArrayBuilder, V3ArrayBuilder};

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn build_v2(codec: &str) -> Result<ArrayMetadata, MetadataError> {
        V2ArrayBuilder::new(&[4], DataType::Int(IntKind::Int32))
            .compressor(Some(NamedConfig::parse_v2(&json(codec)).unwrap()))
            .build()
    }

    fn build_v3(codecs: &str) -> Result<ArrayMetadata, MetadataError> {
        let codecs = json(codecs);
        let codecs = codecs.as_array().unwrap().iter();
        V3ArrayBuilder::new(&[4], DataType::Int(IntKind::UInt8))
            .codecs(codecs.map(|codec| NamedConfig::parse(codec).unwrap()).collect())
            .build()
    }

    #[test]
    fn builders_refuse_what_is_only_read() {
        for codec in [
            r#"{"id": "zstd", "level": 100}"#,
            r#"{"id": "bz2", "level": 0}"#,
            r#"{"id": "blosc", "cname": "lz4", "clevel": 10}"#,
            r#"{"id": "zlib", "level": "5"}"#,
            r#"{"id": "shuffle", "elementsize": 0}"#,
        ] {
            let error = build_v2(codec).expect_err(codec);
            assert_eq!(error.pointer(), "/compressor", "{codec}: {error}");
        }
        build_v2(r#"{"id": "blosc", "cname": "lz4", "clevel": 9, "shuffle": 1, "blocksize": 0}"#).unwrap();
        build_v2(r#"{"id": "my-codec", "level": "5"}"#).unwrap();
        for (codecs, pointer) in [
            (
                r#"["bytes", {"name": "numcodecs.bz2", "configuration": {"level": 0}}]"#,
                "/codecs/1",
            ),
            (
                r#"[{"name": "transpose", "configuration": {"order": "F"}}, "bytes"]"#,
                "/codecs/0",
            ),
            (
                r#"[{"name": "bytes", "configuration": {"endian": null}}]"#,
                "/codecs/0",
            ),
            (
                r#"[{"name": "sharding_indexed", "configuration": {"chunk_shape": [2],
                    "codecs": ["bytes", {"name": "numcodecs.bz2", "configuration": {"level": 0}}],
                    "index_codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]}}]"#,
                "/codecs/0/configuration/codecs/1",
            ),
        ] {
            let error = build_v3(codecs).expect_err(codecs);
            assert_eq!(error.pointer(), pointer, "{codecs}: {error}");
        }
        build_v3(r#"[{"name": "transpose", "configuration": {"order": [0]}}, "bytes"]"#).unwrap();
    }

    /// A copy of an array of netCDF-C stays one: what it says can be encoded.
    #[test]
    fn documents_from_elsewhere_may_have_all_forms_that_can_be_encoded() {
        let of = |filters: &str| {
            let zarray = format!(
                r#"{{"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "<i4", "fill_value": 0, "order": "C",
                    "filters": {filters}, "compressor": null}}"#
            );
            let array = ArrayMetadata::from_v2_json(json(&zarray), None).unwrap();
            ensure_encodes(array.encoding(), Forms::AnyRead)
        };
        of(r#"[{"id": "shuffle", "elementsize": 0}, {"id": "zlib", "level": "5"}]"#).unwrap();
        let error =
            of(r#"[{"id": "shuffle", "elementsize": 0}, {"id": "zlib", "level": "50"}]"#).unwrap_err();
        assert_eq!(error.pointer, "/filters/1");
    }
}
