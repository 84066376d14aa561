//! Real servers beside the in-process ones that copy them: what a client sees of one, it sees of the other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use zarr_tests::child::{self, Case};
use zarr_tests::external::{External, Kind};
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{probe, python, trial};

/// Runs the trials, or as a child its case.
pub(crate) fn main() -> ExitCode {
    let fixture = tempfile::tempdir().expect("a temporary folder can be made");
    let root = fixture.path().to_owned();
    if child::case().is_none() {
        write_fixture(&root).expect("the fixture can be written");
    }
    let mut trials = vec![
        trial::needing(
            "python_makes_an_environment",
            || Ok(python::with_packages(&[])?),
            |python: python::Python| {
                let mut command = std::process::Command::new(&python.program);
                command.args(["-c", "import sys; assert sys.prefix != sys.base_prefix"]);
                Ok(child::wait(command, Duration::from_secs(20))?.check()?)
            },
        ),
        Trial::test(
            "a_missing_program_is_seen",
            || match zarr_tests::external::find_program("no-such-program") {
                None => Ok(()),
                Some(path) => Err(format!("found {}", path.display()).into()),
            },
        ),
    ];
    for kind in Kind::ALL {
        let name = format!("{kind:?}_serves_its_files_and_stops");
        trials.push(trial::with_server(name, kind, root.clone(), serves_and_stops));
    }
    let copies = [
        (Kind::Nginx, Mode::Index(IndexStyle::Nginx)),
        (Kind::NginxJson, Mode::Index(IndexStyle::NginxJson)),
        (Kind::NginxNoIndex, Mode::NoIndex(403)),
        (Kind::Apache, Mode::Index(IndexStyle::ApacheFancy)),
        (Kind::ApachePlain, Mode::Index(IndexStyle::ApachePlain)),
        (Kind::ApacheDav, Mode::Dav),
        (Kind::Caddy, Mode::Index(IndexStyle::Caddy)),
        (Kind::Lighttpd, Mode::Index(IndexStyle::Lighttpd)),
        (Kind::Rclone, Mode::Index(IndexStyle::Rclone)),
        (Kind::Python, Mode::Index(IndexStyle::Python)),
    ];
    for (kind, mode) in copies {
        let (name, source) = (format!("the_copy_of_{kind:?}_answers_like_it"), root.clone());
        trials.push(trial::with_server(name, kind, root.clone(), move |real| {
            answers_alike(&real, kind, mode, source)
        }));
    }
    let source = root.clone();
    trials.push(trial::with_server(
        "the_copy_of_mod_dav_writes_like_it",
        Kind::ApacheDav,
        root.clone(),
        move |real| writes_alike(&real, source),
    ));
    let cases = vec![Case {
        name: "a_case_runs_in_a_process_of_its_own",
        limit: Duration::from_secs(20),
        run: alone,
    }];
    child::main_with(cases, trials)
}

/// Names that every escaping does differently, a dotfile, an empty file, a long name.
fn write_fixture(root: &std::path::Path) -> std::io::Result<()> {
    let names = [
        "zarr.json",
        "d/zarr.json",
        "d/.zarray",
        "d/.zgroup",
        "d/it's<\"q\">.txt",
        "d/sp ace+&=%.json",
        "d/~a!b*c(d),e;f@g:h$i^j`k{l}m|n[o].bin",
        "d/ünï/x",
        "d/c/0/0",
        "d/empty",
        "d/a_name_that_is_longer_than_any_column_of_an_index_page_that_we_know_of_is_wide.json",
    ];
    for name in names {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        let data = if name.ends_with("empty") {
            String::new()
        } else {
            format!("{{\"name\": \"{}\"}}", name.len())
        };
        std::fs::write(path, data)?;
    }
    Ok(())
}

fn alone() {
    assert!(child::case().is_some());
    if let Some(threads) = probe::threads() {
        assert_eq!(threads.len(), 1, "{threads:?}");
    }
}

/// One answer over a connection of its own.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn ask(
    server_ca: Option<&zarr_tests::TestCa>,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<Reply, Failed> {
    ask_with(server_ca, method, url, headers, "")
}

fn ask_with(
    server_ca: Option<&zarr_tests::TestCa>,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Result<Reply, Failed> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(ca) = server_ca {
        roots.add(ca.der().to_vec().into())?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut request = client.request(method.parse()?, url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let response = request.send().await?;
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        Ok(Reply {
            status: response.status().as_u16(),
            headers,
            body: response.bytes().await?.to_vec(),
        })
    })
}

