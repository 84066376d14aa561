//! HTTP and WebDAV servers as filesystems: reading, listing, and writing where they can.
//!
//! ```text
//! HttpConfig / HttpFactory ──► HttpFileSystem (a lease) ──► session's I/O thread: requests over zarr-fs's transport
//!                                   └─ caller's side: index pages, WebDAV answers and gzip are read here
//! ```
mod client;
mod config;
mod cut;
mod filesystem;
mod gzip;
mod listing;
mod read;
mod stream;
mod target;
mod write;

pub use config::{HttpConfig, HttpFactory, ListingMode};
pub use filesystem::HttpFileSystem;
