//! The parser: one pass over the bytes, bounded in depth, values and size.

use std::borrow::Cow;

use super::super::error::{MetadataError, Position};
use super::super::limits::{MAX_DOCUMENT_BYTES, MAX_JSON_DEPTH, MAX_JSON_VALUES};
use super::key::{Key, key};
use super::{Json, NonFinite, Number, Object};

impl Json {
    /// Parses a document.
    ///
    /// JSON by RFC 8259, with one addition: the bare tokens `NaN`, `Infinity` and `-Infinity`, which Python writes.
    /// A byte order mark at the beginning is skipped. Refused: bytes after the value, equal keys in one object,
    /// bytes that are not UTF-8, escapes of lone surrogates (no Unicode text has them, so they could be neither
    /// kept nor written back), and whatever passes [`MAX_DOCUMENT_BYTES`], [`MAX_JSON_DEPTH`] or [`MAX_JSON_VALUES`].
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] with the JSON pointer, line and column of the first fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let expected = format!("a document of at most {MAX_DOCUMENT_BYTES} bytes");
            return Err(MetadataError::mismatch(
                expected,
                format!("{} bytes", bytes.len()),
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let at = e.valid_up_to();
            fault("UTF-8", format!("byte 0x{:02x}", bytes[at])).with_position(position(bytes, at))
        })?;
        let at = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let mut parser = Parser {
            text,
            at,
            depth: 0,
            values: 0,
            members: Vec::new(),
            items: Vec::new(),
        };
        let parsed = parser.document();
        parsed.map_err(|e| e.with_position(position(bytes, parser.at)))
    }
}

/// Line and column of a byte, found only when there is an error to report.
fn position(bytes: &[u8], at: usize) -> Position {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    Position {
        line: before.iter().filter(|&&b| b == b'\n').count() + 1,
        // Bytes that continue a character do not count.
        column: before[line_start..].iter().filter(|&&b| b & 0xc0 != 0x80).count() + 1,
    }
}

fn fault(expected: impl Into<Cow<'static, str>>, found: impl Into<String>) -> MetadataError {
    MetadataError::mismatch(expected, found)
}

/// What lies on a stack from `start` on, in an allocation of its size. A long array at the bottom is not copied.
fn take_from<T>(stack: &mut Vec<T>, start: usize) -> Vec<T> {
    const LONG: usize = 1024;
    if start == 0 && stack.len() > LONG {
        let mut taken = std::mem::take(stack);
        taken.shrink_to_fit();
        return taken;
    }
    stack.drain(start..).collect()
}

struct Parser<'a> {
    text: &'a str,
    /// Where the parser stands: the place that an error names.
    at: usize,
    depth: usize,
    values: usize,
    /// Members and items of the containers being read, innermost last: each container takes its own when it ends,
    /// so that it is allocated once, in its final size.
    members: Vec<(Key, Json)>,
    items: Vec<Json>,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Json, MetadataError> {
        self.skip_space();
        let value = self.value()?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(fault("the end of the document", self.found()));
        }
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// What stands here, for a message.
    fn found(&self) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("{c:?}"),
            None => "the end of the document".to_owned(),
        }
    }

    fn value(&mut self) -> Result<Json, MetadataError> {
        self.values += 1;
        if self.values > MAX_JSON_VALUES {
            return Err(fault(
                format!("at most {MAX_JSON_VALUES} values in a document"),
                "more",
            ));
        }
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b't') => self.token("true", Json::Bool(true)),
            Some(b'f') => self.token("false", Json::Bool(false)),
            Some(b'n') => self.token("null", Json::Null),
            Some(b'N') => self.token("NaN", Json::Number(NonFinite::Nan.into())),
            Some(b'I') => self.token("Infinity", Json::Number(NonFinite::Infinity.into())),
            Some(_) | None => Err(fault("a JSON value", self.found())),
        }
    }

    fn token(&mut self, token: &'static str, value: Json) -> Result<Json, MetadataError> {
        if !self.text[self.at..].starts_with(token) {
            return Err(fault(token, self.found()));
        }
        self.at += token.len();
        Ok(value)
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Json, MetadataError>,
    ) -> Result<Json, MetadataError> {
        if self.depth == MAX_JSON_DEPTH {
            return Err(fault(
                format!("nesting of at most {MAX_JSON_DEPTH} levels"),
                "a deeper level",
            ));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Json, MetadataError> {
        let start = self.items.len();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(Vec::new()));
        }
        loop {
            self.skip_space();
            let index = self.items.len() - start;
            let item = self.value().map_err(|e| e.within_index(index))?;
            self.items.push(item);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) | None => return Err(fault("',' or ']'", self.found())),
            }
        }
        self.at += 1;
        Ok(Json::Array(take_from(&mut self.items, start)))
    }

    fn object(&mut self) -> Result<Json, MetadataError> {
        let start = self.members.len();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(Object::new()));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(fault("a string as key", self.found()));
            }
            let key = self.key()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(fault("':'", self.found()).within(&key));
            }
            self.at += 1;
            self.skip_space();
            let value = match self.value() {
                Ok(value) => value,
                Err(e) => return Err(e.within(&key)),
            };
            self.members.push((key, value));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) | None => return Err(fault("',' or '}'", self.found())),
            }
        }
        self.at += 1;
        let members = take_from(&mut self.members, start);
        Object::from_members(members)
            .map(Json::Object)
            .map_err(|key| fault("each key once", format!("the key {key:?} twice")).within(&key))
    }

    fn number(&mut self) -> Result<Number, MetadataError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            Some(b'I') if self.text[self.at..].starts_with("Infinity") => {
                self.at += "Infinity".len();
                return Ok(NonFinite::NegInfinity.into());
            }
            Some(_) | None => return Err(fault("a digit", self.found())),
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integer = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Number::from_valid_text(&self.text[start..self.at], integer))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), MetadataError> {
        let start = self.at;
        self.digits();
        if self.at == start {
            Err(fault("a digit", self.found()))
        } else {
            Ok(())
        }
    }

    fn key(&mut self) -> Result<Key, MetadataError> {
        Ok(match self.string()? {
            Cow::Borrowed(plain) => key(plain),
            Cow::Owned(unescaped) => Key::Owned(unescaped),
        })
    }

    /// Reads a string, which is borrowed if it has no escape; the parser stands on its opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>, MetadataError> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let plain = &self.text[start..self.at];
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(unescaped));
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    unescaped.push(c);
                }
                Some(_) => return Err(fault("no control character in a string", self.found())),
                None => return Err(fault("'\"'", self.found())),
            }
            let start = self.at;
            self.skip_plain();
            unescaped.push_str(&self.text[start..self.at]);
        }
    }

    /// Goes to the next quote, backslash or control character.
    fn skip_plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let plain = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\');
        self.at += plain.unwrap_or(rest.len());
    }

    /// Reads an escape; the parser stands on its backslash.
    fn escape(&mut self) -> Result<char, MetadataError> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            Some(_) | None => return Err(fault("an escape", self.found())),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, MetadataError> {
        let first = self.four_hex_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.four_hex_digits()?;
            // Out of range for a lone surrogate, so that `from_u32` refuses it.
            if (0xdc00..0xe000).contains(&second) {
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(code)
            .ok_or_else(|| fault("a pair of surrogates", format!("a lone surrogate \\u{first:04x}")))
    }

    fn four_hex_digits(&mut self) -> Result<u32, MetadataError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let code = code.ok_or_else(|| fault("four hexadecimal digits", self.found()))?;
        self.at += 4;
        Ok(code)
    }
}
