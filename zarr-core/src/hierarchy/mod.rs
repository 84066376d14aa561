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
mod open;
mod probe;
mod task;
pub(crate) mod update;
mod walk;
mod walk_options;
mod warning;

#[cfg(test)]
mod tests;

pub use create::{CreateMode, create_array, create_group};
pub use delete::{DeleteReport, delete};
pub use member::{Broken, Member, Members, Unlisted};
pub use node::{Node, StoredDocument};
pub use open::{ConsolidatedMode, OpenOptions, open, open_and_walk};
pub use walk::Walk;
pub use walk_options::{Order, WalkOptions};
pub use warning::Warning;

pub(crate) use consolidated::Consolidated;
pub(crate) use node::{NodeCore, node_methods};
pub(crate) use probe::{ensure_supported, open_node};
