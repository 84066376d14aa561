//! HTTP and WebDAV servers as filesystems: reading, listing, and writing where they can.
//!
//! ```text
//! HttpConfig / HttpFactory ──► HttpFileSystem (a lease) ──► session's I/O thread: requests over zarr-fs's transport
//!                                   └─ caller's side: index pages, WebDAV answers and gzip are read here
//! ```
//!
//! [`HttpConfig`] opens one server at a base URL; [`HttpFactory`] is what a [`Registry`](zarr_fs::Registry) takes for `http`
//! and `https`. There the filesystem's root is the origin (scheme, host and port, with the user and the query of the URL,
//! which every request carries), and the URL's path is the place in it.
//!
//! ```no_run
//! use zarr_fs::{FileSystem, FileSystemExt, Path};
//! use zarr_http::HttpConfig;
//!
//! # async fn example() -> zarr_fs::Result<()> {
//! let fs = HttpConfig::new("https://data.example.org/v1/").open()?;
//! let document = fs.cat(&Path::parse("ocean.zarr/zarr.json")?).await?;
//! let folders = fs.ls(&Path::parse("ocean.zarr")?).await?.prefixes;
//! fs.close().await.expect("nothing is stuck");
//! # Ok(())
//! # }
//! ```
//!
//! # Reading
//! One request for a file, a part or a suffix of it. The `Content-Range` must be the range asked for; a version asked for is
//! sent as `If-Match` and compared with the reply's `ETag`, because some servers ignore the one. A server that ignores
//! ranges is read and cut, with one warning in a session. `Accept-Encoding: identity` is sent; a body that comes in gzip all
//! the same is decoded (bounded by what came), another encoding is `Unsupported`, and a part of a compressed body is never
//! taken for one of the file. A folder is `NotFound`, also if the server redirects to it or shows its index in place of a
//! file. A page of HTML in place of a file is `Corrupt` (a login form, an application that shows itself for whatever it does
//! not have), unless the name ends in `.html`, `.htm` or `.xhtml`; the option `html` says otherwise. What redirects lead to is
//! taken for the file only under its name, or on another host: docs/decisions/0015 has the rule.
//!
//! # Listing
//! By what the server has: WebDAV (`Listing::Complete`; nginx's hides dotfiles, `VisibleOnly`), else an index in JSON (nginx, Caddy) or HTML (nginx, Apache, Caddy,
//! lighttpd, Python, rclone; `Listing::VisibleOnly`, most hide dotfiles), else `Unsupported`, never an empty listing. An index
//! is recognised by its structure: an application, a login page, a folder's own `index.html` is none. Nor is a page that shows
//! a part of the folder (links to a next page; as many entries as Caddy shows at most, 10,000), one that was stored (a copy of
//! an index, with the headers of a file), or one of a folder above, to which servers redirect from what they hide. A 404 for a folder is
//! believed only below a folder that is listed, because servers without listings answer 404 for all of them. Sizes come
//! from WebDAV, JSON and nginx's HTML. What works is learned once for each tree of folders. Nor is a page an index that does not
//! show which of its names are folders, or whose links cannot all be followed. docs/decisions/0005, 0016 and 0019 have the
//! reasons.
//!
//! # Writing
//! Off unless [`HttpConfig::with_write`] or the option `write` allows it. `PUT`, with the folders above made by WebDAV where
//! the server wants them; `create` is an upload under another name and a WebDAV `MOVE` that refuses to overwrite; a write
//! under the condition of a version is `Unsupported`, because servers ignore `If-Match` on `PUT` without a word. Only files
//! are copied and removed: a folder is `NotFound`. A stream is gathered in memory: HTTP has no uploads in parts.
//!
//! # What is object_store's
//! Uploads, the folders above them, and copies are `object_store`'s `HttpStore`, over our transport. Reading, listing,
//! creating and removing are our own requests over the same transport: `HttpStore` reads only replies with a length, takes
//! 200 in answer to a range for an error, hands out compressed bytes as they are, lists by WebDAV only and a missing folder
//! as an empty one, cannot create, and removes whole folders.
//!
//! # Options
//! Under fsspec's names, beside those of every filesystem (`timeout`, `retries`, `retry_time`, `missing_status`, `concurrency`,
//! `drain`, `io_threads`) and of every transport (`connect_timeout`, `ca_file`, `http_version`, `trust_env`):
//!
//! | option | meaning |
//! |---|---|
//! | `headers`, `client_kwargs.headers` | sent to this origin, and to no other host |
//! | `auth`, `client_kwargs.auth` | basic: `"user:password"`, `["user", "password"]`, `{"login": …, "password": …}`; a bearer token is a header |
//! | `client_kwargs.trust_env` | whether the proxies of the environment are used |
//! | `write` | `true` allows writing |
//! | `html` | what a page of HTML in place of a file is: `error`, `missing` (for applications that show themselves for what is not there), `data` (for servers that call every file HTML) |
//! | `listing` | `auto`, `webdav` (for nginx with `dav_ext`, which shows no sign of it), `index`, `none` |
//! | `encoded`, `simple_links`, `same_scheme`, `block_size`, `cache_type`, `cache_options`, `use_listings_cache`, `listings_expiry_time`, `max_paths`, `skip_instance_cache`, `asynchronous` | taken, and without effect: URLs are always taken as they are written, an index is recognised by its structure, and nothing is cached |
//!
//! Any other option is an error that says which one was meant.

mod client;
mod config;
mod cut;
mod filesystem;
mod folder;
mod gzip;
mod listing;
mod page;
mod read;
mod redirect;
mod stream;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod write;

pub use config::{HttpConfig, HttpFactory, ListingMode};
pub use filesystem::HttpFileSystem;
