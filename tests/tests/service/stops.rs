//! The service in a process of its own, its clients and the servers of its stores here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, RoundGate, When, child, wait_until};

use crate::service;

const LIMIT: Duration = Duration::from_secs(30);
const REQUESTS: usize = 8;
const CASE: &str = "service";

pub(crate) fn main() -> ExitCode {
    if child::case().is_some() {
        let code = service::run("127.0.0.1:0");
        // Whatever it says itself: no socket to a store is there, no thread of a session.
        let held = zarr_tests::probe::Holdings::now().expect("a Linux /proc");
        let sockets = zarr_tests::probe::sockets().expect("a Linux /proc");
        println!(
            "{} sockets, {} threads of sessions",
            sockets.len(),
            held.threads
                .iter()
                .filter(|name| name.starts_with("zarr-"))
                .count()
        );
        return code;
    }
    let trials = vec![
        Trial::test("requests_in_flight_are_answered", answered),
        Trial::test("requests_that_hang_are_cut_and_answered", cut),
        Trial::test("a_client_that_hangs_up_leaves_no_store_open", hung_up),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A store with two members.
fn store() -> HttpServer {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    for name in ["zarr.json", "a/zarr.json", "b/zarr.json"] {
        server.put(name, group);
    }
    server
}

/// The request for what is in a store.
fn members(store: &HttpServer, path: &str) -> String {
    let url = format!("{}{path}", store.base_url());
    let url: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    format!("/members?url={url}")
}

struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    addr: SocketAddr,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("ZARR_TESTS_CHILD", CASE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let addr = line.trim().rsplit('/').next().and_then(|addr| addr.parse().ok());
        Self {
            child,
            lines,
            addr: addr.unwrap_or_else(|| panic!("no address: {line:?}")),
        }
    }

    fn send(&self, target: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.addr).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        write!(socket, "GET {target} HTTP/1.1\r\nHost: service\r\n\r\n").unwrap();
        socket
    }

    /// Status and body. The connection is kept alive, as clients keep theirs: the service must end it.
    fn get(&self, target: &str) -> (u16, Value) {
        answer(self.send(target))
    }

    /// Requests under way, each on a connection of its own.
    fn begin(&self, target: &str, count: usize) -> Vec<JoinHandle<(u16, Value)>> {
        let sockets: Vec<_> = (0..count).map(|_| self.send(target)).collect();
        sockets
            .into_iter()
            .map(|socket| std::thread::spawn(move || answer(socket)))
            .collect()
    }

    fn terminate(&self) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        // New clients are refused while the old ones wait.
        assert!(
            wait_until(LIMIT, || TcpStream::connect(self.addr).is_err()),
            "it goes on listening"
        );
    }

    /// What it said, once it has ended well.
    fn end(mut self, store: &HttpServer) -> String {
        let mut said = String::new();
        assert!(
            wait_until(LIMIT, || self.child.try_wait().unwrap().is_some()),
            "it does not end"
        );
        self.lines.read_to_string(&mut said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            said.ends_with("nothing is left\n0 sockets, 0 threads of sessions\n"),
            "{said}"
        );
        assert_eq!(store.wait_for_connections(0, Duration::from_secs(1)), Ok(()));
        said
    }
}

/// Reads one answer, which has a length.
fn answer(socket: TcpStream) -> (u16, Value) {
    let mut reader = BufReader::new(socket);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer in time");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = head
        .first()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .expect("the request was not answered");
    (status, serde_json::from_slice(&body).unwrap())
}

fn live(running: &Running) -> Vec<Value> {
    match running.get("/debug/leases") {
        (200, Value::Array(leases)) => leases,
        other => panic!("{other:?}"),
    }
}

fn right() -> (u16, Value) {
    (200, json!({"members": ["/a", "/b"]}))
}

fn answered() -> Result<(), Failed> {
    let (store, running) = (store(), Running::start());
    let nothing = members(&store, "/nothing");
    let members = members(&store, "");
    assert_eq!(running.get(&members), right());
    assert_eq!(running.get(&nothing).0, 404);
    assert_eq!(running.get("/members").0, 400);
    assert_eq!(
        live(&running),
        Vec::<Value>::new(),
        "each request closed its store"
    );

    store.gate(RoundGate::new(usize::MAX).settle(Duration::from_secs(1 << 20)));
    let requests = running.begin(&members, REQUESTS);
    let mut leases = Vec::new();
    assert!(wait_until(LIMIT, || {
        leases = live(&running);
        leases.len() == REQUESTS && leases.iter().all(|lease| !lease["calls"][0].is_null())
    }));
    let text = |lease: &Value, key: &str| lease[key].as_str().unwrap().to_owned();
    for lease in leases {
        assert!(text(&lease, "opened_at").contains("service.rs:"), "{lease}");
        assert!(
            text(&lease, "filesystem").starts_with(&store.base_url()),
            "{lease}"
        );
        let call = lease["calls"][0].as_str().unwrap();
        assert!(call.starts_with("cat_file "), "{lease}");
    }

    running.terminate();
    store.ungate();
    for request in requests {
        assert_eq!(request.join().unwrap(), right());
    }
    let said = running.end(&store);
    assert!(!said.contains("closing stores"), "none had to be cut: {said}");
    Ok(())
}

fn cut() -> Result<(), Failed> {
    let (store, running) = (store(), Running::start());
    let members = members(&store, "");
    store.faults().add(When::always(), Fault::stall());
    let requests = running.begin(&members, REQUESTS);
    assert!(wait_until(LIMIT, || live(&running).len() == REQUESTS));
    running.terminate();
    for request in requests {
        let (status, body) = request.join().unwrap();
        assert_eq!(status, 503, "{body}");
        assert!(body["error"].as_str().unwrap().contains("closed"), "{body}");
    }
    let said = running.end(&store);
    assert!(said.contains("closing stores"), "{said}");
    Ok(())
}

fn hung_up() -> Result<(), Failed> {
    let (store, running) = (store(), Running::start());
    let members = members(&store, "");
    store.gate(RoundGate::new(usize::MAX).settle(Duration::from_secs(1 << 20)));
    let sockets: Vec<_> = (0..REQUESTS).map(|_| running.send(&members)).collect();
    assert!(wait_until(LIMIT, || live(&running).len() == REQUESTS));
    drop(sockets);
    store.ungate();
    assert!(
        wait_until(LIMIT, || live(&running).is_empty()),
        "stores are left open"
    );
    assert_eq!(running.get(&members), right());
    running.terminate();
    running.end(&store);
    Ok(())
}
