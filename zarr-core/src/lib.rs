//! Zarr hierarchies, v2 and v3, over a [`zarr_fs`] filesystem.
//!
//! ```text
//! Store (keys, one lease) ─► hierarchy::open ─► Node ─► Group ─► members, walk, get
//!                                                  └──► Array ─► read, write
//! ```
//! A [`Store`] owns a lease on a filesystem and is what is closed; groups and arrays hold it and never close it. Every
//! error is an [`Error`]: a fault of the network is never a missing node, an empty group or a fill value.
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

pub mod array;
pub mod codec;
mod compute;
mod error;
mod group;
pub mod hierarchy;
pub mod metadata;
mod node_kind;
mod node_path;
mod store;

pub use array::Array;
pub use error::{Error, Result};
pub use group::Group;
pub use hierarchy::Node;
pub use node_kind::{NodeKind, ZarrFormat};
pub use node_path::NodePath;
pub use store::{DirNames, KeyInfo, Store, StoreOptions, StoreReader, Value};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
