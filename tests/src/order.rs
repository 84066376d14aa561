//! Keys in the order of their UTF-8 bytes.

use std::ops::Bound;

/// The first key, in the order of bytes, behind all that begin with `prefix`.
pub(crate) fn beyond(prefix: &str) -> Bound<String> {
    let mut next = prefix.to_owned();
    while let Some(last) = next.pop() {
        // `char` steps over the surrogates; the last one has no successor.
        if let Some(successor) = (last..=char::MAX).nth(1) {
            next.push(successor);
            return Bound::Included(next);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_a_prefix_is_right_behind_all_that_begins_with_it() {
        let text = |text: &str| Bound::Included(text.to_owned());
        assert_eq!(beyond("d/"), text("d0"));
        assert_eq!(beyond("d\u{d7ff}"), text("d\u{e000}"), "over the surrogates");
        assert_eq!(beyond("d\u{10ffff}"), text("e"));
        assert_eq!(beyond("\u{10ffff}"), Bound::Unbounded);
        assert_eq!(beyond(""), Bound::Unbounded);
    }
}
