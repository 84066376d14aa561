//! Listings of in-process servers: what they name, how many requests they take, and what is never concluded.

mod common;

use common::{ODD, kind, names, open, path, requests, seed, server, with};
use futures::StreamExt;
use futures::executor::block_on;
use zarr_fs::{FileSystem, FileSystemExt, Listing, Options, Path};
use zarr_http::{HttpConfig, ListingMode};
use zarr_tests::http::{Credentials, HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

fn root_names(dotfiles: bool) -> Vec<String> {
    let mut names: Vec<String> = [".zgroup", ODD, "zarr.json", "a/", "a b/", "hollow/", "ünï/"]
        .map(str::to_owned)
        .into();
    names.retain(|name| dotfiles || !name.starts_with('.'));
    names
}

#[test]
fn every_index_is_read() {
    for style in common::STYLES {
        let server = server(Mode::Index(style));
        let hides = matches!(
            style,
            IndexStyle::Nginx | IndexStyle::NginxJson | IndexStyle::Lighttpd
        );
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(
                fs.capabilities().listing,
                Listing::Complete,
                "nothing is known yet"
            );
            let listing = fs.ls(&Path::root()).await.unwrap();
            assert_eq!(names(&listing), root_names(!hides), "{style:?}");
            assert_eq!(fs.capabilities().listing, Listing::VisibleOnly, "{style:?}");
            let below = fs.ls(&path("a b")).await.unwrap();
            assert_eq!(names(&below), ["a b/%2e%2e/"], "{style:?}");
            assert_eq!(kind(fs.ls(&path("hollow")).await), "NotFound", "{style:?}");
            assert_eq!(kind(fs.ls(&path("nowhere/x")).await), "NotFound", "{style:?}");
            assert_eq!(kind(fs.ls(&path("zarr.json")).await), "NotFound", "{style:?}");
            let found = fs.find_all(&path("a")).await.unwrap();
            let found: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(
                found,
                ["a/big", "a/c/0/0", "a/c/0/1", "a/empty", "a/zarr.json"],
                "{style:?}"
            );
            assert!(fs.find_all(&path("nowhere")).await.unwrap().is_empty());
        });
    }
}

#[test]
fn a_folder_of_names_that_no_path_can_hold_tells_its_folders() {
    for style in [IndexStyle::Nginx, IndexStyle::NginxJson] {
        let server = HttpServer::start(Mode::Index(style));
        server.put("zarr.json", "{}");
        server.put("odd/a\u{1}file", "x");
        server.put("odd/a\u{1}folder/zarr.json", "{}");
        server.put("odder/a\u{1}file", "x");
        with(HttpConfig::new(server.base_url()), async |fs| {
            let listing = fs.ls(&path("odd")).await.unwrap();
            let told: Vec<&str> = listing.unnameable.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(told, ["a\u{1}folder"], "{style:?}");
            assert!(names(&listing).is_empty(), "{style:?}");
            // With files alone nothing is left to tell, and that is not an empty folder.
            assert_eq!(kind(fs.ls(&path("odder")).await), "Unsupported", "{style:?}");
        });
    }
}

#[test]
fn webdav_says_all_and_its_index_is_not_asked_again() {
    let server = server(Mode::Dav);
    with(HttpConfig::new(server.base_url()), async |fs| {
        let listing = fs.ls(&Path::root()).await.unwrap();
        assert_eq!(names(&listing), root_names(true));
        assert_eq!(fs.capabilities().listing, Listing::Complete);
        assert_eq!(requests(&server), ["GET /", "PROPFIND /"]);
        let file = listing
            .files
            .iter()
            .find(|file| file.path.as_str() == "zarr.json")
            .unwrap();
        assert_eq!(file.size_bytes, Some(9));
        assert_eq!(file.version, fs.info(&file.path).await.unwrap().version);
        server.clear_log();
        fs.ls(&path("a/c")).await.unwrap();
        fs.ls(&path("a b")).await.unwrap();
        assert_eq!(requests(&server), ["PROPFIND /a/c/", "PROPFIND /a b/"]);
        assert_eq!(kind(fs.ls(&path("nowhere")).await), "NotFound");
        assert_eq!(kind(fs.ls(&path("zarr.json")).await), "NotFound");
        assert_eq!(kind(fs.ls(&path("hollow")).await), "NotFound");
    });
}

