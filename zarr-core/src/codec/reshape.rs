//! `reshape`: the same elements in the same order under another shape.

use super::config::Config;
use super::error::{CodecError, Result};
use super::representation::Representation;
use super::{ArrayToArray, VariableLength};
use crate::metadata::Json;

const NAME: &str = "reshape";

/// The `reshape` codec.
#[derive(Debug, Clone)]
pub(crate) struct Reshape {
    encoded: Representation,
}

/// One dimension of the encoded array.
enum Dimension {
    Length(u64),
    /// The product of these dimensions of the decoded array.
    Of(Vec<usize>),
    /// What is left: `-1`.
    Rest,
}

impl Reshape {
    /// The codec of a configuration with `shape`: for each dimension a length, a list of dimensions of `array`, or -1.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) if the numbers of elements
    /// differ or a listed dimension does not end up where it was.
    pub(crate) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        config.only(&["shape"])?;
        let wrong = || {
            config.wrong(
                "shape",
                "integers of at least 1, lists of dimensions, at most one -1",
            )
        };
        let items = config.required("shape", "an array", config.array("shape")?)?;
        let dimensions = items
            .iter()
            .map(|item| dimension(item).ok_or_else(wrong))
            .collect::<Result<Vec<_>>>()?;
        let listed = || {
            dimensions.iter().filter_map(|dimension| {
                if let Dimension::Of(inputs) = dimension {
                    Some(inputs)
                } else {
                    None
                }
            })
        };
        if !listed().flatten().is_sorted_by(|a, b| a < b) {
            return Err(CodecError::configuration(
                NAME,
                "the listed dimensions are not in increasing order",
            ));
        }
        let input = array.shape();
        let product = |edges: &[u64]| {
            edges
                .iter()
                .try_fold(1_u64, |product, edge| product.checked_mul(*edge))
        };
        let mut shape = Vec::with_capacity(dimensions.len());
        let mut rest = None;
        for (at, dimension) in dimensions.iter().enumerate() {
            shape.push(match dimension {
                Dimension::Length(length) => *length,
                Dimension::Of(inputs) => {
                    let edges = inputs
                        .iter()
                        .map(|input_at| input.get(*input_at).copied())
                        .collect::<Option<Vec<_>>>();
                    edges.as_deref().and_then(product).ok_or_else(wrong)?
                }
                Dimension::Rest if rest.replace(at).is_none() => 1,
                Dimension::Rest => return Err(wrong()),
            });
        }
        let differ =
            || CodecError::configuration(NAME, format_args!("shape {input:?} cannot become {shape:?}"));
        if let Some(at) = rest {
            let others = product(&shape).filter(|others| *others > 0).ok_or_else(differ)?;
            let length = array.elements().checked_div(others).ok_or_else(differ)?;
            if let Some(slot) = shape.get_mut(at) {
                *slot = length;
            }
        }
        if product(&shape) != Some(array.elements()) {
            return Err(CodecError::configuration(
                NAME,
                format_args!("shape {input:?} cannot become {shape:?}"),
            ));
        }
        for (at, dimension) in dimensions.iter().enumerate() {
            let Dimension::Of(inputs) = dimension else {
                continue;
            };
            let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else {
                continue;
            };
            let same = |ours: Option<&[u64]>, theirs: Option<&[u64]>| {
                ours.and_then(product) == theirs.and_then(product)
            };
            if !same(shape.get(..at), input.get(..*first))
                || !same(shape.get(at + 1..), input.get(last + 1..))
            {
                let reason = format_args!(
                    "dimensions {inputs:?} of {input:?} do not line up with dimension {at} of {shape:?}"
                );
                return Err(CodecError::configuration(NAME, reason));
            }
        }
        Ok(Self {
            encoded: array.with_shape(shape)?,
        })
    }
}

fn dimension(json: &Json) -> Option<Dimension> {
    if let Some(inputs) = json.as_array() {
        let inputs = inputs.iter().map(|input| usize::try_from(input.as_u64()?).ok());
        return inputs.collect::<Option<Vec<_>>>().map(Dimension::Of);
    }
    match json.as_i64()? {
        -1 => Some(Dimension::Rest),
        length => u64::try_from(length)
            .ok()
            .filter(|length| *length > 0)
            .map(Dimension::Length),
    }
}

impl ArrayToArray for Reshape {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded(&self) -> &Representation {
        &self.encoded
    }

    fn decodes_to_same_bytes(&self) -> bool {
        true
    }

    fn decode_into(&self, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(encoded);
        Ok(())
    }

    fn encode_into(&self, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(decoded);
        Ok(())
    }

    fn decode_variable(&self, encoded: VariableLength) -> Result<VariableLength> {
        Ok(encoded)
    }

    fn encode_variable(&self, decoded: &VariableLength) -> Result<VariableLength> {
        Ok(decoded.clone())
    }
}
