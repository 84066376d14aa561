//! The chunks of an array as a stream, for consumers that never want the whole array.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};

use super::selection::{Select, Selection};
use super::{Array, ArrayData, ReadOptions, layout};
use crate::error::Result;

/// Decoded bytes of a piece of a large shard; whole chunks and shards up to this size come in one piece.
const PIECE_BYTES: u64 = 16 << 20;

/// A decoded chunk with its place in the array.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodedChunk {
    /// Its first element in the array.
    pub origin: Vec<u64>,
    /// Its elements, clipped to the array's shape.
    pub data: ArrayData,
    /// Whether it was missing: its elements are the fill value.
    pub missing: bool,
}

impl Array {
    /// The array's chunks in C order of their places, each clipped to the array's shape; shards larger than 16 MiB come in
    /// slabs of whole inner chunks. Read ahead as far as the byte budget of `options` allows.
    ///
    /// Each element of the array comes exactly once; padding beyond the array's shape never comes.
    ///
    /// # Errors
    /// Items are errors as of [`Array::read`]; after one nothing follows.
    pub fn chunks(&self, options: &ReadOptions) -> BoxStream<'static, Result<DecodedChunk>> {
        let plan = self.opened().and_then(|opened| {
            let grids = opened.layout.dimension_grids();
            Ok((self.plan(&Selection::all(self.shape()), grids)?, opened))
        });
        let (plan, opened) = match plan {
            Ok(plan) => plan,
            Err(error) => return futures::stream::once(futures::future::ready(Err(error))).boxed(),
        };
        let (array, options) = (self.clone(), options.clone());
        let shards = opened.shards.clone();
        let piece_bytes = opened
            .layout
            .regular_chain()
            .map_or(PIECE_BYTES, layout::known_bytes)
            .clamp(1, PIECE_BYTES);
        let budget = options.budget_bytes as u64 / piece_bytes;
        let ahead = usize::try_from(budget)
            .unwrap_or(usize::MAX)
            .clamp(1, options.io_width.max(1));
        let read_one = {
            let array = array.clone();
            move |(origin, lengths): (Vec<u64>, Vec<u64>)| {
                let (array, options) = (array.clone(), options.clone());
                async move { array.read_piece(origin, &lengths, &options).await }
            }
        };
        let plan = Arc::new(plan);
        let pieces =
            (0..plan.len()).flat_map(move |ordinal| array.pieces(shards.as_deref(), &plan.task(ordinal)));
        let chunks = futures::stream::iter(pieces).map(read_one).buffered(ahead);
        // After an error nothing follows.
        chunks
            .scan(false, |failed, chunk| {
                let item = (!*failed).then_some(chunk);
                *failed |= matches!(item, Some(Err(_)));
                futures::future::ready(item)
            })
            .boxed()
    }

    async fn read_piece(
        &self,
        origin: Vec<u64>,
        lengths: &[u64],
        options: &ReadOptions,
    ) -> Result<DecodedChunk> {
        let bound = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        let selects: Vec<Select> = origin
            .iter()
            .zip(lengths)
            .map(|(start, length)| Select::from(bound(*start)..bound(start + length)))
            .collect();
        let selection = Selection::new(&selects, self.shape())?;
        let (data, report) = self.read_data(&selection, options).await?;
        Ok(DecodedChunk {
            origin,
            data,
            missing: report.chunks > 0 && report.missing_chunks == report.chunks,
        })
    }

    /// The pieces of a stored chunk: itself, or slabs of a large shard along its first dimension that can be cut.
    fn pieces(
        &self,
        shards: Option<&super::ShardLayout>,
        task: &super::plan::Task,
    ) -> Vec<(Vec<u64>, Vec<u64>)> {
        let origin: Vec<u64> = task.parts.iter().map(|part| part.origin).collect();
        let lengths: Vec<u64> = task.parts.iter().map(|part| part.count as u64).collect();
        let item = self.metadata.data_type().size_bytes().unwrap_or(16) as u64;
        let bytes = lengths
            .iter()
            .fold(item, |product, length| product.saturating_mul(*length));
        let Some(shards) = shards.filter(|_| bytes > PIECE_BYTES) else {
            return vec![(origin, lengths)];
        };
        let inner = shards.inner_shape();
        let Some(dim) = (0..lengths.len()).find(|dim| lengths[*dim] > inner[*dim]) else {
            return vec![(origin, lengths)];
        };
        // As many layers of inner chunks as fit into a piece.
        let layer = (bytes / lengths[dim]).saturating_mul(inner[dim]).max(1);
        let step = inner[dim].saturating_mul((PIECE_BYTES / layer).max(1));
        (0..lengths[dim].div_ceil(step))
            .map(|slab| {
                let (mut origin, mut lengths) = (origin.clone(), lengths.clone());
                let start = slab * step;
                origin[dim] += start;
                lengths[dim] = step.min(lengths[dim] - start);
                (origin, lengths)
            })
            .collect()
    }
}
