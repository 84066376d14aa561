#![no_main]

zarr_fuzz::fuzz!(http_index);
