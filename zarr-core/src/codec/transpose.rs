//! `transpose`: dimensions in another order; also v2's order `F`.

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::strided::Walk;
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
        let dimensions: Vec<_> = self.decoded_shape.iter().copied().zip(strides).collect();
        Walk::new(&dimensions)
    }
}

/// Copies elements of `N` bytes: `target` in order, `source` by strides.
fn gather<const N: usize>(walk: &Walk, source: &[u8], target: &mut [u8]) {
    let (source, _) = source.as_chunks::<N>();
    let (target, _) = target.as_chunks_mut::<N>();
    if let Some(planes) = walk.planes() {
        planes
            .outer
            .starts(|from, to| planes.gather(source, from, target, to));
        return;
    }
    let mut target = target;
    walk.rows(|start, stride, length| {
        let (row, rest) = std::mem::take(&mut target)
            .split_at_mut_checked(length)
            .unwrap_or_default();
        target = rest;
        let from = source.get(start..).unwrap_or_default();
        match from.get(..length) {
            Some(from) if stride == 1 => row.copy_from_slice(from),
            _ => row
                .iter_mut()
                .zip(from.iter().step_by(stride.max(1)))
                .for_each(|(to, from)| *to = *from),
        }
    });
}

/// Copies elements of `N` bytes: `source` in order, `target` by strides.
fn scatter<const N: usize>(walk: &Walk, source: &[u8], target: &mut [u8]) {
    let (source, _) = source.as_chunks::<N>();
    let (target, _) = target.as_chunks_mut::<N>();
    if let Some(planes) = walk.planes() {
        planes
            .outer
            .starts(|to, from| planes.scatter(source, from, target, to));
        return;
    }
    let mut source = source;
    walk.rows(|start, stride, length| {
        let (row, rest) = source.split_at_checked(length).unwrap_or_default();
        source = rest;
        let to = target.get_mut(start..).unwrap_or_default();
        match to.get_mut(..length) {
            Some(to) if stride == 1 => to.copy_from_slice(row),
            _ => to
                .iter_mut()
                .step_by(stride.max(1))
                .zip(row)
                .for_each(|(to, from)| *to = *from),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metadata::DataType;

    fn transpose(shape: &[u64], size: usize, order: &[u64]) -> Transpose {
        let data_type = DataType::RawBytes { size_bytes: size };
        let array = Representation::new(shape.to_vec(), data_type, vec![0; size]).unwrap();
        Transpose::new(order, &array).unwrap()
    }

    /// The definition, element by element: `encoded[j] = decoded[i]` where `j[k] = i[order[k]]`.
    fn naive(shape: &[usize], size: usize, order: &[usize], decoded: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let encoded_shape: Vec<usize> = order.iter().map(|dimension| shape[*dimension]).collect();
        for flat in 0..shape.iter().product() {
            let (mut rest, mut index) = (flat, vec![0; shape.len()]);
            for (at, edge) in encoded_shape.iter().enumerate().rev() {
                index[order[at]] = rest % edge;
                rest /= edge;
            }
            let from = index
                .iter()
                .zip(shape)
                .fold(0, |sum, (index, edge)| sum * edge + index);
            out.extend_from_slice(&decoded[from * size..(from + 1) * size]);
        }
        out
    }

    proptest! {
        #[test]
        fn follows_the_definition_and_inverts(
            shape in prop_oneof![
                proptest::collection::vec(0_u64..6, 0..5),
                proptest::collection::vec(prop_oneof![Just(1_u64), 7..40_u64], 2..4),
            ],
            size in prop_oneof![Just(1_usize), Just(2), Just(3), Just(4), Just(8), Just(16)],
            seed in any::<u64>(),
        ) {
            let mut order: Vec<u64> = (0..shape.len() as u64).collect();
            for at in (1..order.len()).rev() {
                order.swap(at, usize::try_from(seed >> (at * 7)).unwrap_or(0) % (at + 1));
            }
            let codec = transpose(&shape, size, &order);
            let edges: Vec<usize> = shape.iter().map(|edge| usize::try_from(*edge).unwrap()).collect();
            let bytes = edges.iter().product::<usize>() * size;
            let decoded: Vec<u8> = (0..bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
            let mut encoded = vec![0; bytes];
            codec.encode_into(&decoded, &mut encoded).unwrap();
            let plain: Vec<usize> = order.iter().map(|at| usize::try_from(*at).unwrap()).collect();
            prop_assert_eq!(&encoded, &naive(&edges, size, &plain, &decoded));
            let mut again = vec![0; bytes];
            codec.decode_into(&encoded, &mut again).unwrap();
            prop_assert_eq!(&again, &decoded);
            if codec.decodes_to_same_bytes() {
                prop_assert_eq!(encoded, decoded);
            }
        }

        #[test]
        fn variable_elements_move_like_fixed_ones(a in 0_u64..5, b in 0_u64..5, c in 1_u64..4) {
            let array = Representation::new(vec![a, b, c], DataType::String, Vec::new()).unwrap();
            let codec = Transpose::new(&[2, 0, 1], &array).unwrap();
            let mut values = VariableLength::default();
            (0..a * b * c).for_each(|at| values.push(at.to_string().as_bytes()));
            let encoded = codec.encode_variable(&values).unwrap();
            prop_assert_eq!(codec.decode_variable(encoded.clone()).unwrap(), values);
            let fixed = transpose(&[a, b, c], 1, &[2, 0, 1]);
            let plain: Vec<u8> = (0..a * b * c).map(|at| u8::try_from(at).unwrap()).collect();
            let mut moved = vec![0; plain.len()];
            fixed.encode_into(&plain, &mut moved).unwrap();
            let expected: Vec<String> = moved.iter().map(u8::to_string).collect();
            let found: Vec<String> = encoded.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn wrong_orders_are_refused() {
        let array = Representation::new(vec![2, 3], DataType::Bool, vec![0]).unwrap();
        for order in [&[][..], &[0], &[0, 0], &[0, 2], &[0, 1, 2], &[u64::MAX, 0]] {
            assert!(Transpose::new(order, &array).is_err(), "{order:?}");
        }
    }
}
