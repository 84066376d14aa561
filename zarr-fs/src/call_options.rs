//! What a call may ask for beyond a path and bytes.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::info::Version;

/// Which bytes of a file are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteRange {
    /// The whole file.
    #[default]
    Full,
    /// From `start` to the end; `start` may equal the size (no bytes), not pass it.
    From(u64),
    /// `start..end`, half open; both must lie in the file.
    Bounded(u64, u64),
    /// The last bytes; a file that is shorter gives all it has.
    Suffix(u64),
}

impl ByteRange {
    /// The half-open range this means in a file of `size_bytes`; `None` if it leaves the file.
    #[must_use]
    pub fn resolve(self, size_bytes: u64) -> Option<Range<u64>> {
        match self {
            Self::Full => Some(0..size_bytes),
            Self::From(start) => (start <= size_bytes).then_some(start..size_bytes),
            Self::Bounded(start, end) => (start <= end && end <= size_bytes).then_some(start..end),
            Self::Suffix(length) => Some(size_bytes.saturating_sub(length)..size_bytes),
        }
    }

    /// Start and end for an error message; the end is `u64::MAX` where the range is open.
    #[must_use]
    pub fn bounds(self) -> (u64, u64) {
        match self {
            Self::Full => (0, u64::MAX),
            Self::From(start) => (start, u64::MAX),
            Self::Bounded(start, end) => (start, end),
            Self::Suffix(length) => (u64::MAX.saturating_sub(length), u64::MAX),
        }
    }
}

impl From<Range<u64>> for ByteRange {
    fn from(range: Range<u64>) -> Self {
        Self::Bounded(range.start, range.end)
    }
}

/// Options of `cat_file` and `cat_stream`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatOptions {
    /// Which bytes.
    pub range: ByteRange,
    /// Read only if the file is still of this version; else `Precondition`.
    pub if_match: Option<Version>,
    /// `cat_file` refuses to hold more bytes than this: `LimitReached`, without reading what is longer to its end. (A
    /// stream is its consumer's to stop.)
    pub max_bytes: Option<u64>,
}

impl CatOptions {
    /// Asks for a part of the file.
    #[must_use]
    pub fn with_range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = range.into();
        self
    }

    /// Asks for one version of the file.
    #[must_use]
    pub fn with_if_match(mut self, version: Version) -> Self {
        self.if_match = Some(version);
        self
    }

    /// Sets how many bytes `cat_file` may hold at most.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Refuses a read of `length_bytes` if that is more than allowed: what a backend asks before it reads.
    ///
    /// # Errors
    /// [`Error::LimitReached`].
    pub fn check_length(&self, length_bytes: u64) -> Result<()> {
        match self.max_bytes {
            Some(limit) if length_bytes > limit => Err(Error::LimitReached {
                what: "bytes to read at once",
                limit,
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Options of `cat_ranges`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatRangesOptions {
    /// Read only if the file is still of this version; else `Precondition`.
    pub if_match: Option<Version>,
    /// Ranges at most this far apart are fetched by one request. Default 64 KiB: about what a fast link moves in
    /// the time of one more round trip's overhead.
    pub gap_bytes: u64,
    /// No merged request is longer than this, unless one range alone is. Default 8 MiB.
    pub max_merged_bytes: u64,
}

impl Default for CatRangesOptions {
    fn default() -> Self {
        Self {
            if_match: None,
            gap_bytes: 64 << 10,
            max_merged_bytes: 8 << 20,
        }
    }
}

impl CatRangesOptions {
    /// Asks for one version of the file.
    #[must_use]
    pub fn with_if_match(mut self, version: Version) -> Self {
        self.if_match = Some(version);
        self
    }

    /// Sets the widest gap between two ranges of one request, in bytes.
    #[must_use]
    pub fn with_gap_bytes(mut self, gap_bytes: u64) -> Self {
        self.gap_bytes = gap_bytes;
        self
    }

    /// Sets the longest merged request, in bytes.
    #[must_use]
    pub fn with_max_merged_bytes(mut self, max_merged_bytes: u64) -> Self {
        self.max_merged_bytes = max_merged_bytes;
        self
    }
}

/// What a write does about a file that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// Replaces it.
    #[default]
    Overwrite,
    /// Refuses it: `AlreadyExists`.
    Create,
    /// Replaces it only if it is still of this version: `Precondition`.
    IfMatch(Version),
}

/// Options of `pipe_file` and `pipe_stream`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipeOptions {
    /// What to do about a file that is there.
    pub mode: WriteMode,
}

impl PipeOptions {
    /// Sets what to do about a file that is there.
    #[must_use]
    pub fn with_mode(mut self, mode: WriteMode) -> Self {
        self.mode = mode;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_ranges() {
        assert_eq!(ByteRange::Full.resolve(3), Some(0..3));
        assert_eq!(ByteRange::From(3).resolve(3), Some(3..3));
        assert_eq!(ByteRange::From(4).resolve(3), None);
        assert_eq!(ByteRange::Bounded(1, 3).resolve(3), Some(1..3));
        assert_eq!(ByteRange::Bounded(1, 4).resolve(3), None);
        assert_eq!(ByteRange::Bounded(2, 1).resolve(3), None);
        assert_eq!(ByteRange::Suffix(9).resolve(3), Some(0..3));
        assert_eq!(ByteRange::Suffix(1).resolve(3), Some(2..3));
    }
}
