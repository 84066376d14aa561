//! Faults never become data: what a caller gets for each fault of a server or a network, in each kind of call, on each backend.
//!
//! Each cell of the table in `docs/faults.md` is a test with a server of its own. It fails if the cell is another one than the
//! committed table says, or one that may never be: a fill value, an empty answer, wrong data, no answer in time.
//! `UPDATE_DOCS=1 cargo test -p zarr-tests --test faults` writes the table anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod cell;
mod peer;
mod table;
mod trouble;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};

use cell::Op;
use peer::Backend;
use table::Table;
use trouble::Trouble;

/// What no fault may ever come to.
const FORBIDDEN: [&str; 4] = ["fill value", "empty", "hang", "wrong data"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The cells wait more than they work.
    arguments.test_threads.get_or_insert(6);
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let committed = Arc::new(Table::read());
    let found = Arc::new(Mutex::new(Table::default()));
    let mut trials = Vec::new();
    for backend in Backend::ALL {
        for trouble in Trouble::all() {
            for op in Op::ALL {
                let name = format!("{} · {} · {}", backend.scheme(), trouble.name, op.name());
                let key = (backend.scheme(), trouble.name, op.name());
                if !trouble.concerns(op) {
                    found.lock().unwrap().insert(key, "–".to_owned());
                    continue;
                }
                let (committed, found) = (Arc::clone(&committed), Arc::clone(&found));
                trials.push(Trial::test(name, move || {
                    let cell = cell::run(backend, trouble, op);
                    found.lock().unwrap().insert(key, cell.clone());
                    if FORBIDDEN.iter().any(|word| cell.contains(word)) {
                        return Err(Failed::from(format!("the caller gets: {cell}")));
                    }
                    match committed.get(key) {
                        _ if update => Ok(()),
                        Some(expected) if *expected == cell => Ok(()),
                        expected => Err(Failed::from(format!(
                            "the caller gets {cell}, docs/faults.md says {expected:?}"
                        ))),
                    }
                }));
            }
        }
    }
    let cells = trials.len();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list || conclusion.num_filtered_out > 0 {
        return conclusion.exit_code();
    }
    println!("faults: {cells} cells");
    let found = found.lock().unwrap();
    if update {
        found.write();
    } else if conclusion.num_failed == 0 && found.render() != Table::text() {
        println!("docs/faults.md is not what this test writes: run it with UPDATE_DOCS=1");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
