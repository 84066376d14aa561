//! Sessions without I/O threads, whose calls run in the hands of their callers: a caller who does not poll holds up nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::future::pending;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use zarr_fs::session::{CallContext, CallKind, Client, CloseError, Lease, Session, SessionOptions};
use zarr_fs::testing::Stall;
use zarr_fs::{Error, FileSystem, Outcome, Path};

struct Nothing;

impl Client for Nothing {
    fn filesystem(_: Lease<Self>) -> Box<dyn FileSystem> {
        unreachable!("these tests use leases as they are")
    }
}

fn lease(drain: Duration, concurrency: usize) -> Lease<Nothing> {
    let options = SessionOptions::default()
        .with_drain(drain)
        .with_concurrency(concurrency);
    let session = Session::local("local", options, Arc::new(Nothing));
    session.lease(Location::caller()).unwrap()
}

/// A lease with one permit, for which its calls wait as those of a server do.
fn lease_with_one_permit(drain: Duration) -> Lease<Nothing> {
    let options = SessionOptions::default()
        .with_drain(drain)
        .with_concurrency(1)
        .with_stall(Stall::new());
    let session = Session::local("local", options, Arc::new(Nothing));
    session.lease(Location::caller()).unwrap()
}

fn at() -> Path {
    Path::parse("a").unwrap()
}

/// Tells when it is dropped: stands for a descriptor.
#[derive(Default)]
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn is_closed<T>(answer: &zarr_fs::Result<T>, wanted: Outcome) -> bool {
    matches!(answer, Err(Error::Closed { outcome, .. }) if *outcome == wanted)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);
/// Far less than [`LONG`], far more than a busy machine needs.
const SHORT_OF_LONG: Duration = Duration::from_secs(15);

#[test]
fn a_cut_call_that_is_not_polled_gives_back_what_it_holds() {
    let lease = lease_with_one_permit(SHORT);
    let path = at();
    let held = Held::default();
    let let_go = Arc::clone(&held.0);
    let mut hangs = lease
        .run("pipe_file", &path, CallKind::Write, |_| async move {
            pending::<()>().await;
            drop(held);
            Ok(())
        })
        .boxed();
    assert!(hangs.as_mut().now_or_never().is_none());
    let mut waits = lease
        .run("info", &path, CallKind::Read, |_| async { Ok(()) })
        .boxed();
    assert!(waits.as_mut().now_or_never().is_none(), "there is one permit");
    let report = block_on(lease.close()).unwrap();
    assert_eq!((report.calls_cut, report.calls_drained), (2, 0));
    assert!(let_go.load(Ordering::SeqCst), "before close returns");
    assert!(is_closed(&block_on(hangs), Outcome::Unknown));
    assert!(is_closed(&block_on(waits), Outcome::NotStarted));
}

#[test]
fn what_waits_for_a_permit_and_is_not_polled_is_not_drained() {
    let lease = lease_with_one_permit(LONG);
    let other = lease.share(Location::caller()).unwrap();
    let path = at();
    let mut hangs = other
        .run("info", &path, CallKind::Read, |_| {
            pending::<zarr_fs::Result<()>>()
        })
        .boxed();
    assert!(hangs.as_mut().now_or_never().is_none());
    let mut waits = lease
        .run("info", &path, CallKind::Read, |_| async { Ok(()) })
        .boxed();
    assert!(waits.as_mut().now_or_never().is_none());
    let began = Instant::now();
    assert_eq!(block_on(lease.close()).unwrap().calls_cut, 1);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(is_closed(&block_on(waits), Outcome::NotStarted));
    drop(hangs);
    assert!(block_on(other.close()).unwrap().session_ended);
}

#[test]
fn blocking_calls_that_are_not_polled_keep_nobody_waiting() {
    let lease = lease(LONG, 2);
    let handle = lease.handle();
    let path = at();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let call = || {
        let count = Arc::clone(&count);
        handle
            .offload("info", &path, CallKind::Read, move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            })
            .boxed()
    };
    runtime.block_on(async {
        let mut begun: Vec<_> = (0..20).map(|_| call()).collect();
        // The first may be done in a moment.
        begun.retain_mut(|call| call.as_mut().now_or_never().is_none());
        tokio::time::timeout(SHORT_OF_LONG, call())
            .await
            .expect("its turn comes though nobody polls the others")
            .unwrap();
        join_all(begun).await.into_iter().for_each(Result::unwrap);
        assert_eq!(count.load(Ordering::SeqCst), 21);
        lease.close().await.unwrap();
    });
}

