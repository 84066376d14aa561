//! How the command ends when it is told to, and that it always closes: signals, time, a closed pipe, a full disk, a panic.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

use crate::run::{Ended, command, run, store};

/// An orderly end may take this long; a machine under load a little more.
const ORDERLY: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(2);

/// A server that answers nothing.
fn hanging() -> HttpServer {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.faults().add(When::always(), Fault::stall());
    server
}

/// Starts the command and waits until the server has a request.
fn waiting(server: &HttpServer, args: &[&str]) -> Child {
    let url = format!("{}/x.zarr", server.base_url());
    let mut args = args.to_vec();
    args.extend(["--io-stats", "-o", "retries=0", &url]);
    let child = command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while server.in_flight() == 0 {
        assert!(Instant::now() < limit, "the command sends nothing");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn signals_close_what_is_open() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let server = hanging();
        let child = waiting(&server, &["ls"]);
        let began = Instant::now();
        signal(&child, name);
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert!(began.elapsed() < ORDERLY + SLACK, "{:?}", began.elapsed());
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stderr.starts_with("error[interrupted]: "), "{ended:?}");
        ended.assert_all_closed();
        assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    // Nobody reads the pipe, so the first signal finds the command stuck in a write.
    let server = many_groups(5000);
    let url = server.base_url();
    let mut child = command(&["ls", "--json", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    signal(&child, "TERM");
    signal(&child, "TERM");
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(began.elapsed() < ORDERLY, "{:?}", began.elapsed());
}

/// A hierarchy of version 3 with so many groups, whose listing fills more than a pipe.
fn many_groups(count: usize) -> HttpServer {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    let group = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "attributes": {{"long": "{}"}}}}"#,
        "x".repeat(100)
    );
    server.put("zarr.json", group.clone());
    for index in 0..count {
        server.put(&format!("group-{index:05}/zarr.json"), group.clone());
    }
    server
}

/// A reader that has gone away, and one that does not read: both while there is more to write than a pipe holds.
#[cfg(unix)]
#[test]
fn a_full_pipe_does_not_keep_a_signal_from_closing() {
    let server = many_groups(2000);
    let url = server.base_url();
    let child = command(&["ls", "--json", "--io-stats", &url]);
    let mut child = { child }
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    // By now the pipe is full or about to be; the command has no more to ask.
    let limit = Instant::now() + Duration::from_secs(20);
    while server.in_flight() > 0 && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(2));
    }
    let began = Instant::now();
    signal(&child, "TERM");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{stderr}");
    assert!(began.elapsed() < ORDERLY + SLACK, "{:?}", began.elapsed());
    assert!(
        stderr.contains(r#""open_connections":0,"unclosed_filesystems":0"#),
        "{stderr}"
    );
    assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
}

#[test]
fn a_closed_pipe_is_no_error_to_speak_of() {
    let server = many_groups(2000);
    let url = server.base_url();
    for verb in [
        ["ls", "--json"],
        ["tree", "--max-nodes=100000"],
        ["show", "--json"],
    ] {
        let mut child = command(&[&verb[..], &[&url]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Like `head`: goes away while there is more to come.
        drop(child.stdout.take());
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (141, ""), "{verb:?}");
        assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let place = store("v3_tree_plain.zarr");
    let output = command(&["ls", &place])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let ended = Ended::of(output);
    assert_eq!(ended.code, 10);
    assert!(
        ended
            .stderr
            .starts_with("error[output]: standard output: No space left"),
        "{ended:?}"
    );
}

#[test]
fn the_whole_command_has_a_time() {
    let server = hanging();
    let url = format!("{}/x.zarr", server.base_url());
    let began = Instant::now();
    let ended = run(&["ls", "--timeout", "300ms", "--io-stats", &url]);
    assert!(
        began.elapsed() < Duration::from_millis(300) + ORDERLY + SLACK,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ended.code, 8, "{ended:?}");
    assert!(
        ended.stderr.starts_with("error[timeout]: not done within 300ms"),
        "{ended:?}"
    );
    ended.assert_all_closed();
    assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
}

#[test]
fn a_panic_closes_and_is_one_line() {
    let server = many_groups(1);
    let url = server.base_url();
    let ended = {
        let output = command(&["ls", "--x-panic", "--io-stats", &url])
            .env("RUST_BACKTRACE", "full")
            .output()
            .unwrap();
        Ended::of(output)
    };
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with("error[internal]: a bug in zarr-cli: asked for by --x-panic"),
        "{ended:?}"
    );
    assert!(
        !ended.stderr.contains("backtrace") && ended.stderr.lines().count() == 3,
        "{ended:?}"
    );
    assert!(
        ended.last_json()["connections_opened"].as_u64() > Some(0),
        "something was open: {ended:?}"
    );
    ended.assert_all_closed();
    assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
}
