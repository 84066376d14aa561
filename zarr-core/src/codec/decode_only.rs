//! Codecs that decode although their configuration says something impossible of encoding.
//!
//! A level that is out of range says nothing of what is stored: other readers never look at it.

use std::ops::Range;
use std::sync::Arc;

use super::error::{CodecError, Result};
use super::scratch::Scratch;
use super::size::Size;
use super::{BytesToBytes, Decoded};

/// A codec with other parameters for encoding than its configuration has.
#[derive(Debug)]
struct DecodeOnly<C> {
    codec: C,
    /// What is wrong with those of the configuration.
    wrong: CodecError,
}

/// The codec that was made, or else the one that `otherwise` makes of parameters that are good for decoding.
pub(super) fn or_decode_only<C: BytesToBytes + 'static>(
    made: Result<C>,
    otherwise: impl FnOnce() -> Result<C>,
) -> Result<Arc<dyn BytesToBytes>> {
    match made {
        Ok(codec) => Ok(Arc::new(codec)),
        Err(wrong) => {
            let codec = otherwise()?;
            Ok(Arc::new(DecodeOnly { codec, wrong }))
        }
    }
}

impl<C: BytesToBytes> BytesToBytes for DecodeOnly<C> {
    fn name(&self) -> &str {
        self.codec.name()
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        self.codec.encoded_size(decoded)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded> {
        self.codec.decode(encoded, out, scratch)
    }

    fn strip(&self, encoded: &[u8]) -> Option<Result<Range<usize>>> {
        self.codec.strip(encoded)
    }

    fn claimed_size(&self, encoded: &[u8]) -> Option<u64> {
        self.codec.claimed_size(encoded)
    }

    fn max_expansion(&self) -> u64 {
        self.codec.max_expansion()
    }

    fn ensure_encodes(&self) -> Result<()> {
        Err(self.wrong.clone())
    }

    fn encode(&self, _decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        Err(self.wrong.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chunk, ChunkRef, CodecChain, CodecErrorKind};
    use super::*;
    use crate::metadata::{ArrayMetadata, Json};

    fn chain(compressor: &str) -> CodecChain {
        let zarray = format!(
            r#"{{"zarr_format": 2, "shape": [9], "chunks": [9], "dtype": "|u1", "fill_value": 0, "order": "C",
                "filters": null, "compressor": {compressor}}}"#
        );
        let array = ArrayMetadata::from_v2_json(Json::parse(zarray.as_bytes()).unwrap(), None).unwrap();
        CodecChain::for_array(&array, &[9]).unwrap()
    }

    #[test]
    fn impossible_levels_decode_and_do_not_encode() {
        for (possible, impossible) in [
            (r#"{"id": "zstd", "level": 3}"#, r#"{"id": "zstd", "level": 100}"#),
            (r#"{"id": "bz2", "level": 1}"#, r#"{"id": "bz2", "level": 0}"#),
            (r#"{"id": "gzip", "level": 1}"#, r#"{"id": "gzip", "level": 10}"#),
            (r#"{"id": "zlib", "level": 1}"#, r#"{"id": "zlib", "level": -7}"#),
            (r#"{"id": "lz4"}"#, r#"{"id": "lz4", "acceleration": 4294967296}"#),
            (
                r#"{"id": "blosc", "cname": "lz4", "clevel": 9, "shuffle": 1}"#,
                r#"{"id": "blosc", "cname": "lz4", "clevel": 10, "shuffle": 1}"#,
            ),
        ] {
            let (possible, refused) = (chain(possible), chain(impossible));
            let scratch = &mut Scratch::new();
            let elements = ChunkRef::Fixed(b"a message");
            let encoded = possible.encode(elements, scratch).unwrap();
            let decoded = refused.decode(&encoded, scratch);
            assert_eq!(decoded, Ok(Chunk::Fixed(b"a message".to_vec())), "{impossible}");
            let error = refused.encode(elements, scratch).unwrap_err();
            assert!(
                matches!(error.kind, CodecErrorKind::InvalidConfiguration { .. }),
                "{impossible}: {error}"
            );
            assert_eq!(refused.ensure_encodes(), Err(error));
            assert_eq!(possible.ensure_encodes(), Ok(()));
        }
    }
}