#[test]
fn a_blocking_call_that_is_given_up_before_its_turn_does_not_run() {
    let lease = lease(LONG, 1);
    let handle = lease.handle();
    let path = at();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let ran = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let mut first = handle
            .offload("info", &path, CallKind::Read, move |_| {
                wait.recv().unwrap();
                Ok(())
            })
            .boxed();
        assert!(first.as_mut().now_or_never().is_none());
        let (run, given) = (Arc::clone(&ran), Arc::new(()));
        let gift = Arc::clone(&given);
        let mut second = handle
            .offload("info", &path, CallKind::Read, move |_| {
                run.store(true, Ordering::SeqCst);
                drop(gift);
                Ok(())
            })
            .boxed();
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(Arc::strong_count(&given), 2);
        drop(second);
        assert_eq!(Arc::strong_count(&given), 1, "what it was given goes with it");
        go.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(lease.close().await.unwrap().calls_cut, 0);
    });
    assert!(!ran.load(Ordering::SeqCst));
}

#[test]
fn a_blocking_call_may_make_others_where_there_is_no_runtime() {
    let (outer, inner) = (lease(LONG, 1), lease(LONG, 1));
    let (path, inner_handle) = (at(), inner.handle());
    let (sender, nested) = mpsc::channel();
    // In a thread, so that a hang fails.
    let calls = std::thread::spawn(move || {
        let work = move |_: &Nothing| {
            let path = at();
            let call = inner_handle.offload("info", &path, CallKind::Read, |_| Ok(7));
            call.boxed()
                .now_or_never()
                .expect("it is done where it is polled")
        };
        let handle = outer.handle();
        sender
            .send(block_on(handle.offload("info", &path, CallKind::Read, work)))
            .unwrap();
        block_on(outer.close()).unwrap();
    });
    assert_eq!(nested.recv_timeout(SHORT_OF_LONG).unwrap().unwrap(), 7);
    calls.join().unwrap();
    block_on(inner.close()).unwrap();
}

