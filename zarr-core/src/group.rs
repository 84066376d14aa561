//! [`Group`]: a node with children.

use std::sync::Arc;

use crate::error::{Error, Result};
#[cfg(doc)]
use crate::hierarchy::Member;
use crate::hierarchy::{
    Consolidated, ConsolidatedMode, Members, Node, NodeCore, Order, Walk, WalkOptions, ensure_supported,
    node_methods, open_node,
};
use crate::metadata::json::Object;
use crate::metadata::{GroupMetadata, ZarrFormat};
use crate::node_kind::NodeKind;
use crate::node_path::NodePath;

/// A group: children and attributes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Group {
    pub(crate) core: NodeCore,
    pub(crate) metadata: Arc<GroupMetadata>,
    /// The metadata that its children are taken from: its own, or that of a group above it.
    pub(crate) consolidated: Option<Arc<Consolidated>>,
}

node_methods!(Group, "group");

impl Group {
    pub(crate) fn new(
        core: NodeCore,
        metadata: GroupMetadata,
        consolidated: Option<Arc<Consolidated>>,
    ) -> Self {
        Self {
            core,
            metadata: Arc::new(metadata),
            consolidated,
        }
    }

    /// The group's document.
    #[must_use]
    pub fn metadata(&self) -> &GroupMetadata {
        &self.metadata
    }

    /// In which format it is stored.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        self.metadata.zarr_format()
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.metadata.attributes()
    }

    /// Whether the group holds consolidated metadata that this open uses.
    #[must_use]
    pub fn is_consolidated(&self) -> bool {
        let own = |consolidated: &Arc<Consolidated>| consolidated.root() == self.path();
        self.consolidated.as_ref().is_some_and(own)
    }

    /// The node at `path` below the group: `"a/b"`.
    ///
    /// Consolidated metadata answers without a request. What it does not name is looked for in the store, for it may be
    /// stale, unless it is required ([`ConsolidatedMode::Require`]).
    ///
    /// # Errors
    /// [`Error::NodeNotFound`]; [`Error::InvalidNodePath`] for a path that leaves the group; else as
    /// [`open`](crate::hierarchy::open).
    pub async fn get(&self, path: &str) -> Result<Node> {
        let path = match self.zarr_format() {
            ZarrFormat::V2 => self.path().join(NodePath::normalize_v2(path)?.as_relative())?,
            ZarrFormat::V3 => {
                let names = NodePath::root().join(path)?;
                names.check_names(ZarrFormat::V3)?;
                self.path().join(names.as_relative())?
            }
        };
        let context = &self.core.context;
        if let Some(consolidated) = &self.consolidated {
            if let Some(node) = consolidated.get(context, &path) {
                let node = node?;
                ensure_supported(context, &node)?;
                return Ok(node);
            }
            if context.options.consolidated == ConsolidatedMode::Require {
                return Err(Error::NodeNotFound {
                    url: context.store.key_url(path.as_relative()),
                    path,
                    tried: vec!["consolidated metadata"],
                });
            }
        }
        open_node(context, &path, Some(self.zarr_format())).await
    }

    /// The group at `path` below this one.
    ///
    /// # Errors
    /// As [`Group::get`]; [`Error::WrongKind`] if it is an array.
    pub async fn get_group(&self, path: &str) -> Result<Group> {
        self.get(path).await?.into_group()
    }

    /// The array at `path` below this group.
    ///
    /// # Errors
    /// As [`Group::get`]; [`Error::WrongKind`] if it is a group.
    pub async fn get_array(&self, path: &str) -> Result<crate::Array> {
        self.get(path).await?.into_array()
    }

    /// What the group holds, `max_depth` levels down (1: its children; `usize::MAX`: all), level by level, by path in each.
    ///
    /// A broken child is a [`Member::Broken`] among its healthy siblings. If the store cannot list and no consolidated
    /// metadata says what is there, the members are [`Members::Unknown`], never an empty list.
    ///
    /// Costs one listing and one request for each child (v2: two for an array, three for a group), all in flight at once
    /// as far as [`StoreOptions::metadata_concurrency`](crate::StoreOptions) goes; nothing with consolidated metadata.
    /// Arrays are not listed.
    ///
    /// # Errors
    /// As [`Group::walk`].
    pub async fn members(&self, max_depth: usize) -> Result<Members> {
        let options = WalkOptions::default()
            .with_max_depth(max_depth)
            .with_order(Order::ByLevel);
        self.walk(options).members().await
    }

    /// Walks everything below the group, breadth first, and yields it as [`WalkOptions::order`] says. What a level needs
    /// is asked for in one wave, and the next level begins while the last one still comes in.
    ///
    /// # Errors
    /// The stream ends with an error if the group itself cannot be listed (other than that the store cannot list at all:
    /// then it yields [`Member::Unlisted`]), if the store is closed, and if there are more nodes than
    /// [`WalkOptions::max_nodes`]. What is wrong below the group is yielded as a [`Member`].
    #[must_use]
    pub fn walk(&self, options: WalkOptions) -> Walk {
        Walk::new(self, options)
    }

    /// What the group is: for symmetry with [`Node::kind`].
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        NodeKind::Group
    }
}
