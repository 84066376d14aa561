//! The parts in which a consumer takes a selection that it wants in C order.

use super::plan::DimensionGrid;
use super::selection::{Selection, Wanted};
use super::{Array, layout::Equal};
use crate::error::Result;

/// So many chunks are looked up for one piece, where that costs nothing: a consumer sees the first elements soon.
const CHUNKS: u64 = 4096;

/// Most chunks of a piece that is as thick as its chunks. In a wider one the rows are read one after the other, and each
/// chunk again for every row that it has: better than to wait for all of them.
const WIDEST: u64 = 1 << 16;

type Pieces = Box<dyn Iterator<Item = Selection> + Send>;

impl Array {
    /// `selection` in pieces that follow each other in C order, for a consumer that takes the elements one by one and does
    /// not want to wait long for the first.
    ///
    /// A piece has at most `most_elements` (at least one), ends where chunks end, so that no chunk is read twice, if that is
    /// not too many, and touches a few thousand chunks, or one layer of them. Each is made when it is asked for.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`](crate::Error::InvalidSelection) if the selection was made for another shape; as
    /// [`Array::ensure_readable`].
    pub fn pieces_in_order(&self, selection: &Selection, most_elements: u64) -> Result<Pieces> {
        self.ensure_made_for_this(selection)?;
        let opened = self.opened()?;
        let grids = match &opened.shards {
            None => opened.layout.dimension_grids(),
            Some(shards) => shards
                .inner_shape()
                .iter()
                .map(|edge| Box::new(Equal(*edge)) as Box<_>)
                .collect(),
        };
        let cutter = Cutter {
            grids: grids.into(),
            most_elements: most_elements.max(1),
        };
        Ok(cutter.pieces(selection.clone()))
    }
}

#[derive(Clone)]
struct Cutter {
    grids: std::sync::Arc<[Box<dyn DimensionGrid + Send + Sync>]>,
    most_elements: u64,
}

impl Cutter {
    fn pieces(self, whole: Selection) -> Pieces {
        if whole.element_count() == Some(0) {
            return Box::new(std::iter::empty());
        }
        let Some(dim) = whole.dims().iter().position(|wanted| wanted.count() > 1) else {
            return Box::new(std::iter::once(whole));
        };
        let rest = || whole.dims().iter().zip(&*self.grids).skip(dim + 1);
        let row = Row {
            elements: rest().fold(1, |all, (wanted, _)| all.saturating_mul(wanted.count())),
            chunks: rest().fold(1, |all, (wanted, grid)| {
                all.saturating_mul(chunks_of(wanted, &**grid))
            }),
        };
        let (cutter, mut first) = (self.clone(), 0);
        let parts = std::iter::from_fn(move || {
            let wanted = &whole.dims()[dim];
            if first >= wanted.count() {
                return None;
            }
            let rows = cutter.rows(wanted, &*cutter.grids[dim], first, row);
            let taken = part(&whole, dim, first, rows.unwrap_or(1));
            first += rows.unwrap_or(1);
            Some((taken, rows.is_some()))
        });
        Box::new(parts.flat_map(move |(part, is_piece)| match is_piece {
            true => Box::new(std::iter::once(part)) as Pieces,
            false => self.clone().pieces(part),
        }))
    }

    /// How many rows from the `first` on are a piece; `None` if one has too much for a piece.
    fn rows(&self, wanted: &Wanted, grid: &dyn DimensionGrid, first: u64, row: Row) -> Option<u64> {
        let most = self.most_elements / row.elements;
        let in_chunk = in_one_chunk(wanted, grid, first, most);
        let widest = if in_chunk > 1 { WIDEST } else { CHUNKS };
        if most == 0 || row.chunks > widest {
            return None;
        }
        // Of a layer that is too thick for a piece as much as there is room for; else whole layers, as many as fit.
        let (mut rows, mut layers) = (in_chunk.min(most), 1);
        while first + rows < wanted.count() && layers < CHUNKS / row.chunks {
            let more = in_one_chunk(wanted, grid, first + rows, most - rows);
            if more > most - rows {
                break;
            }
            rows += more;
            layers += 1;
        }
        Some(rows)
    }
}

/// What one place along a dimension has along those that follow: at least one of each.
#[derive(Clone, Copy)]
struct Row {
    elements: u64,
    chunks: u64,
}

/// `count` of the places along `dim`, from the `first`-th on.
fn part(whole: &Selection, dim: usize, first: u64, count: u64) -> Selection {
    let mut piece = whole.clone();
    piece.set_dim(dim, whole.dims()[dim].part(first, count));
    piece
}

