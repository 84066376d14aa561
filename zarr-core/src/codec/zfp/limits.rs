//! What limits the size of a block: the modes of the library, and their numbers in the header.

/// The smallest exponent of any number; one below it asks for the reversible algorithm.
pub(super) const MIN_EXPONENT: i32 = -1074;
/// More bits than any block has.
pub(super) const MAX_BITS: u64 = 16_658;
/// The most bit planes.
pub(super) const MAX_PRECISION: u32 = 64;

/// What limits the size of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) min_bits: u64,
    pub(super) max_bits: u64,
    pub(super) max_precision: u32,
    pub(super) min_exponent: i32,
}

impl Limits {
    pub(super) fn is_reversible(self) -> bool {
        self.min_exponent < MIN_EXPONENT
    }
}

/// No limit at all.
pub(super) const FREE: Limits = Limits {
    min_bits: 1,
    max_bits: MAX_BITS,
    max_precision: MAX_PRECISION,
    min_exponent: MIN_EXPONENT,
};
/// Every bit comes back.
pub(super) const REVERSIBLE: Limits = Limits {
    min_exponent: MIN_EXPONENT - 1,
    ..FREE
};

/// Errors of at most `tolerance`.
pub(super) fn accuracy(tolerance: f64) -> Limits {
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
pub(super) fn precision(planes: u64) -> Limits {
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
pub(super) fn whole(value: f64) -> u64 {
    value as u64
}

/// Announces a mode of 64 bits.
pub(super) const LONG_MODE: u64 = 0xfff;

/// The limits that a mode stands for.
pub(super) fn limits_of(mode: u64) -> Limits {
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
pub(super) fn mode_of(limits: Limits) -> u64 {
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
