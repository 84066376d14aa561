//! Opening, listing and changing the nodes of a hierarchy.
//!
//! ```
//! use zarr_core::hierarchy::{self, OpenOptions};
//! use zarr_core::{NodePath, Store, StoreOptions};
//! use zarr_fs::{MemoryFileSystem, Path};
//!
//! # futures::executor::block_on(async {
//! let store = Store::new(
//!     Box::new(MemoryFileSystem::new()),
//!     Path::root(),
//!     StoreOptions::default().writable(),
//! );
//! let group = br#"{"zarr_format": 3, "node_type": "group", "attributes": {"title": "all"}}"#;
//! store.set("zarr.json", group.as_slice().into()).await?;
//! store.set("a/zarr.json", group.as_slice().into()).await?;
//!
//! let root = hierarchy::open(&store, &NodePath::root(), OpenOptions::default()).await?.into_group()?;
//! assert_eq!(root.attributes().get("title").and_then(|title| title.as_str()), Some("all"));
//! let members = root.members(1).await?;
//! assert_eq!(members.nodes().map(|node| node.path().to_string()).collect::<Vec<_>>(), ["/a"]);
//! store.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod consolidate;
mod consolidated;
mod context;
mod create;
mod decide;
mod delete;
mod documents;
mod levels;
mod member;
mod near;
mod node;
mod probe;
pub(crate) mod update;
mod walk;
mod warning;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use create::{CreateMode, create_array, create_group};
pub use delete::{DeleteReport, delete};
pub use member::{Broken, Member, Members, Unlisted};
pub use node::{Node, StoredDocument};
pub use walk::{Order, Walk, WalkOptions};
pub use warning::Warning;

pub(crate) use consolidated::Consolidated;
pub(crate) use node::{NodeCore, node_methods};
pub(crate) use probe::{ensure_supported, open_node};

use self::context::Context;
use crate::error::{Error, Result};
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::Store;

/// What to do with consolidated metadata: a copy, kept in a group, of the documents of all nodes below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConsolidatedMode {
    /// Used where it is; a bad one is a warning, and the nodes' own documents are read.
    #[default]
    Auto,
    /// A group without it, or with a bad one, is an error; what it does not name is not there.
    Require,
    /// Neither asked for nor used.
    Ignore,
}

/// How a node is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The format, if it is known; `None` looks for both at once.
    pub zarr_format: Option<ZarrFormat>,
    /// What to do with consolidated metadata.
    pub consolidated: ConsolidatedMode,
    /// Whether an array opens that uses an extension (data type, codec, chunk grid, ...) which is not known here: its
    /// metadata can be shown, its data not read. Listings show such arrays always. Default false.
    pub allow_unsupported: bool,
}

impl OpenOptions {
    /// Looks for nodes of one format only.
    #[must_use]
    pub fn with_zarr_format(mut self, format: ZarrFormat) -> Self {
        self.zarr_format = Some(format);
        self
    }

    /// Sets what to do with consolidated metadata.
    #[must_use]
    pub fn with_consolidated(mut self, mode: ConsolidatedMode) -> Self {
        self.consolidated = mode;
        self
    }

    /// Opens arrays that use unknown extensions, too.
    #[must_use]
    pub fn allow_unsupported(mut self) -> Self {
        self.allow_unsupported = true;
        self
    }
}

/// Opens the node at `path`.
///
/// All documents that may make a node are asked for in one wave: at most five requests (`zarr.json`, `.zarray`, `.zgroup`,
/// `.zattrs`, `.zmetadata`), four for v2 alone, one for v3 alone. Documents are asked for by name, so it does not matter
/// what a listing hides. What they make:
///
/// 1. They rank: `zarr.json`, then `.zarray`, then `.zgroup`. The first that is there decides. A second one besides is a
///    [`Warning`] on the node. A document that decides and is invalid is an error: nothing below it is tried.
/// 2. A fault (5xx, a broken connection) of a document that outranks what is there is an error, for it might have decided.
///    Below what is there it does not matter.
/// 3. A refusal (401, 403) counts as missing if another document decides, with a warning: stores that may not be listed
///    refuse what is missing. If none decides, the refusal is the error.
/// 4. `.zattrs` may be missing. Its refusal counts as missing, with a warning; its fault is an error.
/// 5. `.zmetadata` is a cache: without it the node's own documents are read. Neither it nor `.zattrs` makes a node.
/// 6. If every document that could decide is missing, there is no node.
///
/// What the store said is missing is not asked for again by the nodes of this open, until something is written through the
/// store.
///
/// # Errors
/// [`Error::NodeNotFound`]; [`Error::InvalidMetadata`] for a document that breaks the format; [`Error::Unsupported`] for one
/// that asks for what is not known here ([`OpenOptions::allow_unsupported`]); [`Error::Fs`] for refusals and faults; [`Error::NotConsolidated`] if consolidated metadata is required and the group has none.
pub async fn open(store: &Arc<Store>, path: &NodePath, options: OpenOptions) -> Result<Node> {
    let format = options.zarr_format;
    let context = Context::new(Arc::clone(store), options);
    let node = open_node(&context, path, format).await?;
    match &node {
        Node::Group(group)
            if context.options.consolidated == ConsolidatedMode::Require && !group.is_consolidated() =>
        {
            Err(Error::NotConsolidated {
                url: group.url(),
                path: path.clone(),
            })
        }
        Node::Group(_) | Node::Array(_) => Ok(node),
    }
}
