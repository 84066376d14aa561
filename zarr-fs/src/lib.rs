//! zarr-fs
