//! The conformance suite, and what tests of filesystems need (feature `testing`).
//!
//! A backend writes a [`Harness`] (start a server, seed it, open a filesystem, make it hang) and one line for each:
//!
//! ```text
//! mod memory {
//!     zarr_fs::conformance!(super::MemoryHarness);
//! }
//! ```
//!
//! which makes one `#[test]` for each case: `memory::close::closing_one_lease_leaves_the_other_working`. The cases are the
//! *Behaviour* lines of [`FileSystem`](crate::FileSystem), one `async fn` each, in [`read`](mod@read), [`write`](mod@write), [`list`], [`close`]
//! (clauses a to e and g to i) and [`nothing_left`] (clause f, a child process each). A capability that a backend lacks is
//! no skip: the case asserts `Unsupported`. `conformance!` says for each case what it runs on: a current-thread tokio
//! runtime, no runtime at all, or a child process.
//!
//! Beside the suite: [`CountingFileSystem`] and [`FaultyFileSystem`] for the tests of whoever uses a filesystem, the leak
//! probe in [`leak`], and random operations with their model in [`strategies`].
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a suite of tests: it fails by panicking"
)]
#![expect(
    clippy::single_range_in_vec_init,
    reason = "lists of ranges are what is asked for"
)]

mod cases;
mod check;
mod counting;
mod faults;
mod faulty;
mod harness;
mod rounds;
mod run;
mod stall;

pub mod close;
pub mod leak;
pub mod list;
pub mod nothing_left;
pub mod read;
pub mod strategies;
pub mod write;

pub use check::{assert_closed, assert_not_found, assert_unsupported, wait_for};
pub use counting::{CountingFileSystem, Counts, Request};
pub use faults::{Fault, Faults, Wrong};
pub use faulty::FaultyFileSystem;
pub use harness::{Case, Hang, Harness};
pub use run::{in_child, on_tokio, without_runtime};
pub use stall::Stall;
