//! The same on real servers from packages. What is not installed is shown as `ignored: needs nginx`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests under a harness of their own"
)]

#[cfg(unix)]
mod common;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::path::{Path as FsPath, PathBuf};
    use std::process::ExitCode;

    use libtest_mimic::{Arguments, Failed};
    use zarr_fs::object_store::TransportOptions;
    use zarr_fs::{ByteRange, CatOptions, FileSystem, FileSystemExt, Listing, Path, PipeOptions, WriteMode};
    use zarr_http::{HttpConfig, HttpFileSystem, ListingMode};
    use zarr_tests::external::{External, Kind};
    use zarr_tests::trial;

    use crate::common::{ODD, kind, names, path, pattern, with};

    const FILES: [&str; 24] = [
        ".zgroup",
        "a/.zarray",
        "a/0.0",
        "a/c:d",
        "a/q?h#'\"<é>&amp;",
        "a/semi;colon",
        "a/%41%2F",
        "a/ lead",
        "a/trail ",
        "a/dot.",
        "a/-dash*|^$,@!~",
        "a/(b)[c]{d}",
        "a/?C=N;O=D",
        "a/cafe\u{301}",
        "a/Parent Directory",
        "a/index of",
        "a/日本/zarr.json",
        "a/<b>/zarr.json",
        "a/?sort=name&order=asc/zarr.json",
        LONG,
        "a/back\\slash",
        "g/zarr.json",
        "ünï/x",
        "zarr.json",
    ];

    /// Longer than any column of an index page is wide.
    const LONG: &str = "a/a_name_that_is_longer_than_any_column_of_an_index_page_that_we_know_of_is_wide_and_goes_on/zarr.json";

    fn fixture() -> PathBuf {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real-servers");
        let _ = std::fs::remove_dir_all(&root);
        let write = |name: &str, data: &[u8]| {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, data).unwrap();
        };
        for name in FILES.iter().chain(&[ODD]) {
            write(name, name.as_bytes());
        }
        write("a/big", &pattern(300_000));
        write("a/empty", b"");
        std::fs::create_dir_all(root.join("hollow")).unwrap();
        root
    }

    pub(super) fn main() -> ExitCode {
        let arguments = Arguments::from_args();
        let root = fixture();
        let mut trials = Vec::new();
        for kind in Kind::ALL {
            let add = |what: &str, test: fn(External, Kind) -> Result<(), Failed>| {
                let name = format!("{kind:?}_{what}");
                trial::with_server(name, kind, root.clone(), move |server| test(server, kind))
            };
            trials.push(add("is_read", is_read));
            if kind == Kind::NginxNoIndex || kind == Kind::NginxGzip {
                trials.push(add("lists_nothing", lists_nothing));
            } else {
                trials.push(add("is_listed", is_listed));
            }
            if kind.is_writable() {
                trials.push(add("is_written", is_written));
            }
        }
        let crowd = crowd();
        trials.push(trial::with_server(
            "Caddy_lists_a_crowded_folder_whole_or_not",
            Kind::Caddy,
            crowd,
            lists_a_crowd_whole_or_not,
        ));
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    /// More files than Caddy shows of a folder.
    const CROWD: usize = 10_050;

    fn crowd() -> PathBuf {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crowd");
        let dir = root.join("d");
        std::fs::create_dir_all(&dir).unwrap();
        for number in 0..CROWD {
            std::fs::File::create(dir.join(number.to_string())).unwrap();
        }
        root
    }

    /// Caddy 2.6 reads 10,000 names and shows them as if they were all.
    fn lists_a_crowd_whole_or_not(server: External) -> Result<(), Failed> {
        with(config(&server), async |fs| {
            assert_eq!(names(&fs.ls(&Path::root()).await.unwrap()), ["d/"]);
            match fs.ls(&path("d")).await {
                Ok(listing) => assert_eq!(listing.files.len(), CROWD),
                listing => assert_eq!(kind(listing), "Unsupported"),
            }
        });
        Ok(())
    }

    fn config(server: &External) -> HttpConfig {
        let config = HttpConfig::new(format!("{}/", server.url()));
        match server.ca() {
            None => config,
            Some(ca) => {
                let transport = TransportOptions::default().with_root_certificates(ca.pem().as_bytes());
                config.with_transport(transport.unwrap())
            }
        }
    }

    fn is_read(server: External, what: Kind) -> Result<(), Failed> {
        with(config(&server), async |fs| {
            for name in FILES.iter().chain(&[ODD]) {
                let read = fs.cat(&path(name)).await;
                let read =
                    read.unwrap_or_else(|error| panic!("{what:?} {name}: {error:?}\n{}", server.output()));
                assert_eq!(read, *name, "{what:?}");
            }
            let (big, data) = (path("a/big"), pattern(300_000));
            for (range, wanted) in [
                (ByteRange::Full, 0..300_000),
                (ByteRange::Bounded(1000, 2000), 1000..2000),
                (ByteRange::From(299_990), 299_990..300_000),
                (ByteRange::From(300_000), 300_000..300_000),
                (ByteRange::Suffix(10), 299_990..300_000),
                (ByteRange::Suffix(1 << 30), 0..300_000),
            ] {
                let read = fs
                    .cat_file(&big, CatOptions::default().with_range(range))
                    .await
                    .unwrap();
                assert!(read.bytes == data[wanted], "{what:?} {range:?}");
            }
            for range in [ByteRange::Bounded(299_999, 300_001), ByteRange::From(300_001)] {
                let read = fs.cat_file(&big, CatOptions::default().with_range(range)).await;
                assert_eq!(kind(read), "RangeOutOfBounds", "{what:?} {range:?}");
            }
            assert!(fs.cat(&path("a/empty")).await.unwrap().is_empty());
            let info = fs.info(&big).await.unwrap();
            assert!(matches!(info.size_bytes, None | Some(300_000)), "{what:?}");
            if !info.version.is_unknown() {
                let held = CatOptions::default().with_if_match(info.version);
                assert_eq!(fs.cat_file(&big, held).await.unwrap().bytes.len(), 300_000);
                let other = zarr_fs::Version {
                    etag: Some("\"other\"".to_owned()),
                    generation: None,
                };
                let held = CatOptions::default().with_range(0..9).with_if_match(other);
                assert_eq!(kind(fs.cat_file(&big, held).await), "Precondition", "{what:?}");
            }
            for missing in ["nowhere", "a", "hollow", "a/nowhere/x"] {
                assert_eq!(
                    kind(fs.cat(&path(missing)).await),
                    "NotFound",
                    "{what:?} {missing}"
                );
                assert_eq!(
                    kind(fs.info(&path(missing)).await),
                    "NotFound",
                    "{what:?} {missing}"
                );
            }
        });
        Ok(())
    }

    /// Names of all files and folders below the root of a tree on disk, as a listing has them.
    fn on_disk(root: &FsPath, dotfiles: bool) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(root).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !dotfiles && name.starts_with('.') {
                continue;
            }
            if entry.path().is_dir() {
                folders.push(format!("{name}/"));
            } else {
                files.push(name);
            }
        }
        files.sort();
        folders.sort();
        [files, folders].concat()
    }

    fn is_listed(server: External, what: Kind) -> Result<(), Failed> {
        let webdav = what.is_writable();
        let hides = matches!(
            what,
            Kind::Nginx
                | Kind::NginxJson
                | Kind::NginxTls
                | Kind::NginxProxy
                | Kind::NginxDav
                | Kind::Lighttpd
        );
        // nginx shows no sign of its WebDAV: it has to be said.
        let mut config = config(&server);
        if what == Kind::NginxDav {
            config = config.with_listing(ListingMode::WebDav);
        }
        with(config, async |fs: &HttpFileSystem| {
            let listing = fs.ls(&Path::root()).await;
            let listing = listing.unwrap_or_else(|error| panic!("{what:?}: {error:?}\n{}", server.output()));
            assert_eq!(names(&listing), on_disk(&server.root(), !hides), "{what:?}");
            let expected = if webdav && !hides {
                Listing::Complete
            } else {
                Listing::VisibleOnly
            };
            assert_eq!(fs.capabilities().listing, expected, "{what:?}");
            let below = fs.ls(&path("a")).await.unwrap();
            let wanted: Vec<_> = on_disk(&server.root().join("a"), !hides)
                .iter()
                .map(|name| format!("a/{name}"))
                .collect();
            assert_eq!(names(&below), wanted, "{what:?}");
            for file in &below.files {
                let info = fs.info(&file.path).await.unwrap();
                assert!(
                    file.size_bytes.is_none() || file.size_bytes == info.size_bytes,
                    "{what:?} {file:?}"
                );
                assert!(
                    file.version.is_unknown() || file.version == info.version,
                    "{what:?} {file:?} {info:?}"
                );
            }
            for missing in ["hollow", "nowhere", "nowhere/x", "zarr.json"] {
                assert_eq!(
                    kind(fs.ls(&path(missing)).await),
                    "NotFound",
                    "{what:?} {missing}"
                );
            }
            let found = fs.find_all(&Path::root()).await.unwrap();
            let is_shown = |name: &&&str| !hides || !name.starts_with('.') && !name.contains("/.");
            let expected = FILES.iter().filter(is_shown).count() + 3;
            assert_eq!(found.len(), expected, "{what:?}: {found:?}");
        });
        Ok(())
    }

    fn lists_nothing(server: External, what: Kind) -> Result<(), Failed> {
        with(config(&server), async |fs| {
            for dir in ["", "a", "g"] {
                assert_eq!(kind(fs.ls(&path(dir)).await), "Unsupported", "{what:?} {dir}");
            }
            assert_eq!(fs.capabilities().listing, Listing::None, "{what:?}");
        });
        Ok(())
    }

    fn is_written(server: External, what: Kind) -> Result<(), Failed> {
        let config = config(&server).with_write(true);
        with(config, async |fs| {
            let create = PipeOptions::default().with_mode(WriteMode::Create);
            let file = path("new folder/deep/ü+x");
            let written = fs.pipe(&file, "one").await;
            let written = written.unwrap_or_else(|error| panic!("{what:?}: {error:?}\n{}", server.output()));
            assert_eq!(written.size_bytes, Some(3));
            fs.pipe(&file, "two").await.unwrap();
            assert_eq!(fs.cat(&file).await.unwrap(), "two", "{what:?}");
            assert_eq!(
                kind(fs.pipe_file(&file, "three".into(), create.clone()).await),
                "AlreadyExists",
                "{what:?}"
            );
            assert_eq!(fs.cat(&file).await.unwrap(), "two", "{what:?}");
            let fresh = path("new folder/fresh");
            fs.pipe_file(&fresh, "four".into(), create).await.unwrap();
            let copy = path("other/copy");
            fs.cp_file(&fresh, &copy, WriteMode::Overwrite).await.unwrap();
            assert_eq!(fs.cat(&copy).await.unwrap(), "four", "{what:?}");
            let again = fs.cp_file(&file, &copy, WriteMode::Create).await;
            assert_eq!(kind(again), "AlreadyExists", "{what:?}");
            assert_eq!(kind(fs.rm_file(&path("a")).await), "NotFound", "{what:?}");
            fs.rm_file(&copy).await.unwrap();
            assert_eq!(kind(fs.rm_file(&copy).await), "NotFound", "{what:?}");
            assert_eq!(fs.cat(&path("a/0.0")).await.unwrap(), "a/0.0");
        });
        // Nothing of the refused upload is left.
        let left = std::fs::read_dir(server.root().join("new folder")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{what:?}: {left:?}");
        Ok(())
    }
}
