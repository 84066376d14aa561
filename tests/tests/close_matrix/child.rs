//! The client's side of a cell.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use zarr_fs::object_store::{HttpVersion, RetryPolicy, TransportOptions};
use zarr_fs::options::Options;
use zarr_fs::session::SessionOptions;
use zarr_fs::{CatOptions, Error, FileSystem, Path, PipeOptions};
use zarr_gcs::GcsConfig;
use zarr_tests::probe::{self, Holdings};

use crate::cell::{CA_VARIABLE, CLOSED, Cell, Close, DRAIN_MS, Owner, Situation, URL_VARIABLE, Wire};

type Fs = Arc<dyn FileSystem>;
/// A call under way: its future has been polled and is not done.
type Pending = BoxFuture<'static, Result<(), Error>>;

/// Beyond the drain time, close may take this long.
const BOUND: Duration = Duration::from_secs(1);

fn open(cell: Cell) -> (Fs, u16) {
    let url = std::env::var(URL_VARIABLE).expect("set by the parent");
    let port = url
        .rsplit(':')
        .next()
        .and_then(|port| port.trim_end_matches('/').parse().ok())
        .expect("a port");
    let mut options = Options::new();
    options.set_text("endpoint_url", &url).unwrap();
    let version = match cell.wire {
        Wire::Http1 | Wire::Http1Tls => HttpVersion::Http1,
        Wire::Http2 => HttpVersion::Http2PriorKnowledge,
        Wire::Http2Tls => HttpVersion::Http2,
    };
    let transport = TransportOptions::default()
        .with_http_version(version)
        .with_trust_env(false)
        .with_retry(
            RetryPolicy::default()
                .with_base(Duration::from_secs(20))
                .with_retry_time(Duration::from_secs(600)),
        )
        .with_root_certificates(std::env::var(CA_VARIABLE).expect("set by the parent").as_bytes())
        .unwrap();
    let fs = GcsConfig::new("gs://b")
        .with_options(options)
        .with_anonymous()
        .with_transport(transport)
        .with_session_options(SessionOptions::default().with_drain(Duration::from_millis(DRAIN_MS)))
        .open()
        .unwrap();
    (Arc::new(fs), port)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// What a call must come to, once close has answered it.
fn begin(cell: Cell, fs: &Fs) -> Option<Pending> {
    let fs = Arc::clone(fs);
    Some(match cell.situation {
        Situation::Idle => return None,
        Situation::GetHangs | Situation::Connecting | Situation::BackOff => {
            async move { fs.cat_file(&path("small"), CatOptions::default()).await.map(drop) }.boxed()
        }
        Situation::Listing => async move { fs.ls(&Path::root()).await.map(drop) }.boxed(),
        Situation::HalfRead => async move {
            let mut stream = fs.cat_stream(&path("large"), CatOptions::default()).await?.bytes;
            let mut taken = 0;
            while let Some(piece) = stream.next().await {
                taken += piece?.len();
            }
            panic!("a stream that was cut ended in silence after {taken} bytes");
        }
        .boxed(),
        Situation::Upload => async move {
            let pieces = futures::stream::repeat_with(|| Ok(Bytes::from(vec![7_u8; 1 << 20])));
            fs.pipe_stream(&path("upload"), pieces.take(64).boxed(), PipeOptions::default())
                .await
                .map(drop)
        }
        .boxed(),
    })
}

/// Whether the call is as far as its situation says.
fn is_under_way(cell: Cell, fs: &Fs, port: u16) -> bool {
    let stats = fs.io_stats();
    let sockets = probe::sockets_to(&[port]).expect("a Linux /proc").len();
    match cell.situation {
        Situation::Idle => true,
        Situation::Connecting => sockets > 0,
        Situation::GetHangs | Situation::Listing => sockets > 0 && stats.requests > 0,
        Situation::HalfRead => stats.bytes_received > 1 << 19,
        // The answer is in: what is left is the waiting.
        Situation::BackOff => stats.requests > 0 && stats.bytes_received > 0,
        Situation::Upload => stats.bytes_sent >= 8 << 20,
    }
}

/// Ready once `condition` holds, on any executor: it looks again and again, and lets others run between.
async fn until(mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(15);
    futures::future::poll_fn(|context| {
        if condition() {
            return Poll::Ready(());
        }
        assert!(Instant::now() < limit, "the situation was never reached");
        std::thread::sleep(Duration::from_millis(1));
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Uses the filesystem until the situation is reached.
async fn reach(cell: Cell, fs: Fs, port: u16) -> Option<Pending> {
    let Some(mut pending) = begin(cell, &fs) else {
        let reads = (0..4).map(|_| async { fs.cat_file(&path("small"), CatOptions::default()).await });
        for read in futures::future::join_all(reads).await {
            assert_eq!(read.unwrap().bytes.len(), 1000);
        }
        assert!(
            !probe::sockets_to(&[port]).unwrap().is_empty(),
            "connections are kept"
        );
        return None;
    };
    let reached = std::pin::pin!(until(|| is_under_way(cell, &fs, port)));
    match futures::future::select(&mut pending, reached).await {
        futures::future::Either::Left((done, _)) => panic!("the call ended by itself: {done:?}"),
        futures::future::Either::Right(_) => {}
    }
    Some(pending)
}

async fn close(how: Close, fs: &Fs) {
    match how {
        Close::Once | Close::WhileACallStarts => {
            fs.close().await.unwrap();
        }
        Close::Twice => {
            let first = fs.close().await.unwrap();
            assert_eq!(fs.close().await.unwrap(), first, "the second close says the same");
        }
        Close::TenAtOnce => {
            let closes = futures::future::join_all((0..10).map(|_| fs.close())).await;
            assert!(closes.iter().all(Result::is_ok), "{closes:?}");
        }
        Close::Dropped => {
            // One poll begins it; with nothing to wait for it may even be done.
            drop(fs.close().now_or_never());
            fs.close().await.unwrap();
        }
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a future to its end somewhere.
fn drive<T>(runtime: Option<&Runtime>, future: impl Future<Output = T>) -> T {
    match runtime {
        Some(runtime) => runtime.block_on(future),
        None => futures::executor::block_on(future),
    }
}

pub(crate) fn run(cell: Cell) {
    // Where a crate of the build uses tokio's signals, the first runtime of a process makes a pair of descriptors that
    // tokio keeps for the whole process: they belong to no session.
    drop(current_thread());
    // What the test itself holds during close is made before the holdings are counted.
    let opening = match cell.owner {
        Owner::Same | Owner::Another | Owner::Idle => Some(current_thread()),
        Owner::Gone | Owner::None => None,
    };
    let closing = match cell.owner {
        Owner::Another | Owner::Gone | Owner::Idle => Some(current_thread()),
        Owner::Same | Owner::None => None,
    };
    let before = Holdings::now().expect("a Linux /proc");
    let (fs, port) = open(cell);

    let pending = match cell.owner {
        Owner::Gone => {
            let runtime = current_thread();
            let mut pending = runtime.block_on(reach(cell, Arc::clone(&fs), port));
            drop(runtime);
            // The call is awaited elsewhere from now on: until then its future holds a waker of the runtime that is gone,
            // and with it that runtime's descriptors.
            if let Some(pending) = &mut pending {
                let polled = drive(closing.as_ref(), async { futures::poll!(pending) });
                assert!(polled.is_pending(), "{polled:?}");
            }
            pending
        }
        Owner::Same | Owner::Another | Owner::Idle | Owner::None => {
            drive(opening.as_ref(), reach(cell, Arc::clone(&fs), port))
        }
    };
    let closer = match cell.owner {
        Owner::Same => opening.as_ref(),
        Owner::Another | Owner::Gone | Owner::Idle => closing.as_ref(),
        Owner::None => None,
    };
    // Calls that begin while close does are refused, or answered as the situation says: they never hang.
    let stop = Arc::new(AtomicBool::new(false));
    let starter = (cell.close == Close::WhileACallStarts).then(|| {
        let (fs, stop) = (Arc::clone(&fs), Arc::clone(&stop));
        let (begun, begins) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let _ = begun.send(());
            while !stop.load(Ordering::Relaxed) {
                match futures::executor::block_on(fs.info(&path("other"))) {
                    Err(Error::Closed { .. }) => return,
                    Err(Error::NotFound { .. } | Error::Unavailable { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        begins.recv().expect("it began");
        thread
    });

    let began = Instant::now();
    drive(closer, close(cell.close, &fs));
    let took = began.elapsed();
    // At the moment close returns, and not later.
    let sockets = probe::sockets_to(&[port]).expect("a Linux /proc");
    let after = Holdings::now().expect("a Linux /proc");
    assert!(sockets.is_empty(), "sockets are left: {sockets:?}");
    let of_session = |name: &&String| name.starts_with("zarr-");
    assert_eq!(
        after.threads.iter().filter(of_session).count(),
        0,
        "threads are left: {:?}",
        after.threads
    );
    if starter.is_none() {
        assert!(
            after.descriptors <= before.descriptors,
            "descriptors: {} before, {} after",
            before.descriptors,
            after.descriptors
        );
    }
    assert!(
        took <= Duration::from_millis(DRAIN_MS) + BOUND,
        "close took {took:?}"
    );

    stop.store(true, Ordering::Relaxed);
    if let Some(starter) = starter {
        starter
            .join()
            .expect("calls during close were refused or answered");
    }
    if let Some(pending) = pending {
        let began = Instant::now();
        let answer = drive(closer, pending);
        assert!(matches!(answer, Err(Error::Closed { .. })), "{answer:?}");
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "it had been answered by the close"
        );
    }
    let refused = drive(closer, fs.cat_file(&path("small"), CatOptions::default()));
    assert!(matches!(refused, Err(Error::Closed { .. })), "{refused:?}");
    // Idle threads of a blocking pool have 100 ms.
    if let Err(held) = before.wait(Duration::from_millis(100)) {
        panic!("held before: {before:?}, after: {held:?}");
    }
    println!("{CLOSED}");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    drop((opening, closing));
}
