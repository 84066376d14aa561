//! BloscLZ, the compressor that only Blosc has: a byte-oriented LZ77.
//!
//! A stream is a row of operations. `000LLLLL` copies L + 1 literal bytes. `LLLDDDDD [255…, n] d` copies L + 2 bytes
//! (L = 7: plus the sum of the extension bytes) from D·256 + d + 1 bytes back; distance 31·256 + 255 means that two more
//! bytes, big-endian, follow, to be added. The first operation is a literal, and so is the last one.

/// The largest near distance, less one; it also announces a far distance.
const NEAR: usize = (31 << 8) + 255;
/// The largest far distance.
const FAR: usize = NEAR + 65_535;
/// Literal bytes of one operation.
const RUN: usize = 32;

/// Decodes `input` to the front of `out`; `None` if it is not a valid stream or needs more room.
pub(super) fn decompress(input: &[u8], out: &mut [u8]) -> Option<usize> {
    let (first, mut input) = input.split_first()?;
    let mut control = *first & 31;
    let (mut filled, room) = (0_usize, out.len());
    loop {
        if control < 32 {
            let (literal, rest) = input.split_at_checked(usize::from(control) + 1)?;
            let end = filled.checked_add(literal.len())?;
            match (
                input.first_chunk::<RUN>(),
                out.get_mut(filled..).and_then(<[u8]>::first_chunk_mut::<RUN>),
            ) {
                // Whatever is copied too much is overwritten by the next operation.
                (Some(from), Some(to)) if filled + 2 * RUN <= room => *to = *from,
                _ => out.get_mut(filled..end)?.copy_from_slice(literal),
            }
            filled = end;
            input = rest;
        } else {
            let mut length = usize::from(control >> 5) + 2;
            if control >> 5 == 7 {
                loop {
                    let (more, rest) = input.split_first()?;
                    input = rest;
                    length += usize::from(*more);
                    if *more != 255 {
                        break;
                    }
                }
            }
            let (low, rest) = input.split_first()?;
            input = rest;
            let mut distance = (usize::from(control & 31) << 8) + usize::from(*low);
            if distance == NEAR {
                let (far, rest) = input.split_first_chunk::<2>()?;
                input = rest;
                distance += usize::from(u16::from_be_bytes(*far));
            }
            copy_match(out, filled, distance + 1, length)?;
            filled += length;
        }
        match input.split_first() {
            Some((next, rest)) => (control, input) = (*next, rest),
            None => return Some(filled),
        }
    }
}

/// Copies `length` bytes from `distance` back to `at`; where the two overlap, the copy repeats itself.
fn copy_match(out: &mut [u8], at: usize, distance: usize, length: usize) -> Option<()> {
    let start = at.checked_sub(distance)?;
    let end = at.checked_add(length).filter(|end| *end <= out.len())?;
    if distance >= STEP && end + STEP <= out.len() {
        // Most matches are short: whole steps, the last one perhaps beyond the end, where the next operation writes.
        let mut done = 0;
        while done < length {
            let step = *out.get(start + done..)?.first_chunk::<STEP>()?;
            *out.get_mut(at + done..)?.first_chunk_mut::<STEP>()? = step;
            done += STEP;
        }
        return Some(());
    }
    if distance == 1 {
        let byte = *out.get(start)?;
        out.get_mut(at..end)?.fill(byte);
        return Some(());
    }
    // Each round doubles what can be copied without overlap.
    let mut to = at;
    while to < end {
        let part = (to - start).min(end - to);
        out.copy_within(start..start + part, to);
        to += part;
    }
    Some(())
}

/// Bytes that are copied at once.
const STEP: usize = 16;

const HASH_BITS: u32 = 13;

