//! numcodecs' `categorize`: strings as the numbers of labels, from 1 on; 0 is the empty string.

use std::collections::HashMap;

use super::bytes::Swap;
use super::config::Config;
use super::error::{CodecError, Result};
use super::number::{Number, Value};
use super::representation::Representation;
use super::scratch::{Scratch, zeroed};
use super::size::Size;
use super::{ArrayToBytes, ChunkRef, VariableLength};
use crate::metadata::data_type::V2DataType;

const NAME: &str = "categorize";

/// The `categorize` codec on an array of objects.
#[derive(Debug, Clone)]
pub(super) struct Categorize {
    labels: Vec<String>,
    number: Number,
    swap: Swap,
    encoded: Representation,
}

impl Categorize {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        if array.element_size().is_some() {
            let what = format_args!("data type {:?}", array.data_type().name());
            return Err(CodecError::unsupported(NAME, what));
        }
        let labels = config.required("labels", "an array of strings", config.array("labels")?)?;
        let labels = labels
            .iter()
            .map(|label| label.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>();
        let labels = labels.ok_or_else(|| config.wrong("labels", "an array of strings"))?;
        let uint8 = V2DataType {
            data_type: Number::Int(crate::metadata::data_type::IntKind::UInt8).data_type(),
            big_endian_runs: Vec::new(),
        };
        let astype = config.dtype("astype")?.unwrap_or(uint8);
        let number = Number::of(NAME, &astype.data_type)?;
        let encoded =
            Representation::new(array.shape().to_vec(), number.data_type(), vec![0; number.size()])?;
        Ok(Self {
            labels,
            number,
            swap: Swap::new(number.size(), astype.big_endian_runs),
            encoded,
        })
    }

    /// The array of numbers that the next filter sees, and its byte order.
    pub(super) fn view(&self) -> (Representation, Swap) {
        (self.encoded.clone(), self.swap.clone())
    }
}

impl ArrayToBytes for Categorize {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self) -> Size {
        self.encoded.size()
    }

    fn decode_into(&self, _encoded: &[u8], _out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        Err(CodecError::unsupported(NAME, "elements of fixed size"))
    }

    fn decode_variable(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<VariableLength> {
        let expected = self.encoded.bytes(NAME)?;
        if encoded.len() != expected {
            return Err(CodecError::wrong_size(NAME, encoded.len(), expected));
        }
        let mut numbers = scratch.take(NAME, expected)?;
        numbers.copy_from_slice(encoded);
        self.swap.apply(&mut numbers);
        let label = |element: &[u8]| match self.number.load(element) {
            // As numcodecs has it: numbers without a label are the empty string.
            Value::Int(number) => number
                .checked_sub(1)
                .and_then(|index| self.labels.get(usize::try_from(index).ok()?)),
            Value::Float(_) => None,
        };
        let labels = || {
            numbers
                .chunks_exact(self.number.size())
                .map(|element| label(element).map_or(&[][..], String::as_bytes))
        };
        // Short numbers may stand for long labels: no more than any variable-length chunk of these bytes may hold.
        let bytes = labels().fold(0_u64, |sum, label| sum.saturating_add(label.len() as u64));
        let bound = super::variable_bound(self.encoded.elements().saturating_mul(4), encoded.len());
        if bytes > bound {
            return Err(CodecError::wrong_size(
                NAME,
                bytes,
                format_args!("at most {bound}"),
            ));
        }
        let mut values =
            VariableLength::with_capacity(self.encoded.count(NAME)?, usize::try_from(bytes).unwrap_or(0))?;
        labels().for_each(|label| values.push(label));
        scratch.give(numbers);
        Ok(values)
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let values = decoded.variable(NAME)?;
        // The last of equal labels counts, as in numcodecs.
        let numbers: HashMap<&[u8], i128> = self.labels.iter().map(String::as_bytes).zip(1..).collect();
        let mut out = zeroed(NAME, self.encoded.bytes(NAME)?)?;
        for (value, element) in values.iter().zip(out.chunks_exact_mut(self.number.size())) {
            let number = Value::Int(numbers.get(value).copied().unwrap_or(0));
            let bits = self.number.nearest(number);
            let bits = bits.ok_or_else(|| {
                CodecError::unencodable(NAME, format_args!("{number:?} does not fit astype"))
            })?;
            self.number.store_bits(bits, element);
        }
        self.swap.apply(&mut out);
        Ok(out)
    }
}
