//! The kills, in a folder and on the server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial};
use zarr_core::ZarrFormat;
use zarr_fs::LocalFileSystem;
use zarr_tests::gcs::GcsServer;
use zarr_tests::random::Random;
use zarr_tests::{child, load};

use crate::check::{Raw, Seen, check};
use crate::place::{BUCKET, Place};
use crate::victim::{End, KillAt, Tally, run};
use crate::writer::{self, Steps};

/// Kills in each place, if nothing else is asked for.
const KILLS: usize = 100;

/// After so many kills a hierarchy is made anew, so that its making is hit too.
const KILLS_IN_ONE: usize = 20;

/// After so many kills a writer runs to its end.
const KILLS_BETWEEN: usize = 4;

/// How long the server may take to notice that a client is gone.
const NOTICED: Duration = Duration::from_secs(20);

/// Names of files under way in a folder; the library's own secret, so it is written here once more.
const UNDER_WAY: &str = ".zarr-fs-tmp.";

pub(crate) fn main() -> ExitCode {
    if let Some(case) = child::case() {
        return writer::main(&case);
    }
    let trials = vec![
        Trial::test("a_folder_survives_writers_that_are_killed", || {
            folder();
            Ok(())
        }),
        Trial::test("a_bucket_survives_writers_that_are_killed", || {
            bucket();
            Ok(())
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The kills of one place: where the hierarchy with this number is, what is behind it, and what to wait for after a kill.
struct Scene<'a> {
    name: &'static str,
    place: &'a dyn Fn(usize) -> Place,
    raw: &'a dyn Fn(usize) -> Box<dyn Raw>,
    settle: &'a dyn Fn(),
}

fn kill_many(scene: &Scene<'_>) {
    let (kills, seed) = (number("KILLS", KILLS), number("KILLS_SEED", 4) as u64);
    let mut random = Random::new(seed ^ scene.name.len() as u64);
    let mut tally = Tally::default();
    let mut hierarchy = 0;
    while tally.kills() < kills {
        hierarchy += 1;
        let (place, raw) = ((scene.place)(hierarchy), (scene.raw)(hierarchy));
        let mut seen = Seen::default();
        let mut writer = 0;
        let mut steps = calibrate(&(scene.place)(0), scene);
        let begin = tally.kills();
        while tally.kills() < (begin + KILLS_IN_ONE).min(kills) {
            writer += 1;
            let at = choose(&mut random, &steps, tally.kills());
            match run(&place, writer, at) {
                End::Killed(phase) => *tally.by_phase.entry(phase).or_default() += 1,
                End::Whole(whole) => {
                    tally.escaped += 1;
                    steps = whole;
                }
            }
            (scene.settle)();
            look(&place, raw.as_ref(), writer, &mut seen);
            if tally.kills().is_multiple_of(KILLS_BETWEEN) {
                writer += 1;
                complete(&place, writer);
                look(&place, raw.as_ref(), writer, &mut seen);
                seen.all_of(writer);
            }
        }
    }
    println!(
        "{}: {kills} kills with seed {seed} in {hierarchy} hierarchies: {tally:?}",
        scene.name
    );
    // As many phases as a writer has but for a few, of which the machine decides whether they are hit.
    assert!(tally.by_phase.len() >= 6 || kills < KILLS, "{tally:?}");
}

/// How long each step of a writer takes here and now.
fn calibrate(place: &Place, scene: &Scene<'_>) -> Vec<Duration> {
    let End::Whole(steps) = run(place, 1, KillAt::Never) else {
        unreachable!("nobody killed it")
    };
    (scene.settle)();
    steps
}

fn choose(random: &mut Random, steps: &[Duration], number: usize) -> KillAt {
    let part = |random: &mut Random, of: Duration| of.mul_f64(random.unit());
    if number.is_multiple_of(2) {
        KillAt::Time(part(random, steps.iter().sum()))
    } else {
        let step = number / 2 % steps.len();
        KillAt::Step(step, part(random, steps[step]))
    }
}

fn look(place: &Place, raw: &dyn Raw, writer: u32, seen: &mut Seen) {
    block_on(async {
        let stores = place.open();
        check(&stores, raw, writer, seen).await;
        stores.close().await;
    });
}

fn complete(place: &Place, writer: u32) {
    block_on(async {
        let stores = place.open();
        let done = writer::write(&stores, writer, &mut Steps::new(&|_| ())).await;
        done.unwrap_or_else(|error| panic!("the next writer fails: {error}"));
        stores.close().await;
    });
}

fn format_folder(format: ZarrFormat) -> &'static str {
    match format {
        ZarrFormat::V3 => "v3",
        ZarrFormat::V2 => "v2",
    }
}

struct Folder(PathBuf);

impl Folder {
    fn files(&self, format: ZarrFormat) -> Vec<(String, Bytes)> {
        let folder = self.0.join(format_folder(format));
        if folder.exists() {
            load::read_dir(&folder).expect("a folder")
        } else {
            Vec::new()
        }
    }
}

fn is_under_way(key: &str) -> bool {
    key.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(UNDER_WAY))
}

impl Raw for Folder {
    fn get(&self, format: ZarrFormat, key: &str) -> Option<Bytes> {
        std::fs::read(self.0.join(format_folder(format)).join(key))
            .ok()
            .map(Bytes::from)
    }

    fn keys(&self, format: ZarrFormat) -> BTreeSet<String> {
        self.files(format)
            .into_iter()
            .map(|(key, _)| key)
            .filter(|key| !is_under_way(key))
            .collect()
    }
}

fn folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |number: usize| folder.path().join(number.to_string());
    kill_many(&Scene {
        name: "folder",
        place: &|number| Place::Local(at(number)),
        raw: &|number| Box::new(Folder(at(number))),
        settle: &|| (),
    });
    swept(folder.path());
}

