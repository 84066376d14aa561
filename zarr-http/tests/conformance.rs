//! The conformance suite of zarr-fs over HTTP: over WebDAV (read and write), over index pages (read only), and on a server
//! that lists nothing. The servers run in process.

use std::time::Duration;

use bytes::Bytes;
use zarr_fs::session::SessionOptions;
use zarr_fs::testing::{Hang, Harness};
use zarr_fs::{Capabilities, FileSystem, Listing, Path};
use zarr_http::{HttpConfig, ListingMode};
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, FaultId, RoundGate, When};

/// Requests wait at a gate that never sees a wave complete.
#[derive(Debug)]
struct Held(std::sync::Arc<HttpServer>);

impl Held {
    fn begin(server: &std::sync::Arc<HttpServer>) -> Box<dyn Hang> {
        server.gate(RoundGate::new(usize::MAX).settle(Duration::from_secs(1 << 20)));
        Box::new(Self(std::sync::Arc::clone(server)))
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

/// Requests are answered with 503.
#[derive(Debug)]
struct Failing(std::sync::Arc<HttpServer>, FaultId);

impl Failing {
    fn begin(server: &std::sync::Arc<HttpServer>) -> Box<dyn Hang> {
        let fault = server.faults().add(When::always(), Fault::status(503));
        Box::new(Self(std::sync::Arc::clone(server), fault))
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

/// A backend under test: which server, opened how, and what it then promises.
macro_rules! harness {
    ($(#[$doc:meta])* $name:ident, $mode:expr, $config:expr, $capabilities:expr) => {
        $(#[$doc])*
        struct $name(std::sync::Arc<HttpServer>);

        impl Harness for $name {
            fn start() -> Self {
                Self(std::sync::Arc::new(HttpServer::start($mode)))
            }

            fn capabilities(&self) -> Capabilities {
                let change: fn(&mut Capabilities) = $capabilities;
                let mut capabilities = Capabilities::read_only();
                capabilities.versions = true;
                change(&mut capabilities);
                capabilities
            }

            #[track_caller]
            fn open(&self, options: SessionOptions) -> Box<dyn FileSystem> {
                let configure: fn(HttpConfig) -> HttpConfig = $config;
                let config = HttpConfig::new(self.0.base_url()).with_session_options(options);
                Box::new(configure(config).open().expect("a valid configuration"))
            }

            fn seed(&self, path: &Path, bytes: Bytes) {
                self.0.put(path.as_str(), bytes);
            }

            fn hang(&self) -> Box<dyn Hang> {
                Held::begin(&self.0)
            }

            fn fail(&self) -> Option<Box<dyn Hang>> {
                Some(Failing::begin(&self.0))
            }

            fn open_connections(&self) -> Option<usize> {
                Some(self.0.open_connections())
            }

            fn ports(&self) -> Vec<u16> {
                vec![self.0.addr().port()]
            }
        }
    };
}

harness!(
    /// WebDAV, read and write. (Its folders have index pages too, as Apache's have.)
    WebDav,
    Mode::Dav,
    |config| config.with_write(true),
    |capabilities| {
        capabilities.listing = Listing::Complete;
        capabilities.write = true;
        capabilities.create = true;
    }
);

harness!(
    /// nginx's index, read only. It hides dotfiles, which is known from the first listing on.
    Index,
    Mode::Index(IndexStyle::Nginx),
    |config| config,
    |capabilities| capabilities.listing = Listing::Complete
);

harness!(
    /// Apache's index, by request: `PROPFIND` is never sent.
    ApacheIndex,
    Mode::Index(IndexStyle::ApacheFancy),
    |config| config.with_listing(ListingMode::Index),
    |capabilities| capabilities.listing = Listing::VisibleOnly
);

harness!(
    /// No listing at all, and no writing.
    ReadOnly,
    Mode::NoIndex(404),
    |config| config.with_listing(ListingMode::None),
    |capabilities| capabilities.listing = Listing::None
);

mod webdav {
    zarr_fs::conformance!(super::WebDav);
}

mod index {
    zarr_fs::conformance!(super::Index);
}

mod apache_index {
    zarr_fs::conformance!(super::ApacheIndex);
}

mod read_only {
    zarr_fs::conformance!(super::ReadOnly);
}
