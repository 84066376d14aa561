//! Sessions with real sockets, without any backend: the machinery alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zarr_fs::session::{
    CallContext, CallKind, Client, CloseError, Lease, Session, SessionOptions, UnclosedLog, UnclosedPolicy,
};
use zarr_fs::{Error, FileSystem, Outcome, Path};

/// A client whose calls open a socket to a server that accepts and never answers.
struct Dialler {
    server: SocketAddr,
}

impl Client for Dialler {
    fn filesystem(_: Lease<Self>) -> Box<dyn FileSystem> {
        unreachable!("these tests use leases as they are")
    }
}

struct Fixture {
    listener: TcpListener,
    session: Session<Dialler>,
    log: UnclosedLog,
}

impl Fixture {
    fn new(drain: Duration, concurrency: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let log = UnclosedLog::new();
        let options = SessionOptions::default()
            .with_drain(drain)
            .with_concurrency(concurrency)
            .with_unclosed(UnclosedPolicy::Strict(log.clone()));
        Self {
            listener,
            session: Session::new("test", options, move |_| Ok(Dialler { server })),
            log,
        }
    }

    #[track_caller]
    fn lease(&self) -> Lease<Dialler> {
        self.session.lease(Location::caller()).unwrap()
    }

    /// Sockets of this process that are connected to the server, the server's own ends not counted.
    fn sockets(&self) -> usize {
        let port = self.listener.local_addr().unwrap().port();
        let mine: HashSet<String> = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter_map(|link| {
                Some(
                    link.to_str()?
                        .strip_prefix("socket:[")?
                        .strip_suffix(']')?
                        .to_owned(),
                )
            })
            .collect();
        let suffix = format!(":{port:04X}");
        std::fs::read_to_string("/proc/self/net/tcp")
            .unwrap()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.len() > 9 && row[2].ends_with(&suffix) && mine.contains(row[9]))
            .count()
    }
}

/// Dials and waits for an answer that never comes.
async fn hang(client: Arc<Dialler>) -> zarr_fs::Result<()> {
    let mut socket = tokio::net::TcpStream::connect(client.server).await.unwrap();
    socket.write_all(b"?").await.unwrap();
    let _ = socket.read_u8().await;
    Ok(())
}

fn at() -> Path {
    Path::parse("a").unwrap()
}