#[test]
fn an_index_of_nginx_takes_one_request_for_each_folder() {
    for style in [
        IndexStyle::Nginx,
        IndexStyle::NginxJson,
        IndexStyle::Caddy,
        IndexStyle::Python,
    ] {
        let server = server(Mode::Index(style));
        with(HttpConfig::new(server.base_url()), async |fs| {
            fs.find_all(&Path::root()).await.unwrap();
        });
        let mut asked = requests(&server);
        asked.sort();
        let folders = [
            "/",
            "/a b/",
            "/a b/%2e%2e/",
            "/a/",
            "/a/c/",
            "/a/c/0/",
            "/hollow/",
            "/ünï/",
        ];
        assert_eq!(asked, folders.map(|folder| format!("GET {folder}")), "{style:?}");
    }
}

#[test]
fn a_server_that_may_know_webdav_is_asked_once_in_a_tree() {
    for style in [
        IndexStyle::ApacheFancy,
        IndexStyle::ApachePlain,
        IndexStyle::Lighttpd,
        IndexStyle::Rclone,
    ] {
        let server = server(Mode::Index(style));
        with(HttpConfig::new(server.base_url()), async |fs| {
            fs.find_all(&Path::root()).await.unwrap();
        });
        let tries = requests(&server)
            .iter()
            .filter(|request| request.starts_with("PROPFIND"))
            .count();
        assert_eq!((tries, server.requests()), (1, 9), "{style:?}");
    }
}

#[test]
fn a_server_without_listings_is_never_an_empty_folder() {
    for status in [403, 404, 405, 200] {
        let server = HttpServer::start(Mode::NoIndex(status));
        seed(&server);
        with(HttpConfig::new(server.base_url()), async |fs| {
            for read_first in [false, true] {
                if read_first {
                    fs.cat(&path("a/zarr.json")).await.unwrap();
                }
                for dir in ["", "a", "a/c", "nowhere", "a"] {
                    assert_eq!(kind(fs.ls(&path(dir)).await), "Unsupported", "{status} {dir:?}");
                    let found: Vec<_> = fs.find(&path(dir)).collect().await;
                    assert_eq!(found.len(), 1, "{status} {dir:?}");
                }
                assert_eq!(fs.capabilities().listing, Listing::None, "{status}");
            }
        });
        let tries = requests(&server)
            .iter()
            .filter(|request| request.starts_with("PROPFIND"))
            .count();
        assert_eq!(tries, 1, "{status}: the method is tried once in a session");
    }
}

#[test]
fn a_403_is_a_403_if_files_are_forbidden_too() {
    let server = HttpServer::builder(Mode::Index(IndexStyle::Nginx))
        .require(Credentials::Header("x-key".to_owned(), "k".to_owned()))
        .start();
    seed(&server);
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert_eq!(kind(fs.ls(&path("a")).await), "PermissionDenied");
        assert_eq!(kind(fs.cat(&path("zarr.json")).await), "PermissionDenied");
    });
    with(
        HttpConfig::new(server.base_url()).with_header("X-Key", "k"),
        async |fs| {
            fs.ls(&path("a")).await.unwrap();
        },
    );
}

#[test]
fn a_folder_with_a_page_of_its_own_is_not_listed() {
    let server = HttpServer::start(Mode::Index(IndexStyle::Nginx));
    seed(&server);
    let page = "<html><title>My data</title><h1>My data</h1><ul><li><a href=\"zarr.json\">x</a></ul></html>";
    for (name, body) in [("/a/", page), ("/a b/", "<script src=app.js></script>")] {
        let fault = Fault::status(200)
            .header(http::header::CONTENT_TYPE, "text/html")
            .body(body);
        server
            .faults()
            .add(When::path_ends(name).and_method("GET"), fault);
    }
    with(HttpConfig::new(server.base_url()), async |fs| {
        fs.ls(&Path::root()).await.unwrap();
        for dir in ["a", "a b"] {
            assert_eq!(kind(fs.ls(&path(dir)).await), "Unsupported", "{dir}");
        }
        // What lies below may have an index again.
        assert_eq!(names(&fs.ls(&path("a/c")).await.unwrap()), ["a/c/0/"]);
        assert_eq!(fs.capabilities().listing, Listing::VisibleOnly);
    });
}

#[test]
fn a_404_is_believed_below_a_folder_that_is_listed() {
    let server = server(Mode::Index(IndexStyle::Nginx));
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert_eq!(kind(fs.ls(&path("a/nowhere/x")).await), "NotFound");
        // The folder itself, WebDAV, and the folders above until one is listed.
        assert_eq!(
            requests(&server),
            [
                "GET /a/nowhere/x/",
                "PROPFIND /a/nowhere/x/",
                "GET /a/nowhere/",
                "GET /a/"
            ]
        );
        server.clear_log();
        assert_eq!(kind(fs.ls(&path("a/other")).await), "NotFound");
        assert_eq!(requests(&server), ["GET /a/other/"]);
    });
}

