//! `json2` and `msgpack2`: v2 arrays of Python objects, all values of a chunk in one document.
//!
//! The document is a list: the values (nested once per dimension), then NumPy's type string, then the shape. Decoded, each
//! value is a byte string: text and bytes as they are, everything else as Python's `json.dumps` writes it compactly with
//! sorted keys; `None`, `False` and 0 are empty. That cannot be undone, so these codecs are not written.

mod msgpack;
mod value;

use super::error::{CodecError, Result};
use super::representation::Representation;
use super::scratch::Scratch;
use super::size::Size;
use super::{ArrayToArray, ArrayToBytes, ChunkRef, Transpose, VariableLength};
use crate::metadata::Json;
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
    /// For an array of order `F`: values that were stored flat are in that order; nested ones never are.
    flat_order: Option<Transpose>,
}

impl Objects {
    pub(super) fn new(format: Format, array: &Representation) -> Result<Self> {
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
        let mut values = VariableLength::with_capacity(items.len(), encoded.len())?;
        let depth = stored.len().max(1);
        collect(&items, depth, &mut values)
            .map_err(|()| corrupt("the values are not nested as the shape says"))?;
        if values.len() as u64 != self.elements {
            let reason = format_args!("{} values where the chunk has {}", values.len(), self.elements);
            return Err(CodecError::corrupt(self.name(), reason));
        }
        match &self.flat_order {
            Some(transpose) if depth == 1 => transpose.decode_variable(values),
            _ => Ok(values),
        }
    }

    fn encode(&self, _decoded: ChunkRef<'_>, _scratch: &mut Scratch) -> Result<Vec<u8>> {
        Err(CodecError::unsupported(self.name(), "writing"))
    }
}

fn collect(items: &[Value], depth: usize, out: &mut VariableLength) -> std::result::Result<(), ()> {
    for item in items {
        match (depth, item) {
            (0 | 1, value) => out.push(&value.element()),
            (_, Value::List(inner)) => collect(inner, depth - 1, out)?,
            (_, _) => return Err(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::DataType;
    use crate::metadata::data_type::ObjectType;

    fn decode(format: Format, shape: &[u64], document: &[u8]) -> Result<Vec<String>> {
        let array = Representation::new(shape.to_vec(), DataType::Object(ObjectType::Json), Vec::new())?;
        let values = Objects::new(format, &array)?.decode_variable(document, &mut Scratch::new())?;
        Ok(values
            .iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect())
    }

    #[test]
    fn json_values_become_what_python_prints() {
        let document = r#"["é\"",null,false,true,0,-0.0,12345678901234567890123,1e5,1e16,1e-5,0.1,NaN,{"b":["é\u0001🙂"],"a":1},[],"|O",[14]]"#;
        let expected = [
            "é\"",
            "",
            "",
            "true",
            "",
            "",
            "12345678901234567890123",
            "100000.0",
            "1e+16",
            "1e-05",
            "0.1",
            "NaN",
            r#"{"a":1,"b":["\u00e9\u0001\ud83d\ude42"]}"#,
            "[]",
        ];
        assert_eq!(
            decode(Format::Json, &[14], document.as_bytes()).unwrap(),
            expected
        );
    }

    #[test]
    fn nested_values_follow_the_shape() {
        assert_eq!(
            decode(Format::Json, &[2, 2], br#"[["a","b"],["c","d"],"|O",[2,2]]"#).unwrap(),
            ["a", "b", "c", "d"]
        );
        assert_eq!(decode(Format::Json, &[], br#"["a","|O",[]]"#).unwrap(), ["a"]);
        for wrong in [
            r#"["a","b","c","d","|O",[2,2]]"#,
            r#"[["a","b"],["c"],"|O",[2,2]]"#,
            r#"[["a","b"],["c","d"],"|O",[4,2]]"#,
            r#"[["a","b"],["c","d"]]"#,
            "{}",
            "[",
        ] {
            assert!(
                decode(Format::Json, &[2, 2], wrong.as_bytes()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn message_pack_is_read() {
        let document = [
            0x96, // six items
            0xa1, b'a', // "a"
            0xc4, 2, 0, 0xff, // bytes
            0x81, 0xa1, b'k', 0x92, 1, 0xd1, 0xff, 0x00, // {"k": [1, -256]}
            0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, // 1.5
            0xa2, b'|', b'O', // type
            0x91, 4, // shape
        ];
        let values = decode(Format::MessagePack, &[4], &document).unwrap();
        assert_eq!(values, ["a", "\0\u{fffd}", r#"{"k":[1,-256]}"#, "1.5"]);
        for len in 0..document.len() {
            assert!(
                decode(Format::MessagePack, &[4], &document[..len]).is_err(),
                "cut at {len}"
            );
        }
    }

    #[test]
    fn hostile_message_pack_is_refused() {
        // A list of 2^32 - 1 items, and lists inside each other.
        assert!(decode(Format::MessagePack, &[4], &[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(decode(Format::MessagePack, &[4], &vec![0x91; 1_000_000]).is_err());
    }
}
