//! Servers and helpers for the workspace's tests. The servers run in process, each on a thread of its own, and always:
//! [`gcs::GcsServer`] is a faithful GCS XML API, [`http::HttpServer`] an HTTP file server in many shapes. Both share
//! [`Server`]: faults by request, a request log, connection counts, rounds, TLS, HTTP/1.1 and HTTP/2. Beside them: a TCP
//! [`proxy`] with faults, addresses at which nobody answers ([`net`]), real servers from packages (`external`, shown as ignored
//! where they are missing by `trial`), a [`probe`] for what a process holds, and cases in processes of their own ([`child`]).
//!
//! ```
//! use zarr_tests::gcs::GcsServer;
//! use zarr_tests::{Fault, RoundGate, When};
//!
//! let server = GcsServer::start("bucket"); // on a free port: server.url()
//! server.put("bucket", "a/zarr.json", "{}");
//! let second = server.faults().add(When::path_ends("zarr.json").skip(1).times(1), Fault::status(503).retry_after(1));
//! server.gate(RoundGate::new(128));
//! // A client is run against server.url() here; then:
//! assert_eq!(server.faults().hits(second), 0);
//! assert_eq!((server.requests(), server.rounds(), server.max_in_flight()), (0, 0, 0));
//! assert_eq!(server.unknown_requests(), Vec::<String>::new());
//! assert_eq!(server.wait_for_connections(0, std::time::Duration::from_millis(100)), Ok(()));
//! ```

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
pub mod random;
mod server;
mod sync;
pub mod target;
mod time;
#[cfg(unix)]
pub mod trial;
#[cfg(unix)]
pub mod usage;

pub use server::{
    Answer, App, At, Break, Fault, FaultId, Faults, Framing, Logged, Observer, Protocol, Request, RoundGate,
    Server, ServerOptions, TestCa, When,
};
pub use sync::wait_until;
