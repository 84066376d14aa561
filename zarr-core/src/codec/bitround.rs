//! `bitround`: fewer significant bits, so that what follows compresses better. Decoding changes nothing.

use super::ArrayToArray;
use super::config::Config;
use super::error::{CodecError, Result};
use super::number::Number;
use super::representation::Representation;
use crate::metadata::DataType;
use crate::metadata::data_type::FloatKind;

const NAME: &str = "bitround";

/// The `bitround` codec.
#[derive(Debug, Clone)]
pub(super) struct BitRound {
    keep_bits: u32,
    /// Bytes of a scalar, and the bits of its mantissa; integers count from their highest set bit.
    width: usize,
    mantissa: Option<u32>,
    encoded: Representation,
}

impl BitRound {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let keep_bits = config.required(
            "keepbits",
            "an integer of at least 0",
            config.unsigned("keepbits")?,
        )?;
        let number = if let DataType::Complex { component, .. } = array.data_type() {
            Number::Float(*component)
        } else {
            Number::of(NAME, array.data_type())?
        };
        let (width, mantissa) = match number {
            Number::Int(kind) if kind.bits() >= 8 => (kind.size_bytes(), None),
            Number::Float(FloatKind::BFloat16) => (2, Some(7)),
            Number::Float(FloatKind::Float16) => (2, Some(10)),
            Number::Float(FloatKind::Float32) => (4, Some(23)),
            Number::Float(FloatKind::Float64) => (8, Some(52)),
            Number::Int(_) | Number::Float(_) => {
                let what = format_args!("data type {:?}", array.data_type().name());
                return Err(CodecError::unsupported(NAME, what));
            }
        };
        let most = mantissa.unwrap_or(8 * u32::try_from(width).unwrap_or(8));
        let keep_bits = u32::try_from(keep_bits).ok().filter(|bits| *bits <= most);
        let keep_bits = keep_bits.ok_or_else(|| config.wrong("keepbits", &format!("at most {most}")))?;
        let mut codec = Self {
            keep_bits,
            width,
            mantissa,
            encoded: array.clone(),
        };
        let mut fill = array.fill().to_vec();
        codec.encode_into(array.fill(), &mut fill)?;
        codec.encoded = array.with_type(array.data_type().clone(), fill)?;
        Ok(codec)
    }

    /// Rounds to nearest, ties to even, within `width` bytes.
    fn round(&self, bits: u64) -> u64 {
        let significant = self.mantissa.unwrap_or(u64::BITS - bits.leading_zeros());
        let Some(drop @ 1..) = significant.checked_sub(self.keep_bits) else {
            return bits;
        };
        let mask = u64::MAX.checked_shl(drop).unwrap_or(0);
        let half = (1 << (drop - 1)) - 1;
        let odd = bits.checked_shr(drop).unwrap_or(0) & 1;
        let all = u64::MAX >> (64 - 8 * self.width);
        // Integers do not wrap around; floats carry into the exponent, as they should.
        let sum = if self.mantissa.is_some() {
            bits.wrapping_add(odd + half)
        } else {
            bits.saturating_add(odd + half).min(all)
        };
        sum & mask & all
    }
}

impl ArrayToArray for BitRound {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decodes_to_same_bytes(&self) -> bool {
        true
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(encoded);
        Ok(())
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        for (from, to) in decoded
            .chunks_exact(self.width)
            .zip(out.chunks_exact_mut(self.width))
        {
            let mut padded = [0; 8];
            for (to, from) in padded.iter_mut().zip(from) {
                *to = *from;
            }
            for (to, from) in to
                .iter_mut()
                .zip(self.round(u64::from_le_bytes(padded)).to_le_bytes())
            {
                *to = from;
            }
        }
        Ok(())
    }
}
