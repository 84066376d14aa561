//! Reading single elements that lie anywhere (coordinate selection).

use std::collections::BTreeMap;

use super::selection::{Select, Selection, invalid};
use super::{Array, ArrayData, ReadOptions};
use crate::codec::{Chunk, VariableLength};
use crate::error::Result;

impl Array {
    /// Reads the elements at `points`, in their order: one coordinate for each dimension, negative ones count from the end.
    ///
    /// Points in the same chunk share its request and its decoding. The result has one dimension.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`](crate::Error::InvalidSelection) for a point of another rank or outside the array; as
    /// [`Array::read`] otherwise.
    pub async fn read_points(&self, points: &[Vec<i64>], options: &ReadOptions) -> Result<ArrayData> {
        let rank = self.shape().len();
        let axes = self.opened()?.layout.grid().axes();
        let mut by_chunk: BTreeMap<Vec<u64>, Vec<(usize, Vec<u64>)>> = BTreeMap::new();
        for (target, point) in points.iter().enumerate() {
            if point.len() != rank {
                return Err(invalid(format!(
                    "point {target} has {} coordinates, the array {rank}",
                    point.len()
                )));
            }
            let selects: Vec<Select> = point
                .iter()
                .map(|coordinate| Select::Index(*coordinate))
                .collect();
            let element = Selection::new(&selects, self.shape())?;
            let element: Vec<u64> = element.dims().iter().map(|dim| dim.at(0)).collect();
            let chunk = axes
                .iter()
                .zip(&element)
                .map(|(axis, at)| axis.chunk_of(*at).unwrap_or(0))
                .collect();
            by_chunk.entry(chunk).or_default().push((target, element));
        }
        let mut found: Vec<Vec<u8>> = vec![Vec::new(); points.len()];
        let reads = by_chunk.into_values().map(|wanted| async move {
            // The block around the chunk's points: small for one point, at most the chunk.
            let bounds: Vec<(u64, u64)> = (0..rank)
                .map(|dim| {
                    let coordinates = wanted.iter().map(|(_, element)| element[dim]);
                    (
                        coordinates.clone().min().unwrap_or(0),
                        coordinates.max().unwrap_or(0),
                    )
                })
                .collect();
            let bound = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
            let selects: Vec<Select> = bounds
                .iter()
                .map(|(first, last)| Select::from(bound(*first)..bound(last + 1)))
                .collect();
            let (data, _) = self
                .read_data(&Selection::new(&selects, self.shape())?, options)
                .await?;
            let place = |element: &[u64]| {
                element
                    .iter()
                    .zip(&bounds)
                    .fold(0_u64, |place, (at, (first, last))| {
                        place * (last - first + 1) + (at - first)
                    })
            };
            let elements: Vec<(usize, Vec<u8>)> = wanted
                .iter()
                .filter_map(|(target, element)| {
                    let place = usize::try_from(place(element)).ok()?;
                    Some((*target, data.element(place)?.to_vec()))
                })
                .collect();
            Ok::<_, crate::error::Error>(elements)
        });
        let width = options.io_width.clamp(1, 64);
        let mut reads = futures::StreamExt::buffer_unordered(futures::stream::iter(reads), width);
        while let Some(elements) = futures::TryStreamExt::try_next(&mut reads).await? {
            for (target, element) in elements {
                found[target] = element;
            }
        }
        drop(reads);
        let elements = match self.metadata.data_type().size_bytes() {
            Some(_) => Chunk::Fixed(found.concat()),
            None => {
                let bytes = found.iter().map(Vec::len).sum();
                let mut values =
                    VariableLength::with_capacity(found.len(), bytes).map_err(|e| self.codec_error(e))?;
                found.iter().for_each(|element| values.push(element));
                Chunk::Variable(values)
            }
        };
        Ok(ArrayData::new(
            vec![points.len() as u64],
            self.metadata.data_type().clone(),
            elements,
        ))
    }
}
