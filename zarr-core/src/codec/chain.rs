//! A chain of codecs for chunks of one shape.

use std::ops::Range;
use std::sync::Arc;

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::Scratch;
use super::sharding::Sharding;
use super::size::Size;
use super::transpose::Transpose;
use super::{ArrayToArray, ArrayToBytes, BytesToBytes, Chunk, ChunkRef, VariableLength, stage};

/// The codecs of an array, checked against each other, for chunks of one shape.
///
/// Cheap to clone. Chunks of another shape (a rectilinear grid) need a chain of their own.
#[derive(Debug, Clone)]
pub struct CodecChain {
    decoded: Representation,
    array_to_array: Vec<Arc<dyn ArrayToArray>>,
    array_to_bytes: Arc<dyn ArrayToBytes>,
    bytes_to_bytes: Vec<Arc<dyn BytesToBytes>>,
    /// The size of what each bytes→bytes codec encodes.
    sizes: Vec<Size>,
    encoded_size: Size,
}

/// How a chunk can be decoded in parts: it is a shard, perhaps of a transposed chunk.
#[derive(Debug, Clone)]
pub struct Partial<'a> {
    /// The transpositions between the chunk and the shard, as they are applied when encoding.
    pub transposes: Vec<&'a Transpose>,
    /// The shard.
    pub sharding: &'a Sharding,
}

/// Bytes on their way through the chain.
enum Data<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>, Range<usize>),
}

impl Data<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(buffer, range) => buffer.get(range.clone()).unwrap_or_default(),
        }
    }

    fn owned(buffer: Vec<u8>) -> Self {
        let all = 0..buffer.len();
        Self::Owned(buffer, all)
    }

    fn give(self, scratch: &mut Scratch) {
        if let Self::Owned(buffer, _) = self {
            scratch.give(buffer);
        }
    }
}

impl CodecChain {
    /// Puts codecs together that were made for each other: each array→array codec for what the one before it makes of
    /// `decoded`, the array→bytes codec for the last one.
    pub(crate) fn new(
        decoded: Representation,
        array_to_array: Vec<Arc<dyn ArrayToArray>>,
        array_to_bytes: Arc<dyn ArrayToBytes>,
        bytes_to_bytes: Vec<Arc<dyn BytesToBytes>>,
    ) -> Self {
        let mut sizes = Vec::with_capacity(bytes_to_bytes.len());
        let mut encoded_size = array_to_bytes.encoded_size();
        for codec in &bytes_to_bytes {
            sizes.push(encoded_size);
            encoded_size = codec.encoded_size(encoded_size);
        }
        Self {
            decoded,
            array_to_array,
            array_to_bytes,
            bytes_to_bytes,
            sizes,
            encoded_size,
        }
    }

    /// The chunk that the chain encodes: shape, data type, fill value.
    #[must_use]
    pub fn decoded(&self) -> &Representation {
        &self.decoded
    }

    /// The size of an encoded chunk, as far as it is known.
    #[must_use]
    pub fn encoded_size(&self) -> Size {
        self.encoded_size
    }

