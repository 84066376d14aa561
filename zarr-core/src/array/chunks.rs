//! The chunks of an array as a stream, for consumers that never want the whole array.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt};

use super::pieces::start_of;
use super::selection::Selection;
use super::{Array, ArrayData, ReadOptions, ReadReport};
use crate::compute;
use crate::error::Result;

/// A decoded chunk with its place in the array.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodedChunk {
    /// Its first element in the array.
    pub origin: Vec<u64>,
    /// Its elements as far as they are wanted, never beyond the array's shape. It has the array's rank, whatever the
    /// selection.
    pub data: ArrayData,
    /// Whether it was missing: its elements are the fill value.
    pub missing: bool,
    /// What reading it did: of a shard, how many inner chunks it is made of and how many of them were missing.
    pub report: ReadReport,
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
        self.map_chunks(&Selection::all(self.shape()), options, |chunk| chunk)
    }

    /// What `map` makes of each chunk that `selection` touches, in the order of [`Array::chunks`]; a chunk has only the
    /// elements that are wanted, each exactly once.
    ///
    /// `map` runs on the threads that decode, on several chunks at once, so that a reduction uses all cores and no more
    /// memory than the byte budget of `options` allows.
    ///
    /// # Errors
    /// Items are errors as of [`Array::read`]; after one nothing follows.
    pub fn map_chunks<T: Send + 'static>(
        &self,
        selection: &Selection,
        options: &ReadOptions,
        map: impl Fn(DecodedChunk) -> T + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<T>> {
        let planned = self
            .stored_plan(selection)
            .and_then(|plan| Ok((plan, self.pieces_at_once(options)?)));
        let (plan, at_once) = match planned {
            Ok(planned) => planned,
            Err(error) => return futures::stream::once(futures::future::ready(Err(error))).boxed(),
        };
        let pieces = {
            let array = self.clone();
            (0..plan.len()).flat_map(move |ordinal| array.pieces(&plan.task(ordinal)))
        };
        map_pieces(self, pieces.map(Ok), options, at_once, Arc::new(map))
    }

    async fn read_piece(&self, piece: &Selection, options: &ReadOptions) -> Result<DecodedChunk> {
        let (data, report) = self.read_data(piece, options).await?;
        Ok(DecodedChunk {
            origin: start_of(piece),
            data,
            missing: report.chunks > 0 && report.missing_chunks == report.chunks,
            report,
        })
    }
}

/// Reads pieces, `at_once` of them at the same time, and hands on what `map` makes of each, in their order.
pub(super) fn map_pieces<T: Send + 'static>(
    array: &Array,
    pieces: impl Iterator<Item = Result<Selection>> + Send + 'static,
    options: &ReadOptions,
    at_once: usize,
    map: Arc<impl Fn(DecodedChunk) -> T + Send + Sync + 'static>,
) -> BoxStream<'static, Result<T>> {
    let (array, options) = (array.clone(), options.clone());
    let read_one = move |piece: Result<Selection>| {
        let (array, options, map) = (array.clone(), options.clone(), Arc::clone(&map));
        async move {
            let chunk = array.read_piece(&piece?, &options).await?;
            let mapped = compute::spawn(move || map(chunk)).await;
            mapped.map_err(|_| array.panicked())
        }
    };
    let chunks = futures::stream::iter(pieces).map(read_one).buffered(at_once);
    // After an error nothing follows.
    chunks
        .scan(false, |failed, chunk| {
            let item = (!*failed).then_some(chunk);
            *failed |= matches!(item, Some(Err(_)));
            futures::future::ready(item)
        })
        .boxed()
}
