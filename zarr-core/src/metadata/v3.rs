//! Reading of `zarr.json`.

use super::array::{ArrayEncoding, Extension, V3Encoding, parse_shape};
use super::codec_check::{Input, check_chain};
use super::codec_config::parse_codecs;
use super::data_type::Endianness;
use super::document::{Document, DocumentKind};
use super::error::Within as _;
use super::json::{Json, Object};
use super::{
    ArrayMetadata, ChunkGrid, ChunkKeyEncoding, DataType, FillValue, GroupMetadata, MetadataError,
    NamedConfig, NodeMetadata,
};

const ARRAY_FIELDS: [&str; 11] = [
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "storage_transformers",
    "dimension_names",
];

const GROUP_FIELDS: [&str; 4] = ["zarr_format", "node_type", "attributes", "consolidated_metadata"];

impl NodeMetadata {
    /// Parses a `zarr.json`: of an array or of a group, as its `node_type` says.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if the text is no JSON or breaks the specification; [`MetadataError::Unsupported`] for
    /// another `zarr_format`, or a field that is not known and does not say `must_understand: false`.
    pub fn parse_v3(bytes: &[u8]) -> Result<Self, MetadataError> {
        Self::from_v3_json(Json::parse(bytes)?)
    }

    /// As [`parse_v3`](Self::parse_v3), of a document that is parsed already.
    ///
    /// # Errors
    /// As for [`parse_v3`](Self::parse_v3).
    pub fn from_v3_json(json: Json) -> Result<Self, MetadataError> {
        let document = Document::new(DocumentKind::ZarrJson, json, None)?;
        expect_format(document.main(), 3)?;
        let node_type = required(document.main(), "node_type")?;
        match node_type.as_str() {
            Some("array") => Ok(Self::Array(Box::new(ArrayMetadata::from_v3_document(document)?))),
            Some("group") => {
                only_fields(document.main(), &GROUP_FIELDS)?;
                Ok(Self::Group(GroupMetadata::from_checked(document)))
            }
            Some(_) | None => {
                Err(MetadataError::invalid("\"array\" or \"group\"", node_type)).within("node_type")
            }
        }
    }
}

impl ArrayMetadata {
    pub(super) fn from_document(document: Document) -> Result<Self, MetadataError> {
        match document.kind() {
            DocumentKind::ZarrJson => Self::from_v3_document(document),
            DocumentKind::Zarray | DocumentKind::Zgroup => Self::from_v2_document(document),
        }
    }

    fn from_v3_document(document: Document) -> Result<Self, MetadataError> {
        let main = document.main();
        let shape = parse_shape(required(main, "shape")?).within("shape")?;
        let data_type = DataType::parse_v3(required(main, "data_type")?).within("data_type")?;
        let chunk_grid = extension(main, "chunk_grid", |named| ChunkGrid::parse_v3(named, &shape))?;
        let chunk_key_encoding = extension(main, "chunk_key_encoding", ChunkKeyEncoding::parse_v3)?;
        let codecs = parse_codecs(required(main, "codecs")?).within("codecs")?;
        check_chain(&codecs, &Input::new(chunk_grid.as_known(), &data_type)).within("codecs")?;
        let fill_value = required(main, "fill_value")?;
        let fill_value = data_type
            .is_known()
            .then(|| FillValue::parse_v3(&data_type, fill_value, stored_order(&codecs)))
            .transpose()
            .within("fill_value")?;
        let transformers = main
            .get("storage_transformers")
            .filter(|json| !json.is_null())
            .map(parse_codecs)
            .transpose();
        let storage_transformers = transformers.within("storage_transformers")?.unwrap_or_default();
        let names = main.get("dimension_names").filter(|json| !json.is_null());
        let dimension_names = names
            .map(|json| parse_dimension_names(json, shape.len()))
            .transpose();
        let dimension_names = dimension_names.within("dimension_names")?;
        only_fields(main, &ARRAY_FIELDS)?;
        Ok(Self {
            shape,
            data_type,
            chunk_grid,
            chunk_key_encoding,
            fill_value,
            dimension_names,
            encoding: ArrayEncoding::V3(V3Encoding {
                codecs,
                storage_transformers,
            }),
            document,
        })
    }
}

/// A mandatory member.
pub(super) fn required<'a>(object: &'a Object, key: &str) -> Result<&'a Json, MetadataError> {
    object
        .get(key)
        .ok_or_else(|| MetadataError::mismatch(format!("a document with {key:?}"), "none"))
}

/// `zarr_format` as an integer: neither `"3"` nor `3.0`.
pub(super) fn expect_format(document: &Object, format: u64) -> Result<(), MetadataError> {
    let json = required(document, "zarr_format")?;
    match json.as_u64() {
        Some(found) if found == format => Ok(()),
        Some(other) => Err(MetadataError::unsupported(format!(
            "zarr_format {other} in a v{format} document"
        ))),
        None => Err(MetadataError::invalid(format!("{format}"), json)),
    }
    .within("zarr_format")
}

/// Refuses fields that are not known, unless they are objects that say `must_understand: false`.
fn only_fields(document: &Object, known: &[&str]) -> Result<(), MetadataError> {
    let may_be_ignored = |json: &Json| json.get("must_understand").and_then(Json::as_bool) == Some(false);
    match document
        .iter()
        .find(|(key, json)| !known.contains(key) && !may_be_ignored(json))
    {
        None => Ok(()),
        Some((key, _)) => Err(MetadataError::unsupported(
            "a field that is not known, nor says must_understand false,",
        ))
        .within(key),
    }
}

/// A mandatory extension that must be understood: known, or kept by its name.
fn extension<T>(
    document: &Object,
    key: &str,
    parse: impl FnOnce(&NamedConfig) -> Result<Option<T>, MetadataError>,
) -> Result<Extension<T>, MetadataError> {
    let json = required(document, key)?;
    let read = || {
        let named = NamedConfig::parse(json)?;
        if !named.must_understand() {
            return Err(MetadataError::mismatch(
                "an extension that must be understood",
                "false",
            ))
            .within("must_understand");
        }
        Ok(parse(&named)?.map_or(Extension::Unknown(named), Extension::Known))
    };
    read().within(key)
}

fn parse_dimension_names(json: &Json, rank: usize) -> Result<Vec<Option<String>>, MetadataError> {
    let items = json.as_array().filter(|items| items.len() == rank);
    let items =
        items.ok_or_else(|| MetadataError::invalid(format!("an array of {rank} names or nulls"), json))?;
    let name = |(index, json): (usize, &Json)| match (json.as_str(), json.is_null()) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, true) => Ok(None),
        (None, false) => Err(MetadataError::invalid("a string or null", json)).within_index(index),
    };
    items.iter().enumerate().map(name).collect()
}

/// The byte order of the `bytes` codec: the base64 fill value of a `structured` type is in it.
fn stored_order(codecs: &[NamedConfig]) -> Endianness {
    let codec = codecs
        .iter()
        .find(|codec| matches!(codec.name(), "bytes" | "endian"));
    match codec.and_then(|codec| codec.get("endian")).and_then(Json::as_str) {
        Some("big") => Endianness::Big,
        Some(_) | None => Endianness::Little,
    }
}