#[test]
fn faults_are_errors_and_no_listings() {
    for (fault, expected) in [
        (Fault::status(500), "Unavailable"),
        (Fault::status(503), "Unavailable"),
        (Fault::status(401), "Unauthenticated"),
        (Fault::status(418), "Unsupported"),
        (Fault::html_login(), "Unsupported"),
        (Fault::empty_ok(), "Unsupported"),
        (Fault::reset(), "Unavailable"),
        (Fault::truncate(80), "Unavailable"),
        (Fault::truncate_without_length(200), "Unavailable"),
        (Fault::truncate_chunked(200), "Unavailable"),
        (Fault::redirect(302, "/a/"), "Corrupt"),
    ] {
        let server = server(Mode::Index(IndexStyle::ApachePlain));
        server.faults().add(When::path_ends("/a/"), fault.clone());
        let options = Options::from_json(r#"{"retries": 1}"#).unwrap();
        with(
            HttpConfig::new(server.base_url()).with_options(options),
            async |fs| {
                assert_eq!(kind(fs.ls(&path("a")).await), expected, "{fault:?}");
                let items: Vec<_> = fs.find(&path("a")).collect().await;
                assert!(items.len() == 1 && items[0].is_err(), "{fault:?}");
            },
        );
    }
}

#[test]
fn modes_do_what_they_say() {
    let dav = server(Mode::Dav);
    let mode = |mode| HttpConfig::new(dav.base_url()).with_listing(mode);
    with(mode(ListingMode::WebDav), async |fs| {
        assert_eq!(names(&fs.ls(&Path::root()).await.unwrap()), root_names(true));
        assert_eq!(requests(&dav), ["PROPFIND /"]);
    });
    dav.clear_log();
    with(mode(ListingMode::Index), async |fs| {
        assert_eq!(fs.capabilities().listing, Listing::VisibleOnly);
        fs.ls(&Path::root()).await.unwrap();
        fs.ls(&path("a")).await.unwrap();
        assert_eq!(requests(&dav), ["GET /", "GET /a/"]);
    });
    dav.clear_log();
    with(mode(ListingMode::None), async |fs| {
        assert_eq!(fs.capabilities().listing, Listing::None);
        assert_eq!(kind(fs.ls(&Path::root()).await), "Unsupported");
        assert_eq!(dav.requests(), 0);
    });
    let nginx = server(Mode::Index(IndexStyle::Nginx));
    with(
        HttpConfig::new(nginx.base_url()).with_listing(ListingMode::WebDav),
        async |fs| {
            assert_eq!(kind(fs.ls(&Path::root()).await), "Unsupported");
        },
    );
}

#[test]
fn a_base_and_a_query_are_kept() {
    for mode in [
        Mode::Dav,
        Mode::Index(IndexStyle::Nginx),
        Mode::Index(IndexStyle::ApacheFancy),
    ] {
        let server = HttpServer::builder(mode)
            .base("/data/v-1")
            .require(Credentials::Query("sig".to_owned(), "a+b=".to_owned()))
            .start();
        seed(&server);
        let url = format!("{}/data/v-1/?sig=a%2Bb%3D", server.url());
        with(HttpConfig::new(url), async |fs| {
            assert_eq!(fs.name(), format!("{}/data/v-1", server.url()));
            assert_eq!(fs.cat(&path(ODD)).await.unwrap(), ODD);
            assert_eq!(fs.info(&path("a/big")).await.unwrap().size_bytes, Some(100_000));
            let listing = fs.ls(&path("a")).await.unwrap();
            assert_eq!(names(&listing), ["a/big", "a/empty", "a/zarr.json", "a/c/"]);
            assert_eq!(
                fs.find_all(&Path::root()).await.unwrap().len(),
                if mode == Mode::Index(IndexStyle::Nginx) {
                    9
                } else {
                    10
                }
            );
        });
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(kind(fs.ls(&path("a")).await), "PermissionDenied");
        });
    }
}

#[test]
fn a_dropped_listing_ends_its_requests() {
    let server = server(Mode::Index(IndexStyle::Nginx));
    let fs = open(&server);
    block_on(async {
        let mut found = fs.find(&Path::root());
        found.next().await.unwrap().unwrap();
        drop(found);
        fs.ls(&path("a")).await.unwrap();
        let report = fs.close().await.unwrap();
        assert_eq!(report.calls_cut, 0);
    });
    server
        .wait_for_connections(0, std::time::Duration::from_secs(10))
        .unwrap();
}
