//! `zfp` (registered, without a header) and `numcodecs.zfpy` (with one).
//!
//! Written here from the published algorithm: the only wrappers of the C library need cmake, libclang and `unsafe`.
//!
//! Format: <https://zfp.readthedocs.io/en/release1.0.1/algorithm.html>, header: `zfp_write_header` in
//! <https://zfp.readthedocs.io/en/release1.0.1/high-level-api.html>.

mod bits;
mod block;
mod grid;
mod lift;
mod limits;
mod order;
mod planes;

use super::config::Config;
use super::error::{CodecError, Result};
use super::number::Number;
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToBytes, ChunkRef};
use crate::metadata::data_type::{FloatKind, IntKind};
use bits::{Reader, Writer};
use block::{Block, Blocks, Kind};
use grid::{each_block, each_element, pad};
use limits::{
    FREE, LONG_MODE, Limits, MAX_BITS, MAX_PRECISION, REVERSIBLE, accuracy, limits_of, mode_of, precision,
    whole,
};

/// The `zfp` and `zfpy` codecs.
#[derive(Debug, Clone)]
pub(super) struct Zfp {
    name: &'static str,
    header: bool,
    kind: Kind,
    limits: Limits,
    /// Lengths of the array, the last dimension first.
    lengths: Vec<usize>,
    size: Size,
}

impl Zfp {
    /// The registered codec.
    pub(super) fn registered(config: Config<'_>, array: &Representation) -> Result<Self> {
        let mut codec = Self::new("zfp", false, array)?;
        let number = |key: &str| config.required(key, "a number", config.float(key)?);
        let count = |key: &str| {
            let value = config.required(key, "an integer of at least 0", config.unsigned(key)?)?;
            Ok::<_, CodecError>(value)
        };
        codec.limits = match config.text("mode")? {
            Some("reversible") => REVERSIBLE,
            Some("fixed_accuracy") => accuracy(number("tolerance")?),
            Some("fixed_precision") => precision(count("precision")?),
            Some("fixed_rate") => codec.rate(number("rate")?)?,
            Some("expert") => Limits {
                min_bits: count("minbits")?,
                max_bits: count("maxbits")?,
                max_precision: u32::try_from(count("maxprec")?).unwrap_or(MAX_PRECISION),
                min_exponent: config
                    .integer("minexp")?
                    .and_then(|exponent| i32::try_from(exponent).ok())
                    .ok_or_else(|| config.wrong("minexp", "an integer"))?,
            },
            _ => {
                return Err(config.wrong(
                    "mode",
                    "reversible, expert, fixed_accuracy, fixed_rate or fixed_precision",
                ));
            }
        };
        codec.checked()
    }

    /// numcodecs' codec, whose modes are the library's numbers. Reading takes everything from the header.
    pub(super) fn numcodecs(config: Config<'_>, array: &Representation) -> Result<Self> {
        let mut codec = Self::new("zfpy", true, array)?;
        codec.limits = match config.integer("mode")? {
            None | Some(4) => accuracy(config.float("tolerance")?.unwrap_or(-1.0)),
            Some(2) => codec.rate(config.float("rate")?.unwrap_or(-1.0))?,
            Some(3) => precision(config.float("precision")?.map_or(0, whole)),
            // numcodecs passes no parameter for any other mode, and the library is then lossless.
            Some(_) => REVERSIBLE,
        };
        codec.checked()
    }

    fn new(name: &'static str, header: bool, array: &Representation) -> Result<Self> {
        let kind = match Number::real(name, array.data_type())? {
            Number::Int(IntKind::Int32) => Kind::Int32,
            Number::Int(IntKind::Int64) => Kind::Int64,
            Number::Float(FloatKind::Float32) => Kind::Float32,
            Number::Float(FloatKind::Float64) => Kind::Float64,
            Number::Int(_) | Number::Float(_) => {
                return Err(CodecError::unsupported(
                    name,
                    format_args!("data type {:?}", array.data_type().name()),
                ));
            }
        };
        let edge = |edge: &u64| usize::try_from(*edge).map_err(|_| CodecError::out_of_memory(name, *edge));
        let mut lengths = array.shape().iter().rev().map(edge).collect::<Result<Vec<_>>>()?;
        if lengths.is_empty() {
            lengths.push(1);
        }
        if lengths.len() > 4 {
            return Err(CodecError::configuration(
                name,
                format_args!("{} dimensions where at most 4 are possible", lengths.len()),
            ));
        }
        Ok(Self {
            name,
            header,
            kind,
            limits: FREE,
            lengths,
            size: array.size(),
        })
    }

