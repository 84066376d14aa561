//! Bit streams: the lowest bit of a byte comes first.

/// Reads bits. Beyond the end it reads zeros and remembers that it did.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn bit(&mut self) -> bool {
        let byte = usize::try_from(self.position / 8)
            .ok()
            .and_then(|at| self.bytes.get(at));
        let bit = byte.is_some_and(|byte| byte >> (self.position % 8) & 1 == 1);
        self.position = self.position.saturating_add(1);
        bit
    }

    /// Up to 64 bits, the first one lowest.
    pub(super) fn bits(&mut self, count: u32) -> u64 {
        (0..count).fold(0, |bits, at| bits | u64::from(self.bit()) << at)
    }

    pub(super) fn skip(&mut self, count: u64) {
        self.position = self.position.saturating_add(count);
    }

    /// Bytes that were needed so far.
    pub(super) fn used(&self) -> u64 {
        self.position.div_ceil(8)
    }
}

/// Writes bits.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken; 0 if it is full.
    taken: u32,
}

impl Writer {
    pub(super) fn bit(&mut self, bit: bool) {
        if self.taken == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.taken;
        }
        self.taken = (self.taken + 1) % 8;
    }

    pub(super) fn bits(&mut self, bits: u64, count: u32) {
        (0..count).for_each(|at| self.bit(bits >> at & 1 == 1));
    }

    pub(super) fn pad(&mut self, count: u64) {
        (0..count).for_each(|_| self.bit(false));
    }

    /// The bytes, filled up to a whole number of 64-bit words as the library does.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes
    }
}
