//! `numcodecs.pcodec`: the standalone format of pco.
//!
//! Spec: <https://github.com/pcodec/pcodec/blob/main/docs/format.md>.

use pco::data_types::Number as PcoNumber;
use pco::standalone::{DecompressorItem, FileDecompressor, simple_compress};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use super::config::Config;
use super::error::{CodecError, Result};
use super::number::Number;
use super::pcodec_header;
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToBytes, ChunkRef};
use crate::metadata::data_type::{FloatKind, IntKind};

const NAME: &str = "pcodec";

/// The `pcodec` codec.
#[derive(Debug, Clone)]
pub(super) struct PCodec {
    number: Number,
    config: ChunkConfig,
    size: Size,
}

impl PCodec {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let number = Number::of(NAME, array.data_type())?;
        let supported = matches!(number, Number::Int(kind) if kind.bits() >= 16)
            || matches!(
                number,
                Number::Float(FloatKind::Float16 | FloatKind::Float32 | FloatKind::Float64)
            );
        if !supported {
            return Err(CodecError::unsupported(
                NAME,
                format_args!("data type {:?}", array.data_type().name()),
            ));
        }
        let small = |key: &str, otherwise: u64, most: u64| match config.unsigned(key)? {
            None => Ok(otherwise),
            Some(value) if value <= most => Ok(value),
            Some(_) => Err(config.wrong(key, &format!("an integer up to {most}"))),
        };
        let level = usize::try_from(small("level", 8, 12)?).unwrap_or(8);
        let mode = match config.text("mode_spec")? {
            None | Some("auto") => ModeSpec::Auto,
            Some("classic") => ModeSpec::Classic,
            Some(_) => return Err(config.wrong("mode_spec", "auto or classic")),
        };
        let order = match config.get("delta_encoding_order") {
            None => None,
            Some(_) => Some(usize::try_from(small("delta_encoding_order", 0, 7)?).unwrap_or(0)),
        };
        let delta = match (config.text("delta_spec")?, order) {
            (None | Some("auto"), None) => DeltaSpec::Auto,
            (None | Some("auto" | "try_consecutive"), Some(order)) => DeltaSpec::TryConsecutive(order),
            (Some("none" | "no_op"), _) => DeltaSpec::NoOp,
            (Some("try_consecutive"), None) => return Err(config.wrong("delta_encoding_order", "an integer")),
            (Some("try_lookback"), _) => DeltaSpec::TryLookback,
            (Some(_), _) => {
                return Err(config.wrong("delta_spec", "auto, no_op, try_consecutive or try_lookback"));
            }
        };
        let page = usize::try_from(small("equal_pages_up_to", 262_144, 1 << 24)?.max(1)).unwrap_or(262_144);
        let config = ChunkConfig::default()
            .with_compression_level(level)
            .with_mode_spec(mode)
            .with_delta_spec(delta)
            .with_paging_spec(PagingSpec::EqualPagesUpTo(page));
        Ok(Self {
            number,
            config,
            size: array.size(),
        })
    }

    fn decompress<T: PcoNumber, const N: usize>(
        &self,
        encoded: &[u8],
        out: &mut [u8],
        to_bytes: fn(T) -> [u8; N],
    ) -> Result<()> {
        let corrupt = |error: pco::errors::PcoError| CodecError::corrupt(NAME, error);
        let (file, mut input) = FileDecompressor::new(encoded).map_err(corrupt)?;
        let (mut target, _) = out.as_chunks_mut::<N>();
        // Small enough to stay in the cache, a multiple of pco's batches of 256 as it demands.
        let mut batch = vec![T::default(); 4096];
        let has_delta_variants = file.format_version().major >= 3;
        loop {
            pcodec_header::check(input, has_delta_variants, N * 8, target.len())
                .map_err(|reason| CodecError::corrupt(NAME, reason))?;
            let mut chunk = match file.chunk_decompressor::<T, _>(input).map_err(corrupt)? {
                DecompressorItem::Chunk(chunk) => chunk,
                DecompressorItem::EndOfData(rest) => {
                    return match (target.len(), rest.len()) {
                        (0, 0) => Ok(()),
                        (0, rest) => Err(CodecError::corrupt(
                            NAME,
                            format_args!("{rest} bytes after the end of the stream"),
                        )),
                        (missing, _) => Err(CodecError::corrupt(
                            NAME,
                            format_args!("{missing} numbers are missing"),
                        )),
                    };
                }
            };
            loop {
                let progress = chunk.read(&mut batch).map_err(corrupt)?;
                let (now, rest) = target.split_at_mut_checked(progress.n_processed).ok_or_else(|| {
                    CodecError::corrupt(NAME, "the stream holds more numbers than the chunk")
                })?;
                for (to, from) in now.iter_mut().zip(&batch) {
                    *to = to_bytes(*from);
                }
                target = rest;
                if progress.finished {
                    break;
                }
            }
            input = chunk.into_src();
        }
    }

    fn compress<T: PcoNumber, const N: usize>(
        &self,
        decoded: &[u8],
        from_bytes: fn([u8; N]) -> T,
    ) -> Result<Vec<u8>> {
        let numbers: Vec<T> = decoded
            .as_chunks::<N>()
            .0
            .iter()
            .map(|bytes| from_bytes(*bytes))
            .collect();
        simple_compress(&numbers, &self.config).map_err(|error| CodecError::unencodable(NAME, error))
    }
}

impl ArrayToBytes for PCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self) -> Size {
        self.size.compressed()
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        match self.number {
            Number::Int(IntKind::Int16) => self.decompress(encoded, out, i16::to_le_bytes),
            Number::Int(IntKind::Int32) => self.decompress(encoded, out, i32::to_le_bytes),
            Number::Int(IntKind::Int64) => self.decompress(encoded, out, i64::to_le_bytes),
            Number::Int(IntKind::UInt16) => self.decompress(encoded, out, u16::to_le_bytes),
            Number::Int(IntKind::UInt32) => self.decompress(encoded, out, u32::to_le_bytes),
            Number::Int(_) => self.decompress(encoded, out, u64::to_le_bytes),
            Number::Float(FloatKind::Float16) => self.decompress(encoded, out, half::f16::to_le_bytes),
            Number::Float(FloatKind::Float32) => self.decompress(encoded, out, f32::to_le_bytes),
            Number::Float(_) => self.decompress(encoded, out, f64::to_le_bytes),
        }
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let decoded = decoded.fixed(NAME)?;
        match self.number {
            Number::Int(IntKind::Int16) => self.compress(decoded, i16::from_le_bytes),
            Number::Int(IntKind::Int32) => self.compress(decoded, i32::from_le_bytes),
            Number::Int(IntKind::Int64) => self.compress(decoded, i64::from_le_bytes),
            Number::Int(IntKind::UInt16) => self.compress(decoded, u16::from_le_bytes),
            Number::Int(IntKind::UInt32) => self.compress(decoded, u32::from_le_bytes),
            Number::Int(_) => self.compress(decoded, u64::from_le_bytes),
            Number::Float(FloatKind::Float16) => self.compress(decoded, half::f16::from_le_bytes),
            Number::Float(FloatKind::Float32) => self.compress(decoded, f32::from_le_bytes),
            Number::Float(_) => self.compress(decoded, f64::from_le_bytes),
        }
    }
}
