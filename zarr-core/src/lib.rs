//! zarr-core
