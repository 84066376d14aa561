//! `Range`, as RFC 9110 has it, for one range of bytes.

use std::ops::Range;

/// What a `Range` header asks of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// All of it: no header, or one that a server ignores (another unit, several ranges, nonsense).
    Whole,
    /// These bytes of it.
    Part(Range<usize>),
    /// None of it: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a body of `length` bytes.
pub(crate) fn ranged(header: Option<&str>, length: usize) -> Ranged {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Ranged::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Ranged::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| {
        // A number too large for the machine is beyond every end.
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().unwrap_or(usize::MAX))
    };
    match (number(first), number(last)) {
        (Some(start), _) if last.is_empty() && start < length => Ranged::Part(start..length),
        (Some(start), Some(end)) if end < start => Ranged::Whole,
        (Some(start), Some(end)) if start < length => Ranged::Part(start..end.saturating_add(1).min(length)),
        (None, Some(suffix)) if first.is_empty() && suffix > 0 && length > 0 => {
            Ranged::Part(length.saturating_sub(suffix)..length)
        }
        (Some(_), Some(_)) => Ranged::Unsatisfiable,
        (Some(_), None) if last.is_empty() => Ranged::Unsatisfiable,
        (None, Some(_)) if first.is_empty() => Ranged::Unsatisfiable,
        _ => Ranged::Whole,
    }
}
