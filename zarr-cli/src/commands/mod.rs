//! The verbs: each asks zarr-core and renders.

mod cat;
mod check;
mod completions;
mod coordinates;
mod doctor;
mod du;
mod info;
mod ls;
mod man;
mod meta;
mod open;
mod show;
mod sparse;
mod stats;
mod tally;
mod tree;
mod values;

use std::sync::Arc;

use crate::app::App;
use crate::cli::Verb;
use crate::error::CliError;
use crate::output::Output;

/// Runs a verb.
///
/// # Errors
/// Whatever ended it; what was found out before has been written.
pub(crate) async fn run(app: Arc<App>, verb: Verb, mut out: Output) -> Result<(), CliError> {
    let done = dispatch(&app, verb, &mut out).await;
    // What was found out before an error is told as well; the error counts for more than a failure to tell it.
    let told = out.flush();
    done.and(told)
}

async fn dispatch(app: &App, verb: Verb, out: &mut Output) -> Result<(), CliError> {
    match verb {
        Verb::Show(args) => show::run(app, &args, out).await,
        Verb::Ls(args) => ls::run(app, &args, out).await,
        Verb::Tree(args) => tree::run(app, &args, out).await,
        Verb::Info(args) => info::run(app, &args, out).await,
        Verb::Meta(args) => meta::run(app, &args, out).await,
        Verb::Cat(args) => cat::run(app, &args, out).await,
        Verb::Stats(args) => stats::run(app, &args, out).await,
        Verb::Du(args) => du::run(app, &args, out).await,
        Verb::Doctor(args) => doctor::run(app, &args, out).await,
        Verb::Check(args) => check::run(app, &args, out).await,
        Verb::Completions { shell } => completions::run(shell, out),
        Verb::Man => man::run(out),
    }
}
