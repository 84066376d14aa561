#![no_main]

zarr_fuzz::fuzz!(shard_index);
