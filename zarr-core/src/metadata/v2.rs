//! Reading of `.zarray`, `.zgroup` and `.zattrs`.

use super::array::{ArrayEncoding, Extension, Order, V2Encoding, parse_shape};
use super::chunk_key::Separator;
use super::codec_options::check_v2;
use super::data_type::{BytesName, ObjectType, V2DataType};
use super::document::{Document, DocumentKind};
use super::error::Within as _;
use super::json::Json;
use super::limits::MAX_CODECS;
use super::v3::{expect_format, required};
use super::{
    ArrayMetadata, ChunkGrid, ChunkKeyEncoding, DataType, FillValue, GroupMetadata, MetadataError,
    NamedConfig,
};
use crate::codec::registry::find_v2;

impl ArrayMetadata {
    /// Parses a `.zarray`, and the `.zattrs` beside it if there is one.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if a text is no JSON or breaks the specification; [`MetadataError::Unsupported`] for
    /// another `zarr_format` or a data type without a portable meaning. An error of `.zattrs` is as for `.zarray`: parse
    /// them one by one with [`from_v2_json`](Self::from_v2_json) to tell them apart.
    pub fn parse_v2(zarray: &[u8], zattrs: Option<&[u8]>) -> Result<Self, MetadataError> {
        Self::from_v2_json(Json::parse(zarray)?, zattrs.map(Json::parse).transpose()?)
    }

    /// As [`parse_v2`](Self::parse_v2), of documents that are parsed already.
    ///
    /// # Errors
    /// As for [`parse_v2`](Self::parse_v2).
    pub fn from_v2_json(zarray: Json, zattrs: Option<Json>) -> Result<Self, MetadataError> {
        Self::from_v2_document(Document::new(DocumentKind::Zarray, zarray, zattrs)?)
    }

    pub(super) fn from_v2_document(document: Document) -> Result<Self, MetadataError> {
        let main = document.main();
        expect_format(main, 2)?;
        let shape = parse_shape(required(main, "shape")?).within("shape")?;
        let chunk_grid = ChunkGrid::parse_regular(required(main, "chunks")?, &shape).within("chunks")?;
        let mut data_type = V2DataType::parse(required(main, "dtype")?).within("dtype")?;
        let order = required(main, "order")?;
        let order = match order.as_str() {
            Some("C") => Order::C,
            Some("F") => Order::F,
            Some(_) | None => return Err(MetadataError::invalid("\"C\" or \"F\"", order)).within("order"),
        };
        // Both are mandatory, but zarr-python reads documents without them.
        let filters = parse_filters(main.get("filters").unwrap_or(&Json::Null)).within("filters")?;
        let compressor = main.get("compressor").filter(|json| !json.is_null());
        let compressor = compressor.map(parse_codec).transpose().within("compressor")?;
        if let DataType::Object(_) = data_type.data_type {
            data_type.data_type = object_type(&filters).within("filters")?;
        }
        let fill_value =
            FillValue::parse_v2(&data_type, required(main, "fill_value")?).within("fill_value")?;
        let separator = main.get("dimension_separator").filter(|json| !json.is_null());
        let separator = separator.map(Separator::parse).transpose();
        let separator = separator.within("dimension_separator")?.unwrap_or(Separator::Dot);
        let V2DataType {
            data_type,
            big_endian_runs,
        } = data_type;
        Ok(Self {
            shape,
            data_type,
            chunk_grid: Extension::Known(chunk_grid),
            chunk_key_encoding: Extension::Known(ChunkKeyEncoding::V2(separator)),
            fill_value: Some(fill_value),
            dimension_names: None,
            encoding: ArrayEncoding::V2(V2Encoding {
                order,
                filters,
                compressor,
                big_endian_runs,
            }),
            document,
        })
    }
}

impl GroupMetadata {
    /// Parses a `.zgroup`, and the `.zattrs` beside it if there is one.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if a text is no JSON or breaks the specification; [`MetadataError::Unsupported`] for
    /// another `zarr_format`.
    pub fn parse_v2(zgroup: &[u8], zattrs: Option<&[u8]>) -> Result<Self, MetadataError> {
        Self::from_v2_json(Json::parse(zgroup)?, zattrs.map(Json::parse).transpose()?)
    }

    /// As [`parse_v2`](Self::parse_v2), of documents that are parsed already.
    ///
    /// # Errors
    /// As for [`parse_v2`](Self::parse_v2).
    pub fn from_v2_json(zgroup: Json, zattrs: Option<Json>) -> Result<Self, MetadataError> {
        let document = Document::new(DocumentKind::Zgroup, zgroup, zattrs)?;
        expect_format(document.main(), 2)?;
        Ok(Self::from_checked(document))
    }
}

fn parse_codec(json: &Json) -> Result<NamedConfig, MetadataError> {
    let codec = NamedConfig::parse_v2(json)?;
    check_v2(&codec)?;
    Ok(codec)
}

fn parse_filters(json: &Json) -> Result<Vec<NamedConfig>, MetadataError> {
    if json.is_null() {
        return Ok(Vec::new());
    }
    let items = json.as_array().filter(|items| items.len() <= MAX_CODECS);
    let items =
        items.ok_or_else(|| MetadataError::invalid(format!("null or up to {MAX_CODECS} filters"), json))?;
    items
        .iter()
        .enumerate()
        .map(|(index, item)| parse_codec(item).within_index(index))
        .collect()
}

/// What the elements of a `|O` array are: its first filter says so.
fn object_type(filters: &[NamedConfig]) -> Result<DataType, MetadataError> {
    let expected = "an object codec as the first filter of an array of objects";
    let Some(codec) = filters.first() else {
        return Err(MetadataError::mismatch(expected, "no filter"));
    };
    Ok(match codec.name() {
        "vlen-utf8" | "categorize" => DataType::String,
        "vlen-bytes" => DataType::Bytes(BytesName::VariableLengthBytes),
        "json2" | "msgpack2" => DataType::Object(ObjectType::Json),
        "vlen-array" => {
            let dtype = codec.get("dtype").ok_or_else(|| {
                MetadataError::mismatch("a vlen-array with the dtype of its items", "none").within_index(0)
            })?;
            let item = V2DataType::parse(dtype)
                .within("dtype")
                .within_index(0)?
                .data_type;
            if item.is_variable() {
                return Err(MetadataError::invalid("a type of fixed size", dtype))
                    .within("dtype")
                    .within_index(0);
            }
            DataType::Object(ObjectType::Ragged(Box::new(item)))
        }
        known if find_v2(known).is_some() => {
            return Err(MetadataError::mismatch(expected, format!("{known:?}"))).within_index(0);
        }
        unknown => DataType::Object(ObjectType::Opaque(unknown.to_owned())),
    })
}