/// A wait within a wait: a producer's own back-off, say.
async fn park_twice(inner: impl Future<Output = &'static str>) -> zarr_fs::Result<&'static str> {
    CallContext::parked(async { CallContext::parked(inner).await }).await?
}

#[test]
fn a_parked_call_may_park_again() {
    let lease = lease(LONG, 1);
    let path = at();
    let twice = lease.run("cat_file", &path, CallKind::Read, |_| async {
        let first = park_twice(std::future::ready("first")).await?;
        // It is with the network again: it can be parked anew.
        Ok((first, park_twice(std::future::ready("second")).await?))
    });
    assert_eq!(block_on(twice).unwrap(), ("first", "second"));
    let mut hangs = lease
        .run("cat_file", &path, CallKind::Read, |_| park_twice(pending()))
        .boxed();
    assert!(hangs.as_mut().now_or_never().is_none());
    let report = block_on(lease.close()).unwrap();
    assert_eq!((report.calls_cut, report.calls_drained), (1, 0));
    assert!(report.elapsed < SHORT_OF_LONG, "it waits for nothing that drains");
    assert!(is_closed(&block_on(hangs), Outcome::Cut));
}

#[test]
fn a_half_read_stream_that_is_not_polled_is_cut_at_once() {
    let lease = lease(LONG, 8);
    let held = Held::default();
    let let_go = Arc::clone(&held.0);
    let path = at();
    let opened = lease.open_stream("cat_stream", &path, |_, head, sink| async move {
        head.send(());
        for number in 0.. {
            sink.send(number).await?;
        }
        drop(held);
        Ok(())
    });
    let ((), mut items) = block_on(opened).unwrap();
    assert_eq!(block_on(items.next()).unwrap().unwrap(), 0);
    let began = Instant::now();
    assert_eq!(block_on(lease.close()).unwrap().calls_cut, 1);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(let_go.load(Ordering::SeqCst), "before close returns");
    let rest: Vec<_> = block_on(items.collect());
    let (last, had) = rest.split_last().unwrap();
    assert!(is_closed(last, Outcome::Cut) && had.iter().all(Result::is_ok));
}

#[test]
fn a_dropped_lease_takes_what_its_streams_hold() {
    let lease = lease(LONG, 8);
    let held = Held::default();
    let let_go = Arc::clone(&held.0);
    let path = at();
    let opened = lease.open_stream(
        "cat_stream",
        &path,
        |_, head, _sink: zarr_fs::session::Sink<()>| async move {
            head.send(());
            pending::<()>().await;
            drop(held);
            Ok(())
        },
    );
    let ((), items) = block_on(opened).unwrap();
    drop(lease);
    assert!(let_go.load(Ordering::SeqCst));
    let rest: Vec<_> = block_on(items.collect());
    assert!(matches!(rest.as_slice(), [last] if is_closed(last, Outcome::Cut)));
}

/// Blocks until it is told to go on, as a read from a hung disk.
fn blocks() -> (
    mpsc::Sender<()>,
    impl FnOnce(&Nothing) -> zarr_fs::Result<u8> + Send + 'static,
) {
    let (go_on, told) = mpsc::channel();
    (go_on, move |_: &Nothing| {
        let _ = told.recv();
        Ok(7)
    })
}

#[tokio::test]
async fn a_blocking_call_drains_even_if_it_is_not_polled() {
    let lease = lease(LONG, 8);
    let path = at();
    let (go_on, work) = blocks();
    let handle = lease.handle();
    let mut call = handle.offload("cat_file", &path, CallKind::Read, work).boxed();
    assert!(call.as_mut().now_or_never().is_none());
    let mut close = lease.close().boxed();
    assert!(close.as_mut().now_or_never().is_none(), "it is in flight");
    go_on.send(()).unwrap();
    assert_eq!(close.await.unwrap().calls_drained, 1);
    assert_eq!(call.await.unwrap(), 7);
}

#[tokio::test]
async fn a_cut_blocking_call_is_answered_at_once_and_lasts_until_it_ends() {
    let lease = lease(SHORT, 8);
    let path = at();
    let handle = lease.handle();
    let (go_on, work) = blocks();
    let call = async {
        let answer = handle.offload("pipe_file", &path, CallKind::Write, work).await;
        assert!(is_closed(&answer, Outcome::Unknown));
        go_on.send(()).unwrap();
    };
    // The call begins first; that the close succeeds shows that it waited for the blocking part, which ends later.
    let ((), closed) = futures::join!(call, lease.close());
    assert_eq!(closed.unwrap().calls_cut, 1);
}

#[tokio::test]
async fn a_blocking_call_that_never_ends_is_named_by_close() {
    let lease = lease(SHORT, 8);
    let path = at();
    let handle = lease.handle();
    let (_go_on, work) = blocks();
    let call = handle.offload("pipe_file", &path, CallKind::Write, work);
    let (answer, closed) = futures::join!(call, lease.close());
    assert!(is_closed(&answer, Outcome::Unknown));
    match closed {
        Err(CloseError::Stuck { stuck, .. }) => assert_eq!(stuck, ["pipe_file a"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_of_a_dropped_lease_that_never_ends_is_named_too() {
    let options = SessionOptions::default().with_drain(SHORT);
    for other_closes in [true, false] {
        let session = Session::local("local", options.clone(), Arc::new(Nothing));
        let lease = session.lease(Location::caller()).unwrap();
        let dropped = session.lease(Location::caller()).unwrap();
        let (path, handle) = (at(), dropped.handle());
        let (go_on, work) = blocks();
        let (runs, running) = mpsc::channel();
        let work = move |nothing: &Nothing| {
            runs.send(()).unwrap();
            work(nothing)
        };
        let mut call = handle.offload("cat_file", &path, CallKind::Read, work).boxed();
        assert!(call.as_mut().now_or_never().is_none());
        running.recv_timeout(SHORT_OF_LONG).unwrap();
        let stuck = if other_closes {
            drop(dropped);
            lease.close().await
        } else {
            lease.close().await.unwrap();
            drop(dropped);
            let all = tokio::time::timeout(SHORT_OF_LONG, session.close_all()).await;
            all.expect("bounded").pop().unwrap()
        };
        match stuck {
            Err(CloseError::Stuck { stuck, .. }) => assert_eq!(stuck, ["cat_file a"]),
            other => panic!("{other:?}"),
        }
        assert!(is_closed(&call.await, Outcome::Cut));
        go_on.send(()).unwrap();
    }
}

#[test]
fn blocking_calls_need_no_runtime_and_survive_a_panic() {
    let lease = lease(SHORT, 8);
    let handle = lease.handle();
    let path = at();
    let fine = handle.offload("info", &path, CallKind::Read, |_| Ok(7));
    assert_eq!(block_on(fine).unwrap(), 7);
    let broken = handle.offload("info", &path, CallKind::Read, |_| -> zarr_fs::Result<()> {
        panic!("boom")
    });
    assert!(matches!(block_on(broken), Err(Error::Backend { .. })));
    block_on(lease.close()).unwrap();
}
