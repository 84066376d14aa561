//! `blosc` and `numcodecs.blosc`: the Blosc 1 frame.
//!
//! ```text
//! 0 version · 1 version of the inner format · 2 flags · 3 typesize · 4 nbytes · 8 blocksize · 12 cbytes   (u32 LE)
//! 16 start of each block (u32 LE each); a block is one stream, or `typesize` of them: u32 LE length, then the bytes
//! flags: 1 byte shuffle, 2 stored, 4 bit shuffle, 16 blocks are one stream; >> 5: blosclz, lz4, snappy, zlib, zstd
//! ```
//! The frame is read here and not by c-blosc, because every wrapper of it needs cmake or bindgen or `unsafe`, and because
//! each block can then be decoded straight to its place under a known bound. Decoding takes everything from the frame and
//! nothing from the configuration.
//!
//! Format: <https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst>.

mod lz;
mod write;

use super::byte_planes;
use super::error::{CodecError, Result};
use super::scratch::Scratch;
use super::size::Size;
use super::{BytesToBytes, Decoded};

const NAME: &str = "blosc";
const HEADER: usize = 16;
const VERSION: u8 = 2;
const BYTE_SHUFFLE: u8 = 1;
const STORED: u8 = 2;
const BIT_SHUFFLE: u8 = 4;
const ONE_STREAM: u8 = 16;
/// Blocks are split only if each stream gets at least this many bytes.
const LEAST_SPLIT: usize = 128;
/// The largest element size for which blocks are split.
const MOST_SPLITS: usize = 16;

/// The compressor inside the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compressor {
    /// `blosclz`.
    BloscLz,
    /// `lz4`.
    Lz4,
    /// `lz4hc`: the same format as `lz4`, searched harder.
    Lz4Hc,
    /// `snappy`.
    Snappy,
    /// `zlib`.
    Zlib,
    /// `zstd`.
    Zstd,
}

impl Compressor {
    /// The compressor by its `cname`.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "blosclz" => Self::BloscLz,
            "lz4" => Self::Lz4,
            "lz4hc" => Self::Lz4Hc,
            "snappy" => Self::Snappy,
            "zlib" => Self::Zlib,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// The number of the format in the frame's flags.
    fn format(self) -> u8 {
        match self {
            Self::BloscLz => 0,
            Self::Lz4 | Self::Lz4Hc => 1,
            Self::Snappy => 2,
            Self::Zlib => 3,
            Self::Zstd => 4,
        }
    }

    fn from_format(format: u8) -> Result<Self> {
        Ok(match format {
            0 => Self::BloscLz,
            1 => Self::Lz4,
            2 => Self::Snappy,
            3 => Self::Zlib,
            4 => Self::Zstd,
            other => return Err(CodecError::corrupt(NAME, format_args!("inner format {other}"))),
        })
    }

    fn decompress(self, stream: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<usize> {
        let corrupt = || {
            CodecError::corrupt(
                NAME,
                format_args!("a {self:?} stream of {} bytes is broken", stream.len()),
            )
        };
        match self {
            Self::BloscLz => lz::decompress(stream, out).ok_or_else(corrupt),
            Self::Lz4 | Self::Lz4Hc => super::lz4::decompress_block(NAME, stream, out),
            Self::Snappy => snap::raw::Decoder::new()
                .decompress(stream, out)
                .map_err(|_| corrupt()),
            Self::Zlib => scratch
                .deflate
                .get_or_insert_default()
                .zlib_decompress(stream, out)
                .map_err(|_| corrupt()),
            Self::Zstd => match super::zstd::decompress(stream, out, scratch)? {
                Decoded::Complete(len) => Ok(len),
                Decoded::TooLong => Err(corrupt()),
            },
        }
    }
}

/// What is done to the bytes of the elements before they are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shuffling {
    /// Nothing.
    None,
    /// Bytes by significance.
    Bytes,
    /// Bits by significance.
    Bits,
}

/// The `blosc` codec.
#[derive(Debug, Clone)]
pub(crate) struct Blosc {
    compressor: Compressor,
    level: u8,
    shuffling: Shuffling,
    type_size: usize,
    block_size: usize,
}

impl Blosc {
    /// The codec; all of this matters for writing only. `level` is 0 to 9, `type_size` the element size in bytes (taken
    /// as 1 beyond 255), `block_size` in bytes or 0 for the codec's choice.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for other levels and sizes.
    pub(crate) fn new(
        compressor: Compressor,
        level: i64,
        shuffling: Shuffling,
        type_size: u64,
        block_size: u64,
    ) -> Result<Self> {
        let level = match u8::try_from(level) {
            Ok(level @ 0..=9) => level,
            _ => {
                return Err(CodecError::configuration(
                    NAME,
                    format_args!("clevel {level} is not in 0..=9"),
                ));
            }
        };
        let block_size = u32::try_from(block_size).map_err(|_| {
            CodecError::configuration(NAME, format_args!("blocksize {block_size} exceeds 32 bits"))
        })?;
        let type_size = match u8::try_from(type_size) {
            Ok(0) | Err(_) => 1,
            Ok(size) => usize::from(size),
        };
        let block_size = usize::try_from(block_size).unwrap_or(0);
        Ok(Self {
            compressor,
            level,
            shuffling,
            type_size,
            block_size,
        })
    }
}

