//! [`V3ArrayBuilder`] and [`V2ArrayBuilder`]: the metadata of new arrays, in the strict form.

use super::data_type::Endianness;
use super::document::{Document, DocumentKind};
use super::json::{Json, Object};
use super::{
    ArrayMetadata, ChunkGrid, ChunkKeyEncoding, DataType, FillValue, MetadataError, NamedConfig, Order,
    Separator,
};
use crate::codec::new_array::{Forms, ensure_encodes};

/// Builds the metadata of a new v3 array.
///
/// Unless told otherwise: one chunk, keys `c/1/0`, all bits of the fill value zero, and the codecs that zarr-python
/// takes: `bytes` (little-endian) or `vlen-utf8` or `vlen-bytes`, then `zstd`.
#[derive(Debug, Clone)]
#[must_use]
pub struct V3ArrayBuilder {
    shape: Vec<u64>,
    data_type: DataType,
    chunk_grid: ChunkGrid,
    chunk_key_encoding: ChunkKeyEncoding,
    fill_value: FillValue,
    codecs: Vec<NamedConfig>,
    dimension_names: Option<Vec<Option<String>>>,
    attributes: Object,
}

impl V3ArrayBuilder {
    /// An array of `shape` elements.
    pub fn new(shape: &[u64], data_type: DataType) -> Self {
        Self {
            chunk_grid: one_chunk(shape),
            chunk_key_encoding: ChunkKeyEncoding::Default(Separator::Slash),
            fill_value: FillValue::zero(&data_type),
            codecs: vec![
                Self::array_to_bytes(&data_type, Endianness::Little),
                NamedConfig::with_configuration(
                    "zstd",
                    [("level", Json::from(0)), ("checksum", false.into())],
                ),
            ],
            dimension_names: None,
            attributes: Object::new(),
            shape: shape.to_vec(),
            data_type,
        }
    }

    /// The array→bytes codec that a data type needs: `vlen-utf8`, `vlen-bytes`, or `bytes` with its byte order.
    #[must_use]
    pub fn array_to_bytes(data_type: &DataType, endianness: Endianness) -> NamedConfig {
        if let DataType::String = data_type {
            NamedConfig::new("vlen-utf8")
        } else if let DataType::Bytes(_) = data_type {
            NamedConfig::new("vlen-bytes")
        } else if data_type.needs_endian() {
            NamedConfig::with_configuration("bytes", [("endian", endianness.name())])
        } else {
            NamedConfig::new("bytes")
        }
    }

    /// Sets a regular chunk grid.
    pub fn chunk_shape(self, chunk_shape: &[u64]) -> Self {
        self.chunk_grid(ChunkGrid::regular(chunk_shape))
    }

    /// Sets the chunk grid.
    pub fn chunk_grid(self, chunk_grid: ChunkGrid) -> Self {
        Self { chunk_grid, ..self }
    }

    /// Sets the chunk key encoding.
    pub fn chunk_key_encoding(self, chunk_key_encoding: ChunkKeyEncoding) -> Self {
        Self {
            chunk_key_encoding,
            ..self
        }
    }

    /// Sets the fill value.
    pub fn fill_value(self, fill_value: FillValue) -> Self {
        Self { fill_value, ..self }
    }

    /// Sets all codecs, the array→bytes codec among them.
    pub fn codecs(self, codecs: Vec<NamedConfig>) -> Self {
        Self { codecs, ..self }
    }

    /// Sets the names of the dimensions.
    pub fn dimension_names(self, names: Vec<Option<String>>) -> Self {
        Self {
            dimension_names: Some(names),
            ..self
        }
    }

    /// Sets the attributes.
    pub fn attributes(self, attributes: Object) -> Self {
        Self { attributes, ..self }
    }

    /// Makes the document and checks it as one that was read.
    ///
    /// # Errors
    /// As for [`NodeMetadata::parse_v3`](super::NodeMetadata::parse_v3); [`MetadataError::Invalid`] also for codecs that can
    /// only be read; [`MetadataError::Unsupported`] also for a data type that only v2 has.
    pub fn build(self) -> Result<ArrayMetadata, MetadataError> {
        let codecs: Vec<Json> = self.codecs.iter().map(NamedConfig::to_json).collect();
        let mut main = Object::from([
            ("zarr_format", Json::from(3)),
            ("node_type", "array".into()),
            ("shape", self.shape.into()),
            ("data_type", self.data_type.to_v3_json()?),
            ("chunk_grid", self.chunk_grid.to_v3_json()),
            ("chunk_key_encoding", self.chunk_key_encoding.to_v3_json()),
            ("fill_value", self.fill_value.to_v3_json(&self.data_type)?),
            ("codecs", codecs.into()),
            ("attributes", self.attributes.into()),
        ]);
        if let Some(names) = self.dimension_names {
            main.insert("dimension_names", names);
        }
        strict(Document::new(DocumentKind::ZarrJson, main.into(), None)?)
    }
}

