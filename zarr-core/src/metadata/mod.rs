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
mod builder;
mod chunk_grid;
mod chunk_key;
mod codec_check;
mod codec_config;
mod codec_options;
mod consolidated;
pub mod data_type;
mod document;
mod error;
pub mod fill_value;
mod group;
pub mod json;
mod kept;
pub mod limits;
mod named_config;
#[cfg(test)]
mod strategies;
#[cfg(test)]
mod tests;
mod v2;
mod v3;

pub use array::{ArrayEncoding, ArrayMetadata, Order, V2Encoding, V3Encoding};
pub use builder::{V2ArrayBuilder, V3ArrayBuilder};
pub use chunk_grid::{ChunkAxis, ChunkGrid, ChunkRuns};
pub use chunk_key::{ChunkKeyEncoding, Separator};
pub use consolidated::{ConsolidatedMetadata, RefusedEntry};
pub use data_type::DataType;
pub use document::{Document, DocumentKind, ZARR_JSON, ZARRAY, ZATTRS, ZGROUP, ZMETADATA};
pub use error::{MetadataError, Position};
pub use fill_value::{FillValue, element_to_json};
pub use group::{GroupMetadata, NodeMetadata};
pub use json::Json;
pub use named_config::NamedConfig;

pub use crate::node_kind::ZarrFormat;
