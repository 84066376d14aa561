//! Filters on plain bytes that keep or nearly keep the size: numcodecs' `shuffle` and `base64`, and no-op codecs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::byte_planes;
use super::error::{CodecError, Result};
use super::scratch::{Scratch, zeroed};
use super::size::Size;
use super::{BytesToBytes, Decoded};

/// numcodecs' `shuffle`: the bytes of all elements by significance.
#[derive(Debug, Clone)]
pub(crate) struct Shuffle {
    element_size: usize,
}

impl Shuffle {
    /// `element_size` in bytes, 1 or more.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for 0 and for more than 65,536.
    pub(crate) fn new(element_size: u64) -> Result<Self> {
        match usize::try_from(element_size) {
            Ok(element_size @ 1..=65_536) => Ok(Self { element_size }),
            _ => Err(CodecError::configuration(
                "shuffle",
                format_args!("elementsize {element_size} is not in 1..=65536"),
            )),
        }
    }

    /// Whether `len` bytes are whole elements; if not, the error that `kind` makes of the reason.
    fn check(&self, len: usize, kind: fn(&str, String) -> CodecError) -> Result<()> {
        if len.is_multiple_of(self.element_size) {
            return Ok(());
        }
        let reason = format!(
            "{len} bytes are not a multiple of the element size {}",
            self.element_size
        );
        Err(kind("shuffle", reason))
    }
}

impl BytesToBytes for Shuffle {
    fn name(&self) -> &str {
        "shuffle"
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        self.check(encoded.len(), |codec, reason| CodecError::corrupt(codec, reason))?;
        let Some(out) = out.get_mut(..encoded.len()) else {
            return Ok(Decoded::TooLong);
        };
        byte_planes::unshuffle(self.element_size, encoded, out);
        Ok(Decoded::Complete(encoded.len()))
    }

    fn max_expansion(&self) -> u64 {
        1
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        self.check(decoded.len(), |codec, reason| {
            CodecError::unencodable(codec, reason)
        })?;
        let mut out = zeroed("shuffle", decoded.len())?;
        byte_planes::shuffle(self.element_size, decoded, &mut out);
        Ok(out)
    }
}

/// numcodecs' `base64`: the standard alphabet with padding.
#[derive(Debug, Clone)]
pub(crate) struct Base64;

impl BytesToBytes for Base64 {
    fn name(&self) -> &str {
        "base64"
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        match decoded {
            Size::Exact(n) => Size::Exact(n.div_ceil(3).saturating_mul(4)),
            Size::AtMost(n) => Size::AtMost(n.div_ceil(3).saturating_mul(4)),
            Size::Variable { least } => Size::Variable { least },
        }
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        // The library wants room for whole groups of three; decode to a buffer of the size of the input instead of guessing.
        let decoded = STANDARD
            .decode(encoded)
            .map_err(|error| CodecError::corrupt("base64", error))?;
        match out.get_mut(..decoded.len()) {
            Some(out) => {
                out.copy_from_slice(&decoded);
                Ok(Decoded::Complete(decoded.len()))
            }
            None => Ok(Decoded::TooLong),
        }
    }

    fn max_expansion(&self) -> u64 {
        1
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        Ok(STANDARD.encode(decoded).into_bytes())
    }
}
