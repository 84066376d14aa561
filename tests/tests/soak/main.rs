//! Soak: open → list → read → close, again and again on 8 tasks, over a proxy that delays, resets, truncates and stalls at
//! random, to a server that answers 429 and 503 at random.
//!
//! The client runs in a process of its own and counts what it holds; servers and proxy live in the parent, which counts the
//! connections on their side. `cargo test` runs a short form. The long one:
//!
//! ```text
//! SOAK_CYCLES=10000 SOAK_SECONDS=3600 cargo test -p zarr-tests --test soak
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod client;
mod cycle;
mod tally;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use zarr_tests::gcs::GcsServer;
use zarr_tests::proxy::{FaultProxy, RandomFates};
use zarr_tests::{Fault, When, child};

/// The same seed, the same faults over the connections as they come.
const SEED: u64 = 20;

/// How long the soak is: cycles, and the time after which no further cycle begins.
#[derive(Clone, Copy)]
struct Length {
    cycles: u64,
    time: Duration,
}

impl Length {
    fn from_env() -> Self {
        let number = |name: &str| {
            std::env::var(name)
                .ok()
                .map(|text| text.parse().expect("a number"))
        };
        Self {
            cycles: number("SOAK_CYCLES").unwrap_or(160).max(2 * cycle::TASKS),
            time: Duration::from_secs(number("SOAK_SECONDS").unwrap_or(60)),
        }
    }
}

fn soak() -> Result<(), Failed> {
    let length = Length::from_env();
    let server = GcsServer::start(cycle::BUCKET);
    cycle::seed(&server);
    let refusals = [503, 429].map(|status| Fault::status(status).retry_after(0));
    server
        .faults()
        .add_mix(When::always().chance(SEED, 0.02), refusals.to_vec());
    let proxy = FaultProxy::start(server.addr());
    proxy.random(Some(RandomFates::new(
        SEED,
        0.2,
        30_000,
        Duration::from_millis(4),
    )));

    // The cycles under way when the time is over still end.
    let outcome = child::run(&proxy.url(&server.url()), length.time + Duration::from_secs(120))?;
    print!("{}", outcome.stdout);
    println!(
        "soak: connections accepted {}, left {}; requests {}",
        proxy.accepted_connections(),
        proxy.open_connections(),
        server.requests()
    );
    outcome.check()?;
    proxy
        .wait_for_connections(0, Duration::from_millis(500))
        .map_err(|left| Failed::from(format!("the proxy still has {left} connections")))
}

fn main() -> ExitCode {
    if let Some(url) = child::case() {
        return client::run(&url, Length::from_env());
    }
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, vec![Trial::test("soak", soak)]).exit_code()
}
