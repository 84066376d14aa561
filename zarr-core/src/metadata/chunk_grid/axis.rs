//! [`ChunkAxis`]: how one dimension is cut into chunks.

use std::ops::Range;

use super::super::MetadataError;
use super::super::error::Within as _;
use super::super::json::Json;
use super::super::limits::MAX_GRID_RUNS;

/// One dimension of a chunk grid, in elements.
///
/// All arithmetic is checked, and runs are never expanded: a question costs at most a binary search over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkAxis {
    /// Every chunk has the same edge; 0 only where the dimension has no element.
    Step(u64),
    /// Edges differ.
    Runs(ChunkRuns),
}

/// Chunk edges as runs of equal ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRuns {
    runs: Vec<Run>,
    total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    edge: u64,
    count: u64,
    /// Number of the first chunk of the run, and of its first element.
    first_chunk: u64,
    first_element: u64,
}

impl ChunkAxis {
    /// Number of chunks that hold elements of a dimension of `length`.
    #[must_use]
    pub fn chunk_count(&self, length: u64) -> u64 {
        match (length.checked_sub(1), self) {
            (None, _) => 0,
            (Some(last), _) => self.chunk_of(last).map_or(0, |chunk| chunk + 1),
        }
    }

    /// The chunk that holds `element`; `None` beyond the last chunk.
    #[must_use]
    pub fn chunk_of(&self, element: u64) -> Option<u64> {
        match self {
            Self::Step(edge) => element.checked_div(*edge),
            Self::Runs(runs) => runs.chunk_of(element),
        }
    }

    /// The elements of a chunk as it is stored: an edge chunk may reach beyond the array. `None` if there is no such
    /// chunk.
    #[must_use]
    pub fn elements_of(&self, chunk: u64) -> Option<Range<u64>> {
        match self {
            Self::Step(0) => None,
            Self::Step(edge) => {
                let start = chunk.checked_mul(*edge)?;
                Some(start..start.checked_add(*edge)?)
            }
            Self::Runs(runs) => runs.elements_of(chunk),
        }
    }

    /// The chunks that hold any of `elements`; `None` if some lie beyond the last chunk.
    #[must_use]
    pub fn chunks_of(&self, elements: Range<u64>) -> Option<Range<u64>> {
        if elements.is_empty() {
            return Some(0..0);
        }
        // A chunk number is at most the number of its first element.
        Some(self.chunk_of(elements.start)?..self.chunk_of(elements.end - 1)? + 1)
    }

    /// The edges that occur, each once and in order of their first chunk.
    #[must_use]
    pub fn distinct_edges(&self) -> Vec<u64> {
        match self {
            Self::Step(edge) => vec![*edge],
            Self::Runs(runs) => {
                let mut seen = std::collections::HashSet::new();
                runs.runs
                    .iter()
                    .map(|run| run.edge)
                    .filter(|&edge| seen.insert(edge))
                    .collect()
            }
        }
    }

    /// Whether chunks cover a dimension of `length`.
    #[must_use]
    pub fn covers(&self, length: u64) -> bool {
        match self {
            Self::Step(edge) => *edge > 0 || length == 0,
            Self::Runs(runs) => runs.total >= length,
        }
    }

    /// Reads one dimension of a rectilinear grid: an edge, or a list of edges and `[edge, count]`.
    pub(super) fn parse_rectilinear(json: &Json, length: u64) -> Result<Self, MetadataError> {
        let positive = |json: &Json| {
            json.as_u64()
                .filter(|&value| value > 0)
                .ok_or_else(|| MetadataError::invalid("a positive integer", json))
        };
        let Json::Array(items) = json else {
            return Ok(Self::Step(positive(json)?));
        };
        let pair = |json: &Json| match json.as_array() {
            Some([edge, count]) => Ok((positive(edge).within_index(0)?, positive(count).within_index(1)?)),
            Some(_) => Err(MetadataError::invalid("[edge, count]", json)),
            None => Ok((positive(json)?, 1)),
        };
        let mut runs = ChunkRuns {
            runs: Vec::new(),
            total: 0,
        };
        for (index, item) in items.iter().enumerate() {
            let (edge, count) = pair(item).within_index(index)?;
            runs.push(edge, count).within_index(index)?;
        }
        if runs.total < length {
            let expected = format!("edges that sum up to at least {length}");
            return Err(MetadataError::mismatch(
                expected,
                format!("a sum of {}", runs.total),
            ));
        }
        Ok(Self::Runs(runs))
    }

    /// The form that a rectilinear grid has.
    pub(super) fn to_rectilinear_json(&self) -> Json {
        match self {
            Self::Step(edge) => (*edge).into(),
            Self::Runs(runs) => {
                let print = |run: &Run| {
                    if run.count == 1 {
                        run.edge.into()
                    } else {
                        [run.edge, run.count].into()
                    }
                };
                runs.runs.iter().map(print).collect::<Vec<Json>>().into()
            }
        }
    }
}

impl ChunkRuns {
    /// Runs of `(edge, count)`.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for a zero, a sum that does not fit 64 bits, or too many runs.
    pub fn new(runs: impl IntoIterator<Item = (u64, u64)>) -> Result<Self, MetadataError> {
        let mut built = Self {
            runs: Vec::new(),
            total: 0,
        };
        for (edge, count) in runs {
            if edge == 0 || count == 0 {
                return Err(MetadataError::mismatch(
                    "positive edges and counts",
                    format!("[{edge}, {count}]"),
                ));
            }
            built.push(edge, count)?;
        }
        Ok(built)
    }

    fn push(&mut self, edge: u64, count: u64) -> Result<(), MetadataError> {
        let total = edge
            .checked_mul(count)
            .and_then(|elements| elements.checked_add(self.total));
        let total = total.ok_or_else(|| MetadataError::mismatch("edges whose sum fits 64 bits", "more"))?;
        if let Some(last) = self.runs.last_mut().filter(|last| last.edge == edge) {
            last.count += count;
        } else if self.runs.len() == MAX_GRID_RUNS {
            return Err(MetadataError::mismatch(
                format!("at most {MAX_GRID_RUNS} runs of chunk edges"),
                "more",
            ));
        } else {
            let first_chunk = self.runs.last().map_or(0, |last| last.first_chunk + last.count);
            self.runs.push(Run {
                edge,
                count,
                first_chunk,
                first_element: self.total,
            });
        }
        self.total = total;
        Ok(())
    }

    fn chunk_of(&self, element: u64) -> Option<u64> {
        if element >= self.total {
            return None;
        }
        let run = self.run_by(|run| run.first_element <= element)?;
        Some(run.first_chunk + (element - run.first_element) / run.edge)
    }

    fn elements_of(&self, chunk: u64) -> Option<Range<u64>> {
        let run = self.run_by(|run| run.first_chunk <= chunk)?;
        let within = chunk - run.first_chunk;
        if within >= run.count {
            return None;
        }
        // At most the total, which fits.
        let start = run.first_element + within * run.edge;
        Some(start..start + run.edge)
    }

    /// The last run that begins at or before what is looked for.
    fn run_by(&self, begins: impl FnMut(&Run) -> bool) -> Option<&Run> {
        self.runs[..self.runs.partition_point(begins)].last()
    }

    /// Sum of all edges.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The runs as `(edge, count)`, neighbours of equal edges joined.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        self.runs.iter().map(|run| (run.edge, run.count))
    }
}
