//! Random arrays, regions and selections against an array in memory: over files, and over a bucket whose server fails.
//!
//! A write that fails says so as *unavailable*, which leaves open whether it was done: from then on its elements may be the
//! old or the new ones, until they are read. Nothing else may ever be read, and no other error may come.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

#[path = "../../zarr-core/tests/support/cases.rs"]
mod cases;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cases::{Case, Model, Step, case};
use futures::executor::block_on;
use proptest::test_runner::{Config, TestRunner};
use zarr_core::array::{Array, ReadOptions, Selection};
use zarr_core::hierarchy::{self, CreateMode, OpenOptions, create_array};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::object_store::{RetryPolicy, TransportOptions};
use zarr_fs::{FileSystem, LocalFileSystem, Path};
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::GcsServer;
use zarr_tests::{Fault, When};

const BUCKET: &str = "model";
/// Each request fails with this probability.
const CHANCE: f64 = 0.25;
/// How long the server may take to see that a client is gone.
const LIMIT: Duration = Duration::from_secs(10);

/// What has happened, over all cases.
#[derive(Debug, Default)]
struct Tally {
    writes: AtomicU64,
    failed_writes: AtomicU64,
    reads: AtomicU64,
    failed_reads: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Where the array lies.
trait Place {
    fn open(&self) -> Arc<Store>;
    /// Makes requests fail, or no longer.
    fn set_failing(&self, failing: bool);
    /// Returns when nothing that a closed store has sent can take effect any more.
    fn settle(&self);
}

fn store(fs: impl FileSystem) -> Arc<Store> {
    Store::new(Box::new(fs), Path::root(), StoreOptions::default().writable())
}

struct Folder(tempfile::TempDir);

impl Place for Folder {
    fn open(&self) -> Arc<Store> {
        store(LocalFileSystem::new(self.0.path()))
    }

    fn set_failing(&self, _failing: bool) {}

    fn settle(&self) {}
}

struct Bucket {
    server: GcsServer,
    seed: AtomicU64,
}

impl Place for Bucket {
    fn open(&self) -> Arc<Store> {
        let mut options = zarr_fs::Options::new();
        options.set("endpoint_url", self.server.url().into()).unwrap();
        let retry = RetryPolicy::default()
            .with_retries(1)
            .with_base(Duration::from_millis(1));
        let config = GcsConfig::new(format!("gs://{BUCKET}"))
            .with_anonymous()
            .with_options(options)
            .with_transport(TransportOptions::default().with_retry(retry));
        store(config.open().unwrap())
    }

    fn set_failing(&self, failing: bool) {
        self.server.faults().clear();
        if failing {
            let seed = self.seed.fetch_add(1, Ordering::Relaxed);
            let faults = vec![
                Fault::status(503),
                Fault::status(503).applied(),
                Fault::status(500),
                Fault::status(429),
                Fault::reset(),
                Fault::lost_answer(),
                Fault::reset_after(3),
                Fault::truncate(5),
            ];
            self.server
                .faults()
                .add_mix(When::always().chance(seed, CHANCE), faults);
        }
    }

    fn settle(&self) {
        assert_eq!(self.server.wait_for_connections(0, LIMIT), Ok(()));
    }
}

/// The array in the store, opened anew after each write whose outcome is unknown.
struct Opened<'a> {
    place: &'a dyn Place,
    store: Arc<Store>,
    array: Array,
}

impl<'a> Opened<'a> {
    fn create(place: &'a dyn Place, case: &Case, path: &NodePath) -> Self {
        place.set_failing(false);
        let store = place.open();
        let array = block_on(create_array(&store, path, case.metadata(), CreateMode::Create)).unwrap();
        place.set_failing(true);
        Self { place, store, array }
    }

    fn settle(&mut self, failing: bool) {
        block_on(self.store.close()).unwrap();
        self.place.set_failing(false);
        self.place.settle();
        self.store = self.place.open();
        let path = self.array.path().clone();
        let node = block_on(hierarchy::open(&self.store, &path, OpenOptions::default()));
        self.array = node.unwrap().into_array().unwrap();
        self.place.set_failing(failing);
    }
}

