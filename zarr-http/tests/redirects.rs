//! Where servers redirect to: the same file elsewhere is the file; another one never is.

mod common;

use common::{kind, names, path, requests, seed, with};
use futures::future::join_all;
use zarr_fs::{CatOptions, CatRangesOptions, FileSystem, FileSystemExt, Path};
use zarr_http::HttpConfig;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

const APACHE: Mode = Mode::Index(IndexStyle::ApacheFancy);

fn spelling() -> HttpServer {
    let server = HttpServer::builder(APACHE).correcting_spelling().start();
    for name in [
        "s/zarr.json",
        "s/c/11",
        "t/.zattrs",
        "g/zarr.json",
        "v30/zarr.json",
        "v30/k/x",
    ] {
        server.put(name, name.to_owned());
    }
    server
}

/// Apache with `CheckSpelling`: a missing chunk is answered by a redirect to its neighbour.
#[test]
fn a_name_alike_is_not_the_one_asked_for() {
    with(HttpConfig::new(spelling().base_url()), async |fs| {
        assert_eq!(fs.cat(&path("s/c/11")).await.unwrap(), "s/c/11");
        for missing in [
            "s/c/10",
            // Near the folder itself: `.`.
            "s/c/0",
            // By its stem alone.
            "t/.zgroup",
            "s/zarr.jso",
            // By a folder above it.
            "v31/zarr.json",
            "t/.zarray",
        ] {
            let missing = path(missing);
            assert_eq!(kind(fs.cat(&missing).await), "NotFound", "{missing}");
            assert_eq!(
                kind(
                    fs.cat_ranges(&missing, &[0..2, 3..4], CatRangesOptions::default())
                        .await
                ),
                "NotFound",
                "{missing}"
            );
            assert_eq!(kind(fs.info(&missing).await), "NotFound", "{missing}");
            let stream = fs.cat_stream(&missing, CatOptions::default()).await;
            assert_eq!(kind(stream.map(|_| ())), "NotFound", "{missing}");
        }
        fs.ls(&Path::root()).await.unwrap();
        assert_eq!(kind(fs.ls(&path("v31")).await), "NotFound");
        assert_eq!(kind(fs.ls(&path("v31/k")).await), "NotFound");
        assert_eq!(names(&fs.ls(&path("v30/k")).await.unwrap()), ["v30/k/x"]);
    });
}

#[test]
fn several_names_alike_are_none_of_them_the_one_asked_for() {
    let server = spelling();
    server.put("t/.zmetadata", "x");
    with(HttpConfig::new(server.base_url()), async |fs| {
        for missing in ["t/.zgroup", "t/.zarray"] {
            assert_eq!(kind(fs.cat(&path(missing)).await), "NotFound", "{missing}");
        }
        assert_eq!(kind(fs.ls(&path("t/.zgroup")).await), "Unsupported");
    });
}

/// One question tells a server that corrects spelling, and none is asked where names are not alike.
#[test]
fn what_a_redirect_costs() {
    let server = spelling();
    with(HttpConfig::new(server.base_url()), async |fs| {
        for missing in ["s/c/10", "s/c/12", "s/c/1"] {
            assert_eq!(kind(fs.cat(&path(missing)).await), "NotFound");
        }
    });
    // Each with its redirect; and two questions, of which the near name has its own.
    assert_eq!(requests(&server).len(), 3 * 2 + 3, "{:?}", requests(&server));
}

/// `latest` and `v3` are one folder, as are `1.0` and `1.1`, which look alike: the server has no name near them.
#[test]
fn a_folder_may_have_another_name() {
    for (alias, name, questions) in [("latest", "v3", 0), ("1.0", "1.1", 1)] {
        let server = HttpServer::start(APACHE);
        server.put(&format!("{name}/x.zarr/zarr.json"), "document");
        server.put(&format!("{name}/x.zarr/c/0"), "chunk");
        for rest in ["/x.zarr/zarr.json", "/x.zarr/c/0", "/x.zarr/c/1", "/x.zarr/"] {
            server.faults().add(
                When::path_ends(&format!("/{alias}{rest}")),
                Fault::redirect(302, &format!("/{name}{rest}")),
            );
        }
        with(HttpConfig::new(server.base_url()), async |fs| {
            let key = |rest: &str| path(&format!("{alias}/x.zarr/{rest}"));
            assert_eq!(fs.cat(&key("zarr.json")).await.unwrap(), "document");
            assert_eq!(fs.cat(&key("c/0")).await.unwrap(), "chunk");
            assert_eq!(kind(fs.cat(&key("c/1")).await), "NotFound");
            assert_eq!(requests(&server).len(), 6 + questions);
            let listing = fs.ls(&key("")).await.unwrap();
            assert_eq!(listing.files.len() + listing.prefixes.len(), 2);
        });
    }
}

