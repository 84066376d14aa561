//! Runs one of the test servers by hand: prints its URL, then serves until it is killed.
//!
//! `zarr-test-server gcs --dir DIR --bucket b`, `zarr-test-server http --mode nginx --dir DIR --delay-ms 20 --log`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use zarr_tests::gcs::{Access, GcsServer};
use zarr_tests::http::{Credentials, Gzip, HttpServer, IndexStyle, Mode};
use zarr_tests::{Framing, Logged, Protocol, Server, ServerOptions, TestCa};

/// Serves a folder as a GCS bucket or over HTTP, from memory.
#[derive(Parser)]
enum Command {
    /// The XML API of Google Cloud Storage, and the JSON API for reading.
    Gcs(Gcs),
    /// An HTTP file server.
    Http(Http),
}

#[derive(Args)]
struct Common {
    /// The folder to serve; it is read once, at the start.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Delay before each answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Worker threads; 0 serves on one thread.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// TLS; the authority's certificate is written to this file.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// HTTP/1.1 only.
    #[arg(long)]
    http1: bool,
    /// Prints each request to stderr when it has ended.
    #[arg(long)]
    log: bool,
}

#[derive(Args)]
struct Gcs {
    #[command(flatten)]
    common: Common,
    /// The bucket.
    #[arg(long, default_value = "bucket")]
    bucket: String,
    /// Put before each key.
    #[arg(long, default_value = "")]
    prefix: String,
    /// Most entries in a page of a listing.
    #[arg(long, default_value_t = 1000)]
    page_size: usize,
    /// Asks for this bearer token.
    #[arg(long)]
    token: Option<String>,
    /// Asks for the test service account, whose key is written to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    service_account: Option<PathBuf>,
    /// Asks for `x-goog-user-project`.
    #[arg(long)]
    requester_pays: bool,
}

#[derive(Args)]
struct Http {
    #[command(flatten)]
    common: Common,
    /// What the server does beyond serving files.
    #[arg(long, value_enum, default_value_t = ModeArg::Dav)]
    mode: ModeArg,
    /// Serves under this path.
    #[arg(long, default_value = "")]
    base: String,
    /// Ignores ranges.
    #[arg(long)]
    no_ranges: bool,
    /// Sends no ETag.
    #[arg(long)]
    no_etags: bool,
    /// Sends no Content-Length.
    #[arg(long)]
    chunked: bool,
    /// Sends all bodies as gzip.
    #[arg(long)]
    gzip: bool,
    /// Asks for basic credentials, `NAME:PASSWORD`.
    #[arg(long)]
    basic: Option<String>,
    /// Status for what is missing.
    #[arg(long, default_value_t = 404)]
    missing_status: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArg {
    Dav,
    Nginx,
    NginxJson,
    Apache,
    ApachePlain,
    Caddy,
    Lighttpd,
    Python,
    Rclone,
    Noindex,
}

impl ModeArg {
    fn mode(self) -> Mode {
        match self {
            Self::Dav => Mode::Dav,
            Self::Nginx => Mode::Index(IndexStyle::Nginx),
            Self::NginxJson => Mode::Index(IndexStyle::NginxJson),
            Self::Apache => Mode::Index(IndexStyle::ApacheFancy),
            Self::ApachePlain => Mode::Index(IndexStyle::ApachePlain),
            Self::Caddy => Mode::Index(IndexStyle::Caddy),
            Self::Lighttpd => Mode::Index(IndexStyle::Lighttpd),
            Self::Python => Mode::Index(IndexStyle::Python),
            Self::Rclone => Mode::Index(IndexStyle::Rclone),
            Self::Noindex => Mode::NoIndex(403),
        }
    }
}

impl Common {
    fn options(&self) -> std::io::Result<ServerOptions> {
        let delay = Duration::from_millis(self.delay_ms);
        let mut options = ServerOptions::default()
            .delay(delay)
            .port(self.port)
            .threads(self.threads);
        if let Some(file) = &self.tls_ca {
            let ca = TestCa::new();
            std::fs::write(file, ca.pem())?;
            options = options.tls(&ca);
        }
        if self.http1 {
            options = options.protocol(Protocol::Http1);
        }
        if self.log {
            options = options.observer(Arc::new(log));
        }
        Ok(options)
    }
}

/// Prints a request by one write: `eprintln!` makes one of each piece, twenty of a line, and the server is to be quicker than
/// what is measured against it.
fn log(entry: &Logged) {
    let line = format!("{entry}\n");
    // Whoever started it may have stopped reading.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

fn main() -> std::io::Result<()> {
    match Command::parse() {
        Command::Gcs(args) => {
            let access = match (&args.token, &args.service_account) {
                (Some(token), _) => Access::Bearer(token.clone()),
                (None, Some(_)) => Access::ServiceAccount,
                (None, None) => Access::Anyone,
            };
            let mut builder = GcsServer::builder()
                .private_bucket(&args.bucket, access)
                .page_size(args.page_size);
            if args.requester_pays {
                builder = builder.requester_pays(&args.bucket);
            }
            let server = builder.server(args.common.options()?).start();
            if let Some(dir) = &args.common.dir {
                server.load_dir(&args.bucket, dir, &args.prefix);
            }
            if let Some(file) = &args.service_account {
                std::fs::write(file, server.service_account_json())?;
            }
            serve(&server, &server.url())
        }
        Command::Http(args) => {
            let mut builder = HttpServer::builder(args.mode.mode())
                .base(&args.base)
                .missing_status(args.missing_status);
            if args.no_ranges {
                builder = builder.without_ranges();
            }
            if args.no_etags {
                builder = builder.without_etags();
            }
            if args.chunked {
                builder = builder.framing(Framing::Chunked);
            }
            if args.gzip {
                builder = builder.gzip(Gzip::Always);
            }
            if let Some(basic) = &args.basic {
                let (user, password) = basic.split_once(':').unwrap_or((basic, ""));
                builder = builder.require(Credentials::Basic(user.to_owned(), password.to_owned()));
            }
            let server = builder.server(args.common.options()?).start();
            if let Some(dir) = &args.common.dir {
                server.load_dir(dir, "");
            }
            serve(&server, &server.base_url())
        }
    }
}

fn serve(_server: &Server, url: &str) -> std::io::Result<()> {
    println!("{url}");
    loop {
        std::thread::park();
    }
}
