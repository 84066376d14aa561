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

#[cfg(test)]
mod tests {
    use super::super::{Chunk, ChunkRef, CodecChain, CodecErrorKind};
    use super::*;
    use crate::metadata::{ArrayMetadata, Json};

    fn chain(dtype: &str, filters: &str, compressor: &str) -> Result<CodecChain> {
        let zarray = format!(
            r#"{{"zarr_format": 2, "shape": [3], "chunks": [3], "dtype": "{dtype}", "fill_value": 0, "order": "C",
                "filters": {filters}, "compressor": {compressor}}}"#
        );
        let zarray = Json::parse(zarray.as_bytes()).unwrap();
        CodecChain::for_array(&ArrayMetadata::from_v2_json(zarray, None).unwrap(), &[3])
    }

    /// As netCDF-C has it, whatever size it writes beside its 0.
    #[test]
    fn an_element_size_of_0_is_that_of_the_elements() {
        let elements: Vec<u8> = (0..24).collect();
        for (dtype, size) in [("|i1", 1), ("<i2", 2), (">f4", 4), ("<f8", 8)] {
            let elements = &elements[..3 * size];
            let encode = |elementsize: usize| {
                let filters = format!(r#"[{{"id": "shuffle", "elementsize": {elementsize}}}]"#);
                let chain = chain(dtype, &filters, "null").unwrap();
                let encoded = chain
                    .encode(ChunkRef::Fixed(elements), &mut Scratch::new())
                    .unwrap();
                assert_eq!(
                    chain.decode(&encoded, &mut Scratch::new()),
                    Ok(Chunk::Fixed(elements.to_vec()))
                );
                encoded
            };
            assert_eq!(encode(0), encode(size), "{dtype}");
        }
        // The elements are those that come into the filter.
        let recast = r#"[{"id": "astype", "decode_dtype": "<i4", "encode_dtype": "<i2"}, {"id": "shuffle", "elementsize": 0}]"#;
        let encoded = chain("<i4", recast, "null").unwrap().encode(
            ChunkRef::Fixed(&[1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0]),
            &mut Scratch::new(),
        );
        assert_eq!(encoded, Ok(vec![1, 3, 5, 2, 4, 6]));
        // netCDF would go by its data type, of which nothing is known here any more.
        let late = r#"[{"id": "fletcher32"}, {"id": "shuffle", "elementsize": 0}]"#;
        let error = chain("<i4", late, "null").unwrap_err();
        assert!(
            matches!(error.kind, CodecErrorKind::Unsupported { .. }),
            "{error}"
        );
    }

    #[test]
    fn integers_of_v2_may_stand_in_strings() {
        let shuffle = r#"[{"id": "shuffle", "elementsize": "4"}]"#;
        for compressor in [
            r#"{"id": "zlib", "level": "5"}"#,
            r#"{"id": "blosc", "cname": "lz4", "clevel": "5", "shuffle": "1", "blocksize": "0"}"#,
            "null",
        ] {
            let chain = chain("<i4", shuffle, compressor).unwrap();
            let encoded = chain
                .encode(ChunkRef::Fixed(&[7; 12]), &mut Scratch::new())
                .unwrap();
            assert_eq!(
                chain.decode(&encoded, &mut Scratch::new()),
                Ok(Chunk::Fixed(vec![7; 12])),
                "{compressor}"
            );
        }
        for wrong in [
            r#"[{"id": "shuffle", "elementsize": "four"}]"#,
            r#"[{"id": "shuffle", "elementsize": "-4"}]"#,
            r#"[{"id": "shuffle", "elementsize": "[4]"}]"#,
        ] {
            assert!(chain("<i4", wrong, "null").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_of_v3_is_a_number() {
        for elementsize in ["0", "\"4\""] {
            let codecs = format!(
                r#"["bytes", {{"name": "numcodecs.shuffle", "configuration": {{"elementsize": {elementsize}}}}}]"#
            );
            let codecs: Vec<_> = Json::parse(codecs.as_bytes())
                .unwrap()
                .as_array()
                .unwrap()
                .iter()
                .map(|codec| crate::metadata::NamedConfig::parse(codec).unwrap())
                .collect();
            let error =
                CodecChain::from_v3(&codecs, &crate::metadata::DataType::Bool, &[0], &[4]).unwrap_err();
            assert!(
                matches!(error.kind, CodecErrorKind::InvalidConfiguration { .. }),
                "{error}"
            );
        }
    }
}
