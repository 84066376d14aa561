//! Codecs: from the bytes of a stored chunk to its elements and back, without I/O.
//!
//! ```text
//! encode ─►   array→array  …  array→array   array→bytes   bytes→bytes  …  bytes→bytes
//!             transpose       delta         bytes         zstd            crc32c        ◄─ decode
//! ```
//! A [`CodecChain`] is made once per array (and chunk shape) from its metadata; it checks every intermediate shape, data
//! type and size when it is made. Decoding is synchronous and pure; each thread brings its own [`Scratch`].
//!
//! *Decoded form*: C order, each element little-endian and packed. Fixed-size elements are one buffer; variable-length
//! ones are a [`VariableLength`].
//!
//! *Bounds*: every decoder knows the size its stage must have (or at most have) before it runs; whatever a header claims,
//! no stage allocates more than that. Short, long and truncated streams are errors.
//!
//! Spec: Zarr v3 core, "Codecs" <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#codecs>.

mod bitround;
mod blosc;
mod build;
mod byte_filters;
pub mod byte_planes;
mod bytes;
mod bz2;
mod cast_value;
mod categorize;
mod chain;
mod checksum;
mod chunk;
mod config;
mod decode_only;
mod error;
mod gzip;
mod lz4;
mod lzma;
mod make;
pub(crate) mod new_array;
mod number;
mod number_filters;
mod object;
mod packbits;
mod pcodec;
mod pcodec_header;
pub mod registry;
mod representation;
mod reshape;
mod scale_offset;
mod scratch;
pub mod sharding;
mod size;
mod stage;
mod strided;
mod transpose;
mod v2_buffer;
mod vlen;
mod zfp;
mod zstd;

pub use chain::{CodecChain, Partial};
pub use chunk::{Chunk, ChunkRef, VariableLength};
pub use error::{CodecError, CodecErrorKind, Result};
pub use representation::Representation;
pub use scratch::Scratch;
pub use sharding::{IndexLocation, ShardIndex, Sharding};
pub use size::{Size, variable_bound};
pub use transpose::Transpose;

use std::fmt;
use std::ops::Range;

/// What a decoder did with an output of limited size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// The whole input was decoded to this many bytes at the front of the output.
    Complete(usize),
    /// The input holds more than the output takes. The output's content is arbitrary.
    TooLong,
}

/// A codec from bytes to bytes: compressors, checksums, byte filters.
pub trait BytesToBytes: fmt::Debug + Send + Sync {
    /// The name by which errors call this codec.
    fn name(&self) -> &str;

    /// The size of the encoded form of `decoded` bytes.
    fn encoded_size(&self, decoded: Size) -> Size;

