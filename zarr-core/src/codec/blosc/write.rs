//! Writing Blosc frames.

use ::lz4::block::CompressionMode;

use super::super::error::{CodecError, Result};
use super::super::scratch::{Scratch, reserve, zeroed};
use super::super::{byte_planes, lz4, zstd};
use super::{
    BIT_SHUFFLE, BYTE_SHUFFLE, Blosc, Compressor, HEADER, LEAST_SPLIT, MOST_SPLITS, NAME, ONE_STREAM, STORED,
    Shuffling, VERSION, lz,
};

/// The unit of block sizes: the usual first-level data cache.
const L1: usize = 32 << 10;
/// Larger frames cannot be described by the header's 32-bit integers.
const LARGEST: usize = (i32::MAX as usize) - HEADER;

impl Blosc {
    pub(super) fn write_frame(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        if decoded.len() > LARGEST {
            return Err(CodecError::unencodable(
                NAME,
                format_args!("{} bytes exceed a frame's 2 GiB", decoded.len()),
            ));
        }
        let block_size = self.choose_block_size(decoded.len());
        let split = self.compressor != Compressor::Zstd
            && self.type_size <= MOST_SPLITS
            && block_size / self.type_size >= LEAST_SPLIT;
        let mut flags = self.compressor.format() << 5;
        flags |= match self.shuffling {
            Shuffling::None => 0,
            Shuffling::Bytes => BYTE_SHUFFLE,
            Shuffling::Bits => BIT_SHUFFLE,
        };
        flags |= if split { 0 } else { ONE_STREAM };
        let mut frame = reserve(NAME, decoded.len() + HEADER)?;
        frame.resize(HEADER, 0);
        let blocks = if self.level == 0 || decoded.len() < LEAST_SPLIT {
            None
        } else {
            self.write_blocks(decoded, block_size, split, &mut frame, scratch)?
        };
        if blocks.is_none() {
            flags |= STORED;
            frame.truncate(HEADER);
            frame.extend_from_slice(decoded);
        }
        let word = |value: usize| u32::try_from(value).map(u32::to_le_bytes).unwrap_or_default();
        let type_size = u8::try_from(self.type_size).unwrap_or(1);
        let fields = [
            [VERSION, 1, flags, type_size],
            word(decoded.len()),
            word(block_size),
            word(frame.len()),
        ];
        for (to, from) in frame.iter_mut().zip(fields.iter().flatten()) {
            *to = *from;
        }
        Ok(frame)
    }

    /// Small blocks for low levels, large ones for high levels and for streams that share a block.
    fn choose_block_size(&self, len: usize) -> usize {
        let high_ratio = matches!(
            self.compressor,
            Compressor::Lz4Hc | Compressor::Zlib | Compressor::Zstd
        );
        let mut size = match (self.block_size, self.level) {
            (0, _) if len < L1 => len,
            (0, 0) => L1 / 4,
            (0, 1) => L1 / 2,
            (0, 2) => L1,
            (0, 3) => 2 * L1,
            (0, 4 | 5) => 4 * L1,
            (0, 9) if high_ratio => 16 * L1,
            (0, _) => 8 * L1,
            (forced, _) => forced.max(LEAST_SPLIT),
        };
        if self.block_size == 0 && len >= L1 {
            size *= if high_ratio { 2 } else { 1 };
            if self.compressor != Compressor::Zstd && self.type_size <= MOST_SPLITS {
                size = (size.min(1 << 18) * self.type_size).clamp(1 << 16, 1 << 20);
            }
        }
        size = size.min(len);
        // Whole elements, so that planes of a block are planes.
        if size > self.type_size {
            size - size % self.type_size
        } else {
            size
        }
    }

    /// Appends the block starts and blocks; `None` if they would be larger than the data.
    fn write_blocks(
        &self,
        decoded: &[u8],
        block_size: usize,
        split: bool,
        frame: &mut Vec<u8>,
        scratch: &mut Scratch,
    ) -> Result<Option<()>> {
        let starts = frame.len();
        frame.resize(starts + 4 * decoded.len().div_ceil(block_size), 0);
        let mut planes = zeroed(NAME, block_size)?;
        let mut spare = zeroed(
            NAME,
            if self.shuffling == Shuffling::Bits {
                block_size
            } else {
                0
            },
        )?;
        for (index, block) in decoded.chunks(block_size).enumerate() {
            let start = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            if let Some(slot) = frame.get_mut(starts + 4 * index..starts + 4 * index + 4) {
                slot.copy_from_slice(&start.to_le_bytes());
            }
            let eights = block.len() >= self.type_size && (block.len() / self.type_size).is_multiple_of(8);
            let source = match (self.shuffling, planes.get_mut(..block.len())) {
                (Shuffling::Bytes, Some(planes)) if self.type_size > 1 => {
                    byte_planes::shuffle(self.type_size, block, planes);
                    planes
                }
                (Shuffling::Bits, Some(planes)) if eights => {
                    byte_planes::bit_shuffle(
                        self.type_size,
                        block,
                        planes,
                        spare.get_mut(..block.len()).unwrap_or_default(),
                    );
                    planes
                }
                _ => block,
            };
            let splits = if split && block.len() == block_size {
                self.type_size
            } else {
                1
            };
            for stream in source.chunks_exact(block.len() / splits) {
                let compressed = self.compress_stream(stream, scratch)?;
                let bytes = compressed.as_deref().unwrap_or(stream);
                frame.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
                frame.extend_from_slice(bytes);
                if frame.len() >= decoded.len() + HEADER {
                    return Ok(None);
                }
            }
        }
        Ok(Some(()))
    }

    /// The stream, compressed; `None` if that would not make it shorter.
    fn compress_stream(&self, stream: &[u8], scratch: &mut Scratch) -> Result<Option<Vec<u8>>> {
        let mut out = match self.compressor {
            Compressor::BloscLz => return Ok(lz::compress(stream)),
            Compressor::Zstd => zstd::compress(
                stream,
                if self.level < 9 {
                    i32::from(self.level) * 2 - 1
                } else {
                    22
                },
                false,
                scratch,
            )?,
            Compressor::Snappy => snap::raw::Encoder::new()
                .compress_vec(stream)
                .map_err(|error| CodecError::unencodable(NAME, error))?,
            Compressor::Zlib => {
                let level = libdeflater::CompressionLvl::new(i32::from(self.level)).unwrap_or_default();
                let mut out = zeroed(NAME, stream.len())?;
                let written = libdeflater::Compressor::new(level)
                    .zlib_compress(stream, &mut out)
                    .unwrap_or(out.len());
                out.truncate(written);
                out
            }
            Compressor::Lz4 | Compressor::Lz4Hc => {
                let mode = if self.compressor == Compressor::Lz4Hc {
                    CompressionMode::HIGHCOMPRESSION(i32::from(self.level))
                } else {
                    CompressionMode::FAST(10 - i32::from(self.level))
                };
                let mut out = zeroed(NAME, stream.len())?;
                let written = lz4::compress_block(stream, &mut out, mode).unwrap_or(out.len());
                out.truncate(written);
                out
            }
        };
        if out.len() >= stream.len() {
            out.clear();
            return Ok(None);
        }
        Ok(Some(out))
    }
}
