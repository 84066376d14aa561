//! Runs of the built command: what it prints, how it ends, what it leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail, in its helpers too"
)]

mod check;
mod corpus;
mod deep;
mod exit_codes;
mod human;
mod names;
mod place;
mod process;
mod remote;
mod run;
mod sparse;
mod stats;
mod values;
