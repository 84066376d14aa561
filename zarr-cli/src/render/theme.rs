//! Colours.

use anstyle::{AnsiColor, Style};

use crate::cli::Color;

/// How things are coloured, or that nothing is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    coloured: bool,
}

impl Theme {
    /// No colours.
    pub(crate) const fn plain() -> Self {
        Self { coloured: false }
    }

    /// Colours.
    pub(crate) const fn coloured() -> Self {
        Self { coloured: true }
    }

    /// What the user and the stream want: `--color`, else `NO_COLOR`, `CLICOLOR_FORCE`, else whether it is a terminal.
    pub(crate) fn choose(color: Color, stream: &impl anstream::stream::RawStream) -> Self {
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        };
        if coloured { Self::coloured() } else { Self::plain() }
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// The word that opens an error.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// The word that opens a warning.
    pub(crate) fn warning(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// Names of groups.
    pub(crate) fn group(self, text: &str) -> String {
        self.paint(AnsiColor::Blue.on_default().bold(), text)
    }

    /// Names of arrays.
    pub(crate) fn array(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Headings.
    pub(crate) fn heading(self, text: &str) -> String {
        self.paint(Style::new().bold().underline(), text)
    }

    /// What can be passed over.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }
}
