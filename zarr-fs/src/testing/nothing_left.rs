//! Clause f of `close`: when the last lease's close returns, nothing is left. Each case in a child process.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::{join, join_all};

use super::check::assert_closed;
use super::harness::{AT_ONCE, Case, Harness, LONG_DRAIN, SHORT_DRAIN};
use super::leak::{Snapshot, assert_no_leak, assert_settled};
use super::read::pattern;
use crate::call_options::CatOptions;
use crate::error::Outcome;
use crate::ext::FileSystemExt;
use crate::filesystem::FileSystem;
use crate::path::Path;
use crate::session::{SessionOptions, UnclosedLog, UnclosedPolicy};

/// What the process holds once everything has been used that stays: the server, the blocking pool of this runtime.
async fn start<H: Harness>(case: &Case<H>, path: &Path) -> Snapshot {
    // As many at once as the cases have, so that the pool of the caller's runtime has its threads.
    let fs = case.open();
    for read in join_all((0..8).map(|_| fs.cat(path))).await {
        read.unwrap();
    }
    fs.close().await.unwrap();
    if case.is_remote() {
        server_sees_none(case);
    }
    Snapshot::take()
}

/// The server's own count of open connections comes to 0, soon.
#[track_caller]
fn server_sees_none<H: Harness>(case: &Case<H>) {
    let limit = Instant::now() + Duration::from_secs(1);
    while case.harness.open_connections().unwrap_or(0) > 0 {
        assert!(Instant::now() < limit, "the server sees open connections");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A session that is remote holds sockets while it is open: or the probe would see nothing anyway.
fn assert_seen<H: Harness>(case: &Case<H>) {
    if case.is_remote() {
        let now = Snapshot::take();
        assert!(
            now.sockets_to(&case.harness.ports()) > 0,
            "the probe is blind: {now}"
        );
        assert!(now.threads_named("zarr-io") > 0, "the probe is blind: {now}");
    }
}

/// Connections that idle in a pool are gone at the moment close returns.
pub async fn of_an_idle_session_nothing_is_left<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let start = start(case, &path).await;
    let fs = case.open();
    for read in join_all((0..8).map(|_| fs.cat(&path))).await {
        read.unwrap();
    }
    assert_seen(case);
    let report = fs.close().await.unwrap();
    assert_no_leak(&start, &case.harness.ports());
    assert!(report.session_ended);
    server_sees_none(case);
}

/// So are those of calls that a server does not answer.
pub async fn of_calls_that_hang_nothing_is_left<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let start = start(case, &path).await;
    let fs = case.open_draining(SHORT_DRAIN);
    let hang = case.harness.hang();
    let mut reads = join_all((0..4).map(|_| fs.cat_file(&path, CatOptions::default())));
    case.until_held(&*hang, 4, &mut reads).await;
    assert_seen(case);
    let report = fs.close().await.unwrap();
    assert_no_leak(&start, &case.harness.ports());
    assert_eq!(report.calls_cut, 4);
    for read in reads.await {
        assert_closed(read, Outcome::Cut);
    }
    drop(hang);
    server_sees_none(case);
}

/// So is what a stream holds that is half read.
pub async fn of_a_half_read_stream_nothing_is_left<H: Harness>(case: &Case<H>) {
    let path = case.seed("large", pattern(24 << 20));
    let start = start(case, &path).await;
    let fs = case.open_draining(LONG_DRAIN);
    let mut pieces = fs.cat_stream(&path, CatOptions::default()).await.unwrap().bytes;
    pieces.next().await.unwrap().unwrap();
    let mut found = fs.find(&case.path(""));
    let _ = found.next().await;
    assert_seen(case);
    fs.close().await.unwrap();
    // The streams are still in our hands.
    assert_no_leak(&start, &case.harness.ports());
    drop((pieces, found));
    server_sees_none(case);
}

/// A session that is dropped without close lets go in the background, and the warning names the place that opened it.
pub async fn of_a_session_dropped_unclosed_nothing_is_left<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let start = start(case, &path).await;
    let log = UnclosedLog::new();
    let options = SessionOptions::default().with_unclosed(UnclosedPolicy::Strict(log.clone()));
    let line = line!() + 1;
    let fs = case.harness.open(options);
    let name = fs.name();
    fs.cat(&path).await.unwrap();
    let connections = fs.io_stats().connections_opened;
    assert_seen(case);
    let began = Instant::now();
    drop(fs);
    assert!(began.elapsed() < AT_ONCE);
    let entries = log.entries();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (entries[0].opened_at.file(), entries[0].opened_at.line()),
        (file!(), line)
    );
    assert_eq!(entries[0].connections_opened, connections);
    assert!(name.starts_with(&entries[0].filesystem), "{name} {entries:?}");
    server_sees_none(case);
    assert_settled(&start);
}

/// Many sessions, opened and closed in turn and at once, leave no more than one.
pub async fn of_many_sessions_nothing_is_left<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let start = start(case, &path).await;
    for _ in 0..10 {
        let (first, second) = (case.open(), case.open());
        let shared = first.share().unwrap();
        let (one, two) = join(shared.cat(&path), second.cat(&path)).await;
        assert_eq!((one.unwrap(), two.unwrap()), ("x".into(), "x".into()));
        first.close().await.unwrap();
        let (shared, second) = join(shared.close(), second.close()).await;
        assert!(shared.unwrap().session_ended && second.unwrap().session_ended);
        assert_no_leak(&start, &case.harness.ports());
    }
    server_sees_none(case);
}
