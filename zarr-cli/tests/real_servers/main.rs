//! The built command against real servers from packages: the whole corpus is listed, and its values are printed. What is not
//! installed is shown as `ignored: needs nginx`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    dead_code,
    reason = "tests under a harness of their own, with helpers that the other tests of the command use too"
)]

#[path = "../cli/place.rs"]
mod place;
#[path = "../cli/run.rs"]
mod run;

#[cfg(unix)]
mod unix;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(not(unix))]
fn main() {}
