//! [`Task`]: what a walk asks the store.

use super::node::Node;
use crate::error::Result;
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::DirNames;

/// Something to ask the store. `level` is that of what it yields: 1 for the children of the walk's group.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) path: NodePath,
    pub(super) format: ZarrFormat,
    pub(super) level: usize,
    pub(super) ask: Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The children of the group `path`.
    List {
        /// Consolidated metadata says that there are none: believed where the store cannot list.
        told_empty: bool,
    },
    /// Whether `path` is a node.
    Probe,
}

impl Task {
    /// Requests that it has in flight at once, at most.
    pub(super) fn width(&self) -> usize {
        match (self.ask, self.format) {
            (Ask::Probe, ZarrFormat::V2) => 2,
            (Ask::Probe, ZarrFormat::V3) | (Ask::List { .. }, _) => 1,
        }
    }
}

pub(super) struct Done {
    pub(super) task: Task,
    pub(super) reply: Reply,
}

impl Done {
    /// A probe and what came of it.
    pub(super) fn probed(task: Task, node: Result<Option<Node>>) -> Self {
        let reply = Reply::Probed(Box::new(node));
        Self { task, reply }
    }
}

pub(super) enum Reply {
    Listed(Result<Option<DirNames>>),
    Probed(Box<Result<Option<Node>>>),
}
