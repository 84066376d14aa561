//! How the command ends when it is told to, and that it always closes: signals, time, an error, a closed or full pipe, a full
//! disk, a panic.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When, wait_until};

use crate::run::{Ended, command, store};

/// An orderly end may take this long; a machine under load a little more.
const ORDERLY: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(2);

/// A server that answers nothing.
fn hanging() -> HttpServer {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    server.faults().add(When::always(), Fault::stall());
    server
}

/// Starts the command in an environment that asks for backtraces.
fn start(args: &[&str], stdout: impl Into<Stdio>) -> Child {
    command(args)
        .env("RUST_BACKTRACE", "full")
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts the command on the server and waits until it is as far as `ready` says.
fn waiting(server: &HttpServer, args: &[&str], ready: impl FnMut() -> bool) -> Child {
    let url = format!("{}/x.zarr", server.base_url());
    let child = start(&[args, &["--io-stats", &url]].concat(), Stdio::piped());
    assert!(
        wait_until(Duration::from_secs(20), ready),
        "the command does not come so far"
    );
    child
}

/// What all ends have in common: in time (from `began` on; `None` where the work before the end counts too), with this code, with no word of a backtrace, and with nothing left; the command had
/// `--io-stats`.
#[track_caller]
fn assert_orderly(ended: &Ended, began: impl Into<Option<Instant>>, code: i32, server: &HttpServer) {
    if let Some(began) = began.into() {
        let took = began.elapsed();
        assert!(took < ORDERLY + SLACK, "{took:?} {ended:?}");
    }
    assert_eq!(ended.code, code, "{ended:?}");
    for word in ["backtrace", "panicked at", "stack "] {
        assert!(!ended.stderr.contains(word), "{ended:?}");
    }
    ended.assert_all_closed();
    assert_eq!(server.wait_for_connections(0, Duration::from_secs(5)), Ok(()));
}

/// The same of a command that opened a connection.
#[track_caller]
fn assert_closed_what_was_open(
    ended: &Ended,
    began: impl Into<Option<Instant>>,
    code: i32,
    server: &HttpServer,
) {
    let opened = ended.last_json()["connections_opened"].as_u64();
    assert!(opened > Some(0), "nothing was open: {ended:?}");
    assert_orderly(ended, began, code, server);
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
        for verb in ["ls", "show", "cat"] {
            let server = hanging();
            let child = waiting(&server, &[verb, "-o", "retries=0"], || server.in_flight() > 0);
            let began = Instant::now();
            signal(&child, name);
            let ended = Ended::of(child.wait_with_output().unwrap());
            assert!(ended.stderr.starts_with("error[interrupted]: "), "{ended:?}");
            assert_closed_what_was_open(&ended, began, code, &server);
        }
    }
}

/// An array of more chunks than anybody can look up: what is read is printed, and a signal ends it.
#[cfg(unix)]
#[test]
fn an_endless_array_is_printed_as_it_is_read() {
    for (shape, chunk, begins) in [
        ("[9223372036854775807]", "[1]", "0 0 "),
        ("[4611686018427387904, 1]", "[1, 1]", "0\n0\n"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let document = format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": {shape}, "data_type": "uint8", "fill_value": 0,
                "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": {chunk}}}}},
                "chunk_key_encoding": {{"name": "default"}}, "codecs": [{{"name": "bytes"}}]}}"#
        );
        std::fs::write(place.path().join("zarr.json"), document).unwrap();
        let mut child = start(
            &["cat", "--io-stats", place.path().to_str().unwrap()],
            Stdio::piped(),
        );
        let mut stdout = child.stdout.take().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut first = [0; 4];
            stdout.read_exact(&mut first).unwrap();
            tell.send(first).unwrap();
            std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        });
        let first = told.recv_timeout(Duration::from_secs(60));
        signal(&child, if first.is_ok() { "INT" } else { "KILL" });
        let ended = child.wait_with_output().unwrap();
        assert_eq!(
            first.as_ref().map(<[u8; 4]>::as_slice),
            Ok(begins.as_bytes()),
            "{shape}"
        );
        let ended = Ended::of(ended);
        assert_eq!(ended.code, 130, "{shape} {ended:?}");
        ended.assert_all_closed();
        reader.join().unwrap();
    }
}

/// A call that waits before it tries again is not waited for.
#[cfg(unix)]
#[test]
fn a_signal_cuts_a_back_off() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    let busy = server
        .faults()
        .add(When::always(), Fault::status(503).retry_after(50));
    let child = waiting(&server, &["ls", "-o", "retries=9"], || {
        server.faults().hits(busy) > 0 && server.in_flight() == 0
    });
    let began = Instant::now();
    signal(&child, "TERM");
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_closed_what_was_open(&ended, began, 143, &server);
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    // Nobody reads the pipe, so the first signal finds the command stuck in a write.
    let server = many_groups(5000);
    let url = server.base_url();
    let mut child = start(&["ls", "--json", &url], Stdio::piped());
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

/// Starts a command whose reader takes one line and no more, while there is more to write than a pipe holds. It has no more
/// to ask of the server when this returns.
#[cfg(unix)]
fn stuck_in_a_write(server: &HttpServer, args: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let url = server.base_url();
    let args = [&["ls", "--json", "--io-stats"], args, &[&url]].concat();
    let mut child = start(&args, Stdio::piped());
    let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    assert!(wait_until(Duration::from_secs(20), || server.in_flight() == 0));
    (child, stdout)
}

#[cfg(unix)]
#[test]
fn a_full_pipe_does_not_keep_a_signal_from_closing() {
    let server = many_groups(2000);
    let (child, reader) = stuck_in_a_write(&server, &[]);
    let began = Instant::now();
    signal(&child, "TERM");
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_closed_what_was_open(&ended, began, 143, &server);
    drop(reader);
}