    fn checked(self) -> Result<Self> {
        let Limits {
            min_bits,
            max_bits,
            max_precision,
            ..
        } = self.limits;
        // A block must say at least whether it is zero and what its exponent is.
        let least = if self.kind.is_float() { 13 } else { 1 };
        if min_bits > max_bits
            || max_bits > 1 << 20
            || max_bits < least.min(MAX_BITS)
            || !(1..=MAX_PRECISION).contains(&max_precision)
        {
            return Err(CodecError::configuration(
                self.name,
                format_args!("limits {:?} are contradictory", self.limits),
            ));
        }
        Ok(self)
    }

    fn blocks(&self, limits: Limits, lengths: &[usize]) -> Blocks {
        Blocks {
            kind: self.kind,
            dimensions: u32::try_from(lengths.len()).unwrap_or(4),
            limits,
        }
    }

    /// `rate` bits for each number, whatever it takes.
    fn rate(&self, rate: f64) -> Result<Limits> {
        let numbers = self.blocks(FREE, &self.lengths).size();
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        let bits = whole((rate * numbers as f64 + 0.5).floor());
        let least = match self.kind {
            Kind::Float32 => 9,
            Kind::Float64 => 12,
            Kind::Int32 | Kind::Int64 => 1,
        };
        let bits = bits.max(least);
        if rate <= 0.0 || bits > MAX_BITS {
            return Err(CodecError::configuration(self.name, format_args!("rate {rate}")));
        }
        Ok(Limits {
            min_bits: bits,
            max_bits: bits,
            ..FREE
        })
    }

    /// Reads the header: limits and lengths of the array.
    fn read_header(&self, reader: &mut Reader<'_>) -> Result<(Limits, Vec<usize>)> {
        let corrupt = |reason: String| CodecError::corrupt(self.name, reason);
        let magic = reader.bits(24).to_le_bytes();
        if !magic.starts_with(b"zfp") {
            return Err(corrupt(format!("the header begins with {:02x?}", &magic[..3])));
        }
        let version = reader.bits(8);
        if version != CODEC_VERSION {
            return Err(CodecError::unsupported(
                self.name,
                format_args!("version {version} of the format"),
            ));
        }
        let kind = reader.bits(2);
        if kind != self.kind.code() {
            return Err(corrupt(format!(
                "numbers of type {kind} where the data type is {:?}",
                self.kind
            )));
        }
        let dimensions = usize::try_from(reader.bits(2)).unwrap_or(0) + 1;
        let width = 48 / u32::try_from(dimensions).unwrap_or(1);
        let lengths: Vec<u64> = (0..dimensions).map(|_| reader.bits(width) + 1).collect();
        let found = lengths
            .iter()
            .try_fold(1_u64, |product, length| product.checked_mul(*length));
        let expected = self.lengths.iter().map(|length| *length as u64).product::<u64>();
        if found != Some(expected) {
            return Err(corrupt(format!(
                "an array of lengths {lengths:?} where the chunk has {expected} elements"
            )));
        }
        let mut mode = reader.bits(12);
        if mode == LONG_MODE {
            mode |= reader.bits(52) << 12;
        }
        let lengths = lengths
            .into_iter()
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX))
            .collect();
        Ok((limits_of(mode), lengths))
    }

    fn write_header(&self, writer: &mut Writer) -> Result<()> {
        writer.bits(u64::from_le_bytes(*b"zfp\0\0\0\0\0"), 24);
        writer.bits(CODEC_VERSION, 8);
        writer.bits(self.kind.code(), 2);
        writer.bits(self.lengths.len() as u64 - 1, 2);
        let width = 48 / u32::try_from(self.lengths.len()).unwrap_or(1);
        for length in &self.lengths {
            let stored = (*length as u64)
                .checked_sub(1)
                .filter(|stored| *stored >> width == 0);
            let stored = stored.ok_or_else(|| {
                CodecError::unencodable(self.name, format_args!("a dimension of length {length}"))
            })?;
            writer.bits(stored, width);
        }
        let mode = mode_of(self.limits);
        writer.bits(mode, if mode & LONG_MODE == LONG_MODE { 64 } else { 12 });
        Ok(())
    }
}