fn run(case: &Case, place: &dyn Place, path: &NodePath, tally: &Tally) {
    let mut opened = Opened::create(place, case, path);
    let elements = case.shape.iter().product::<u64>() as usize;
    let mut model = Model {
        shape: case.shape.clone(),
        elements: vec![BTreeSet::from([case.fill]); elements],
    };
    for step in &case.steps {
        match step {
            Step::Write(selects, seed) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let places = model.places(&selection);
                let elements = case.written(*seed, places.len());
                count(&tally.writes);
                let unknown = match block_on(opened.array.write(&selection, &elements)) {
                    Ok(_) => false,
                    Err(error) if error.is_retryable() => true,
                    Err(error) => panic!("a write: {error:?}"),
                };
                if unknown {
                    count(&tally.failed_writes);
                    opened.settle(true);
                }
                for (place, element) in places.into_iter().zip(elements) {
                    let allowed = &mut model.elements[place];
                    if !unknown {
                        allowed.clear();
                    }
                    allowed.insert(element);
                }
            }
            Step::Read(selects) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let read = block_on(opened.array.read_with::<u16>(&selection, &ReadOptions::default()));
                let places = model.places(&selection);
                check(&mut model, places, read.map(|(elements, _)| elements), tally);
            }
            Step::Points(points) => {
                let read = block_on(opened.array.read_points(points, &ReadOptions::default()));
                let places = points.iter().map(|point| model.place(point)).collect();
                check(
                    &mut model,
                    places,
                    read.and_then(|data| data.to_vec::<u16>()),
                    tally,
                );
            }
        }
    }
    // What there is in the end, without faults.
    opened.settle(false);
    let all = block_on(opened.array.read::<u16>(&Selection::all(&case.shape))).unwrap();
    check(&mut model, (0..elements).collect(), Ok(all), tally);
    block_on(opened.store.close()).unwrap();
}

/// What was read is allowed, and from now on nothing else is.
fn check(model: &mut Model<BTreeSet<u16>>, places: Vec<usize>, read: Result<Vec<u16>, Error>, tally: &Tally) {
    count(&tally.reads);
    match read {
        Ok(elements) => {
            assert_eq!(elements.len(), places.len());
            for (place, element) in places.into_iter().zip(elements) {
                let allowed = &mut model.elements[place];
                assert!(
                    allowed.contains(&element),
                    "{place}: {element} is none of {allowed:?}"
                );
                *allowed = BTreeSet::from([element]);
            }
        }
        Err(error) if error.is_retryable() => count(&tally.failed_reads),
        Err(error) => panic!("a read: {error:?}"),
    }
}

fn hold(cases: u32, place: &dyn Place) -> Tally {
    let (tally, number) = (Tally::default(), AtomicU64::new(0));
    let mut runner = TestRunner::new(Config {
        cases,
        source_file: Some(file!()),
        ..Config::default()
    });
    let held = runner.run(&case(), |case| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let path = NodePath::parse(format!("/a{number}")).unwrap();
        run(&case, place, &path, &tally);
        Ok(())
    });
    held.unwrap_or_else(|error| panic!("{error}"));
    println!("{tally:?}");
    tally
}

#[test]
fn files_hold_what_is_written() {
    let tally = hold(300, &Folder(tempfile::tempdir().unwrap()));
    let failed = [tally.failed_writes, tally.failed_reads].map(AtomicU64::into_inner);
    assert_eq!(failed, [0, 0]);
}

#[test]
fn a_bucket_that_fails_holds_what_is_written_or_says_that_nobody_knows() {
    let bucket = Bucket {
        server: GcsServer::start(BUCKET),
        seed: AtomicU64::new(1),
    };
    let tally = hold(300, &bucket);
    // Of both there are some, or the faults have missed.
    let [writes, reads] = [&tally.writes, &tally.reads].map(|all| all.load(Ordering::Relaxed));
    let failed = [&tally.failed_writes, &tally.failed_reads].map(|failed| failed.load(Ordering::Relaxed));
    assert!(failed[0] > 0 && failed[1] > 0, "{tally:?}");
    assert!(failed[0] * 2 < writes && failed[1] * 2 < reads, "{tally:?}");
    assert_eq!(bucket.server.unknown_requests(), Vec::<String>::new());
}
