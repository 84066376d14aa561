//! `man`: the manual page, in roff.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::Output;
use crate::render::man;

pub(super) fn run(out: &mut Output) -> Result<(), CliError> {
    out.text(&man::page(Cli::command()))
}
