//! The proxy between a real client and the in-process HTTP server, and bare sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{Fate, FaultProxy, Link, RandomFates};
use crate::client::client;
use crate::http::{HttpServer, Mode};
use crate::{ServerOptions, TestCa};

const LIMIT: Duration = Duration::from_secs(10);
const SIZE: usize = 1 << 20;

fn start() -> (HttpServer, FaultProxy) {
    let server = HttpServer::start(Mode::NoIndex(404));
    server.put("big", vec![b'x'; SIZE]);
    server.put("small", "x");
    let proxy = FaultProxy::start(server.addr());
    (server, proxy)
}

/// Sends one request and reads to the end: all the bytes, the time of the last, and how it ended.
fn fetch(addr: SocketAddr, path: &str) -> (Vec<u8>, Duration, Result<(), ErrorKind>) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let start = Instant::now();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (mut bytes, mut last) = (Vec::new(), Duration::ZERO);
    if let Err(error) = stream.write_all(request.as_bytes()) {
        return (bytes, last, Err(error.kind()));
    }
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, last, Ok(())),
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                last = start.elapsed();
            }
            Err(error) => return (bytes, last, Err(error.kind())),
        }
    }
}

#[test]
fn what_passes_is_unchanged_and_counted() {
    let (server, proxy) = start();
    let (bytes, _, ended) = fetch(proxy.addr(), "big");
    assert_eq!(ended, Ok(()));
    let body = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(bytes.len() - body, SIZE);
    assert!(bytes[body..].iter().all(|&byte| byte == b'x'));
    assert_eq!(proxy.bytes().1, bytes.len() as u64);
    assert_eq!(
        (proxy.accepted_connections(), proxy.wait_for_connections(0, LIMIT)),
        (1, Ok(()))
    );
    assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
}

#[test]
fn a_delay_does_not_eat_bandwidth() {
    let (_server, proxy) = start();
    let round_trip = Duration::from_millis(100);
    proxy.set(Link::round_trip(round_trip));
    let (bytes, took, ended) = fetch(proxy.addr(), "big");
    assert!(ended.is_ok() && bytes.len() > SIZE);
    // In 16 KiB steps that each wait, it would take 64 round trips.
    assert!(took >= round_trip && took < round_trip * 16, "{took:?}");
}

#[test]
fn bandwidth_is_what_it_is_set_to() {
    let (_server, proxy) = start();
    proxy.set(Link::new().bandwidth(4 << 20));
    let (bytes, took, _) = fetch(proxy.addr(), "big");
    assert!(
        bytes.len() > SIZE && took >= Duration::from_millis(200),
        "a quarter of a second at least, nearly: {took:?}"
    );
}

#[test]
fn each_fate_is_met_after_its_bytes() {
    let (server, proxy) = start();
    let run = |fate: Fate| {
        proxy.next(&Link::fate(fate), 1);
        let (bytes, _, ended) = fetch(proxy.addr(), "big");
        (bytes.len(), ended)
    };
    assert_eq!(run(Fate::CloseAfter(5000)), (5000, Ok(())));
    assert_eq!(
        run(Fate::ResetAfter(5000)),
        (5000, Err(ErrorKind::ConnectionReset))
    );
    let (length, ended) = run(Fate::StallAfter(5000));
    assert_eq!(length, 5000);
    assert!(
        matches!(ended, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{ended:?}"
    );
    let (length, ended) = run(Fate::Refuse);
    assert_eq!((length, ended.is_err()), (0, true));
    // Queued fates are used up.
    assert!(run(Fate::Pass).0 > SIZE);
    assert_eq!(
        proxy.wait_for_connections(0, LIMIT),
        Ok(()),
        "a stalled one too, once the client has gone"
    );
    assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
}

#[test]
fn a_drip_is_slow_but_complete() {
    let (_server, proxy) = start();
    let whole = fetch(proxy.addr(), "small").0.len() as u64;
    proxy.set(Link::fate(Fate::DripAfter(whole - 10, Duration::from_millis(20))));
    let (bytes, took, ended) = fetch(proxy.addr(), "small");
    assert_eq!((bytes.len() as u64, ended), (whole, Ok(())));
    assert!(took >= Duration::from_millis(9 * 20), "{took:?}");
}

#[test]
fn random_fates_are_repeatable() {
    let draw = |seed| {
        let mut fates = RandomFates::new(seed, 0.5, 1000, Duration::from_millis(10));
        (0..100).map(|_| fates.draw()).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let links = draw(3);
    let with = |is: fn(&Fate) -> bool| links.iter().filter(|link| is(&link.fate)).count();
    assert!((30..70).contains(&with(|fate| *fate == Fate::Pass)));
    for is in [
        |fate: &Fate| *fate == Fate::Refuse,
        |fate: &Fate| matches!(fate, Fate::ResetAfter(..1000)),
        |fate: &Fate| matches!(fate, Fate::CloseAfter(..1000)),
        |fate: &Fate| matches!(fate, Fate::StallAfter(..1000)),
        |fate: &Fate| matches!(fate, Fate::DripAfter(..1000, _)),
    ] {
        assert!(with(is) > 0, "{links:?}");
    }
}

#[test]
fn a_proxy_refuses_when_told_and_when_its_server_is_gone() {
    let (server, proxy) = start();
    drop(server);
    assert!(matches!(
        fetch(proxy.addr(), "small").2,
        Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    ));
    proxy.refuse();
    assert_eq!(
        TcpStream::connect(proxy.addr()).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn tls_and_http2_pass_through() {
    let ca = TestCa::new();
    let server = HttpServer::builder(Mode::NoIndex(404))
        .server(ServerOptions::default().tls(&ca))
        .start();
    server.put("k", "data");
    let proxy = FaultProxy::start(server.addr());
    let client = client(Some(&ca)).build().unwrap();
    let response = client
        .get(format!("{}/k", proxy.url(&server.url())))
        .send()
        .await
        .unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.text().await.unwrap(), "data");
}
