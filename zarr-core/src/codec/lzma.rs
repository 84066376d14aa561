//! `lzma` and `numcodecs.lzma`: the `.xz` container, the older `.lzma` one, and raw streams.

use liblzma::stream::{Action, Check, Error, Filters, LzmaOptions, Status, Stream};

use super::error::{CodecError, Result};
use super::scratch::{Scratch, reserve};
use super::size::Size;
use super::{BytesToBytes, Decoded};

const NAME: &str = "lzma";

/// Memory for a decoder's dictionary: preset 9 takes 65 MiB; a header that asks for more than this is refused.
const MEMORY: u64 = 100 << 20;

/// The container, with Python's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Xz,
    Alone,
    Raw,
}

/// A filter of a raw (or custom) chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LzmaFilter {
    /// LZMA2.
    Lzma2(LzmaSettings),
    /// LZMA1: a raw stream of it cannot be read without its settings.
    Lzma1(LzmaSettings),
    /// Differences of bytes `distance` apart.
    Delta {
        /// 1 to 256.
        distance: u32,
    },
    /// Addresses of machine code made absolute.
    Branch {
        /// The machine.
        machine: Machine,
        /// The address of the first byte.
        start_offset: u32,
    },
}

/// The settings of a preset, and where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LzmaSettings {
    /// 0 to 9, optionally with the extreme flag.
    pub(crate) preset: u32,
    /// Dictionary size in bytes.
    pub(crate) dictionary: Option<u32>,
    /// Bits of the byte before that count, `lc`: 0 to 4.
    pub(crate) literal_context_bits: Option<u32>,
    /// Bits of the position that count for literals, `lp`: 0 to 4, with `lc` at most 4.
    pub(crate) literal_position_bits: Option<u32>,
    /// Bits of the position that count for everything else, `pb`: 0 to 4.
    pub(crate) position_bits: Option<u32>,
}

/// The machines whose branches the `.xz` format knows, as far as Python does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    X86,
    PowerPc,
    Ia64,
    Arm,
    ArmThumb,
    Sparc,
}

/// The `lzma` codec.
#[derive(Debug, Clone)]
pub(crate) struct Lzma {
    format: Format,
    check: Check,
    preset: u32,
    filters: Option<Vec<LzmaFilter>>,
}

/// Python's `PRESET_DEFAULT`.
const PRESET: u32 = 6;

impl Lzma {
    /// Python's constants: `format` 1 is xz, 2 alone, 3 raw; `check` -1 is the format's default, 0 none, 1 CRC32,
    /// 4 CRC64, 10 SHA-256; `filters` are needed for raw streams.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for other values.
    pub(crate) fn new(
        format: i64,
        check: i64,
        preset: Option<u32>,
        filters: Option<Vec<LzmaFilter>>,
    ) -> Result<Self> {
        let format = match format {
            1 => Format::Xz,
            2 => Format::Alone,
            3 => Format::Raw,
            other => {
                return Err(CodecError::configuration(
                    NAME,
                    format_args!("format {other} is not 1, 2 or 3"),
                ));
            }
        };
        let check = match check {
            -1 | 4 => Check::Crc64,
            0 => Check::None,
            1 => Check::Crc32,
            10 => Check::Sha256,
            other => {
                return Err(CodecError::configuration(
                    NAME,
                    format_args!("check {other} is not -1, 0, 1, 4 or 10"),
                ));
            }
        };
        if format == Format::Raw && filters.is_none() {
            return Err(CodecError::configuration(NAME, "a raw stream needs its filters"));
        }
        let codec = Self {
            format,
            check,
            preset: preset.unwrap_or(PRESET),
            filters,
        };
        if let Some(filters) = &codec.filters {
            chain(filters)?;
        }
        Ok(codec)
    }

    fn decoder(&self) -> Result<Stream> {
        match self.format {
            Format::Xz => Stream::new_stream_decoder(MEMORY, liblzma::stream::CONCATENATED),
            Format::Alone => Stream::new_lzma_decoder(MEMORY),
            Format::Raw => Stream::new_raw_decoder(&chain(self.filters.as_deref().unwrap_or_default())?),
        }
        .map_err(|error| CodecError::configuration(NAME, error))
    }

    fn encoder(&self) -> Result<Stream> {
        match (self.format, &self.filters) {
            (Format::Xz, None) => Stream::new_easy_encoder(self.preset, self.check),
            (Format::Xz, Some(filters)) => Stream::new_stream_encoder(&chain(filters)?, self.check),
            (Format::Alone, _) => {
                LzmaOptions::new_preset(self.preset).and_then(|options| Stream::new_lzma_encoder(&options))
            }
            (Format::Raw, filters) => {
                Stream::new_raw_encoder(&chain(filters.as_deref().unwrap_or_default())?)
            }
        }
        .map_err(|error| CodecError::configuration(NAME, error))
    }
}

