//! What the header of a chunk in pco's format asks for, looked at before pco allocates it: a dictionary of values, a window
//! of earlier ones. pco's own limits are those of its largest chunk (256 MiB each), whatever is decoded.
//!
//! Spec: <https://github.com/pcodec/pcodec/blob/main/docs/format.md>, "Chunk metadata".

/// Windows up to this are never too large: pco writes none larger.
const WINDOW: u64 = 1 << 15;

/// Bits before the metadata of a chunk: its type, and how many numbers it has.
const PREAMBLE_BITS: usize = 8 + 24;

/// Looks at the chunk that begins `input`, of numbers of `number_bits`, where `room` more are expected. What is cut off or
/// unknown is left to pco, which refuses it without allocating anything.
///
/// # Errors
/// In words, why it is not to be decoded.
pub(super) fn check(
    input: &[u8],
    has_delta_variants: bool,
    number_bits: usize,
    room: usize,
) -> Result<(), String> {
    // The end of all chunks.
    if input.first() == Some(&0) {
        return Ok(());
    }
    let Some(numbers) = bits(input, 8, 24).map(|stored| stored + 1) else {
        return Ok(());
    };
    if numbers > room as u64 {
        return Err("the stream holds more numbers than the chunk".to_owned());
    }
    let Some(mode) = bits(input, PREAMBLE_BITS, 4) else {
        return Ok(());
    };
    let behind_mode = PREAMBLE_BITS + 4;
    let delta = match mode {
        0 => behind_mode,
        1 | 2 => behind_mode + number_bits,
        3 => behind_mode + 8,
        4 => {
            let Some(values) = bits(input, behind_mode, 25) else {
                return Ok(());
            };
            let start = (behind_mode + 25).next_multiple_of(8);
            let end = usize::try_from(values)
                .ok()
                .and_then(|values| values.checked_mul(number_bits)?.checked_add(start));
            match end.filter(|end| *end <= input.len().saturating_mul(8)) {
                Some(end) => end,
                None => return Err(format!("a dictionary of {values} values is cut off")),
            }
        }
        _ => return Ok(()),
    };
    if !has_delta_variants || bits(input, delta, 4) != Some(2) {
        return Ok(());
    }
    match bits(input, delta + 4, 5).map(|log| 2_u64 << log) {
        // pco holds twice the window.
        Some(window) if window > WINDOW.max(numbers / 2) => {
            Err(format!("a window of {window} numbers for a chunk of {numbers}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// `count` bits (at most 56) from bit `at` on, the lowest of each byte first.
fn bits(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let end = at.checked_add(count)?;
    let read = bytes.get(at / 8..end.div_ceil(8))?;
    let word = read
        .iter()
        .rev()
        .fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    Some(word >> (at % 8) & ((1 << count) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_from_the_lowest() {
        assert_eq!(bits(&[0b1010_0110, 0b0000_0011], 0, 4), Some(0b0110));
        assert_eq!(bits(&[0b1010_0110, 0b0000_0011], 5, 5), Some(0b11_101));
        assert_eq!(bits(&[0xff], 4, 5), None);
        assert_eq!(bits(&[1, 2, 3], 0, 24), Some(0x03_0201));
    }

    /// A chunk of `numbers` whose metadata are `fields`: values and their widths in bits.
    fn chunk(numbers: u64, fields: &[(u64, usize)], more: usize) -> Vec<u8> {
        let mut all = vec![(3, 8), (numbers - 1, 24)];
        all.extend_from_slice(fields);
        let mut bytes = vec![0; all.iter().map(|(_, width)| width).sum::<usize>().div_ceil(8) + more];
        let mut at = 0;
        for (value, width) in all {
            for bit in 0..width {
                bytes[(at + bit) / 8] |= u8::from(value >> bit & 1 == 1) << ((at + bit) % 8);
            }
            at += width;
        }
        bytes
    }

    #[test]
    fn windows_and_dictionaries_are_as_large_as_the_chunk_needs() {
        let lookback = |log: u64| [(2, 4), (log - 1, 5)];
        for (mode, width) in [(0, 0), (1, 64), (2, 64), (3, 8)] {
            let window = |numbers, log| {
                let fields = [&[(mode, 4), (0, width)], &lookback(log)[..]].concat();
                check(&chunk(numbers, &fields, 9), true, 64, 1 << 20)
            };
            assert_eq!(window(300, 15), Ok(()), "{mode}");
            assert!(window(300, 16).is_err_and(|why| why.contains("65536")), "{mode}");
            assert!(window(300, 24).is_err(), "{mode}");
            assert_eq!(window(1 << 17, 16), Ok(()), "{mode}");
        }
        let dictionary = |values, there| {
            let fields = [(4, 4), (values, 25), (0, 3)];
            check(&chunk(300, &fields, there), true, 16, 300)
        };
        assert_eq!(dictionary(5, 12), Ok(()));
        assert!(dictionary(5, 9).is_err());
        assert!(dictionary((1 << 25) - 1, 1000).is_err());
        assert!(check(&chunk(301, &[(0, 4), (0, 4)], 9), true, 16, 300).is_err());
        // The oldest formats have no such field.
        let old = chunk(300, &[&[(0, 4)], &lookback(24)[..]].concat(), 9);
        assert_eq!(check(&old, false, 16, 300), Ok(()));
        for cut in 0..12 {
            let whole = chunk(300, &[(4, 4), (1, 25), (0, 3)], 2);
            let _ = check(whole.get(..cut).unwrap_or_default(), true, 16, 300);
        }
        assert_eq!(check(&[0], true, 16, 0), Ok(()));
    }
}