#[cfg(unix)]
#[test]
fn a_full_pipe_does_not_keep_the_time_from_ending_it() {
    let server = many_groups(2000);
    let (child, reader) = stuck_in_a_write(&server, &["--timeout", "3s"]);
    // From here on it may take its whole time, and then must end.
    let ended = Ended::of(child.wait_with_output().unwrap());
    let elapsed = ended.last_json()["elapsed_s"].as_f64().unwrap();
    assert!(elapsed < 3.0 + (ORDERLY + SLACK).as_secs_f64(), "{ended:?}");
    assert!(ended.stderr.contains("not done within 3s"), "{ended:?}");
    assert_closed_what_was_open(&ended, None, 8, &server);
    drop(reader);
}

/// A pipe that is full and does not wait, as some parents give it.
#[cfg(unix)]
#[test]
fn a_full_pipe_that_does_not_wait_is_told() {
    let server = many_groups(5000);
    let url = server.base_url();
    let (unread, stdout) = std::os::unix::net::UnixStream::pair().unwrap();
    stdout.set_nonblocking(true).unwrap();
    let child = start(
        &["ls", "--json", "--io-stats", &url],
        std::os::fd::OwnedFd::from(stdout),
    );
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert!(ended.stderr.contains("standard output: "), "{ended:?}");
    assert_closed_what_was_open(&ended, None, 10, &server);
    drop(unread);
}

#[test]
fn a_closed_pipe_is_no_error_to_speak_of() {
    let server = many_groups(2000);
    server.put("a/zarr.json", LONG_ARRAY);
    let url = server.base_url();
    let array = format!("{url}/a");
    for args in [
        ["ls", "--json", &url],
        ["tree", "--max-nodes=100000", &url],
        ["show", "--json", &url],
        ["cat", "-Fcsv", &array],
    ] {
        let mut child = start(&[&args[..], &["--io-stats"]].concat(), Stdio::piped());
        // Like `head`: goes away while there is more to come.
        drop(child.stdout.take());
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!(ended.stderr.lines().count(), 1, "the statistics alone: {ended:?}");
        assert_closed_what_was_open(&ended, None, 141, &server);
    }
}

/// No chunk of it is there: a million times the fill value.
const LONG_ARRAY: &str = r#"{
  "zarr_format": 3, "node_type": "array", "shape": [1000000], "data_type": "int32", "fill_value": 123456,
  "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1000000]}},
  "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
  "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {}
}"#;

#[cfg(target_os = "linux")]
fn full_disk() -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let server = many_groups(3);
    server.put("a/zarr.json", LONG_ARRAY);
    let url = server.base_url();
    let array = format!("{url}/a");
    for args in [
        ["ls", "--json", &url],
        ["tree", "--ascii", &url],
        ["show", "--json", &url],
        ["meta", "--json", &array],
        ["cat", "-Fcsv", &array],
    ] {
        let child = start(&[&args[..], &["--io-stats"]].concat(), full_disk());
        let ended = Ended::of(child.wait_with_output().unwrap());
        let told = ended.stderr.contains("standard output: No space left");
        assert!(told, "{args:?}: {ended:?}");
        assert_closed_what_was_open(&ended, None, 10, &server);
    }
    // What is printed without a store.
    for args in [&["--help"][..], &["completions", "bash"], &["man"]] {
        let ended = Ended::of(start(args, full_disk()).wait_with_output().unwrap());
        let told = ended
            .stderr
            .starts_with("error[output]: standard output: No space left");
        assert!(told && ended.code == 10, "{args:?}: {ended:?}");
    }
}

/// With nowhere to say anything the exit code still tells.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stderr_leaves_the_exit_code() {
    let missing = store("no_such.zarr");
    let output = command(&["ls", &missing, "--io-stats"])
        .stderr(full_disk())
        .output();
    assert_eq!(output.unwrap().status.code(), Some(3));
}

#[test]
fn a_failing_command_closes() {
    let refused = |status| {
        let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
        server.faults().add(When::always(), Fault::status(status));
        server
    };
    let page = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    page.put("x.zarr/zarr.json", "{ this is no JSON");
    for (server, code) in [
        (refused(404), 3),
        (refused(401), 4),
        (refused(403), 4),
        (page, 5),
        (refused(503), 8),
        (refused(400), 10),
    ] {
        let began = Instant::now();
        let child = waiting(&server, &["ls", "-o", "retries=0"], || true);
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert!(ended.stderr.starts_with("error["), "{ended:?}");
        assert_closed_what_was_open(&ended, began, code, &server);
    }
}

#[test]
fn the_whole_command_has_a_time() {
    let server = hanging();
    let time = Duration::from_millis(300);
    let began = Instant::now() + time;
    let child = waiting(&server, &["ls", "--timeout", "300ms"], || true);
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert!(
        ended.stderr.starts_with("error[timeout]: not done within 300ms"),
        "{ended:?}"
    );
    assert_orderly(&ended, began, 8, &server);
}

#[test]
fn a_panic_closes_and_is_one_line() {
    let server = many_groups(1);
    let url = server.base_url();
    for verb in ["ls", "show", "tree"] {
        let began = Instant::now();
        let child = start(&[verb, "--x-panic", "--io-stats", &url], Stdio::piped());
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert!(
            ended
                .stderr
                .starts_with("error[internal]: a bug in zarr-cli: asked for by --x-panic"),
            "{ended:?}"
        );
        assert_eq!(ended.stderr.lines().count(), 3, "{ended:?}");
        assert_closed_what_was_open(&ended, began, 10, &server);
    }
}
