//! The index of a shard: where each inner chunk lies.

use std::ops::Range;

use super::super::ChunkRef;
use super::super::chain::CodecChain;
use super::super::error::{CodecError, Result};
use super::super::scratch::Scratch;
use super::super::size::Size;
use super::NAME;

/// Where the index is in the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexLocation {
    /// Before the inner chunks.
    Start,
    /// After them: the default.
    End,
}

/// How the index of a shard is encoded.
#[derive(Debug, Clone)]
pub struct IndexCodecs {
    chain: CodecChain,
    location: IndexLocation,
    entries: u64,
    encoded_size: u64,
}

impl IndexCodecs {
    /// The index of a shard of `entries` inner chunks; `chain` encodes `uint64` arrays of shape `[…, 2]`.
    pub(super) fn new(chain: CodecChain, location: IndexLocation, entries: u64) -> Result<Self> {
        match chain.encoded_size() {
            Size::Exact(encoded_size) => Ok(Self {
                chain,
                location,
                entries,
                encoded_size,
            }),
            Size::AtMost(_) | Size::Variable { .. } => Err(CodecError::configuration(
                NAME,
                "index_codecs do not encode to a fixed size",
            )),
        }
    }

    /// Size of the encoded index in bytes.
    #[must_use]
    pub fn encoded_size(&self) -> u64 {
        self.encoded_size
    }

    /// Where the index is.
    #[must_use]
    pub fn location(&self) -> IndexLocation {
        self.location
    }

    /// The number of inner chunks.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Where the index lies in a shard of `shard_size` bytes.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](crate::codec::CodecErrorKind::Corrupt) if the shard is too short to have one.
    pub fn range(&self, shard_size: u64) -> Result<Range<u64>> {
        match (shard_size.checked_sub(self.encoded_size), self.location) {
            (Some(_), IndexLocation::Start) => Ok(0..self.encoded_size),
            (Some(start), IndexLocation::End) => Ok(start..shard_size),
            (None, _) => {
                let reason = format_args!(
                    "a shard of {shard_size} bytes cannot hold its index of {}",
                    self.encoded_size
                );
                Err(CodecError::corrupt(NAME, reason))
            }
        }
    }

    /// Decodes an index: exactly the bytes of [`range`](Self::range). `shard_size` is the size of the whole shard in bytes,
    /// against which entries are checked when they are looked up.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](crate::codec::CodecErrorKind::Corrupt) for a wrong size or checksum.
    pub fn decode(&self, encoded: &[u8], shard_size: u64, scratch: &mut Scratch) -> Result<ShardIndex> {
        // Before anything is allocated: `encoded` is really there, so an index of its size is affordable.
        if encoded.len() as u64 != self.encoded_size {
            return Err(CodecError::wrong_size(
                NAME,
                format_args!("an index of {}", encoded.len()),
                self.encoded_size,
            ));
        }
        let size = usize::try_from(self.entries.saturating_mul(16))
            .map_err(|_| CodecError::out_of_memory(NAME, self.encoded_size))?;
        let mut words = super::super::scratch::zeroed(NAME, size)?;
        self.chain.decode_into(encoded, &mut words, scratch)?;
        Ok(ShardIndex { words, shard_size })
    }

    /// Encodes an index.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`](crate::codec::CodecErrorKind::Unencodable) if it has another number of entries.
    pub fn encode(&self, index: &ShardIndex, scratch: &mut Scratch) -> Result<Vec<u8>> {
        self.chain.encode(ChunkRef::Fixed(&index.words), scratch)
    }
}

/// The index of one shard: for each inner chunk, in C order, its place in the shard or that it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIndex {
    /// (offset, size) of each inner chunk as little-endian 64-bit integers; both all ones where it is absent.
    words: Vec<u8>,
    shard_size: u64,
}

/// What stands for an absent inner chunk.
const ABSENT: [u8; 16] = [0xff; 16];

impl ShardIndex {
    /// An index of `entries` absent inner chunks, to be filled.
    ///
    /// # Errors
    /// [`CodecErrorKind::OutOfMemory`](crate::codec::CodecErrorKind::OutOfMemory).
    pub fn empty(entries: u64) -> Result<Self> {
        let bytes = entries.saturating_mul(16);
        let size = usize::try_from(bytes).map_err(|_| CodecError::out_of_memory(NAME, bytes))?;
        let mut words = super::super::scratch::zeroed(NAME, size)?;
        words.fill(0xff);
        Ok(Self {
            words,
            shard_size: u64::MAX,
        })
    }

    /// The number of inner chunks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len() / 16
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where inner chunk `index` lies in the shard, in bytes; `None` if it is absent (all fill value).
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](crate::codec::CodecErrorKind::Corrupt) if only one half of the entry says that it is
    /// absent, or the entry leaves the shard; `index` past the last inner chunk counts as that.
    pub fn entry(&self, index: usize) -> Result<Option<Range<u64>>> {
        let corrupt =
            |reason: String| CodecError::corrupt(NAME, format_args!("inner chunk {index} {reason}"));
        let entry = self.words.as_chunks::<16>().0.get(index);
        let entry = entry.ok_or_else(|| corrupt(format!("is beyond the {} of the index", self.len())))?;
        if *entry == ABSENT {
            return Ok(None);
        }
        let (offset, size) = (word(entry, 0), word(entry, 8));
        if offset == u64::MAX || size == u64::MAX {
            return Err(corrupt(format!("is half absent: offset {offset}, size {size}")));
        }
        match offset.checked_add(size).filter(|end| *end <= self.shard_size) {
            Some(end) => Ok(Some(offset..end)),
            None => Err(corrupt(format!(
                "(offset {offset}, size {size}) leaves the shard of {} bytes",
                self.shard_size
            ))),
        }
    }

    /// Whether all inner chunks are absent.
    #[must_use]
    pub fn all_absent(&self) -> bool {
        self.words.iter().all(|byte| *byte == 0xff)
    }

    /// Sets the place of inner chunk `index`, which must be one of the index.
    pub(super) fn set(&mut self, index: usize, place: Range<u64>) {
        if let Some(entry) = self.words.as_chunks_mut::<16>().0.get_mut(index) {
            let size = place.end.saturating_sub(place.start);
            for (to, from) in entry
                .iter_mut()
                .zip(place.start.to_le_bytes().into_iter().chain(size.to_le_bytes()))
            {
                *to = from;
            }
        }
    }
}

fn word(entry: &[u8; 16], at: usize) -> u64 {
    entry
        .get(at..)
        .and_then(<[u8]>::first_chunk::<8>)
        .map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
}
