//! Which chunks a selection touches, and which of their elements go where.
//!
//! A plan is made per dimension and multiplied out lazily, so it stays small: its size grows with the number of chunks
//! along one dimension at most, not with the number of chunks.

use super::selection::Wanted;

/// The chunks along one dimension.
pub(crate) trait DimensionGrid {
    /// The chunk that an element lies in.
    fn chunk_of(&self, element: u64) -> u64;
    /// First element and length in elements of a chunk as it is stored.
    fn span(&self, chunk: u64) -> (u64, u64);
}

/// Positions of consecutive items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Positions {
    /// `start`, `start + step`, ….
    Run { start: usize, step: usize },
    /// These.
    List(Box<[usize]>),
}

impl Positions {
    pub(crate) fn at(&self, i: usize) -> usize {
        match self {
            Self::Run { start, step } => start + step * i,
            Self::List(list) => list[i],
        }
    }

    /// The first position, if each is one past the last.
    pub(crate) fn contiguous(&self) -> Option<usize> {
        match self {
            Self::Run { start, step: 1 } => Some(*start),
            Self::Run { .. } | Self::List(_) => None,
        }
    }
}

/// What one chunk gives to the result, along one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The chunk's index along this dimension.
    pub(crate) chunk: u64,
    /// The chunk's first element in the array.
    pub(crate) origin: u64,
    /// The chunk's stored length in elements.
    pub(crate) edge: u64,
    /// How many elements are taken.
    pub(crate) count: usize,
    /// Where they are in the chunk.
    pub(crate) source: Positions,
    /// Where they go in the result.
    pub(crate) target: Positions,
}

impl Part {
    /// Visits each element that is taken: its place in the chunk and in the result. Chunks give thousands of short rows,
    /// so that the loop over rows must cost less than the copy of one.
    #[inline]
    fn for_each_position(&self, mut visit: impl FnMut(usize, usize)) {
        match (&self.source, &self.target) {
            (
                Positions::Run { start, step },
                Positions::Run {
                    start: first,
                    step: next,
                },
            ) => (0..self.count).for_each(|i| visit(start + i * step, first + i * next)),
            (source, target) => (0..self.count).for_each(|i| visit(source.at(i), target.at(i))),
        }
    }
}

/// The chunks that are touched along one dimension.
#[derive(Debug)]
enum DimPlan {
    /// Every chunk from `first` on; `Part`s are computed when asked for.
    Dense {
        start: u64,
        count: u64,
        first: u64,
        chunks: usize,
    },
    /// These.
    Listed(Vec<Part>),
}

/// The chunks of a block selection, numbered in C order from 0.
pub(crate) struct Plan {
    grids: Vec<Box<dyn DimensionGrid + Send + Sync>>,
    dims: Vec<DimPlan>,
    shape: Vec<usize>,
    tasks: usize,
    /// Which dimension of the array each dimension of a decoded chunk is; `None` if they agree.
    order: Option<Vec<usize>>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("shape", &self.shape)
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

/// A plan would have more chunks or elements than this machine can count.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Plan {
    /// Plans a read of `wanted` from chunks as `grids` say; both have the array's rank.
    pub(crate) fn new(
        wanted: &[Wanted],
        grids: Vec<Box<dyn DimensionGrid + Send + Sync>>,
    ) -> Result<Self, TooLarge> {
        let shape: Vec<usize> = wanted
            .iter()
            .map(|dim| usize::try_from(dim.count()).map_err(|_| TooLarge))
            .collect::<Result<_, _>>()?;
        if shape.contains(&0) {
            return Ok(Self {
                grids,
                dims: Vec::new(),
                shape,
                tasks: 0,
                order: None,
            });
        }
        let dims: Vec<DimPlan> = wanted
            .iter()
            .zip(&grids)
            .map(|(wanted, grid)| plan_dimension(wanted, &**grid))
            .collect::<Result<_, _>>()?;
        let tasks = dims
            .iter()
            .try_fold(1_usize, |product, dim| product.checked_mul(dim.len()))
            .ok_or(TooLarge)?;
        Ok(Self {
            grids,
            dims,
            shape,
            tasks,
            order: None,
        })
    }

    /// The same plan for chunks that are decoded with their dimensions in another order: `order[i]` is the array's
    /// dimension that is dimension `i` of a decoded chunk.
    pub(crate) fn with_order(mut self, order: Option<Vec<usize>>) -> Self {
        self.order = order.filter(|order| order.iter().enumerate().any(|(i, dim)| i != *dim));
        self
    }

    /// The number of the task of the given chunk, if the plan touches it.
    pub(crate) fn ordinal(&self, parts: &[usize]) -> usize {
        self.dims
            .iter()
            .zip(parts)
            .fold(0, |ordinal, (dim, part)| ordinal * dim.len() + part)
    }

