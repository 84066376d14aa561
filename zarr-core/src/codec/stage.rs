//! Running one bytes→bytes codec under the size that its stage must have.

use super::error::{CodecError, Result};
use super::scratch::Scratch;
use super::size::Size;
use super::{BytesToBytes, Decoded};

/// Decodes to exactly `out`.
pub(crate) fn decode_exact(
    codec: &dyn BytesToBytes,
    encoded: &[u8],
    out: &mut [u8],
    scratch: &mut Scratch,
) -> Result<()> {
    match codec.decode(encoded, out, scratch)? {
        Decoded::Complete(len) if len == out.len() => Ok(()),
        Decoded::Complete(len) => Err(CodecError::wrong_size(codec.name(), len, out.len())),
        Decoded::TooLong => Err(CodecError::wrong_size(codec.name(), "more", out.len())),
    }
}

/// Decodes to a buffer of `scratch` under the size `expected`.
pub(crate) fn decode(
    codec: &dyn BytesToBytes,
    encoded: &[u8],
    expected: Size,
    scratch: &mut Scratch,
) -> Result<Vec<u8>> {
    let name = codec.name();
    // Before anything is allocated: can so few bytes stand for so many?
    let reachable = (encoded.len() as u64)
        .saturating_mul(codec.max_expansion())
        .saturating_add(64);
    let bound = expected.bound(encoded.len());
    if let Size::Exact(size) = expected {
        if size > reachable {
            return Err(CodecError::wrong_size(
                name,
                format_args!("at most {reachable}"),
                size,
            ));
        }
        let mut out = scratch.take(name, memory(name, size)?)?;
        return match decode_exact(codec, encoded, &mut out, scratch) {
            Ok(()) => Ok(out),
            Err(error) => {
                scratch.give(out);
                Err(error)
            }
        };
    }
    let bound = bound.min(reachable);
    let mut room = codec
        .claimed_size(encoded)
        .unwrap_or((encoded.len() as u64).saturating_mul(4))
        .clamp(64.min(bound), bound);
    loop {
        let mut out = scratch.take(name, memory(name, room)?)?;
        match codec.decode(encoded, &mut out, scratch) {
            Ok(Decoded::Complete(len)) => {
                out.truncate(len);
                return Ok(out);
            }
            Ok(Decoded::TooLong) if room >= bound => {
                return Err(CodecError::wrong_size(
                    name,
                    "more",
                    format_args!("at most {bound}"),
                ));
            }
            Ok(Decoded::TooLong) => scratch.give(out),
            Err(error) => return Err(error),
        }
        room = room.saturating_mul(4).min(bound);
    }
}

fn memory(codec: &str, bytes: u64) -> Result<usize> {
    usize::try_from(bytes).map_err(|_| CodecError::out_of_memory(codec, bytes))
}
