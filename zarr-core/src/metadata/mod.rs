//! Metadata documents of Zarr v2 and v3: parsed, checked, printed. Pure: no I/O, no clock, no global state.
//!
//! ```text
//! bytes ─► Json ─► NodeMetadata ─► ArrayMetadata   shape, data type, chunk grid, chunk keys, fill value, codecs
//!                              └─► GroupMetadata ─► ConsolidatedMetadata ─► NodeMetadata of each path
//! ```
//! Every form that writers are known to use is read; the strict form is written. A document that breaks the
//! specification is an error with the JSON pointer of the place; one that uses an extension which is not known can be
//! listed, and says so when it is opened ([`ArrayMetadata::ensure_supported`]).

mod array;
mod chunk_grid;
mod chunk_key;
mod codec_check;
mod codec_config;
pub mod data_type;
mod document;
mod error;
mod fill_value;
mod group;
pub mod json;
pub mod limits;
mod named_config;
#[cfg(test)]
mod strategies;
mod v2;
mod v3;

pub use array::{ArrayEncoding, ArrayMetadata, Order, V2Encoding, V3Encoding};
pub use chunk_grid::{ChunkAxis, ChunkGrid, ChunkRuns};
pub use chunk_key::{ChunkKeyEncoding, Separator};
pub use codec_config::{CodecKind, is_known_v2_codec};
pub use data_type::DataType;
pub use document::{Document, DocumentKind, ZARR_JSON, ZARRAY, ZATTRS, ZGROUP, ZMETADATA};
pub use error::{MetadataError, Position};
pub use fill_value::{FillValue, element_to_json};
pub use group::{GroupMetadata, NodeMetadata};
pub use json::Json;
pub use named_config::NamedConfig;

/// The two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each name says all")]
pub enum ZarrFormat {
    V2,
    V3,
}

impl ZarrFormat {
    /// 2 or 3, as documents have it.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}
