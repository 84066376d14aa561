//! Zarr hierarchies over a [`zarr_fs`] filesystem.

pub mod array;
pub mod codec;
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
