//! Which requests fetch a list of ranges, and how their bodies are cut into the slices that were asked for.
//!
//! Pure: a backend asks for the [`RangePlan::fetches`] as it likes (all at once, as far as its width allows) and hands the
//! bodies to [`RangePlan::slice_out`].

use std::ops::Range;

use bytes::Bytes;

use crate::call_options::{ByteRange, CatRangesOptions};
use crate::error::{Context, Result};

/// A slice keeps at most this many times its own bytes alive; a smaller part of a body is copied out of it.
pub const PIN_FACTOR: usize = 4;

/// Which requests fetch a list of ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangePlan {
    fetches: Vec<Range<u64>>,
    /// For each range that was asked for: its fetch and the offset in it. `None` for an empty range.
    slices: Vec<Option<Slice>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    fetch: usize,
    offset_bytes: u64,
    length_bytes: u64,
}

impl RangePlan {
    /// Merges ranges that lie at most `options.gap_bytes` apart, as long as a merged one is not longer than
    /// `options.max_merged_bytes`. `ranges` may overlap, be empty, and come in any order.
    ///
    /// # Errors
    /// [`Error::RangeOutOfBounds`](crate::Error::RangeOutOfBounds) at `at` if a range ends before it starts.
    pub fn new(ranges: &[Range<u64>], options: &CatRangesOptions, at: &Context) -> Result<Self> {
        check(ranges, at)?;
        let mut order: Vec<usize> = (0..ranges.len())
            .filter(|&index| !ranges[index].is_empty())
            .collect();
        order.sort_unstable_by_key(|&index| (ranges[index].start, ranges[index].end));

        let mut fetches: Vec<Range<u64>> = Vec::new();
        let mut slices = vec![None; ranges.len()];
        for index in order {
            let range = &ranges[index];
            match fetches.last_mut() {
                Some(last) if belongs(last, range, options) => last.end = last.end.max(range.end),
                _ => fetches.push(range.clone()),
            }
            // There is at least the one just pushed, and it starts no later than `range`: they come sorted.
            let fetch = fetches.len() - 1;
            slices[index] = Some(Slice {
                fetch,
                offset_bytes: range.start - fetches[fetch].start,
                length_bytes: range.end - range.start,
            });
        }
        Ok(Self { fetches, slices })
    }

    /// The ranges to fetch: none is empty, they come in ascending order.
    #[must_use]
    pub fn fetches(&self) -> &[Range<u64>] {
        &self.fetches
    }

    /// The slices that were asked for, in their order. `bodies` are those of [`RangePlan::fetches`], in the same order.
    ///
    /// Slices share a body's buffer unless they are less than 1/[`PIN_FACTOR`] of it; then they are copied.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) at `at` if a body is not as long as its fetch.
    pub fn slice_out(&self, bodies: &[Bytes], at: &Context) -> Result<Vec<Bytes>> {
        if bodies.len() != self.fetches.len() {
            let (found, fetches) = (bodies.len(), self.fetches.len());
            return Err(at.backend(format!("{found} bodies for {fetches} ranges")));
        }
        for (fetch, body) in self.fetches.iter().zip(bodies) {
            let expected = fetch.end - fetch.start;
            if expected != body.len() as u64 {
                return Err(crate::Error::Corrupt {
                    at: at.clone(),
                    source: format!("{} bytes for the range {fetch:?}", body.len()).into(),
                });
            }
        }
        let slice_of = |slice: &Option<Slice>| {
            let slice = slice.as_ref()?;
            // In range: the fetch covers the slice and the body is as long as the fetch.
            let start = usize::try_from(slice.offset_bytes).ok()?;
            let length = usize::try_from(slice.length_bytes).ok()?;
            Some(unpinned(&bodies[slice.fetch], start..start + length))
        };
        Ok(self
            .slices
            .iter()
            .map(|slice| slice_of(slice).unwrap_or_default())
            .collect())
    }
}

/// Whether `range`, which starts no earlier than `last`, is fetched with it.
fn belongs(last: &Range<u64>, range: &Range<u64>, options: &CatRangesOptions) -> bool {
    let inside = range.end <= last.end;
    let near = range.start <= last.end.saturating_add(options.gap_bytes);
    inside || (near && range.end - last.start <= options.max_merged_bytes)
}

/// A slice of `body` that does not keep much more than itself alive.
fn unpinned(body: &Bytes, part: Range<usize>) -> Bytes {
    if part.len() < body.len() / PIN_FACTOR {
        Bytes::copy_from_slice(&body[part])
    } else {
        body.slice(part)
    }
}

