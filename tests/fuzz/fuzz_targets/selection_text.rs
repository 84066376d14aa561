#![no_main]

zarr_fuzz::fuzz!(selection_text);
