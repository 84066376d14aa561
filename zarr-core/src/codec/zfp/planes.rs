//! Bit planes: the most significant bits of all coefficients first, in groups that say where the next new one is.

use super::bits::{Reader, Writer};
use super::block::Blocks;

impl Blocks {
    pub(super) fn decode_planes(
        self,
        reader: &mut Reader<'_>,
        budget: u64,
        precision: u32,
        data: &mut [u64],
    ) -> u64 {
        let size = data.len();
        let lowest = self.kind.width().saturating_sub(precision);
        let (mut left, mut known) = (budget, 0_usize);
        for plane in (lowest..self.kind.width()).rev() {
            if left == 0 {
                break;
            }
            // The numbers that are known not to be zero send their bits as they are.
            let plain = known.min(usize::try_from(left).unwrap_or(usize::MAX));
            for value in data.iter_mut().take(plain) {
                *value |= u64::from(reader.bit()) << plane;
            }
            left -= plain as u64;
            // Of the others, in groups: is there another one, and which is it?
            while left > 0 && known < size {
                left -= 1;
                if !reader.bit() {
                    break;
                }
                while left > 0 && known < size - 1 {
                    left -= 1;
                    if reader.bit() {
                        break;
                    }
                    known += 1;
                }
                if let Some(value) = data.get_mut(known) {
                    *value |= 1 << plane;
                }
                known += 1;
            }
        }
        budget - left
    }

    pub(super) fn encode_planes(self, writer: &mut Writer, budget: u64, precision: u32, data: &[u64]) -> u64 {
        let size = data.len();
        let lowest = self.kind.width().saturating_sub(precision);
        let (mut left, mut known) = (budget, 0_usize);
        for plane in (lowest..self.kind.width()).rev() {
            if left == 0 {
                break;
            }
            let bit = |value: &u64| value >> plane & 1 == 1;
            let plain = known.min(usize::try_from(left).unwrap_or(usize::MAX));
            data.iter().take(plain).for_each(|value| writer.bit(bit(value)));
            left -= plain as u64;
            let mut ones = data.iter().skip(plain).filter(|value| bit(value)).count();
            while left > 0 && known < size {
                left -= 1;
                writer.bit(ones > 0);
                if ones == 0 {
                    break;
                }
                while left > 0 && known < size - 1 {
                    left -= 1;
                    let found = data.get(known).is_some_and(bit);
                    writer.bit(found);
                    if found {
                        break;
                    }
                    known += 1;
                }
                ones -= 1;
                known += 1;
            }
        }
        budget - left
    }
}
