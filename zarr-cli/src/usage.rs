//! What is stored: objects and their bytes, as a listing tells them.

use zarr_core::NodeKind;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;

use crate::render::units;
use crate::view::NodeView;

/// The names of metadata documents.
const DOCUMENTS: [&str; 5] = ["zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"];

/// Whether a key is that of a metadata document.
pub(crate) fn is_document(key: &str) -> bool {
    DOCUMENTS.contains(&key.rsplit('/').next().unwrap_or(key))
}

/// Objects and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Objects that are no metadata: in an array, its chunks or shards.
    pub(crate) chunks: u64,
    pub(crate) chunk_bytes: u128,
    pub(crate) documents: u64,
    pub(crate) document_bytes: u128,
    /// Objects whose size the listing does not say.
    pub(crate) unsized_objects: u64,
}

impl Stored {
    pub(crate) fn add(&mut self, key: &str, size_bytes: Option<u64>) {
        let bytes = u128::from(size_bytes.unwrap_or(0));
        self.unsized_objects += u64::from(size_bytes.is_none());
        if is_document(key) {
            self.documents += 1;
            self.document_bytes += bytes;
        } else {
            self.chunks += 1;
            self.chunk_bytes += bytes;
        }
    }

    pub(crate) fn bytes(&self) -> u128 {
        self.chunk_bytes + self.document_bytes
    }

    pub(crate) fn json(&self) -> Json {
        let mut object = Object::new();
        object.insert("objects", self.chunks);
        object.insert("object_bytes", json_bytes(self.chunk_bytes));
        object.insert("metadata_documents", self.documents);
        object.insert("metadata_bytes", json_bytes(self.document_bytes));
        object.insert("objects_of_unknown_size", self.unsized_objects);
        Json::Object(object)
    }

    /// `3/3 chunks · 214 KiB of 621 KiB logical (2.9×)`
    pub(crate) fn text(&self, view: &NodeView) -> String {
        let mut text = match (view.kind, view.chunk_count()) {
            (NodeKind::Array, Some(count)) => {
                let what = if view.sharding().is_some() {
                    "shards"
                } else {
                    "chunks"
                };
                format!(
                    "{}/{count} {what} · {}",
                    self.chunks,
                    units::bytes(self.chunk_bytes)
                )
            }
            _ => format!(
                "{} objects · {}",
                self.chunks + self.documents,
                units::bytes(self.bytes())
            ),
        };
        if let Some(logical) = view.logical_bytes() {
            text += &format!(" of {} logical", units::bytes(logical));
            if let Some(ratio) = units::ratio(logical, self.chunk_bytes) {
                text += &format!(" ({ratio})");
            }
        }
        if self.unsized_objects > 0 {
            text += &format!(" · {} of unknown size", self.unsized_objects);
        }
        text
    }
}

/// A count of bytes in JSON; what no `u64` holds is its greatest.
pub(crate) fn json_bytes(bytes: u128) -> Json {
    Json::from(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// An array and what is stored of it.
#[derive(Debug)]
pub(crate) struct ArrayUse {
    pub(crate) view: NodeView,
    pub(crate) stored: Stored,
}

/// What a hierarchy stores.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) arrays: Vec<ArrayUse>,
    /// Metadata documents, of groups and arrays.
    pub(crate) metadata: Stored,
    /// Objects that lie in no array and are no documents.
    pub(crate) stray: Stored,
}
