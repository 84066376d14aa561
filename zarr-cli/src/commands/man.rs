//! `man`: the manual page, in roff.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(out: &mut Output) -> Result<(), CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(CliError::Output)?;
    out.bytes(&page)
}