/// A login form, a page that says "not found", the front page; a neighbour to which a server sends for reasons of its own.
#[test]
fn another_name_on_the_same_host_is_refused() {
    for target in ["/login?next=%2Fa%2Fc%2F0%2F1", "/", "/a/c/0/0", "/a/empty"] {
        let server = common::server(APACHE);
        server.put("login", "who are you?");
        server
            .faults()
            .add(When::path_ends("/a/c/0/1"), Fault::redirect(302, target));
        with(HttpConfig::new(server.base_url()), async |fs| {
            let key = path("a/c/0/1");
            assert_eq!(kind(fs.cat(&key).await), "Corrupt", "{target}");
            assert_eq!(
                kind(
                    fs.cat_ranges(&key, &[0..1, 3..4], CatRangesOptions::default())
                        .await
                ),
                "Corrupt",
                "{target}"
            );
            assert_eq!(kind(fs.info(&key).await), "Corrupt", "{target}");
            let message = fs
                .cat(&key)
                .await
                .map_err(|error| std::error::Error::source(&error).unwrap().to_string());
            assert!(message.unwrap_err().contains("redirects to another name"));
        });
    }
}

/// A gateway that sends everybody to its front page is no server that corrects spelling.
#[test]
fn the_front_page_is_no_chunk_that_is_missing() {
    let server = common::server(APACHE);
    let all = When::always().and(|request| request.path != "/");
    server.faults().add(all, Fault::redirect(302, "/"));
    with(HttpConfig::new(server.base_url()), async |fs| {
        for key in ["0", "zarr.json", "a/c/0/0"] {
            assert_eq!(kind(fs.cat(&path(key)).await), "Corrupt", "{key}");
        }
    });
}

/// A DOI, a signed URL, a store of digests: what another host calls a file is its own affair.
#[test]
fn another_host_may_have_another_name_for_it() {
    let data = HttpServer::start(Mode::NoIndex(403));
    data.put("blobs/9f86d081", "chunk");
    let server = common::server(APACHE);
    let other = data.url().replace("127.0.0.1", "localhost");
    server.faults().add(
        When::path_ends("/a/c/0/1"),
        Fault::redirect(302, &format!("{other}/blobs/9f86d081?sig=1")),
    );
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert_eq!(fs.cat(&path("a/c/0/1")).await.unwrap(), "chunk");
    });
}

/// nginx with a `return 302` for a folder, and with a child named `index.html`: the listing of another folder is none of the
/// one asked for, and an empty one least of all.
#[test]
fn the_listing_of_another_folder_is_refused() {
    for mode in [
        Mode::Index(IndexStyle::Nginx),
        Mode::Index(IndexStyle::Caddy),
        Mode::Dav,
    ] {
        for target in ["/nil/", "/a/c/index.html/"] {
            let server = common::server(mode);
            server.put("nil/zarr.json", "{}");
            server.put("a/c/index.html/zarr.json", "{}");
            server
                .faults()
                .add(When::path_ends("/a/c/"), Fault::redirect(302, target));
            with(HttpConfig::new(server.base_url()), async |fs| {
                fs.ls(&Path::root()).await.unwrap();
                assert_eq!(
                    kind(fs.ls(&path("a/c")).await),
                    "Unsupported",
                    "{mode:?} {target}"
                );
            });
        }
    }
}

/// Answers that lead nowhere are no fault of ours.
#[test]
fn a_redirect_that_leads_nowhere_is_a_corrupt_reply() {
    for fault in [Fault::status(302), Fault::redirect(302, "/a/c/0/1")] {
        let server = common::server(APACHE);
        server.faults().add(When::path_ends("/a/c/0/1"), fault);
        with(HttpConfig::new(server.base_url()), async |fs| {
            let key = path("a/c/0/1");
            assert_eq!(kind(fs.cat(&key).await), "Corrupt");
            assert_eq!(kind(fs.info(&key).await), "Corrupt");
            let reads = join_all([fs.cat(&key), fs.cat(&key)]).await;
            assert!(reads.iter().all(Result::is_err));
        });
    }
}

/// What is on a mirror is believed as the server's own.
#[test]
fn the_same_name_elsewhere_is_the_same_file() {
    let data = HttpServer::builder(Mode::Dav).base("/mirror").start();
    seed(&data);
    let front = HttpServer::builder(Mode::Dav)
        .redirect_to(302, &data.base_url())
        .start();
    with(HttpConfig::new(front.base_url()), async |fs| {
        assert_eq!(fs.cat(&path("a/c/0/1")).await.unwrap(), "a/c/0/1");
        assert_eq!(kind(fs.cat(&path("a/c")).await), "NotFound");
    });
}
