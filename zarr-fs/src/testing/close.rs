//! `close`, clause by clause. Clause f is in [`nothing_left`](super::nothing_left).

use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use futures::{FutureExt, StreamExt, stream};

use super::check::{assert_closed, assert_unsupported, wait_for};
use super::harness::{AT_ONCE, Case, Harness, LONG_DRAIN, SHORT_DRAIN};
use super::read::pattern;
use super::run::current_thread;
use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::error::{Error, Outcome};
use crate::ext::FileSystemExt;
use crate::filesystem::FileSystem;
use crate::session::SessionOptions;

/// (a) After a close every call is refused, nothing is sent, and no new lease is given.
pub async fn a_call_after_close_is_refused<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open();
    let found = fs.find(&path);
    let reader = fs.blocking_reader();
    fs.close().await.unwrap();
    let sent = fs.io_stats().requests;
    let not_started = Outcome::NotStarted;
    assert_closed(fs.info(&path).await, not_started);
    assert_closed(fs.cat_file(&path, CatOptions::default()).await, not_started);
    assert_closed(
        fs.cat_ranges(&path, &[0..1], CatRangesOptions::default()).await,
        not_started,
    );
    assert_closed(
        fs.cat_ranges(&path, &[], CatRangesOptions::default()).await,
        not_started,
    );
    assert_closed(fs.cat_stream(&path, CatOptions::default()).await, not_started);
    assert_closed(
        fs.pipe_file(&path, "y".into(), PipeOptions::default()).await,
        not_started,
    );
    let pieces = stream::iter([Ok("y".into())]).boxed();
    assert_closed(
        fs.pipe_stream(&path, pieces, PipeOptions::default()).await,
        not_started,
    );
    assert_closed(
        fs.cp_file(&path, &case.path("b"), WriteMode::Overwrite).await,
        not_started,
    );
    assert_closed(fs.rm_file(&path).await, not_started);
    assert_closed(fs.ls(&case.path("")).await, not_started);
    assert_closed(fs.share(), not_started);
    for mut found in [found, fs.find(&case.path(""))] {
        assert_closed(found.next().await.expect("an error, no silent end"), not_started);
        assert!(found.next().await.is_none());
    }
    if let Some(reader) = reader {
        assert_closed(
            reader.read(&path, &CatOptions::default(), &mut Vec::new()),
            not_started,
        );
    }
    assert_eq!(fs.io_stats().requests, sent);
}

/// (a) A call that had begun and not started is refused at once, while one that had started goes on.
pub async fn a_call_that_has_not_started_is_refused<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_with(
        SessionOptions::default()
            .with_drain(LONG_DRAIN)
            .with_concurrency(1),
    );
    let hang = case.harness.hang();
    let mut started = fs.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut started).await;
    let mut begun = fs.cat_file(&path, CatOptions::default());
    assert!(begun.as_mut().now_or_never().is_none());
    let mut close = fs.close();
    assert!(close.as_mut().now_or_never().is_none(), "a call is under way");
    assert_closed(begun.await, Outcome::NotStarted);
    assert!(started.as_mut().now_or_never().is_none(), "it drains");
    drop(hang);
    let (started, report) = join(started, close).await;
    assert_eq!(started.unwrap().bytes, "x");
    let report = report.unwrap();
    assert_eq!((report.calls_drained, report.calls_cut), (1, 1));
}

/// (b) Calls that wait for an answer finish, if it comes within the drain time; close waits for them.
pub async fn close_lets_calls_finish<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(LONG_DRAIN);
    let hang = case.harness.hang();
    let mut reads = join_all((0..3).map(|_| fs.cat_file(&path, CatOptions::default())));
    case.until_held(&*hang, 3, &mut reads).await;
    let mut close = fs.close();
    assert!(close.as_mut().now_or_never().is_none(), "calls are under way");
    drop(hang);
    let (reads, report) = join(reads, close).await;
    for read in reads {
        assert_eq!(read.unwrap().bytes, "x");
    }
    let report = report.unwrap();
    assert_eq!((report.calls_drained, report.calls_cut), (3, 0));
    assert!(report.elapsed < AT_ONCE, "{report:?}");
}

