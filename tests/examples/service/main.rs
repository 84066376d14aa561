//! A service that opens stores for its requests, shows who holds what, and shuts down cleanly with requests in flight:
//!
//! ```text
//! cargo run -p zarr-tests --example service -- 127.0.0.1:8080
//! curl 'http://127.0.0.1:8080/members?url=https://host/data.zarr'
//! curl http://127.0.0.1:8080/debug/leases
//! ```
//!
//! It ends with SIGTERM or Ctrl-C. What a service needs to know is in `service.rs`; `tests/tests/service` runs it.

mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    let addr = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".to_owned());
    service::run(&addr)
}
