//! zarr-core

pub mod metadata;
