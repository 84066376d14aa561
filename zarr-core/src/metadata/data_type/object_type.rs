//! [`ObjectType`]: what the Python objects of a v2 array are.

use super::DataType;

/// What a v2 array of `|O` holds, as its object codec says, where that is neither text nor bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectType {
    /// Any JSON value (`json2`, `msgpack2`): each element is text as it is, or else compact JSON with sorted keys; null,
    /// false and 0 are empty. Written, an element that is such JSON is that value, an empty one is null, and all others are
    /// text; the rest of a chunk that is changed in part stays what it was.
    Json,
    /// Arrays of different lengths (`vlen-array`): each element is the packed little-endian values of one.
    Ragged(Box<DataType>),
    /// Something that only the named codec knows (`pickle`): listed, never decoded.
    Opaque(String),
}
