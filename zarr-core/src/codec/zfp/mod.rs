//! `zfp` (registered, without a header) and `numcodecs.zfpy` (with one).
//!
//! Written here from the published algorithm: the only wrappers of the C library need cmake, libclang and `unsafe`.
//!
//! Format: <https://zfp.readthedocs.io/en/release1.0.1/algorithm.html>, header: `zfp_write_header` in
//! <https://zfp.readthedocs.io/en/release1.0.1/high-level-api.html>.

mod bits;
mod block;
mod order;

use super::config::Config;
use super::error::{CodecError, Result};
use super::number::Number;
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToBytes, ChunkRef};
use crate::metadata::data_type::{FloatKind, IntKind};
use bits::{Reader, Writer};
use block::{Block, Blocks, Kind, Limits, MAX_BITS, MAX_PRECISION, MIN_EXPONENT};

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

/// No limit at all.
const FREE: Limits = Limits {
    min_bits: 1,
    max_bits: MAX_BITS,
    max_precision: MAX_PRECISION,
    min_exponent: MIN_EXPONENT,
};
/// Every bit comes back.
const REVERSIBLE: Limits = Limits {
    min_exponent: MIN_EXPONENT - 1,
    ..FREE
};

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
/// Announces a mode of 64 bits.
const LONG_MODE: u64 = 0xfff;

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

/// Errors of at most `tolerance`.
fn accuracy(tolerance: f64) -> Limits {
    if tolerance <= 0.0 || !tolerance.is_finite() {
        return if tolerance == 0.0 { FREE } else { REVERSIBLE };
    }
    // The largest power of two that is not above it.
    let stored = i32::try_from(tolerance.to_bits() >> 52).unwrap_or(0);
    let subnormal = 63_i32 - tolerance.to_bits().leading_zeros().cast_signed() + MIN_EXPONENT;
    Limits {
        min_exponent: if stored > 0 { stored - 1023 } else { subnormal },
        ..FREE
    }
}

/// So many bit planes, or all for 0.
fn precision(planes: u64) -> Limits {
    let planes = u32::try_from(planes).unwrap_or(MAX_PRECISION);
    Limits {
        max_precision: if planes == 0 {
            MAX_PRECISION
        } else {
            planes.min(MAX_PRECISION)
        },
        ..FREE
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// The limits that a mode stands for.
fn limits_of(mode: u64) -> Limits {
    let small = |value: u64| u32::try_from(value).unwrap_or(0);
    match mode {
        0..2048 => Limits {
            min_bits: mode + 1,
            max_bits: mode + 1,
            ..FREE
        },
        2048..2176 => precision(mode - 2047),
        2176 => REVERSIBLE,
        2177..LONG_MODE => Limits {
            min_exponent: small(mode - 2177).cast_signed() + MIN_EXPONENT,
            ..FREE
        },
        _ => Limits {
            min_bits: (mode >> 12 & 0x7fff) + 1,
            max_bits: (mode >> 27 & 0x7fff) + 1,
            max_precision: small(mode >> 42 & 0x7f) + 1,
            min_exponent: small(mode >> 49 & 0x7fff).cast_signed() - 16_495,
        },
    }
}

/// The mode of limits: the inverse of [`limits_of`].
fn mode_of(limits: Limits) -> u64 {
    let Limits {
        min_bits,
        max_bits,
        max_precision,
        min_exponent,
    } = limits;
    let free_bits = min_bits <= 1 && max_bits >= MAX_BITS;
    let above = u64::try_from(min_exponent - MIN_EXPONENT).ok();
    match above {
        Some(0) if min_bits == max_bits && max_precision >= MAX_PRECISION && max_bits <= 2048 => max_bits - 1,
        Some(0) if free_bits && max_precision < MAX_PRECISION => u64::from(max_precision) + 2047,
        Some(above @ 1..=1917) if free_bits && max_precision >= MAX_PRECISION => above + 2177,
        None if free_bits && max_precision >= MAX_PRECISION && min_exponent == MIN_EXPONENT - 1 => 2176,
        _ => {
            let exponent = u64::try_from((min_exponent + 16_495).clamp(0, 0x7fff)).unwrap_or(0);
            LONG_MODE
                | (min_bits.clamp(1, 0x8000) - 1) << 12
                | (max_bits.clamp(1, 0x8000) - 1) << 27
                | u64::from(max_precision.clamp(1, 0x80) - 1) << 42
                | exponent << 49
        }
    }
}

/// Calls `block` with the first element of each block of an array and the number of its elements along each dimension.
fn each_block(lengths: &[usize], mut block: impl FnMut([usize; 4], [usize; 4])) {
    let length = |dimension: usize| lengths.get(dimension).copied().unwrap_or(1);
    let starts = |dimension: usize| (0..length(dimension)).step_by(4);
    for l in starts(3) {
        for k in starts(2) {
            for j in starts(1) {
                for i in starts(0) {
                    let corner = [i, j, k, l];
                    block(
                        corner,
                        std::array::from_fn(|dimension| (length(dimension) - corner[dimension]).min(4)),
                    );
                }
            }
        }
    }
}

/// The elements of a block: its index in the block and in the array.
fn each_element(
    lengths: &[usize],
    corner: [usize; 4],
    extent: [usize; 4],
    mut element: impl FnMut(usize, usize),
) {
    let length = |dimension: usize| lengths.get(dimension).copied().unwrap_or(1);
    for l in 0..extent[3] {
        for k in 0..extent[2] {
            for j in 0..extent[1] {
                let row = ((corner[3] + l) * length(2) + corner[2] + k) * length(1) + corner[1] + j;
                for i in 0..extent[0] {
                    element(i + 4 * (j + 4 * (k + 4 * l)), row * length(0) + corner[0] + i);
                }
            }
        }
    }
}

/// Fills the part of a block that lies outside of the array, as the library does: lines are continued by their last
/// element, and by their first one in the last place.
fn pad(block: &mut Block, extent: [usize; 4], dimensions: u32) {
    let size = 1_usize << (2 * dimensions);
    for (dimension, extent) in extent
        .into_iter()
        .enumerate()
        .take(usize::try_from(dimensions).unwrap_or(4))
    {
        let stride = 1_usize << (2 * dimension);
        for start in (0..size).filter(|start| (start / stride).is_multiple_of(4)) {
            for place in extent..4 {
                let from = if place == 3 { 0 } else { place - 1 };
                block[start + place * stride] = block[start + from * stride];
            }
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
