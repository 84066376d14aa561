//! What the operations of a soak came to.

use std::collections::BTreeMap;
use std::sync::Mutex;

use zarr_core::Error;
use zarr_fs::session::{CloseError, CloseReport};

use crate::cycle::is_right_class;

/// Counts by kind of call and outcome, and what should never be.
#[derive(Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<(&'static str, String), u64>>,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    fn count(&self, op: &'static str, outcome: String) {
        *self.counts.lock().unwrap().entry((op, outcome)).or_default() += 1;
    }

    /// The right answer, byte for byte.
    pub(crate) fn right(&self, op: &'static str) {
        self.count(op, "right".to_owned());
    }

    /// An answer that should never be.
    pub(crate) fn wrong(&self, what: &str) {
        self.wrong.lock().unwrap().push(what.to_owned());
    }

    /// An error; `cut`: the store is being closed meanwhile. Returns `None`, for the caller to return.
    pub(crate) fn error<T>(&self, op: &'static str, error: &Error, cut: bool) -> Option<T> {
        if is_right_class(error, cut) {
            self.count(
                op,
                if error.is_retryable() {
                    "Unavailable"
                } else {
                    "Closed"
                }
                .to_owned(),
            );
        } else {
            self.wrong(&format!("{op}: {error:?}"));
        }
        None
    }

    pub(crate) fn close(&self, closed: Result<CloseReport, CloseError>) {
        match closed {
            Ok(_) => self.right("close"),
            Err(error) => self.wrong(&format!("close: {error:?}")),
        }
    }

    pub(crate) fn counts(&self) -> Vec<String> {
        let counts = self.counts.lock().unwrap();
        counts
            .iter()
            .map(|((op, outcome), count)| format!("{op} {outcome} {count}"))
            .collect()
    }

    /// How many calls ended so, over all kinds.
    pub(crate) fn total(&self, outcome: &str) -> u64 {
        let counts = self.counts.lock().unwrap();
        counts
            .iter()
            .filter(|((_, found), _)| found == outcome)
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }
}
