//! The schedule of a filesystem that fails as it is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::path::Path;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// It is [`Error::NotFound`](crate::Error::NotFound), and not passed on.
    NotFound,
    /// It is [`Error::PermissionDenied`](crate::Error::PermissionDenied), and not passed on.
    PermissionDenied,
    /// It is [`Error::Unauthenticated`](crate::Error::Unauthenticated), and not passed on.
    Unauthenticated,
    /// It is [`Error::Unavailable`](crate::Error::Unavailable), and not passed on.
    Unavailable,
    /// It is [`Error::Corrupt`](crate::Error::Corrupt), and not passed on.
    Corrupt,
    /// It is [`Error::Backend`](crate::Error::Backend), and not passed on.
    Backend,
    /// It is passed on, and its answer is lost: `Unavailable`, though a write has happened.
    AnswerLost,
    /// Of the bytes that were read only so many come, and nothing says so; a stream ends after them with `Unavailable`, a
    /// listing after so many items.
    Short(usize),
    /// It is passed on later.
    Late(Duration),
}

/// Which calls go wrong, and how.
#[derive(Clone, Debug)]
pub struct Fault {
    wrong: Wrong,
    op: Option<&'static str>,
    below: Option<Path>,
    after: usize,
    times: usize,
}

impl Fault {
    /// Every call goes wrong like this, unless the fault is narrowed.
    #[must_use]
    pub fn new(wrong: Wrong) -> Self {
        Self {
            wrong,
            op: None,
            below: None,
            after: 0,
            times: usize::MAX,
        }
    }

    /// Only calls of this operation, in the trait's words (`read` for a blocking reader).
    #[must_use]
    pub fn on(mut self, op: &'static str) -> Self {
        self.op = Some(op);
        self
    }

    /// Only calls at this path or below it.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.below = Some(path.clone());
        self
    }

    /// The first so many of the calls that it is about go well.
    #[must_use]
    pub fn after(mut self, calls: usize) -> Self {
        self.after = calls;
        self
    }

    /// Only so many calls go wrong.
    #[must_use]
    pub fn times(mut self, calls: usize) -> Self {
        self.times = calls;
        self
    }

    /// Whether this call goes wrong; counts it.
    fn strikes(&mut self, op: &str, path: &Path) -> bool {
        let is_meant = self.op.is_none_or(|meant| meant == op)
            && self
                .below
                .as_ref()
                .is_none_or(|below| path.strip_prefix(below).is_some());
        if !is_meant || self.times == 0 {
            return false;
        }
        if let Some(left) = self.after.checked_sub(1) {
            self.after = left;
            return false;
        }
        self.times = self.times.saturating_sub(1);
        true
    }
}

/// The schedule of faults; clones are one.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Adds a fault. Of several for one call the first in the order of adding is taken, and all that make it late.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// From now on everything goes well.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn strike(&self, op: &'static str, path: &Path) -> (Duration, Option<Wrong>) {
        let mut late = Duration::ZERO;
        let mut wrong = None;
        for fault in self.lock().iter_mut() {
            let is_late = matches!(fault.wrong, Wrong::Late(_));
            if (is_late || wrong.is_none()) && fault.strikes(op, path) {
                if let Wrong::Late(time) = fault.wrong {
                    late += time;
                } else {
                    wrong = Some(fault.wrong);
                }
            }
        }
        (late, wrong)
    }
}
