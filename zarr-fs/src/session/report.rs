//! What a close did.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a close did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Calls of this lease that were under way when the close began and finished.
    pub calls_drained: u64,
    /// Calls of this lease that the close cut off.
    pub calls_cut: u64,
    /// Connections dialled in the session's life, by all its leases.
    pub connections_opened: u64,
    /// Whether the session ended with this lease.
    pub session_ended: bool,
    /// From the begin of the close to its end.
    pub elapsed: Duration,
}

/// A close that could not do all it promises. What could be released is released all the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CloseError {
    /// Something did not end within the drain time + 1 s.
    Stuck {
        /// What was done.
        report: CloseReport,
        /// What did not end: calls (`cat_file a/b`) and threads (`thread zarr-io`).
        stuck: Vec<String>,
    },
    /// Everything is released here, but something could not be tidied up elsewhere (an upload could not be aborted).
    Failed {
        /// What was done.
        report: CloseReport,
        /// Each failure.
        failures: Vec<Arc<dyn std::error::Error + Send + Sync>>,
    },
    /// The filesystem was opened before a fork; its session belongs to the parent.
    Forked,
}

impl CloseError {
    /// What was done, where anything was.
    #[must_use]
    pub fn report(&self) -> CloseReport {
        match self {
            Self::Stuck { report, .. } | Self::Failed { report, .. } => *report,
            Self::Forked => CloseReport::default(),
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck { report, stuck } => {
                write!(
                    f,
                    "close gave up after {:.1?}: still running: {}",
                    report.elapsed,
                    stuck.join(", ")
                )
            }
            Self::Failed { failures, .. } => {
                f.write_str("closed, but not all could be tidied up")?;
                failures.iter().try_for_each(|failure| write!(f, "; {failure}"))
            }
            Self::Forked => f.write_str("opened in another process: only that one can close it"),
        }
    }
}

impl std::error::Error for CloseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { failures, .. } => failures.first().map(|failure| &**failure as _),
            Self::Stuck { .. } | Self::Forked => None,
        }
    }
}