    /// The numbers of the parts of a dimension whose chunks lie in `chunks`.
    pub(crate) fn parts_within(&self, dim: usize, chunks: std::ops::Range<u64>) -> std::ops::Range<usize> {
        match &self.dims[dim] {
            DimPlan::Dense {
                first, chunks: count, ..
            } => {
                let place = |chunk: u64| {
                    usize::try_from(chunk.saturating_sub(*first))
                        .unwrap_or(usize::MAX)
                        .min(*count)
                };
                place(chunks.start)..place(chunks.end)
            }
            DimPlan::Listed(parts) => {
                let place = |chunk: u64| parts.partition_point(|part| part.chunk < chunk);
                place(chunks.start)..place(chunks.end)
            }
        }
    }

    /// The number of chunks.
    pub(crate) fn len(&self) -> usize {
        self.tasks
    }

    /// The shape of the result, one length for each dimension of the array.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What the `ordinal`-th chunk gives; `ordinal` is below [`Plan::len`].
    ///
    /// Different chunks give to different elements of the result.
    pub(crate) fn task(&self, ordinal: usize) -> Task {
        let mut rest = ordinal;
        let mut parts: Vec<Part> = self
            .dims
            .iter()
            .zip(&self.grids)
            .rev()
            .map(|(dim, grid)| {
                let index = rest % dim.len();
                rest /= dim.len();
                dim.part(index, &**grid)
            })
            .collect();
        parts.reverse();
        Task {
            parts,
            order: self.order.clone(),
        }
    }
}

/// What one chunk gives to the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) parts: Vec<Part>,
    order: Option<Vec<usize>>,
}

impl Task {
    /// The chunk's index along each dimension.
    pub(crate) fn chunk_indices(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.chunk).collect()
    }

    /// The chunk's stored shape in elements.
    pub(crate) fn chunk_shape(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.edge).collect()
    }

    /// How many elements the chunk gives.
    #[cfg(test)]
    pub(crate) fn element_count(&self) -> usize {
        self.parts.iter().map(|part| part.count).product()
    }

    /// Whether every element of the decoded chunk is taken, in order.
    pub(crate) fn takes_whole_chunk(&self) -> bool {
        self.order.is_none() && self.takes_every_element()
    }

    /// Whether every stored element of the chunk is taken.
    pub(crate) fn takes_every_element(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.source.contiguous() == Some(0) && part.count as u64 == part.edge)
    }
}

impl DimPlan {
    fn len(&self) -> usize {
        match self {
            Self::Dense { chunks, .. } => *chunks,
            Self::Listed(parts) => parts.len(),
        }
    }

    fn part(&self, index: usize, grid: &dyn DimensionGrid) -> Part {
        match self {
            Self::Dense {
                start, count, first, ..
            } => {
                let chunk = first + index as u64;
                let (origin, edge) = grid.span(chunk);
                let end = (origin.saturating_add(edge) - start).min(*count);
                strided_part(chunk, origin, edge, *start, 1, origin.saturating_sub(*start)..end)
            }
            Self::Listed(parts) => parts[index].clone(),
        }
    }
}

/// The part of the chunk that holds the wanted elements number `taken` of `start`, `start + step`, ….
#[expect(
    clippy::cast_possible_truncation,
    reason = "positions in a chunk and in the result fit: both are allocated"
)]
fn strided_part(
    chunk: u64,
    origin: u64,
    edge: u64,
    start: u64,
    step: u64,
    taken: std::ops::Range<u64>,
) -> Part {
    Part {
        chunk,
        origin,
        edge,
        count: (taken.end - taken.start) as usize,
        source: Positions::Run {
            start: (start + taken.start * step - origin) as usize,
            step: step as usize,
        },
        target: Positions::Run {
            start: taken.start as usize,
            step: 1,
        },
    }
}

fn plan_dimension(wanted: &Wanted, grid: &dyn DimensionGrid) -> Result<DimPlan, TooLarge> {
    match wanted {
        Wanted::Strided { start, step, count } => {
            let last = start + step * (count - 1);
            let (first, end) = (grid.chunk_of(*start), grid.chunk_of(last) + 1);
            let chunks = usize::try_from(end - first).map_err(|_| TooLarge)?;
            if *step == 1 {
                return Ok(DimPlan::Dense {
                    start: *start,
                    count: *count,
                    first,
                    chunks,
                });
            }
            // A stride may step over chunks: walk from one touched chunk to the next.
            let mut parts = Vec::new();
            let mut taken = 0;
            while taken < *count {
                let chunk = grid.chunk_of(start + step * taken);
                let (origin, edge) = grid.span(chunk);
                let next = (origin.saturating_add(edge) - start).div_ceil(*step).min(*count);
                parts.push(strided_part(chunk, origin, edge, *start, *step, taken..next));
                taken = next;
            }
            Ok(DimPlan::Listed(parts))
        }
        Wanted::Listed(list) => {
            let mut by_chunk: std::collections::BTreeMap<u64, (Vec<usize>, Vec<usize>)> =
                std::collections::BTreeMap::new();
            for (target, element) in list.iter().enumerate() {
                let chunk = grid.chunk_of(*element);
                let within = usize::try_from(element - grid.span(chunk).0).map_err(|_| TooLarge)?;
                let (sources, targets) = by_chunk.entry(chunk).or_default();
                sources.push(within);
                targets.push(target);
            }
            let part = |(chunk, (sources, targets)): (u64, (Vec<usize>, Vec<usize>))| {
                let (origin, edge) = grid.span(chunk);
                Part {
                    chunk,
                    origin,
                    edge,
                    count: sources.len(),
                    source: Positions::List(sources.into()),
                    target: Positions::List(targets.into()),
                }
            };
            Ok(DimPlan::Listed(by_chunk.into_iter().map(part).collect()))
        }
    }
}

