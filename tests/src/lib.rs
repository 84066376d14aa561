//! Servers and helpers for the workspace's tests. The servers run in process, each on a thread of its own, and always:
//! [`gcs::GcsServer`] is a faithful GCS XML API, [`http::HttpServer`] an HTTP file server in many shapes. Both share
//! [`Server`]: faults by request, a request log, connection counts, rounds, TLS, HTTP/1.1 and HTTP/2.

pub mod child;
#[cfg(test)]
mod client;
#[cfg(unix)]
pub mod external;
pub mod gcs;
pub mod http;
pub mod load;
pub mod net;
mod order;
pub mod probe;
pub mod proxy;
#[cfg(unix)]
pub mod python;
mod random;
mod server;
mod sync;
mod time;
#[cfg(unix)]
pub mod trial;

pub use server::{
    Answer, App, At, Break, Fault, FaultId, Faults, Framing, Logged, Observer, Protocol, Request, RoundGate,
    Server, ServerOptions, TestCa, When,
};
pub use sync::wait_until;
