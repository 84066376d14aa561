//! Google Cloud Storage as a filesystem: `gs://bucket/path`.
//!
//! ```text
//! GcsConfig, GcsFactory ──► session ──► connect on the I/O thread: credentials, transport, object_store's client
//! ```
//! ```
//! use zarr_fs::{FileSystem, Options, Registry, session::SessionOptions};
//! use zarr_gcs::GcsConfig;
//!
//! // A Python `storage_options` dict works as it is.
//! let options = Options::from_json(r#"{"token": "anon"}"#)?;
//! let fs = GcsConfig::new("gs://my-bucket").with_options(options).open()?;
//! assert_eq!(fs.name(), "gs://my-bucket");
//! # futures::executor::block_on(fs.close()).expect("nothing was opened");
//!
//! let mut registry = Registry::new(SessionOptions::default());
//! zarr_gcs::register(&mut registry);
//! # Ok::<(), zarr_fs::Error>(())
//! ```
//!
//! # Options
//! Under gcsfs' names, besides those that [every filesystem](zarr_fs::options::COMMON_OPTIONS) and
//! [every transport](zarr_fs::object_store::TRANSPORT_OPTIONS) takes:
//!
//! | option | meaning |
//! |---|---|
//! | `token` | `anon`; `google_default` (see below); `cloud` (the metadata server); the path of a credentials file; its content as JSON text or object; an access token: `Bearer …`, `ya29.…`, or `{"access_token": …}` |
//! | `endpoint_url` | another server than `https://storage.googleapis.com`. Default: `STORAGE_EMULATOR_HOST` |
//! | `project` | the project that pays, for `requester_pays` |
//! | `requester_pays` | `true` (the project is `project`, `GOOGLE_CLOUD_PROJECT`, or the credentials' own), or a project |
//! | `access` | `read_only` refuses to write; `read_write`, `full_control` |
//!
//! # Credentials
//! Without `token`: the environment (`GOOGLE_SERVICE_ACCOUNT_KEY`, `GOOGLE_SERVICE_ACCOUNT`,
//! `GOOGLE_APPLICATION_CREDENTIALS`), then gcloud's application-default file, then the metadata server (only on Google's
//! machines, for at most a second), then none: anonymous. An emulator (`STORAGE_EMULATOR_HOST`) or any other endpoint over plain HTTP
//! gets no credentials but by `token`. `google_default` is the same search, but finding nothing is an error.
//!
//! Anonymous opens no connection but to the endpoint and reads no file.
//!
//! # What the store does not do
//! - Uploads in parts take no condition: a stream under `Create` or `IfMatch` is held in memory and written by one request, up
//!   to [`MOST_CONDITIONAL_BYTES`](zarr_fs::object_store::MOST_CONDITIONAL_BYTES).
//! - Unconditional writes are tried again only if they surely were not done (no connection, 429).
//! - Objects stored with `Content-Encoding: gzip` are decoded when read whole; ranges and streams of them are `Unsupported`. Listings
//!   tell their stored size.

mod config;
mod credentials;
mod filesystem;
mod listing;
mod token;

pub use config::{GcsConfig, GcsFactory, register};
/// A lease on a bucket.
pub use zarr_fs::object_store::ObjectStoreFileSystem as GcsFileSystem;