/// Builds the metadata of a new v2 array.
///
/// Unless told otherwise: one chunk, keys `1.0`, C order, little-endian, all bits of the fill value zero, the object
/// codec that the data type needs as the only filter, and the compressor `zstd`.
#[derive(Debug, Clone)]
#[must_use]
pub struct V2ArrayBuilder {
    shape: Vec<u64>,
    data_type: DataType,
    endianness: Endianness,
    chunk_shape: Vec<u64>,
    separator: Separator,
    fill_value: Option<FillValue>,
    order: Order,
    filters: Vec<NamedConfig>,
    compressor: Option<NamedConfig>,
    attributes: Object,
}

impl V2ArrayBuilder {
    /// An array of `shape` elements.
    pub fn new(shape: &[u64], data_type: DataType) -> Self {
        let object_codec = matches!(data_type, DataType::String | DataType::Bytes(_));
        let filters = if object_codec {
            vec![V3ArrayBuilder::array_to_bytes(&data_type, Endianness::Little)]
        } else {
            Vec::new()
        };
        Self {
            chunk_shape: shape.iter().map(|&length| length.max(1)).collect(),
            endianness: Endianness::Little,
            separator: Separator::Dot,
            fill_value: Some(FillValue::zero(&data_type)),
            order: Order::C,
            filters,
            compressor: Some(NamedConfig::with_configuration("zstd", [("level", 0)])),
            attributes: Object::new(),
            shape: shape.to_vec(),
            data_type,
        }
    }

    /// Sets the byte order of all scalars.
    pub fn endianness(self, endianness: Endianness) -> Self {
        Self { endianness, ..self }
    }

    /// Sets the shape of every chunk, in elements.
    pub fn chunk_shape(self, chunk_shape: &[u64]) -> Self {
        Self {
            chunk_shape: chunk_shape.to_vec(),
            ..self
        }
    }

    /// Sets what stands between the numbers of a chunk key.
    pub fn separator(self, separator: Separator) -> Self {
        Self { separator, ..self }
    }

    /// Sets the fill value; `None` leaves undefined what absent chunks hold.
    pub fn fill_value(self, fill_value: Option<FillValue>) -> Self {
        Self { fill_value, ..self }
    }

    /// Sets the order of the elements in a chunk.
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Sets all filters, an object codec among them.
    pub fn filters(self, filters: Vec<NamedConfig>) -> Self {
        Self { filters, ..self }
    }

    /// Sets the compressor.
    pub fn compressor(self, compressor: Option<NamedConfig>) -> Self {
        Self { compressor, ..self }
    }

    /// Sets the attributes; there is a `.zattrs` only if there are any.
    pub fn attributes(self, attributes: Object) -> Self {
        Self { attributes, ..self }
    }

    /// Makes the documents and checks them as ones that were read.
    ///
    /// # Errors
    /// As for [`ArrayMetadata::parse_v2`]; [`MetadataError::Invalid`] also for codecs that can only be read;
    /// [`MetadataError::Unsupported`] also for a data type or fill value that v2 cannot say.
    pub fn build(self) -> Result<ArrayMetadata, MetadataError> {
        let fill_value = self
            .fill_value
            .map(|fill| fill.to_v2_json(&self.data_type, self.endianness))
            .transpose()?;
        let filters: Vec<Json> = self.filters.iter().map(NamedConfig::to_v2_json).collect();
        let main = Object::from([
            ("zarr_format", Json::from(2)),
            ("shape", self.shape.into()),
            ("chunks", self.chunk_shape.into()),
            ("dtype", self.data_type.to_v2_json(self.endianness)?),
            ("fill_value", fill_value.into()),
            ("order", if self.order == Order::C { "C" } else { "F" }.into()),
            (
                "filters",
                Some(filters).filter(|filters| !filters.is_empty()).into(),
            ),
            ("dimension_separator", self.separator.as_char().to_string().into()),
            (
                "compressor",
                self.compressor.map(|compressor| compressor.to_v2_json()).into(),
            ),
        ]);
        let zattrs = Some(self.attributes)
            .filter(|attributes| !attributes.is_empty())
            .map(Json::Object);
        strict(Document::new(DocumentKind::Zarray, main.into(), zattrs)?)
    }
}

/// Checks a document as one that was read, and that its codecs can encode and have no form that is only read.
fn strict(document: Document) -> Result<ArrayMetadata, MetadataError> {
    let array = ArrayMetadata::from_document(document)?;
    match ensure_encodes(array.encoding(), Forms::Strict) {
        Ok(()) => Ok(array),
        Err(error) => Err(MetadataError::Invalid {
            pointer: error.pointer,
            position: None,
            expected: "a codec for a new array".into(),
            found: error.kind.to_string(),
        }),
    }
}

fn one_chunk(shape: &[u64]) -> ChunkGrid {
    ChunkGrid::regular(&shape.iter().map(|&length| length.max(1)).collect::<Vec<_>>())
}
