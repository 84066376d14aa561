//! A reader and a writer of MessagePack. The reader is bounded by its input in memory and by a limit in depth; the writer
//! takes the shortest form of each value, as Python's does.
//!
//! Spec: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use super::value::Value;
use crate::metadata::limits::MAX_JSON_DEPTH;

type Parsed<T> = Result<T, String>;

/// Items that there is room for before any is read: the length is a claim, and each of many levels may make one.
const ROOM: usize = 8;

/// Parses one value, which must be all of `input`.
pub(super) fn parse(input: &[u8]) -> Parsed<Value> {
    let mut parser = Parser { rest: input };
    let value = parser.value(0)?;
    if parser.rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} bytes after the value", parser.rest.len()))
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    fn take(&mut self, len: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or_else(|| format!("{len} bytes are missing at the end"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| format!("{N} bytes are missing at the end"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn length<const N: usize>(&mut self) -> Parsed<usize> {
        let bytes = self.array::<N>()?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn text(&mut self, len: usize) -> Parsed<Value> {
        let bytes = self.take(len)?;
        // Writers of `raw` strings may put any bytes here.
        Ok(std::str::from_utf8(bytes).map_or_else(
            |_| Value::Bytes(bytes.to_vec()),
            |text| Value::Text(text.to_owned()),
        ))
    }

    fn bytes(&mut self, len: usize) -> Parsed<Value> {
        Ok(Value::Bytes(self.take(len)?.to_vec()))
    }

    fn list(&mut self, len: usize, depth: usize) -> Parsed<Value> {
        let mut items = Vec::with_capacity(len.min(ROOM));
        for _ in 0..len {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, len: usize, depth: usize) -> Parsed<Value> {
        let mut members = Vec::with_capacity(len.min(ROOM));
        for _ in 0..len {
            let key = match self.value(depth + 1)? {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::None
                | Value::Boolean(_)
                | Value::LongInteger(_)
                | Value::Float(_)
                | Value::Bytes(_)
                | Value::List(_)
                | Value::Map(_) => return Err("a key that is no text".to_owned()),
            };
            members.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(members))
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        if depth > MAX_JSON_DEPTH {
            return Err(format!("more than {MAX_JSON_DEPTH} levels"));
        }
        let [head] = self.array()?;
        Ok(match head {
            0x00..=0x7f => Value::Integer(i128::from(head)),
            0x80..=0x8f => return self.map(usize::from(head & 15), depth),
            0x90..=0x9f => return self.list(usize::from(head & 15), depth),
            0xa0..=0xbf => return self.text(usize::from(head & 31)),
            0xc0 => Value::None,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xc4 => return self.length::<1>().and_then(|len| self.bytes(len)),
            0xc5 => return self.length::<2>().and_then(|len| self.bytes(len)),
            0xc6 => return self.length::<4>().and_then(|len| self.bytes(len)),
            0xca => Value::Float(f64::from(f32::from_be_bytes(self.array()?))),
            0xcb => Value::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Value::Integer(i128::from(u8::from_be_bytes(self.array()?))),
            0xcd => Value::Integer(i128::from(u16::from_be_bytes(self.array()?))),
            0xce => Value::Integer(i128::from(u32::from_be_bytes(self.array()?))),
            0xcf => Value::Integer(i128::from(u64::from_be_bytes(self.array()?))),
            0xd0 => Value::Integer(i128::from(i8::from_be_bytes(self.array()?))),
            0xd1 => Value::Integer(i128::from(i16::from_be_bytes(self.array()?))),
            0xd2 => Value::Integer(i128::from(i32::from_be_bytes(self.array()?))),
            0xd3 => Value::Integer(i128::from(i64::from_be_bytes(self.array()?))),
            0xd9 => return self.length::<1>().and_then(|len| self.text(len)),
            0xda => return self.length::<2>().and_then(|len| self.text(len)),
            0xdb => return self.length::<4>().and_then(|len| self.text(len)),
            0xdc => return self.length::<2>().and_then(|len| self.list(len, depth)),
            0xdd => return self.length::<4>().and_then(|len| self.list(len, depth)),
            0xde => return self.length::<2>().and_then(|len| self.map(len, depth)),
            0xdf => return self.length::<4>().and_then(|len| self.map(len, depth)),
            0xe0..=0xff => Value::Integer(i128::from(head) - 256),
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => {
                return Err(format!("a value of type {head:#04x}, which has no meaning here"));
            }
        })
    }
}

/// Prints a value.
///
/// # Errors
/// For what MessagePack cannot hold: integers of more than 64 bits, and lengths of more than 32.
pub(super) fn print(value: &Value) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    print_to(value, &mut out)?;
    Ok(out)
}

fn print_to(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::None => out.push(0xc0),
        Value::Boolean(value) => out.push(0xc2 + u8::from(*value)),
        Value::Integer(value) => print_integer(*value, out)?,
        Value::LongInteger(digits) => return Err(too_large(digits)),
        Value::Float(value) => {
            out.push(0xcb);
            out.extend(value.to_be_bytes());
        }
        Value::Text(text) => {
            print_length(
                text.len(),
                Some((0xa0, 32)),
                [Some(0xd9), Some(0xda), Some(0xdb)],
                out,
            )?;
            out.extend(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            print_length(bytes.len(), None, [Some(0xc4), Some(0xc5), Some(0xc6)], out)?;
            out.extend(bytes);
        }
        Value::List(items) => {
            print_length(items.len(), Some((0x90, 16)), [None, Some(0xdc), Some(0xdd)], out)?;
            items.iter().try_for_each(|item| print_to(item, out))?;
        }
        Value::Map(members) => {
            print_length(
                members.len(),
                Some((0x80, 16)),
                [None, Some(0xde), Some(0xdf)],
                out,
            )?;
            for (key, value) in members {
                print_length(
                    key.len(),
                    Some((0xa0, 32)),
                    [Some(0xd9), Some(0xda), Some(0xdb)],
                    out,
                )?;
                out.extend(key.as_bytes());
                print_to(value, out)?;
            }
        }
    }
    Ok(())
}

/// A length in its shortest form: in the head itself (`fixed`: the head of 0, and how many there are), or after a head of its
/// own in 8, 16 or 32 bits.
fn print_length(
    length: usize,
    fixed: Option<(u8, u8)>,
    heads: [Option<u8>; 3],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let short = u8::try_from(length).ok();
    match (fixed, short, heads) {
        (Some((head, count)), Some(length), _) if length < count => out.push(head + length),
        (_, Some(length), [Some(head), _, _]) => out.extend([head, length]),
        (_, _, [_, Some(head), _]) if u16::try_from(length).is_ok() => {
            out.push(head);
            out.extend(&length.to_be_bytes()[size_of::<usize>() - 2..]);
        }
        (_, _, [_, _, head]) => {
            let length = u32::try_from(length).map_err(|_| format!("a length of {length}"))?;
            out.extend(head);
            out.extend(length.to_be_bytes());
        }
    }
    Ok(())
}

fn print_integer(value: i128, out: &mut Vec<u8>) -> Result<(), String> {
    if let Ok(value) = u64::try_from(value) {
        let bytes = value.to_be_bytes();
        match value {
            0..=0x7f => out.push(bytes[7]),
            0x80..=0xff => out.extend([0xcc, bytes[7]]),
            0x100..=0xffff => {
                out.push(0xcd);
                out.extend(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                out.push(0xce);
                out.extend(&bytes[4..]);
            }
            _ => {
                out.push(0xcf);
                out.extend(bytes);
            }
        }
        return Ok(());
    }
    let value = i64::try_from(value).map_err(|_| too_large(&value.to_string()))?;
    let bytes = value.to_be_bytes();
    match value {
        -0x20..=-1 => out.push(bytes[7]),
        -0x80..-0x20 => out.extend([0xd0, bytes[7]]),
        -0x8000..-0x80 => {
            out.push(0xd1);
            out.extend(&bytes[6..]);
        }
        -0x8000_0000..-0x8000 => {
            out.push(0xd2);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(0xd3);
            out.extend(bytes);
        }
    }
    Ok(())
}

fn too_large(digits: &str) -> String {
    format!("the integer {digits} has more than 64 bits")
}
