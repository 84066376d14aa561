//! [`ArrayMetadata`]: an array of either format.

use bytes::Bytes;

use super::chunk_key::ChunkKeyEncoding;
use super::codec_config::ensure_known;
use super::data_type::ScalarRun;
use super::document::Document;
use super::error::Within as _;
use super::json::{Json, Object};
use super::{ChunkGrid, DataType, FillValue, MetadataError, NamedConfig, ZarrFormat};
use crate::codec::registry::find_v2;

/// The metadata of an array, of either format, checked.
///
/// It keeps its document as stored, so that an update changes nothing else. Extensions that are not known (data type,
/// chunk grid, chunk key encoding, codecs, storage transformers) are kept by name, so that a group that holds such an
/// array can be listed; [`ensure_supported`](Self::ensure_supported) is what opening the array asks. Everything else is
/// an error when the document is parsed.
///
/// A v3 array is `zarr.json`:
/// ```json
/// {
///   "zarr_format": 3, "node_type": "array", "shape": [100, 200], "data_type": "float32",
///   "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [10, 200] } },
///   "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
///   "fill_value": "NaN",
///   "codecs": [{ "name": "bytes", "configuration": { "endian": "little" } }],
///   "attributes": { "units": "K" }, "dimension_names": ["y", "x"]
/// }
/// ```
/// A v2 array is `.zarray`, and perhaps `.zattrs` with its attributes:
/// ```json
/// {
///   "zarr_format": 2, "shape": [100, 200], "chunks": [10, 200], "dtype": "<f4", "fill_value": "NaN",
///   "order": "C", "filters": null, "compressor": { "id": "zlib", "level": 5 }, "dimension_separator": "."
/// }
/// ```
/// Spec: v3 <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#array-metadata>,
/// v2 <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#arrays>.
///
/// ```
/// use zarr_core::metadata::{NodeMetadata, V3ArrayBuilder, DataType};
/// use zarr_core::metadata::data_type::FloatKind;
/// use zarr_core::metadata::json::NonFiniteStyle;
///
/// let mut array = V3ArrayBuilder::new(&[100, 200], DataType::Float(FloatKind::Float32)).chunk_shape(&[10, 200]).build()?;
/// array.attributes_mut().insert("units", "K");
/// let (key, text) = array.document().attributes_file(NonFiniteStyle::String);
/// assert_eq!(key, "zarr.json");
///
/// let NodeMetadata::Array(read) = NodeMetadata::parse_v3(text.as_bytes())? else { panic!("an array was written") };
/// assert_eq!(read.chunk_grid()?.grid_shape(read.shape()), Some(vec![10, 1]));
/// assert_eq!(read.chunk_key_encoding()?.key(&[9, 0]), "c/9/0");
/// # Ok::<(), zarr_core::metadata::MetadataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayMetadata {
    pub(super) document: Document,
    pub(super) shape: Vec<u64>,
    pub(super) data_type: DataType,
    pub(super) chunk_grid: Extension<ChunkGrid>,
    pub(super) chunk_key_encoding: Extension<ChunkKeyEncoding>,
    /// Missing only if the data type is not known.
    pub(super) fill_value: Option<FillValue>,
    pub(super) dimension_names: Option<Vec<Option<String>>>,
    pub(super) encoding: ArrayEncoding,
}

/// An extension point: what is there, or its name if that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extension<T> {
    Known(T),
    Unknown(NamedConfig),
}

/// How the elements of a chunk become bytes: the part in which the formats differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrayEncoding {
    /// Zarr v3.
    V3(V3Encoding),
    /// Zarr v2.
    V2(V2Encoding),
}

/// The codecs of a v3 array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V3Encoding {
    /// The codecs in the order of encoding.
    pub codecs: Vec<NamedConfig>,
    /// Storage transformers; none is known, so an array with one that must be understood cannot be opened.
    pub storage_transformers: Vec<NamedConfig>,
}

/// The filters and the compressor of a v2 array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V2Encoding {
    /// The order of the elements in a chunk, before any filter.
    pub order: Order,
    /// The filters in the order of encoding; each with its `id` as name.
    pub filters: Vec<NamedConfig>,
    /// The compressor, with its `id` as name.
    pub compressor: Option<NamedConfig>,
    /// The scalars of an element that are stored big-endian.
    pub big_endian_runs: Vec<ScalarRun>,
}

/// The order of the elements in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last dimension varies fastest.
    C,
    /// The first dimension varies fastest.
    F,
}