    /// How chunks can be decoded in parts; `None` if they must be decoded as a whole.
    #[must_use]
    pub fn partial(&self) -> Option<Partial<'_>> {
        if !self.bytes_to_bytes.is_empty() {
            return None;
        }
        let sharding = self.array_to_bytes.as_sharding()?;
        let transposes = self
            .array_to_array
            .iter()
            .map(|codec| codec.as_transpose())
            .collect::<Option<Vec<_>>>()?;
        Some(Partial { transposes, sharding })
    }

    /// Whether the configurations allow to encode: of a level that is out of range, decoding knows nothing.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) in the name of the first codec
    /// that decodes only.
    pub fn ensure_encodes(&self) -> Result<()> {
        if let Some(sharding) = self.array_to_bytes.as_sharding() {
            sharding.inner().ensure_encodes()?;
        }
        self.bytes_to_bytes
            .iter()
            .try_for_each(|codec| codec.ensure_encodes())
    }

    /// Decodes a chunk to memory of its own.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](super::CodecErrorKind::Corrupt) in the name of the codec that found the fault.
    pub fn decode(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<Chunk> {
        self.check_reachable(encoded.len())?;
        if self.decoded.element_size().is_none() {
            return self.decode_variable(encoded, scratch).map(Chunk::Variable);
        }
        let mut out = super::scratch::zeroed(
            self.array_to_bytes.name(),
            self.decoded.bytes(self.array_to_bytes.name())?,
        )?;
        self.decode_into(encoded, &mut out, scratch)?;
        Ok(Chunk::Fixed(out))
    }

    /// Decodes a chunk of fixed-size elements to `out`, which has exactly its size. The last codec that moves bytes writes
    /// them to `out`: with `bytes` and `zstd`, say, the chunk is decompressed straight to its place.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](super::CodecErrorKind::Corrupt) in the name of the codec that found the fault;
    /// [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) if the elements are of variable length.
    pub fn decode_into(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        let name = self.array_to_bytes.name();
        let size = self.decoded.bytes(name)?;
        if out.len() != size {
            return Err(CodecError::configuration(
                name,
                format_args!("a chunk of {size} bytes does not fill {}", out.len()),
            ));
        }
        let moving = || {
            self.array_to_array
                .iter()
                .filter(|codec| !codec.decodes_to_same_bytes())
        };
        let in_place = self.array_to_bytes.decode_in_place();
        let mut data = Data::Borrowed(encoded);
        for (index, (codec, size)) in self.bytes_to_bytes.iter().zip(&self.sizes).enumerate().rev() {
            if let Some(stripped) = codec.strip(data.bytes()) {
                data = narrow(data, stripped?);
                continue;
            }
            if let (0, Some(in_place), None) = (index, in_place, moving().next()) {
                stage::decode_exact(codec.as_ref(), data.bytes(), out, scratch)?;
                data.give(scratch);
                return in_place.decode_in_place(out);
            }
            let decoded = stage::decode(codec.as_ref(), data.bytes(), *size, scratch)?;
            data.give(scratch);
            data = Data::owned(decoded);
        }
        let Some(first_moving) = self
            .array_to_array
            .iter()
            .position(|codec| !codec.decodes_to_same_bytes())
        else {
            self.array_to_bytes.decode_into(data.bytes(), out, scratch)?;
            data.give(scratch);
            return Ok(());
        };
        let innermost = self
            .array_to_array
            .last()
            .map_or(&self.decoded, |codec| codec.encoded());
        let mut array = scratch.take(name, innermost.bytes(name)?)?;
        self.array_to_bytes
            .decode_into(data.bytes(), &mut array, scratch)?;
        data.give(scratch);
        for (index, codec) in self.array_to_array.iter().enumerate().rev() {
            if codec.decodes_to_same_bytes() {
                continue;
            }
            if index == first_moving {
                codec.decode_into(&array, out)?;
                break;
            }
            let outer = index
                .checked_sub(1)
                .and_then(|outer| self.array_to_array.get(outer));
            let mut next = scratch.take(
                codec.name(),
                outer.map_or(&self.decoded, |outer| outer.encoded()).bytes(name)?,
            )?;
            codec.decode_into(&array, &mut next)?;
            scratch.give(std::mem::replace(&mut array, next));
        }
        scratch.give(array);
        Ok(())
    }

    fn decode_variable(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<VariableLength> {
        let data = self.decode_bytes(encoded, scratch)?;
        let mut values = self.array_to_bytes.decode_variable(data.bytes(), scratch)?;
        data.give(scratch);
        for codec in self.array_to_array.iter().rev() {
            values = codec.decode_variable(values)?;
        }
        Ok(values)
    }

    /// Undoes all bytes→bytes codecs.
    fn decode_bytes<'a>(&self, encoded: &'a [u8], scratch: &mut Scratch) -> Result<Data<'a>> {
        let mut data = Data::Borrowed(encoded);
        for (codec, size) in self.bytes_to_bytes.iter().zip(&self.sizes).rev() {
            if let Some(stripped) = codec.strip(data.bytes()) {
                data = narrow(data, stripped?);
                continue;
            }
            let decoded = stage::decode(codec.as_ref(), data.bytes(), *size, scratch)?;
            data.give(scratch);
            data = Data::owned(decoded);
        }
        Ok(data)
    }

    /// Whether `encoded` bytes can hold a chunk, whatever they are: asked before memory for the chunk is allocated.
    ///
    /// # Errors
    /// [`CodecErrorKind::Corrupt`](super::CodecErrorKind::Corrupt) if they cannot.
    pub fn check_reachable(&self, encoded: usize) -> Result<()> {
        let mut most = encoded as u64;
        for (codec, size) in self.bytes_to_bytes.iter().zip(&self.sizes).rev() {
            most = most.saturating_mul(codec.max_expansion()).saturating_add(64);
            if let Size::Exact(size) = *size
                && size > most
            {
                return Err(CodecError::wrong_size(
                    codec.name(),
                    format_args!("at most {most}"),
                    size,
                ));
            }
        }
        match self.array_to_bytes.least_encoded_size() {
            least if least > most => {
                let (name, found) = (self.array_to_bytes.name(), format_args!("at most {most}"));
                Err(CodecError::wrong_size(
                    name,
                    found,
                    format_args!("at least {least}"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Encodes a chunk.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unencodable`](super::CodecErrorKind::Unencodable) for a chunk of another size or kind, or values
    /// that a codec cannot hold; [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) for codecs that only read.
    pub fn encode(&self, decoded: ChunkRef<'_>, scratch: &mut Scratch) -> Result<Vec<u8>> {
        let bytes = match decoded {
            ChunkRef::Fixed(array) => self.encode_fixed(array, scratch)?,
            ChunkRef::Variable(values) => self.encode_variable(values, None, scratch)?,
        };
        self.encode_bytes(bytes, scratch)
    }

    /// Encodes a chunk in the place of the encoded chunk `before`, of which it is a changed copy: elements that are the same
    /// stay what they were, also where their decoded form does not tell all (Python objects).
    ///
    /// # Errors
    /// As [`encode`](Self::encode); [`CodecErrorKind::Corrupt`](super::CodecErrorKind::Corrupt) for `before`.
    pub fn encode_over(
        &self,
        decoded: ChunkRef<'_>,
        before: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Vec<u8>> {
        match decoded {
            ChunkRef::Variable(values) if !self.array_to_bytes.decoded_form_tells_all() => {
                let before = self.decode_bytes(before, scratch)?;
                let bytes = self.encode_variable(values, Some(before.bytes()), scratch)?;
                before.give(scratch);
                self.encode_bytes(bytes, scratch)
            }
            ChunkRef::Fixed(_) | ChunkRef::Variable(_) => self.encode(decoded, scratch),
        }
    }

    fn encode_bytes(&self, mut bytes: Vec<u8>, scratch: &mut Scratch) -> Result<Vec<u8>> {
        for codec in &self.bytes_to_bytes {
            bytes = codec.encode(&bytes, scratch)?;
        }
        Ok(bytes)
    }

    fn encode_fixed(&self, array: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        let name = self.array_to_bytes.name();
        let size = self.decoded.bytes(name)?;
        if array.len() != size {
            return Err(CodecError::unencodable(
                name,
                format_args!("{} bytes where the chunk has {size}", array.len()),
            ));
        }
        let mut owned: Option<Vec<u8>> = None;
        for codec in &self.array_to_array {
            let mut next = scratch.take(codec.name(), codec.encoded().bytes(name)?)?;
            codec.encode_into(owned.as_deref().unwrap_or(array), &mut next)?;
            if let Some(previous) = owned.replace(next) {
                scratch.give(previous);
            }
        }
        let bytes = self
            .array_to_bytes
            .encode(ChunkRef::Fixed(owned.as_deref().unwrap_or(array)), scratch)?;
        if let Some(last) = owned {
            scratch.give(last);
        }
        Ok(bytes)
    }

    /// `before`: the bytes that the array→bytes codec made of the chunk in whose place this one comes.
    fn encode_variable(
        &self,
        values: &VariableLength,
        before: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Result<Vec<u8>> {
        if values.len() as u64 != self.decoded.elements() || self.decoded.element_size().is_some() {
            let reason = format_args!(
                "{} elements of variable length where the chunk has {}",
                values.len(),
                self.decoded.elements()
            );
            return Err(CodecError::unencodable(self.array_to_bytes.name(), reason));
        }
        let mut owned: Option<VariableLength> = None;
        for codec in &self.array_to_array {
            owned = Some(codec.encode_variable(owned.as_ref().unwrap_or(values))?);
        }
        let values = ChunkRef::Variable(owned.as_ref().unwrap_or(values));
        match before {
            None => self.array_to_bytes.encode(values, scratch),
            Some(before) => self.array_to_bytes.encode_over(values, before, scratch),
        }
    }
}

fn narrow(data: Data<'_>, part: Range<usize>) -> Data<'_> {
    match data {
        Data::Borrowed(bytes) => Data::Borrowed(bytes.get(part).unwrap_or_default()),
        Data::Owned(buffer, range) => Data::Owned(buffer, range.start + part.start..range.start + part.end),
    }
}
