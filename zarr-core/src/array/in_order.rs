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
    /// A piece has at most `most_elements` (at least one), is as thick as the chunks it lies in where that is not too many,
    /// so that no chunk is read twice, and touches a few thousand chunks, or one layer of them. Each is made when it is
    /// asked for.
    ///
    /// # Errors
    /// As [`Array::ensure_readable`].
    pub fn pieces_in_order(&self, selection: &Selection, most_elements: u64) -> Result<Pieces> {
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
        // A row: what one place along `dim` has.
        let rest = || whole.dims().iter().zip(&*self.grids).skip(dim + 1);
        let elements = rest().fold(1_u64, |all, (wanted, _)| all.saturating_mul(wanted.count()));
        let chunks = rest().fold(1_u64, |all, (wanted, grid)| {
            all.saturating_mul(chunks_of(wanted, &**grid))
        });
        let count = whole.dims()[dim].count();
        let thickness = thickness(&whole.dims()[dim], &*self.grids[dim]).min(count);
        let in_layer = thickness.saturating_mul(elements);
        if thickness > 1 && in_layer <= self.most_elements && chunks <= WIDEST {
            let layers = (self.most_elements / in_layer).min(CHUNKS / chunks).max(1);
            return self.layers(whole, dim, layers);
        }
        if elements > self.most_elements || chunks > CHUNKS {
            let rows = (0..count).map(move |at| part(&whole, dim, at, 1));
            return Box::new(rows.flat_map(move |row| self.clone().pieces(row)));
        }
        let most = self.most_elements / elements;
        // Chunks thicker than a piece are read again by the next one: then the fewer pieces the better.
        let rows = if thickness > 1 {
            most
        } else {
            most.min(CHUNKS / chunks)
        }
        .max(1);
        let pieces = (0..count.div_ceil(rows)).map(move |number| {
            let first = number * rows;
            part(&whole, dim, first, rows.min(count - first))
        });
        Box::new(pieces)
    }

    /// Pieces of so many layers of chunks along `dim`, which end where chunks end.
    fn layers(self, whole: Selection, dim: usize, layers: u64) -> Pieces {
        let mut first = 0;
        Box::new(std::iter::from_fn(move || {
            let (wanted, grid) = (&whole.dims()[dim], &self.grids[dim]);
            let left = wanted.count().checked_sub(first).filter(|left| *left > 0)?;
            let rows = match wanted {
                Wanted::Listed(_) => 1,
                Wanted::Strided { start, step, .. } => {
                    let from = start + step * first;
                    let (origin, edge) = grid.span(grid.chunk_of(from));
                    let end = origin.saturating_add(edge.saturating_mul(layers));
                    end.saturating_sub(from).div_ceil(*step).clamp(1, left)
                }
            };
            let piece = part(&whole, dim, first, rows);
            first += rows;
            Some(piece)
        }))
    }
}

/// `count` of the places along `dim`, from the `first`-th on.
fn part(whole: &Selection, dim: usize, first: u64, count: u64) -> Selection {
    let mut piece = whole.clone();
    piece.set_dim(dim, whole.dims()[dim].part(first, count));
    piece
}

/// How many of the places that are wanted lie in one chunk.
fn thickness(wanted: &Wanted, grid: &dyn DimensionGrid) -> u64 {
    match wanted {
        Wanted::Strided { start, step, .. } => grid.span(grid.chunk_of(*start)).1.div_ceil(*step).max(1),
        Wanted::Listed(_) => 1,
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

    fn cut(selection: &Selection, edges: &[u64], most_elements: u64) -> Pieces {
        let grids = edges
            .iter()
            .map(|edge| Box::new(Equal(*edge)) as Box<_>)
            .collect();
        Cutter { grids, most_elements }.pieces(selection.clone())
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
