//! [`Node`]: a group or an array, and what both have.

use std::sync::Arc;

use bytes::Bytes;
use zarr_fs::Version;

use super::context::Context;
use super::warning::Warning;
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::json::Object;
use crate::node_kind::NodeKind;
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::Store;

/// A metadata document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its key in the store: `a/b/zarr.json`.
    pub key: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// Their version, as far as the store tells one.
    pub version: Version,
}

/// What groups and arrays have in common, besides their metadata.
#[derive(Clone, Debug)]
pub(crate) struct NodeCore {
    pub(crate) context: Arc<Context>,
    pub(crate) path: NodePath,
    /// As they were read; empty for a node that was taken from consolidated metadata.
    pub(crate) documents: Vec<StoredDocument>,
    pub(crate) warnings: Vec<Warning>,
}

impl NodeCore {
    pub(crate) fn new(context: &Arc<Context>, path: NodePath) -> Self {
        Self {
            context: Arc::clone(context),
            path,
            documents: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.context.store
    }

    pub(crate) fn url(&self) -> String {
        self.store().key_url(self.path.as_relative())
    }
}

/// Gives a node type, which has the fields `core` and `metadata`, what all nodes have.
macro_rules! node_methods {
    ($type:ty, $kind:literal) => {
        impl $type {
            #[doc = concat!("The ", $kind, "'s path in its store.")]
            #[must_use]
            pub fn path(&self) -> &crate::NodePath {
                &self.core.path
            }

            #[doc = concat!("The ", $kind, "'s URL for messages. Holds no credential.")]
            #[must_use]
            pub fn url(&self) -> String {
                self.core.url()
            }

            #[doc = concat!("The store that the ", $kind, " lies in. It outlives its close: then every call is `Closed`.")]
            #[must_use]
            pub fn store(&self) -> &std::sync::Arc<crate::Store> {
                self.core.store()
            }

            #[doc = concat!("What is odd about the ", $kind, "; usually nothing.")]
            #[must_use]
            pub fn warnings(&self) -> &[crate::hierarchy::Warning] {
                &self.core.warnings
            }

            #[doc = concat!("The ", $kind, "'s documents as they were read. Empty if it was taken from consolidated metadata:")]
            /// then they were not.
            #[must_use]
            pub fn documents(&self) -> &[crate::hierarchy::StoredDocument] {
                &self.core.documents
            }

            #[doc = concat!("Whether the ", $kind, " was taken from consolidated metadata, which may be stale, and not from")]
            /// documents of its own.
            #[must_use]
            pub fn is_from_consolidated(&self) -> bool {
                self.core.documents.is_empty()
            }
        }
    };
}
pub(crate) use node_methods;

/// A node of a hierarchy.
#[derive(Clone, Debug)]
pub enum Node {
    /// It has children and attributes.
    Group(Group),
    /// It has data and attributes.
    Array(Array),
}

impl Node {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        match self {
            Self::Group(_) => NodeKind::Group,
            Self::Array(_) => NodeKind::Array,
        }
    }

    /// The node's path in its store.
    #[must_use]
    pub fn path(&self) -> &NodePath {
        &self.core().path
    }

    /// The node's URL for messages. Holds no credential.
    #[must_use]
    pub fn url(&self) -> String {
        self.core().url()
    }

    /// In which format it is stored.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        match self {
            Self::Group(group) => group.zarr_format(),
            Self::Array(array) => array.zarr_format(),
        }
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        match self {
            Self::Group(group) => group.attributes(),
            Self::Array(array) => array.attributes(),
        }
    }

    /// What is odd about it; usually nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.core().warnings
    }

    /// Its documents as they were read. Empty if it was taken from consolidated metadata.
    #[must_use]
    pub fn documents(&self) -> &[StoredDocument] {
        &self.core().documents
    }

    /// Whether it was taken from consolidated metadata, which may be stale, and not from documents of its own.
    #[must_use]
    pub fn is_from_consolidated(&self) -> bool {
        self.core().documents.is_empty()
    }

    /// The group, if it is one.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if it is an array.
    pub fn into_group(self) -> Result<Group> {
        match self {
            Self::Group(group) => Ok(group),
            Self::Array(array) => Err(Error::WrongKind {
                url: array.url(),
                expected: NodeKind::Group,
                found: NodeKind::Array,
            }),
        }
    }

    /// The array, if it is one.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if it is a group.
    pub fn into_array(self) -> Result<Array> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Group(group) => Err(Error::WrongKind {
                url: group.url(),
                expected: NodeKind::Array,
                found: NodeKind::Group,
            }),
        }
    }

    pub(crate) fn core(&self) -> &NodeCore {
        match self {
            Self::Group(group) => &group.core,
            Self::Array(array) => &array.core,
        }
    }
}
