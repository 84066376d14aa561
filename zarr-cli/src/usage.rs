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
    /// Of these the listing does not say the size.
    pub(crate) unsized_chunks: u64,
    pub(crate) unsized_documents: u64,
}

impl Stored {
    pub(crate) fn add(&mut self, key: &str, size_bytes: Option<u64>) {
        let bytes = u128::from(size_bytes.unwrap_or(0));
        let is_unsized = u64::from(size_bytes.is_none());
        if is_document(key) {
            self.documents += 1;
            self.unsized_documents += is_unsized;
            self.document_bytes += bytes;
        } else {
            self.chunks += 1;
            self.unsized_chunks += is_unsized;
            self.chunk_bytes += bytes;
        }
    }

    /// Puts others to these.
    pub(crate) fn merge(&mut self, other: Self) {
        self.chunks += other.chunks;
        self.chunk_bytes += other.chunk_bytes;
        self.documents += other.documents;
        self.document_bytes += other.document_bytes;
        self.unsized_chunks += other.unsized_chunks;
        self.unsized_documents += other.unsized_documents;
    }

    pub(crate) fn objects(&self) -> u64 {
        self.chunks + self.documents
    }

    pub(crate) fn unsized_objects(&self) -> u64 {
        self.unsized_chunks + self.unsized_documents
    }

    /// The bytes of the chunks for people: `?` if none of their sizes is known.
    pub(crate) fn chunk_text(&self) -> String {
        units::bytes_of(self.chunk_bytes, self.unsized_chunks, self.chunks)
    }

    /// The bytes of everything for people.
    pub(crate) fn text_of_all(&self) -> String {
        let bytes = self.chunk_bytes + self.document_bytes;
        units::bytes_of(bytes, self.unsized_objects(), self.objects())
    }

    /// How many times as many the logical bytes are as the chunks' own, if these are all known.
    pub(crate) fn ratio(&self, logical: Option<u128>) -> Option<String> {
        let logical = logical.filter(|_| self.unsized_chunks == 0)?;
        units::ratio(logical, self.chunk_bytes)
    }

    /// The bytes of the chunks for programs: `null` if not all of their sizes are known.
    pub(crate) fn chunk_json(&self) -> Json {
        known(self.chunk_bytes, self.unsized_chunks)
    }

    /// The bytes of the documents, likewise.
    pub(crate) fn document_json(&self) -> Json {
        known(self.document_bytes, self.unsized_documents)
    }

    pub(crate) fn json(&self) -> Json {
        let mut object = Object::new();
        object.insert("objects", self.chunks);
        object.insert("object_bytes", self.chunk_json());
        object.insert("metadata_documents", self.documents);
        object.insert("metadata_bytes", self.document_json());
        object.insert("objects_of_unknown_size", self.unsized_objects());
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
                format!("{}/{count} {what} · {}", self.chunks, self.chunk_text())
            }
            _ => format!("{} objects · {}", self.objects(), self.text_of_all()),
        };
        if let Some(logical) = view.logical_bytes() {
            text += &format!(" of {} logical", units::bytes(logical));
            if let Some(ratio) = self.ratio(Some(logical)) {
                text += &format!(" ({ratio})");
            }
        }
        if self.unsized_objects() > 0 {
            text += &format!(" · {} of unknown size", self.unsized_objects());
        }
        text
    }
}

fn known(bytes: u128, unknown: u64) -> Json {
    match unknown {
        0 => json_bytes(bytes),
        _ => Json::Null,
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
