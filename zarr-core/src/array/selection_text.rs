//! Selections as text, in numpy's and xarray's spelling.

use super::selection::{Select, invalid};
use crate::error::Result;

/// Longest text that is looked at.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Reads `0:5, ::2`, `[0, ...]`, `time=0, lat=:3` or lists such as `0, [1 5 7]`.
pub(super) fn parse(text: &str, rank: usize, dimension_names: &[Option<String>]) -> Result<Vec<Select>> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(invalid(format!(
            "the selection is longer than {MAX_TEXT_BYTES} bytes"
        )));
    }
    let text = text.trim();
    let text = match text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        // `[1 5 7]` alone is a list of indices, `[0, :5]` is a selection in brackets.
        Some(inner)
            if !inner.contains(['[', ']'])
                && (inner.contains([',', ':', '.', '=']) || !inner.trim().contains(' ')) =>
        {
            inner
        }
        _ => text,
    };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let parts = split(text)?;
    let named = parts.iter().filter(|part| part.contains('=')).count();
    match named {
        0 => parts.iter().map(|part| select(part)).collect(),
        n if n == parts.len() => by_name(&parts, rank, dimension_names),
        _ => Err(invalid(
            "dimensions are chosen either by place or by name, not both",
        )),
    }
}

/// Splits at commas outside brackets.
fn split(text: &str) -> Result<Vec<&str>> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1).ok_or_else(|| invalid("a `]` without `[`"))?,
            b',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(invalid("a `[` without `]`"));
    }
    let last = text[start..].trim();
    // numpy allows a trailing comma.
    if !last.is_empty() || parts.is_empty() {
        parts.push(last);
    }
    Ok(parts)
}

fn by_name(parts: &[&str], rank: usize, dimension_names: &[Option<String>]) -> Result<Vec<Select>> {
    let mut selects = vec![Select::all(); rank];
    let mut seen = vec![false; rank];
    for part in parts {
        let Some((name, text)) = part.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let mut places = dimension_names
            .iter()
            .enumerate()
            .filter(|(_, known)| known.as_deref() == Some(name))
            .map(|(dim, _)| dim);
        let dim = match (places.next(), places.next()) {
            (Some(dim), None) if dim < rank => dim,
            (Some(_), Some(_)) => return Err(invalid(format!("more than one dimension is named `{name}`"))),
            _ => {
                let known: Vec<_> = dimension_names.iter().flatten().map(String::as_str).collect();
                return Err(invalid(match known.as_slice() {
                    [] => format!("no dimension is named `{name}`: the dimensions have no names"),
                    known => format!("no dimension is named `{name}`; there are {}", known.join(", ")),
                }));
            }
        };
        if std::mem::replace(&mut seen[dim], true) {
            return Err(invalid(format!("dimension `{name}` is chosen twice")));
        }
        let chosen = select(text.trim())?;
        selects[dim] = if chosen == Select::Ellipsis {
            Select::all()
        } else {
            chosen
        };
    }
    Ok(selects)
}

fn select(text: &str) -> Result<Select> {
    if text == "..." || text == "…" {
        return Ok(Select::Ellipsis);
    }
    if let Some(list) = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        let words = list.split([',', ' ']).filter(|word| !word.is_empty());
        return words.map(number).collect::<Result<_>>().map(Select::Indices);
    }
    let mut fields = text.split(':');
    let bound = |field: Option<&str>| match field.map(str::trim) {
        None | Some("") => Ok(None),
        Some(field) => number(field).map(Some),
    };
    let first = fields.next();
    let Some(second) = fields.next() else {
        return number(text).map(Select::Index);
    };
    let (start, stop, step) = (bound(first)?, bound(Some(second))?, bound(fields.next())?);
    if fields.next().is_some() {
        return Err(invalid(format!("`{text}` has more than two colons")));
    }
    let step = match step {
        None => 1,
        Some(step) => u64::try_from(step)
            .ok()
            .filter(|step| *step > 0)
            .ok_or_else(|| invalid(format!("the step of `{text}` is not positive")))?,
    };
    Ok(Select::Range { start, stop, step })
}

fn number(text: &str) -> Result<i64> {
    text.trim()
        .parse()
        .map_err(|_| invalid(format!("`{}` is not a whole number", text.escape_debug())))
}
