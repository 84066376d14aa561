//! Habits of servers and proxies that could make a listing wrong or a read fail: each ends in the right answer or a typed
//! error, never in a wrong or an empty listing.

mod common;

use common::{kind, names, path, seed, server, with};
use http::header::{ACCEPT_RANGES, CONTENT_TYPE, ETAG, LAST_MODIFIED, LINK};
use zarr_fs::{FileSystem, FileSystemExt, Options, Path};
use zarr_http::HttpConfig;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

const MODES: [Mode; 3] = [
    Mode::Index(IndexStyle::Nginx),
    Mode::Index(IndexStyle::Caddy),
    Mode::Dav,
];

/// From what they do not show servers redirect to their front page, which may well be an index.
#[test]
fn a_listing_of_a_folder_above_is_not_the_folders() {
    for mode in MODES {
        let server = server(mode);
        server
            .faults()
            .add(When::path_ends("/a/c/"), Fault::redirect(302, "/a/"));
        server
            .faults()
            .add(When::path_ends("/a b/"), Fault::redirect(301, "/"));
        with(HttpConfig::new(server.base_url()), async |fs| {
            fs.ls(&Path::root()).await.unwrap();
            for dir in ["a/c", "a b"] {
                assert_eq!(kind(fs.ls(&path(dir)).await), "Unsupported", "{mode:?} {dir}");
            }
        });
    }
}

#[test]
fn redirects_to_the_same_folder_are_followed() {
    for mode in MODES {
        for status in [301, 302, 307, 308] {
            let data = HttpServer::builder(mode).base("/v1.2").start();
            seed(&data);
            let front = HttpServer::builder(mode)
                .redirect_to(status, &data.base_url())
                .start();
            with(HttpConfig::new(front.base_url()), async |fs| {
                assert_eq!(fs.cat(&path("zarr.json")).await.unwrap(), "zarr.json");
                let listing = fs.ls(&path("a/c")).await;
                assert_eq!(names(&listing.unwrap()), ["a/c/0/"], "{mode:?} {status}");
            });
        }
    }
}

/// A copy of a listing from elsewhere, kept as the folder's `index.html`.
#[test]
fn a_stored_page_is_no_listing() {
    let page = include_bytes!("data/nginx.html").as_slice();
    let stored = || {
        Fault::status(200)
            .header(CONTENT_TYPE, "text/html")
            .header(LAST_MODIFIED, "Mon, 23 Nov 2026 15:59:00 GMT")
            .header(ACCEPT_RANGES, "bytes")
            .header(ETAG, "\"65a1-3f\"")
            .body(page)
    };
    for (fault, is_listed) in [
        (stored(), false),
        // Dates, weak tags and the header that caches add are all found on listings.
        (stored().header(ETAG, "W/\"65a1-3f\""), true),
        (stored().without_header(ETAG), true),
    ] {
        let server = server(Mode::Index(IndexStyle::Nginx));
        server
            .faults()
            .add(When::path_ends("/a/").and_method("GET"), fault);
        with(HttpConfig::new(server.base_url()), async |fs| {
            fs.ls(&Path::root()).await.unwrap();
            let listing = fs.ls(&path("a")).await;
            match is_listed {
                true => assert!(!listing.unwrap().files.is_empty()),
                false => assert_eq!(kind(listing), "Unsupported"),
            }
        });
    }
}

#[test]
fn a_listing_that_goes_on_elsewhere_is_none() {
    let page = include_bytes!("data/nginx.html").as_slice();
    for link in [
        "</a/?page=2>; rel=\"next\"",
        "<x>; rel=prev, <https://h/a?after=9>; title=\"more\"; REL=\"last next\"",
    ] {
        for status in [200, 206] {
            let server = server(Mode::Index(IndexStyle::Nginx));
            let mut fault = Fault::status(status).header(CONTENT_TYPE, "text/html").body(page);
            if status == 200 {
                fault = fault.header(LINK, link);
            }
            server
                .faults()
                .add(When::path_ends("/a/").and_method("GET"), fault);
            with(HttpConfig::new(server.base_url()), async |fs| {
                fs.ls(&Path::root()).await.unwrap();
                let expected = if status == 206 { "Corrupt" } else { "Unsupported" };
                assert_eq!(kind(fs.ls(&path("a")).await), expected, "{status} {link}");
            });
        }
    }
}

/// A proxy leaves the address of the server behind it in the redirect from a folder's name to the folder.
#[test]
fn a_redirect_to_a_folder_says_so_where_it_leads_nowhere() {
    let server = server(Mode::Index(IndexStyle::Nginx));
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    server.faults().add(
        When::path_ends("/a"),
        Fault::redirect(301, &format!("http://{nobody}/behind/a/")),
    );
    server.faults().add(
        When::path_ends("/zarr.json"),
        Fault::redirect(302, &format!("http://{nobody}/zarr.json")),
    );
    let options = Options::from_json(r#"{"retries": 0}"#).unwrap();
    with(
        HttpConfig::new(server.base_url()).with_options(options),
        async |fs| {
            assert_eq!(kind(fs.cat(&path("a")).await), "NotFound");
            assert_eq!(kind(fs.info(&path("a")).await), "NotFound");
            // Of a file nothing is known then.
            assert_eq!(kind(fs.cat(&path("zarr.json")).await), "Unavailable");
        },
    );
}
