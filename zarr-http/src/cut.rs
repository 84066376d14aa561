//! A part cut out of a whole body, piece by piece: for servers that send the whole file whatever is asked for.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use zarr_fs::{ByteRange, Context, Error, Result};

/// Cuts a range out of a body that comes in pieces. It keeps no more than the range.
#[derive(Debug)]
pub(crate) struct Cut {
    range: ByteRange,
    /// Bytes seen so far.
    seen: u64,
    /// The last pieces, for a suffix, and how many bytes they have.
    tail: VecDeque<Bytes>,
    tail_bytes: u64,
}

impl Cut {
    pub(crate) fn new(range: ByteRange) -> Self {
        Self {
            range,
            seen: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
        }
    }

    /// Takes the next piece of the body; gives what of it is wanted now.
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        let length = piece.len() as u64;
        let start = self.seen;
        self.seen += length;
        // A position in the file as one in the piece.
        let within = |at: u64| usize::try_from(at.saturating_sub(start).min(length)).unwrap_or(piece.len());
        match self.range {
            ByteRange::Full => piece,
            ByteRange::From(from) => piece.slice(within(from)..),
            ByteRange::Bounded(from, to) if from < to => piece.slice(within(from)..within(to)),
            ByteRange::Bounded(..) => Bytes::new(),
            ByteRange::Suffix(wanted) => {
                self.tail_bytes += length;
                self.tail.push_back(piece);
                while let Some(first) = self.tail.front_mut() {
                    let spare = self.tail_bytes.saturating_sub(wanted);
                    let first_bytes = first.len() as u64;
                    if spare == 0 {
                        break;
                    }
                    if spare >= first_bytes {
                        self.tail_bytes -= first_bytes;
                        self.tail.pop_front();
                    } else {
                        let _ = first.split_to(usize::try_from(spare).unwrap_or(first.len()));
                        self.tail_bytes -= spare;
                    }
                }
                Bytes::new()
            }
        }
    }

    /// Whether nothing of the rest of the body is wanted.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.range, ByteRange::Bounded(_, to) if self.seen >= to)
    }

    /// The end of the body: gives the last pieces.
    ///
    /// # Errors
    /// [`Error::RangeOutOfBounds`] if the range leaves the file.
    pub(crate) fn finish(self, at: &Context) -> Result<VecDeque<Bytes>> {
        if !self.is_done() && self.range.resolve(self.seen).is_none() {
            return Err(at.out_of_bounds(self.range, self.seen));
        }
        Ok(self.tail)
    }
}

/// Cuts `range` out of a whole body. A small part does not keep the whole alive.
///
/// # Errors
/// [`Error::RangeOutOfBounds`] if the range leaves the body.
pub(crate) fn cut(whole: &Bytes, range: ByteRange, at: &Context) -> Result<Bytes> {
    let size = whole.len() as u64;
    let part = zarr_fs::ranges::resolve(range, size, at)?;
    let within = |at: u64| usize::try_from(at).unwrap_or(whole.len());
    let part = within(part.start)..within(part.end);
    Ok(if part.len() < whole.len() / zarr_fs::ranges::PIN_FACTOR {
        Bytes::copy_from_slice(&whole[part])
    } else {
        whole.slice(part)
    })
}

/// Joins pieces; one piece stays as it is.
pub(crate) fn join(mut pieces: VecDeque<Bytes>) -> Bytes {
    if pieces.len() <= 1 {
        return pieces.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    whole.freeze()
}

/// The error of a range that ends before it starts; nothing is asked for it.
pub(crate) fn check(range: ByteRange, at: &Context) -> Result<()> {
    match range {
        ByteRange::Bounded(start, end) if start > end => Err(Error::RangeOutOfBounds {
            at: at.clone(),
            start,
            end,
            size: None,
        }),
        ByteRange::Full | ByteRange::From(_) | ByteRange::Bounded(..) | ByteRange::Suffix(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zarr_fs::Path;

    use super::*;

    fn at() -> Context {
        Context::new("http://h", "cat_file", &Path::root())
    }

    /// What comes of a body of `size` counted bytes in pieces of `step`.
    fn cut_in_pieces(size: usize, step: usize, range: ByteRange) -> Result<Vec<u8>> {
        let whole: Vec<u8> = (0..size).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let mut cut = Cut::new(range);
        let mut kept = Vec::new();
        for piece in whole.chunks(step) {
            kept.extend_from_slice(&cut.push(Bytes::copy_from_slice(piece)));
            if cut.is_done() {
                break;
            }
        }
        kept.extend_from_slice(&join(cut.finish(&at())?));
        Ok(kept)
    }

    fn ranges() -> impl Strategy<Value = ByteRange> {
        prop_oneof![
            Just(ByteRange::Full),
            (0..40_u64).prop_map(ByteRange::From),
            (0..40_u64, 0..10_u64).prop_map(|(start, length)| ByteRange::Bounded(start, start + length)),
            (0..40_u64).prop_map(ByteRange::Suffix),
        ]
    }

    proptest! {
        #[test]
        fn a_cut_is_the_slice(size in 0..33_usize, step in 1..9_usize, range in ranges()) {
            let whole: Vec<u8> = (0..size).map(|byte| u8::try_from(byte).unwrap()).collect();
            let cut = cut_in_pieces(size, step, range);
            let at_once = super::cut(&Bytes::from(whole.clone()), range, &at());
            match range.resolve(size as u64) {
                Some(part) => {
                    let expected = &whole[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()];
                    prop_assert_eq!(&cut.unwrap()[..], expected);
                    prop_assert_eq!(&at_once.unwrap()[..], expected);
                }
                None => {
                    let is_outside = |error| matches!(error, Err(Error::RangeOutOfBounds { size: Some(_), .. }));
                    prop_assert!(is_outside(cut.map(Bytes::from)));
                    prop_assert!(is_outside(at_once));
                }
            }
        }
    }

    #[test]
    fn a_suffix_keeps_no_more_than_itself() {
        let mut cut = Cut::new(ByteRange::Suffix(10));
        for _ in 0..1000 {
            assert!(cut.push(Bytes::from_static(&[0; 7])).is_empty());
            assert!(cut.tail_bytes <= 10);
        }
        assert_eq!(join(cut.finish(&at()).unwrap()).len(), 10);
    }
}
