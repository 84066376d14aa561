//! [`ChunkGrid`]: how an array is cut into chunks.

mod axis;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use axis::{ChunkAxis, ChunkRuns};

use super::error::Within as _;
use super::json::{Json, Object};
use super::{MetadataError, NamedConfig};

/// A chunk grid: one [`ChunkAxis`] for each dimension.
///
/// ```json
/// { "name": "regular", "configuration": { "chunk_shape": [10, 20] } }
/// { "name": "rectilinear", "configuration": { "kind": "inline", "chunk_shapes": [[1, 2, [3, 4]], 20] } }
/// ```
/// Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#chunk-grids>,
/// <https://github.com/zarr-developers/zarr-extensions/tree/main/chunk-grids/rectilinear>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkGrid {
    axes: Vec<ChunkAxis>,
    regular: bool,
}

impl ChunkGrid {
    /// A regular grid of chunks of `chunk_shape` elements.
    #[must_use]
    pub fn regular(chunk_shape: &[u64]) -> Self {
        Self {
            axes: chunk_shape.iter().map(|&edge| ChunkAxis::Step(edge)).collect(),
            regular: true,
        }
    }

    /// A rectilinear grid.
    #[must_use]
    pub fn rectilinear(axes: Vec<ChunkAxis>) -> Self {
        Self { axes, regular: false }
    }

    /// Reads the grid of an array of `shape`; `None` if its name is not known.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for a wrong configuration: another rank than the array's, an edge of 0 on a
    /// dimension that is not empty, edges that do not cover the array.
    pub fn parse_v3(named: &NamedConfig, shape: &[u64]) -> Result<Option<Self>, MetadataError> {
        let missing = |key: &str| {
            MetadataError::mismatch(format!("a configuration with {key:?}"), "none").within("configuration")
        };
        match named.name() {
            "regular" => {
                named.only_keys(&["chunk_shape"])?;
                let json = named.get("chunk_shape").ok_or_else(|| missing("chunk_shape"))?;
                Self::parse_regular(json, shape)
                    .within("chunk_shape")
                    .within("configuration")
                    .map(Some)
            }
            "rectilinear" => {
                named.only_keys(&["kind", "chunk_shapes"])?;
                let kind = named.get("kind").ok_or_else(|| missing("kind"))?;
                if kind.as_str() != Some("inline") {
                    let error = MetadataError::invalid("\"inline\"", kind);
                    return Err(error.within("kind").within("configuration"));
                }
                let json = named.get("chunk_shapes").ok_or_else(|| missing("chunk_shapes"))?;
                let items = one_per_dimension(json, shape.len());
                let axes = items.and_then(|items| {
                    let axis = |(index, (json, &length))| {
                        ChunkAxis::parse_rectilinear(json, length).within_index(index)
                    };
                    items
                        .iter()
                        .zip(shape)
                        .enumerate()
                        .map(axis)
                        .collect::<Result<_, _>>()
                });
                Ok(Some(Self::rectilinear(
                    axes.within("chunk_shapes").within("configuration")?,
                )))
            }
            _ => Ok(None),
        }
    }

    /// Reads a chunk shape: of a regular v3 grid, or the `chunks` of v2.
    pub(crate) fn parse_regular(json: &Json, shape: &[u64]) -> Result<Self, MetadataError> {
        let edge = |(index, (json, &length)): (usize, (&Json, &u64))| {
            let edge = json.as_u64().filter(|&edge| edge > 0 || length == 0);
            edge.ok_or_else(|| MetadataError::invalid("a positive integer", json).within_index(index))
        };
        let items = one_per_dimension(json, shape.len())?;
        let edges = items
            .iter()
            .zip(shape)
            .enumerate()
            .map(edge)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::regular(&edges))
    }

    /// The form that a v3 document has.
    #[must_use]
    pub fn to_v3_json(&self) -> Json {
        let named = match self.chunk_shape() {
            Some(edges) => NamedConfig::with_configuration("regular", [("chunk_shape", edges)]),
            None => {
                let shapes: Vec<Json> = self.axes.iter().map(ChunkAxis::to_rectilinear_json).collect();
                let members: Object =
                    [("kind", Json::from("inline")), ("chunk_shapes", shapes.into())].into();
                NamedConfig::with_configuration("rectilinear", members)
            }
        };
        named.to_json()
    }

    /// Number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.axes.len()
    }

    /// The dimensions.
    #[must_use]
    pub fn axes(&self) -> &[ChunkAxis] {
        &self.axes
    }

    /// Shape of every chunk in elements, if the grid is regular.
    #[must_use]
    pub fn chunk_shape(&self) -> Option<Vec<u64>> {
        let edge = |axis: &ChunkAxis| {
            if let ChunkAxis::Step(edge) = axis {
                Some(*edge)
            } else {
                None
            }
        };
        self.axes
            .iter()
            .map(edge)
            .collect::<Option<_>>()
            .filter(|_| self.regular)
    }

    /// Number of chunks in each dimension that hold elements of an array of `shape`; `None` if the rank differs.
    #[must_use]
    pub fn grid_shape(&self, shape: &[u64]) -> Option<Vec<u64>> {
        let counts = || {
            self.axes
                .iter()
                .zip(shape)
                .map(|(axis, &length)| axis.chunk_count(length))
                .collect()
        };
        (shape.len() == self.rank()).then(counts)
    }

    /// Number of chunks that hold elements of an array of `shape`; `None` if the rank differs or 64 bits are too few.
    #[must_use]
    pub fn chunk_count(&self, shape: &[u64]) -> Option<u64> {
        let counts = self.grid_shape(shape)?;
        if counts.contains(&0) {
            return Some(0);
        }
        counts.into_iter().try_fold(1, u64::checked_mul)
    }

    /// The elements of a chunk in each dimension, as it is stored: edge chunks may reach beyond the array. `None` if
    /// there is no such chunk or the rank differs.
    #[must_use]
    pub fn elements_of(&self, chunk: &[u64]) -> Option<Vec<Range<u64>>> {
        let ranges = || {
            self.axes
                .iter()
                .zip(chunk)
                .map(|(axis, &index)| axis.elements_of(index))
                .collect()
        };
        if chunk.len() == self.rank() {
            ranges()
        } else {
            None
        }
    }

    /// The chunks, in each dimension, that hold any of `elements`; `None` if some lie beyond the last chunk or the
    /// rank differs.
    #[must_use]
    pub fn chunks_of(&self, elements: &[Range<u64>]) -> Option<Vec<Range<u64>>> {
        let ranges = || {
            self.axes
                .iter()
                .zip(elements)
                .map(|(axis, range)| axis.chunks_of(range.clone()))
                .collect()
        };
        if elements.len() == self.rank() {
            ranges()
        } else {
            None
        }
    }

    /// Whether the chunks cover an array of `shape`: what has to hold after a resize.
    #[must_use]
    pub fn covers(&self, shape: &[u64]) -> bool {
        shape.len() == self.rank()
            && self
                .axes
                .iter()
                .zip(shape)
                .all(|(axis, &length)| axis.covers(length))
    }
}

fn one_per_dimension(json: &Json, rank: usize) -> Result<&[Json], MetadataError> {
    json.as_array()
        .filter(|items| items.len() == rank)
        .ok_or_else(|| {
            MetadataError::invalid(
                format!("an array with an item for each of the {rank} dimensions"),
                json,
            )
        })
}
