//! `vlen-utf8` and `vlen-bytes`: a count, then each element with its length before it, all 32-bit little-endian; and
//! numcodecs' `vlen-array`, the same with an array in each element.

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::{Scratch, reserve};
use super::size::Size;
use super::{ArrayToBytes, ChunkRef, VariableLength};

/// What the elements are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Elements {
    /// UTF-8, checked.
    Utf8,
    /// Any bytes.
    Bytes,
    /// Arrays of items of so many bytes, which are stored big-endian or little-endian.
    Arrays {
        /// Size of an item in bytes.
        item: usize,
        /// Bytes of a scalar to reverse, 0 or 1 for none.
        reverse: usize,
    },
}

/// A `vlen-*` codec.
#[derive(Debug, Clone)]
pub(crate) struct Vlen {
    elements: Elements,
    count: u64,
}

impl Vlen {
    /// The codec for `array`, whose data type must be of variable length.
    pub(crate) fn new(elements: Elements, array: &Representation) -> Result<Self> {
        let codec = Self {
            elements,
            count: array.elements(),
        };
        if array.element_size().is_some() {
            let reason = format_args!("data type {:?} is of fixed size", array.data_type().name());
            return Err(CodecError::configuration(codec.name(), reason));
        }
        Ok(codec)
    }

    fn check(&self, element: &[u8], index: usize) -> Result<()> {
        match self.elements {
            Elements::Utf8 => std::str::from_utf8(element).map(drop).map_err(|error| {
                CodecError::corrupt(self.name(), format_args!("element {index} is not UTF-8: {error}"))
            }),
            Elements::Arrays { item, .. } if !element.len().is_multiple_of(item) => {
                let reason = format_args!(
                    "element {index} has {} bytes, not a multiple of {item}",
                    element.len()
                );
                Err(CodecError::corrupt(self.name(), reason))
            }
            Elements::Arrays { .. } | Elements::Bytes => Ok(()),
        }
    }
}

fn split_word(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*word)).ok()?, rest))
}

impl ArrayToBytes for Vlen {
    fn name(&self) -> &str {
        match self.elements {
            Elements::Utf8 => "vlen-utf8",
            Elements::Bytes => "vlen-bytes",
            Elements::Arrays { .. } => "vlen-array",
        }
    }

    fn encoded_size(&self) -> Size {
        Size::Variable {
            least: self.count.saturating_mul(4).saturating_add(4),
        }
    }

    fn decode_into(&self, _encoded: &[u8], _out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        Err(CodecError::unsupported(self.name(), "elements of fixed size"))
    }

    fn decode_variable(&self, encoded: &[u8], _scratch: &mut Scratch) -> Result<VariableLength> {
        let truncated = |index: usize| {
            CodecError::corrupt(
                self.name(),
                format_args!("element {index} runs past the end of {} bytes", encoded.len()),
            )
        };
        let (count, mut rest) = split_word(encoded).ok_or_else(|| {
            CodecError::corrupt(self.name(), format_args!("{} bytes hold no count", encoded.len()))
        })?;
        if count as u64 != self.count {
            let reason = format_args!("{count} elements where the chunk has {}", self.count);
            return Err(CodecError::corrupt(self.name(), reason));
        }
        // The length fields alone must fit, so what is allocated is bounded by what was stored.
        let lengths = count
            .checked_mul(4)
            .filter(|lengths| *lengths <= rest.len())
            .ok_or_else(|| truncated(rest.len() / 4))?;
        let mut values = VariableLength::with_capacity(count, rest.len() - lengths)?;
        for index in 0..count {
            let (length, after) = split_word(rest).ok_or_else(|| truncated(index))?;
            let (element, after) = after.split_at_checked(length).ok_or_else(|| truncated(index))?;
            self.check(element, index)?;
            values.push(element);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(CodecError::corrupt(
                self.name(),
                format_args!("{} bytes after the last element", rest.len()),
            ));
        }
        if let Elements::Arrays { reverse, .. } = self.elements {
            values.edit(|data| super::byte_planes::swap_bytes(reverse, data));
        }
        Ok(values)
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let values = decoded.variable(self.name())?;
        let mut swapped;
        let values = match self.elements {
            Elements::Arrays {
                reverse: reverse @ 2..,
                ..
            } => {
                swapped = values.clone();
                swapped.edit(|data| super::byte_planes::swap_bytes(reverse, data));
                &swapped
            }
            Elements::Arrays { .. } | Elements::Utf8 | Elements::Bytes => values,
        };
        let word = |value: usize| {
            let large = |_| CodecError::unencodable(self.name(), format_args!("{value} exceeds 32 bits"));
            u32::try_from(value).map(u32::to_le_bytes).map_err(large)
        };
        let mut out = reserve(
            self.name(),
            values
                .data()
                .len()
                .saturating_add(values.len().saturating_mul(4))
                .saturating_add(4),
        )?;
        out.extend_from_slice(&word(values.len())?);
        for (index, element) in values.iter().enumerate() {
            self.check(element, index)
                .map_err(|error| CodecError::unencodable(self.name(), error.kind))?;
            out.extend_from_slice(&word(element.len())?);
            out.extend_from_slice(element);
        }
        Ok(out)
    }
}
