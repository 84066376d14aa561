//! `completions`: a script for a shell.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(shell: clap_complete::Shell, out: &mut Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "zarr-cli", &mut script);
    if shell == clap_complete::Shell::Bash {
        // clap_complete 4.6 names a verb in two ways if the command's name has a hyphen, once `zarr__cli…` and once
        // `zarr__subcmd__cli…`: the case that looks at the verb would never be met. This leaves a good script as it is.
        let script = String::from_utf8_lossy(&script).replace("zarr__subcmd__cli", "zarr__cli");
        return out.bytes(script.as_bytes());
    }
    out.bytes(&script)
}
