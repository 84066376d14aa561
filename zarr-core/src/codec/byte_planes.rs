//! Byte and bit shuffles: elements of `width` bytes to planes (all first bytes, then all second bytes, …) and back.
//!
//! On x86-64 the common widths run on 16-byte vectors: writing T rows of 16 bytes one after the other, a transposition is
//! a number of perfect shuffles (first half interleaved with second half), each a row of `punpcklbw`/`punpckhbw`.
//! Elsewhere the plain loops vectorise (NEON has interleaving loads and stores).

/// Turns planes into elements. Bytes after the last whole element are copied.
///
/// Both slices have the same length; `width` is not 0.
pub fn unshuffle(width: usize, planes: &[u8], elements: &mut [u8]) {
    match width {
        0 | 1 => elements.copy_from_slice(planes),
        2 => unshuffle_wide::<2>(planes, elements),
        4 => unshuffle_wide::<4>(planes, elements),
        8 => unshuffle_wide::<8>(planes, elements),
        16 => unshuffle_wide::<16>(planes, elements),
        _ => gather(width, planes, elements, 0),
    }
}

/// Turns elements into planes. Bytes after the last whole element are copied.
///
/// Both slices have the same length; `width` is not 0.
pub fn shuffle(width: usize, elements: &[u8], planes: &mut [u8]) {
    match width {
        0 | 1 => planes.copy_from_slice(elements),
        2 => shuffle_wide::<2>(elements, planes),
        4 => shuffle_wide::<4>(elements, planes),
        8 => shuffle_wide::<8>(elements, planes),
        16 => shuffle_wide::<16>(elements, planes),
        _ => scatter(width, elements, planes, 0),
    }
}

/// Turns bit planes into elements: plane `8 j + k` holds bit `k` of byte `j` of all elements, eight to a byte.
///
/// `buffer` has the same length and is overwritten. The number of elements is a multiple of 8; bytes after the last
/// element are copied.
pub fn bit_unshuffle(width: usize, bits: &[u8], elements: &mut [u8], buffer: &mut [u8]) {
    let count = bits.len() / width.max(1);
    let whole = count * width;
    for (from, to) in bits
        .chunks_exact(count.max(1))
        .zip(buffer.chunks_exact_mut(count.max(1)))
        .take(width)
    {
        // Eight planes interleaved: each group of eight bytes is an 8 by 8 bit matrix.
        unshuffle(8, from, to);
        transpose_bits(to);
    }
    if let (Some(planes), Some(out)) = (buffer.get(..whole), elements.get_mut(..whole)) {
        unshuffle(width, planes, out);
    }
    if let (Some(rest), Some(out)) = (bits.get(whole..), elements.get_mut(whole..)) {
        out.copy_from_slice(rest);
    }
}

/// Turns elements into bit planes: the inverse of [`bit_unshuffle`], under the same conditions.
pub fn bit_shuffle(width: usize, elements: &[u8], bits: &mut [u8], buffer: &mut [u8]) {
    let count = elements.len() / width.max(1);
    let whole = count * width;
    if let (Some(all), Some(planes)) = (elements.get(..whole), buffer.get_mut(..whole)) {
        shuffle(width, all, planes);
    }
    for (from, to) in buffer
        .chunks_exact_mut(count.max(1))
        .zip(bits.chunks_exact_mut(count.max(1)))
        .take(width)
    {
        transpose_bits(from);
        shuffle(8, from, to);
    }
    if let (Some(rest), Some(out)) = (elements.get(whole..), bits.get_mut(whole..)) {
        out.copy_from_slice(rest);
    }
}

/// Transposes each group of eight bytes as a matrix of bits: bit `k` of byte `i` becomes bit `i` of byte `k`.
fn transpose_bits(bytes: &mut [u8]) {
    let (groups, _) = bytes.as_chunks_mut::<8>();
    for group in groups {
        let mut x = u64::from_le_bytes(*group);
        for (shift, mask) in [
            (7, 0x00aa_00aa_00aa_00aa_u64),
            (14, 0x0000_cccc_0000_cccc),
            (28, 0x0000_0000_f0f0_f0f0),
        ] {
            let swap = (x ^ (x >> shift)) & mask;
            x ^= swap ^ (swap << shift);
        }
        *group = x.to_le_bytes();
    }
}

