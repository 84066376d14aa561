//! Many writers change the same attributes at once: what the store says was done is done, and nothing is lost.

use std::sync::Arc;

use futures::executor::block_on;
use zarr_core::hierarchy::{self, CreateMode, OpenOptions};
use zarr_core::metadata::{GroupMetadata, Json};
use zarr_core::{Error, Group, NodePath, Store, StoreOptions, ZarrFormat};
use zarr_fs::{FileSystem, FileSystemExt, LocalFileSystem, MemoryFileSystem, Path};
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::GcsServer;

const WRITERS: usize = 8;
const CHANGES: u64 = 25;
const COUNT: &str = "count";

fn count(group: &Group) -> u64 {
    group.attributes().get(COUNT).and_then(Json::as_u64).unwrap_or(0)
}

async fn open(store: &Arc<Store>) -> Group {
    let node = hierarchy::open(store, &NodePath::root(), OpenOptions::default()).await;
    node.unwrap().into_group().unwrap()
}

/// Adds one again and again; says how often that was done. To be told that others were quicker is no failure.
async fn add(group: &Group, writer: usize) -> u64 {
    let mut done = 0;
    for _ in 0..CHANGES {
        let changed = group.update_attributes(|attributes| {
            let before = attributes.get(COUNT).and_then(Json::as_u64).unwrap_or(0);
            attributes.insert(COUNT, Json::from(before + 1));
            attributes.insert(format!("writer {writer}"), Json::from(before + 1));
        });
        match changed.await {
            Ok(_) => done += 1,
            Err(Error::Fs(zarr_fs::Error::Precondition { .. } | zarr_fs::Error::AlreadyExists { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
    done
}

/// Writers on threads of their own, each with a lease of its own.
fn race(open_fs: impl Fn() -> Box<dyn FileSystem> + Sync, format: ZarrFormat) {
    let open_store = || Store::new(open_fs(), Path::root(), StoreOptions::default().writable());
    let store = open_store();
    block_on(hierarchy::create_group(
        &store,
        &NodePath::root(),
        GroupMetadata::new(format),
        CreateMode::Create,
    ))
    .unwrap();
    let work = |writer| {
        block_on(async {
            let store = open_store();
            let done = add(&open(&store).await, writer).await;
            store.close().await.unwrap();
            done
        })
    };
    let done: u64 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || work(writer)))
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    block_on(async {
        let group = open(&store).await;
        assert_eq!(count(&group), done, "{format:?}");
        // Each has left its own mark, and none has taken another's away.
        assert_eq!(group.attributes().len(), WRITERS + 1);
        store.close().await.unwrap();
    });
    println!("{done} of {} changes were done", WRITERS as u64 * CHANGES);
}

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V3, ZarrFormat::V2];

#[test]
fn in_memory() {
    for format in FORMATS {
        let fs = MemoryFileSystem::new();
        race(|| fs.share().unwrap(), format);
        block_on(fs.close()).unwrap();
    }
}

/// Among the writers of one process: no operating system moves a file on a condition.
#[test]
fn in_a_folder() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        race(|| Box::new(LocalFileSystem::new(folder.path())), format);
    }
}

#[test]
fn in_a_bucket() {
    for format in FORMATS {
        let server = GcsServer::start("races");
        let open = || {
            let mut options = zarr_fs::Options::new();
            options.set("endpoint_url", server.url().into()).unwrap();
            let config = GcsConfig::new("gs://races")
                .with_anonymous()
                .with_options(options);
            Box::new(config.open().unwrap()) as Box<dyn FileSystem>
        };
        race(open, format);
    }
}
