//! What the tests of a bucket share.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use bytes::Bytes;
use futures::StreamExt;
use zarr_fs::{ByteStream, Options, Path, Result};
use zarr_gcs::{GcsConfig, GcsFileSystem};
use zarr_tests::gcs::GcsServer;

pub(crate) const BUCKET: &str = "test-bucket";

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// The server's bucket, with options beside its endpoint.
#[track_caller]
pub(crate) fn open(server: &GcsServer, options: &str) -> GcsFileSystem {
    open_at(&server.url(), options)
}

#[track_caller]
pub(crate) fn open_at(url: &str, options: &str) -> GcsFileSystem {
    let mut options = Options::from_json(options).unwrap();
    options.set("endpoint_url", url.into()).unwrap();
    GcsConfig::new(format!("gs://{BUCKET}"))
        .with_options(options)
        .open()
        .unwrap()
}

/// A stream of so many pieces.
pub(crate) fn stream_of(pieces: usize, piece: Bytes) -> ByteStream {
    futures::stream::iter((0..pieces).map(move |_| -> Result<Bytes> { Ok(piece.clone()) })).boxed()
}

/// Everything that an error shows anywhere.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(" {cause} {cause:?}");
        next = cause.source();
    }
    text
}