fn chain(filters: &[LzmaFilter]) -> Result<Filters> {
    let wrong = |error: Error| CodecError::configuration(NAME, error);
    let options = |settings: LzmaSettings| {
        let mut options = LzmaOptions::new_preset(settings.preset).map_err(wrong)?;
        if let Some(size) = settings.dictionary {
            if u64::from(size) > MEMORY {
                return Err(CodecError::configuration(
                    NAME,
                    format_args!("a dictionary of {size} bytes"),
                ));
            }
            options.dict_size(size);
        }
        let bits = |name: &str, bits: Option<u32>| match bits {
            Some(5..) => Err(CodecError::configuration(
                NAME,
                format_args!("{name} is not in 0..=4"),
            )),
            bits => Ok(bits),
        };
        if let Some(bits) = bits("lc", settings.literal_context_bits)? {
            options.literal_context_bits(bits);
        }
        if let Some(bits) = bits("lp", settings.literal_position_bits)? {
            options.literal_position_bits(bits);
        }
        if let Some(bits) = bits("pb", settings.position_bits)? {
            options.position_bits(bits);
        }
        Ok(options)
    };
    let mut chain = Filters::new();
    for filter in filters {
        match *filter {
            LzmaFilter::Lzma2(settings) => {
                chain.lzma2(&options(settings)?);
            }
            LzmaFilter::Lzma1(settings) => {
                chain.lzma1(&options(settings)?);
            }
            LzmaFilter::Branch {
                machine,
                start_offset,
            } => {
                let properties = start_offset.to_le_bytes();
                match machine {
                    Machine::X86 => chain.x86_properties(&properties),
                    Machine::PowerPc => chain.powerpc_properties(&properties),
                    Machine::Ia64 => chain.ia64_properties(&properties),
                    Machine::Arm => chain.arm_properties(&properties),
                    Machine::ArmThumb => chain.arm_thumb_properties(&properties),
                    Machine::Sparc => chain.sparc_properties(&properties),
                }
                .map_err(wrong)?;
            }
            LzmaFilter::Delta { distance } => {
                let byte = u8::try_from(distance.wrapping_sub(1)).map_err(|_| {
                    CodecError::configuration(
                        NAME,
                        format_args!("delta distance {distance} is not in 1..=256"),
                    )
                })?;
                chain.delta_properties(&[byte]).map_err(wrong)?;
            }
        }
    }
    Ok(chain)
}

fn count(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX)
}

impl BytesToBytes for Lzma {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.compressed()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        let mut stream = self.decoder()?;
        loop {
            let (read, wrote) = (count(stream.total_in()), count(stream.total_out()));
            let rest = encoded.get(read..).unwrap_or_default();
            let space = out.get_mut(wrote..).unwrap_or_default();
            let status = stream
                .process(rest, space, Action::Finish)
                .map_err(|error| CodecError::corrupt(NAME, error))?;
            let (now_read, now_wrote) = (count(stream.total_in()), count(stream.total_out()));
            if status == Status::StreamEnd {
                return match encoded.len() - now_read {
                    0 => Ok(Decoded::Complete(now_wrote)),
                    rest => Err(CodecError::corrupt(
                        NAME,
                        format_args!("{rest} bytes after the end of the stream"),
                    )),
                };
            }
            // The first call without progress is still `Ok`; the second one is `MemNeeded`.
            if status == Status::MemNeeded {
                return match (now_wrote == out.len(), now_read < encoded.len(), self.format) {
                    (true, true, _) => Ok(Decoded::TooLong),
                    // A raw stream may have no end mark.
                    (true, false, Format::Raw) => Ok(Decoded::Complete(now_wrote)),
                    (_, _, _) => Err(CodecError::corrupt(NAME, "the stream is truncated")),
                };
            }
        }
    }

    fn max_expansion(&self) -> u64 {
        // Matches of 273 bytes at some 0.3 bits each, with room to spare.
        1 << 16
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut stream = self.encoder()?;
        let mut out = reserve(NAME, decoded.len() / 2 + 1024)?;
        loop {
            let rest = decoded.get(count(stream.total_in())..).unwrap_or_default();
            match stream.process_vec(rest, &mut out, Action::Finish) {
                Ok(Status::StreamEnd) => return Ok(out),
                Ok(_) => out.reserve(out.capacity().max(1 << 16)),
                Err(error) => return Err(CodecError::unencodable(NAME, error)),
            }
        }
    }
}