/// Reverses the bytes of each unit of `width` bytes in place. Bytes after the last whole unit stay.
pub fn swap_bytes(width: usize, bytes: &mut [u8]) {
    match width {
        0 | 1 => {}
        2 => bytes
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|unit| *unit = u16::from_le_bytes(*unit).to_be_bytes()),
        4 => bytes
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(|unit| *unit = u32::from_le_bytes(*unit).to_be_bytes()),
        8 => bytes
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .for_each(|unit| *unit = u64::from_le_bytes(*unit).to_be_bytes()),
        _ => bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse),
    }
}

/// From planes to elements, beginning with element `first`.
fn gather(width: usize, planes: &[u8], elements: &mut [u8], first: usize) {
    let count = elements.len() / width;
    if count > 0 {
        // Some hundred elements at a time, so that they stay in the first-level cache for all planes.
        let mut start = first;
        for tile in elements
            .get_mut(first * width..count * width)
            .unwrap_or_default()
            .chunks_mut(256 * width)
        {
            for (index, plane) in planes.chunks_exact(count).take(width).enumerate() {
                for (element, byte) in tile.chunks_exact_mut(width).zip(plane.iter().skip(start)) {
                    if let Some(to) = element.get_mut(index) {
                        *to = *byte;
                    }
                }
            }
            start += 256;
        }
    }
    if let (Some(rest), Some(out)) = (planes.get(count * width..), elements.get_mut(count * width..)) {
        out.copy_from_slice(rest);
    }
}

