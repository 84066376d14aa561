//! `lz4` and `numcodecs.lz4`: the decoded size as a 32-bit little-endian integer, then one raw LZ4 block.

use lz4::block::CompressionMode;

use super::error::{CodecError, Result};
use super::scratch::{Scratch, zeroed};
use super::size::Size;
use super::{BytesToBytes, Decoded};

const NAME: &str = "lz4";

/// The `lz4` codec.
#[derive(Debug, Clone)]
pub(crate) struct Lz4 {
    acceleration: i32,
}

impl Lz4 {
    /// `acceleration` is 1 or more; larger is faster and compresses less.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) beyond 32 bits.
    pub(crate) fn new(acceleration: i64) -> Result<Self> {
        let wrong = |_| CodecError::configuration(NAME, format_args!("acceleration {acceleration}"));
        // The library takes anything below 1 as 1, and so does numcodecs.
        Ok(Self {
            acceleration: i32::try_from(acceleration.max(1)).map_err(wrong)?,
        })
    }
}

/// Decodes one raw block to the front of `out`.
pub(crate) fn decompress_block(codec: &str, block: &[u8], out: &mut [u8]) -> Result<usize> {
    let size = i32::try_from(out.len())
        .map_err(|_| CodecError::unsupported(codec, format_args!("an lz4 block of {} bytes", out.len())))?;
    lz4::block::decompress_to_buffer(block, Some(size), out)
        .map_err(|_| CodecError::corrupt(codec, format_args!("not an lz4 block of at most {size} bytes")))
}

/// Encodes `decoded` as one raw block to the front of `out`; `None` if it does not fit.
pub(crate) fn compress_block(decoded: &[u8], out: &mut [u8], mode: CompressionMode) -> Option<usize> {
    lz4::block::compress_to_buffer(decoded, Some(mode), false, out).ok()
}

impl BytesToBytes for Lz4 {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.compressed()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        let Some((header, block)) = encoded.split_first_chunk::<4>() else {
            return Err(CodecError::corrupt(
                NAME,
                format_args!("{} bytes hold no size", encoded.len()),
            ));
        };
        let claimed = i32::from_le_bytes(*header);
        let size = usize::try_from(claimed)
            .map_err(|_| CodecError::corrupt(NAME, format_args!("the header says {claimed} bytes")))?;
        let Some(out) = out.get_mut(..size) else {
            return Ok(Decoded::TooLong);
        };
        match decompress_block(NAME, block, out)? {
            len if len == size => Ok(Decoded::Complete(len)),
            len => Err(CodecError::wrong_size(NAME, len, size)),
        }
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<u64> {
        u64::try_from(i32::from_le_bytes(*encoded.first_chunk::<4>()?)).ok()
    }

    fn max_expansion(&self) -> u64 {
        256
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let too_long =
            || CodecError::unencodable(NAME, format_args!("{} bytes do not fit one block", decoded.len()));
        let size = i32::try_from(decoded.len()).map_err(|_| too_long())?;
        let bound = lz4::block::compress_bound(decoded.len()).map_err(|_| too_long())?;
        let mut out = zeroed(NAME, bound.saturating_add(4))?;
        let Some((header, block)) = out.split_first_chunk_mut::<4>() else {
            return Err(too_long());
        };
        *header = size.to_le_bytes();
        let len =
            compress_block(decoded, block, CompressionMode::FAST(self.acceleration)).ok_or_else(too_long)?;
        out.truncate(len + 4);
        Ok(out)
    }
}
