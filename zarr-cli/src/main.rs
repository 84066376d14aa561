//! `zarr-cli`: parse, open, run, close, exit.

mod app;
mod argv;
mod cli;
mod commands;
mod error;
mod escape;
mod exit_code;
mod hint;
mod io_stats;
mod lint;
mod log;
mod options;
mod output;
mod parse;
mod progress;
mod render;
mod signals;
mod stats;
mod supervise;
mod url;
mod usage;
mod view;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use error::{CliError, Report};

fn main() -> ExitCode {
    let cli = match parse::command_line(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    log::begin(cli.global.verbose, cli.global.quiet);
    let (json, io_stats) = (cli.global.json, cli.global.io_stats);
    let out = output::Output::stdout(render::Theme::choose(cli.global.color, &std::io::stdout()));
    let theme = render::Theme::choose(cli.global.color, &std::io::stderr());
    let address = cli
        .verb
        .url()
        .map(|url| url::parse(url).map_or_else(|_| url.to_owned(), |found| found.shown));

    let (app, verb) = (Arc::new(app::App::new(cli.global)), cli.verb);
    let work = {
        let app = Arc::clone(&app);
        move || commands::run(app, verb, out)
    };
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| supervise::run(&app, work)))
        .unwrap_or_else(|_| Err(CliError::Panic(supervise::last_panic())));

    let mut stderr = std::io::stderr().lock();
    let mut tell = |error: &CliError| {
        let report = Report::new(error, address.as_deref());
        let text = if json { report.json() } else { report.text(theme) };
        // If stderr is closed too, the exit code is all that can be said.
        let _ = if error.is_quiet() {
            Ok(())
        } else {
            stderr.write_all(text.as_bytes())
        };
        report.code
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return ExitCode::from(tell(&error)),
    };
    let closed = ended.closed.map_or_else(|error| tell(&error), |()| 0);
    let code = ended.result.map_or_else(|error| tell(&error), |()| closed);
    if io_stats {
        let _ = writeln!(stderr, "{}", ended.summary.json());
    }
    ExitCode::from(code)
}
