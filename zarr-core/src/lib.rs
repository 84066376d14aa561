//! Zarr hierarchies over a [`zarr_fs`] filesystem.

mod error;
pub mod metadata;
mod node_kind;
mod node_path;
mod store;

pub use error::{Error, Result};
pub use node_kind::{NodeKind, ZarrFormat};
pub use node_path::NodePath;
pub use store::{DirNames, KeyInfo, Store, StoreOptions, StoreReader, Value};
