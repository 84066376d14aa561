//! Checksums beside the data: `crc32c`, and numcodecs' `crc32`, `crc32c`, `adler32`, `fletcher32`, `jenkins_lookup3`.
//!
//! Each adds four bytes, a little-endian checksum, before or after the data.

use std::ops::Range;

use super::error::{CodecError, Result};
use super::scratch::{Scratch, reserve};
use super::size::Size;
use super::{BytesToBytes, Decoded};

/// How the checksum is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// CRC-32 of zlib.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// Adler-32 of zlib.
    Adler32,
    /// The Fletcher variant of HDF5: big-endian 16-bit words, an odd last byte padded with zero.
    Fletcher32,
    /// Bob Jenkins' `hashlittle` over `prefix` and the data.
    JenkinsLookup3 {
        /// The seed.
        initial: u32,
        /// Bytes that are hashed before the data and not stored.
        prefix: Vec<u8>,
    },
}

/// Where the four bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    /// Before the data.
    Start,
    /// After the data.
    End,
}

/// A checksum codec.
#[derive(Debug, Clone)]
pub(crate) struct Checksum {
    algorithm: Algorithm,
    location: Location,
}

impl Checksum {
    /// A checksum of the given kind and place.
    #[must_use]
    pub(crate) fn new(algorithm: Algorithm, location: Location) -> Self {
        Self { algorithm, location }
    }

    fn compute(&self, data: &[u8]) -> u32 {
        match &self.algorithm {
            Algorithm::Crc32 => libdeflater::crc32(data),
            Algorithm::Crc32c => crc32c::crc32c(data),
            Algorithm::Adler32 => libdeflater::adler32(data),
            Algorithm::Fletcher32 => fletcher32(data),
            Algorithm::JenkinsLookup3 { initial, prefix } if prefix.is_empty() => {
                jenkins_lookup3(data, *initial)
            }
            Algorithm::JenkinsLookup3 { initial, prefix } => {
                jenkins_lookup3(&[prefix, data].concat(), *initial)
            }
        }
    }

    fn verify(&self, encoded: &[u8]) -> Result<Range<usize>> {
        let split = match self.location {
            Location::Start => encoded.split_first_chunk::<4>().map(|(sum, data)| (data, sum)),
            Location::End => encoded.split_last_chunk::<4>(),
        };
        let Some((data, sum)) = split else {
            return Err(CodecError::corrupt(
                self.name(),
                format_args!("{} bytes hold no checksum", encoded.len()),
            ));
        };
        let (stored, computed) = (u32::from_le_bytes(*sum), self.compute(data));
        if stored != computed {
            let reason = format_args!("the checksum is {computed:08x} where {stored:08x} is stored");
            return Err(CodecError::corrupt(self.name(), reason));
        }
        Ok(match self.location {
            Location::Start => 4..encoded.len(),
            Location::End => 0..data.len(),
        })
    }
}

impl BytesToBytes for Checksum {
    fn name(&self) -> &str {
        match self.algorithm {
            Algorithm::Crc32 => "crc32",
            Algorithm::Crc32c => "crc32c",
            Algorithm::Adler32 => "adler32",
            Algorithm::Fletcher32 => "fletcher32",
            Algorithm::JenkinsLookup3 { .. } => "jenkins_lookup3",
        }
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.plus(4)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        let data = encoded.get(self.verify(encoded)?).unwrap_or_default();
        match out.get_mut(..data.len()) {
            Some(out) => {
                out.copy_from_slice(data);
                Ok(Decoded::Complete(data.len()))
            }
            None => Ok(Decoded::TooLong),
        }
    }

    fn strip(&self, encoded: &[u8]) -> Option<Result<Range<usize>>> {
        Some(self.verify(encoded))
    }

    fn max_expansion(&self) -> u64 {
        1
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let sum = self.compute(decoded).to_le_bytes();
        let mut out = reserve(self.name(), decoded.len().saturating_add(4))?;
        match self.location {
            Location::Start => {
                out.extend_from_slice(&sum);
                out.extend_from_slice(decoded);
            }
            Location::End => {
                out.extend_from_slice(decoded);
                out.extend_from_slice(&sum);
            }
        }
        Ok(out)
    }
}

