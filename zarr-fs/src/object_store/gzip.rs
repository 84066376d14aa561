//! Files that a store keeps gzip-compressed under `Content-Encoding: gzip`: decoded, bounded, by the caller's thread.

use std::io::Read;

use bytes::Bytes;

use super::error::corrupt;
use crate::error::{Context, Result};

/// Most bytes that such a file may decode to. It is held in memory, and a kilobyte may claim to be a megabyte.
pub const MOST_DECODED_BYTES: u64 = 256 << 20;

/// Decodes a gzip file, all of its members.
///
/// # Errors
/// [`Error::Corrupt`](crate::Error::Corrupt) if it is none; [`Error::Unsupported`](crate::Error::Unsupported) if it decodes
/// to more than [`MOST_DECODED_BYTES`].
pub fn gunzip(at: &Context, bytes: &[u8]) -> Result<Bytes> {
    gunzip_within(at, bytes, MOST_DECODED_BYTES)
}

fn gunzip_within(at: &Context, bytes: &[u8], limit: u64) -> Result<Bytes> {
    let mut decoded = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(limit.saturating_add(1))
        .read_to_end(&mut decoded)
        .map_err(|error| corrupt(at.clone(), error))?;
    if decoded.len() as u64 > limit {
        return Err(at.unsupported(format!("a gzip-encoded file of more than {limit} bytes")));
    }
    Ok(decoded.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::error::Error;
    use crate::path::Path;

    #[test]
    fn decodes_within_bounds() {
        let at = Context::new("gs://b", "cat_file", &Path::root());
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b'x'; 100_000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(packed.len() < 1000);
        assert_eq!(gunzip_within(&at, &packed, 100_000).unwrap().len(), 100_000);
        assert_eq!(
            gunzip_within(&at, &[&packed[..], &packed[..]].concat(), 200_000)
                .unwrap()
                .len(),
            200_000
        );
        assert!(matches!(
            gunzip_within(&at, &packed, 99_999),
            Err(Error::Unsupported { .. })
        ));
        assert!(matches!(
            gunzip(&at, &packed[..packed.len() - 9]),
            Err(Error::Corrupt { .. })
        ));
        assert!(matches!(gunzip(&at, b"{}"), Err(Error::Corrupt { .. })));
    }
}