fn serves_and_stops(server: External) -> Result<(), Failed> {
    let url = format!("{}/d/zarr.json", server.url());
    let reply = ask(server.ca(), "GET", &url, &[])?;
    let stored = std::fs::read(server.root().join("d/zarr.json"))
        .or_else(|_| std::fs::read(server.root().join("d/zarr.json.gz")))?;
    if (reply.status, &reply.body) != (200, &stored) {
        return Err(format!("{}: {:?}\n{}", reply.status, reply.body, server.output()).into());
    }
    let addr = format!("127.0.0.1:{}", server.port());
    drop(server);
    match std::net::TcpStream::connect(&addr) {
        Ok(_) => Err(format!("{addr} still listens").into()),
        Err(_) => Ok(()),
    }
}

/// Links of a page, or names of a JSON listing or hrefs of a multistatus, that lead below it.
fn links(body: &str) -> BTreeSet<String> {
    let between = |open: &str, close: char| -> Vec<String> {
        let parts = body.split(open).skip(1);
        parts
            .map(|rest| rest.split(close).next().unwrap_or_default().to_owned())
            .collect()
    };
    let is_child =
        |link: &String| !link.starts_with('#') && !link.starts_with('?') && !link.starts_with("http");
    [
        between("<a href=\"", '"'),
        between("\"name\":\"", ','),
        between("D:href>", '<'),
    ]
    .concat()
    .into_iter()
    .filter(is_child)
    .collect()
}

/// Method, path and header of what both are asked.
type Asked = (&'static str, &'static str, Option<(&'static str, &'static str)>);

const ASKED: [Asked; 23] = [
    ("GET", "/d/", None),
    ("GET", "/", None),
    ("GET", "/d/c/", Some(("accept", "application/json"))),
    ("GET", "/d/ünï/", None),
    ("GET", "/d", None),
    ("HEAD", "/d/zarr.json", None),
    ("GET", "/d/zarr.json", None),
    ("GET", "/d/.zarray", None),
    ("GET", "/d/empty", None),
    ("GET", "/d/sp%20ace%2B%26%3D%25.json", None),
    ("GET", "/d/zarr.json", Some(("range", "bytes=2-5"))),
    ("GET", "/d/zarr.json", Some(("range", "bytes=-4"))),
    ("GET", "/d/zarr.json", Some(("range", "bytes=5-"))),
    ("GET", "/d/zarr.json", Some(("range", "bytes=100-"))),
    ("GET", "/d/nothing", None),
    ("GET", "/nothing/", None),
    ("GET", "/d/zarr.json", Some(("if-match", "\"other\""))),
    ("PROPFIND", "/d/", Some(("depth", "1"))),
    ("PROPFIND", "/d/", Some(("depth", "0"))),
    ("PROPFIND", "/d/", Some(("depth", "infinity"))),
    ("PROPFIND", "/d", Some(("depth", "1"))),
    ("PROPFIND", "/d/nothing", Some(("depth", "0"))),
    ("PROPFIND", "/d/zarr.json", Some(("depth", "0"))),
];

