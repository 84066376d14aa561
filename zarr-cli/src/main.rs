//! zarr-cli
fn main() {}
