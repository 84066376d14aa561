//! The tags and texts of an HTML page: as much of HTML as index pages need, tolerant as browsers are.

use std::borrow::Cow;

/// A piece of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name attributes>`.
    Start {
        /// The name as written.
        name: &'a str,
        /// What lies between the name and the `>`.
        attributes: &'a str,
    },
    /// `</name>`.
    End(&'a str),
    /// What lies between tags, still escaped.
    Text(&'a str),
}

/// Reads a page from its beginning. Comments, doctypes, scripts and style sheets are left out.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// The element whose content is no markup, until its end tag.
    raw: Option<&'static str>,
}

/// Elements whose content is text up to their end tag. The title's is wanted, the others' is not.
const RAW: [&str; 5] = ["script", "style", "title", "textarea", "noscript"];

impl<'a> Tokens<'a> {
    pub(super) fn new(page: &'a str) -> Self {
        Self {
            rest: page,
            raw: None,
        }
    }

    /// Splits the rest at byte `at`, which is a character boundary, and gives the first part.
    fn take(&mut self, at: usize) -> &'a str {
        let (first, rest) = self.rest.split_at(at);
        self.rest = rest;
        first
    }

    /// Skips to behind the next `end`, or to the end of the page.
    fn skip_past(&mut self, end: &str) {
        let at = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(at);
    }

    /// A tag, which the rest begins with; `None` if it is not closed.
    fn tag(&mut self) -> Option<Token<'a>> {
        let end = tag_end(self.rest)?;
        let tag = self.take(end + 1);
        let inner = &tag[1..end];
        if let Some(name) = inner.strip_prefix('/') {
            let name = name
                .split(|c: char| c.is_ascii_whitespace())
                .next()
                .unwrap_or_default();
            return Some(Token::End(name));
        }
        let at = inner
            .find(|c: char| c.is_ascii_whitespace() || c == '/')
            .unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(at);
        self.raw = RAW.into_iter().find(|raw| name.eq_ignore_ascii_case(raw));
        Some(Token::Start { name, attributes })
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if let Some(raw) = self.raw.take() {
                let at = find_end_tag(self.rest, raw).unwrap_or(self.rest.len());
                let text = self.take(at);
                if raw == "title" {
                    return Some(Token::Text(text));
                }
                continue;
            }
            let mut after = self.rest.bytes();
            match (after.next(), after.next()) {
                (Some(b'<'), Some(b'!')) if self.rest.starts_with("<!--") => self.skip_past("-->"),
                (Some(b'<'), Some(b'!' | b'?')) => self.skip_past(">"),
                (Some(b'<'), Some(next)) if next == b'/' || next.is_ascii_alphabetic() => match self.tag() {
                    Some(token) => return Some(token),
                    None => self.rest = "",
                },
                (first, _) => {
                    // A `<` that begins no tag is text.
                    let from = usize::from(first == Some(b'<'));
                    let at = self.rest[from..]
                        .find('<')
                        .map_or(self.rest.len(), |at| at + from);
                    return Some(Token::Text(self.take(at)));
                }
            }
        }
    }
}

/// Where the tag that `text` begins with has its `>`: one inside quotes is none.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = b'<';
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            // Only a value is quoted: an apostrophe elsewhere is a character.
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (None, b'>') => return Some(at),
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

fn find_end_tag(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let at = from + at;
        let rest = &text.as_bytes()[at + 2..];
        if rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

/// The value of an attribute, unescaped; the first counts, as in browsers.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        // The first character belongs to the name whatever it is.
        let skip = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[skip..]
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
            .map_or(rest.len(), |at| at + skip);
        let (name, after) = rest.split_at(end);
        let trimmed = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(value) = trimmed.strip_prefix('=') else {
            if name.eq_ignore_ascii_case(wanted) {
                return Some(Cow::Borrowed(""));
            }
            rest = after;
            continue;
        };
        let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let (value, after) = match value.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => {
                let value = &value[1..];
                let end = value.find(char::from(*quote)).unwrap_or(value.len());
                (&value[..end], value.get(end + 1..).unwrap_or_default())
            }
            _ => value.split_at(
                value
                    .find(|c: char| c.is_ascii_whitespace())
                    .unwrap_or(value.len()),
            ),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescape(value));
        }
        rest = after;
    }
}

/// Replaces character references: the five that servers write by name, and numbers. Others stay as they are.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest reference that is looked at: `&#x10ffff;`.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((reference(&rest[1..end])?, end))) {
            Some((character, end)) => {
                plain.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
                None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse(),
                _ => return None,
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(page: &str) -> Vec<Token<'_>> {
        Tokens::new(page).collect()
    }

    #[test]
    fn reads_tags_and_texts() {
        let start = |name, attributes| Token::Start { name, attributes };
        assert_eq!(
            tokens("<!DOCTYPE x><A Href='>'>a < b</A ><!-- <a> --><br/>"),
            [
                start("A", " Href='>'"),
                Token::Text("a "),
                Token::Text("< b"),
                Token::End("A"),
                start("br", "/")
            ]
        );
        assert_eq!(
            tokens("<script>'<a href=x>'</script><title>a<b</TITLE>"),
            [
                start("script", ""),
                Token::End("script"),
                start("title", ""),
                Token::Text("a<b"),
                Token::End("TITLE")
            ]
        );
        assert_eq!(tokens("x<a href=\"unclosed>"), [Token::Text("x")]);
        assert_eq!(tokens("<"), [Token::Text("<")]);
        assert_eq!(tokens("<script>never closed <a>"), [start("script", "")]);
    }

    #[test]
    fn reads_attributes() {
        let get = |attributes, name| attribute(attributes, name).map(Cow::into_owned);
        assert_eq!(get(" href=\"a&amp;b\" x", "href").as_deref(), Some("a&b"));
        assert_eq!(get("\n href = 'it''s'", "HREF").as_deref(), Some("it"));
        assert_eq!(get(" href=a>b/", "href").as_deref(), Some("a>b/"));
        assert_eq!(get(" xlink:href=\"#x\" href=y", "href").as_deref(), Some("y"));
        assert_eq!(get(" a=1 href href=y", "href").as_deref(), Some(""));
        assert_eq!(get(" ==\" href=x", "nothing"), None);
        assert_eq!(get(" href=\"unclosed", "href").as_deref(), Some("unclosed"));
    }

    #[test]
    fn unescapes_once() {
        assert_eq!(unescape("a&amp;lt;b&#39;&#x26;&quot;"), "a&lt;b'&\"");
        for same in [
            "&",
            "&;",
            "&nope;",
            "&#;",
            "&#x;",
            "&#xd800;",
            "&#99999999;",
            "&#+1;",
            "a&b",
            "&ampé;",
        ] {
            assert_eq!(unescape(same), same);
        }
    }
}
