//! What the tests against in-process servers share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests, of which each test binary uses a part"
)]

use futures::executor::block_on;
use zarr_fs::{DirListing, Error, FileSystem, Path, Result};
use zarr_http::{HttpConfig, HttpFileSystem};
use zarr_tests::http::{HttpServer, IndexStyle, Mode};

/// Bodies of all sizes that matter: none, small, more than a piece.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect()
}

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// A server with a small tree.
pub(crate) fn server(mode: Mode) -> HttpServer {
    let server = HttpServer::start(mode);
    seed(&server);
    server
}

pub(crate) const ODD: &str = "sp ace+&=%.json";

pub(crate) fn seed(server: &HttpServer) {
    for name in [
        "zarr.json",
        ".zgroup",
        "a/zarr.json",
        "a/c/0/0",
        "a/c/0/1",
        "ünï/x",
        ODD,
        "a b/%2e%2e/x",
    ] {
        server.put(name, name.to_owned());
    }
    server.put("a/big", pattern(100_000));
    server.put("a/empty", "");
    server.make_dir("hollow");
}

pub(crate) fn open(server: &HttpServer) -> HttpFileSystem {
    HttpConfig::new(server.base_url()).open().unwrap()
}

/// Runs `work` with a filesystem on `server` and closes it.
#[track_caller]
pub(crate) fn with<T>(config: HttpConfig, work: impl AsyncFnOnce(&HttpFileSystem) -> T) -> T {
    let fs = config.open().unwrap();
    block_on(async {
        let output = work(&fs).await;
        fs.close().await.expect("nothing is stuck");
        output
    })
}

/// The names in a listing: files, then folders with a slash.
pub(crate) fn names(listing: &DirListing) -> Vec<String> {
    let files = listing.files.iter().map(|file| file.path.to_string());
    let prefixes = listing.prefixes.iter().map(|prefix| format!("{prefix}/"));
    files.chain(prefixes).collect()
}

/// The variant of an error, for short assertions.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    match result.expect_err("the call must fail") {
        Error::Closed { .. } => "Closed",
        Error::NotFound { .. } => "NotFound",
        Error::Unauthenticated { .. } => "Unauthenticated",
        Error::PermissionDenied { .. } => "PermissionDenied",
        Error::Unavailable { .. } => "Unavailable",
        Error::Corrupt { .. } => "Corrupt",
        Error::AlreadyExists { .. } => "AlreadyExists",
        Error::Precondition { .. } => "Precondition",
        Error::Unsupported { .. } => "Unsupported",
        Error::InvalidPath { .. } => "InvalidPath",
        Error::RangeOutOfBounds { .. } => "RangeOutOfBounds",
        Error::LimitReached { .. } => "LimitReached",
        Error::Backend { .. } => "Backend",
        error => panic!("{error:?}"),
    }
}

/// `METHOD path` of each request so far.
pub(crate) fn requests(server: &HttpServer) -> Vec<String> {
    server
        .log()
        .iter()
        .map(|entry| format!("{} {}", entry.method, entry.decoded_path()))
        .collect()
}

pub(crate) const STYLES: [IndexStyle; 8] = IndexStyle::ALL;
