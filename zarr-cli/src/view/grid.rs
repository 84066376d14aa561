//! How a shown array is cut into chunks.

use zarr_core::ZarrFormat;
use zarr_core::metadata::{ChunkGrid, Json, NamedConfig};

use super::{NodeView, numbers};

impl NodeView {
    /// The shape of the grid's chunks as stored, which are shards if the array is sharded; `None` if it is not regular.
    pub(crate) fn stored_chunk_shape(&self) -> Option<&Json> {
        match self.format {
            ZarrFormat::V2 => self.document().get("chunks"),
            ZarrFormat::V3 => {
                let grid = self.document().get("chunk_grid")?;
                let regular = grid.get("name").and_then(Json::as_str) == Some("regular");
                grid.get("configuration").filter(|_| regular)?.get("chunk_shape")
            }
        }
    }

    /// The shape of the grid's chunks in elements.
    pub(crate) fn chunk_shape(&self) -> Option<Vec<u64>> {
        numbers(self.stored_chunk_shape()?)
    }

    /// The sharding codec's configuration, if the array is sharded.
    pub(crate) fn sharding(&self) -> Option<&Json> {
        sharding_among(self.stored("codecs"))
    }

    /// The shape of the chunks inside a shard.
    pub(crate) fn inner_chunk_shape(&self) -> Option<Vec<u64>> {
        numbers(self.sharding()?.get("chunk_shape")?)
    }

    /// The chunk grid, if it is one that is known.
    pub(crate) fn grid(&self) -> Option<ChunkGrid> {
        match self.format {
            ZarrFormat::V2 => self.chunk_shape().map(|shape| ChunkGrid::regular(&shape)),
            ZarrFormat::V3 => {
                let named = NamedConfig::parse(self.document().get("chunk_grid")?).ok()?;
                ChunkGrid::parse_v3(&named, &self.shape()).ok()?
            }
        }
    }

    /// How many chunks the grid has, if it is known.
    pub(crate) fn chunk_count(&self) -> Option<u128> {
        match self.chunk_shape() {
            Some(shape) => cells(&self.shape(), &shape),
            None => product(&self.grid()?.grid_shape(&self.shape())?),
        }
    }
}

/// The configuration of the sharding codec in a chain, if there is one.
pub(super) fn sharding_among(codecs: &Json) -> Option<&Json> {
    let sharding = codecs
        .as_array()?
        .iter()
        .find(|codec| codec.get("name").and_then(Json::as_str) == Some("sharding_indexed"));
    sharding?.get("configuration")
}

/// How many cells of `cell` elements cover `shape`.
pub(crate) fn cells(shape: &[u64], cell: &[u64]) -> Option<u128> {
    if shape.len() != cell.len() || cell.contains(&0) {
        return None;
    }
    let counts: Vec<u64> = shape
        .iter()
        .zip(cell)
        .map(|(length, edge)| length.div_ceil(*edge))
        .collect();
    product(&counts)
}

/// The product, unless it is beyond all bounds.
pub(crate) fn product(lengths: &[u64]) -> Option<u128> {
    lengths
        .iter()
        .try_fold(1_u128, |product, length| product.checked_mul(u128::from(*length)))
}
