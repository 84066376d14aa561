#![no_main]

zarr_fuzz::fuzz!(metadata_json);
