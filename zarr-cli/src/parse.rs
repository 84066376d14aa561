//! From the words typed to the command line; what is no command line is told here.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::argv::{self, MixUp};
use crate::cli::Cli;
use crate::error::{CliError, Report};
use crate::exit_code;
use crate::render::Theme;

/// Parses the words typed.
///
/// # Errors
/// The exit code, when help or a message has been printed.
pub(crate) fn command_line(argv: impl Iterator<Item = OsString>) -> Result<Cli, u8> {
    let mut argv: Vec<OsString> = argv.collect();
    if argv.is_empty() {
        argv.push("zarr-cli".into());
    }
    let json = argv.iter().any(|arg| arg == "--json");
    let mut command = Cli::command();
    let argv = argv::with_verb(&command, argv).map_err(|MixUp { message, hint }| {
        tell(
            &CliError::Usage {
                message,
                hint: Some(hint),
            },
            json,
        )
    })?;
    let parsed = command
        .try_get_matches_from_mut(argv)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return match error.print() {
                Ok(()) => 0,
                Err(error) => tell(&CliError::Output(error), json),
            };
        }
        if json {
            // The first line is the message; usage and hints follow it.
            let text = error.render().to_string();
            let message = text
                .lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            return tell(&CliError::usage(message, None), json);
        }
        let _ = error.print();
        exit_code::USAGE
    })
}

fn tell(error: &CliError, json: bool) -> u8 {
    let report = Report::new(error, None);
    let theme = Theme::choose(crate::cli::Color::Auto, &std::io::stderr());
    let text = if json { report.json() } else { report.text(theme) };
    if !error.is_quiet() {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    report.code
}
