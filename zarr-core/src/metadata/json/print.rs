//! Printing of [`Json`]: compact or indented, strict or with Python's tokens.

use std::fmt::{self, Write as _};

use super::{Json, Number, Object};

/// How numbers that JSON cannot say are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonFiniteStyle {
    /// As strings: `"NaN"`, `"Infinity"`, `"-Infinity"`. Any JSON parser reads them.
    #[default]
    String,
    /// As the bare tokens that were read, as Python writes them: for attributes that must come back as they were.
    Token,
}

/// How a value is printed. Starts from [`compact`](Self::compact) or [`pretty`](Self::pretty).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PrintOptions {
    indent: Option<usize>,
    non_finite: NonFiniteStyle,
    sort_keys: bool,
}

impl PrintOptions {
    /// One line, no spaces, strict JSON.
    #[must_use]
    pub fn compact() -> Self {
        Self::default()
    }

    /// Indented by two spaces as zarr-python does it, strict JSON.
    #[must_use]
    pub fn pretty() -> Self {
        Self {
            indent: Some(2),
            ..Self::default()
        }
    }

    /// Sets how non-finite numbers are written.
    #[must_use]
    pub fn non_finite(self, non_finite: NonFiniteStyle) -> Self {
        Self { non_finite, ..self }
    }

    /// Prints the members of each object in the order of their keys (by Unicode scalar values).
    #[must_use]
    pub fn sort_keys(self) -> Self {
        Self {
            sort_keys: true,
            ..self
        }
    }
}

impl Json {
    /// Prints the value.
    #[must_use]
    pub fn print(&self, options: PrintOptions) -> String {
        self.print_prefix(&options, usize::MAX)
    }

    /// Prints at least the first `most` bytes; may stop after them.
    pub(super) fn print_prefix(&self, options: &PrintOptions, most: usize) -> String {
        let mut printer = Printer {
            out: String::new(),
            options,
            most,
        };
        printer.value(self, 0);
        printer.out
    }
}

impl Object {
    /// Prints the object.
    #[must_use]
    pub fn print(&self, options: PrintOptions) -> String {
        let mut printer = Printer {
            out: String::new(),
            options: &options,
            most: usize::MAX,
        };
        printer.object(self, 0);
        printer.out
    }
}

/// Compact and strict: what [`PrintOptions::compact`] gives.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(PrintOptions::compact()))
    }
}

struct Printer<'a> {
    out: String,
    options: &'a PrintOptions,
    most: usize,
}

impl Printer<'_> {
    fn value(&mut self, value: &Json, level: usize) {
        if self.out.len() > self.most {
            return;
        }
        match value {
            Json::Null => self.out.push_str("null"),
            Json::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Json::Number(number) => self.number(number),
            Json::String(text) => self.string(text),
            Json::Array(items) => {
                self.sequence(['[', ']'], items.iter(), level, |printer, item| {
                    printer.value(item, level + 1)
                });
            }
            Json::Object(object) => self.object(object, level),
        }
    }

    fn object(&mut self, object: &Object, level: usize) {
        let member = |printer: &mut Self, (key, value): (&str, &Json)| {
            printer.string(key);
            printer.out.push_str(if printer.options.indent.is_some() {
                ": "
            } else {
                ":"
            });
            printer.value(value, level + 1);
        };
        if self.options.sort_keys {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            self.sequence(['{', '}'], members.into_iter(), level, member);
        } else {
            self.sequence(['{', '}'], object.iter(), level, member);
        }
    }

    fn sequence<T>(
        &mut self,
        [open, close]: [char; 2],
        items: impl ExactSizeIterator<Item = T>,
        level: usize,
        mut print: impl FnMut(&mut Self, T),
    ) {
        let empty = items.len() == 0;
        self.out.push(open);
        for (i, item) in items.enumerate() {
            if self.out.len() > self.most {
                return;
            }
            if i > 0 {
                self.out.push(',');
            }
            self.line_break(level + 1);
            print(self, item);
        }
        if !empty {
            self.line_break(level);
        }
        self.out.push(close);
    }

    fn line_break(&mut self, level: usize) {
        if let Some(indent) = self.options.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * level));
        }
    }

    fn number(&mut self, number: &Number) {
        match (number.non_finite(), self.options.non_finite) {
            (Some(value), NonFiniteStyle::String) => {
                self.out.push('"');
                self.out.push_str(value.as_str());
                self.out.push('"');
            }
            (Some(_), NonFiniteStyle::Token) | (None, _) => self.write(format_args!("{number}")),
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        let mut rest = text;
        while let Some(at) = rest
            .bytes()
            .position(|b| b < 0x20 || matches!(b, b'"' | b'\\' | 0x7f))
        {
            self.out.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => self.out.push_str("\\\""),
                b'\\' => self.out.push_str("\\\\"),
                b'\n' => self.out.push_str("\\n"),
                b'\r' => self.out.push_str("\\r"),
                b'\t' => self.out.push_str("\\t"),
                0x08 => self.out.push_str("\\b"),
                0x0c => self.out.push_str("\\f"),
                other => self.write(format_args!("\\u{other:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.out.push_str(rest);
        self.out.push('"');
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }
}
