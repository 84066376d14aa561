//! Runs of the built command: what it prints, how it ends, what it leaves behind.

mod corpus;
mod exit_codes;
mod human;
mod process;
mod remote;
mod run;
