//! Real servers from packages, each started for one test on a copy of a folder.
//!
//! What is not installed is [`Found::Missing`], which a trial shows as ignored; with `ZARR_TESTS_REQUIRE_SERVERS=1` it is a
//! failure, so that CI cannot pass without them.

mod config;

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::load::read_dir;
use crate::sync::wait_until;

/// How long a server may take to answer; they take 10 to 60 ms on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a server may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Another process may take the port between its reservation and the start.
const TRIES: usize = 5;

/// Something that may not be installed.
#[derive(Debug)]
pub enum Found<T> {
    /// It is there.
    Available(T),
    /// It is not; this is its name.
    Missing(String),
}

/// A server and what it is set to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// nginx, `autoindex on`.
    Nginx,
    /// nginx, `autoindex_format json`.
    NginxJson,
    /// nginx without an index: 403 for folders.
    NginxNoIndex,
    /// nginx with `gzip_static always`: each file is stored gzipped, and sent so to everybody.
    NginxGzip,
    /// nginx with its `dav_ext` module: no infinite depth, and listings without dotfiles.
    NginxDav,
    /// nginx over TLS with HTTP/2, `autoindex on` with rounded sizes and local times.
    NginxTls,
    /// nginx as a proxy: under `/front` lies what another nginx, which knows nothing of that path, lists at its root.
    NginxProxy,
    /// Apache, `FancyIndexing`.
    Apache,
    /// Apache without it.
    ApachePlain,
    /// Apache with a table in XHTML, icons, descriptions and dates, and without sort links.
    ApacheTable,
    /// Apache `mod_dav`, infinite depth allowed, under `/dav`.
    ApacheDav,
    /// Caddy `file_server browse`.
    Caddy,
    /// lighttpd `dir-listing`.
    Lighttpd,
    /// lighttpd `mod_webdav`, infinite depth allowed.
    LighttpdDav,
    /// `rclone serve http`.
    Rclone,
    /// `rclone serve webdav`.
    RcloneDav,
    /// `python3 -m http.server`.
    Python,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Nginx,
        Self::NginxJson,
        Self::NginxNoIndex,
        Self::NginxGzip,
        Self::NginxDav,
        Self::NginxTls,
        Self::NginxProxy,
        Self::Apache,
        Self::ApachePlain,
        Self::ApacheTable,
        Self::ApacheDav,
        Self::Caddy,
        Self::Lighttpd,
        Self::LighttpdDav,
        Self::Rclone,
        Self::RcloneDav,
        Self::Python,
    ];

    /// Whether it takes writes.
    pub fn is_writable(self) -> bool {
        matches!(
            self,
            Self::NginxDav | Self::ApacheDav | Self::LighttpdDav | Self::RcloneDav
        )
    }

    fn program(self) -> &'static str {
        match self {
            Self::Nginx
            | Self::NginxJson
            | Self::NginxNoIndex
            | Self::NginxGzip
            | Self::NginxDav
            | Self::NginxTls
            | Self::NginxProxy => "nginx",
            Self::Apache | Self::ApachePlain | Self::ApacheTable | Self::ApacheDav => "apache2",
            Self::Caddy => "caddy",
            Self::Lighttpd | Self::LighttpdDav => "lighttpd",
            Self::Rclone | Self::RcloneDav => "rclone",
            Self::Python => "python3",
        }
    }

    /// What it needs beside its program: a path, and the name to show if it is missing.
    fn module(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::NginxDav => Some((config::NGINX_DAV_MODULE, "nginx's dav_ext module")),
            Self::Apache | Self::ApachePlain | Self::ApacheTable | Self::ApacheDav => {
                Some((config::APACHE_MODULES, "apache2's modules"))
            }
            Self::LighttpdDav => Some((config::LIGHTTPD_DAV_MODULE, "lighttpd's mod_webdav")),
            _ => None,
        }
    }

    /// Starts this server on a copy of `root` and returns when it answers.
    ///
    /// # Errors
    /// If it is installed and yet does not start; the text has its output.
    pub fn start(self, root: &Path) -> io::Result<Found<External>> {
        let Some(program) = find_program(self.program()) else {
            return Ok(Found::Missing(self.program().to_owned()));
        };
        if let Some((path, name)) = self.module()
            && !Path::new(path).exists()
        {
            return Ok(Found::Missing(name.to_owned()));
        }
        let mut last = None;
        for _ in 0..TRIES {
            match External::start(self, &program, root) {
                Ok(server) => return Ok(Found::Available(server)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("not started")))
    }
}

/// Whether what is missing has to fail: `ZARR_TESTS_REQUIRE_SERVERS` is set to something other than 0.
pub fn required() -> bool {
    std::env::var("ZARR_TESTS_REQUIRE_SERVERS").is_ok_and(|value| !value.is_empty() && value != "0")
}

/// Finds a program in `PATH`, and in the folders of system programs, which users' paths leave out.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let runnable = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(runnable)
}

/// A running server; it is stopped, with all its processes, when this is dropped.
pub struct External {
    child: Child,
    dir: TempDir,
    url: String,
    ca: Option<crate::TestCa>,
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "External({}, pid {})", self.url, self.child.id())
    }
}

