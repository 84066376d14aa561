//! Writers that are killed (SIGKILL) in the midst of everything they do, in a folder and on the GCS server. What they leave
//! opens, and each chunk, document and file in it is wholly as it was or wholly as it was to become; listings show nothing
//! else; and the next writer, which is killed in its turn, finds nothing in its way.
//!
//! Half of the kills come after a random time, half at a step of the writer, each step in turn, and a random part of the
//! step's time after its beginning. `KILLS=1000 cargo test -p zarr-tests --test kills` does it 1000 times; `KILLS_SEED` is for
//! other random times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

#[cfg(unix)]
mod check;
#[cfg(unix)]
mod pattern;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod victim;
#[cfg(unix)]
mod writer;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

/// The kills are Unix signals.
#[cfg(not(unix))]
fn main() {}
