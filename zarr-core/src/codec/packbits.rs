//! `packbits`: elements of fewer than eight bits side by side; and numcodecs' `packbits` for booleans.
//!
//! The registry does not say in which order bits fill a byte. Here the registered codec fills from the lowest bit, as
//! zarrs does, the only other implementation; numcodecs' own codec fills from the highest, as NumPy does.
//!
//! Definition: <https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/packbits>.

use super::config::Config;
use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::{Scratch, zeroed};
use super::size::Size;
use super::{ArrayToArray, ArrayToBytes, ChunkRef};
use crate::metadata::DataType;
use crate::metadata::data_type::IntKind;

const NAME: &str = "packbits";

/// Where the number of padding bits is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Nowhere,
    FirstByte,
    LastByte,
}

/// The `packbits` codec.
#[derive(Debug, Clone)]
pub(super) struct PackBits {
    padding: Padding,
    /// Bytes of a component in memory.
    width: usize,
    /// Bits of a component in memory that count.
    bits: u32,
    first_bit: u32,
    /// Bits of a component that are stored.
    stored: u32,
    signed: bool,
    components: u64,
}

impl PackBits {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        config.only(&["padding_encoding", "first_bit", "last_bit"])?;
        let padding = match config.text("padding_encoding")? {
            None | Some("none") => Padding::Nowhere,
            Some("first_byte") => Padding::FirstByte,
            Some("last_byte") => Padding::LastByte,
            Some(_) => return Err(config.wrong("padding_encoding", "none, first_byte or last_byte")),
        };
        let unsupported =
            || CodecError::unsupported(NAME, format_args!("data type {:?}", array.data_type().name()));
        let bits = array.data_type().packed_bits().ok_or_else(unsupported)?;
        let parts = if matches!(array.data_type(), DataType::Complex { .. }) {
            2
        } else {
            1
        };
        let width = array.element_size().ok_or_else(unsupported)? / parts;
        let bit = |key: &str, otherwise: u32| match config.unsigned(key)? {
            None => Ok(otherwise),
            Some(bit) => u32::try_from(bit)
                .ok()
                .filter(|bit| *bit < bits)
                .ok_or_else(|| config.wrong(key, &format!("a bit below {bits}"))),
        };
        let (first_bit, last_bit) = (bit("first_bit", 0)?, bit("last_bit", bits - 1)?);
        if last_bit < first_bit {
            return Err(CodecError::configuration(
                NAME,
                format_args!("last_bit {last_bit} is below first_bit {first_bit}"),
            ));
        }
        let signed = if let DataType::Int(kind) = array.data_type() {
            kind.is_signed()
        } else {
            false
        };
        let components = array.elements().saturating_mul(parts as u64);
        Ok(Self {
            padding,
            width,
            bits,
            first_bit,
            stored: last_bit - first_bit + 1,
            signed,
            components,
        })
    }

    /// Bytes of the bit sequence, and the bits that pad it.
    fn packed(&self) -> (u64, u8) {
        let bits = u128::from(self.components) * u128::from(self.stored);
        let bytes = u64::try_from(bits.div_ceil(8)).unwrap_or(u64::MAX);
        (bytes, u8::try_from((8 - bits % 8) % 8).unwrap_or(0))
    }

    fn total(&self) -> u64 {
        self.packed()
            .0
            .saturating_add(u64::from(self.padding != Padding::Nowhere))
    }

    /// The stored bits of a component as it is in memory.
    fn unpack(&self, value: u64) -> u64 {
        let mut value = value << self.first_bit;
        let top = self.first_bit + self.stored;
        if self.signed && value >> (top - 1) & 1 == 1 {
            value |= u64::MAX.checked_shl(top).unwrap_or(0);
        }
        value & (u64::MAX >> (64 - self.bits))
    }
}

