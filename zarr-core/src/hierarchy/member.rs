//! What a group's members are reported as.

use crate::error::Error;
use crate::node_path::NodePath;

use super::node::Node;

/// One thing found below a group.
#[derive(Debug)]
pub enum Member {
    /// A node.
    Node(Node),
    /// Something that should be a node and is not, or could not be read.
    Broken(Broken),
    /// A group, reported as a node before, whose children could not be listed.
    Unlisted(Unlisted),
}

/// A child that is broken, or could not be read. It hides none of its siblings.
#[derive(Debug)]
pub struct Broken {
    /// Its path as the listing or the consolidated metadata names it, from the store's base with a leading slash. It may
    /// be hostile: escape it to show it, and do not build keys of it.
    pub path: String,
    /// The same as a path, if it is one.
    pub node_path: Option<NodePath>,
    /// What is wrong.
    pub error: Error,
}

/// A group whose children are unknown.
#[derive(Debug)]
pub struct Unlisted {
    /// The group.
    pub path: NodePath,
    /// Why: the store cannot list (`Unsupported`), or the listing failed.
    pub error: Error,
}

/// The members of a group.
#[derive(Debug)]
pub enum Members {
    /// What was found, level by level, by path in each.
    Known(Vec<Member>),
    /// The store cannot list, and nothing else says what the group holds. This is not an empty group.
    Unknown(Unlisted),
}

impl Members {
    /// The nodes among the members; none if they are unknown.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let members = match self {
            Self::Known(members) => members.as_slice(),
            Self::Unknown(_) => &[],
        };
        members.iter().filter_map(|member| match member {
            Member::Node(node) => Some(node),
            Member::Broken(_) | Member::Unlisted(_) => None,
        })
    }
}

impl Member {
    pub(crate) fn broken(path: &NodePath, error: Error) -> Self {
        Self::Broken(Broken {
            path: path.to_string(),
            node_path: Some(path.clone()),
            error,
        })
    }

    /// Its path as text, for sorting.
    pub(crate) fn sort_key(&self) -> (String, u8) {
        match self {
            Self::Node(node) => (node.path().to_string(), 0),
            Self::Broken(broken) => (broken.path.clone(), 1),
            Self::Unlisted(unlisted) => (unlisted.path.to_string(), 2),
        }
    }
}