/// From elements to planes, beginning with element `first`.
fn scatter(width: usize, elements: &[u8], planes: &mut [u8], first: usize) {
    let count = elements.len() / width;
    if count > 0 {
        let mut start = first;
        for tile in elements
            .get(first * width..count * width)
            .unwrap_or_default()
            .chunks(256 * width)
        {
            for (index, plane) in planes.chunks_exact_mut(count).take(width).enumerate() {
                for (element, byte) in tile.chunks_exact(width).zip(plane.iter_mut().skip(start)) {
                    if let Some(from) = element.get(index) {
                        *byte = *from;
                    }
                }
            }
            start += 256;
        }
    }
    if let (Some(rest), Some(out)) = (elements.get(count * width..), planes.get_mut(count * width..)) {
        out.copy_from_slice(rest);
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use safe_arch::{m128i, unpack_high_i8_m128i, unpack_low_i8_m128i};

    /// Interleaves the first half of the rows with the second half, byte by byte.
    #[inline(always)]
    fn perfect_shuffle<const T: usize>(rows: [m128i; T]) -> [m128i; T] {
        std::array::from_fn(|index| {
            let (low, high) = (rows[index / 2], rows[index / 2 + T / 2]);
            if index % 2 == 0 {
                unpack_low_i8_m128i(low, high)
            } else {
                unpack_high_i8_m128i(low, high)
            }
        })
    }

    /// As many whole groups of 16 elements as there are; returns how many elements were done.
    #[inline(always)]
    pub(super) fn unshuffle<const T: usize>(planes: &[u8], elements: &mut [u8]) -> usize {
        let count = elements.len() / T;
        if count < 16 {
            return 0;
        }
        let mut sources: [&[[u8; 16]]; T] = [&[]; T];
        for (source, plane) in sources.iter_mut().zip(planes.chunks_exact(count)) {
            *source = plane.as_chunks::<16>().0;
        }
        let groups = count / 16;
        let (out, _) = elements.as_chunks_mut::<16>();
        for (group, out) in out.chunks_exact_mut(T).take(groups).enumerate() {
            let mut rows: [m128i; T] = std::array::from_fn(|plane| m128i::from(sources[plane][group]));
            for _ in 0..T.trailing_zeros() {
                rows = perfect_shuffle(rows);
            }
            for (out, row) in out.iter_mut().zip(rows) {
                *out = row.into();
            }
        }
        groups * 16
    }

    /// As many whole groups of 16 elements as there are; returns how many elements were done.
    #[inline(always)]
    pub(super) fn shuffle<const T: usize>(elements: &[u8], planes: &mut [u8]) -> usize {
        let count = elements.len() / T;
        let groups = count / 16;
        let (source, _) = elements.as_chunks::<16>();
        for (group, source) in source.chunks_exact(T).take(groups).enumerate() {
            let mut rows: [m128i; T] = std::array::from_fn(|row| m128i::from(source[row]));
            for _ in 0..4 {
                rows = perfect_shuffle(rows);
            }
            for (plane, row) in planes.chunks_exact_mut(count).zip(rows) {
                if let Some(out) = plane.as_chunks_mut::<16>().0.get_mut(group) {
                    *out = row.into();
                }
            }
        }
        groups * 16
    }
}

#[cfg(target_arch = "x86_64")]
fn unshuffle_wide<const T: usize>(planes: &[u8], elements: &mut [u8]) {
    let done = wide::unshuffle::<T>(planes, elements);
    gather(T, planes, elements, done);
}

#[cfg(target_arch = "x86_64")]
fn shuffle_wide<const T: usize>(elements: &[u8], planes: &mut [u8]) {
    let done = wide::shuffle::<T>(elements, planes);
    scatter(T, elements, planes, done);
}

#[cfg(not(target_arch = "x86_64"))]
fn unshuffle_wide<const T: usize>(planes: &[u8], elements: &mut [u8]) {
    gather(T, planes, elements, 0);
}

#[cfg(not(target_arch = "x86_64"))]
fn shuffle_wide<const T: usize>(elements: &[u8], planes: &mut [u8]) {
    scatter(T, elements, planes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len)
            .map(|i| u8::try_from((i * 31 + i / 7) % 251).unwrap())
            .collect()
    }

    /// The definition, element by element.
    fn shuffled(width: usize, elements: &[u8]) -> Vec<u8> {
        let count = elements.len() / width;
        let mut planes = elements.to_vec();
        for i in 0..count {
            for j in 0..width {
                planes[j * count + i] = elements[i * width + j];
            }
        }
        planes
    }

    #[test]
    fn shuffles_follow_the_definition_and_invert() {
        for width in [1, 2, 3, 4, 5, 8, 12, 16, 17, 200] {
            for len in [
                0,
                1,
                width - 1,
                width,
                15 * width,
                16 * width,
                33 * width + 1,
                1000 * width + width / 2,
                4099,
            ] {
                let elements = bytes(len);
                let mut planes = vec![0; len];
                shuffle(width, &elements, &mut planes);
                assert_eq!(planes, shuffled(width, &elements), "width {width} length {len}");
                let mut back = vec![0; len];
                unshuffle(width, &planes, &mut back);
                assert_eq!(back, elements, "width {width} length {len}");
            }
        }
    }

    #[test]
    fn bit_shuffles_follow_the_definition_and_invert() {
        for width in [1, 2, 3, 4, 8, 16] {
            for count in [0, 8, 16, 24, 128, 200, 1024] {
                let elements = bytes(count * width);
                let mut expected = vec![0_u8; elements.len()];
                for i in 0..count {
                    for bit in 0..8 * width {
                        let value = elements[i * width + bit / 8] >> (bit % 8) & 1;
                        expected[bit * count / 8 + i / 8] |= value << (i % 8);
                    }
                }
                let (mut bits, mut buffer, mut back) = (
                    vec![0; elements.len()],
                    vec![0; elements.len()],
                    vec![0; elements.len()],
                );
                bit_shuffle(width, &elements, &mut bits, &mut buffer);
                assert_eq!(bits, expected, "width {width} count {count}");
                bit_unshuffle(width, &bits, &mut back, &mut buffer);
                assert_eq!(back, elements, "width {width} count {count}");
            }
        }
    }

    #[test]
    fn swapping_reverses_units_and_leaves_the_rest() {
        for width in [0, 1, 2, 3, 4, 8, 16] {
            let before = bytes(50);
            let mut after = before.clone();
            swap_bytes(width, &mut after);
            for (a, b) in before.chunks(width.max(1)).zip(after.chunks(width.max(1))) {
                let mut a = a.to_vec();
                if a.len() == width {
                    a.reverse();
                }
                assert_eq!(a, b, "width {width}");
            }
        }
    }
}
