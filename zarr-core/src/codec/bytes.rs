//! `bytes`: each element in turn, in one byte order; and the raw buffers of v2, where each field has its own.

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::{Scratch, reserve};
use super::size::Size;
use super::{ArrayToBytes, ChunkRef, DecodeInPlace, byte_planes};
use crate::metadata::DataType;
use crate::metadata::data_type::{Endianness, ScalarRun};

const NAME: &str = "bytes";

/// The `bytes` codec.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    size: u64,
    swap: Swap,
    /// The bits that count in each byte, where that is less than eight.
    mask: Option<u8>,
    /// Bytes other than 0 and 1 are no booleans.
    boolean: bool,
}

/// Which scalars of an element are stored big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Swap {
    /// None.
    Nothing,
    /// All of them, and they fill the element: reverse each unit of so many bytes.
    Everything(usize),
    /// Some, in elements of so many bytes.
    Runs(usize, Vec<ScalarRun>),
}

impl Swap {
    /// What reverses `runs` in elements of `element_size` bytes.
    pub(crate) fn new(element_size: usize, runs: Vec<ScalarRun>) -> Self {
        match runs.as_slice() {
            [] => Self::Nothing,
            [run]
                if run.offset_bytes == 0 && run.width_bytes.checked_mul(run.count) == Some(element_size) =>
            {
                Self::Everything(run.width_bytes)
            }
            _ => Self::Runs(element_size, runs),
        }
    }

    /// Reverses the scalars of all elements of `buffer`, from either order to the other one.
    pub(crate) fn apply(&self, buffer: &mut [u8]) {
        match self {
            Self::Nothing => {}
            Self::Everything(width) => byte_planes::swap_bytes(*width, buffer),
            Self::Runs(size, runs) => {
                for element in buffer.chunks_exact_mut((*size).max(1)) {
                    for run in runs {
                        let end = run
                            .offset_bytes
                            .saturating_add(run.width_bytes.saturating_mul(run.count));
                        byte_planes::swap_bytes(
                            run.width_bytes,
                            element.get_mut(run.offset_bytes..end).unwrap_or_default(),
                        );
                    }
                }
            }
        }
    }
}

impl Bytes {
    /// The codec for `array`. `endian` may be absent if no scalar has more than one byte, and in the older `structured`.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) if `endian` is missing;
    /// [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) for elements of variable length.
    pub(crate) fn new(endian: Option<Endianness>, array: &Representation) -> Result<Self> {
        let runs = match endian {
            Some(Endianness::Big) => array.data_type().scalar_runs(),
            Some(Endianness::Little) => Vec::new(),
            None if !array.data_type().needs_endian() || is_legacy_struct(array.data_type()) => Vec::new(),
            None => {
                let reason = format_args!("endian is missing for data type {:?}", array.data_type().name());
                return Err(CodecError::configuration(NAME, reason));
            }
        };
        Self::with_runs(runs, array)
    }

    /// The raw buffer of v2: `big_endian` are the scalars that are stored big-endian.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) for elements of variable length.
    pub(crate) fn with_runs(big_endian: Vec<ScalarRun>, array: &Representation) -> Result<Self> {
        let (Some(element_size), Size::Exact(size)) = (array.element_size(), array.size()) else {
            let what = format_args!(
                "data type {:?}, which has no fixed size",
                array.data_type().name()
            );
            return Err(CodecError::unsupported(NAME, what));
        };
        Ok(Self {
            size,
            swap: Swap::new(element_size, big_endian),
            mask: low_bits(array.data_type()),
            boolean: matches!(array.data_type(), DataType::Bool),
        })
    }
}

fn is_legacy_struct(data_type: &DataType) -> bool {
    if let DataType::Struct(fields) = data_type {
        fields.is_legacy()
    } else {
        false
    }
}

/// The mask of types of less than a byte, whose upper bits are to be ignored.
pub(crate) fn low_bits(data_type: &DataType) -> Option<u8> {
    let sub_byte = if let DataType::Int(kind) = data_type {
        Some(kind.bits())
    } else if let DataType::Float(kind) | DataType::Complex { component: kind, .. } = data_type {
        Some(kind.bits())
    } else {
        None
    };
    sub_byte.filter(|bits| *bits < 8).map(|bits| (1_u8 << bits) - 1)
}

impl ArrayToBytes for Bytes {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self) -> Size {
        Size::Exact(self.size)
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        if encoded.len() != out.len() {
            return Err(CodecError::wrong_size(NAME, encoded.len(), out.len()));
        }
        out.copy_from_slice(encoded);
        DecodeInPlace::decode_in_place(self, out)
    }

    fn decode_in_place(&self) -> Option<&dyn DecodeInPlace> {
        Some(self)
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let decoded = decoded.fixed(NAME)?;
        let mut out = reserve(NAME, decoded.len())?;
        out.extend_from_slice(decoded);
        self.swap.apply(&mut out);
        Ok(out)
    }
}

impl DecodeInPlace for Bytes {
    fn decode_in_place(&self, buffer: &mut [u8]) -> Result<()> {
        self.swap.apply(buffer);
        if let Some(mask) = self.mask {
            buffer.iter_mut().for_each(|byte| *byte &= mask);
        }
        if self.boolean {
            // Rather than a boolean that is neither true nor false, as NumPy would make, or an error for what NumPy reads.
            buffer.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        Ok(())
    }
}
