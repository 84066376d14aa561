//! A Python value, as far as JSON and MessagePack know them.

use crate::metadata::Json;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Boolean(bool),
    Integer(i128),
    /// An integer of more than 128 bits, by its digits.
    LongInteger(String),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value of a JSON document as Python reads it.
    pub(super) fn from_json(json: Json) -> Self {
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Boolean(value),
            Json::Number(number) if number.is_integer() => {
                let text = number.text();
                text.parse()
                    .map_or_else(|_| Self::LongInteger(text.clone().into_owned()), Self::Integer)
            }
            Json::Number(number) => Self::Float(number.as_f64()),
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(items.into_iter().map(Self::from_json).collect()),
            Json::Object(object) => Self::Map(
                object
                    .iter()
                    .map(|(key, value)| (key.to_owned(), Self::from_json(value.clone())))
                    .collect(),
            ),
        }
    }

    /// The value that is written for an element: what [`element`](Self::element) makes the same element of.
    pub(super) fn from_element(element: &[u8]) -> Self {
        if element.is_empty() {
            return Self::None;
        }
        if let Ok(json) = Json::parse(element) {
            let value = Self::from_json(json);
            // Only JSON that is read back letter by letter; the texts `0` and `null`, say, could not be told from nothing.
            if !matches!(value, Self::Text(_)) && value.element() == element {
                return value;
            }
        }
        std::str::from_utf8(element).map_or_else(
            |_| Self::Bytes(element.to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }

    /// How many lists and maps lie inside each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::None
            | Self::Boolean(_)
            | Self::Integer(_)
            | Self::LongInteger(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Bytes(_) => 0,
        }
    }

    /// The value as `json.dumps(value, sort_keys=True, separators=(",", ":"))` prints it.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.print(&mut out);
        out
    }

    /// The value as an element of an array: text and bytes as they are, the empty string for `None`, `False` and 0, JSON for
    /// everything else.
    pub(super) fn element(&self) -> Vec<u8> {
        match self {
            Self::None | Self::Boolean(false) | Self::Integer(0) => Vec::new(),
            Self::Float(value) if *value == 0.0 => Vec::new(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Boolean(true)
            | Self::Integer(_)
            | Self::LongInteger(_)
            | Self::Float(_)
            | Self::List(_)
            | Self::Map(_) => self.to_json().into_bytes(),
        }
    }

    fn print(&self, out: &mut String) {
        match self {
            Self::None => out.push_str("null"),
            Self::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(value) => out.push_str(&value.to_string()),
            Self::LongInteger(digits) => out.push_str(digits),
            Self::Float(value) => print_float(*value, out),
            Self::Text(text) => print_text(text, out),
            // Python refuses these inside of JSON; showing them is better than losing the chunk.
            Self::Bytes(bytes) => print_text(&String::from_utf8_lossy(bytes), out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.print(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push('{');
                for (index, (key, value)) in members.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    print_text(key, out);
                    out.push(':');
                    value.print(out);
                }
                out.push('}');
            }
        }
    }
}

/// ASCII only, as Python writes it by default.
fn print_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr`: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
fn print_float(value: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        return out.push_str(&format!("{value:?}"));
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    out.push_str(&format!("{digits}e{sign}{exponent:0>2}"));
}