/// (b) What outlasts the drain time is cut: a read says so, a write says that its outcome is unknown.
pub async fn close_cuts_what_outlasts_the_drain_time<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut read).await;
    let new = case.path("new");
    let mut write = fs.pipe_file(&new, "y".into(), PipeOptions::default());
    if case.writes() {
        case.until_held(&*hang, 2, &mut write).await;
    }
    let ((read, write), report) = join(join(read, write), fs.close()).await;
    assert_closed(read, Outcome::Cut);
    let report = report.unwrap();
    if case.writes() {
        assert_closed(write, Outcome::Unknown);
        assert_eq!((report.calls_drained, report.calls_cut), (0, 2));
    } else {
        assert_unsupported(write);
        assert_eq!((report.calls_drained, report.calls_cut), (0, 1));
    }
    assert!(report.elapsed >= SHORT_DRAIN, "{report:?}");
}

/// (b) A stream that waits for its consumer is cut at once; it yields what it had, then one `Closed`, and ends.
pub async fn close_ends_a_half_read_stream<H: Harness>(case: &Case<H>) {
    let data = pattern(24 << 20);
    let path = case.seed("large", data.clone());
    let fs = case.open_draining(LONG_DRAIN);
    let mut pieces = fs.cat_stream(&path, CatOptions::default()).await.unwrap().bytes;
    let mut read = pieces.next().await.unwrap().unwrap().to_vec();
    // A remote one reads ahead until its queue is full; then it waits for us.
    let began = Instant::now();
    let report = fs.close().await.unwrap();
    assert!(began.elapsed() < AT_ONCE, "{report:?}");
    assert_eq!(report.calls_cut, 1);
    let mut end = None;
    while let Some(piece) = pieces.next().await {
        assert!(end.is_none(), "after `Closed` nothing follows");
        match piece {
            Ok(piece) => read.extend_from_slice(&piece),
            Err(error) => end = Some(error),
        }
    }
    assert_closed::<()>(Err(end.expect("no silent end")), Outcome::Cut);
    assert!(read.len() < data.len() && read == data[..read.len()]);
}

/// (b) A listing under way is cut at once, and says so.
pub async fn close_ends_an_open_listing<H: Harness>(case: &Case<H>) {
    let count = 200;
    for index in 0..count {
        case.seed(&format!("l/{index}"), "x");
    }
    let fs = case.open_draining(LONG_DRAIN);
    let mut found = fs.find(&case.path("l"));
    let first = found.next().await.expect("an item or an error");
    if !case.lists() {
        assert_unsupported(first);
        fs.close().await.unwrap();
        return;
    }
    first.unwrap();
    let began = Instant::now();
    assert_eq!(fs.close().await.unwrap().calls_cut, 1);
    assert!(began.elapsed() < AT_ONCE);
    let mut rest: Vec<_> = found.collect().await;
    assert_closed(rest.pop().expect("no silent end"), Outcome::Cut);
    assert!(rest.len() + 1 < count && rest.iter().all(Result::is_ok));
}

/// (b) An upload that waits for its producer is cut at once; of what was sent nothing stays.
pub async fn close_ends_an_upload_and_tidies_up<H: Harness>(case: &Case<H>) {
    let path = case.path("upload");
    let fs = case.open_draining(LONG_DRAIN);
    let sent = pattern(case.harness.part_bytes() + (1 << 20));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let asked = std::sync::Arc::new(asked);
    let counter = std::sync::Arc::clone(&asked);
    // The second question is asked once the first answer is dealt with, and is never answered.
    let endless = stream::poll_fn(
        move |_| match counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => std::task::Poll::Ready(Some(Ok(sent.clone()))),
            _ => std::task::Poll::Pending,
        },
    );
    let mut upload = fs.pipe_stream(&path, endless.boxed(), PipeOptions::default());
    if !case.writes() {
        assert_unsupported(upload.await);
        fs.close().await.unwrap();
        return;
    }
    let asks = wait_for("the producer is asked again", || {
        asked.load(std::sync::atomic::Ordering::SeqCst) > 1
    });
    futures::future::select(&mut upload, std::pin::pin!(asks)).await;
    let began = Instant::now();
    let (upload, report) = join(upload, fs.close()).await;
    assert_closed(upload, Outcome::Unknown);
    assert!(
        report.is_ok() && began.elapsed() < AT_ONCE,
        "{report:?} {:?}",
        began.elapsed()
    );
    assert_eq!(case.harness.unfinished_uploads().unwrap_or(0), 0);
    let fs = case.open();
    assert!(!fs.exists(&path).await.unwrap());
    if case.lists() {
        assert!(fs.find_all(&case.path("")).await.unwrap().is_empty());
    }
    fs.close().await.unwrap();
}

