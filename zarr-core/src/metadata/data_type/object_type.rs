//! [`ObjectType`]: what the Python objects of a v2 array are.

use super::DataType;

/// What a v2 array of `|O` holds, as its object codec says, where that is neither text nor bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectType {
    /// Any JSON value (`json2`, `msgpack2`): each element is compact JSON with sorted keys; null is empty.
    Json,
    /// Arrays of different lengths (`vlen-array`): each element is the packed little-endian values of one.
    Ragged(Box<DataType>),
    /// Something that only the named codec knows (`pickle`): listed, never decoded.
    Opaque(String),
}
