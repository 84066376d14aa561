//! The transport against servers that do exactly as a test says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::object_store::{Retry, RetryPolicy};

/// What a server does with a request, and then with the connection.
enum Reply {
    /// Answers, and goes on.
    Send(String),
    /// Answers, and closes.
    Close(String),
    /// Answers, and never does anything again.
    Hang(String),
}

struct Scripted {
    url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Answers the nth request (from 0) with `script(n, head)`.
    fn start(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/dir/file", listener.local_addr().unwrap())).unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (script, log) = (Arc::new(script), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || serve(stream.unwrap(), &*script, &log));
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, script: &dyn Fn(usize, &str) -> Reply, log: &Mutex<Vec<String>>) {
    while let Some(head) = read_request(&mut stream) {
        let n = {
            let mut log = log.lock().unwrap();
            log.push(head.clone());
            log.len() - 1
        };
        match script(n, &head) {
            Reply::Send(text) => stream.write_all(text.as_bytes()).unwrap(),
            Reply::Close(text) => return stream.write_all(text.as_bytes()).unwrap(),
            Reply::Hang(text) => {
                stream.write_all(text.as_bytes()).unwrap();
                std::thread::park();
            }
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(head)
}

fn ok(extra: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{extra}\r\n{body}",
        body.len()
    )
}

fn status(line: &str, extra: &str) -> String {
    format!("HTTP/1.1 {line}\r\ncontent-length: 4\r\n{extra}\r\nbusy")
}

fn options() -> TransportOptions {
    TransportOptions::default()
        .with_retry(RetryPolicy::default().with_base(Duration::from_millis(1)))
        .with_stall_timeout(Duration::from_millis(300))
}

fn transport(options: TransportOptions) -> (Transport, Arc<IoCounters>) {
    let counters = Arc::new(IoCounters::default());
    (Transport::new(options, &counters).unwrap(), counters)
}

fn get(url: &Url) -> Request {
    Request::new(Method::GET, url.clone())
}

async fn fetch(server: &Scripted) -> Result<Bytes, TransportError> {
    let (transport, _) = transport(options());
    transport
        .fetch(get(&server.url), 1 << 20)
        .await
        .map(|fetched| fetched.bytes)
}

#[tokio::test]
async fn transient_statuses_are_tried_again_and_counted() {
    let server = Scripted::start(|n, _| match n {
        0 => Reply::Send(status("503 Busy", "")),
        1 => Reply::Send(status("429 Slow", "")),
        2 => Reply::Close(String::new()),
        _ => Reply::Send(ok("", "data")),
    });
    let (transport, counters) = transport(options());
    let fetched = transport.fetch(get(&server.url), 100).await.unwrap();
    assert_eq!(fetched.bytes, "data");
    let stats = counters.snapshot();
    assert_eq!((stats.requests, stats.connections_opened), (4, 2));
    // Two error bodies of 4 bytes and the data.
    assert_eq!(stats.bytes_received, 12);
}

#[tokio::test]
async fn other_statuses_are_not() {
    for line in [
        "404 Not Found",
        "401 Who",
        "403 No",
        "412 Changed",
        "416 Beyond",
        "501 What",
        "410 Gone",
    ] {
        let server = Scripted::start(move |_, _| Reply::Send(status(line, "content-range: bytes */77\r\n")));
        let error = fetch(&server).await.unwrap_err();
        let Fault::Status(status) = error.fault() else {
            panic!("{error:?}")
        };
        assert_eq!(status.status.as_str(), &line[..3]);
        assert_eq!(status.size, line.starts_with("416").then_some(77));
        assert_eq!(server.heads().len(), 1, "{line}");
    }
}

#[tokio::test]
async fn the_budget_ends_and_says_how_often_it_tried() {
    let server = Scripted::start(|_, _| Reply::Send(status("503 Busy", "")));
    let error = fetch(&server).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(server.heads().len(), 6);
    assert!(
        error
            .to_string()
            .ends_with("503 Service Unavailable: busy (after 6 attempts)"),
        "{error}"
    );
}

#[tokio::test]
async fn retry_after_is_honoured_within_the_budget_only() {
    let server = Scripted::start(|n, _| match n {
        0 => Reply::Send(status("429 Slow", "retry-after: 1\r\n")),
        _ => Reply::Send(ok("", "data")),
    });
    let began = Instant::now();
    assert_eq!(fetch(&server).await.unwrap(), "data");
    assert!(began.elapsed() >= Duration::from_secs(1));

    let server = Scripted::start(|_, _| Reply::Send(status("429 Slow", "retry-after: 3600\r\n")));
    let began = Instant::now();
    let error = fetch(&server).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_write_is_tried_again_only_if_it_was_not_done() {
    let put = |server: &Scripted, retry| {
        Request::new(Method::PUT, server.url.clone())
            .with_body(Bytes::from_static(b"12345"))
            .with_retry(retry)
    };
    for (first, retry, attempts) in [
        ("503 Busy", Retry::IfNotDone, 1),
        ("429 Slow", Retry::IfNotDone, 2),
        ("503 Busy", Retry::Always, 2),
    ] {
        let server = Scripted::start(move |n, _| match n {
            0 => Reply::Send(status(first, "")),
            _ => Reply::Send(ok("", "")),
        });
        let (transport, counters) = transport(options());
        let sent = transport.send(put(&server, retry)).await;
        assert_eq!(server.heads().len(), attempts, "{first} {retry:?}");
        assert_eq!(sent.is_ok(), attempts == 2);
        assert_eq!(counters.snapshot().bytes_sent, 5 * attempts as u64);
        if let Ok(response) = sent {
            assert_eq!(response.in_doubt, first.starts_with("503"));
        }
    }
    // The answer to the first was lost: the refusal of the second may be the first one's doing.
    let server = Scripted::start(|n, _| match n {
        0 => Reply::Close(String::new()),
        _ => Reply::Send(status("412 Exists", "")),
    });
    let (transport, _) = transport(options());
    let error = transport.send(put(&server, Retry::Always)).await.unwrap_err();
    assert!(error.is_in_doubt());
    assert_eq!(error.status(), Some(StatusCode::PRECONDITION_FAILED));
}

#[tokio::test]
async fn a_broken_body_is_resumed_under_the_same_etag() {
    let server = Scripted::start(|n, head| match n {
        0 => Reply::Close("HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 10\r\n\r\n0123".to_owned()),
        1 => {
            assert!(
                head.contains("range: bytes=4-9") && head.contains("if-match: \"v1\""),
                "{head}"
            );
            Reply::Close(
                "HTTP/1.1 206 P\r\netag: \"v1\"\r\ncontent-range: bytes 4-9/10\r\ncontent-length: 6\r\n\r\n45".to_owned(),
            )
        }
        _ => {
            assert!(head.contains("range: bytes=6-9"), "{head}");
            Reply::Send(
                "HTTP/1.1 206 P\r\netag: \"v1\"\r\ncontent-range: bytes 6-9/10\r\ncontent-length: 4\r\n\r\n6789".to_owned(),
            )
        }
    });
    assert_eq!(fetch(&server).await.unwrap(), "0123456789");
    assert_eq!(server.heads().len(), 3);
}

#[tokio::test]
async fn a_body_that_changed_is_an_error_in_a_stream_and_read_anew_by_fetch() {
    let script = |n: usize, _: &str| match n {
        0 => Reply::Close("HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 10\r\n\r\n0123".to_owned()),
        1 => Reply::Send(status("412 Changed", "")),
        _ => Reply::Send(ok("etag: \"v2\"\r\n", "new")),
    };
    assert_eq!(fetch(&Scripted::start(script)).await.unwrap(), "new");

    let server = Scripted::start(script);
    let (transport, _) = transport(options());
    let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
    let mut got = Vec::new();
    let error = loop {
        match body.next().await {
            Ok(Some(piece)) => got.extend_from_slice(&piece),
            Ok(None) => panic!("a silent end"),
            Err(error) => break error,
        }
    };
    assert_eq!((got.as_slice(), error.fault()), (&b"0123"[..], &Fault::Changed));
    assert!(body.next().await.unwrap().is_none());
}

#[tokio::test]
async fn without_etag_a_short_body_is_read_anew_or_an_error() {
    let script = |n: usize, _: &str| match n {
        0 => Reply::Close("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123".to_owned()),
        _ => Reply::Send(ok("", "0123456789")),
    };
    assert_eq!(fetch(&Scripted::start(script)).await.unwrap(), "0123456789");

    let server = Scripted::start(script);
    let (transport, _) = transport(options());
    let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
    assert_eq!(body.next().await.unwrap().unwrap(), "0123");
    let error = body.next().await.unwrap_err();
    assert_eq!(
        *error.fault(),
        Fault::ShortBody {
            promised: 10,
            received: 4
        }
    );
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_stall_is_noticed_before_and_in_the_body() {
    for promise in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01"] {
        let server = Scripted::start(move |_, _| Reply::Hang(promise.to_owned()));
        let (transport, _) = transport(options().with_retry(RetryPolicy::never()));
        let began = Instant::now();
        let error = transport.fetch(get(&server.url), 100).await.unwrap_err();
        assert_eq!(*error.fault(), Fault::Stall);
        assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn what_is_not_http_is_called_so() {
    // A server of another protocol speaks first, or answers in its own way.
    for greeting in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{15}\u{3}\u{3}\0\u{2}\u{2}F"] {
        let server = Scripted::start(move |_, _| Reply::Close(greeting.to_owned()));
        let error = fetch(&server).await.unwrap_err();
        assert_eq!(*error.fault(), Fault::NotHttp, "{error}");
        assert!(error.to_string().contains("not HTTP"), "{error}");
        assert!(server.heads().len() > 1, "not tried again");
    }
}

#[tokio::test]
async fn more_than_was_announced_spoils_no_later_reply() {
    let server = Scripted::start(|n, _| {
        // A body after a reply that has none: the next reply on this connection begins with it.
        let rest = if n == 0 { "what nobody asked for" } else { "" };
        Reply::Send(format!("{}{rest}", ok("", "0123456789")))
    });
    let (transport, _) = transport(options());
    for _ in 0..2 {
        let fetched = transport.fetch(get(&server.url), 100).await.unwrap();
        assert_eq!(fetched.bytes, "0123456789");
    }
}

#[tokio::test]
async fn a_wrong_content_range_is_no_answer() {
    for range in [
        "content-range: bytes 0-3/10\r\n",
        "content-range: bytes 2-6/10\r\n",
        "",
    ] {
        let server = Scripted::start(move |_, _| {
            Reply::Send(format!("HTTP/1.1 206 P\r\n{range}content-length: 4\r\n\r\n2345"))
        });
        let (transport, _) = transport(options());
        let request = get(&server.url).with_header(header::RANGE, HeaderValue::from_static("bytes=2-5"));
        let error = transport.fetch(request, 100).await.unwrap_err();
        assert_eq!(*error.fault(), Fault::WrongRange, "{range}");
    }
}

#[tokio::test]
async fn no_connection_is_tried_again_even_for_writes() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (transport, counters) = transport(options().with_retry(RetryPolicy::default().with_retries(2)));
    let url = Url::parse(&format!("http://127.0.0.1:{port}/x")).unwrap();
    let error = transport.send(Request::new(Method::PUT, url)).await.unwrap_err();
    assert_eq!(*error.fault(), Fault::Connect);
    assert_eq!(counters.snapshot().connections_opened, 3);
    let url = Url::parse("http://no-such-host.invalid/x").unwrap();
    let error = transport.send(Request::new(Method::GET, url)).await.unwrap_err();
    assert_eq!(*error.fault(), Fault::Dns);
}

#[tokio::test]
async fn nothing_personal_follows_a_redirect_to_another_host() {
    let far = Scripted::start(|_, _| Reply::Send(ok("", "far")));
    let far_url = far.url.clone();
    let near = Scripted::start(move |_, head| {
        let to = if head.starts_with("get /dir/file ") {
            "/dir/moved".to_owned()
        } else {
            far_url.to_string()
        };
        Reply::Send(status("302 Elsewhere", &format!("location: {to}\r\n")))
    });
    let scoped = header_map("headers", [("X-Key", "k3y-value"), ("Cookie", "c00kie")]).unwrap();
    let (transport, _) = transport(options().with_headers(&near.url, scoped));
    let request = get(&near.url)
        .with_header(header::AUTHORIZATION, HeaderValue::from_static("Bearer t0ken"))
        .with_header(header::IF_MATCH, HeaderValue::from_static("\"v\""));
    let fetched = transport.fetch(request, 100).await.unwrap();
    assert_eq!((fetched.bytes.as_ref(), &fetched.url), (&b"far"[..], &far.url));
    assert_eq!(near.heads().len(), 2);
    for head in near.heads() {
        assert!(
            head.contains("k3y-value") && head.contains("c00kie") && head.contains("t0ken"),
            "{head}"
        );
    }
    let head = far.heads().remove(0);
    assert!(head.contains("if-match: \"v\""), "{head}");
    for secret in ["k3y-value", "c00kie", "t0ken"] {
        assert!(!head.contains(secret), "{head}");
    }
    // Scoped headers go to their origin only, asked for directly or not.
    transport.fetch(get(&far.url), 100).await.unwrap();
    assert!(!far.heads()[1].contains("k3y-value"));
}

#[tokio::test]
async fn redirects_end() {
    let circle = Scripted::start(|_, _| Reply::Send(status("301 Moved", "location: /dir/file\r\n")));
    let error = fetch(&circle).await.unwrap_err();
    assert_eq!(
        (error.fault(), circle.heads().len()),
        (&Fault::RedirectLoop("it leads in a circle"), 1)
    );
    let endless = Scripted::start(|n, _| Reply::Send(status("301 Moved", &format!("location: /{n}\r\n"))));
    let error = fetch(&endless).await.unwrap_err();
    assert_eq!(
        (error.fault(), endless.heads().len()),
        (&Fault::RedirectLoop("too many"), 11)
    );
    let written = Scripted::start(|_, _| Reply::Send(status("307 Moved", "location: /x\r\n")));
    let (transport, _) = transport(options());
    let put = Request::new(Method::PUT, written.url.clone());
    assert!(matches!(
        transport.send(put).await.unwrap_err().fault(),
        Fault::Redirect(_)
    ));
}

#[tokio::test]
async fn a_server_that_echoes_a_secret_does_not_make_us_show_it() {
    let server = Scripted::start(|_, _| {
        let body = "denied: Bearer t0ken-value\x1b[31m for key=s1gnature and k3y-value";
        Reply::Send(format!(
            "HTTP/1.1 403 No\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    });
    let mut url = server.url.clone();
    url.set_query(Some("key=s1gnature"));
    let scoped = header_map("headers", [("X-Key", "k3y-value")]).unwrap();
    let (transport, _) = transport(options().with_headers(&url, scoped));
    let mut token = HeaderValue::from_static("Bearer t0ken-value");
    token.set_sensitive(true);
    let request = get(&url).with_header(header::AUTHORIZATION, token);
    assert!(!format!("{request:?} {transport:?}").contains("t0ken"));
    let error = transport.fetch(request, 100).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("denied:") && !shown.contains('\x1b'), "{shown}");
    for secret in ["t0ken", "s1gnature", "k3y-value"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_reply_longer_than_its_reader_takes_is_refused() {
    let server = Scripted::start(|n, _| match n {
        0 => Reply::Send(ok("", "0123456789")),
        _ => Reply::Close("HTTP/1.1 200 OK\r\n\r\n0123456789".to_owned()),
    });
    let (transport, _) = transport(options());
    for _ in 0..2 {
        let error = transport.fetch(get(&server.url), 9).await.unwrap_err();
        assert_eq!(*error.fault(), Fault::TooLarge { limit: 9 });
    }
    assert_eq!(
        transport.fetch(get(&server.url), 10).await.unwrap().bytes,
        "0123456789"
    );
}

#[test]
fn certificates_are_pem_or_der() {
    assert!(TransportOptions::default().with_root_certificates(b"").is_err());
    assert!(
        TransportOptions::default()
            .with_root_certificates(b"nonsense")
            .is_err()
    );
    let broken = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    assert!(
        TransportOptions::default()
            .with_root_certificates(broken)
            .is_err()
    );
}
