//! Text of strangers on a terminal: what would move the cursor or turn the text around is escaped.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character must not reach a terminal: controls (C0, DEL, C1), and what is invisible or reorders its line.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a text has characters that are escaped.
pub(crate) fn is_needed(text: &str) -> bool {
    text.contains(is_unsafe)
}

/// Text for people: unsafe characters as Rust writes them (`\n`, `\u{1b}`).
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .fold(String::with_capacity(text.len() + 8), |mut safe, c| {
                if is_unsafe(c) {
                    safe.extend(c.escape_default());
                } else {
                    safe.push(c);
                }
                safe
            }),
    )
}

/// Printed JSON: unsafe characters, which can only stand in strings, as `\u001b`. The value stays the same. Line feeds
/// and spaces between values stay.
pub(crate) fn json(json: String) -> String {
    let is_unsafe = |c: char| is_unsafe(c) && c != '\n';
    if !json.contains(is_unsafe) {
        return json;
    }
    json.chars()
        .fold(String::with_capacity(json.len() + 8), |mut safe, c| {
            if is_unsafe(c) {
                // All of them lie in the basic plane: one unit each.
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            } else {
                safe.push(c);
            }
            safe
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_do_not_reach_the_terminal() {
        assert_eq!(
            text("a\u{1b}[31m\nb\u{9b}c\u{202e}"),
            "a\\u{1b}[31m\\nb\\u{9b}c\\u{202e}"
        );
        assert!(matches!(text("plain äöü 温度"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"k\u{7f}": "\u{9b}31m \u{202e} \u{1b} \n"});
        let safe = json(value.to_string());
        assert!(!safe.contains(is_unsafe), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