/// A run of elements from a chunk to the result: from `source`, `source + step`, … in the chunk (C order) to `count`
/// consecutive elements from `target` on in the result (C order).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) source: usize,
    pub(crate) step: usize,
    pub(crate) target: usize,
    pub(crate) count: usize,
}

impl Task {
    /// Visits the runs that together are what this chunk gives to a result of `shape`, longest runs first possible:
    /// trailing dimensions that are whole on both sides are one run.
    pub(crate) fn for_each_run(&self, shape: &[usize], mut visit: impl FnMut(Run)) {
        let rank = self.parts.len();
        let source_strides = self.source_strides();
        let mut target_strides = vec![1_usize; rank];
        for dim in (1..rank).rev() {
            target_strides[dim - 1] = target_strides[dim] * shape[dim];
        }
        let mut run = Run {
            source: 0,
            step: 1,
            target: 0,
            count: 1,
        };
        let mut outer = rank;
        while outer > 0 && self.is_whole(outer - 1, shape) && source_strides[outer - 1] == run.count {
            outer -= 1;
            run.count *= self.parts[outer].count;
        }
        if outer > 0 {
            let part = &self.parts[outer - 1];
            let stride = source_strides[outer - 1];
            // A step between runs of one element is a run with a step; between longer runs it is not.
            let step = match &part.source {
                Positions::Run { step: 1, .. } if stride == run.count => Some(1),
                Positions::Run { step, .. } if run.count == 1 => Some(step * stride),
                Positions::Run { .. } | Positions::List(_) => None,
            };
            if let (Some(step), Some(target)) = (step, part.target.contiguous()) {
                outer -= 1;
                run.source = part.source.at(0) * stride;
                run.target = target * target_strides[outer];
                run.step = step;
                run.count *= part.count;
            }
        }
        let Some(inner) = outer.checked_sub(1) else {
            return visit(run);
        };
        let rows = &self.parts[inner];
        let mut index = vec![0_usize; inner];
        loop {
            let mut here = run;
            for (dim, i) in index.iter().enumerate() {
                here.source += self.parts[dim].source.at(*i) * source_strides[dim];
                here.target += self.parts[dim].target.at(*i) * target_strides[dim];
            }
            rows.for_each_position(|source, target| {
                visit(Run {
                    source: here.source + source * source_strides[inner],
                    target: here.target + target * target_strides[inner],
                    ..here
                });
            });
            let Some(dim) = (0..inner)
                .rev()
                .find(|dim| index[*dim] + 1 < self.parts[*dim].count)
            else {
                return;
            };
            index[dim] += 1;
            index[dim + 1..].fill(0);
        }
    }

    /// The run, if this chunk gives just one.
    pub(crate) fn single_run(&self, shape: &[usize]) -> Option<Run> {
        // All but one run is a cheap question only where the outer dimensions do not vary.
        let varying = (0..self.parts.len())
            .find(|dim| self.parts[*dim].count != 1)
            .unwrap_or(self.parts.len());
        if (varying + 1..self.parts.len()).any(|dim| !self.is_whole(dim, shape)) {
            return None;
        }
        let (mut first, mut runs) = (None, 0_usize);
        self.for_each_run(shape, |run| {
            first.get_or_insert(run);
            runs += 1;
        });
        first.filter(|_| runs == 1)
    }

    /// How far apart neighbours along each dimension of the array are in the decoded chunk, in elements.
    fn source_strides(&self) -> Vec<usize> {
        let rank = self.parts.len();
        let mut strides = vec![1_usize; rank];
        let mut stride = 1;
        for position in (0..rank).rev() {
            let dim = self.order.as_ref().map_or(position, |order| order[position]);
            strides[dim] = stride;
            stride *= self.edge(dim);
        }
        strides
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a chunk is decoded into memory, so its edges fit"
    )]
    fn edge(&self, dim: usize) -> usize {
        self.parts[dim].edge as usize
    }

    /// Whether a dimension is whole and in order, in the chunk and in the result.
    fn is_whole(&self, dim: usize, shape: &[usize]) -> bool {
        let part = &self.parts[dim];
        part.count == shape[dim]
            && part.count == self.edge(dim)
            && part.source.contiguous() == Some(0)
            && part.target.contiguous() == Some(0)
    }
}

#[cfg(test)]
mod tests;
