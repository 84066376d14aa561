//! Writing to an in-process WebDAV server, and to servers that do not take it.

mod common;

use common::{kind, path, pattern, requests, seed, server, with};
use futures::future::join_all;
use zarr_fs::{FileSystem, FileSystemExt, Options, Path, PipeOptions, WriteMode};
use zarr_http::HttpConfig;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

fn writing(server: &HttpServer) -> HttpConfig {
    HttpConfig::new(server.base_url()).with_write(true)
}

fn create() -> PipeOptions {
    PipeOptions::default().with_mode(WriteMode::Create)
}

#[test]
fn it_is_an_option() {
    let server = server(Mode::Dav);
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert!(!fs.capabilities().write);
        assert_eq!(kind(fs.pipe(&path("x"), "x").await), "Unsupported");
        assert_eq!(kind(fs.rm_file(&path("zarr.json")).await), "Unsupported");
        assert_eq!(
            kind(
                fs.cp_file(&path("zarr.json"), &path("x"), WriteMode::Overwrite)
                    .await
            ),
            "Unsupported"
        );
        assert_eq!(server.requests(), 0);
    });
}

#[test]
fn many_uploads_into_new_folders_at_once() {
    let server = HttpServer::start(Mode::Dav);
    with(writing(&server), async |fs| {
        let paths: Vec<Path> = (0..40)
            .map(|n| path(&format!("new/{}/deep er/{n}", n % 4)))
            .collect();
        let written = join_all(paths.iter().map(|path| fs.pipe(path, path.as_str().to_owned()))).await;
        for (written, path) in written.into_iter().zip(&paths) {
            let written = written.unwrap();
            let read = fs.cat_file(path, Default::default()).await.unwrap();
            assert_eq!(
                (read.bytes.as_ref(), &read.info),
                (path.as_str().as_bytes(), &written)
            );
        }
        assert_eq!(fs.find_all(&Path::root()).await.unwrap().len(), 40);
    });
}

#[test]
fn create_leaves_nothing_behind() {
    let server = server(Mode::Dav);
    with(writing(&server), async |fs| {
        assert!(fs.capabilities().create);
        fs.pipe_file(&path("b/new"), "1".into(), create()).await.unwrap();
        for there in ["b/new", "zarr.json", "a"] {
            let again = fs.pipe_file(&path(there), "2".into(), create()).await;
            assert_eq!(kind(again), "AlreadyExists", "{there}");
        }
        assert_eq!(fs.cat(&path("b/new")).await.unwrap(), "1");
        assert_eq!(fs.cat(&path("a/zarr.json")).await.unwrap(), "a/zarr.json");
        assert_eq!(common::names(&fs.ls(&path("b")).await.unwrap()), ["b/new"]);
    });
    // What was uploaded under another name is gone too, not only hidden.
    assert_eq!(
        requests(&server)
            .iter()
            .filter(|request| request.starts_with("DELETE"))
            .count(),
        3
    );
}

#[test]
fn leftovers_are_not_listed() {
    let server = server(Mode::Dav);
    server.put("a/.zarr-http-upload-0123456789abcdef", "half");
    with(HttpConfig::new(server.base_url()), async |fs| {
        let listing = fs.ls(&path("a")).await.unwrap();
        assert_eq!(
            common::names(&listing),
            ["a/big", "a/empty", "a/zarr.json", "a/c/"]
        );
    });
}

#[test]
fn whole_folders_are_never_removed_nor_replaced() {
    let server = server(Mode::Dav);
    with(writing(&server), async |fs| {
        assert_eq!(kind(fs.rm_file(&path("a")).await), "NotFound");
        assert_eq!(
            kind(fs.cp_file(&path("a"), &path("copy"), WriteMode::Overwrite).await),
            "NotFound"
        );
        assert_eq!(
            kind(
                fs.cp_file(&path("zarr.json"), &path("a"), WriteMode::Overwrite)
                    .await
            ),
            "Backend"
        );
        assert_eq!(
            kind(
                fs.cp_file(&path("zarr.json"), &path("a"), WriteMode::Create)
                    .await
            ),
            "AlreadyExists"
        );
        fs.pipe(&path("a"), "x").await.unwrap_err();
        fs.pipe(&path("zarr.json/x"), "x").await.unwrap_err();
        assert_eq!(
            kind(
                fs.cp_file(&path("nowhere"), &path("new folder/x"), WriteMode::Overwrite)
                    .await
            ),
            "NotFound"
        );
        assert_eq!(kind(fs.ls(&path("new folder")).await), "NotFound");
        assert_eq!(kind(fs.pipe(&Path::root(), "x").await), "InvalidPath");
    });
    assert!(server.get("a/c/0/0").is_some());
    assert_eq!(server.get("a/big").unwrap(), pattern(100_000));
    assert_eq!(server.get("zarr.json").unwrap(), "zarr.json");
}

#[test]
fn a_server_that_takes_no_writes_says_so() {
    for mode in [
        Mode::Index(IndexStyle::Nginx),
        Mode::Index(IndexStyle::Python),
        Mode::NoIndex(404),
    ] {
        let server = HttpServer::start(mode);
        seed(&server);
        with(writing(&server), async |fs| {
            assert_eq!(kind(fs.pipe(&path("x"), "x").await), "Unsupported", "{mode:?}");
            assert_eq!(
                kind(fs.rm_file(&path("zarr.json")).await),
                "Unsupported",
                "{mode:?}"
            );
            let copied = fs
                .cp_file(&path("zarr.json"), &path("x"), WriteMode::Create)
                .await;
            assert_eq!(kind(copied), "Unsupported", "{mode:?}");
        });
    }
}

#[test]
fn what_the_server_refuses_is_an_error_of_its_kind() {
    for (fault, expected) in [
        (Fault::status(401), "Unauthenticated"),
        (Fault::status(403), "PermissionDenied"),
        (Fault::status(503), "Unavailable"),
        (Fault::status(507), "Backend"),
        (Fault::reset(), "Unavailable"),
        (Fault::redirect(307, "/elsewhere"), "Backend"),
    ] {
        let server = server(Mode::Dav);
        server.faults().add(When::method("PUT"), fault.clone());
        let options = Options::from_json(r#"{"retries": 1}"#).unwrap();
        with(writing(&server).with_options(options), async |fs| {
            assert_eq!(kind(fs.pipe(&path("x"), "x").await), expected, "{fault:?}");
            assert_eq!(
                kind(fs.pipe_file(&path("x"), "x".into(), create()).await),
                expected,
                "{fault:?}"
            );
        });
        assert!(server.get("elsewhere").is_none());
    }
}

#[test]
fn a_write_without_webdav_still_puts() {
    // A server that stores what is put, and knows no other method of WebDAV.
    let server = HttpServer::start(Mode::Dav);
    for method in ["MOVE", "MKCOL", "PROPFIND"] {
        server.faults().add(When::method(method), Fault::status(405));
    }
    with(writing(&server), async |fs| {
        fs.pipe(&path("x"), "x").await.unwrap();
        assert_eq!(fs.cat(&path("x")).await.unwrap(), "x");
        assert!(fs.capabilities().create);
        assert_eq!(
            kind(fs.pipe_file(&path("y"), "y".into(), create()).await),
            "Unsupported"
        );
        assert!(!fs.capabilities().create, "learned");
        assert_eq!(kind(fs.cat(&path("y")).await), "NotFound");
        fs.rm_file(&path("x")).await.unwrap();
    });
    assert!(server.get("x").is_none());
}
