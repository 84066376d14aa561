//! How a write behaves, and what it did.

/// How a write behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Whether chunks that are all fill value, bit for bit, are stored. Default false: they are erased.
    pub write_empty_chunks: bool,
    /// Most chunks under way; the byte budget may allow fewer. Default 64.
    pub io_width: usize,
    /// Most bytes of chunks that are held at once. Default 128 MiB; at least one chunk is under way whatever it says.
    pub budget_bytes: usize,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            write_empty_chunks: false,
            io_width: 64,
            budget_bytes: 128 << 20,
        }
    }
}

impl WriteOptions {
    /// Stores chunks that are all fill value, too.
    #[must_use]
    pub fn with_empty_chunks(mut self) -> Self {
        self.write_empty_chunks = true;
        self
    }

    /// Sets how many chunks may be under way (at least 1).
    #[must_use]
    pub fn with_io_width(mut self, io_width: usize) -> Self {
        self.io_width = io_width.max(1);
        self
    }

    /// Sets how many bytes of chunks may be held at once.
    #[must_use]
    pub fn with_budget_bytes(mut self, budget_bytes: usize) -> Self {
        self.budget_bytes = budget_bytes;
        self
    }

    /// How many chunks of `chunk_bytes` may be under way: each is held decoded and encoded.
    pub(super) fn width(&self, chunk_bytes: usize) -> usize {
        (self.budget_bytes / chunk_bytes.saturating_mul(2).max(1)).clamp(1, self.io_width.max(1))
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteReport {
    /// Chunks that were stored.
    pub chunks_written: u64,
    /// Chunks that became all fill value and were erased or not stored.
    pub chunks_erased: u64,
    /// Chunks that were read first, because they were written in part.
    pub chunks_read: u64,
}
