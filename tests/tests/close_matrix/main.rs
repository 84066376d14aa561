//! Close leaves nothing, in every combination: what is spoken × what is under way × who opened × how it is closed.
//!
//! Each cell is a child process, because descriptors and threads are process-wide. The server lives in the parent, which
//! looks at its connections when the child says that close has returned. Left out are the products that mean nothing: a
//! connection that is still being made has no protocol yet, so it is tried with one (of four).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod cell;
mod child;
mod parent;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use cell::{Cell, Close, Owner, Situation, Wire};

fn main() -> ExitCode {
    if let Some(name) = zarr_tests::child::case() {
        child::run(Cell::parse(&name).expect("a cell's name"));
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    // The cells wait more than they work.
    arguments.test_threads.get_or_insert(3);
    let mut cells = Vec::new();
    let mut left_out = 0;
    for wire in Wire::ALL {
        for situation in Situation::ALL {
            for owner in Owner::ALL {
                for close in Close::ALL {
                    if situation == Situation::Connecting && wire != Wire::Http1 {
                        left_out += 1;
                        continue;
                    }
                    cells.push(Cell {
                        wire,
                        situation,
                        owner,
                        close,
                    });
                }
            }
        }
    }
    if !arguments.list {
        println!(
            "close matrix: {} cells; {left_out} products left out",
            cells.len()
        );
    }
    let trials = cells
        .into_iter()
        .map(|cell| Trial::test(cell.name(), move || Ok(parent::run(cell)?)))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
