//! The example service, run: requests in flight are answered when it is told to stop, and nothing is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test"
)]

#[cfg(target_os = "linux")]
#[path = "../../examples/service/service.rs"]
mod service;
#[cfg(target_os = "linux")]
mod stops;

// It is told to stop by a signal, and what it holds is counted by `/proc`.
zarr_tests::linux_main!(stops);
