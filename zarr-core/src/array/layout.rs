//! How an array lies in its store: what a read or write must know of its metadata, checked once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::DimensionGrid;
use crate::codec::{CodecChain, CodecError, Size};
use crate::error::{Error, Result};
use crate::metadata::{ArrayMetadata, ChunkAxis, ChunkGrid, ChunkKeyEncoding, DataType, FillValue};
use crate::node_path::NodePath;

/// Chains of codecs that are kept, for grids whose chunks have many shapes.
const MAX_CHAINS: usize = 256;

/// How an array lies in its store.
#[derive(Debug)]
pub(crate) struct Layout {
    path: NodePath,
    grid: ChunkGrid,
    keys: ChunkKeyEncoding,
    data_type: DataType,
    fill: Arc<FillValue>,
    metadata: ArrayMetadata,
    /// The chain of a regular grid's chunks.
    regular: Option<CodecChain>,
    /// Why chunks can be decoded only, if that is so.
    decode_only: Option<CodecError>,
    /// Chains of chunks of other shapes, as they come.
    others: Mutex<HashMap<Vec<u64>, CodecChain>>,
}

impl Layout {
    /// Checks that everything the metadata names is known and fits together. `url` is the array's, for errors.
    pub(crate) fn new(url: &str, path: NodePath, metadata: &ArrayMetadata) -> Result<Self> {
        let unsupported = |error| Error::metadata(url, error);
        metadata.ensure_supported().map_err(unsupported)?;
        let mut layout = Self {
            path,
            grid: metadata.chunk_grid().map_err(unsupported)?.clone(),
            keys: metadata.chunk_key_encoding().map_err(unsupported)?,
            data_type: metadata.data_type().clone(),
            fill: Arc::new(metadata.fill_value().map_err(unsupported)?.clone()),
            metadata: metadata.clone(),
            regular: None,
            decode_only: None,
            others: Mutex::default(),
        };
        // A grid of chunks of many shapes is checked with its first one.
        let regular = metadata.chunk_shape();
        let first = regular.clone().or_else(|| {
            layout
                .grid
                .axes()
                .iter()
                .map(|axis| axis.elements_of(0).map(|range| range.end - range.start))
                .collect()
        });
        if let Some(shape) = first {
            let chain = layout
                .make_chain(&shape)
                .map_err(|error| super::codec_error(url.to_owned(), &[], error))?;
            layout.decode_only = chain.ensure_encodes().err();
            layout.regular = regular.map(|_| chain);
        }
        Ok(layout)
    }

    /// The key of a chunk.
    pub(crate) fn key(&self, chunk: &[u64]) -> String {
        self.path.key(&self.keys.key(chunk))
    }

    pub(crate) fn keys(&self) -> ChunkKeyEncoding {
        self.keys
    }

    pub(crate) fn path(&self) -> &NodePath {
        &self.path
    }

    pub(crate) fn grid(&self) -> &ChunkGrid {
        &self.grid
    }

    pub(crate) fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The fill value in decoded form: the bytes of one element.
    pub(crate) fn fill(&self) -> &[u8] {
        self.fill.element()
    }

    /// Whether chunks can be encoded, too.
    pub(crate) fn ensure_encodes(&self) -> Result<(), CodecError> {
        self.decode_only.clone().map_or(Ok(()), Err)
    }

    /// The chain of a regular grid's chunks.
    pub(crate) fn regular_chain(&self) -> Option<&CodecChain> {
        self.regular.as_ref()
    }

    /// The chain of chunks of `shape`.
    pub(crate) fn chain(&self, shape: &[u64]) -> Result<CodecChain, CodecError> {
        if let Some(chain) = self
            .regular
            .as_ref()
            .filter(|chain| chain.decoded().shape() == shape)
        {
            return Ok(chain.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chain) = others.get(shape) {
            return Ok(chain.clone());
        }
        let chain = self.make_chain(shape)?;
        if others.len() >= MAX_CHAINS {
            others.clear();
        }
        others.insert(shape.to_vec(), chain.clone());
        Ok(chain)
    }

    fn make_chain(&self, shape: &[u64]) -> Result<CodecChain, CodecError> {
        CodecChain::with_fill(&self.metadata, &self.fill, shape)
    }

    /// About how many bytes a decoded chunk has.
    pub(crate) fn chunk_bytes_hint(&self) -> usize {
        let shape = self.grid.axes().iter().map(|axis| match axis {
            ChunkAxis::Step(edge) => *edge,
            ChunkAxis::Runs(_) => axis.distinct_edges().into_iter().max().unwrap_or(1),
        });
        let elements = shape.fold(1_u64, u64::saturating_mul);
        let item = self.data_type.size_bytes().unwrap_or(16) as u64;
        usize::try_from(elements.saturating_mul(item)).unwrap_or(usize::MAX)
    }

    /// The grid's dimensions, for a plan over stored chunks.
    pub(crate) fn dimension_grids(&self) -> Vec<Box<dyn DimensionGrid + Send + Sync>> {
        self.grid
            .axes()
            .iter()
            .map(|axis| Box::new(Axis(axis.clone())) as Box<_>)
            .collect()
    }
}

/// A dimension of stored chunks. Only elements of the array are asked for, and the grid covers the array.
pub(super) struct Axis(pub(super) ChunkAxis);

impl DimensionGrid for Axis {
    fn chunk_of(&self, element: u64) -> u64 {
        self.0.chunk_of(element).unwrap_or(0)
    }

    fn span(&self, chunk: u64) -> (u64, u64) {
        self.0
            .elements_of(chunk)
            .map_or((0, 0), |range| (range.start, range.end - range.start))
    }
}

/// A dimension of equal chunks: the inner chunks of shards.
pub(crate) struct Equal(pub(crate) u64);

impl DimensionGrid for Equal {
    fn chunk_of(&self, element: u64) -> u64 {
        element.checked_div(self.0).unwrap_or(0)
    }

    fn span(&self, chunk: u64) -> (u64, u64) {
        (chunk.saturating_mul(self.0), self.0)
    }
}

/// The decoded bytes of a chunk, as far as they are known.
pub(crate) fn known_bytes(chain: &CodecChain) -> u64 {
    match chain.decoded().size() {
        Size::Exact(bytes) | Size::AtMost(bytes) => bytes,
        Size::Variable { least } => least,
    }
}
