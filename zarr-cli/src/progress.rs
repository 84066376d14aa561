//! How far a long command is: a line on the terminal that is gone when the command is done.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::cli::Global;
use crate::escape;

/// What is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// The line changes no oftener.
const PAUSE: Duration = Duration::from_millis(100);
/// Fits into any terminal.
const MOST_COLUMNS: usize = 70;

/// A line on stderr, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    /// When the line may change next; `None`: never.
    next: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        let wanted = !global.quiet && global.verbose == 0 && std::io::stderr().is_terminal();
        Self {
            next: wanted.then(|| Instant::now() + PATIENCE),
            shown: false,
        }
    }

    /// Shows how far it is, unless that was shown a moment ago.
    pub(crate) fn tell(&mut self, text: impl FnOnce() -> String) {
        let now = Instant::now();
        if self.next.is_some_and(|next| next <= now) {
            let text: String = escape::text(&text()).chars().take(MOST_COLUMNS).collect();
            self.write(&format!("\r\x1b[K{text}"));
            self.shown = true;
            self.next = Some(now + PAUSE);
        }
    }

    /// Takes the line away, for other text or for good.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        // Nobody can be told that nobody can be told.
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