async fn wait_until(mut ready: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(10);
    while !ready() {
        assert!(Instant::now() < limit, "the condition never held");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn threads_named(name: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim_end() == name)
        .count()
}

#[tokio::test]
async fn close_cuts_what_hangs_and_leaves_no_socket() {
    let fixture = Fixture::new(Duration::from_millis(100), 8);
    let lease = fixture.lease();
    let path = at();
    let calls =
        futures::future::join_all((0..4).map(|_| lease.run("cat_file", &path, CallKind::Write, hang)));
    let close = async {
        wait_until(|| fixture.sockets() == 4).await;
        let report = lease.close().await.unwrap();
        assert_eq!(fixture.sockets(), 0, "at the moment close returns");
        report
    };
    let (outcomes, report) = futures::join!(calls, close);
    assert_eq!((report.calls_cut, report.calls_drained), (4, 0));
    assert!(report.session_ended);
    for outcome in outcomes {
        assert!(
            matches!(
                outcome,
                Err(Error::Closed {
                    outcome: Outcome::Unknown,
                    ..
                })
            ),
            "{outcome:?}"
        );
    }
    let after = lease.run("cat_file", &path, CallKind::Read, hang).await;
    assert!(matches!(
        after,
        Err(Error::Closed {
            outcome: Outcome::NotStarted,
            ..
        })
    ));
    assert_eq!(
        lease.close().await.unwrap(),
        report,
        "a second close says the same"
    );
}

#[test]
fn closes_without_any_executor_of_its_own() {
    let fixture = Fixture::new(Duration::from_millis(50), 8);
    let lease = fixture.lease();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let path = at();
        let mut call = Box::pin(lease.run("cat_file", &path, CallKind::Read, hang));
        futures::future::select(&mut call, Box::pin(wait_until(|| fixture.sockets() == 1))).await;
    });
    drop(runtime);
    block_on(lease.close()).unwrap();
    assert_eq!(fixture.sockets(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_gone_after_close() {
    // The socket is kept by a task of its own, as an HTTP pool keeps one.
    let fixture = Fixture::new(Duration::from_secs(5), 8);
    let lease = fixture.lease();
    lease
        .run("cat_file", &at(), CallKind::Read, |client| async move {
            let socket = tokio::net::TcpStream::connect(client.server).await.unwrap();
            drop(tokio::runtime::Handle::current().spawn(async move {
                let mut socket = socket;
                let _ = socket.read_u8().await;
            }));
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(fixture.sockets(), 1);
    let began = Instant::now();
    lease.close().await.unwrap();
    assert_eq!(fixture.sockets(), 0);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "nothing to drain, nothing to wait for"
    );
}

#[tokio::test]
async fn one_lease_closes_and_the_other_works_on() {
    let fixture = Fixture::new(Duration::from_millis(50), 8);
    let (a, b) = (fixture.lease(), fixture.lease());
    let path = at();
    let mut hanging = Box::pin(b.run("cat_file", &path, CallKind::Read, hang));
    futures::future::select(&mut hanging, Box::pin(wait_until(|| fixture.sockets() == 1))).await;
    let report = a.close().await.unwrap();
    assert!(!report.session_ended);
    assert!(hanging.as_mut().now_or_never().is_none(), "b's call still hangs");
    assert_eq!(
        b.run("info", &path, CallKind::Read, |_| async { Ok(7) })
            .await
            .unwrap(),
        7
    );
    let c = b.share(Location::caller()).unwrap();
    let (closed, call) = futures::join!(b.close(), hanging);
    assert_eq!(closed.unwrap().calls_cut, 1);
    assert!(matches!(call, Err(Error::Closed { .. })));
    assert!(c.close().await.unwrap().session_ended);
    assert_eq!(fixture.sockets(), 0);
}

#[tokio::test]
async fn what_waits_for_a_permit_or_in_back_off_is_cut_at_once() {
    let fixture = Fixture::new(Duration::from_secs(60), 1);
    let lease = fixture.lease();
    let path = at();
    let parked = lease.run("cat_file", &path, CallKind::Read, |_| async {
        let context = CallContext::current().expect("runs in a call");
        context.park(tokio::time::sleep(Duration::from_secs(600))).await
    });
    let waiting = lease.run("info", &path, CallKind::Read, |_| async { Ok(()) });
    let mut both = Box::pin(async { futures::join!(parked, waiting) });
    let is_parked = wait_until(|| threads_named("zarr-io-0") >= 1);
    futures::future::select(&mut both, Box::pin(is_parked)).await;
    futures::future::select(&mut both, Box::pin(tokio::time::sleep(Duration::from_millis(20)))).await;
    let began = Instant::now();
    let (report, (parked, waiting)) = futures::join!(lease.close(), both);
    assert!(began.elapsed() < Duration::from_secs(5), "no drain time for them");
    assert!(
        matches!(
            parked,
            Err(Error::Closed {
                outcome: Outcome::Cut,
                ..
            })
        ),
        "{parked:?}"
    );
    assert!(
        matches!(
            waiting,
            Err(Error::Closed {
                outcome: Outcome::NotStarted,
                ..
            })
        ),
        "{waiting:?}"
    );
    assert_eq!(report.unwrap().calls_cut, 2);
}

#[tokio::test]
async fn a_close_that_was_dropped_goes_on_and_is_joined() {
    let fixture = Fixture::new(Duration::from_millis(100), 8);
    let lease = fixture.lease();
    let path = at();
    let mut call = Box::pin(lease.run("cat_file", &path, CallKind::Read, hang));
    futures::future::select(&mut call, Box::pin(wait_until(|| fixture.sockets() == 1))).await;
    assert!(lease.close().now_or_never().is_none());
    let refused = lease.run("cat_file", &path, CallKind::Read, hang).await;
    assert!(matches!(
        refused,
        Err(Error::Closed {
            outcome: Outcome::NotStarted,
            ..
        })
    ));
    let (one, two, _) = futures::join!(lease.close(), lease.close(), call);
    assert_eq!(one.unwrap().calls_cut, 1);
    assert_eq!(two.unwrap().calls_cut, 1);
    assert_eq!(fixture.sockets(), 0);
}

#[tokio::test]
async fn a_stuck_io_thread_is_named_and_close_stays_bounded() {
    let fixture = Fixture::new(Duration::from_millis(100), 8);
    let lease = fixture.lease();
    let path = at();
    let blocks = lease.run("cat_file", &path, CallKind::Read, |_| async {
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    });
    let close = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        let closed = lease.close().await;
        assert!(
            began.elapsed() < Duration::from_millis(1150),
            "drain + 1 s, took {:?}",
            began.elapsed()
        );
        closed
    };
    let (answer, closed) = futures::join!(blocks, close);
    assert!(
        matches!(answer, Err(Error::Closed { .. })),
        "answered although its thread is stuck"
    );
    match closed {
        Err(CloseError::Stuck { stuck, .. }) => assert_eq!(stuck, ["cat_file a", "thread zarr-io-0"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_panic_in_a_call_is_that_calls_error() {
    let fixture = Fixture::new(Duration::from_millis(50), 8);
    let lease = fixture.lease();
    let path = at();
    let failed = lease.run("cat_file", &path, CallKind::Read, |_| async {
        panic!("boom") as zarr_fs::Result<()>
    });
    let error = failed.await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        matches!(error, Error::Backend { .. }) && source.contains("boom"),
        "{source}"
    );
    lease
        .run("cat_file", &path, CallKind::Read, |_| async { Ok(()) })
        .await
        .unwrap();
    lease.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_waits_for_its_consumer_is_cut_at_once_and_says_so() {
    let fixture = Fixture::new(Duration::from_secs(60), 8);
    let lease = fixture.lease();
    let (head, mut items) = lease
        .open_stream("cat_stream", &at(), |_, head, sink| async move {
            head.send("head");
            for number in 0.. {
                sink.send(number).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(head, "head");
    assert_eq!(items.next().await.unwrap().unwrap(), 0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let began = Instant::now();
    lease.close().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    let rest: Vec<_> = items.collect().await;
    let (last, got) = rest.split_last().unwrap();
    assert!(matches!(last, Err(Error::Closed { .. })), "{last:?}");
    assert!(
        !got.is_empty()
            && got
                .iter()
                .zip(1..)
                .all(|(item, number)| *item.as_ref().unwrap() == number)
    );
}

#[tokio::test]
async fn a_stream_that_ends_ends_in_silence_and_its_error_comes_last() {
    let fixture = Fixture::new(Duration::from_secs(1), 8);
    let lease = fixture.lease();
    let fine = lease.stream("find", &at(), |_, sink| async move {
        for number in 0..5 {
            sink.send(number).await?;
        }
        Ok(())
    });
    assert_eq!(
        fine.map(Result::unwrap).collect::<Vec<_>>().await,
        [0, 1, 2, 3, 4]
    );
    let here = lease.at("find", &at());
    let broken = lease.stream("find", &at(), |_, sink| async move {
        sink.send(1).await?;
        Err(Error::NotFound {
            at: here,
            source: None,
        })
    });
    let items: Vec<_> = broken.collect().await;
    assert!(
        matches!(items.as_slice(), [Ok(1), Err(Error::NotFound { .. })]),
        "{items:?}"
    );
    lease.close().await.unwrap();
}

#[tokio::test]
async fn dropped_without_close_it_warns_with_the_place_and_lets_go() {
    let fixture = Fixture::new(Duration::from_secs(60), 8);
    let line = line!() + 1;
    let lease = fixture.lease();
    let path = at();
    lease
        .run("info", &path, CallKind::Read, |_| async { Ok(()) })
        .await
        .unwrap();
    let (_, stream) = lease
        .open_stream("cat_stream", &path, |client, head, sink| async move {
            let socket = tokio::net::TcpStream::connect(client.server).await.unwrap();
            head.send(());
            sink.send(1).await?;
            std::future::pending::<()>().await;
            drop(socket);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(fixture.sockets(), 1);
    drop(lease);
    let entries = fixture.log.entries();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].opened_at.file().ends_with("session.rs"));
    assert_eq!(entries[0].opened_at.line(), line);
    wait_until(|| fixture.sockets() == 0).await;
    let items: Vec<_> = stream.collect().await;
    assert!(
        matches!(items.as_slice(), [Ok(1), Err(Error::Closed { .. })]),
        "{items:?}"
    );
}

#[tokio::test]
async fn an_upload_that_is_cut_is_tidied_up() {
    let fixture = Fixture::new(Duration::from_millis(50), 8);
    let lease = fixture.lease();
    let path = at();
    let tidied = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = Arc::clone(&tidied);
    let upload = lease.run("pipe_stream", &path, CallKind::Write, move |client| async move {
        CallContext::current().unwrap().on_cut(move || {
            Box::pin(async move {
                flag.store(true, std::sync::atomic::Ordering::SeqCst);
                Err("the server does not answer".into())
            })
        });
        hang(client).await
    });
    let close = async {
        wait_until(|| fixture.sockets() == 1).await;
        lease.close().await
    };
    let (upload, closed) = futures::join!(upload, close);
    assert!(matches!(
        upload,
        Err(Error::Closed {
            outcome: Outcome::Unknown,
            ..
        })
    ));
    assert!(tidied.load(std::sync::atomic::Ordering::SeqCst));
    let error = closed.unwrap_err();
    assert!(matches!(error, CloseError::Failed { .. }), "{error}");
    assert_eq!(fixture.sockets(), 0);
}

/// Of many futures a combinator polls some, and a consumer of a stream none while it does something else: a turn that comes to
/// one of the others must not be lost for all.
/// What `work` gives within ten seconds.
fn soon<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(10), work).await };
    runtime.block_on(limited).expect("it takes no ten seconds")
}

#[test]
fn a_call_that_begins_to_wait_under_a_close_is_cut_at_once() {
    let fixture = Fixture::new(Duration::from_secs(600), 1);
    let lease = fixture.lease();
    let path = at();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let mut upload = Box::pin(lease.run("pipe_stream", &path, CallKind::Write, |_| async {
        let _ = wait.await;
        // Refused; what it does then (tidying up, say) must not last for ever.
        assert!(CallContext::parked(async {}).await.is_err());
        std::future::pending::<()>().await;
        Ok(())
    }));
    assert!(upload.as_mut().now_or_never().is_none());
    soon(async {
        let mut close = Box::pin(lease.close());
        assert!(close.as_mut().now_or_never().is_none());
        go.send(()).unwrap();
        // Well before the drain time is over.
        let (answer, closed) = futures::future::join(upload, close).await;
        assert!(
            matches!(
                answer,
                Err(Error::Closed {
                    outcome: Outcome::Unknown,
                    ..
                })
            ),
            "{answer:?}"
        );
        assert_eq!(closed.unwrap().calls_cut, 1);
    });
}

#[test]
fn a_caller_that_does_not_poll_keeps_nobody_waiting() {
    let fixture = Fixture::new(Duration::from_secs(1), 1);
    let lease = fixture.lease();
    let path = at();
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let mut first = Box::pin(lease.run("cat_file", &path, CallKind::Read, |_| async {
        let _ = wait.await;
        Ok(())
    }));
    let mut second = Box::pin(lease.run("cat_file", &path, CallKind::Read, |_| async { Ok(()) }));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    let mut third = Box::pin(lease.run("cat_file", &path, CallKind::Read, |_| async { Ok(()) }));
    assert!(third.as_mut().now_or_never().is_none());
    go.send(()).unwrap();
    // Its turn comes though nobody polls the second.
    soon(third).unwrap();
    block_on(async {
        second.await.unwrap();
        first.await.unwrap();
        lease.close().await.unwrap();
    });
}