fn answers_alike(real: &External, kind: Kind, mode: Mode, root: PathBuf) -> Result<(), Failed> {
    let base = if kind == Kind::ApacheDav { "/dav" } else { "" };
    let copy = HttpServer::builder(mode).base(base).start();
    copy.load_dir(&root, "");
    let urls = (real.url().to_owned(), copy.base_url());
    let mut differences = Vec::new();
    for (method, path, header) in ASKED {
        let headers = header.as_slice();
        let replies = [&urls.0, &urls.1].map(|url| ask(None, method, &format!("{url}{path}"), headers));
        let [theirs, ours] = replies;
        let mut differ = |what: &str, theirs: String, ours: String| {
            if theirs != ours {
                differences.push(format!(
                    "{method} {path} {headers:?}: {what}: {theirs} but the copy {ours}"
                ));
            }
        };
        if kind == Kind::Rclone && theirs.is_err() {
            // rclone 1.60 tells the file's length with 416 and 412, and then sends a text of another length.
            differ(
                "a 4xx status",
                "true".to_owned(),
                ours.is_ok_and(|ours| (400..500).contains(&ours.status))
                    .to_string(),
            );
            continue;
        }
        let readable = [theirs.as_ref().err(), ours.as_ref().err()]
            .map(|failed| format!("{:?}", failed.map(Failed::message)));
        let [their_error, our_error] = readable;
        differ("error", their_error, our_error);
        let (Ok(theirs), Ok(ours)) = (theirs, ours) else {
            continue;
        };
        differ("status", theirs.status.to_string(), ours.status.to_string());
        for name in ["content-range", "content-encoding"] {
            differ(
                name,
                format!("{:?}", theirs.header(name)),
                format!("{:?}", ours.header(name)),
            );
        }
        let location = |reply: &Reply, url: &str| {
            reply
                .header("location")
                .map(|location| location.replace(url, "BASE"))
        };
        differ(
            "location",
            format!("{:?}", location(&theirs, &urls.0)),
            format!("{:?}", location(&ours, &urls.1)),
        );
        let is_file = matches!(theirs.status, 200 | 206) && !path.ends_with('/');
        for name in ["etag", "last-modified", "accept-ranges"] {
            // nginx leaves the last one out of 206.
            if is_file && (theirs.status, name) != (206, "accept-ranges") {
                differ(
                    name,
                    theirs.header(name).is_some().to_string(),
                    ours.header(name).is_some().to_string(),
                );
            }
        }
        let [their_body, our_body] =
            [&theirs, &ours].map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
        if path.ends_with('/') || method == "PROPFIND" {
            if matches!(theirs.status, 200 | 207) {
                differ(
                    "links",
                    format!("{:#?}", links(&their_body)),
                    format!("{:#?}", links(&our_body)),
                );
            }
        } else if matches!(theirs.status, 200 | 206) {
            differ("body", their_body, our_body);
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n").into())
    }
}

/// Method, path and headers of writes, one after another; `TO:` before a path makes a `Destination` of it.
/// Method, path and headers of a request.
type Write = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const WRITES: [Write; 27] = [
    ("OPTIONS", "/d/", &[]),
    ("PUT", "/new/k", &[]),
    ("MKCOL", "/new", &[]),
    ("MKCOL", "/new/", &[]),
    ("MKCOL", "/a/b/", &[]),
    ("PUT", "/new/k", &[]),
    ("PUT", "/new/k", &[]),
    ("PUT", "/new/k", &[("if-none-match", "*")]),
    ("PUT", "/new/k", &[("if-match", "\"other\"")]),
    ("PUT", "/new/k2", &[("if-none-match", "*")]),
    ("PUT", "/new/sp%20ace+%26", &[]),
    ("COPY", "/new/k", &[("destination", "TO:/new/copy")]),
    (
        "COPY",
        "/new/k",
        &[("destination", "TO:/new/copy"), ("overwrite", "F")],
    ),
    ("COPY", "/new/k", &[("destination", "TO:/new/copy")]),
    ("COPY", "/new/k", &[("destination", "TO:/none/copy")]),
    ("COPY", "/new/nothing", &[("destination", "TO:/new/copy")]),
    ("COPY", "/new/k", &[]),
    ("MOVE", "/new/copy", &[("destination", "TO:/new/moved")]),
    ("GET", "/new/copy", &[]),
    ("GET", "/new/moved", &[]),
    ("MOVE", "/new/", &[("destination", "TO:/newer/")]),
    ("GET", "/newer/k", &[]),
    ("PROPFIND", "/newer/", &[("depth", "1")]),
    ("DELETE", "/newer/k", &[]),
    ("DELETE", "/newer/k", &[]),
    ("DELETE", "/newer/", &[]),
    ("GET", "/newer/k2", &[]),
];

fn writes_alike(real: &External, root: PathBuf) -> Result<(), Failed> {
    let copy = HttpServer::builder(Mode::Dav).base("/dav").start();
    copy.load_dir(&root, "");
    let urls = [real.url().to_owned(), copy.base_url()];
    let mut differences = Vec::new();
    for (step, (method, path, headers)) in WRITES.into_iter().enumerate() {
        let body = if method == "PUT" { "data" } else { "" };
        let answers = urls.each_ref().map(|url| {
            let headers: Vec<(&str, String)> = headers
                .iter()
                .map(|&(name, value)| (name, value.replace("TO:", url)))
                .collect();
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let reply = ask_with(None, method, &format!("{url}{path}"), &headers, body)?;
            let is_get = method == "GET" && reply.status == 200;
            let body = if is_get {
                String::from_utf8_lossy(&reply.body).into_owned()
            } else {
                String::new()
            };
            let links = if method == "PROPFIND" {
                links(&String::from_utf8_lossy(&reply.body))
            } else {
                BTreeSet::new()
            };
            Ok::<_, Failed>(format!("{} {body} {links:?}", reply.status))
        });
        let [theirs, ours] = answers;
        let (theirs, ours) = (theirs?, ours?);
        if theirs != ours {
            differences.push(format!(
                "{step} {method} {path} {headers:?}: {theirs} but the copy {ours}"
            ));
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n").into())
    }
}
