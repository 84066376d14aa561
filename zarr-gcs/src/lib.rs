//! zarr-gcs