/// Refuses ranges that end before they start.
///
/// # Errors
/// [`Error::RangeOutOfBounds`](crate::Error::RangeOutOfBounds) at `at`.
pub fn check(ranges: &[Range<u64>], at: &Context) -> Result<()> {
    match ranges.iter().find(|range| range.start > range.end) {
        None => Ok(()),
        Some(backward) => Err(crate::Error::RangeOutOfBounds {
            at: at.clone(),
            start: backward.start,
            end: backward.end,
            size: None,
        }),
    }
}

/// The half-open range that `range` means in a file of `size_bytes`.
///
/// # Errors
/// [`Error::RangeOutOfBounds`](crate::Error::RangeOutOfBounds) at `at` if it leaves the file.
pub fn resolve(range: ByteRange, size_bytes: u64, at: &Context) -> Result<Range<u64>> {
    range
        .resolve(size_bytes)
        .ok_or_else(|| at.out_of_bounds(range, size_bytes))
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "lists of ranges are the input")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Error;
    use crate::path::Path;

    fn at() -> Context {
        Context::new("memory", "cat_ranges", &Path::root())
    }

    fn plan(ranges: &[Range<u64>], gap: u64, most: u64) -> RangePlan {
        let options = CatRangesOptions::default()
            .with_gap_bytes(gap)
            .with_max_merged_bytes(most);
        RangePlan::new(ranges, &options, &at()).unwrap()
    }

    #[test]
    fn merges_what_is_near_up_to_the_cap() {
        assert_eq!(plan(&[0..4, 6..8], 2, 100).fetches(), [0..8]);
        assert_eq!(plan(&[0..4, 7..8], 2, 100).fetches(), [0..4, 7..8]);
        assert_eq!(plan(&[0..4, 4..8], 0, 7).fetches(), [0..4, 4..8]);
        assert_eq!(plan(&[10..20, 0..100, 5..5], 0, 7).fetches(), [0..100]);
        assert_eq!(plan(&[], 0, 7).fetches(), []);
        let ends = [0..1, u64::MAX - 1..u64::MAX];
        assert_eq!(plan(&ends, u64::MAX, 10).fetches(), ends);
    }

    #[test]
    fn refuses_backward_ranges_and_short_bodies() {
        #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
        let backward = RangePlan::new(&[3..1], &CatRangesOptions::default(), &at());
        assert!(matches!(backward, Err(Error::RangeOutOfBounds { .. })));
        let plan = plan(&[0..4], 0, 7);
        let short = plan.slice_out(&[Bytes::from_static(b"abc")], &at());
        assert!(matches!(short, Err(Error::Corrupt { .. })));
        assert!(matches!(plan.slice_out(&[], &at()), Err(Error::Backend { .. })));
    }

    #[test]
    fn a_small_slice_is_a_copy_and_a_large_one_is_not() {
        let body = Bytes::from(vec![7_u8; 1000]);
        let is_part = |slice: &Bytes| body.as_ptr_range().contains(&slice.as_ptr());
        assert!(!is_part(&unpinned(&body, 10..259)));
        assert!(is_part(&unpinned(&body, 10..260)));
    }

    proptest! {
        #[test]
        fn slices_are_those_of_the_file(
            file in proptest::collection::vec(any::<u8>(), 0..300),
            asked in proptest::collection::vec((0_u64..300, 0_u64..60), 0..20),
            gap in 0_u64..40,
            most in 1_u64..200,
        ) {
            let size = file.len() as u64;
            let ranges: Vec<Range<u64>> = asked
                .into_iter()
                .map(|(start, length)| start.min(size)..(start + length).min(size))
                .map(|range| range.start..range.end.max(range.start))
                .collect();
            let plan = plan(&ranges, gap, most);
            let part = |range: &Range<u64>| {
                &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
            };
            let bodies: Vec<Bytes> = plan.fetches().iter().map(|range| Bytes::copy_from_slice(part(range))).collect();
            let longest = ranges.iter().map(|range| range.end - range.start).max().unwrap_or(0);
            for fetch in plan.fetches() {
                prop_assert!(!fetch.is_empty() && fetch.end - fetch.start <= most.max(longest));
            }
            for (slice, range) in plan.slice_out(&bodies, &at()).unwrap().iter().zip(&ranges) {
                prop_assert_eq!(&slice[..], part(range));
            }
        }
    }
}
