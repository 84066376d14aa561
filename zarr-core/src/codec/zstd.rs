//! `zstd` and `numcodecs.zstd` (RFC 8878), by the reference library.

use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{CCtx, CParameter, DCtx, ErrorCode, ResetDirective};

use super::error::{CodecError, Result};
use super::scratch::{Scratch, zeroed};
use super::size::Size;
use super::{BytesToBytes, Decoded};

const NAME: &str = "zstd";

/// The `zstd` codec.
#[derive(Debug, Clone)]
pub(crate) struct Zstd {
    level: i32,
    checksum: bool,
}

impl Zstd {
    /// `level` is -131072 to 22; 0 is the library's default. `checksum` adds a 32-bit checksum to what is written;
    /// reading verifies one wherever it is found.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for other levels.
    pub(crate) fn new(level: i64, checksum: bool) -> Result<Self> {
        let range = -131_072..=22;
        match i32::try_from(level) {
            Ok(level) if range.contains(&level) => Ok(Self { level, checksum }),
            _ => Err(CodecError::configuration(
                NAME,
                format_args!("level {level} is not in {range:?}"),
            )),
        }
    }
}

/// Decodes all frames of `encoded` to the front of `out`.
pub(crate) fn decompress(encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
    if encoded.is_empty() {
        return Err(CodecError::corrupt(NAME, "0 bytes are not a frame"));
    }
    let context = match &mut scratch.zstd_decoder {
        Some(context) => context,
        empty => empty.insert(DCtx::try_create().ok_or_else(|| CodecError::out_of_memory(NAME, 1 << 17))?),
    };
    match context.decompress(out, encoded) {
        Ok(len) => Ok(Decoded::Complete(len)),
        Err(code) if zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) => {
            Ok(Decoded::TooLong)
        }
        Err(code) => Err(CodecError::corrupt(NAME, message(code))),
    }
}

fn message(code: ErrorCode) -> String {
    zstd_safe::get_error_name(code).to_lowercase()
}

/// Encodes `decoded` as one frame.
pub(crate) fn compress(decoded: &[u8], level: i32, checksum: bool, scratch: &mut Scratch) -> Result<Vec<u8>> {
    let context = match &mut scratch.zstd_encoder {
        Some(context) => context,
        empty => empty.insert(CCtx::try_create().ok_or_else(|| CodecError::out_of_memory(NAME, 1 << 20))?),
    };
    let mut out = zeroed(NAME, zstd_safe::compress_bound(decoded.len()))?;
    let written = context
        .reset(ResetDirective::SessionAndParameters)
        .and_then(|_| context.set_parameter(CParameter::CompressionLevel(level)))
        .and_then(|_| context.set_parameter(CParameter::ChecksumFlag(checksum)))
        .and_then(|_| context.compress2(out.as_mut_slice(), decoded))
        .map_err(|code| CodecError::unencodable(NAME, message(code)))?;
    out.truncate(written);
    Ok(out)
}

impl BytesToBytes for Zstd {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.compressed()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
        decompress(encoded, out, scratch)
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<u64> {
        zstd_safe::get_frame_content_size(encoded).ok().flatten()
    }

    fn max_expansion(&self) -> u64 {
        // A block of 128 KiB takes at least its header of 3 bytes.
        (128 << 10) / 3
    }

    fn encode(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        compress(decoded, self.level, self.checksum, scratch)
    }
}
