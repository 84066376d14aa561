//! What happens when a lease is dropped without close.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A lease that was dropped without close.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unclosed {
    /// The filesystem's name: protocol and root.
    pub filesystem: String,
    /// Connections its session had dialled.
    pub connections_opened: u64,
    /// Where it was opened.
    pub opened_at: &'static Location<'static>,
}

impl Unclosed {
    pub(crate) fn new(
        filesystem: String,
        connections_opened: u64,
        opened_at: &'static Location<'static>,
    ) -> Self {
        Self {
            filesystem,
            connections_opened,
            opened_at,
        }
    }
}

impl fmt::Display for Unclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            filesystem,
            connections_opened,
            opened_at,
        } = self;
        write!(
            f,
            "filesystem {filesystem} was dropped without close ({connections_opened} connections dialled); opened at {opened_at}"
        )
    }
}

/// What to do about a lease that is dropped without close.
#[derive(Clone, Debug, Default)]
pub enum UnclosedPolicy {
    /// A warning by `tracing`.
    #[default]
    Warn,
    /// Nothing.
    Ignore,
    /// It is recorded, so that a test or a command can look and fail.
    Strict(UnclosedLog),
}

impl UnclosedPolicy {
    pub(crate) fn raise(&self, unclosed: Unclosed) {
        match self {
            Self::Warn => tracing::warn!(target: "zarr_fs::resource", "{unclosed}"),
            Self::Ignore => {}
            Self::Strict(log) => log.lock().push(unclosed),
        }
    }
}

/// A record of the leases that were dropped without close. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct UnclosedLog(Arc<Mutex<Vec<Unclosed>>>);

impl UnclosedLog {
    /// An empty record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was recorded so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Unclosed> {
        self.lock().clone()
    }

    /// Fails with the list if anything was recorded.
    ///
    /// # Panics
    /// If a lease was dropped without close: meant for tests.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion, for tests")]
    pub fn assert_none(&self) {
        let entries = self.entries();
        if !entries.is_empty() {
            let list: Vec<String> = entries.iter().map(ToString::to_string).collect();
            panic!("{} filesystem(s) not closed:\n{}", list.len(), list.join("\n"));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Unclosed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
