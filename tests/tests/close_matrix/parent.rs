//! The server's side of a cell.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use zarr_tests::gcs::GcsServer;
use zarr_tests::net::FullBacklog;
use zarr_tests::{Fault, Protocol, ServerOptions, TestCa, When};

use crate::cell::{CA_VARIABLE, CLOSED, Cell, Situation, URL_VARIABLE, Wire};

/// How long a cell may take in all.
const LIMIT: Duration = Duration::from_secs(30);
/// How long after close the server may go on seeing connections: it must notice their end.
const SERVER_NOTICES: Duration = Duration::from_millis(100);

fn ca() -> &'static TestCa {
    static CA: OnceLock<TestCa> = OnceLock::new();
    CA.get_or_init(TestCa::new)
}

fn server(cell: Cell) -> GcsServer {
    let options = match cell.wire {
        Wire::Http1 => ServerOptions::default().protocol(Protocol::Http1),
        Wire::Http2 => ServerOptions::default().protocol(Protocol::Http2),
        Wire::Http1Tls => ServerOptions::default().protocol(Protocol::Http1).tls(ca()),
        Wire::Http2Tls => ServerOptions::default().protocol(Protocol::Http2).tls(ca()),
    };
    let server = GcsServer::builder()
        .bucket("b")
        .min_part_size(1)
        .server(options)
        .start();
    server.put("b", "small", vec![1_u8; 1000]);
    server.put("b", "large", vec![2_u8; 8 << 20]);
    let faults = server.faults();
    match cell.situation {
        Situation::Idle | Situation::Connecting => {}
        Situation::GetHangs => drop(faults.add(When::path_ends("small"), Fault::stall())),
        Situation::HalfRead => drop(faults.add(When::path_ends("large"), Fault::stall_after(1 << 20))),
        Situation::Listing => drop(faults.add(When::path_ends("/b"), Fault::stall())),
        Situation::BackOff => drop(faults.add(When::path_ends("small"), Fault::status(503))),
        // Parts are PUT; the initiating and the aborting requests are answered.
        Situation::Upload => drop(faults.add(When::path_ends("upload").and_method("PUT"), Fault::stall())),
    }
    server
}

pub(crate) fn run(cell: Cell) -> Result<(), String> {
    let (server, backlog) = match cell.situation {
        Situation::Connecting => (None, Some(FullBacklog::new().map_err(|error| error.to_string())?)),
        _ => (Some(server(cell)), None),
    };
    let url = match (&server, &backlog) {
        (Some(server), _) => server.url(),
        (None, Some(backlog)) => backlog.url(),
        (None, None) => unreachable!("one of them"),
    };
    let mut child = Command::new(std::env::current_exe().map_err(|error| error.to_string())?)
        .env("ZARR_TESTS_CHILD", cell.name())
        .env(URL_VARIABLE, url)
        .env(CA_VARIABLE, ca().pem())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let (said, listen) = mpsc::channel();
    let lines = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                break;
            }
        }
    });
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let closed = listen.recv_timeout(LIMIT);
    let seen = match (&closed, &server) {
        (Ok(line), Some(server)) if line == CLOSED => server
            .wait_for_connections(0, SERVER_NOTICES)
            .map_err(|open| format!("the server still sees {open} connections")),
        _ => Ok(()),
    };
    let left = server.as_ref().map_or(0, GcsServer::unfinished_uploads);
    let _ = writeln!(stdin);
    drop(stdin);
    if closed.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let _ = lines.join();
    let errors = errors.join().unwrap_or_default();
    if !status.success() || closed.is_err() {
        return Err(format!("{status}\n{errors}"));
    }
    seen?;
    if left > 0 {
        return Err(format!("{left} uploads were left unfinished on the server"));
    }
    Ok(())
}
