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
use crate::metadata::DataType;
use crate::metadata::data_type::V2DataType;

const NAME: &str = "categorize";

/// The `categorize` codec on an array of objects, or of text of fixed length.
#[derive(Debug, Clone)]
pub(super) struct Categorize {
    labels: Vec<String>,
    number: Number,
    swap: Swap,
    encoded: Representation,
    /// The length of decoded elements in code points; `None` if it varies.
    code_points: Option<usize>,
}

impl Categorize {
    pub(super) fn new(config: Config<'_>, array: &Representation) -> Result<Self> {
        let code_points = match (array.data_type(), array.element_size()) {
            (DataType::FixedLengthUtf32 { code_points }, _) => Some(*code_points),
            (_, None) => None,
            (other, Some(_)) => {
                let what = format_args!("data type {:?}", other.name());
                return Err(CodecError::unsupported(NAME, what));
            }
        };
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
            code_points,
        })
    }

    /// The numbers of a chunk, in memory's byte order.
    fn numbers(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>> {
        let expected = self.encoded.bytes(NAME)?;
        if encoded.len() != expected {
            return Err(CodecError::wrong_size(NAME, encoded.len(), expected));
        }
        let mut numbers = scratch.take(NAME, expected)?;
        numbers.copy_from_slice(encoded);
        self.swap.apply(&mut numbers);
        Ok(numbers)
    }

    /// The place of the label that a number stands for. As numcodecs has it, numbers without a label are the empty string.
    fn label(&self, number: &[u8]) -> Option<usize> {
        match self.number.load(number) {
            Value::Int(number) => {
                let index = usize::try_from(number.checked_sub(1)?).ok()?;
                (index < self.labels.len()).then_some(index)
            }
            Value::Float(_) => None,
        }
    }

    /// The labels as elements of fixed length, longer ones as they are: as in NumPy no element equals those, and they are cut
    /// where they are written to one.
    fn elements(&self, code_points: usize) -> Vec<Vec<u8>> {
        let element = |label: &String| {
            let mut element: Vec<u8> = label.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            element.resize(element.len().max(4 * code_points), 0);
            element
        };
        self.labels.iter().map(element).collect()
    }

    /// Elements as the numbers of their labels.
    fn encode_elements<'a>(
        &self,
        labels: impl Iterator<Item = &'a [u8]>,
        elements: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>> {
        // The last of equal labels counts, as in numcodecs.
        let numbers: HashMap<&[u8], i128> = labels.zip(1..).collect();
        let mut out = zeroed(NAME, self.encoded.bytes(NAME)?)?;
        for (value, element) in elements.zip(out.chunks_exact_mut(self.number.size())) {
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

    fn decode_into(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        let Some(code_points) = self.code_points else {
            return Err(CodecError::unsupported(NAME, "elements of variable length"));
        };
        let numbers = self.numbers(encoded, scratch)?;
        let elements = self.elements(code_points);
        for (number, out) in numbers
            .chunks_exact(self.number.size())
            .zip(out.chunks_exact_mut(4 * code_points))
        {
            match self.label(number) {
                Some(index) => out.copy_from_slice(&elements[index][..4 * code_points]),
                None => out.fill(0),
            }
        }
        scratch.give(numbers);
        Ok(())
    }

    fn decode_variable(&self, encoded: &[u8], scratch: &mut Scratch) -> Result<VariableLength> {
        let numbers = self.numbers(encoded, scratch)?;
        let labels = || {
            numbers.chunks_exact(self.number.size()).map(|number| {
                self.label(number)
                    .map_or(&[][..], |index| self.labels[index].as_bytes())
            })
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
        match self.code_points {
            Some(code_points) => {
                let labels = self.elements(code_points);
                let elements = decoded.fixed(NAME)?.chunks_exact(4 * code_points);
                self.encode_elements(labels.iter().map(Vec::as_slice), elements)
            }
            None => {
                let labels = self.labels.iter().map(String::as_bytes);
                self.encode_elements(labels, decoded.variable(NAME)?.iter())
            }
        }
    }
}
