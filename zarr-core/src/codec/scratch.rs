//! What a thread keeps between chunks: buffers and decompressor contexts.

use std::fmt;

use super::error::{CodecError, Result};

/// Buffers and (de)compressor contexts that a thread reuses from chunk to chunk.
///
/// One per worker thread; not shared. Decoding 512 chunks with one scratch creates each context once and allocates
/// buffers only until they have grown to the largest stage.
#[derive(Default)]
pub struct Scratch {
    buffers: Vec<Vec<u8>>,
    pub(crate) zstd_decoder: Option<zstd_safe::DCtx<'static>>,
    pub(crate) zstd_encoder: Option<zstd_safe::CCtx<'static>>,
    pub(crate) deflate: Option<libdeflater::Decompressor>,
}

/// Buffers above this size are given back to the allocator, so that an idle thread holds little.
const KEEP_BYTES: usize = 16 << 20;
/// How many buffers a thread keeps.
const KEEP_BUFFERS: usize = 4;

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch")
            .field("buffers", &self.buffers.len())
            .field("bytes", &self.buffers.iter().map(Vec::capacity).sum::<usize>())
            .finish_non_exhaustive()
    }
}

impl Scratch {
    /// An empty scratch; everything in it is made at first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of exactly `len` bytes of arbitrary content.
    ///
    /// # Errors
    /// [`CodecErrorKind::OutOfMemory`](super::CodecErrorKind::OutOfMemory) in the name of `codec` if it cannot be had.
    pub(crate) fn take(&mut self, codec: &str, len: usize) -> Result<Vec<u8>> {
        // The largest kept buffer avoids most growth, and growth is what clears memory.
        let mut buffer = self.buffers.pop().unwrap_or_default();
        resize(codec, &mut buffer, len)?;
        Ok(buffer)
    }

    /// Gives a buffer back for later use.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() > 0 && buffer.capacity() <= KEEP_BYTES && self.buffers.len() < KEEP_BUFFERS {
            let place = self
                .buffers
                .partition_point(|kept| kept.capacity() <= buffer.capacity());
            self.buffers.insert(place, buffer);
        }
    }
}

/// Sets the length of `buffer`, keeping what it holds where it can; new bytes are zero, old ones arbitrary.
pub(crate) fn resize(codec: &str, buffer: &mut Vec<u8>, len: usize) -> Result<()> {
    if len > buffer.capacity() {
        // Nothing worth copying is in it.
        buffer.clear();
        buffer
            .try_reserve_exact(len)
            .map_err(|_| CodecError::out_of_memory(codec, len as u64))?;
    }
    buffer.resize(len, 0);
    Ok(())
}

/// An empty vector with room for `len` bytes.
pub(crate) fn reserve(codec: &str, len: usize) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(len)
        .map_err(|_| CodecError::out_of_memory(codec, len as u64))?;
    Ok(buffer)
}

/// A vector of `len` zero bytes.
pub(crate) fn zeroed(codec: &str, len: usize) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    resize(codec, &mut buffer, len)?;
    Ok(buffer)
}