impl ArrayMetadata {
    /// The format.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        match self.encoding {
            ArrayEncoding::V3(_) => ZarrFormat::V3,
            ArrayEncoding::V2(_) => ZarrFormat::V2,
        }
    }

    /// Length of each dimension, in elements; at most 2⁶³ − 1 each. The product may be larger.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The data type; [`DataType::Unknown`] if it is not known.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The chunk grid.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] if its name is not known.
    pub fn chunk_grid(&self) -> Result<&ChunkGrid, MetadataError> {
        self.chunk_grid.known("chunk grid").within("chunk_grid")
    }

    /// Shape of every chunk in elements, if the grid is regular.
    #[must_use]
    pub fn chunk_shape(&self) -> Option<Vec<u64>> {
        self.chunk_grid().ok()?.chunk_shape()
    }

    /// The chunk key encoding.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] if its name is not known.
    pub fn chunk_key_encoding(&self) -> Result<ChunkKeyEncoding, MetadataError> {
        self.chunk_key_encoding
            .known("chunk key encoding")
            .copied()
            .within("chunk_key_encoding")
    }

    /// The fill value.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] if the data type is not known.
    pub fn fill_value(&self) -> Result<&FillValue, MetadataError> {
        self.fill_value.as_ref().ok_or_else(|| self.unknown_data_type())
    }

    fn unknown_data_type(&self) -> MetadataError {
        MetadataError::unsupported(format!("data type {:?}", self.data_type.name())).within("data_type")
    }

    /// The name of each dimension, where there are names. Only v3 has them.
    #[must_use]
    pub fn dimension_names(&self) -> Option<&[Option<String>]> {
        self.dimension_names.as_deref()
    }

    /// How the elements of a chunk become bytes.
    #[must_use]
    pub fn encoding(&self) -> &ArrayEncoding {
        &self.encoding
    }

    /// The attributes, in order.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.document.attributes()
    }

    /// The attributes, to be changed. No other part of the documents changes.
    pub fn attributes_mut(&mut self) -> &mut Object {
        self.document.attributes_mut()
    }

    /// A member of the document (`zarr.json` or `.zarray`) as stored; `None` if it is not there.
    #[must_use]
    pub fn stored(&self, key: &str) -> Option<&Json> {
        self.document.main().get(key)
    }

    /// The document as stored: `zarr.json`, or `.zarray` and `.zattrs`.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Keeps the documents as the texts that they were parsed from: `zarr.json` or `.zarray`, and `.zattrs`.
    pub(crate) fn keep_text(&mut self, main: Bytes, zattrs: Option<Bytes>) {
        self.document.keep_text(main, zattrs);
    }

    /// Whether the array can be opened: every extension that must be understood is known.
    ///
    /// # Errors
    /// [`MetadataError::Unsupported`] that names the first one that is not.
    pub fn ensure_supported(&self) -> Result<(), MetadataError> {
        if !self.data_type.is_known() {
            return Err(self.unknown_data_type());
        }
        self.chunk_grid()?;
        self.chunk_key_encoding()?;
        match &self.encoding {
            ArrayEncoding::V3(V3Encoding {
                codecs,
                storage_transformers,
            }) => {
                ensure_known(codecs).within("codecs")?;
                match storage_transformers.iter().position(NamedConfig::must_understand) {
                    None => Ok(()),
                    Some(at) => {
                        let what = format!("storage transformer {:?}", storage_transformers[at].name());
                        Err(MetadataError::unsupported(what))
                            .within_index(at)
                            .within("storage_transformers")
                    }
                }
            }
            ArrayEncoding::V2(V2Encoding {
                filters, compressor, ..
            }) => {
                let known = |codec: &NamedConfig| match find_v2(codec.name()).is_some() {
                    true => Ok(()),
                    false => Err(MetadataError::unsupported(format!("codec {:?}", codec.name()))),
                };
                for (index, filter) in filters.iter().enumerate() {
                    known(filter).within_index(index).within("filters")?;
                }
                compressor.as_ref().map_or(Ok(()), known).within("compressor")
            }
        }
    }

    /// The same array with another shape. Names of dimensions, chunks and everything else stay.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if the rank differs, a length is too large, or the chunk grid does not cover it.
    pub fn with_shape(&self, shape: &[u64]) -> Result<Self, MetadataError> {
        let mut document = self.document.clone();
        document.main_mut().insert("shape", shape);
        Self::from_document(document)
    }
}

impl<T> Extension<T> {
    fn known(&self, what: &str) -> Result<&T, MetadataError> {
        match self {
            Self::Known(known) => Ok(known),
            Self::Unknown(named) => Err(MetadataError::unsupported(format!("{what} {:?}", named.name()))),
        }
    }

    pub(super) fn as_known(&self) -> Option<&T> {
        if let Self::Known(known) = self {
            Some(known)
        } else {
            None
        }
    }
}

/// Reads `shape`: lengths of at most 2⁶³ − 1.
pub(super) fn parse_shape(json: &Json) -> Result<Vec<u64>, MetadataError> {
    use super::limits::MAX_RANK;
    let items = json
        .as_array()
        .ok_or_else(|| MetadataError::invalid("an array of lengths", json))?;
    if items.len() > MAX_RANK {
        let expected = format!("at most {MAX_RANK} dimensions");
        return Err(MetadataError::mismatch(
            expected,
            format!("{} dimensions", items.len()),
        ));
    }
    let length = |(index, json): (usize, &Json)| {
        let length = json.as_u64().filter(|&length| i64::try_from(length).is_ok());
        length
            .ok_or_else(|| MetadataError::invalid("an integer from 0 to 2^63 - 1", json).within_index(index))
    };
    items.iter().enumerate().map(length).collect()
}
