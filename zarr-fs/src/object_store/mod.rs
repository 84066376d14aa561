//! What remote backends share: the transport, its retry, the one error mapping, and the adapter over `object_store`.
//!
//! ```text
//! ObjectStoreFileSystem ──► Lease ──► I/O thread: ObjectStoreClient ─┬─► object_store ──► Connector ─┐
//!                                                                   └─► ObjectBackend (listings) ──┴─► Transport ──► sockets
//! ```
//! A backend's `connect` makes a [`Transport`] on the session's I/O thread. Its own requests go through
//! [`Transport::send`] or [`Transport::fetch`]; object_store's go through [`Transport::connector`]. Either way a failure is a
//! [`TransportError`], and [`ErrorMap`] makes the filesystem's error of it.

mod client;
mod convert;
mod error;
mod filesystem;
mod gzip;
mod list;
mod read;
pub mod retry;
mod session;
mod transport;
mod upload;
mod write;

pub use self::client::{ObjectBackend, ObjectStoreClient};
pub use self::error::{CredentialError, ErrorMap, Intent};
pub use self::filesystem::ObjectStoreFileSystem;
pub use self::gzip::{MOST_DECODED_BYTES, gunzip};
pub use self::list::{ListPage, ListQuery, ListedObject};
pub use self::retry::{Retry, RetryPolicy};
pub use self::session::ObjectStoreSession;
pub use self::transport::range;
pub use self::transport::{
    Connector, Fault, Fetched, HttpVersion, Request, Response, ResponseBody, StatusError, TRANSPORT_OPTIONS,
    Traits, Transport, TransportError, TransportOptions, header_map,
};
pub use self::upload::MOST_CONDITIONAL_BYTES;
pub use self::write::MARK;
