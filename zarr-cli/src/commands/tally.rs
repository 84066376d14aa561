//! What was found among members, and what that means for the exit code.

use crate::error::CliError;
use crate::view::MemberView;

/// Counts members.
#[derive(Debug, Default)]
pub(super) struct Tally {
    nodes: usize,
    broken: usize,
    unlisted: usize,
    /// Why the node itself could not be listed.
    root_unlisted: Option<String>,
}

impl Tally {
    pub(super) fn count(&mut self, member: &MemberView) {
        match member {
            MemberView::Node(_) => self.nodes += 1,
            MemberView::Broken { .. } => self.broken += 1,
            MemberView::Unlisted { path, reason, .. } => {
                self.unlisted += 1;
                if path == "/" {
                    self.root_unlisted = Some(reason.clone());
                }
            }
        }
    }

    /// Counts nodes that were read.
    pub(super) fn add_nodes(&mut self, nodes: usize) {
        self.nodes += nodes;
    }

    /// Whether the members of the node itself are unknown.
    pub(super) fn is_root_unlisted(&self) -> bool {
        self.root_unlisted.is_some()
    }

    /// Whether nothing is missing from the answer.
    pub(super) fn is_clean(&self) -> bool {
        self.broken + self.unlisted == 0
    }

    /// Success, or what is missing from the answer.
    pub(super) fn outcome(self, shown: &str) -> Result<(), CliError> {
        match self.root_unlisted {
            Some(reason) => Err(CliError::ChildrenUnknown {
                path: shown.to_owned(),
                reason,
            }),
            None if self.broken + self.unlisted > 0 => Err(CliError::Partial {
                broken: self.broken,
                unlisted: self.unlisted,
                of: self.nodes + self.broken,
            }),
            None => Ok(()),
        }
    }
}
