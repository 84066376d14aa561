//! A thousand sessions open at once, each used: what they cost, and that nothing of them is left.
//!
//! The client runs in a process of its own, counts its descriptors, threads and memory, and prints them; the server lives in the
//! parent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test"
)]

// What a session costs is counted by `/proc`.
zarr_tests::linux_main!(linux);

#[cfg(target_os = "linux")]
mod linux {
    use std::process::ExitCode;
    use std::time::Duration;

    use futures::executor::block_on;
    use futures::future::join_all;
    use libtest_mimic::{Arguments, Failed, Trial};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use url::Url;
    use zarr_fs::session::{MAX_IO_THREADS, SessionOptions, UnclosedLog, UnclosedPolicy};
    use zarr_fs::{Error, FileSystem, FileSystemExt, Options, Path, Registry};
    use zarr_gcs::GcsFactory;
    use zarr_tests::child;
    use zarr_tests::gcs::GcsServer;
    use zarr_tests::probe::{self, Holdings};

    const SESSIONS: usize = 1000;
    /// So many dial at once: a listener's queue is not what is tried here.
    const WAVE: usize = 100;
    /// A socket and three of its runtime; where a crate of the build uses tokio's signals, one more.
    const MOST_DESCRIPTORS: usize = 5;
    /// Resident memory of a session that has been used, in a debug build.
    const MOST_KIB: u64 = 1024;
    const LIMIT: Duration = Duration::from_secs(120);
    /// The cases; each is followed by the server's URL.
    const THOUSAND: &str = "thousand ";
    const NO_DESCRIPTORS: &str = "no_descriptors ";

    pub(super) fn main() -> ExitCode {
        if let Some(case) = child::case() {
            match (case.strip_prefix(THOUSAND), case.strip_prefix(NO_DESCRIPTORS)) {
                (Some(url), _) => thousand(url),
                (_, Some(url)) => no_descriptors(url),
                (None, None) => panic!("no case {case}"),
            }
            return ExitCode::SUCCESS;
        }
        let trial = |case: &'static str| Trial::test(case.trim_end(), move || parent(case));
        let trials = vec![trial(THOUSAND), trial(NO_DESCRIPTORS)];
        libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
    }

    fn parent(case: &str) -> Result<(), Failed> {
        // The server's ends are descriptors too.
        allow_descriptors(None);
        let server = GcsServer::start("b");
        server.put("b", "small", "x");
        let outcome = child::run(&format!("{case}{}", server.url()), LIMIT)?;
        print!("{}", outcome.stdout);
        outcome.check()?;
        if case == THOUSAND {
            let accepted = server.accepted_connections();
            println!(
                "sessions: connections accepted {accepted}, left {}",
                server.open_connections()
            );
            assert!(accepted >= SESSIONS as u64);
        }
        server
            .wait_for_connections(0, Duration::from_millis(500))
            .map_err(|left| Failed::from(format!("the server still has {left} connections")))
    }

    /// Allows this process so many descriptors, or as many as it may have.
    fn allow_descriptors(count: Option<u64>) {
        let maximum = getrlimit(Resource::Nofile).maximum;
        let current = count.or(maximum);
        setrlimit(Resource::Nofile, Rlimit { current, maximum })
            .expect("a limit below the maximum can be set");
    }

    fn registry(log: &UnclosedLog) -> Registry {
        let defaults = SessionOptions::default().with_unclosed(UnclosedPolicy::Strict(log.clone()));
        Registry::new(defaults).with("gs", GcsFactory)
    }

    /// A lease on session number `number`: other options, another session.
    fn open(registry: &Registry, url: &str, number: usize) -> Box<dyn FileSystem> {
        let mut options = Options::new();
        options.set_text("endpoint_url", url).unwrap();
        options.set_text("token", "anon").unwrap();
        options.set("concurrency", (number + 1).into()).unwrap();
        registry.open(&Url::parse("gs://b").unwrap(), &options).unwrap().0
    }

    fn path() -> Path {
        Path::parse("small").unwrap()
    }

    fn port(url: &str) -> u16 {
        url.rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a port")
    }

    fn io_threads() -> usize {
        let threads = probe::threads().expect("a Linux /proc");
        threads.iter().filter(|name| name.starts_with("zarr-")).count()
    }

    /// Uses all of them.
    fn use_all(sessions: &[Box<dyn FileSystem>]) {
        let path = path();
        for wave in sessions.chunks(WAVE) {
            for read in block_on(join_all(wave.iter().map(|fs| fs.cat(&path)))) {
                assert_eq!(read.unwrap(), "x");
            }
        }
    }

    /// What comes into being once in a process, at the first session, is no session's.
    fn warm_up(registry: &Registry, url: &str) {
        drop(
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        );
        let first = open(registry, url, SESSIONS);
        assert_eq!(block_on(first.cat(&path())).unwrap(), "x");
        block_on(first.close()).unwrap();
    }

