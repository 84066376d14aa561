//! `transpose`: dimensions in another order; also v2's order `F`.

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::{ArrayToArray, VariableLength};

const NAME: &str = "transpose";

/// The `transpose` codec.
#[derive(Debug, Clone)]
pub struct Transpose {
    order: Vec<usize>,
    decoded_shape: Vec<usize>,
    encoded: Representation,
    identity: bool,
}

impl Transpose {
    /// The codec that makes dimension `i` of the encoded array of dimension `order[i]` of `array`.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) if `order` is no permutation of
    /// the dimensions.
    pub fn new(order: &[u64], array: &Representation) -> Result<Self> {
        let rank = array.shape().len();
        let wrong = || {
            let reason = format_args!("order {order:?} is not a permutation of the {rank} dimensions");
            CodecError::configuration(NAME, reason)
        };
        let mut seen = vec![false; rank];
        let mut dimensions = Vec::with_capacity(rank);
        for dimension in order {
            let dimension = usize::try_from(*dimension).map_err(|_| wrong())?;
            let seen = seen.get_mut(dimension).ok_or_else(wrong)?;
            if std::mem::replace(seen, true) {
                return Err(wrong());
            }
            dimensions.push(dimension);
        }
        if dimensions.len() != rank {
            return Err(wrong());
        }
        let edge = |edge: &u64| usize::try_from(*edge).map_err(|_| CodecError::out_of_memory(NAME, *edge));
        let decoded_shape = array.shape().iter().map(edge).collect::<Result<Vec<_>>>()?;
        let shape = dimensions
            .iter()
            .filter_map(|dimension| array.shape().get(*dimension).copied())
            .collect();
        // Dimensions of length 1 may move without moving bytes.
        let long = |dimension: &&usize| decoded_shape.get(**dimension).is_some_and(|edge| *edge != 1);
        let identity = dimensions.iter().filter(long).is_sorted();
        Ok(Self {
            order: dimensions,
            encoded: array.with_shape(shape)?,
            decoded_shape,
            identity,
        })
    }

    /// All dimensions reversed: the order `F` of v2.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn reversed(array: &Representation) -> Result<Self> {
        let order: Vec<u64> = (0..array.shape().len() as u64).rev().collect();
        Self::new(&order, array)
    }

    /// The order of dimensions.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The elements of the decoded array in C order, as indices into the encoded one.
    fn walk(&self) -> Walk {
        let mut strides = vec![0; self.order.len()];
        let mut stride = 1_usize;
        for dimension in self.order.iter().rev() {
            if let (Some(slot), Some(edge)) =
                (strides.get_mut(*dimension), self.decoded_shape.get(*dimension))
            {
                *slot = stride;
                stride = stride.saturating_mul(*edge);
            }
        }
        Walk::new(self.decoded_shape.iter().copied().zip(strides).collect())
    }
}

/// Walks over an array in C order of the one side and says where each row begins on the other side.
#[derive(Debug)]
struct Walk {
    /// Length and stride of each dimension, outermost first, without those of length 1, adjacent ones merged.
    dimensions: Vec<(usize, usize)>,
}

impl Walk {
    fn new(all: Vec<(usize, usize)>) -> Self {
        let mut dimensions: Vec<(usize, usize)> = Vec::with_capacity(all.len());
        for (length, stride) in all.into_iter().filter(|(length, _)| *length != 1) {
            match dimensions.last_mut() {
                Some((outer, outer_stride)) if *outer_stride == stride.saturating_mul(length) => {
                    *outer = outer.saturating_mul(length);
                    *outer_stride = stride;
                }
                _ => dimensions.push((length, stride)),
            }
        }
        Self { dimensions }
    }

    /// Calls `row` with the start and stride of each innermost row, and its length.
    fn rows(&self, mut row: impl FnMut(usize, usize, usize)) {
        let Some(((length, stride), outer)) = self.dimensions.split_last() else {
            return row(0, 1, 1);
        };
        if self.dimensions.iter().any(|(length, _)| *length == 0) {
            return;
        }
        let mut index = vec![0_usize; outer.len()];
        let mut start = 0_usize;
        loop {
            row(start, *stride, *length);
            let mut dimension = outer.len();
            loop {
                let Some(next) = dimension.checked_sub(1) else {
                    return;
                };
                dimension = next;
                let (Some(position), Some((length, stride))) =
                    (index.get_mut(dimension), outer.get(dimension))
                else {
                    return;
                };
                *position += 1;
                start += stride;
                if *position < *length {
                    break;
                }
                start -= stride * length;
                *position = 0;
            }
        }
    }
}

