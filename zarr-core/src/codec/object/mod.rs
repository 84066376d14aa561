//! `json2` and `msgpack2`: v2 arrays of Python objects, all values of a chunk in one document.
//!
//! The document is a list: the values (nested once per dimension), then NumPy's type string, then the shape. Decoded, each
//! value is a byte string: text and bytes as they are, everything else as Python's `json.dumps` writes it compactly with
//! sorted keys; `None`, `False` and 0 are empty.
//!
//! Not all of that can be undone: an element `12` may be a number or a text. Written, an element that is compact JSON (of
//! anything but a text) is that value, an empty one is `None`, all others are text, or bytes if they are not UTF-8. Every
//! element is read as it was written; and where a chunk is changed in part, values whose element stays the same stay what
//! they were ([`ArrayToBytes::encode_over`]).

mod msgpack;
#[cfg(test)]
mod tests;
mod value;

use super::config::Config;
use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToArray, ArrayToBytes, ChunkRef, Transpose, VariableLength};
use crate::metadata::Json;
use crate::metadata::limits::MAX_JSON_DEPTH;
use value::Value;

/// The language of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    MessagePack,
}

/// The codecs `json2` and `msgpack2`.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    format: Format,
    shape: Vec<u64>,
    elements: u64,
    /// For an array of order `F`: values that are stored flat are in that order; nested ones never are. They are written
    /// flat, because zarr-python 2 puts nested ones of this order to wrong places when it reads them.
    flat_order: Option<Transpose>,
}

impl Objects {
    pub(super) fn new(format: Format, config: Config<'_>, array: &Representation) -> Result<Self> {
        let codec = Self {
            format,
            shape: array.shape().to_vec(),
            elements: array.elements(),
            flat_order: None,
        };
        if array.element_size().is_some() {
            let reason = format_args!("data type {:?} is of fixed size", array.data_type().name());
            return Err(CodecError::configuration(codec.name(), reason));
        }
        if format == Format::Json
            && let Some(encoding) = config.text("encoding")?
            && !["utf-8", "utf8", "ascii"].contains(&encoding.to_ascii_lowercase().as_str())
        {
            let what = format_args!("text in {}", encoding.escape_debug());
            return Err(CodecError::unsupported(codec.name(), what));
        }
        Ok(codec)
    }

    /// The same codec for an array of order `F`.
    pub(super) fn with_order_f(self, array: &Representation) -> Result<Self> {
        Ok(Self {
            flat_order: Some(Transpose::reversed(array)?),
            ..self
        })
    }

    fn document(&self, encoded: &[u8]) -> Result<Value> {
        match self.format {
            Format::Json => {
                let json = Json::parse(encoded).map_err(|error| CodecError::corrupt(self.name(), error))?;
                Ok(Value::from_json(json))
            }
            Format::MessagePack => {
                msgpack::parse(encoded).map_err(|reason| CodecError::corrupt(self.name(), reason))
            }
        }
    }

