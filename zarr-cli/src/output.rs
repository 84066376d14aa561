//! Standard output: one buffered writer whose failures are typed.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use zarr_core::metadata::Json;

use crate::error::CliError;
use crate::escape;
use crate::render::Theme;

/// Where the answer goes.
pub(crate) struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    /// How things are coloured.
    pub(crate) theme: Theme,
    /// Whether it goes to a person's eyes: to a terminal.
    pub(crate) is_terminal: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl Output {
    pub(crate) fn new(writer: impl Write + Send + 'static, theme: Theme) -> Self {
        Self {
            writer: BufWriter::with_capacity(64 << 10, Box::new(writer)),
            theme,
            is_terminal: false,
        }
    }

    /// Standard output. A closed reader is an error here, not a signal, so that the filesystems can still be closed.
    pub(crate) fn stdout(theme: Theme) -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            ..Self::new(io::stdout(), theme)
        }
    }

    /// Writes text that ends in a line feed.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.bytes(text.as_bytes())
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), CliError> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Writes a JSON value and a line feed.
    pub(crate) fn json(
        &mut self,
        value: &Json,
        options: zarr_core::metadata::json::PrintOptions,
    ) -> Result<(), CliError> {
        self.line(&escape::json(value.print(options)))
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.writer.write_all(bytes).map_err(CliError::Output)
    }

    /// Hands everything to the operating system.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.writer.flush().map_err(CliError::Output)
    }
}