/// (b) A call that waits to try again is cut at once.
pub async fn close_ends_a_call_in_back_off<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(LONG_DRAIN);
    if let Some(faults) = case.harness.fail() {
        let mut read = fs.cat_file(&path, CatOptions::default());
        case.until_held(&*faults, 1, &mut read).await;
        let began = Instant::now();
        let (read, report) = join(read, fs.close()).await;
        assert_closed(read, Outcome::Cut);
        assert_eq!(report.unwrap().calls_cut, 1);
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        return;
    }
    assert!(!case.is_remote(), "a harness with a server makes it fail");
    // Without a server nothing is tried again.
    assert_eq!(fs.cat(&path).await.unwrap(), "x");
    fs.close().await.unwrap();
}

/// (c) Any number of closes may be made, at once and after each other: each returns when the lease's calls have ended, and
/// says the same.
pub async fn close_may_be_called_by_many_and_again<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut read).await;
    let began = Instant::now();
    let close = || async {
        let report = fs.close().await.unwrap();
        assert!(
            began.elapsed() >= SHORT_DRAIN,
            "it returned while a call was under way"
        );
        report
    };
    let (reports, read) = join(join_all((0..10).map(|_| close())), read).await;
    assert_closed(read, Outcome::Cut);
    let again = fs.close().await.unwrap();
    assert!(again.session_ended && again.calls_cut == 1);
    assert!(reports.iter().all(|report| *report == again), "{reports:?}");
}

/// (d) A close whose future is dropped goes on; the next one joins it.
pub async fn a_dropped_close_goes_on<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut read).await;
    assert!(fs.close().now_or_never().is_none(), "a call is under way");
    assert_closed(fs.info(&path).await, Outcome::NotStarted);
    // Nobody drives the close now, and still it cuts the call.
    assert_closed(read.await, Outcome::Cut);
    let report = fs.close().await.unwrap();
    assert_eq!((report.calls_drained, report.calls_cut), (0, 1));
    assert!(report.session_ended);
}

/// (e) Used and closed under an executor that is no runtime.
pub async fn works_without_any_runtime<H: Harness>(case: &Case<H>) {
    assert!(
        tokio::runtime::Handle::try_current().is_err(),
        "this case runs without one"
    );
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    assert_eq!(fs.cat(&path).await.unwrap(), "x");
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut read).await;
    let report = fs.close().await.unwrap();
    assert!(report.session_ended && report.calls_cut == 1);
    assert_closed(read.await, Outcome::Cut);
}

/// (e) Used in one runtime, closed in another one.
pub async fn closes_in_another_runtime<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let (first, second) = (current_thread(), current_thread());
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    first.block_on(case.until_held(&*hang, 1, &mut read));
    let report = second.block_on(fs.close()).unwrap();
    assert!(report.session_ended && report.calls_cut == 1);
    assert_closed(first.block_on(read), Outcome::Cut);
}

/// (e) The runtime it was used in is gone, with a call under way.
pub async fn closes_after_its_runtime_is_gone<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let runtime = current_thread();
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    runtime.block_on(case.until_held(&*hang, 1, &mut read));
    drop(runtime);
    let report = fs.close().await.unwrap();
    assert!(report.session_ended && report.calls_cut == 1);
    assert_closed(read.await, Outcome::Cut);
}

/// (e) The runtime it was used in is there and idle: nobody polls it.
pub async fn closes_while_its_runtime_is_idle<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let runtime = current_thread();
    let hang = case.harness.hang();
    let mut read = fs.cat_file(&path, CatOptions::default());
    runtime.block_on(case.until_held(&*hang, 1, &mut read));
    let report = fs.close().await.unwrap();
    assert!(report.session_ended && report.calls_cut == 1);
    drop(runtime);
    assert_closed(read.await, Outcome::Cut);
}

