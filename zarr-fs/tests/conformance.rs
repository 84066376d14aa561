//! The conformance suite on the filesystems of this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::FutureExt;
use url::Url;
use zarr_fs::session::SessionOptions;
use zarr_fs::testing::{CountingFileSystem, FaultyFileSystem, Hang, Harness, Stall};
use zarr_fs::{
    Capabilities, Factory, FileSystem, LocalFileSystem, LocalOptions, MemoryFactory, Options, Path,
    PipeOptions, PrefixFileSystem,
};

fn on_this_machine() -> Capabilities {
    let mut capabilities = Capabilities::full();
    capabilities.remote = false;
    capabilities
}

/// What a future gives that has nothing to wait for. (In a tokio task that has done much it would have to.)
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let answer = tokio::task::unconstrained(future).now_or_never();
    answer.expect("there is nothing to wait for")
}

/// Sessions on one store in memory.
struct Memory {
    factory: MemoryFactory,
    stall: Stall,
}

impl Memory {
    fn open_at(&self, options: SessionOptions, opened_at: &'static Location<'static>) -> Box<dyn FileSystem> {
        let url = Url::parse("memory://store").unwrap();
        let resolved = self.factory.resolve(&url, &Options::new()).unwrap();
        let session = (resolved.open)(options.with_stall(self.stall.clone())).unwrap();
        session.lease_at(opened_at).unwrap()
    }
}

impl Harness for Memory {
    fn start() -> Self {
        Self {
            factory: MemoryFactory::new(),
            stall: Stall::new(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        on_this_machine()
    }

    #[track_caller]
    fn open(&self, options: SessionOptions) -> Box<dyn FileSystem> {
        self.open_at(options, Location::caller())
    }

    fn seed(&self, path: &Path, bytes: Bytes) {
        let fs = self.open(SessionOptions::default());
        at_once(fs.pipe_file(path, bytes, PipeOptions::default())).unwrap();
        at_once(fs.close()).unwrap();
    }

    fn hang(&self) -> Box<dyn Hang> {
        self.stall.hold()
    }
}

/// A folder of its own, removed at the end.
struct Local {
    folder: PathBuf,
    stall: Stall,
}

impl Harness for Local {
    fn start() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("zarr-fs-conformance-{}-{count}", std::process::id());
        Self {
            folder: std::env::temp_dir().join(name),
            stall: Stall::new(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        on_this_machine()
    }

    #[track_caller]
    fn open(&self, options: SessionOptions) -> Box<dyn FileSystem> {
        let options = LocalOptions::default().with_session(options.with_stall(self.stall.clone()));
        Box::new(LocalFileSystem::with_options(&self.folder, options))
    }

    fn seed(&self, path: &Path, bytes: Bytes) {
        let place = self.folder.join(path.as_str());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        // A file of the same name is another one then, as if a writer had replaced it.
        let _ = std::fs::remove_file(&place);
        std::fs::write(place, bytes).unwrap();
    }

    fn hang(&self) -> Box<dyn Hang> {
        self.stall.hold()
    }

    fn unfinished_uploads(&self) -> Option<usize> {
        Some(under_way(&self.folder))
    }
}

/// The files in a folder whose names are those of files under way.
fn under_way(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => under_way(&entry.path()),
        false => usize::from(entry.file_name().to_string_lossy().starts_with(".zarr-fs-tmp.")),
    };
    entries.map(count).sum()
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a wrapper makes of a filesystem of the inner harness, and where its root is then.
trait Wrap: Send + Sync + 'static {
    const ROOT: &'static str = "";

    fn wrap(inner: Box<dyn FileSystem>, opened_at: &'static Location<'static>) -> Box<dyn FileSystem>;
}

/// A harness around another one's filesystems.
struct Wrapped<W> {
    inner: Memory,
    wrap: std::marker::PhantomData<fn() -> W>,
}

impl<W: Wrap> Harness for Wrapped<W> {
    fn start() -> Self {
        Self {
            inner: Memory::start(),
            wrap: std::marker::PhantomData,
        }
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    #[track_caller]
    fn open(&self, options: SessionOptions) -> Box<dyn FileSystem> {
        let opened_at = Location::caller();
        W::wrap(self.inner.open_at(options, opened_at), opened_at)
    }

    fn seed(&self, path: &Path, bytes: Bytes) {
        self.inner
            .seed(&Path::parse(W::ROOT).unwrap().join_path(path), bytes);
    }

    fn hang(&self) -> Box<dyn Hang> {
        self.inner.hang()
    }
}

struct Prefixed;

impl Wrap for Prefixed {
    const ROOT: &'static str = "pre/fix";

    fn wrap(inner: Box<dyn FileSystem>, _: &'static Location<'static>) -> Box<dyn FileSystem> {
        Box::new(PrefixFileSystem::new(inner, Path::parse(Self::ROOT).unwrap()))
    }
}

struct ArcOfBox;

impl Wrap for ArcOfBox {
    fn wrap(inner: Box<dyn FileSystem>, _: &'static Location<'static>) -> Box<dyn FileSystem> {
        Box::new(Arc::new(inner))
    }
}

/// The second lease of a session, whose first one was closed.
struct Shared;

impl Wrap for Shared {
    fn wrap(inner: Box<dyn FileSystem>, opened_at: &'static Location<'static>) -> Box<dyn FileSystem> {
        let shared = inner.share_at(opened_at).unwrap();
        at_once(inner.close()).unwrap();
        shared
    }
}

/// What counts and what could fail, over each other.
struct Observed;

impl Wrap for Observed {
    fn wrap(inner: Box<dyn FileSystem>, _: &'static Location<'static>) -> Box<dyn FileSystem> {
        Box::new(CountingFileSystem::new(FaultyFileSystem::new(inner)))
    }
}

mod memory {
    zarr_fs::conformance!(super::Memory);
}

mod local {
    zarr_fs::conformance!(super::Local);
}

mod prefix {
    zarr_fs::conformance!(super::Wrapped<super::Prefixed>);
}

mod arc_of_box {
    zarr_fs::conformance!(super::Wrapped<super::ArcOfBox>);
}

mod counting_and_faulty {
    zarr_fs::conformance!(super::Wrapped<super::Observed>);
}

mod shared_lease {
    zarr_fs::conformance!(super::Wrapped<super::Shared>);
}