impl ArrayToBytes for PackBits {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self) -> Size {
        Size::Exact(self.total())
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        if encoded.len() as u64 != self.total() {
            return Err(CodecError::wrong_size(
                NAME,
                format_args!("{} packed", encoded.len()),
                self.total(),
            ));
        }
        let (declared, packed) = match self.padding {
            Padding::Nowhere => (None, Some(encoded)),
            Padding::FirstByte => (encoded.first(), encoded.get(1..)),
            Padding::LastByte => (encoded.last(), encoded.split_last().map(|(_, packed)| packed)),
        };
        let (_, padding) = self.packed();
        if let Some(declared) = declared.filter(|declared| **declared != padding) {
            return Err(CodecError::corrupt(
                NAME,
                format_args!("{declared} bits of padding where there are {padding}"),
            ));
        }
        let mut packed = packed.unwrap_or_default().iter();
        let mask = u64::MAX >> (64 - self.stored);
        let (mut held, mut count) = (0_u128, 0_u32);
        for component in out.chunks_exact_mut(self.width) {
            while count < self.stored {
                held |= u128::from(packed.next().copied().unwrap_or(0)) << count;
                count += 8;
            }
            let value = self.unpack(u64::try_from(held & u128::from(mask)).unwrap_or(0));
            held >>= self.stored;
            count -= self.stored;
            for (to, from) in component.iter_mut().zip(value.to_le_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let decoded = decoded.fixed(NAME)?;
        let total =
            usize::try_from(self.total()).map_err(|_| CodecError::out_of_memory(NAME, self.total()))?;
        let (_, padding) = self.packed();
        let mut out = zeroed(NAME, total)?;
        let packed = match self.padding {
            Padding::Nowhere => out.as_mut_slice(),
            Padding::FirstByte => match out.split_first_mut() {
                Some((first, packed)) => {
                    *first = padding;
                    packed
                }
                None => &mut [],
            },
            Padding::LastByte => match out.split_last_mut() {
                Some((last, packed)) => {
                    *last = padding;
                    packed
                }
                None => &mut [],
            },
        };
        let mask = u64::MAX >> (64 - self.stored);
        let mut target = packed.iter_mut();
        let (mut held, mut count) = (0_u128, 0_u32);
        for component in decoded.chunks_exact(self.width) {
            let mut padded = [0; 8];
            for (to, from) in padded.iter_mut().zip(component) {
                *to = *from;
            }
            held |= u128::from(u64::from_le_bytes(padded) >> self.first_bit & mask) << count;
            count += self.stored;
            while count >= 8 {
                if let (Some(to), [low, ..]) = (target.next(), held.to_le_bytes()) {
                    *to = low;
                }
                held >>= 8;
                count -= 8;
            }
        }
        if let (true, Some(to), [low, ..]) = (count > 0, target.next(), held.to_le_bytes()) {
            *to = low;
        }
        Ok(out)
    }
}

/// numcodecs' `packbits`: an array of booleans as bytes, the first of which counts the padding bits.
#[derive(Debug, Clone)]
pub(super) struct NumcodecsPackBits {
    elements: u64,
    encoded: Representation,
}

impl NumcodecsPackBits {
    pub(super) fn new(array: &Representation) -> Result<Self> {
        if array.element_size() != Some(1) {
            let what = format_args!("data type {:?}, which has not one byte", array.data_type().name());
            return Err(CodecError::unsupported(NAME, what));
        }
        let bytes = array.elements().div_ceil(8) + 1;
        let encoded = Representation::new(vec![bytes], DataType::Int(IntKind::UInt8), vec![0])?;
        Ok(Self {
            elements: array.elements(),
            encoded,
        })
    }

    fn padding(&self) -> u8 {
        u8::try_from((8 - self.elements % 8) % 8).unwrap_or(0)
    }
}

impl ArrayToArray for NumcodecsPackBits {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (padding, packed) = encoded.split_first().unwrap_or((&0, &[]));
        if *padding != self.padding() {
            return Err(CodecError::corrupt(
                NAME,
                format_args!("{padding} bits of padding where there are {}", self.padding()),
            ));
        }
        for (bits, byte) in out.chunks_mut(8).zip(packed) {
            for (index, bit) in bits.iter_mut().enumerate() {
                *bit = byte >> (7 - index) & 1;
            }
        }
        Ok(())
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Some((padding, packed)) = out.split_first_mut() else {
            return Ok(());
        };
        *padding = self.padding();
        for (bits, byte) in decoded.chunks(8).zip(packed) {
            *byte = bits
                .iter()
                .enumerate()
                .fold(0, |byte, (index, bit)| byte | u8::from(*bit != 0) << (7 - index));
        }
        Ok(())
    }
}
