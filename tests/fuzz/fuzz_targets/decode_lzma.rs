#![no_main]

zarr_fuzz::fuzz!(decode_lzma);
