//! zarr-http
