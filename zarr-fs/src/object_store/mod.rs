//! What remote backends share: the transport, its retry, the one error mapping, and the adapter over `object_store`.
//!
//! A backend's `connect` makes a [`Transport`] on the session's I/O thread. Its own requests go through
//! [`Transport::send`] or [`Transport::fetch`]; object_store's go through [`Transport::connector`]. Either way a failure is a
//! [`TransportError`], and [`ErrorMap`] makes the filesystem's error of it.

mod error;
pub mod retry;
mod transport;

pub use self::error::{ErrorMap, Intent};
pub use self::retry::{Retry, RetryPolicy};
pub use self::transport::range;
pub use self::transport::{
    Connector, Fault, Fetched, HttpVersion, Request, Response, ResponseBody, StatusError, TRANSPORT_OPTIONS,
    Traits, Transport, TransportError, TransportOptions, header_map,
};
