//! [`Key`]: the key of an object's member.

use std::borrow::Cow;

/// A key. Documents name the same few fields again and again (a thousand arrays, each more than twenty times), so those
/// that the specifications of both formats know cost no allocation.
pub(super) type Key = Cow<'static, str>;

macro_rules! known {
    ($($name:literal)*) => {
        /// The key of this text.
        pub(super) fn key(text: &str) -> Key {
            match text {
                $($name => Cow::Borrowed($name),)*
                _ => Cow::Owned(text.to_owned()),
            }
        }
    };
}

known! {
    // v3
    "attributes" "checksum" "chunk_grid" "chunk_key_encoding" "chunk_shape" "chunk_shapes" "clevel" "codecs" "configuration"
    "consolidated_metadata" "data_type" "dimension_names" "endian" "fill_value" "index_codecs" "index_location" "kind"
    "level" "metadata" "must_understand" "name" "node_type" "order" "separator" "shape" "shuffle" "storage_transformers"
    "typesize" "zarr_format"
    // v2
    "blocksize" "chunks" "cname" "compressor" "dimension_separator" "dtype" "filters" "id" "zarr_consolidated_format"
    // attributes by the conventions of xarray and CF
    "_ARRAY_DIMENSIONS" "_FillValue" "calendar" "coordinates" "long_name" "standard_name" "units"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_borrowed_and_others_are_not() {
        assert!(matches!(key("chunk_grid"), Cow::Borrowed("chunk_grid")));
        assert!(matches!(key("chunk_gris"), Cow::Owned(text) if text == "chunk_gris"));
    }
}
