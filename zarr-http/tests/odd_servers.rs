//! Habits of servers and proxies that could make a listing wrong or a read fail: each ends in the right answer or a typed
//! error, never in a wrong or an empty listing.

mod common;

use common::{kind, names, path, requests, seed, server, with};
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

/// A page of an index without the slashes, as h2o and aiohttp have it: with what each link says of a folder.
fn without_slashes(dir: &str, names: &[&str], marks: bool) -> Fault {
    let rows = names.iter().map(|name| {
        let shown = if marks { name } else { name.trim_end_matches('/') };
        format!(
            "<li><a href=\"{dir}{}\">{shown}</a></li>\n",
            name.trim_end_matches('/')
        )
    });
    let title = format!("Index of {dir}");
    let body = format!(
        "<html><head><title>{title}</title></head><body><h1>{title}</h1><ul>{}</ul></body></html>",
        rows.collect::<String>()
    );
    Fault::status(200).header(CONTENT_TYPE, "text/html").body(body)
}

fn unmarked(marks: bool) -> (HttpServer, [(&'static str, &'static [&'static str]); 3]) {
    let dirs: [(&str, &[&str]); 3] = [
        ("/", &["a/", "zarr.json"]),
        ("/a/", &["big", "c/", "empty", "zarr.json"]),
        ("/a/c/0/", &["0", "1"]),
    ];
    let server = server(Mode::NoIndex(404));
    for (dir, children) in dirs {
        let when = When::always().and(move |request| request.path == dir);
        server
            .faults()
            .add(when.and_method("GET"), without_slashes(dir, children, marks));
    }
    (server, dirs)
}

/// aiohttp says what is a folder; of h2o's names each must be asked for.
#[test]
fn folders_are_told_from_files_without_slashes_in_their_links() {
    for marks in [true, false] {
        let (server, dirs) = unmarked(marks);
        with(HttpConfig::new(server.base_url()), async |fs| {
            for (dir, children) in dirs {
                let listing = fs.ls(&path(dir.trim_matches('/'))).await.unwrap();
                let (folders, mut wanted): (Vec<&str>, Vec<&str>) =
                    children.iter().copied().partition(|name| name.ends_with('/'));
                wanted.extend(folders);
                let found = names(&listing);
                let found: Vec<_> = found
                    .iter()
                    .map(|name| name.trim_start_matches(&dir[1..]))
                    .collect();
                assert_eq!(found, wanted, "{dir}");
            }
        });
    }
}

/// An empty group would be the wrong answer.
#[test]
fn where_folders_cannot_be_told_from_files_nothing_is_listed() {
    let denied = unmarked(false).0;
    denied
        .faults()
        .add(When::path_ends("/a").and_method("HEAD"), Fault::status(403));
    denied
        .faults()
        .add(When::path_ends("/a").and_method("GET"), Fault::status(403));
    let crowd = server(Mode::NoIndex(404));
    let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    crowd.faults().add(
        When::always().and_method("GET"),
        without_slashes("/", &many, false),
    );
    for server in [denied, crowd] {
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(kind(fs.ls(&Path::root()).await), "Unsupported");
        });
    }
}

/// What a server does to a method that it does not know, where another way has answered: a listing is not lost by it.
#[test]
fn a_try_that_breaks_costs_no_listing() {
    let apache = Mode::Index(IndexStyle::ApachePlain);
    for fault in [
        Fault::reset(),
        Fault::lost_answer(),
        Fault::status(503),
        Fault::status(500),
        Fault::status(401),
        Fault::stall(),
        Fault::redirect(302, "/a/"),
        Fault::status(207).body("<not").header(CONTENT_TYPE, "text/xml"),
    ] {
        for (mode, is_listed) in [(apache, true), (Mode::NoIndex(404), false)] {
            let server = server(mode);
            server.faults().add(When::method("PROPFIND"), fault.clone());
            let options = Options::from_json(r#"{"timeout": 3}"#).unwrap();
            with(
                HttpConfig::new(server.base_url()).with_options(options),
                async |fs| {
                    let listing = fs.ls(&path("a")).await;
                    match is_listed {
                        true => assert_eq!(names(&listing.unwrap()).len(), 4, "{fault:?}"),
                        // Whoever asks who is calling may list for those who say it.
                        false => assert!(
                            ["Unsupported", "Unauthenticated"].contains(&kind(listing)),
                            "{fault:?}"
                        ),
                    }
                    // It is not tried again.
                    let tries = || {
                        requests(&server)
                            .iter()
                            .filter(|request| request.starts_with("PROPFIND"))
                            .count()
                    };
                    let before = tries();
                    if is_listed {
                        fs.ls(&path("a/c")).await.unwrap();
                        assert_eq!(tries(), before);
                    }
                },
            );
        }
    }
}

/// The answer to a try that is cut off, with a length or without.
#[test]
fn a_try_that_is_cut_costs_no_listing() {
    for fault in [
        Fault::truncate(200),
        Fault::truncate_without_length(200),
        Fault::truncate_chunked(200),
        Fault::stall_after(200),
    ] {
        let server = server(Mode::Dav);
        server.faults().add(When::method("PROPFIND"), fault.clone());
        let options = Options::from_json(r#"{"timeout": 1}"#).unwrap();
        with(
            HttpConfig::new(server.base_url()).with_options(options),
            async |fs| {
                let listing = fs.ls(&path("a")).await.unwrap();
                assert_eq!(names(&listing).len(), 4, "{fault:?}");
                assert_eq!(
                    fs.capabilities().listing,
                    zarr_fs::Listing::VisibleOnly,
                    "{fault:?}"
                );
            },
        );
    }
}

/// A connection that the server closes after its answer breaks under the next request.
#[test]
fn a_try_whose_connection_broke_is_sent_again() {
    for times in [1, 2] {
        let server = server(Mode::Dav);
        server
            .faults()
            .add(When::method("PROPFIND").times(times), Fault::reset());
        with(HttpConfig::new(server.base_url()), async |fs| {
            fs.ls(&path("a")).await.unwrap();
            assert_eq!(fs.capabilities().listing, zarr_fs::Listing::Complete, "{times}");
        });
    }
}

/// The files are for everybody; `PROPFIND`, or the folder above them, is not, or breaks.
#[test]
fn what_is_refused_beside_a_folder_says_nothing_of_it() {
    for (missing, when, status) in [
        (403, When::method("PROPFIND"), 401),
        (404, When::method("PROPFIND"), 401),
        (404, When::path_ends("/").and(|request| request.path == "/"), 401),
        (404, When::path_ends("/").and(|request| request.path == "/"), 500),
    ] {
        let server = server(Mode::NoIndex(missing));
        server.faults().add(when, Fault::status(status));
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(fs.cat(&path("a/zarr.json")).await.unwrap(), "a/zarr.json");
            assert_eq!(kind(fs.ls(&path("a")).await), "Unsupported", "{missing} {status}");
        });
        assert!(requests(&server).len() <= 5, "{:?}", requests(&server));
    }
}