/// Copies elements of `N` bytes: `target` in order, `source` by strides.
fn gather<const N: usize>(walk: &Walk, source: &[u8], target: &mut [u8]) {
    let (source, _) = source.as_chunks::<N>();
    let (mut target, _) = target.as_chunks_mut::<N>();
    walk.rows(|start, stride, length| {
        let (row, rest) = std::mem::take(&mut target)
            .split_at_mut_checked(length)
            .unwrap_or_default();
        target = rest;
        let from = source
            .get(start..)
            .unwrap_or_default()
            .iter()
            .step_by(stride.max(1));
        for (to, from) in row.iter_mut().zip(from) {
            *to = *from;
        }
    });
}

/// Copies elements of `N` bytes: `source` in order, `target` by strides.
fn scatter<const N: usize>(walk: &Walk, source: &[u8], target: &mut [u8]) {
    let (mut source, _) = source.as_chunks::<N>();
    let (target, _) = target.as_chunks_mut::<N>();
    walk.rows(|start, stride, length| {
        let (row, rest) = source.split_at_checked(length).unwrap_or_default();
        source = rest;
        let to = target
            .get_mut(start..)
            .unwrap_or_default()
            .iter_mut()
            .step_by(stride.max(1));
        for (to, from) in to.zip(row) {
            *to = *from;
        }
    });
}

impl ArrayToArray for Transpose {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decodes_to_same_bytes(&self) -> bool {
        self.identity
    }

    fn as_transpose(&self) -> Option<&Transpose> {
        Some(self)
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let walk = self.walk();
        match self.encoded.element_size() {
            Some(1) => gather::<1>(&walk, encoded, out),
            Some(2) => gather::<2>(&walk, encoded, out),
            Some(4) => gather::<4>(&walk, encoded, out),
            Some(8) => gather::<8>(&walk, encoded, out),
            Some(16) => gather::<16>(&walk, encoded, out),
            size => {
                let size = size.unwrap_or(1);
                let mut target = out.chunks_exact_mut(size);
                walk.rows(|start, stride, length| {
                    for (index, to) in (0..length).zip(&mut target) {
                        let at = (start + index * stride) * size;
                        if let Some(from) = encoded.get(at..at + size) {
                            to.copy_from_slice(from);
                        }
                    }
                });
            }
        }
        Ok(())
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let walk = self.walk();
        match self.encoded.element_size() {
            Some(1) => scatter::<1>(&walk, decoded, out),
            Some(2) => scatter::<2>(&walk, decoded, out),
            Some(4) => scatter::<4>(&walk, decoded, out),
            Some(8) => scatter::<8>(&walk, decoded, out),
            Some(16) => scatter::<16>(&walk, decoded, out),
            size => {
                let size = size.unwrap_or(1);
                let mut source = decoded.chunks_exact(size);
                walk.rows(|start, stride, length| {
                    for (index, from) in (0..length).zip(&mut source) {
                        let at = (start + index * stride) * size;
                        if let Some(to) = out.get_mut(at..at + size) {
                            to.copy_from_slice(from);
                        }
                    }
                });
            }
        }
        Ok(())
    }

    fn decode_variable(&self, encoded: VariableLength) -> Result<VariableLength> {
        let mut out = VariableLength::with_capacity(encoded.len(), encoded.data().len())?;
        self.walk().rows(|start, stride, length| {
            (0..length).for_each(|index| out.push(encoded.get(start + index * stride).unwrap_or_default()));
        });
        Ok(out)
    }

    fn encode_variable(&self, decoded: &VariableLength) -> Result<VariableLength> {
        let mut places = vec![0_usize; decoded.len()];
        let mut next = 0_usize;
        self.walk().rows(|start, stride, length| {
            for index in 0..length {
                if let Some(place) = places.get_mut(start + index * stride) {
                    *place = next;
                }
                next += 1;
            }
        });
        let mut out = VariableLength::with_capacity(decoded.len(), decoded.data().len())?;
        places
            .into_iter()
            .for_each(|place| out.push(decoded.get(place).unwrap_or_default()));
        Ok(out)
    }
}
