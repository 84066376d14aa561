//! The two backends and their servers, alike.

use std::ops::Deref;
use std::time::Duration;

use bytes::Bytes;
use zarr_fs::FileSystem;
use zarr_fs::object_store::{RetryPolicy, TransportOptions};
use zarr_fs::options::Options;
use zarr_gcs::GcsConfig;
use zarr_http::HttpConfig;
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, Mode};
use zarr_tests::{Server, ServerOptions};

/// No byte for so long is a stall.
const STALL: Duration = Duration::from_millis(500);
const BUCKET: &str = "b";
/// A credential and a custom header, which must stay with the host that they are for.
const TOKEN: &str = "token-of-the-first-host";
pub(crate) const CUSTOM: &str = "x-custom";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Gcs,
    Http,
}

pub(crate) enum Peer {
    Gcs(GcsServer),
    Http(HttpServer),
}

impl Deref for Peer {
    type Target = Server;

    fn deref(&self) -> &Server {
        match self {
            Self::Gcs(server) => server,
            Self::Http(server) => server,
        }
    }
}

impl Peer {
    pub(crate) fn put(&self, path: &str, data: impl Into<Bytes>) {
        match self {
            Self::Gcs(server) => drop(server.put(BUCKET, path, data)),
            Self::Http(server) => server.put(path, data),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Bytes> {
        match self {
            Self::Gcs(server) => server.get(BUCKET, path),
            Self::Http(server) => server.get(path),
        }
    }
}

impl Backend {
    pub(crate) const ALL: [Self; 2] = [Self::Gcs, Self::Http];

    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Gcs => "gs",
            Self::Http => "http",
        }
    }

    pub(crate) fn start(self, options: ServerOptions) -> Peer {
        match self {
            Self::Gcs => Peer::Gcs(GcsServer::builder().bucket(BUCKET).server(options).start()),
            Self::Http => Peer::Http(HttpServer::builder(Mode::Dav).server(options).start()),
        }
    }

    /// A filesystem on the server at `url`. Nothing is tried twice: what the first attempt comes to is what is looked at.
    pub(crate) fn open(self, url: &str, denied_means_missing: bool) -> Box<dyn FileSystem> {
        let transport = TransportOptions::default()
            .with_stall_timeout(STALL)
            .with_connect_timeout(Duration::from_secs(2))
            .with_trust_env(false)
            .with_retry(RetryPolicy::never());
        let mut options = Options::new();
        if denied_means_missing {
            options.set_text("missing_status", "403").unwrap();
        }
        match self {
            Self::Gcs => {
                options.set_text("endpoint_url", url).unwrap();
                options.set_text("requester_pays", "payer").unwrap();
                let config = GcsConfig::new(format!("gs://{BUCKET}")).with_options(options);
                let config = config.with_bearer_token(TOKEN).with_transport(transport);
                Box::new(config.open().unwrap())
            }
            Self::Http => {
                let config = HttpConfig::new(url).with_options(options).with_write(true);
                let config = config.with_header(CUSTOM, "for the first host only");
                let config = config.with_bearer_token(TOKEN).with_transport(transport);
                Box::new(config.open().unwrap())
            }
        }
    }
}