/// The version of the codec that all releases since 0.5 write.
const CODEC_VERSION: u64 = 5;
impl Kind {
    /// The number of the type in the header.
    fn code(self) -> u64 {
        match self {
            Self::Int32 => 0,
            Self::Int64 => 1,
            Self::Float32 => 2,
            Self::Float64 => 3,
        }
    }
}

impl ArrayToBytes for Zfp {
    fn name(&self) -> &str {
        self.name
    }

    fn encoded_size(&self) -> Size {
        let blocks = self.lengths.iter().fold(1_u64, |blocks, length| {
            blocks.saturating_mul(length.div_ceil(4) as u64)
        });
        match self.size.compressed() {
            Size::AtMost(size) => Size::AtMost(
                size.max(
                    blocks
                        .saturating_mul(self.limits.min_bits.div_ceil(8))
                        .saturating_add(64),
                ),
            ),
            other @ (Size::Exact(_) | Size::Variable { .. }) => other,
        }
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let mut reader = Reader::new(encoded);
        let (limits, lengths) = if self.header {
            self.read_header(&mut reader)?
        } else {
            (self.limits, self.lengths.clone())
        };
        let blocks = self.blocks(limits, &lengths);
        let width = usize::try_from(self.kind.width() / 8).unwrap_or(8);
        let mut block: Block = [0; 256];
        let available = encoded.len() as u64;
        let mut whole = true;
        each_block(&lengths, |corner, extent| {
            // Bits beyond the end are zeros; nothing is decoded once some were needed.
            whole = whole && reader.used() <= available;
            if !whole {
                return;
            }
            blocks.decode(&mut reader, &mut block);
            each_element(&lengths, corner, extent, |from, to| {
                if let Some(element) = out.get_mut(to * width..(to + 1) * width) {
                    for (to, from) in element.iter_mut().zip(block[from].to_le_bytes()) {
                        *to = from;
                    }
                }
            });
        });
        let used = reader.used();
        if used > available {
            return Err(CodecError::corrupt(
                self.name,
                format_args!("the stream of {available} bytes is truncated"),
            ));
        }
        // The stream ends with a whole word of 64 bits.
        if available - used >= 8 {
            return Err(CodecError::corrupt(
                self.name,
                format_args!("{} bytes after the end of the stream", available - used),
            ));
        }
        Ok(())
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let decoded = decoded.fixed(self.name)?;
        let width = usize::try_from(self.kind.width() / 8).unwrap_or(8);
        let load = |element: &[u8]| {
            let mut padded = [0; 8];
            for (to, from) in padded.iter_mut().zip(element) {
                *to = *from;
            }
            u64::from_le_bytes(padded)
        };
        if self.kind.is_float() && !self.limits.is_reversible() {
            let finite = |element: &[u8]| match self.kind {
                Kind::Float32 => element
                    .first_chunk()
                    .is_some_and(|bytes| f32::from_le_bytes(*bytes).is_finite()),
                Kind::Int32 | Kind::Int64 | Kind::Float64 => f64::from_bits(load(element)).is_finite(),
            };
            if !decoded.chunks_exact(width).all(finite) {
                return Err(CodecError::unencodable(
                    self.name,
                    "NaN and infinity exist only in the reversible mode",
                ));
            }
        }
        let mut writer = Writer::default();
        if self.header {
            self.write_header(&mut writer)?;
        }
        let blocks = self.blocks(self.limits, &self.lengths);
        let mut block: Block = [0; 256];
        each_block(&self.lengths, |corner, extent| {
            each_element(&self.lengths, corner, extent, |to, from| {
                block[to] = decoded.get(from * width..(from + 1) * width).map_or(0, load);
            });
            pad(&mut block, extent, blocks.dimensions);
            blocks.encode(&mut writer, &block);
        });
        Ok(writer.finish())
    }
}