/// (e) The runtime it was used in is blocked.
pub async fn closes_while_its_runtime_is_blocked<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open_draining(SHORT_DRAIN);
    let hang = case.harness.hang();
    let (held, is_held) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let (user, path, hang) = (&fs, &path, &*hang);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(move || {
            let mut read = user.cat_file(path, CatOptions::default());
            current_thread().block_on(async {
                case.until_held(hang, 1, &mut read).await;
                held.send(()).unwrap();
                may_go_on.recv().unwrap();
                read.await
            })
        });
        is_held.recv().unwrap();
        let report = current_thread().block_on(fs.close()).unwrap();
        assert!(report.session_ended && report.calls_cut == 1);
        go_on.send(()).unwrap();
        assert_closed(blocked.join().unwrap(), Outcome::Cut);
    });
}

/// (g) The report says what the session did: nothing, or dialled and drained.
pub async fn the_report_says_what_was_done<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let unused = case.open();
    let report = unused.close().await.unwrap();
    assert_eq!(
        (report.connections_opened, report.calls_drained, report.calls_cut),
        (0, 0, 0)
    );
    assert!(report.session_ended);
    let used = case.open();
    used.cat(&path).await.unwrap();
    let report = used.close().await.unwrap();
    assert_eq!(report.connections_opened > 0, case.is_remote());
    assert_eq!(report.connections_opened, used.io_stats().connections_opened);
    // A call that was just answered may count as drained: its end comes after its answer.
    assert_eq!(report.calls_cut, 0);
    assert!(report.session_ended && report.elapsed < AT_ONCE);
}

/// (h) Whatever hangs, close returns within the drain time and a second.
pub async fn close_is_bounded<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let large = case.seed("large", pattern(8 << 20));
    let fs = case.open_draining(SHORT_DRAIN);
    let streams = fs.cat_stream(&large, CatOptions::default()).await.unwrap();
    let hang = case.harness.hang();
    let mut reads = join_all((0..8).map(|_| fs.cat_file(&path, CatOptions::default())));
    case.until_held(&*hang, 8, &mut reads).await;
    let began = Instant::now();
    // The calls are not polled: close depends on nobody.
    let report = fs.close().await.unwrap();
    let bound = SHORT_DRAIN + Duration::from_secs(1);
    assert!(began.elapsed() < bound, "{:?} {report:?}", began.elapsed());
    assert_eq!(report.calls_cut, 9);
    drop(streams);
    for read in reads.await {
        assert_closed(read, Outcome::Cut);
    }
}

/// (i) Closing a lease that is not the last ends its own calls only; the session goes with the last one.
pub async fn closing_one_lease_leaves_the_other_working<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let large = case.seed("large", pattern(8 << 20));
    let first = case.open_draining(SHORT_DRAIN);
    let second = first.share().unwrap();
    let mut pieces = second
        .cat_stream(&large, CatOptions::default())
        .await
        .unwrap()
        .bytes;
    let mut read = pieces.next().await.unwrap().unwrap().len();
    let hang = case.harness.hang();
    let mut own = first.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 1, &mut own).await;
    let mut other = second.cat_file(&path, CatOptions::default());
    case.until_held(&*hang, 2, &mut other).await;
    let (own, report) = join(own, first.close()).await;
    assert_closed(own, Outcome::Cut);
    let report = report.unwrap();
    assert_eq!((report.calls_cut, report.session_ended), (1, false));
    assert_closed(first.share(), Outcome::NotStarted);
    assert!(
        other.as_mut().now_or_never().is_none(),
        "the other lease's call goes on"
    );
    drop(hang);
    assert_eq!(other.await.unwrap().bytes, "x");
    while let Some(piece) = pieces.next().await {
        read += piece.unwrap().len();
    }
    assert_eq!(read, 8 << 20, "the other lease's stream goes on");
    let third = second.share().unwrap();
    assert!(!second.close().await.unwrap().session_ended);
    assert_eq!(third.cat(&path).await.unwrap(), "x");
    assert!(third.close().await.unwrap().session_ended);
}

/// A panic in the caller's stream is an error of that call; the filesystem works on and closes.
pub async fn a_panic_in_a_producer_is_an_error_of_its_call<H: Harness>(case: &Case<H>) {
    let path = case.seed("a", "x");
    let fs = case.open();
    let panics = stream::poll_fn(|_| panic!("the producer panics"));
    let failed = fs
        .pipe_stream(&case.path("b"), panics.boxed(), PipeOptions::default())
        .await;
    if case.writes() {
        assert!(matches!(failed, Err(Error::Backend { .. })), "{failed:?}");
    } else {
        assert_unsupported(failed);
    }
    assert_eq!(fs.cat(&path).await.unwrap(), "x");
    fs.close().await.unwrap();
}
