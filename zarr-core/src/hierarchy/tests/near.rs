//! Walks of a store that a thread of this machine reads.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _};

use super::*;
use crate::hierarchy::context::Context;
use crate::hierarchy::near::{Clock, ask};

fn stored(nodes: usize) -> Arc<Store> {
    let fs = MemoryFileSystem::new();
    let put = |key: String, value: &str| {
        block_on(fs.pipe(&Path::parse(key).unwrap(), value.to_owned())).unwrap();
    };
    put("zarr.json".to_owned(), GROUP_V3);
    for i in 0..nodes {
        put(format!("g{i:03}/zarr.json"), GROUP_V3);
        put(format!("g{i:03}/a/zarr.json"), ARRAY_V3);
    }
    put("broken/zarr.json".to_owned(), "{");
    put("no-node/other".to_owned(), "");
    Store::new(Box::new(fs), Path::root(), StoreOptions::default())
}

#[test]
fn a_walk_by_blocking_reads_finds_what_one_by_requests_finds() {
    let store = stored(150);
    let members = block_on(root_group(&store).members(usize::MAX)).unwrap();
    let paths: Vec<String> = members.nodes().map(|node| node.path().to_string()).collect();
    assert_eq!(paths.len(), 300);
    let mut expected: Vec<String> = (0..150).map(|i| format!("/g{i:03}")).collect();
    expected.extend((0..150).map(|i| format!("/g{i:03}/a")));
    assert_eq!(paths, expected);
    let others: Vec<_> = known(members)
        .into_iter()
        .filter(|member| !matches!(member, Member::Node(_)))
        .collect();
    assert!(
        matches!(others.as_slice(), [Member::Broken(broken)] if broken.path == "/broken"),
        "{others:?}"
    );
    close(&store);
}

#[test]
fn a_close_under_a_walk_ends_it_with_closed() {
    let store = stored(50);
    let group = root_group(&store);
    close(&store);
    let error = block_on(group.members(1)).unwrap_err();
    assert!(error.is_closed(), "{error}");
}

/// More than a walk asks for before the first answer: what is asked at once, and a batch that goes a little beyond.
const CHILDREN: usize = 600;
fn asked_before_an_answer() -> usize {
    width() + 64
}

/// The calls of a walk over [`CHILDREN`] groups whose clock is `clock`: by blocking reads, and by requests.
fn asked(clock: Clock) -> (usize, usize) {
    let children = (0..CHILDREN).map(|i| (format!("g{i:03}/zarr.json"), GROUP_V3.to_owned()));
    let root = [("zarr.json".to_owned(), GROUP_V3.to_owned())];
    let (store, control) = store_with(root.into_iter().chain(children));
    control.near();
    let options = WalkOptions::default().with_max_depth(1);
    let walk = root_group(&store).walk(options).timed_by(clock);
    control.take_log();
    let before = control.read_blocking();
    let found: Vec<Member> = block_on(walk.map(Result::unwrap).collect());
    let mut expected: Vec<String> = (0..CHILDREN).map(|i| format!("group /g{i:03}")).collect();
    expected.sort();
    assert_eq!(lines(&found), expected);
    let requests = control
        .take_log()
        .iter()
        .filter(|call| call.starts_with("get"))
        .count();
    let blocking = control.read_blocking() - before;
    close(&store);
    (blocking, requests)
}

fn stopped() -> Instant {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGUN
}

/// Each look at the clock is a second after the last one.
fn late() -> Instant {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    static LOOKS: AtomicU32 = AtomicU32::new(0);
    *BEGUN + Duration::from_secs(1) * LOOKS.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn a_store_that_answers_quickly_is_read_by_threads() {
    assert_eq!(asked(stopped), (CHILDREN, 0));
}

/// A mount of a network looks like a store of this machine until it answers.
#[test]
fn a_store_that_answers_slowly_is_asked_many_things_at_once() {
    let (blocking, requests) = asked(late);
    assert_eq!(blocking + requests, CHILDREN);
    assert!((1..=asked_before_an_answer()).contains(&blocking), "{blocking}");
}

/// The most questions that are under way at once when a node is opened.
fn at_once(clock: Clock) -> usize {
    let (store, control) = store_with([("zarr.json".to_owned(), GROUP_V3.to_owned())]);
    control.near();
    let context = Context::new(Arc::clone(&store), OpenOptions::default());
    let keys = ["zarr.json", ".zarray", ".zgroup", ".zattrs"].map(|key| Some(key.to_owned()));
    control.hold();
    let mut asking = Box::pin(ask(&context, keys, clock));
    let answers = loop {
        if let Some(answers) = asking.as_mut().now_or_never() {
            break answers;
        }
        assert!(control.release() > 0, "it waits for something else");
    };
    control.let_go();
    let found = answers.map(|answer| answer.map(|answer| answer.is_found()));
    assert_eq!(found, [Some(true), Some(false), Some(false), Some(false)]);
    close(&store);
    control.most_in_flight()
}

#[test]
fn opening_asks_at_once_only_where_the_answers_are_slow() {
    assert_eq!(at_once(stopped), 1);
    assert_eq!(at_once(late), 3);
}
