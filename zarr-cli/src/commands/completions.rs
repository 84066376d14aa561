//! `completions`: a script for a shell.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(shell: clap_complete::Shell, out: &mut Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "zarr-cli", &mut script);
    out.bytes(&script)
}
