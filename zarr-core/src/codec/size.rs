//! Sizes of the stages of a chain: what a decoder may produce, known before it runs.

/// How many bytes a stage holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Exactly this many bytes.
    Exact(u64),
    /// At most this many bytes, where only a bound follows from the chunk's shape.
    AtMost(u64),
    /// The shape gives no bound (variable-length elements); the stage is bounded by [`variable_bound`].
    Variable {
        /// The least number of bytes that such a stage holds: its count and length fields.
        least: u64,
    },
}

impl Size {
    /// The same size after `add` more bytes (a checksum, say).
    #[must_use]
    pub fn plus(self, add: u64) -> Self {
        match self {
            Self::Exact(n) => Self::Exact(n.saturating_add(add)),
            Self::AtMost(n) => Self::AtMost(n.saturating_add(add)),
            Self::Variable { least } => Self::Variable {
                least: least.saturating_add(add),
            },
        }
    }

    /// The size after a compressor: any compressor may expand a little, none needs twice the input and 64 KiB.
    #[must_use]
    pub fn compressed(self) -> Self {
        match self {
            Self::Exact(n) | Self::AtMost(n) => Self::AtMost(n.saturating_mul(2).saturating_add(64 * KIB)),
            Self::Variable { .. } => Self::Variable { least: 0 },
        }
    }

    /// The most bytes that a decoder may produce for this stage, given the size of its encoded bytes.
    #[must_use]
    pub fn bound(self, encoded: usize) -> u64 {
        match self {
            Self::Exact(n) | Self::AtMost(n) => n,
            Self::Variable { least } => variable_bound(least, encoded),
        }
    }
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The most bytes that a variable-length stage may decode to: nothing in the metadata bounds it, so the bound follows the
/// stored size. Text compresses by less than 256; what compresses better (rows of equal or empty strings) is accepted up to
/// 64 MiB beyond the length fields that the shape implies. 4 GiB is the end in any case.
#[must_use]
pub fn variable_bound(least: u64, encoded: usize) -> u64 {
    let by_ratio = (encoded as u64).saturating_mul(256);
    let by_shape = least.saturating_add(64 * MIB);
    by_ratio.max(by_shape).min(4096 * MIB)
}
