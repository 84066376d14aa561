//! `sharding_indexed`: a chunk that holds smaller chunks and an index of them.
//!
//! Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html>.

mod index;
mod place;

pub use index::{IndexCodecs, IndexLocation, ShardIndex};

use super::chain::CodecChain;
use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToBytes, Chunk, ChunkRef, VariableLength};
use place::Grid;

const NAME: &str = "sharding_indexed";

/// The `sharding_indexed` codec.
#[derive(Debug, Clone)]
pub struct Sharding {
    shard: Representation,
    inner: CodecChain,
    index: IndexCodecs,
    grid: Grid,
}

impl Sharding {
    /// The codec for shards of `shard`: `inner` is the chain of the inner chunks, which divide the shard; `index` that of
    /// the index, for the shape that [`grid_shape`](Self::grid_shape) gives, followed by 2.
    pub(crate) fn new(
        shard: Representation,
        inner: CodecChain,
        index: CodecChain,
        location: IndexLocation,
    ) -> Result<Self> {
        let entries = index.decoded().elements() / 2;
        let grid = Grid::new(shard.shape(), inner.decoded().shape())?;
        Ok(Self {
            index: IndexCodecs::new(index, location, entries)?,
            shard,
            inner,
            grid,
        })
    }

    /// The number of inner chunks along each dimension.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) if they do not divide the shard.
    pub fn grid_shape(shard: &[u64], inner: &[u64]) -> Result<Vec<u64>> {
        if shard.len() != inner.len() {
            let reason = format_args!(
                "chunk_shape has rank {} in a shard of rank {}",
                inner.len(),
                shard.len()
            );
            return Err(CodecError::configuration(NAME, reason));
        }
        let divide = |(shard_edge, inner_edge): (&u64, &u64)| match shard_edge.checked_rem(*inner_edge) {
            Some(0) => Ok(shard_edge / inner_edge),
            _ => {
                let reason = format_args!(
                    "inner chunks of shape {inner:?} do not divide the shard of shape {shard:?}"
                );
                Err(CodecError::configuration(NAME, reason))
            }
        };
        shard.iter().zip(inner).map(divide).collect()
    }

    /// The shard: shape, data type, fill value.
    #[must_use]
    pub fn shard(&self) -> &Representation {
        &self.shard
    }

    /// The codecs of an inner chunk; their [`decoded`](CodecChain::decoded) has its shape.
    #[must_use]
    pub fn inner(&self) -> &CodecChain {
        &self.inner
    }

    /// The codecs of the index.
    #[must_use]
    pub fn index(&self) -> &IndexCodecs {
        &self.index
    }

    /// The number of inner chunks along each dimension; the index lists them in C order.
    #[must_use]
    pub fn inner_grid(&self) -> Vec<u64> {
        self.grid.counts().iter().map(|count| *count as u64).collect()
    }

    fn parts<'a>(&self, encoded: &'a [u8], scratch: &mut Scratch) -> Result<Parts<'a>> {
        let size = encoded.len() as u64;
        let range = self.index.range(size)?;
        let bounds = usize::try_from(range.start).unwrap_or(usize::MAX)
            ..usize::try_from(range.end).unwrap_or(usize::MAX);
        let index = self
            .index
            .decode(encoded.get(bounds).unwrap_or_default(), size, scratch)?;
        Ok(Parts {
            shard: encoded,
            index,
        })
    }

    /// Builds a shard of encoded inner chunks in C order; absent ones are all fill value. `None` if all are absent.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`](super::CodecErrorKind::Unencodable) if there are more or fewer than the shard has.
    pub fn assemble<B: AsRef<[u8]>>(
        &self,
        inner: impl IntoIterator<Item = Option<B>>,
        scratch: &mut Scratch,
    ) -> Result<Option<Vec<u8>>> {
        let mut builder = Builder::new(self)?;
        for encoded in inner {
            builder.push(encoded.as_ref().map(AsRef::as_ref));
        }
        if builder.index.all_absent() {
            Ok(None)
        } else {
            builder.finish(scratch).map(Some)
        }
    }
}

/// The bytes of a shard with its index.
struct Parts<'a> {
    shard: &'a [u8],
    index: ShardIndex,
}

impl<'a> Parts<'a> {
    fn get(&self, index: usize) -> Result<Option<&'a [u8]>> {
        let Some(range) = self.index.entry(index)? else {
            return Ok(None);
        };
        let bounds = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        // Entries were checked against the length of the shard.
        Ok(bounds.and_then(|(start, end)| self.shard.get(start..end)))
    }
}

/// A shard in the making.
struct Builder<'a> {
    codec: &'a Sharding,
    body: Vec<u8>,
    index: ShardIndex,
    pushed: usize,
}

impl<'a> Builder<'a> {
    fn new(codec: &'a Sharding) -> Result<Self> {
        let mut body = Vec::new();
        if codec.index.location() == IndexLocation::Start {
            let size = codec.index.encoded_size();
            body = super::scratch::zeroed(
                NAME,
                usize::try_from(size).map_err(|_| CodecError::out_of_memory(NAME, size))?,
            )?;
        }
        Ok(Self {
            codec,
            body,
            index: ShardIndex::empty(codec.index.entries())?,
            pushed: 0,
        })
    }

    fn push(&mut self, encoded: Option<&[u8]>) {
        if let Some(bytes) = encoded {
            let start = self.body.len() as u64;
            self.body.extend_from_slice(bytes);
            self.index.set(self.pushed, start..self.body.len() as u64);
        }
        self.pushed += 1;
    }

