//! Filters of v2 work on raw buffers in the byte order of their own types: wrappers that make bytes→bytes codecs of codecs
//! that know arrays.

use std::sync::Arc;

use super::bytes::Swap;
use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToArray, ArrayToBytes, BytesToBytes, ChunkRef, Decoded};

/// An array→array codec between two buffers.
#[derive(Debug)]
pub(super) struct ArrayBuffer {
    codec: Arc<dyn ArrayToArray>,
    decoded: Representation,
    decoded_swap: Swap,
    encoded_swap: Swap,
}

impl ArrayBuffer {
    /// `decoded` is what `codec` was made for; the swaps are the byte orders of the buffers.
    pub(super) fn new(
        codec: Arc<dyn ArrayToArray>,
        decoded: Representation,
        decoded_swap: Swap,
        encoded_swap: Swap,
    ) -> Self {
        Self {
            codec,
            decoded,
            decoded_swap,
            encoded_swap,
        }
    }
}

impl BytesToBytes for ArrayBuffer {
    fn name(&self) -> &str {
        self.codec.name()
    }

    fn encoded_size(&self, _decoded: Size) -> Size {
        self.codec.encoded().size()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
        let size = self.decoded.bytes(self.name())?;
        let expected = self.codec.encoded().bytes(self.name())?;
        if encoded.len() != expected {
            return Err(CodecError::wrong_size(self.name(), encoded.len(), expected));
        }
        let Some(out) = out.get_mut(..size) else {
            return Ok(Decoded::TooLong);
        };
        if self.encoded_swap == Swap::Nothing {
            self.codec.decode_into(encoded, out)?;
        } else {
            let mut buffer = scratch.take(self.name(), expected)?;
            buffer.copy_from_slice(encoded);
            self.encoded_swap.apply(&mut buffer);
            self.codec.decode_into(&buffer, out)?;
            scratch.give(buffer);
        }
        self.decoded_swap.apply(out);
        Ok(Decoded::Complete(size))
    }

    fn max_expansion(&self) -> u64 {
        // From a bit to a double.
        64
    }

    fn encode(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut buffer = scratch.take(self.name(), decoded.len())?;
        buffer.copy_from_slice(decoded);
        self.decoded_swap.apply(&mut buffer);
        let mut out = super::scratch::zeroed(self.name(), self.codec.encoded().bytes(self.name())?)?;
        self.codec.encode_into(&buffer, &mut out)?;
        scratch.give(buffer);
        self.encoded_swap.apply(&mut out);
        Ok(out)
    }
}

/// An array→bytes codec that v2 uses as a compressor.
#[derive(Debug)]
pub(super) struct SerializedBuffer {
    codec: Arc<dyn ArrayToBytes>,
    swap: Swap,
    size: Size,
}

impl SerializedBuffer {
    /// `swap` is the byte order of the buffer that is compressed; `decoded` its array.
    pub(super) fn new(codec: Arc<dyn ArrayToBytes>, swap: Swap, decoded: &Representation) -> Self {
        Self {
            codec,
            swap,
            size: decoded.size(),
        }
    }
}

impl BytesToBytes for SerializedBuffer {
    fn name(&self) -> &str {
        self.codec.name()
    }

    fn encoded_size(&self, _decoded: Size) -> Size {
        self.codec.encoded_size()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
        let size = usize::try_from(self.size.bound(encoded.len())).unwrap_or(usize::MAX);
        let Some(out) = out.get_mut(..size) else {
            return Ok(Decoded::TooLong);
        };
        self.codec.decode_into(encoded, out, scratch)?;
        self.swap.apply(out);
        Ok(Decoded::Complete(size))
    }

    fn max_expansion(&self) -> u64 {
        u64::MAX
    }

    fn encode(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut buffer = scratch.take(self.name(), decoded.len())?;
        buffer.copy_from_slice(decoded);
        self.swap.apply(&mut buffer);
        let out = self.codec.encode(ChunkRef::Fixed(&buffer), scratch)?;
        scratch.give(buffer);
        Ok(out)
    }
}
