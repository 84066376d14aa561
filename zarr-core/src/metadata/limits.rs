//! The limits of what a metadata document may ask for, each with its reason.
//!
//! A document comes from a stranger. Each limit is far beyond what a real hierarchy holds and far below what
//! makes a reader swap, overflow its stack or loop for minutes.

/// Largest metadata document that is parsed, in bytes: 64 MiB.
///
/// A consolidated document of 50,000 arrays has about that size; nothing else comes near.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// Deepest nesting of arrays and objects in a document.
///
/// Parsing, printing and dropping recurse once a level, so this is what keeps the stack bounded. The deepest
/// real documents (nested shards, nested structs inside consolidated metadata) stay below 30.
pub const MAX_JSON_DEPTH: usize = 128;

/// Most JSON values in one document: 3 million.
///
/// A parsed value takes many times the bytes of its shortest text (`0,`): without this limit a hostile document of
/// 64 MiB would take some GiB. Real documents spend more than 20 bytes on each value (consolidated metadata as
/// zarr-python writes it: 24), so they meet [`MAX_DOCUMENT_BYTES`] first.
pub const MAX_JSON_VALUES: usize = 3 << 20;

/// Largest rank of an array.
///
/// NumPy stops at 64 dimensions, so no array that any known writer made can have more.
pub const MAX_RANK: usize = 64;

/// Largest size of one element, in bytes: NumPy's own limit (a C `int`).
pub const MAX_ELEMENT_BYTES: usize = i32::MAX as usize;

/// Deepest nesting of structs in a data type.
pub const MAX_STRUCT_NESTING: usize = 16;

/// Most scalars in one struct element, its sub-arrays of structs and nested structs counted out.
///
/// Byte swapping and printing walk over them one by one for each element.
pub const MAX_STRUCT_UNITS: usize = 65_536;

/// Most runs (`[value, count]`) in one dimension of a rectilinear chunk grid.
///
/// Runs are never expanded, so this bounds memory and the cost of a look-up table, not the number of chunks.
pub const MAX_GRID_RUNS: usize = 1 << 20;

/// Deepest nesting of shards in shards.
///
/// Each level costs a recursion in planning and decoding; real hierarchies use one, rarely two.
pub const MAX_SHARD_NESTING: usize = 8;

/// Most codecs in one chain.
pub const MAX_CODECS: usize = 64;