    fn finish(mut self, scratch: &mut Scratch) -> Result<Vec<u8>> {
        if self.pushed != self.index.len() {
            let reason = format_args!(
                "{} inner chunks where the shard has {}",
                self.pushed,
                self.index.len()
            );
            return Err(CodecError::unencodable(NAME, reason));
        }
        let index = self.codec.index.encode(&self.index, scratch)?;
        match (self.codec.index.location(), self.body.get_mut(..index.len())) {
            (IndexLocation::Start, Some(front)) => front.copy_from_slice(&index),
            _ => self.body.extend_from_slice(&index),
        }
        Ok(self.body)
    }
}

impl ArrayToBytes for Sharding {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self) -> Size {
        match self.shard.size() {
            // Each inner chunk may expand as its codecs do; all of them together stay below what any codec may.
            Size::Exact(size) => Size::AtMost(size.saturating_mul(2).saturating_add(self.inner_overhead())),
            Size::AtMost(_) | Size::Variable { .. } => Size::Variable {
                least: self.index.encoded_size(),
            },
        }
    }

    fn least_encoded_size(&self) -> u64 {
        self.index.encoded_size()
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        let parts = self.parts(encoded, scratch)?;
        let item = self.shard.element_size().unwrap_or(1);
        let mut buffer = scratch.take(
            NAME,
            if self.grid.is_contiguous() {
                0
            } else {
                self.inner.decoded().bytes(NAME)?
            },
        )?;
        for index in 0..parts.index.len() {
            let start = self.grid.start(index);
            match parts.get(index)? {
                None => self.grid.fill(out, start, item, self.shard.fill()),
                Some(bytes) if self.grid.is_contiguous() => {
                    let size = self.inner.decoded().bytes(NAME)?;
                    let place = out.get_mut(start * item..start * item + size).unwrap_or_default();
                    self.inner.decode_into(bytes, place, scratch)?;
                }
                Some(bytes) => {
                    self.inner.decode_into(bytes, &mut buffer, scratch)?;
                    self.grid.copy_in(out, start, item, &buffer);
                }
            }
        }
        scratch.give(buffer);
        Ok(())
    }

    fn decode_variable(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<VariableLength> {
        let parts = self.parts(encoded, scratch)?;
        let mut inner = Vec::with_capacity(parts.index.len());
        let mut bytes = 0_usize;
        for index in 0..parts.index.len() {
            let values = match parts.get(index)? {
                None => None,
                Some(encoded) => match self.inner.decode(encoded, scratch)? {
                    Chunk::Variable(values) => Some(values),
                    Chunk::Fixed(_) => return Err(CodecError::unsupported(NAME, "elements of fixed size")),
                },
            };
            bytes = bytes.saturating_add(values.as_ref().map_or(0, |values| values.data().len()));
            inner.push(values);
        }
        let mut out = VariableLength::with_capacity(self.shard.count(NAME)?, bytes)?;
        self.grid.elements(|chunk, element| {
            let value = match inner.get(chunk) {
                Some(Some(values)) => values.get(element).unwrap_or_default(),
                Some(None) | None => self.shard.fill(),
            };
            out.push(value);
        });
        Ok(out)
    }

    fn encode(&self, decoded: ChunkRef<'_>, scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut builder = Builder::new(self)?;
        match decoded {
            ChunkRef::Fixed(bytes) => {
                let item = self.shard.element_size().unwrap_or(1);
                let mut buffer = scratch.take(NAME, self.inner.decoded().bytes(NAME)?)?;
                for index in 0..builder.index.len() {
                    self.grid
                        .copy_out(bytes, self.grid.start(index), item, &mut buffer);
                    // Bit by bit: -0.0 and the payloads of NaN are values of their own.
                    if buffer
                        .chunks_exact(item)
                        .all(|element| element == self.shard.fill())
                    {
                        builder.push(None);
                    } else {
                        builder.push(Some(&self.inner.encode(ChunkRef::Fixed(&buffer), scratch)?));
                    }
                }
                scratch.give(buffer);
            }
            ChunkRef::Variable(values) => {
                let mut places = vec![Vec::new(); builder.index.len()];
                let mut next = 0_usize;
                self.grid.elements(|chunk, _| {
                    // Elements of a chunk are met in its own C order.
                    if let Some(place) = places.get_mut(chunk) {
                        place.push(next);
                    }
                    next += 1;
                });
                for place in places {
                    let mut chunk = VariableLength::with_capacity(place.len(), 0)?;
                    place
                        .into_iter()
                        .for_each(|element| chunk.push(values.get(element).unwrap_or_default()));
                    if chunk.iter().all(|element| element == self.shard.fill()) {
                        builder.push(None);
                    } else {
                        builder.push(Some(&self.inner.encode(ChunkRef::Variable(&chunk), scratch)?));
                    }
                }
            }
        }
        builder.finish(scratch)
    }

    fn as_sharding(&self) -> Option<&Sharding> {
        Some(self)
    }
}

impl Sharding {
    /// Headers and index: what a shard may hold beside its elements.
    fn inner_overhead(&self) -> u64 {
        let each = match self.inner.encoded_size() {
            Size::Exact(size) | Size::AtMost(size) => size.min(64 << 10),
            Size::Variable { .. } => 64 << 10,
        };
        self.index
            .encoded_size()
            .saturating_add(each.saturating_mul(self.index.entries()))
    }
}