/// Encodes `input`, greedily; `None` if the result would not be shorter than the input.
pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let mut table = vec![0_u32; 1 << HASH_BITS];
    let mut out = Vec::with_capacity(input.len());
    let (mut anchor, mut at) = (0_usize, 1_usize);
    // The tail is literal, because the stream must end with one.
    let limit = input.len().checked_sub(12).filter(|limit| *limit > 0)?;
    while at < limit {
        let word = input.get(at..)?.first_chunk::<4>()?;
        let hash = u32::from_le_bytes(*word).wrapping_mul(2_654_435_761) >> (32 - HASH_BITS);
        let slot = table.get_mut(usize::try_from(hash).ok()?)?;
        let candidate = usize::try_from(*slot).ok()?;
        *slot = u32::try_from(at).ok()?;
        let distance = at - candidate;
        let found = distance != 0 && distance <= FAR && input.get(candidate..)?.first_chunk::<4>()? == word;
        if !found {
            // The longer nothing is found, the faster it goes on.
            at += 1 + ((at - anchor) >> 6);
            continue;
        }
        let same = input
            .get(candidate + 4..)?
            .iter()
            .zip(input.get(at + 4..limit.max(at + 4))?)
            .take_while(|(a, b)| a == b);
        let length = 4 + same.count();
        if length < 6 && distance > NEAR {
            at += 1;
            continue;
        }
        literals(input.get(anchor..at)?, &mut out);
        matching(distance - 1, length, &mut out)?;
        at += length;
        anchor = at;
        if out.len() >= input.len() {
            return None;
        }
    }
    literals(input.get(anchor..)?, &mut out);
    (out.len() < input.len()).then_some(out)
}

fn literals(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(RUN) {
        out.push(u8::try_from(run.len() - 1).unwrap_or(0));
        out.extend_from_slice(run);
    }
}

fn matching(distance: usize, length: usize, out: &mut Vec<u8>) -> Option<()> {
    let short = (length - 2).min(7);
    let near = distance.min(NEAR);
    out.push(u8::try_from((short << 5) | (near >> 8)).ok()?);
    if short == 7 {
        let mut more = length - 9;
        while more >= 255 {
            out.push(255);
            more -= 255;
        }
        out.push(u8::try_from(more).ok()?);
    }
    out.push(u8::try_from(near & 255).ok()?);
    if near == NEAR {
        out.extend_from_slice(&u16::try_from(distance - NEAR).ok()?.to_be_bytes());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_each_kind_of_operation() {
        let mut out = [0; 64];
        // Three literals, a near match of 4 at distance 3, a literal.
        assert_eq!(
            decompress(&[2, b'a', b'b', b'c', 2 << 5, 2, 0, b'd'], &mut out),
            Some(8)
        );
        assert_eq!(&out[..8], b"abcabcad");
        // A run: literal, then 3 + 6 + 1 bytes at distance 1.
        assert_eq!(decompress(&[0, b'x', 7 << 5, 1, 0, 0, b'y'], &mut out), Some(12));
        assert_eq!(&out[..12], b"xxxxxxxxxxxy");
        // Back beyond the start; a literal that is cut; no room.
        assert_eq!(decompress(&[0, b'x', 1 << 5, 1, 0, b'y'], &mut out), None);
        assert_eq!(decompress(&[3, b'x'], &mut out), None);
        assert_eq!(decompress(&[1, b'x', b'y'], &mut [0; 1]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seed in proptest::collection::vec(any::<u8>(), 1..40), repeat in 1_usize..4000, noise in any::<u8>()) {
            let mut input: Vec<u8> = seed.iter().copied().cycle().take(repeat * 7).collect();
            for (i, byte) in input.iter_mut().enumerate() {
                if i % 97 == 0 { *byte = byte.wrapping_add(noise).wrapping_mul(u8::try_from(i / 97 % 256).unwrap()); }
            }
            if let Some(encoded) = compress(&input) {
                let mut out = vec![0; input.len()];
                prop_assert_eq!(decompress(&encoded, &mut out), Some(input.len()));
                prop_assert_eq!(out, input);
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut out = [0; 1000];
            if let Some(len) = decompress(&input, &mut out) { prop_assert!(len <= 1000); }
        }
    }
}
