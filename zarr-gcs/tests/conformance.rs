//! The conformance suite on a bucket of the in-process server.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zarr_fs::object_store::TransportOptions;
use zarr_fs::session::SessionOptions;
use zarr_fs::testing::{Hang, Harness};
use zarr_fs::{Capabilities, FileSystem, Options, Path};
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::GcsServer;
use zarr_tests::{Fault, FaultId, RoundGate, When};

const BUCKET: &str = "test-bucket";

struct GcsHarness(Arc<GcsServer>);

impl Harness for GcsHarness {
    fn start() -> Self {
        Self(Arc::new(
            GcsServer::builder().bucket(BUCKET).page_size(20).start(),
        ))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::full()
    }

    #[track_caller]
    fn open(&self, options: SessionOptions) -> Box<dyn FileSystem> {
        let mut storage = Options::new();
        storage
            .set("endpoint_url", self.0.url().into())
            .expect("a plain name");
        let fs = GcsConfig::new(format!("gs://{BUCKET}"))
            .with_options(storage)
            .with_anonymous()
            .with_transport(TransportOptions::default().with_trust_env(false))
            .with_session_options(options)
            .open();
        Box::new(fs.expect("the options are right"))
    }

    fn seed(&self, path: &Path, bytes: Bytes) {
        self.0.put(BUCKET, path.as_str(), bytes);
    }

    fn hang(&self) -> Box<dyn Hang> {
        // A wave that never is complete.
        self.0
            .gate(RoundGate::new(usize::MAX).settle(Duration::from_secs(86_400)));
        Box::new(Held(Arc::clone(&self.0)))
    }

    fn fail(&self) -> Option<Box<dyn Hang>> {
        let fault = self.0.faults().add(When::always(), Fault::status(503));
        Some(Box::new(Failing(Arc::clone(&self.0), fault)))
    }

    fn open_connections(&self) -> Option<usize> {
        Some(self.0.open_connections())
    }

    fn ports(&self) -> Vec<u16> {
        vec![self.0.addr().port()]
    }

    fn unfinished_uploads(&self) -> Option<usize> {
        Some(self.0.unfinished_uploads())
    }

    fn part_bytes(&self) -> usize {
        8 << 20
    }
}

impl Drop for GcsHarness {
    fn drop(&mut self) {
        let unknown = self.0.unknown_requests();
        assert!(unknown.is_empty() || std::thread::panicking(), "{unknown:?}");
    }
}

/// The requests of the server hang while it lives.
struct Held(Arc<GcsServer>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl Hang for Held {
    fn held(&self) -> usize {
        self.0.in_flight()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.ungate();
    }
}

/// Requests are answered with 503 while it lives.
struct Failing(Arc<GcsServer>, FaultId);

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failing").finish_non_exhaustive()
    }
}

impl Hang for Failing {
    fn held(&self) -> usize {
        usize::try_from(self.0.faults().hits(self.1)).unwrap_or(usize::MAX)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        self.0.faults().remove(self.1);
    }
}

mod gcs {
    zarr_fs::conformance!(super::GcsHarness);
}
