//! Metadata documents of Zarr v2 and v3: parsed, checked, printed. Pure: no I/O, no clock, no global state.

pub mod data_type;
mod error;
pub mod fill_value;
pub mod json;
pub mod limits;
mod named_config;
#[cfg(test)]
mod strategies;

pub use data_type::DataType;
pub use error::{MetadataError, Position};
pub use fill_value::FillValue;
pub use json::Json;
pub use named_config::NamedConfig;