impl External {
    fn start(kind: Kind, program: &Path, root: &Path) -> io::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("zarr-tests-")
            .permissions(open_dir())
            .tempdir()?;
        let www = dir.path().join("www");
        copy(root, &www, kind)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let ca = (kind == Kind::NginxTls).then(crate::TestCa::new);
        if let Some(ca) = &ca {
            let (certificate, key) = ca.issue(&["127.0.0.1", "localhost"]);
            std::fs::write(dir.path().join("cert.pem"), certificate)?;
            std::fs::write(dir.path().join("key.pem"), key)?;
        }
        let mut command = config::command(kind, program, dir.path(), port)?;
        let output = std::fs::File::create(dir.path().join("output"))?;
        // A group of its own, so that its workers can be stopped with it.
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let token = Token::place(&www, kind, port)?;
        let child = command.spawn()?;
        let scheme = if ca.is_some() { "https" } else { "http" };
        let base = match kind {
            Kind::ApacheDav => "/dav",
            Kind::NginxProxy => "/front",
            _ => "",
        };
        let mut server = Self {
            child,
            dir,
            url: format!("{scheme}://127.0.0.1:{port}{base}"),
            ca,
        };
        server.wait_for_answer(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), &token)?;
        // Listings are to show nothing but the copy.
        std::fs::remove_file(&token.file)?;
        Ok(server)
    }

    /// The URL of the served root, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let authority = self.url.split('/').nth(2).unwrap_or_default();
        authority
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or_default()
    }

    /// The authority that signed its certificate, if it speaks TLS.
    pub fn ca(&self) -> Option<&crate::TestCa> {
        self.ca.as_ref()
    }

    /// The folder that is served: a copy, which the test may change.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("www")
    }

    /// What the server printed and logged, for the message of a test that fails.
    pub fn output(&self) -> String {
        ["output", "error.log"]
            .iter()
            .filter_map(|name| std::fs::read(self.dir.path().join(name)).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    fn wait_for_answer(&mut self, addr: SocketAddr, token: &Token) -> io::Result<()> {
        let end = Instant::now() + START_LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failed(&format!("ended with {status}")));
            }
            let answered = match &self.ca {
                Some(ca) => handshakes(addr, ca),
                None => answers(addr, token),
            };
            if answered.unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(self.failed("does not answer"))
    }

    fn failed(&self, what: &str) -> io::Error {
        io::Error::other(format!("{} {what}: {}", self.url, self.output()))
    }

    fn stop(&mut self) -> Option<ExitStatus> {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = group {
                // It may have ended by itself.
                let _ = kill_process_group(group, signal);
            }
            let mut status = None;
            wait_until(STOP_LIMIT, || {
                status = self.child.try_wait().ok().flatten();
                status.is_some()
            });
            if status.is_some() {
                return status;
            }
        }
        None
    }
}

impl Drop for External {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A file that only this server has: another test may have taken the port, and its server would answer too.
struct Token {
    file: PathBuf,
    data: String,
}

impl Token {
    fn place(www: &Path, kind: Kind, port: u16) -> io::Result<Self> {
        // gzip_static sends the bytes of the .gz file, whatever they are.
        let name = if kind == Kind::NginxGzip {
            "zarr-tests-token.gz"
        } else {
            "zarr-tests-token"
        };
        let unique = format!("{port} {} {:?}", std::process::id(), std::thread::current().id());
        let token = Self {
            file: www.join(name),
            data: unique,
        };
        std::fs::write(&token.file, &token.data)?;
        std::fs::set_permissions(&token.file, std::fs::Permissions::from_mode(0o644))?;
        Ok(token)
    }
}

/// Whether the server that has the token answers there.
fn answers(addr: SocketAddr, token: &Token) -> io::Result<bool> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let name = token
        .file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(name);
    write!(stream, "GET /{name} HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.ends_with(token.data.as_bytes()))
}

/// Whether a server with a certificate of this authority answers there.
fn handshakes(addr: SocketAddr, ca: &crate::TestCa) -> io::Result<bool> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.der().to_vec().into()).map_err(io::Error::other)?;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::from(addr.ip());
    let mut client =
        rustls::ClientConnection::new(std::sync::Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    client.complete_io(&mut stream)?;
    Ok(!client.is_handshaking())
}

/// A folder that servers with a user of their own can enter.
fn open_dir() -> std::fs::Permissions {
    std::fs::Permissions::from_mode(0o755)
}

/// Copies all files of a folder. All may read them, and write where the server takes writes: it may have a user of its own.
fn copy(from: &Path, to: &Path, kind: Kind) -> io::Result<()> {
    let dir_mode = if kind.is_writable() { 0o777 } else { 0o755 };
    std::fs::create_dir(to)?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(dir_mode))?;
    for (path, data) in read_dir(from)? {
        let mut dir = to.to_owned();
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", &path));
        for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
            dir.push(parent);
            if !dir.exists() {
                std::fs::create_dir(&dir)?;
                std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(dir_mode))?;
            }
        }
        let (name, data) = match kind {
            Kind::NginxGzip => (format!("{name}.gz"), crate::http::gzip(&data)),
            _ => (name.to_owned(), data),
        };
        let file = dir.join(name);
        std::fs::write(&file, data)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(dir_mode & 0o666))?;
    }
    Ok(())
}
