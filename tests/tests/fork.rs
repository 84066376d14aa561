//! After a fork: in the child every call is a typed error at once, `close` too; the parent's filesystem works on and closes.
//!
//! Each filesystem in a process of its own, which really forks: with its I/O thread running, a call and a stream under way and a
//! close begun. A child that hangs is ended by its alarm clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test"
)]

// What is counted afterwards is counted by `/proc`.
zarr_tests::linux_main!(linux);

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt::Debug;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::ExitCode;
    use std::time::Duration;

    use bytes::Bytes;
    use futures::executor::block_on;
    use futures::future::BoxFuture;
    use futures::{FutureExt, StreamExt, stream};
    use url::Url;
    use zarr_core::array::Selection;
    use zarr_core::hierarchy::{CreateMode, OpenOptions, create_array, open};
    use zarr_core::metadata::data_type::IntKind;
    use zarr_core::metadata::{DataType, V3ArrayBuilder};
    use zarr_core::{Group, NodePath, Store, StoreOptions};
    use zarr_fs::session::{CloseError, SessionOptions, UnclosedLog, UnclosedPolicy};
    use zarr_fs::{
        CatOptions, CatRangesOptions, Error, FileSystem, FileSystemExt, LocalFactory, LocalFileSystem,
        MemoryFactory, Options, Path, PipeOptions, Registry, WriteMode,
    };
    use zarr_gcs::GcsFactory;
    use zarr_http::HttpFactory;
    use zarr_tests::child::{self, Case};
    use zarr_tests::gcs::GcsServer;
    use zarr_tests::http::{HttpServer, Mode};
    use zarr_tests::probe::{self, Holdings};
    use zarr_tests::{Fault, Server, When, wait_until};

    const LIMIT: Duration = Duration::from_secs(60);
    /// The child's alarm clock: "at once" is far less, even on a busy machine.
    const CHILD_SECONDS: u32 = 20;
    const DRAIN: Duration = Duration::from_millis(200);

    pub(super) fn main() -> ExitCode {
        let case = |name, run| Case {
            name,
            limit: LIMIT,
            run,
        };
        child::main(vec![
            case("gcs", gcs),
            case("http", http),
            case("local", local),
            case("memory", memory),
            case("arrays", arrays),
        ])
    }

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    fn gcs() {
        let server = GcsServer::start("b");
        server.put("b", "small", "x");
        server.put("b", "held", "x");
        server.put("b", "large", vec![7; 24 << 20]);
        let mut options = Options::new();
        options.set_text("endpoint_url", &server.url()).unwrap();
        options.set_text("token", "anon").unwrap();
        check("gs://b", &options, Some(&*server));
    }

    fn http() {
        let server = HttpServer::start(Mode::Dav);
        server.put("small", "x");
        server.put("held", "x");
        server.put("large", vec![7; 24 << 20]);
        let mut options = Options::new();
        options.set_text("write", "true").unwrap();
        check(&server.base_url(), &options, Some(&*server));
    }

    fn local() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("small"), "x").unwrap();
        std::fs::write(folder.path().join("large"), vec![7; 24 << 20]).unwrap();
        let url = format!("file://{}", folder.path().display());
        check(&url, &Options::new(), None);
    }

    fn memory() {
        check("memory://store", &Options::new(), None);
    }

    /// What is under way when the process forks, in the parent's memory and so in the child's too.
    struct UnderWay {
        /// A call that its server does not answer; there is none without a server.
        call: Option<BoxFuture<'static, zarr_fs::Result<()>>>,
        stream: zarr_fs::ByteStream,
        close: Option<BoxFuture<'static, Result<(), CloseError>>>,
    }

    fn begin(fs: &dyn FileSystem, held: Option<Box<dyn FileSystem>>, server: Option<&Server>) -> UnderWay {
        let stream = block_on(async {
            let mut stream = fs
                .cat_stream(&path("large"), CatOptions::default())
                .await
                .unwrap()
                .bytes;
            stream.next().await.unwrap().unwrap();
            stream
        });
        let (mut call, mut close) = (None, None);
        if let (Some(server), Some(held)) = (server, held) {
            let fault = server.faults().add(When::path_ends("held"), Fault::stall());
            let held: std::sync::Arc<dyn FileSystem> = std::sync::Arc::from(held);
            let user = std::sync::Arc::clone(&held);
            let mut reading = async move {
                user.cat_file(&path("held"), CatOptions::default())
                    .await
                    .map(drop)
            }
            .boxed();
            assert!(reading.as_mut().now_or_never().is_none());
            assert!(wait_until(LIMIT, || server.faults().hits(fault) == 1));
            let mut closing = async move { held.close().await.map(drop) }.boxed();
            assert!(closing.as_mut().now_or_never().is_none(), "a call is under way");
            (call, close) = (Some(reading), Some(closing));
        }
        UnderWay { call, stream, close }
    }

    fn check(url: &str, options: &Options, server: Option<&Server>) {
        let url = Url::parse(url).unwrap();
        let log = UnclosedLog::new();
        let defaults = SessionOptions::default()
            .with_drain(DRAIN)
            .with_unclosed(UnclosedPolicy::Strict(log.clone()));
        let registry = Registry::new(defaults)
            .with("gs", GcsFactory)
            .with("http", HttpFactory)
            .with("file", LocalFactory)
            .with("memory", MemoryFactory::new());
        let (fs, base) = registry.open(&url, options).unwrap();
        let fs: Box<dyn FileSystem> = Box::new(zarr_fs::PrefixFileSystem::new(fs, base));
        if url.scheme() == "memory" {
            block_on(async {
                fs.pipe(&path("small"), "x").await.unwrap();
                fs.pipe(&path("large"), vec![7; 24 << 20]).await.unwrap();
            });
        }
        assert_eq!(block_on(fs.cat(&path("small"))).unwrap(), "x");
        let held = server.is_some().then(|| fs.share().unwrap());
        let under_way = begin(&*fs, held, server);

        let (fs, under_way) = fork((fs, under_way), |(fs, under_way)| {
            in_child(fs, under_way, &registry, &url, options, &log)
        });
        in_parent(fs, under_way, &registry, server);
        log.assert_none();
    }

    /// The threads that decode are the parent's too: what the child opens itself must not wait for them.
    fn arrays() {
        let folder = tempfile::tempdir().unwrap();
        let root = || {
            let fs = Box::new(LocalFileSystem::new(folder.path()));
            Store::new(fs, Path::root(), StoreOptions::default().writable())
        };
        let (store, values) = (root(), [1_u8, 2, 3, 4]);
        let group = block_on(async {
            for name in ["/a", "/b", "/c"] {
                let metadata = V3ArrayBuilder::new(&[4], DataType::Int(IntKind::UInt8));
                let metadata = metadata.chunk_shape(&[1]).build().unwrap();
                let name = NodePath::parse(name).unwrap();
                let array = create_array(&store, &name, metadata, CreateMode::Create)
                    .await
                    .unwrap();
                array.write(&Selection::all(&[4]), &values).await.unwrap();
            }
            let root = open(&store, &NodePath::root(), OpenOptions::default())
                .await
                .unwrap();
            root.into_group().unwrap()
        });
        let look = async |group: &Group| {
            let members = group.members(1).await?;
            for node in members.nodes() {
                let array = node.clone().into_array()?;
                assert_eq!(array.read::<u8>(&Selection::all(&[4])).await?, values);
            }
            zarr_core::Result::Ok(members.nodes().count())
        };
        assert_eq!(block_on(look(&group)).unwrap(), 3);
        // The threads wait for more to do, and the child believes that they are there.
        let group = fork(group, |group| {
            block_on(async {
                let error = look(&group).await.unwrap_err();
                let is_forked = matches!(&error, zarr_core::Error::Fs(Error::Forked { .. }));
                assert!(is_forked, "{error:?}");
                let own = root();
                let node = open(&own, &NodePath::root(), OpenOptions::default())
                    .await
                    .unwrap();
                assert_eq!(look(&node.into_group().unwrap()).await.unwrap(), 3);
                own.close().await.unwrap();
            });
        });
        assert_eq!(block_on(look(&group)).unwrap(), 3);
        block_on(store.close()).unwrap();
    }

    /// Runs `in_child` in a child of this process, which it must leave in peace and in time; gives back what it was given.
    fn fork<T>(given: T, in_child: impl FnOnce(T)) -> T {
        // SAFETY: the child has this thread alone; it uses what was made for it, and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "{}", std::io::Error::last_os_error());
        if pid == 0 {
            // SAFETY: plain calls of the operating system.
            unsafe { libc::alarm(CHILD_SECONDS) };
            let done = catch_unwind(AssertUnwindSafe(|| in_child(given)));
            // SAFETY: as above; nothing of the parent's is run down.
            unsafe { libc::_exit(if done.is_ok() { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: waits for the child that was just made, and writes into `status` alone.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert!(
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
            "the child ended with status {status:#x} (a signal of {} is its alarm)",
            libc::SIGALRM
        );
        given
    }

    #[track_caller]
    fn forked<T: Debug>(answer: zarr_fs::Result<T>) {
        assert!(matches!(answer, Err(Error::Forked { .. })), "{answer:?}");
    }

    fn in_child(
        fs: Box<dyn FileSystem>,
        mut under_way: UnderWay,
        registry: &Registry,
        url: &Url,
        options: &Options,
        log: &UnclosedLog,
    ) {
        block_on(async {
            // What was under way.
            if let Some(call) = &mut under_way.call {
                forked(call.await);
            }
            forked(under_way.stream.next().await.expect("no silent end"));
            assert!(
                under_way.stream.next().await.is_none(),
                "after an error nothing follows"
            );
            if let Some(close) = &mut under_way.close {
                let closed = close.await;
                assert!(matches!(closed, Err(CloseError::Forked)), "{closed:?}");
            }
            // Every call.
            let at = path("small");
            forked(fs.info(&at).await);
            forked(fs.cat_file(&at, CatOptions::default()).await);
            forked(
                fs.cat_ranges(&at, &[0..1, 0..0], CatRangesOptions::default())
                    .await,
            );
            forked(fs.cat_ranges(&at, &[], CatRangesOptions::default()).await);
            forked(fs.cat_stream(&at, CatOptions::default()).await.map(drop));
            forked(fs.pipe_file(&at, "y".into(), PipeOptions::default()).await);
            let pieces = stream::iter([Ok(Bytes::from("y"))]).boxed();
            forked(fs.pipe_stream(&at, pieces, PipeOptions::default()).await);
            forked(fs.cp_file(&at, &path("copy"), WriteMode::Overwrite).await);
            forked(fs.rm_file(&at).await);
            forked(fs.ls(&Path::root()).await);
            let mut found = fs.find(&Path::root());
            forked(found.next().await.expect("no silent end"));
            assert!(found.next().await.is_none(), "after an error nothing follows");
            forked(fs.share().map(drop));
            if let Some(reader) = fs.blocking_reader() {
                forked(
                    reader
                        .read(&at, &CatOptions::default(), &mut Vec::new())
                        .map(drop),
                );
            }
            for _ in 0..2 {
                let closed = fs.close().await;
                assert!(matches!(closed, Err(CloseError::Forked)), "{closed:?}");
            }
            // Dropping is no mistake of the child's.
            drop((found, under_way, fs));
            assert!(log.entries().is_empty(), "{:?}", log.entries());
            // The registry gives a session of the child's own.
            assert!(registry.live_leases().is_empty());
            let (fs, base) = registry.open(url, options).unwrap();
            if url.scheme() == "memory" {
                fs.pipe(&base.join("small").unwrap(), "x").await.unwrap();
            }
            assert_eq!(fs.cat(&base.join("small").unwrap()).await.unwrap(), "x");
            assert!(fs.close().await.unwrap().session_ended);
        });
    }

    fn in_parent(
        fs: Box<dyn FileSystem>,
        mut under_way: UnderWay,
        registry: &Registry,
        server: Option<&Server>,
    ) {
        let ports: Vec<u16> = server.iter().map(|server| server.addr().port()).collect();
        block_on(async {
            assert_eq!(fs.cat(&path("small")).await.unwrap(), "x");
            let mut rest = 0;
            while let Some(piece) = under_way.stream.next().await {
                rest += piece.unwrap().len();
            }
            assert!(rest > 0, "the stream goes on");
            if let Some(close) = &mut under_way.close {
                close.await.unwrap();
            }
            if let Some(call) = &mut under_way.call {
                let cut = call.await;
                assert!(matches!(cut, Err(Error::Closed { .. })), "{cut:?}");
            }
            assert_eq!(registry.live_leases().len(), 1);
            assert!(fs.close().await.unwrap().session_ended);
        });
        assert_eq!(probe::sockets_to(&ports).unwrap(), []);
        let held = Holdings::now().unwrap();
        assert!(
            !held.threads.iter().any(|name| name.starts_with("zarr-")),
            "{held:?}"
        );
        if let Some(server) = server {
            assert_eq!(server.wait_for_connections(0, Duration::from_secs(1)), Ok(()));
        }
    }
}
