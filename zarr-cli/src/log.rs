//! Warnings and, with `-v`, what goes on: events of `tracing` as lines on stderr.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::escape;

/// Prints events up to a level; spans are not kept.
#[derive(Debug)]
struct Log {
    most: Level,
}

/// Begins to print events: warnings, with `verbose` 1 also information, with 2 each request, with 3 everything.
pub(crate) fn begin(verbose: u8, quiet: bool) {
    let most = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, 2) => Level::DEBUG,
        (false, _) => Level::TRACE,
    };
    // It fails only if there is a subscriber already, and this is the only place that sets one.
    let _ = tracing::subscriber::set_global_default(Log { most });
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // At the highest levels only our own crates: those below talk about frames and tasks.
        *metadata.level() <= self.most
            && (*metadata.level() <= Level::WARN
                || self.most == Level::TRACE
                || metadata.target().starts_with("zarr"))
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.most.into())
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let level = if level == "warn" { "warning" } else { &level };
        let mut line = Line(String::new());
        event.record(&mut line);
        // One write a line, so that lines of several threads do not mix. Nobody can be told if it fails.
        let _ = std::io::stderr().write_all(format!("{level}: {}\n", escape::text(line.0.trim())).as_bytes());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The message of an event, then its other fields.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
