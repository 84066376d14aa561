//! What only a local filesystem does; the rest is in the conformance suite.

use std::fs;
use std::path::{Path as OsPath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use futures::executor::block_on;
use futures::{FutureExt, StreamExt};

use super::*;
use crate::error::Error;
use crate::ext::FileSystemExt;
use crate::info::Version;
use crate::options::Options;
use crate::registry::Registry;
use crate::session::SessionOptions;

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("zarr-fs-local-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    #[track_caller]
    fn open(&self) -> LocalFileSystem {
        LocalFileSystem::new(&self.0)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn listed(listing: &DirListing) -> (Vec<&str>, Vec<&str>) {
    let files = listing.files.iter().map(|file| file.path.as_str()).collect();
    (files, listing.prefixes.iter().map(Path::as_str).collect())
}

fn is_root(listed: &OsPath) -> bool {
    // The superuser may do everything: a test about permissions would show nothing.
    fs::read_dir(listed).is_ok()
}

#[test]
fn the_constructor_touches_nothing_and_the_first_write_makes_the_root() {
    block_on(async {
        let folder = Folder::new();
        let root = folder.0.join("not/yet");
        let fs = LocalFileSystem::new(&root);
        assert!(!root.exists());
        assert!(fs.ls(&Path::root()).await.unwrap_err().is_not_found());
        assert!(fs.find_all(&Path::root()).await.unwrap().is_empty());
        assert!(!root.exists());
        fs.pipe(&path("a/b"), "x").await.unwrap();
        assert_eq!(fs::read(root.join("a/b")).unwrap(), b"x");
        fs.close().await.unwrap();
    });
}

#[test]
fn folders_go_with_their_last_file_and_the_root_stays() {
    block_on(async {
        let folder = Folder::new();
        let fs = folder.open();
        fs.pipe(&path("a/b/c/x"), "x").await.unwrap();
        fs.pipe(&path("a/y"), "y").await.unwrap();
        fs.rm_file(&path("a/b/c/x")).await.unwrap();
        assert_eq!(folder.names("a"), ["y"]);
        fs.rm_file(&path("a/y")).await.unwrap();
        assert!(folder.names("").is_empty());
        assert!(folder.0.exists());
        fs.close().await.unwrap();
    });
}

#[test]
fn an_empty_folder_has_nothing_under_it() {
    block_on(async {
        let folder = Folder::new();
        fs::create_dir(folder.0.join("empty")).unwrap();
        let fs = folder.open();
        assert!(fs.ls(&path("empty")).await.unwrap_err().is_not_found());
        assert!(fs.info(&path("empty")).await.unwrap_err().is_not_found());
        assert!(fs.cat(&path("empty")).await.unwrap_err().is_not_found());
        assert!(fs.rm_file(&path("empty")).await.unwrap_err().is_not_found());
        let refused = fs.pipe(&path("empty"), "x").await.unwrap_err();
        assert!(matches!(refused, Error::Backend { .. }), "{refused:?}");
        assert!(folder.names("empty").is_empty());
        assert_eq!(folder.names(""), ["empty"], "no temporary file is left");
        fs.close().await.unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_no_path_can_name_is_told_and_a_file_is_not() {
    use std::os::unix::ffi::OsStrExt;

    block_on(async {
        let folder = Folder::new();
        let place = |name: &[u8]| folder.0.join(std::ffi::OsStr::from_bytes(name));
        for name in [b"line\nfeed".as_slice(), b"lat\xe9in"] {
            fs::create_dir(place(name)).unwrap();
        }
        fs::write(place(b"fi\nle"), "x").unwrap();
        let fs = folder.open();
        let listing = fs.ls(&Path::root()).await.unwrap();
        assert_eq!(listed(&listing), (vec![], vec![]));
        let told: Vec<_> = listing
            .unnameable
            .iter()
            .map(|it| (it.name.as_str(), it.reason))
            .collect();
        assert_eq!(
            told,
            [
                ("lat\u{fffd}in", "not UTF-8"),
                ("line\nfeed", "a control character")
            ]
        );
        assert!(fs.find_all(&Path::root()).await.unwrap().is_empty());
        fs.close().await.unwrap();
    });
}

#[test]
fn a_file_in_the_place_of_a_folder_is_not_found_to_readers_and_an_error_to_writers() {
    block_on(async {
        let folder = Folder::new();
        let fs = folder.open();
        fs.pipe(&path("a"), "x").await.unwrap();
        assert!(fs.cat(&path("a/b")).await.unwrap_err().is_not_found());
        assert!(fs.ls(&path("a/b")).await.unwrap_err().is_not_found());
        assert!(fs.rm_file(&path("a/b")).await.unwrap_err().is_not_found());
        assert!(fs.find_all(&path("a/b")).await.unwrap().is_empty());
        assert!(matches!(
            fs.pipe(&path("a/b"), "x").await,
            Err(Error::Backend { .. })
        ));
        fs.close().await.unwrap();
    });
}

#[test]
fn leftovers_of_killed_writers_are_not_shown_and_can_be_removed() {
    block_on(async {
        let folder = Folder::new();
        let fs = folder.open();
        fs.pipe(&path("a/b"), "x").await.unwrap();
        let leftover = format!("a/{}0123.7", temp::PREFIX);
        fs::write(folder.0.join(&leftover), "half").unwrap();
        assert_eq!(listed(&fs.ls(&path("a")).await.unwrap()), (vec!["a/b"], vec![]));
        assert_eq!(fs.find_all(&Path::root()).await.unwrap().len(), 1);
        assert!(fs.cat(&path(&leftover)).await.unwrap_err().is_not_found());
        assert!(matches!(
            fs.pipe(&path(&leftover), "x").await,
            Err(Error::InvalidPath { .. })
        ));
        let root = Path::root();
        assert_eq!(
            fs.remove_leftovers(&root, Duration::from_secs(3600))
                .await
                .unwrap(),
            0
        );
        assert_eq!(fs.remove_leftovers(&root, Duration::ZERO).await.unwrap(), 1);
        assert_eq!(folder.names("a"), ["b"]);
        fs.close().await.unwrap();
    });
}

#[test]
fn a_failed_and_a_dropped_upload_leave_no_file() {
    let folder = Folder::new();
    let fs = folder.open();
    let big = Bytes::from(vec![1; 1 << 20]);
    block_on(async {
        let pieces = vec![
            Ok(big.clone()),
            Err(fs.0.at("test", &Path::root()).backend("broken")),
        ];
        let place = path("a");
        let failed = fs.pipe_stream(
            &place,
            futures::stream::iter(pieces).boxed(),
            PipeOptions::default(),
        );
        assert!(matches!(failed.await, Err(Error::Backend { .. })));
        assert!(folder.names("").is_empty());
        let never = futures::stream::iter([Ok(big)]).chain(futures::stream::pending());
        let mut upload = fs.pipe_stream(&place, never.boxed(), PipeOptions::default());
        assert!(upload.as_mut().now_or_never().is_none());
        assert_eq!(folder.names("").len(), 1, "under way");
        drop(upload);
        assert!(folder.names("").is_empty());
        fs.close().await.unwrap();
    });
}

#[test]
fn each_write_is_a_new_version_however_quick() {
    block_on(async {
        let folder = Folder::new();
        let fs = folder.open();
        let mut versions = std::collections::HashSet::new();
        for _ in 0..200 {
            let info = fs.pipe(&path("a"), "same size").await.unwrap();
            assert_eq!(info, fs.info(&path("a")).await.unwrap());
            assert!(versions.insert(info.version), "two writes of one version");
        }
        fs.close().await.unwrap();
    });
}

#[test]
fn without_hard_links_only_one_of_two_creators_wins() {
    let folder = Folder::new();
    let target = folder.0.join("a");
    for (round, wins) in [(0, true), (1, false)] {
        let mut temp = temp::Temp::beside(&target).unwrap();
        std::io::Write::write_all(temp.file().unwrap(), b"x").unwrap();
        assert_eq!(temp.take_name(&target).is_ok(), wins, "round {round}");
    }
    assert_eq!(fs::read(&target).unwrap(), b"x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creators_one_wins_and_counters_lose_no_step() {
    let folder = Folder::new();
    let fs = Arc::new(folder.open());
    let place = path("a/counter");
    let creators = (0..16).map(|number: u32| {
        let options = PipeOptions::default().with_mode(WriteMode::Create);
        let (fs, place) = (&fs, &place);
        async move { fs.pipe_file(place, number.to_string().into(), options).await }
    });
    let created = futures::future::join_all(creators).await;
    assert_eq!(created.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        created
            .iter()
            .all(|outcome| matches!(outcome, Ok(_) | Err(Error::AlreadyExists { .. })))
    );
    fs.pipe(&place, "0").await.unwrap();
    let counters = (0..8).map(|_| {
        let (fs, place) = (&fs, &place);
        async move {
            let mut steps = 0;
            while steps < 10 {
                let read = fs.cat_file(place, CatOptions::default()).await.unwrap();
                let number: u32 = std::str::from_utf8(&read.bytes).unwrap().parse().unwrap();
                let mode = WriteMode::IfMatch(read.info.version);
                let options = PipeOptions::default().with_mode(mode);
                match fs
                    .pipe_file(place, (number + 1).to_string().into(), options)
                    .await
                {
                    Ok(_) => steps += 1,
                    Err(Error::Precondition { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
    futures::future::join_all(counters).await;
    assert_eq!(fs.cat(&place).await.unwrap(), "80");
    fs.close().await.unwrap();
}

#[test]
fn a_condition_on_an_unknown_version_never_holds() {
    block_on(async {
        let folder = Folder::new();
        let fs = folder.open();
        fs.pipe(&path("a"), "x").await.unwrap();
        let options = PipeOptions::default().with_mode(WriteMode::IfMatch(Version::default()));
        let refused = fs.pipe_file(&path("a"), "y".into(), options).await;
        assert!(matches!(refused, Err(Error::Precondition { .. })));
        fs.close().await.unwrap();
    });
}

#[test]
fn every_fsync_policy_writes_the_same() {
    block_on(async {
        let folder = Folder::new();
        for fsync in [Fsync::Never, Fsync::File, Fsync::FileAndFolder] {
            let fs = LocalFileSystem::with_options(&folder.0, LocalOptions::default().with_fsync(fsync));
            fs.pipe(&path("a/b"), format!("{fsync:?}")).await.unwrap();
            assert_eq!(fs.cat(&path("a/b")).await.unwrap(), format!("{fsync:?}"));
            fs.close().await.unwrap();
        }
    });
}

#[test]
fn a_file_url_names_a_place_and_its_options_are_checked() {
    block_on(async {
        let folder = Folder::new();
        fs::write(folder.0.join("sp ace#?%41"), "x").unwrap();
        let registry = Registry::new(SessionOptions::default()).with("file", LocalFactory);
        let url = file_url(folder.0.join("sp ace#?%41")).unwrap();
        let mut options = Options::new();
        options.set_text("fsync", "folder").unwrap();
        let (fs, place) = registry.open(&url, &options).unwrap();
        assert_eq!(fs.cat(&place).await.unwrap(), "x");
        options.set_text("fsync", "sometimes").unwrap();
        assert!(matches!(
            registry.open(&url, &options),
            Err(Error::InvalidOption { .. })
        ));
        let elsewhere = ::url::Url::parse("file://other-host/a").unwrap();
        let refused = registry.open(&elsewhere, &Options::new());
        assert!(cfg!(windows) || matches!(refused, Err(Error::InvalidUrl { .. })));
        registry.close_all().await.unwrap();
    });
}

#[test]
fn a_plain_path_is_taken_as_the_operating_system_takes_it() {
    block_on(async {
        let folder = Folder::new();
        fs::create_dir_all(folder.0.join("a/b")).unwrap();
        fs::write(folder.0.join("a/x"), "x").unwrap();
        let (fs, place) =
            LocalFileSystem::open(folder.0.join("a/./b/../x"), LocalOptions::default()).unwrap();
        assert_eq!(fs.cat(&place).await.unwrap(), "x");
        fs.close().await.unwrap();
        let nowhere = LocalFileSystem::open(folder.0.join("no/../x"), LocalOptions::default());
        assert!(nowhere.unwrap_err().is_not_found());
        assert!(matches!(file_url("a\nb"), Err(Error::InvalidPath { .. })));
        assert!(matches!(file_url(""), Err(Error::InvalidPath { .. })));
        assert!(file_url("relative").unwrap().path().ends_with("/relative"));
    });
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_inside_the_root_are_followed_and_those_that_leave_it_are_refused() {
        block_on(async {
            let (outside, folder) = (Folder::new(), Folder::new());
            fs::create_dir(outside.0.join("d")).unwrap();
            fs::write(outside.0.join("secret"), "s").unwrap();
            fs::write(outside.0.join("d/secret"), "s").unwrap();
            let fs = folder.open();
            fs.pipe(&path("a/b"), "x").await.unwrap();
            symlink(folder.0.join("a"), folder.0.join("absolute")).unwrap();
            symlink("a/b", folder.0.join("relative")).unwrap();
            for inside in ["absolute/b", "relative"] {
                assert_eq!(fs.cat(&path(inside)).await.unwrap(), "x", "{inside}");
            }
            symlink(outside.0.join("secret"), folder.0.join("file")).unwrap();
            symlink(&outside.0, folder.0.join("out")).unwrap();
            symlink(outside.0.join("d"), folder.0.join("a/out")).unwrap();
            let denied = |error: Error| assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
            for out in [
                "file",
                "out/secret",
                "out/d/secret",
                "a/out/secret",
                "absolute/out/secret",
            ] {
                denied(fs.cat(&path(out)).await.unwrap_err());
                denied(fs.info(&path(out)).await.unwrap_err());
            }
            denied(fs.ls(&path("out")).await.unwrap_err());
            denied(fs.find_all(&path("a")).await.unwrap_err());
            denied(fs.pipe(&path("out/new"), "x").await.unwrap_err());
            denied(fs.pipe(&path("out/new/deep"), "x").await.unwrap_err());
            denied(fs.rm_file(&path("out/secret")).await.unwrap_err());
            denied(
                fs.cp_file(&path("out/secret"), &path("c"), WriteMode::Overwrite)
                    .await
                    .unwrap_err(),
            );
            denied(
                fs.remove_leftovers(&path("out"), Duration::ZERO)
                    .await
                    .unwrap_err(),
            );
            assert_eq!(outside.names(""), ["d", "secret"]);

            let options = LocalOptions::default().with_symlinks(Symlinks::Anywhere);
            let free = LocalFileSystem::with_options(&folder.0, options);
            assert_eq!(free.cat(&path("out/secret")).await.unwrap(), "s");
            free.close().await.unwrap();
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn writing_to_a_link_replaces_it_and_not_what_it_leads_to() {
        block_on(async {
            let (outside, folder) = (Folder::new(), Folder::new());
            fs::write(outside.0.join("secret"), "s").unwrap();
            symlink(outside.0.join("secret"), folder.0.join("file")).unwrap();
            let fs = folder.open();
            fs.pipe(&path("file"), "x").await.unwrap();
            assert_eq!(fs.cat(&path("file")).await.unwrap(), "x");
            assert_eq!(fs::read(outside.0.join("secret")).unwrap(), b"s");
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn a_walk_ends_where_links_lead_back() {
        block_on(async {
            let folder = Folder::new();
            let fs = folder.open();
            fs.pipe(&path("a/x"), "x").await.unwrap();
            fs.pipe(&path("b/y"), "y").await.unwrap();
            symlink("..", folder.0.join("a/up")).unwrap();
            symlink("../b", folder.0.join("a/b")).unwrap();
            symlink("../a", folder.0.join("b/a")).unwrap();
            symlink("self", folder.0.join("self")).unwrap();
            symlink("nowhere", folder.0.join("dangling")).unwrap();
            let found = fs.find_all(&Path::root()).await.unwrap();
            assert!(found.len() < 20, "{found:?}");
            let found: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
            for wanted in ["a/x", "b/y", "a/b/y", "b/a/x"] {
                assert!(found.contains(&wanted), "{wanted} in {found:?}");
            }
            assert_eq!(
                listed(&fs.ls(&Path::root()).await.unwrap()),
                (vec!["dangling"], vec!["a", "b"])
            );
            fs.close().await.unwrap();
        });
    }

    /// What git-annex leaves in place of a file that has not been fetched.
    #[test]
    fn a_link_to_nothing_is_not_a_file_that_is_missing() {
        block_on(async {
            let folder = Folder::new();
            symlink("nowhere", folder.0.join("dangling")).unwrap();
            for symlinks in [Symlinks::Inside, Symlinks::Anywhere] {
                let fs =
                    LocalFileSystem::with_options(&folder.0, LocalOptions::default().with_symlinks(symlinks));
                let dangling = path("dangling");
                let errors = [
                    fs.cat(&dangling).await.unwrap_err(),
                    fs.info(&dangling).await.unwrap_err(),
                    fs.cat_ranges(&dangling, &[0..1, 2..3], CatRangesOptions::default())
                        .await
                        .unwrap_err(),
                ];
                for error in errors {
                    let Error::Backend { source, .. } = error else {
                        panic!("{error:?}");
                    };
                    assert!(source.to_string().contains("symbolic link"), "{source}");
                }
                assert_eq!(fs.find_all(&Path::root()).await.unwrap().len(), 1);
                assert!(fs.cat(&path("dangling/x")).await.unwrap_err().is_not_found());
                fs.close().await.unwrap();
            }
            // Whoever writes there replaces the link.
            let fs = folder.open();
            fs.pipe(&path("dangling"), "x").await.unwrap();
            assert_eq!(fs.cat(&path("dangling")).await.unwrap(), "x");
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn names_that_no_path_can_have_are_left_out() {
        block_on(async {
            let folder = Folder::new();
            let fs = folder.open();
            fs.pipe(&path("a"), "x").await.unwrap();
            for name in [&b"bad\xff"[..], b"new\nline"] {
                fs::write(folder.0.join(OsStr::from_bytes(name)), "x").unwrap();
            }
            assert_eq!(listed(&fs.ls(&Path::root()).await.unwrap()), (vec!["a"], vec![]));
            assert_eq!(fs.find_all(&Path::root()).await.unwrap().len(), 1);
            let name = "x".repeat(300);
            assert!(fs.cat(&path(&name)).await.unwrap_err().is_not_found());
            assert!(matches!(
                fs.pipe(&path(&name), "x").await,
                Err(Error::InvalidPath { .. })
            ));
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn a_pipe_or_a_device_is_no_file_and_holds_up_nobody() {
        block_on(async {
            let folder = Folder::new();
            let made = std::process::Command::new("mkfifo")
                .arg(folder.0.join("pipe"))
                .status();
            assert!(made.unwrap().success());
            let fs = folder.open();
            fs.pipe(&path("a"), "x").await.unwrap();
            assert!(fs.cat(&path("pipe")).await.unwrap_err().is_not_found());
            assert_eq!(listed(&fs.ls(&Path::root()).await.unwrap()), (vec!["a"], vec![]));
            fs.close().await.unwrap();
            let (dev, zero) = LocalFileSystem::open("/dev/zero", LocalOptions::default()).unwrap();
            assert!(dev.cat(&zero).await.unwrap_err().is_not_found());
            dev.close().await.unwrap();
        });
    }

    #[test]
    fn what_may_not_be_read_is_denied_and_never_missing() {
        block_on(async {
            let folder = Folder::new();
            let fs = folder.open();
            fs.pipe(&path("locked/a"), "x").await.unwrap();
            let locked = folder.0.join("locked");
            fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
            if !is_root(&locked) {
                let denied =
                    |error: Error| assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
                denied(fs.cat(&path("locked/a")).await.unwrap_err());
                denied(fs.ls(&path("locked")).await.unwrap_err());
                denied(fs.find_all(&Path::root()).await.unwrap_err());
                denied(fs.pipe(&path("locked/b"), "x").await.unwrap_err());
                denied(fs.rm_file(&path("locked/a")).await.unwrap_err());
            }
            fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
            fs.close().await.unwrap();
        });
    }

    #[test]
    fn a_full_disk_is_a_backend_error() {
        // A file under way cannot be put on /dev/full, so the writer's own step is looked at.
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let Ok(mut full) = full else { return };
        let error = std::io::Write::write_all(&mut full, b"x").unwrap_err();
        let at = Context::new("/", "pipe_file", &path("a"));
        assert!(matches!(
            super::super::error::writing(&at, error),
            Error::Backend { .. }
        ));
    }
}