    fn thousand(url: &str) {
        allow_descriptors(None);
        let log = UnclosedLog::new();
        let registry = registry(&log);
        warm_up(&registry, url);
        let before = Holdings::now().unwrap();
        let resident = |since: u64| (probe::resident_bytes().unwrap().saturating_sub(since)) / 1024;
        let resident_before = probe::resident_bytes().unwrap();

        let sessions: Vec<_> = (0..SESSIONS).map(|number| open(&registry, url, number)).collect();
        assert_eq!(Holdings::now().unwrap(), before, "opening alone takes nothing");
        use_all(&sessions);
        let now = Holdings::now().unwrap();
        let (threads, descriptors) = (
            now.threads.len() - before.threads.len(),
            now.descriptors - before.descriptors,
        );
        let kib = resident(resident_before);
        let sockets = probe::sockets_to(&[port(url)]).unwrap().len();
        println!(
            "sessions: {SESSIONS} open: {threads} threads, {descriptors} descriptors, of them {sockets} sockets, \
             resident {kib} KiB: {:.1} KiB each",
            kib as f64 / SESSIONS as f64
        );
        assert_eq!((threads, io_threads(), sockets), (SESSIONS, SESSIONS, SESSIONS));
        assert!(descriptors <= MOST_DESCRIPTORS * SESSIONS, "{descriptors}");
        assert!(kib <= MOST_KIB * SESSIONS as u64, "{kib} KiB");
        assert_eq!(registry.live_leases().len(), SESSIONS);

        past_the_cap(url);
        use_all(&sessions);

        let reports = block_on(registry.close_all()).expect("nothing is stuck");
        let sockets = probe::sockets_to(&[port(url)]).unwrap().len();
        let after = Holdings::now().unwrap();
        println!(
            "sessions: closed: {} threads ({} before), {} descriptors ({} before), {sockets} sockets, resident {} KiB more \
             than before",
            after.threads.len(),
            before.threads.len(),
            after.descriptors,
            before.descriptors,
            resident(resident_before)
        );
        assert_eq!((io_threads(), sockets), (0, 0), "at the moment close returns");
        assert!(after.descriptors <= before.descriptors, "{before:?} {after:?}");
        assert!(
            after.threads.len() <= before.threads.len(),
            "{before:?} {after:?}"
        );
        assert!(reports.iter().all(|report| report.session_ended) && registry.live_leases().is_empty());
        drop(sessions);
        log.assert_none();
    }

    /// More I/O threads than a process may have, all sessions together: a typed error, and nothing is started.
    fn past_the_cap(url: &str) {
        let mut options = Options::new();
        options.set_text("endpoint_url", url).unwrap();
        let threads = MAX_IO_THREADS - SESSIONS + 1;
        let fs = zarr_gcs::GcsConfig::new("gs://b")
            .with_options(options)
            .with_anonymous()
            .with_session_options(SessionOptions::default().with_io_threads(threads))
            .open()
            .unwrap();
        let running = io_threads();
        for _ in 0..2 {
            let refused = block_on(fs.cat(&path()));
            let limit = MAX_IO_THREADS as u64;
            assert!(
                matches!(refused, Err(Error::LimitReached { limit: stated, .. }) if stated == limit),
                "{refused:?}"
            );
        }
        assert_eq!(io_threads(), running);
        assert!(block_on(fs.close()).unwrap().session_ended);
        println!("sessions: past the cap of {MAX_IO_THREADS} I/O threads: LimitReached");
    }

    /// The system's own limit comes first: sessions for which there are no descriptors fail with an error, the others work, and
    /// all close.
    fn no_descriptors(url: &str) {
        const DESCRIPTORS: u64 = 64;
        let log = UnclosedLog::new();
        let registry = registry(&log);
        warm_up(&registry, url);
        let before = Holdings::now().unwrap();
        allow_descriptors(Some(DESCRIPTORS));
        let sessions: Vec<_> = (0..40).map(|number| open(&registry, url, number)).collect();
        let path = path();
        let (mut right, mut refused) = (Vec::new(), 0);
        for fs in &sessions {
            match block_on(fs.cat(&path)) {
                Ok(bytes) if bytes == "x" => right.push(fs),
                Err(Error::Backend { .. } | Error::Unavailable { .. }) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(
            !right.is_empty() && refused > 0,
            "{} right, {refused} refused",
            right.len()
        );
        for fs in right {
            assert_eq!(block_on(fs.cat(&path)).unwrap(), "x");
        }
        block_on(registry.close_all()).expect("nothing is stuck");
        // To look, this process needs descriptors itself.
        allow_descriptors(None);
        assert_eq!(probe::sockets_to(&[port(url)]).unwrap(), []);
        let after = Holdings::now().unwrap();
        assert!(
            after.descriptors <= before.descriptors && after.threads.len() <= before.threads.len(),
            "{before:?} {after:?}"
        );
        drop(sessions);
        log.assert_none();
    }
}
