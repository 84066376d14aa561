//! [`Warning`]: what is odd about a node that opened.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::node_path::NodePath;

/// What is odd about a node that opened. Collected on the node, never printed by this crate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Warning {
    /// Documents of version 3 and of version 2 lie side by side; version 3 was taken.
    BothFormats,
    /// A `.zarray` and a `.zgroup` lie side by side; the array was taken.
    ArrayAndGroup,
    /// The server refused a document, and it was taken as missing because another one makes the node.
    DeniedTakenAsMissing {
        /// The document's name.
        document: &'static str,
    },
    /// The consolidated metadata could not be read or is invalid; the group's own documents were used.
    ConsolidatedUnread(Arc<Error>),
    /// Consolidated metadata names this node and not the group that should hold it.
    ParentNotConsolidated {
        /// The group.
        parent: NodePath,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BothFormats => f.write_str(
                "has documents of Zarr v3 and of v2; v3 was taken (choose with the format option)",
            ),
            Self::ArrayAndGroup => f.write_str("has a .zarray and a .zgroup; the array was taken"),
            Self::DeniedTakenAsMissing { document } => {
                write!(f, "{document} was denied, and taken as missing")
            }
            Self::ConsolidatedUnread(error) => {
                write!(f, "consolidated metadata not used: {error}")?;
                let mut source = std::error::Error::source(&**error);
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
            Self::ParentNotConsolidated { parent } => {
                write!(f, "its group {parent} is not in the consolidated metadata")
            }
        }
    }
}