    /// Decodes all of `encoded` to the front of `out`; never writes, reads or allocates beyond what `out` asks for.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`] if `encoded` is not a whole, valid stream of this codec.
    fn decode(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<Decoded>;

    /// Checks `encoded` and says which part of it is the decoded form, if this codec only adds bytes around it.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`] if the check fails.
    fn strip(&self, encoded: &[u8]) -> Option<Result<Range<usize>>> {
        let _ = encoded;
        None
    }

    /// The decoded size that `encoded` claims; a hint, never trusted.
    fn claimed_size(&self, encoded: &[u8]) -> Option<u64> {
        let _ = encoded;
        None
    }

    /// The most bytes that one encoded byte can stand for, so that a chunk size which the stored bytes cannot reach is an
    /// error before anything is allocated.
    fn max_expansion(&self) -> u64;

    /// Whether the configuration allows to encode.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`] if it is good for decoding only.
    fn ensure_encodes(&self) -> Result<()> {
        Ok(())
    }

    /// Encodes `decoded`.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`] or [`CodecErrorKind::Unsupported`] where the codec cannot write.
    fn encode(&self, decoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>>;
}

/// A codec from an array to bytes: `bytes`, `vlen-utf8`, `sharding_indexed`, ….
///
/// Made for one shape and data type, so its methods take none.
pub trait ArrayToBytes: fmt::Debug + Send + Sync {
    /// The name by which errors call this codec.
    fn name(&self) -> &str;

    /// The size of the encoded form.
    fn encoded_size(&self) -> Size;

    /// The least number of bytes that any encoded form has.
    fn least_encoded_size(&self) -> u64 {
        match self.encoded_size() {
            Size::Exact(size) | Size::Variable { least: size } => size,
            Size::AtMost(_) => 0,
        }
    }

    /// Decodes fixed-size elements; `out` has exactly the decoded size.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`]; [`CodecErrorKind::Unsupported`] if the elements are of variable length.
    fn decode_into(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<()>;

    /// Decodes variable-length elements.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`]; [`CodecErrorKind::Unsupported`] if the elements are of fixed size.
    fn decode_variable(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<VariableLength> {
        let _ = (encoded, scratch);
        Err(CodecError::unsupported(self.name(), "variable-length elements"))
    }

    /// If the encoded form has the decoded size: turns one into the other in place. `None` for all other codecs.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`] for values that the data type does not have.
    fn decode_in_place(&self) -> Option<&dyn DecodeInPlace> {
        None
    }

    /// Encodes a chunk.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`] or [`CodecErrorKind::Unsupported`].
    fn encode(&self, decoded: ChunkRef<'_>, scratch: &mut Scratch) -> Result<Vec<u8>>;

    /// Whether the decoded form tells all that the encoded form says. Not so for Python objects, whose types it does not show.
    fn decoded_form_tells_all(&self) -> bool {
        true
    }

    /// Encodes a chunk in the place of `before`, of which it is a changed copy: what has not been changed stays what it was,
    /// even where the decoded form does not tell all.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); [`CodecErrorKind::Corrupt`] for `before`.
    fn encode_over(&self, decoded: ChunkRef<'_>, before: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        let _ = before;
        self.encode(decoded, scratch)
    }

    /// The sharding codec, if this is one: it can be decoded in parts.
    fn as_sharding(&self) -> Option<&sharding::Sharding> {
        None
    }
}

/// The part of an [`ArrayToBytes`] codec that decodes without moving bytes.
pub trait DecodeInPlace {
    /// Turns the encoded form in `buffer` into the decoded form.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`] for values that the data type does not have.
    fn decode_in_place(&self, buffer: &mut [u8]) -> Result<()>;
}

/// A codec from an array to another one, both in decoded form: `transpose`, `delta`, ….
///
/// Made for one shape and data type, so its methods take none.
pub trait ArrayToArray: fmt::Debug + Send + Sync {
    /// The name by which errors call this codec.
    fn name(&self) -> &str;

    /// The array that this codec makes when it encodes.
    fn encoded(&self) -> &Representation;

    /// Whether decoding leaves every byte as it is.
    fn decodes_to_same_bytes(&self) -> bool {
        false
    }

    /// The transposition, if this is one.
    fn as_transpose(&self) -> Option<&Transpose> {
        None
    }

    /// Decodes fixed-size elements; both slices have exactly the sizes of their representations.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`] for values that cannot be decoded.
    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()>;

    /// Encodes fixed-size elements; both slices have exactly the sizes of their representations.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`] for values that the configuration cannot hold.
    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()>;

    /// Decodes variable-length elements (codecs that move elements without looking at them).
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for all others.
    fn decode_variable(&self, encoded: VariableLength) -> Result<VariableLength> {
        let _ = encoded;
        Err(CodecError::unsupported(self.name(), "variable-length elements"))
    }

    /// Encodes variable-length elements.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`] for codecs that look at the elements.
    fn encode_variable(&self, decoded: &VariableLength) -> Result<VariableLength> {
        let _ = decoded;
        Err(CodecError::unsupported(self.name(), "variable-length elements"))
    }
}