/// How many places from the `first` on lie in one chunk; those of a list are counted up to one more than `most`.
fn in_one_chunk(wanted: &Wanted, grid: &dyn DimensionGrid, first: u64, most: u64) -> u64 {
    match wanted {
        Wanted::Strided { start, step, count } => {
            let from = start + step * first;
            let (origin, edge) = grid.span(grid.chunk_of(from));
            let end = origin.saturating_add(edge);
            end.saturating_sub(from)
                .div_ceil(*step)
                .clamp(1, (count - first).max(1))
        }
        Wanted::Listed(list) => {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(list.len());
            let following = &list[place(first)..place(first.saturating_add(most).saturating_add(1))];
            let mut chunks = following.iter().map(|at| grid.chunk_of(*at));
            let chunk = chunks.next();
            1 + chunks.take_while(|next| Some(*next) == chunk).count() as u64
        }
    }
}

/// How many chunks are touched along a dimension, at most.
fn chunks_of(wanted: &Wanted, grid: &dyn DimensionGrid) -> u64 {
    match wanted {
        Wanted::Strided { start, step, count } => {
            let last = start + step * count.saturating_sub(1);
            (grid.chunk_of(last) - grid.chunk_of(*start) + 1).min(*count)
        }
        Wanted::Listed(list) => list.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Select;
    use crate::array::layout::Axis;
    use crate::metadata::{ChunkAxis, ChunkRuns};

    fn cut(selection: &Selection, edges: &[u64], most_elements: u64) -> Pieces {
        let grids = edges
            .iter()
            .map(|edge| Box::new(Equal(*edge)) as Box<_>)
            .collect();
        Cutter { grids, most_elements }.pieces(selection.clone())
    }

    fn runs(edges: &[(u64, u64)]) -> Box<dyn DimensionGrid + Send + Sync> {
        let runs = ChunkRuns::new(edges.iter().copied()).unwrap();
        Box::new(Axis(ChunkAxis::Runs(runs)))
    }

    /// The whole of a grid whose chunks along the first dimension have the lengths and counts `edges`; across it has as
    /// many `columns`, all in one chunk.
    fn cut_rows(edges: &[(u64, u64)], columns: u64, most_elements: u64) -> Pieces {
        let rows = edges.iter().map(|(edge, count)| edge * count).sum();
        let grids = std::sync::Arc::new([runs(edges), Box::new(Equal(columns))]);
        Cutter { grids, most_elements }.pieces(Selection::all(&[rows, columns]))
    }

    fn first_lengths(pieces: Pieces) -> Vec<u64> {
        pieces.map(|piece| piece.shape()[0]).collect()
    }

    fn places(selection: &Selection) -> Vec<Vec<u64>> {
        (0..selection.dims().len()).fold(vec![Vec::new()], |places, dim| {
            let longer = |place: &Vec<u64>| {
                let wanted = selection.wanted(dim);
                wanted
                    .map(|at| [place.as_slice(), &[at]].concat())
                    .collect::<Vec<_>>()
            };
            places.iter().flat_map(longer).collect()
        })
    }

    #[test]
    fn pieces_follow_each_other() {
        let selects = [
            Select::Index(1),
            (1..6).into(),
            vec![3, 0, 2].into(),
            Select::all(),
        ];
        let stepped = Select::Range {
            start: Some(2),
            stop: None,
            step: 3,
        };
        let shape = [2, 6, 4, 9];
        let selections = [
            Selection::new(&selects, &shape).unwrap(),
            Selection::new(&[Select::all(), Select::all(), Select::all(), stepped], &shape).unwrap(),
            Selection::all(&shape),
        ];
        for selection in &selections {
            for edges in [[1, 1, 1, 1], [2, 4, 3, 5], [9, 9, 9, 9], [1, 3, 4, 2]] {
                for most in [1, 3, 10, 27, 60, 1000] {
                    let pieces: Vec<Selection> = cut(selection, &edges, most).collect();
                    assert!(pieces.iter().all(|piece| piece.element_count().unwrap() <= most));
                    let together: Vec<_> = pieces.iter().flat_map(places).collect();
                    assert_eq!(together, places(selection), "{edges:?} {most}");
                }
            }
        }
        assert_eq!(cut(&Selection::all(&[0, 3]), &[1, 1], 2).count(), 0);
        assert_eq!(cut(&Selection::all(&[]), &[], 2).count(), 1);
    }

    #[test]
    fn no_chunk_is_in_two_pieces_if_its_layer_fits() {
        let all = Selection::new(&[(3..100).into()], &[100, 1000]).unwrap();
        let shapes: Vec<_> = cut(&all, &[10, 100], 1 << 20)
            .map(|piece| piece.shape())
            .collect();
        assert_eq!(shapes, [[97, 1000]]);
        let shapes: Vec<_> = cut(&all, &[10, 100], 25_000)
            .map(|piece| piece.shape()[0])
            .collect();
        assert_eq!(shapes, [17, 20, 20, 20, 20]);
        // A layer of ten thousand chunks is one piece.
        let all = Selection::all(&[300, 100, 100]);
        let shapes: Vec<_> = cut(&all, &[100, 1, 1], 1 << 28)
            .map(|piece| piece.shape()[0])
            .collect();
        assert_eq!(shapes, [100, 100, 100]);
    }

    #[test]
    fn thick_chunks_behind_a_thin_one_are_cut_where_they_are_too_large() {
        // A piece of 268 rows, where the layer has 4096.
        let pieces: Vec<_> = cut_rows(&[(2, 1), (4096, 1)], 1_000_000, 1 << 28).collect();
        let sizes = pieces.iter().map(|piece| piece.element_count().unwrap());
        assert!(sizes.clone().all(|size| size <= 1 << 28));
        assert_eq!(pieces.len(), 1 + 4096_usize.div_ceil(268));
        let lengths = first_lengths(cut_rows(&[(2, 1), (4096, 1), (3, 2)], 10, 1000));
        assert_eq!(lengths, [vec![2], vec![100; 40], vec![96 + 3, 3]].concat());
        let mut endless = cut_rows(&[(2, 1), (1 << 40, 1)], 1, 1 << 20);
        assert_eq!(endless.next().unwrap().shape(), [2, 1]);
        assert_eq!(endless.next().unwrap().shape(), [1 << 20, 1]);
        // A row alone is more than a piece may have.
        let pieces: Vec<_> = cut_rows(&[(1, 2), (3, 1)], 10, 4)
            .map(|piece| piece.shape())
            .collect();
        assert_eq!(pieces[..4], [[1, 4], [1, 4], [1, 2], [1, 4]]);
        assert_eq!(pieces.len(), 5 * 3);
    }

    #[test]
    fn thick_chunks_behind_a_thin_one_are_read_once() {
        let lengths = first_lengths(cut_rows(&[(1, 1), (100, 5)], 10, 1000));
        assert_eq!(lengths, [1, 100, 100, 100, 100, 100]);
        let lengths = first_lengths(cut_rows(&[(1, 1), (100, 5), (7, 3)], 10, 2500));
        assert_eq!(lengths, [201, 200, 121]);
        // From within a chunk, with steps.
        let rows = Select::Range {
            start: Some(50),
            stop: None,
            step: 3,
        };
        let some = Selection::new(&[rows], &[301, 10]).unwrap();
        let grids = std::sync::Arc::new([runs(&[(1, 1), (100, 3)]), Box::new(Equal(10))]);
        let cutter = Cutter {
            grids,
            most_elements: 510,
        };
        // Places 50, 53, … 98 in one chunk, 101 … 200 in the next, 203 … 299 in the last.
        assert_eq!(first_lengths(cutter.pieces(some)), [17 + 34, 33]);
    }

    /// A mask of everything is a list of all places.
    #[test]
    fn places_of_a_list_that_lie_in_one_chunk_stay_together() {
        let all = Selection::new(&[vec![true; 300].into()], &[300, 5000]).unwrap();
        assert_eq!(first_lengths(cut(&all, &[100, 1], 1 << 20)), [100; 3]);
        assert_eq!(
            first_lengths(cut(&all, &[100, 1], 400_000)),
            [80, 20, 80, 20, 80, 20]
        );
    }

    /// Chunks of one element, as many as can be counted: a few thousand are looked up for the first piece.
    #[test]
    fn the_first_piece_is_small_and_comes_at_once() {
        let all = Selection::all(&[i64::MAX as u64]);
        let shapes: Vec<_> = cut(&all, &[1], 1 << 28)
            .take(2)
            .map(|piece| piece.shape())
            .collect();
        assert_eq!(shapes, [[CHUNKS]; 2]);
        let all = Selection::all(&[1 << 62; 3]);
        let shapes: Vec<_> = cut(&all, &[2, 2, 2], 1 << 28)
            .take(2)
            .map(|piece| piece.shape())
            .collect();
        assert_eq!(shapes, [[1, 1, 2 * CHUNKS]; 2]);
    }
}