/// The header of a frame, checked against the frame's length.
#[derive(Debug)]
struct Frame<'a> {
    bytes: &'a [u8],
    flags: u8,
    type_size: usize,
    size: usize,
    block_size: usize,
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(4)?)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*word)).ok()
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (Some(&[version, _, flags, type_size]), Some(size), Some(block_size), Some(frame_size)) = (
            bytes.first_chunk::<4>(),
            word(bytes, 4),
            word(bytes, 8),
            word(bytes, 12),
        ) else {
            return Err(CodecError::corrupt(
                NAME,
                format_args!("{} bytes hold no header", bytes.len()),
            ));
        };
        if version != VERSION {
            return Err(match version {
                3..=5 => CodecError::unsupported(NAME, format_args!("frames of Blosc 2 (version {version})")),
                _ => CodecError::corrupt(
                    NAME,
                    format_args!("version {version} where {VERSION} is expected"),
                ),
            });
        }
        if frame_size != bytes.len() {
            let reason = format_args!(
                "the header says {frame_size} bytes where {} are stored",
                bytes.len()
            );
            return Err(CodecError::corrupt(NAME, reason));
        }
        if type_size == 0 || (size > 0 && (block_size == 0 || block_size > size)) {
            let reason =
                format_args!("element size {type_size} and block size {block_size} for {size} bytes");
            return Err(CodecError::corrupt(NAME, reason));
        }
        Ok(Self {
            bytes,
            flags,
            type_size: usize::from(type_size),
            size,
            block_size,
        })
    }

    fn decode(&self, out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        if self.flags & STORED != 0 {
            let data = self.bytes.get(HEADER..).unwrap_or_default();
            if data.len() != out.len() {
                return Err(CodecError::wrong_size(NAME, data.len(), out.len()));
            }
            out.copy_from_slice(data);
            return Ok(());
        }
        if out.is_empty() {
            return Ok(());
        }
        let shuffling = if self.flags & BYTE_SHUFFLE != 0 && self.type_size > 1 {
            Shuffling::Bytes
        } else if self.flags & BIT_SHUFFLE != 0 {
            Shuffling::Bits
        } else {
            Shuffling::None
        };
        let compressor = Compressor::from_format(self.flags >> 5)?;
        let mut planes = scratch.take(
            NAME,
            if shuffling == Shuffling::None {
                0
            } else {
                self.block_size
            },
        )?;
        let mut spare = scratch.take(
            NAME,
            if shuffling == Shuffling::Bits {
                self.block_size
            } else {
                0
            },
        )?;
        let mut done = Ok(());
        for (index, block) in out.chunks_mut(self.block_size).enumerate() {
            let len = block.len();
            done = match (shuffling, planes.get_mut(..len), spare.get_mut(..len)) {
                (Shuffling::Bytes, Some(planes), _) => {
                    self.streams(index, compressor, planes, scratch).map(|()| {
                        byte_planes::unshuffle(self.type_size, planes, block);
                    })
                }
                // Bits are shuffled only in blocks of a multiple of eight elements.
                (Shuffling::Bits, Some(planes), Some(spare)) if self.bits_shuffled(len) => {
                    self.streams(index, compressor, planes, scratch).map(|()| {
                        byte_planes::bit_unshuffle(self.type_size, planes, block, spare);
                    })
                }
                _ => self.streams(index, compressor, block, scratch),
            };
            if done.is_err() {
                break;
            }
        }
        scratch.give(planes);
        scratch.give(spare);
        done
    }

    fn bits_shuffled(&self, block: usize) -> bool {
        block >= self.type_size && (block / self.type_size).is_multiple_of(8)
    }

    /// Decodes the streams of block `index` to exactly `out`.
    fn streams(
        &self,
        index: usize,
        compressor: Compressor,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let outside = || {
            CodecError::corrupt(
                NAME,
                format_args!("block {index} lies outside the {} bytes", self.bytes.len()),
            )
        };
        let mut at = word(self.bytes, HEADER + 4 * index).ok_or_else(outside)?;
        // The last block is one stream if it is shorter than the others.
        let split = self.flags & ONE_STREAM == 0
            && out.len() == self.block_size
            && self.type_size <= MOST_SPLITS
            && out.len() / self.type_size >= LEAST_SPLIT
            && out.len().is_multiple_of(self.type_size);
        let stream_size = if split {
            out.len() / self.type_size
        } else {
            out.len()
        };
        for out in out.chunks_exact_mut(stream_size) {
            let len = word(self.bytes, at).ok_or_else(outside)?;
            let stream = at
                .checked_add(4)
                .and_then(|start| self.bytes.get(start..start.checked_add(len)?))
                .ok_or_else(outside)?;
            at += 4 + len;
            if len == stream_size {
                out.copy_from_slice(stream);
                continue;
            }
            let got = compressor.decompress(stream, out, scratch)?;
            if got != stream_size {
                return Err(CodecError::wrong_size(NAME, got, stream_size));
            }
        }
        Ok(())
    }
}

impl BytesToBytes for Blosc {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.compressed()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
        let frame = Frame::parse(encoded)?;
        let Some(out) = out.get_mut(..frame.size) else {
            return Ok(Decoded::TooLong);
        };
        frame.decode(out, scratch)?;
        Ok(Decoded::Complete(frame.size))
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<u64> {
        word(encoded, 4).map(|size| size as u64)
    }

    fn max_expansion(&self) -> u64 {
        // The most that any inner compressor reaches (zstd).
        (128 << 10) / 3
    }

    fn encode(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        self.write_frame(decoded, scratch)
    }
}
