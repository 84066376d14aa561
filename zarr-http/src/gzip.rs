//! Bodies that come compressed although nobody accepts that. They are decoded by the caller's side, never on the I/O thread.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use zarr_fs::{Context, Error, Result};

/// What is decoded at most: a part that does not depend on what came, and so many times what came.
const BASE_BYTES: u64 = 64 << 20;
const FACTOR: u64 = 32;

/// Decodes a whole body; bounded by what came, for a small body can claim anything.
///
/// # Errors
/// [`Error::Corrupt`] if it is no gzip, or ends early; [`Error::LimitReached`] beyond `most`, if that is given, and
/// [`Error::Unsupported`] beyond the bound.
pub(crate) fn decode(encoded: &[u8], most: Option<u64>, at: &Context) -> Result<Bytes> {
    // An empty file is sent as nothing at all by some, with the header of the others.
    if encoded.is_empty() {
        return Ok(Bytes::new());
    }
    let bound = (encoded.len() as u64)
        .saturating_mul(FACTOR)
        .saturating_add(BASE_BYTES);
    let limit = most.unwrap_or(bound).min(bound);
    let mut decoded = Vec::new();
    MultiGzDecoder::new(encoded)
        .take(limit + 1)
        .read_to_end(&mut decoded)
        .map_err(|error| corrupt(at, error))?;
    if decoded.len() as u64 > limit {
        if let Some(limit) = most.filter(|most| *most == limit) {
            return Err(Error::LimitReached {
                what: "bytes to read at once",
                limit,
            });
        }
        return Err(at.unsupported(format!("a compressed body that grows beyond {limit} bytes")));
    }
    Ok(decoded.into())
}

fn corrupt(at: &Context, error: std::io::Error) -> Error {
    Error::Corrupt {
        at: at.clone(),
        source: format!("the body is not the gzip that its header says: {error}").into(),
    }
}

/// Decodes a body that comes in pieces.
pub(crate) struct Decoder {
    inner: flate2::write::MultiGzDecoder<Vec<u8>>,
    is_begun: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

/// Encoded bytes that are decoded at once: a piece of output is at most about a thousand times as long.
const STEP: usize = 8 << 10;

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            inner: flate2::write::MultiGzDecoder::new(Vec::new()),
            is_begun: false,
        }
    }

    /// Takes a part of `piece` and gives what it decodes to.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is no gzip.
    pub(crate) fn push(&mut self, piece: &mut Bytes, at: &Context) -> Result<Bytes> {
        let step = piece.split_to(piece.len().min(STEP));
        self.is_begun |= !step.is_empty();
        self.inner.write_all(&step).map_err(|error| corrupt(at, error))?;
        Ok(std::mem::take(self.inner.get_mut()).into())
    }

    /// The end of the body: gives what is left.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it ends early.
    pub(crate) fn finish(mut self, at: &Context) -> Result<Bytes> {
        if !self.is_begun {
            return Ok(Bytes::new());
        }
        self.inner.try_finish().map_err(|error| corrupt(at, error))?;
        Ok(std::mem::take(self.inner.get_mut()).into())
    }
}

#[cfg(test)]
mod tests {
    use zarr_fs::Path;

    use super::*;

    fn at() -> Context {
        Context::new("http://h", "cat_file", &Path::root())
    }

    fn encode(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode_in_pieces(encoded: &[u8], step: usize) -> Result<Vec<u8>> {
        let mut decoder = Decoder::new();
        let mut decoded = Vec::new();
        for piece in encoded.chunks(step) {
            let mut piece = Bytes::copy_from_slice(piece);
            while !piece.is_empty() {
                decoded.extend_from_slice(&decoder.push(&mut piece, &at())?);
            }
        }
        decoded.extend_from_slice(&decoder.finish(&at())?);
        Ok(decoded)
    }

    #[test]
    fn decodes_whole_and_in_pieces() {
        let data: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut two = encode(&data);
        two.extend(encode(b"and a second member"));
        let expected = [&data[..], b"and a second member"].concat();
        assert_eq!(decode(&two, None, &at()).unwrap(), expected);
        for step in [1, 100, 1 << 20] {
            assert_eq!(decode_in_pieces(&two, step).unwrap(), expected);
        }
        assert_eq!(decode(b"", None, &at()).unwrap(), Bytes::new());
        assert_eq!(decode_in_pieces(b"", 1).unwrap(), b"");
        assert_eq!(decode(&encode(b""), None, &at()).unwrap(), Bytes::new());
    }

    #[test]
    fn what_is_no_gzip_is_corrupt() {
        let whole = encode(&[7; 5000]);
        for bad in [
            &b"{}"[..],
            &whole[..whole.len() - 1],
            &whole[..12],
            &[whole.as_slice(), b"rest"].concat(),
        ] {
            assert!(
                matches!(decode(bad, None, &at()), Err(Error::Corrupt { .. })),
                "{}",
                bad.len()
            );
            assert!(
                matches!(decode_in_pieces(bad, 3), Err(Error::Corrupt { .. })),
                "{}",
                bad.len()
            );
        }
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 90 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 500_000);
        assert!(matches!(
            decode(&bomb, None, &at()),
            Err(Error::Unsupported { .. })
        ));
        assert!(matches!(
            decode(&bomb, Some(1000), &at()),
            Err(Error::LimitReached { limit: 1000, .. })
        ));
    }
}