    /// The values of a document in C order.
    fn values(&self, encoded: &[u8]) -> Result<Vec<Value>> {
        let corrupt = |reason: &str| CodecError::corrupt(self.name(), reason);
        let Value::List(mut items) = self.document(encoded)? else {
            return Err(corrupt("the document is not a list"));
        };
        let (Some(Value::List(shape)), Some(Value::Text(_))) = (items.pop(), items.pop()) else {
            return Err(corrupt("the list does not end in a data type and a shape"));
        };
        let edge = |edge: &Value| {
            if let Value::Integer(edge) = edge {
                u64::try_from(*edge).ok()
            } else {
                None
            }
        };
        let stored = shape
            .iter()
            .map(edge)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| corrupt("the shape holds no lengths"))?;
        let stored_elements = stored
            .iter()
            .try_fold(1_u64, |product, edge| product.checked_mul(*edge));
        if stored_elements != Some(self.elements) {
            let reason = format_args!("a shape of {stored:?} where the chunk has {:?}", self.shape);
            return Err(CodecError::corrupt(self.name(), reason));
        }
        let depth = stored.len().max(1);
        let mut values = Vec::new();
        flatten(items, depth, &mut values)
            .map_err(|()| corrupt("the values are not nested as the shape says"))?;
        if values.len() as u64 != self.elements {
            let reason = format_args!("{} values where the chunk has {}", values.len(), self.elements);
            return Err(CodecError::corrupt(self.name(), reason));
        }
        if depth == 1
            && let Some(order) = self.flat_places(values.len())?
        {
            let mut placed = vec![Value::None; values.len()];
            for (value, place) in values.into_iter().zip(order) {
                placed[place] = value;
            }
            return Ok(placed);
        }
        Ok(values)
    }

    /// For each value of a flat document its place in C order; `None` if they are in that order.
    fn flat_places(&self, count: usize) -> Result<Option<Vec<usize>>> {
        let Some(transpose) = &self.flat_order else {
            return Ok(None);
        };
        let width = size_of::<usize>();
        let mut places = VariableLength::with_capacity(count, count.saturating_mul(width))?;
        (0..count).for_each(|place| places.push(&place.to_le_bytes()));
        let places = transpose.encode_variable(&places)?;
        let place = |bytes: &[u8]| usize::from_le_bytes(bytes.try_into().unwrap_or_default());
        Ok(Some(places.iter().map(place).collect()))
    }

    /// Encodes elements in C order; `before` are the values that stood in their places, if any did.
    fn write(&self, elements: &VariableLength, before: Vec<Value>) -> Result<Vec<u8>> {
        let unencodable = |reason: &str| CodecError::unencodable(self.name(), reason);
        let mut before = before.into_iter();
        let mut values = Vec::with_capacity(elements.len());
        // Values lie in the document below its list, nested once more for each dimension.
        let most = MAX_JSON_DEPTH.saturating_sub(self.shape.len().max(1));
        for element in elements.iter() {
            let value = match before.next() {
                Some(before) if before.element() == element => before,
                Some(_) | None => Value::from_element(element),
            };
            if self.format == Format::Json && matches!(value, Value::Bytes(_)) {
                return Err(unencodable("an element is not UTF-8, and JSON has no bytes"));
            }
            if value.depth() > most {
                return Err(unencodable("a value is nested too deeply"));
            }
            values.push(value);
        }
        // NumPy cannot fill an array without dimensions from MessagePack; one of one element does as well.
        let flat = self.shape.is_empty() && self.format == Format::MessagePack;
        let shape = match self.flat_places(values.len())? {
            Some(order) => {
                values = order
                    .into_iter()
                    .map(|place| std::mem::replace(&mut values[place], Value::None))
                    .collect();
                vec![self.elements]
            }
            None if flat => vec![self.elements],
            None => self.shape.clone(),
        };
        let mut items = nest(values, &shape);
        items.push(Value::Text("|O".to_owned()));
        items.push(Value::List(
            shape
                .into_iter()
                .map(|edge| Value::Integer(edge.into()))
                .collect(),
        ));
        let document = Value::List(items);
        match self.format {
            Format::Json => Ok(document.to_json().into_bytes()),
            Format::MessagePack => msgpack::print(&document).map_err(|reason| unencodable(&reason)),
        }
    }
}

impl ArrayToBytes for Objects {
    fn name(&self) -> &str {
        match self.format {
            Format::Json => "json2",
            Format::MessagePack => "msgpack2",
        }
    }

    fn encoded_size(&self) -> Size {
        Size::Variable { least: self.elements }
    }

    fn decode_into(&self, _encoded: &[u8], _out: &mut [u8], _scratch: &mut Scratch) -> Result<()> {
        Err(CodecError::unsupported(self.name(), "elements of fixed size"))
    }

    fn decode_variable(&self, encoded: &[u8], _scratch: &mut Scratch) -> Result<VariableLength> {
        let values = self.values(encoded)?;
        let mut elements = VariableLength::with_capacity(values.len(), encoded.len())?;
        values.iter().for_each(|value| elements.push(&value.element()));
        Ok(elements)
    }

    fn encode(&self, decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        self.write(decoded.variable(self.name())?, Vec::new())
    }

    fn decoded_form_tells_all(&self) -> bool {
        false
    }

    fn encode_over(&self, decoded: ChunkRef<'_>, before: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        self.write(decoded.variable(self.name())?, self.values(before)?)
    }
}

fn flatten(items: Vec<Value>, depth: usize, out: &mut Vec<Value>) -> std::result::Result<(), ()> {
    if depth <= 1 {
        out.extend(items);
        return Ok(());
    }
    for item in items {
        let Value::List(inner) = item else {
            return Err(());
        };
        flatten(inner, depth - 1, out)?;
    }
    Ok(())
}

/// Values in C order as lists of lists, one level for each dimension.
fn nest(values: Vec<Value>, shape: &[u64]) -> Vec<Value> {
    let mut level = values;
    for edge in shape.iter().skip(1).rev() {
        let edge = usize::try_from(*edge).unwrap_or(usize::MAX).max(1);
        let mut items = level.into_iter().peekable();
        let mut lists = Vec::new();
        while items.peek().is_some() {
            lists.push(Value::List(items.by_ref().take(edge).collect()));
        }
        level = lists;
    }
    level
}
