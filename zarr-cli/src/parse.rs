//! From the words typed to the command line; what is no command line is told here.

use std::ffi::OsString;
use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use zarr_fs::options::nearest;

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
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json {
            let _ = error.print();
            return exit_code::USAGE;
        }
        tell(&usage_error(&error), json)
    })
}

/// What is wrong with the words typed, as all errors are told: a message of one line, and what was probably meant.
fn usage_error(error: &clap::Error) -> CliError {
    let text = error.render().to_string();
    let message: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::SuggestedSubcommand,
    ]
    .into_iter()
    .find_map(|kind| texts(error, kind).into_iter().next())
    .or_else(|| {
        let typed = texts(error, ContextKind::InvalidValue).into_iter().next()?;
        let valid = texts(error, ContextKind::ValidValue);
        nearest(&typed, valid.iter().map(String::as_str)).map(str::to_owned)
    });
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    CliError::Usage {
        message: message.join(" ").trim_start_matches("error: ").to_owned(),
        hint: meant
            .map(|meant| format!("did you mean `{meant}`?"))
            .or_else(|| usage.map(|usage| format!("{usage}; -h tells more"))),
    }
}

/// The texts that clap's error carries for a kind of context.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(_) | None => Vec::new(),
    }
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
