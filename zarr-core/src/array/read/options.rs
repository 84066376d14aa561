//! How a read behaves, and what it did.

/// What a missing chunk means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingChunks {
    /// The fill value, as the specification says. They are counted in the report.
    #[default]
    Fill,
    /// An error: the array is known to be complete.
    Error,
}

/// How a read behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What a missing chunk means.
    pub missing: MissingChunks,
    /// Most requests in flight; the byte budget may allow fewer. Default 128.
    pub io_width: usize,
    /// Most threads that decode. Default: the machine's cores.
    pub cpu_width: usize,
    /// Most bytes of chunks that are held at once beside the result, as decoded. Default 64 MiB; at least two requests
    /// are in flight whatever it says.
    pub budget_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            missing: MissingChunks::default(),
            io_width: 128,
            cpu_width: crate::compute::width(),
            budget_bytes: 64 << 20,
        }
    }
}

impl ReadOptions {
    /// Sets what a missing chunk means.
    #[must_use]
    pub fn with_missing(mut self, missing: MissingChunks) -> Self {
        self.missing = missing;
        self
    }

    /// Sets how many requests may be in flight (at least 1).
    #[must_use]
    pub fn with_io_width(mut self, io_width: usize) -> Self {
        self.io_width = io_width.max(1);
        self
    }

    /// Sets how many threads may decode (at least 1).
    #[must_use]
    pub fn with_cpu_width(mut self, cpu_width: usize) -> Self {
        self.cpu_width = cpu_width.max(1);
        self
    }

    /// Sets how many bytes of chunks may be held at once beside the result.
    #[must_use]
    pub fn with_budget_bytes(mut self, budget_bytes: usize) -> Self {
        self.budget_bytes = budget_bytes;
        self
    }
}

/// What a read did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadReport {
    /// Chunks that gave to the result; in shards, inner chunks.
    pub chunks: u64,
    /// Of these, chunks that were not there: their elements are the fill value.
    pub missing_chunks: u64,
    /// Bytes of values that were fetched.
    pub bytes_fetched: u64,
}

impl ReadReport {
    /// Counts what another read did as well.
    pub fn add(&mut self, other: Self) {
        self.chunks += other.chunks;
        self.missing_chunks += other.missing_chunks;
        self.bytes_fetched += other.bytes_fetched;
    }
}
