//! Reading shards in parts: from the inner chunks that are wanted to the ranges of the shard that are fetched.

use std::ops::Range;
use std::sync::Arc;

use crate::array::plan::{Plan, Task};
use crate::codec::sharding::{IndexLocation, ShardIndex, Sharding};
use crate::codec::{CodecChain, CodecError};
use zarr_fs::ByteRange;

/// Inner chunks at most this far apart are fetched together: about what a link moves in the time of a request.
const GAP_BYTES: u64 = 64 << 10;
/// No group of inner chunks is longer than this, unless one inner chunk is: groups are what is fetched and decoded at once.
const GROUP_BYTES: u64 = 4 << 20;
/// A shard that is wanted whole and decodes to no more than this is fetched by one request, index and all.
const WHOLE_BYTES: u64 = 4 << 20;

/// How the shards of an array are read in parts.
#[derive(Debug)]
pub(crate) struct ShardLayout {
    chain: CodecChain,
    /// Which dimension of the array each dimension of a shard is.
    order: Vec<usize>,
    /// The shape of an inner chunk, by the array's dimensions.
    inner_shape: Vec<u64>,
    /// The number of inner chunks in a shard, by the shard's dimensions.
    inner_grid: Vec<u64>,
}

/// An inner chunk that is wanted: its task in the plan of inner chunks, and its place in the shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) ordinal: usize,
    pub(crate) range: Range<u64>,
}

/// Neighbours that are fetched and decoded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) range: Range<u64>,
    pub(crate) pieces: Vec<Piece>,
}

impl ShardLayout {
    /// The layout, if chunks that `chain` encodes can be read in parts.
    pub(crate) fn new(chain: &CodecChain) -> Option<Self> {
        let partial = chain.partial()?;
        let rank = chain.decoded().shape().len();
        // Transpositions compose: the first one is applied to the array.
        let mut order: Vec<usize> = (0..rank).collect();
        for transpose in &partial.transposes {
            order = transpose.order().iter().map(|dim| order[*dim]).collect();
        }
        let mut inner_shape = vec![0; rank];
        for (dim, edge) in order.iter().zip(partial.sharding.inner().decoded().shape()) {
            inner_shape[*dim] = *edge;
        }
        let inner_grid = partial.sharding.inner_grid();
        Some(Self {
            chain: chain.clone(),
            order,
            inner_shape,
            inner_grid,
        })
    }

    fn sharding(&self) -> Option<&Sharding> {
        self.chain.partial().map(|partial| partial.sharding)
    }

    /// The codecs of an inner chunk.
    pub(crate) fn inner_chain(&self) -> Option<CodecChain> {
        self.sharding().map(|sharding| sharding.inner().clone())
    }

    /// The shape of an inner chunk, by the array's dimensions.
    pub(crate) fn inner_shape(&self) -> &[u64] {
        &self.inner_shape
    }

    /// The order of dimensions in a decoded inner chunk, for [`Plan::with_order`].
    pub(crate) fn order(&self) -> Vec<usize> {
        self.order.clone()
    }

    /// Which bytes of a shard hold its index.
    pub(crate) fn index_range(&self) -> ByteRange {
        match self.sharding().map(Sharding::index) {
            Some(index) if index.location() == IndexLocation::Start => {
                ByteRange::Bounded(0, index.encoded_size())
            }
            Some(index) => ByteRange::Suffix(index.encoded_size()),
            None => ByteRange::Full,
        }
    }

    /// Decodes an index that was read as [`ShardLayout::index_range`] says from a shard of `shard_bytes`.
    pub(crate) fn decode_index(
        &self,
        encoded: &[u8],
        shard_bytes: u64,
        scratch: &mut crate::codec::Scratch,
    ) -> Result<ShardIndex, CodecError> {
        let Some(sharding) = self.sharding() else {
            return Err(CodecError::configuration("sharding_indexed", "not a shard"));
        };
        // Says that the shard is too short, if that is what is wrong.
        sharding.index().range(shard_bytes)?;
        sharding.index().decode(encoded, shard_bytes, scratch)
    }

    /// Where the index lies in a shard that is here as a whole.
    pub(crate) fn index_within(&self, shard_bytes: u64) -> Result<Range<u64>, CodecError> {
        match self.sharding() {
            Some(sharding) => sharding.index().range(shard_bytes),
            None => Err(CodecError::configuration("sharding_indexed", "not a shard")),
        }
    }

    /// Whether a shard is better fetched as a whole.
    pub(crate) fn fetch_whole(&self, shard: &Task) -> bool {
        let bytes = |chain: &CodecChain| match chain.decoded().size() {
            crate::codec::Size::Exact(bytes) | crate::codec::Size::AtMost(bytes) => bytes,
            crate::codec::Size::Variable { least } => least,
        };
        shard.takes_every_element() && bytes(&self.chain) <= WHOLE_BYTES
    }

