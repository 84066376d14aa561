//! `Range` and `Content-Range`.

use http::{HeaderMap, HeaderValue, header};

use crate::call_options::ByteRange;

/// A `Range` header with one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeHeader {
    /// `start..end`, half open and not empty.
    Bounded(u64, u64),
    /// From here to the end.
    From(u64),
    /// So many last bytes, at least one.
    Suffix(u64),
}

impl RangeHeader {
    /// The header for `range`; `None` for the whole file, and for an empty range, which HTTP cannot ask for.
    #[must_use]
    pub fn of(range: ByteRange) -> Option<Self> {
        match range {
            ByteRange::From(0) | ByteRange::Full | ByteRange::Suffix(0) => None,
            ByteRange::From(start) => Some(Self::From(start)),
            ByteRange::Bounded(start, end) => (start < end).then_some(Self::Bounded(start, end)),
            ByteRange::Suffix(length) => Some(Self::Suffix(length)),
        }
    }

    /// The header's value.
    #[must_use]
    pub fn value(self) -> HeaderValue {
        let text = match self {
            Self::Bounded(start, end) => format!("bytes={start}-{}", end.saturating_sub(1)),
            Self::From(start) => format!("bytes={start}-"),
            Self::Suffix(length) => format!("bytes=-{length}"),
        };
        // Digits, `=` and `-` are always a header value.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes=0-"))
    }

    pub(super) fn parse(value: &HeaderValue) -> Option<Self> {
        let (start, end) = value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        match (start, end) {
            ("", length) => length.parse().ok().map(Self::Suffix),
            (start, "") => start.parse().ok().map(Self::From),
            (start, end) => Some(Self::Bounded(
                start.parse().ok()?,
                end.parse::<u64>().ok()?.checked_add(1)?,
            )),
        }
    }

    /// Whether `got` is what was asked for: the whole of it, as far as the file reaches.
    #[must_use]
    pub fn is_answered_by(self, got: ContentRange) -> bool {
        let reaches = |end: u64| match got.size {
            Some(size) => got.end == end.min(size),
            None => got.end == end,
        };
        match self {
            Self::Bounded(start, end) => got.start == start && reaches(end),
            Self::From(start) => got.start == start && got.size.is_none_or(|size| got.end == size),
            Self::Suffix(length) => match got.size {
                Some(size) => got.start == size.saturating_sub(length) && got.end == size,
                None => got.end - got.start == length,
            },
        }
    }
}

/// A `Content-Range`: `start..end`, half open and not empty, of a file of `size` bytes if the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// The file's size, unless it is `*`.
    pub size: Option<u64>,
}

impl ContentRange {
    /// The header among `headers`, if it is valid.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let (range, size) = bytes_unit(headers)?.split_once('/')?;
        let (start, last) = range.split_once('-')?;
        let (start, end) = (start.parse().ok()?, last.parse::<u64>().ok()?.checked_add(1)?);
        let size = match size {
            "*" => None,
            size => Some(size.parse().ok()?),
        };
        (start < end && size.is_none_or(|size| end <= size)).then_some(Self { start, end, size })
    }

    /// The file's size as a 416 tells it: `bytes */N`.
    #[must_use]
    pub fn size_of_refused(headers: &HeaderMap) -> Option<u64> {
        bytes_unit(headers)?.strip_prefix("*/")?.parse().ok()
    }
}

fn bytes_unit(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim();
    text.strip_prefix("bytes ").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_range(text: &str) -> Option<ContentRange> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, text.parse().unwrap());
        ContentRange::of(&headers)
    }

    #[test]
    fn reads_content_ranges() {
        let got = content_range("bytes 2-4/10").unwrap();
        assert_eq!((got.start, got.end, got.size), (2, 5, Some(10)));
        assert_eq!(content_range("bytes 2-4/*").unwrap().size, None);
        for bad in [
            "2-4/10",
            "bytes 4-2/10",
            "bytes 2-10/10",
            "bytes */10",
            "bytes 0-18446744073709551615/18446744073709551615",
            "bytes a-b/c",
            "bytes -1-2/3",
        ] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, "bytes */10".parse().unwrap());
        assert_eq!(ContentRange::size_of_refused(&headers), Some(10));
    }

    #[test]
    fn an_answer_must_be_the_range_asked_for() {
        let asked = RangeHeader::parse(&"bytes=2-5".parse().unwrap()).unwrap();
        assert_eq!(asked, RangeHeader::Bounded(2, 6));
        for (got, right) in [
            ("bytes 2-5/10", true),
            ("bytes 2-3/4", true),
            ("bytes 2-5/*", true),
            ("bytes 0-5/10", false),
            ("bytes 2-4/10", false),
            ("bytes 2-6/10", false),
            ("bytes 2-4/*", false),
        ] {
            assert_eq!(asked.is_answered_by(content_range(got).unwrap()), right, "{got}");
        }
        let suffix = RangeHeader::parse(&"bytes=-3".parse().unwrap()).unwrap();
        assert!(suffix.is_answered_by(content_range("bytes 7-9/10").unwrap()));
        assert!(suffix.is_answered_by(content_range("bytes 0-1/2").unwrap()));
        assert!(!suffix.is_answered_by(content_range("bytes 6-9/10").unwrap()));
        let from = RangeHeader::parse(&"bytes=7-".parse().unwrap()).unwrap();
        assert!(from.is_answered_by(content_range("bytes 7-9/10").unwrap()));
        assert!(!from.is_answered_by(content_range("bytes 7-8/10").unwrap()));
    }

    #[test]
    fn prints_what_it_reads() {
        for range in [
            RangeHeader::Bounded(0, 1),
            RangeHeader::From(3),
            RangeHeader::Suffix(9),
        ] {
            assert_eq!(RangeHeader::parse(&range.value()), Some(range));
        }
        assert_eq!(RangeHeader::of(ByteRange::Bounded(4, 4)), None);
        assert_eq!(RangeHeader::of(ByteRange::Full), None);
    }
}