/// What the killed ones left under way can be removed, and then nothing of it is left.
fn swept(folder: &Path) {
    let left = || {
        load::read_dir(folder)
            .expect("a folder")
            .into_iter()
            .filter(|(key, _)| is_under_way(key))
            .count()
    };
    let leftovers = left();
    let removed = block_on(async {
        let fs = LocalFileSystem::new(folder);
        let removed = fs
            .remove_leftovers(&zarr_fs::Path::root(), Duration::ZERO)
            .await
            .expect("removed");
        zarr_fs::FileSystem::close(&fs).await.expect("nothing is stuck");
        removed
    });
    println!("folder: {leftovers} files under way were left, all hidden; {removed} removed");
    assert_eq!((removed, left()), (leftovers as u64, 0));
}

struct Bucket {
    server: Arc<GcsServer>,
    prefix: String,
}

impl Raw for Bucket {
    fn get(&self, format: ZarrFormat, key: &str) -> Option<Bytes> {
        self.server.get(
            BUCKET,
            &format!("{}/{}/{key}", self.prefix, format_folder(format)),
        )
    }

    fn keys(&self, format: ZarrFormat) -> BTreeSet<String> {
        let prefix = format!("{}/{}/", self.prefix, format_folder(format));
        let keys = self.server.keys(BUCKET).into_iter();
        keys.filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned))
            .collect()
    }
}

fn bucket() {
    let server = Arc::new(GcsServer::start(BUCKET));
    let prefix = |number: usize| format!("h{number}");
    kill_many(&Scene {
        name: "bucket",
        place: &|number| Place::Gcs {
            url: server.url(),
            prefix: prefix(number),
        },
        raw: &|number| {
            Box::new(Bucket {
                server: Arc::clone(&server),
                prefix: prefix(number),
            })
        },
        settle: &|| {
            // What the victim had sent still comes to its end; then nothing changes any more.
            assert_eq!(server.wait_for_connections(0, NOTICED), Ok(()));
            assert!(server.wait_for_in_flight(0, NOTICED));
        },
    });
    println!(
        "bucket: {} uploads in parts were cut, none is seen",
        server.unfinished_uploads()
    );
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}