    /// The inner chunks of a shard that are wanted: task in `leaves`, and number in the shard's index.
    pub(crate) fn wanted(&self, leaves: &Plan, shard: &Task) -> Vec<(usize, usize)> {
        let rank = self.inner_shape.len();
        let first: Vec<u64> = shard
            .parts
            .iter()
            .zip(&self.inner_shape)
            .map(|(part, edge)| part.origin / edge)
            .collect();
        let ranges: Vec<Range<usize>> = shard
            .parts
            .iter()
            .zip(&self.inner_shape)
            .enumerate()
            .map(|(dim, (part, edge))| {
                leaves.parts_within(
                    dim,
                    part.origin / edge..part.origin.saturating_add(part.edge) / edge,
                )
            })
            .collect();
        if ranges.iter().any(Range::is_empty) {
            return Vec::new();
        }
        let mut wanted = Vec::with_capacity(ranges.iter().map(Range::len).product());
        let mut parts: Vec<usize> = ranges.iter().map(|range| range.start).collect();
        loop {
            let ordinal = leaves.ordinal(&parts);
            let leaf = leaves.task(ordinal);
            let number = self
                .order
                .iter()
                .zip(&self.inner_grid)
                .fold(0, |number, (dim, count)| {
                    number * count + (leaf.parts[*dim].chunk - first[*dim])
                });
            // A shard's index is in memory, so its numbers fit.
            wanted.push((ordinal, usize::try_from(number).unwrap_or(usize::MAX)));
            let Some(dim) = (0..rank).rev().find(|dim| parts[*dim] + 1 < ranges[*dim].end) else {
                return wanted;
            };
            parts[dim] += 1;
            for later in dim + 1..rank {
                parts[later] = ranges[later].start;
            }
        }
    }
}

/// What a shard's index says of the wanted inner chunks.
pub(crate) struct Located {
    pub(crate) groups: Vec<Group>,
    /// The tasks of inner chunks that are not there.
    pub(crate) absent: Vec<usize>,
}

/// Looks the wanted inner chunks up and groups them.
pub(crate) fn locate(index: &ShardIndex, wanted: &[(usize, usize)]) -> Result<Located, CodecError> {
    let (mut pieces, mut absent) = (Vec::with_capacity(wanted.len()), Vec::new());
    for (ordinal, number) in wanted {
        match index.entry(*number)? {
            Some(range) => pieces.push(Piece {
                ordinal: *ordinal,
                range,
            }),
            None => absent.push(*ordinal),
        }
    }
    Ok(Located {
        groups: group(pieces),
        absent,
    })
}

/// Puts neighbours together.
fn group(mut pieces: Vec<Piece>) -> Vec<Group> {
    pieces.sort_by_key(|piece| (piece.range.start, piece.range.end));
    let mut groups: Vec<Group> = Vec::new();
    for piece in pieces {
        match groups.last_mut() {
            Some(group)
                if piece.range.start.saturating_sub(group.range.end) <= GAP_BYTES
                    && piece.range.end.max(group.range.end) - group.range.start <= GROUP_BYTES =>
            {
                group.range.end = group.range.end.max(piece.range.end);
                group.pieces.push(piece);
            }
            _ => groups.push(Group {
                range: piece.range.clone(),
                pieces: vec![piece],
            }),
        }
    }
    groups
}

/// A shard whose index is known, on its way through the pipeline.
#[derive(Clone, Debug)]
pub(crate) struct OpenShard {
    pub(crate) key: Arc<str>,
    pub(crate) coordinates: Arc<[u64]>,
    pub(crate) version: zarr_fs::Version,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(ordinal: usize, range: Range<u64>) -> Piece {
        Piece { ordinal, range }
    }

    #[test]
    fn neighbours_are_fetched_together_and_far_ones_are_not() {
        let far = GAP_BYTES + 1;
        let groups = group(vec![
            piece(0, 10..20),
            piece(1, 0..10),
            piece(2, 20 + far..30 + far),
            piece(3, 12..15),
        ]);
        let ranges: Vec<_> = groups.iter().map(|group| group.range.clone()).collect();
        assert_eq!(ranges, [0..20, 20 + far..30 + far]);
        assert_eq!(
            groups[0]
                .pieces
                .iter()
                .map(|piece| piece.ordinal)
                .collect::<Vec<_>>(),
            [1, 0, 3]
        );
    }

    #[test]
    fn groups_stay_small_and_one_large_piece_is_a_group() {
        let groups = group(vec![
            piece(0, 0..GROUP_BYTES),
            piece(1, GROUP_BYTES..GROUP_BYTES + 1),
            piece(2, 0..3 * GROUP_BYTES),
        ]);
        assert_eq!(groups.len(), 3);
        assert!(groups.iter().all(|group| {
            group
                .pieces
                .iter()
                .all(|piece| group.range.start <= piece.range.start && piece.range.end <= group.range.end)
        }));
    }
}