/// Both sums live in 1..=65535 once they are not zero: HDF5 folds carries, which never turns a sum back to zero.
fn fletcher32(data: &[u8]) -> u32 {
    let fold = |sum: u64| if sum == 0 { 0 } else { (sum - 1) % 65_535 + 1 };
    let (mut first, mut second) = (0_u64, 0_u64);
    // 4096 words keep both sums far below 2^64.
    for block in data.chunks(8192) {
        for word in block.chunks(2) {
            let high = word.first().copied().unwrap_or(0);
            let low = word.get(1).copied().unwrap_or(0);
            first += u64::from(u16::from_be_bytes([high, low]));
            second += first;
        }
        first = fold(first);
        second = fold(second);
    }
    let half = |sum: u64| u32::try_from(sum).unwrap_or(0);
    (half(second) << 16) | half(first)
}

/// `hashlittle` of lookup3 (Bob Jenkins, 2006, public domain), one byte at a time in the tail so that alignment does not matter.
fn jenkins_lookup3(data: &[u8], initial: u32) -> u32 {
    let length = u32::try_from(data.len() & 0xffff_ffff).unwrap_or(0);
    let start = 0xdead_beef_u32.wrapping_add(length).wrapping_add(initial);
    let mut state = [start; 3];
    let mut rest = data;
    // The last block, even a full one, is mixed differently.
    while rest.len() > 12 {
        let (block, tail) = rest.split_at(12);
        absorb(&mut state, block);
        for (target, source, rotation) in [(0, 2, 4), (1, 0, 6), (2, 1, 8), (0, 2, 16), (1, 0, 19), (2, 1, 4)]
        {
            // `target -= source; target ^= source rotated; source += the third`.
            let other = 3 - target - source;
            state[target] = state[target].wrapping_sub(state[source]) ^ state[source].rotate_left(rotation);
            state[source] = state[source].wrapping_add(state[other]);
        }
        rest = tail;
    }
    if rest.is_empty() {
        return state[2];
    }
    absorb(&mut state, rest);
    for (target, source, rotation) in [
        (2, 1, 14),
        (0, 2, 11),
        (1, 0, 25),
        (2, 1, 16),
        (0, 2, 4),
        (1, 0, 14),
        (2, 1, 24),
    ] {
        state[target] = (state[target] ^ state[source]).wrapping_sub(state[source].rotate_left(rotation));
    }
    state[2]
}

fn absorb(state: &mut [u32; 3], block: &[u8]) {
    for (word, bytes) in state.iter_mut().zip(block.chunks(4)) {
        let mut padded = [0; 4];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        *word = word.wrapping_add(u32::from_le_bytes(padded));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // Published check values; lookup3's are those of its own self test.
        assert_eq!(
            Checksum::new(Algorithm::Crc32c, Location::End).compute(b"123456789"),
            0xe306_9283
        );
        assert_eq!(libdeflater::crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(libdeflater::adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(jenkins_lookup3(b"", 0), 0xdead_beef);
        assert_eq!(jenkins_lookup3(b"", 0xdead_beef), 0xbd5b_7dde);
        assert_eq!(jenkins_lookup3(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(jenkins_lookup3(b"Four score and seven years ago", 1), 0xcd62_8161);
    }

    #[test]
    fn fletcher_folds_and_pads() {
        assert_eq!(fletcher32(&[]), 0);
        assert_eq!(fletcher32(&[0; 7]), 0);
        assert_eq!(fletcher32(&[1]), 0x0100_0100);
        assert_eq!(fletcher32(&[0xff, 0xff]), 0xffff_ffff);
        assert_eq!(fletcher32(&[0xff; 4]), 0xffff_ffff);
        assert_eq!(fletcher32(&[0, 1, 0, 2]), 0x0004_0003);
    }

    #[test]
    fn a_changed_byte_is_found() {
        for location in [Location::Start, Location::End] {
            for algorithm in [
                Algorithm::Crc32,
                Algorithm::Crc32c,
                Algorithm::Adler32,
                Algorithm::Fletcher32,
                Algorithm::JenkinsLookup3 {
                    initial: 3,
                    prefix: vec![1, 2],
                },
            ] {
                let codec = Checksum::new(algorithm, location);
                let encoded = codec.encode(b"some data", &mut Scratch::new()).unwrap();
                assert_eq!(encoded[codec.verify(&encoded).unwrap()], *b"some data");
                for at in 0..encoded.len() {
                    let mut bad = encoded.clone();
                    bad[at] ^= 0x40;
                    assert!(codec.verify(&bad).is_err(), "{codec:?} byte {at}");
                }
            }
        }
    }
}
