//! Stores that go round the cache.
//!
//! An ordinary store fetches the line that it overwrites, and a result of gigabytes leaves the cache before anybody reads it.
//! Whole lines are therefore written without being fetched; those at the ends of a run, which other runs share, are asked for
//! a few runs ahead. (A 1 GiB read of blosc-lz4 takes 0.9 times as long.)

/// From this size on a result is written round the cache: a smaller one may still be there when it is used.
pub(super) const STREAM_FROM_BYTES: usize = 32 << 20;

/// How many runs ahead the lines at the ends are asked for.
pub(super) const RUNS_AHEAD: usize = 8;

#[cfg(target_arch = "x86_64")]
mod arch {
    use std::arch::x86_64::{
        __m128i, _MM_HINT_ET0, _mm_loadu_si128, _mm_prefetch, _mm_sfence, _mm_stream_si128,
    };

    /// A cache line.
    #[repr(C, align(64))]
    struct Line([__m128i; 4]);

    /// As `copy_from_slice`; other threads see it after [`fence`].
    pub(in super::super) fn copy(source: &[u8], target: &mut [u8]) {
        assert_eq!(source.len(), target.len(), "a copy fits");
        // SAFETY: any bytes are a valid `Line`.
        let (head, lines, tail) = unsafe { target.align_to_mut::<Line>() };
        let (first, source) = source.split_at(head.len());
        let (whole, last) = source.split_at(size_of_val(lines));
        head.copy_from_slice(first);
        for (Line(parts), whole) in lines.iter_mut().zip(whole.as_chunks::<64>().0) {
            for (part, bytes) in parts.iter_mut().zip(whole.as_chunks::<16>().0) {
                // SAFETY: both are 16 bytes, `part` is aligned to them; every x86-64 has SSE2.
                unsafe { _mm_stream_si128(part, _mm_loadu_si128(bytes.as_ptr().cast())) };
            }
        }
        tail.copy_from_slice(last);
    }

    /// Asks for a line that will be written in part.
    pub(in super::super) fn prefetch(byte: *const u8) {
        // SAFETY: a hint, which touches no memory that the program sees; every x86-64 has SSE.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(byte.cast()) };
    }

    /// What was copied is seen by whoever sees what this thread stores from here on.
    pub(in super::super) fn fence() {
        // SAFETY: every x86-64 has SSE.
        unsafe { _mm_sfence() };
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod arch {
    pub(in super::super) fn copy(source: &[u8], target: &mut [u8]) {
        target.copy_from_slice(source);
    }

    pub(in super::super) fn prefetch(_byte: *const u8) {}

    pub(in super::super) fn fence() {}
}

pub(super) use arch::{copy, fence, prefetch};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_of_lines_is_copied() {
        let source: Vec<u8> = (0..=255).cycle().take(400).collect();
        for start in 0..70 {
            for len in (0..20).chain([63, 64, 65, 127, 128, 129, 200, 256, 300]) {
                let mut target = vec![0xEE; 400];
                copy(&source[1..=len], &mut target[start..start + len]);
                fence();
                let mut expected = vec![0xEE; 400];
                expected[start..start + len].copy_from_slice(&source[1..=len]);
                assert_eq!(target, expected, "{start} {len}");
            }
        }
    }
}
