//! Reading from in-process servers: ranges, versions, encodings, redirects, and what servers do instead.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{ODD, kind, path, pattern, requests, seed, server, with};
use futures::TryStreamExt;
use http::header::{self, CONTENT_RANGE, CONTENT_TYPE};
use zarr_fs::{ByteRange, CatOptions, CatRangesOptions, FileSystem, FileSystemExt, Options, Path, Version};
use zarr_http::{HttpConfig, HttpFileSystem};
use zarr_tests::http::{Credentials, Gzip, HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, Framing, When};

const NGINX: Mode = Mode::Index(IndexStyle::Nginx);

const RANGES: [ByteRange; 9] = [
    ByteRange::Full,
    ByteRange::From(0),
    ByteRange::From(99_990),
    ByteRange::From(100_000),
    ByteRange::Bounded(10, 20),
    ByteRange::Bounded(50_000, 100_000),
    ByteRange::Bounded(7, 7),
    ByteRange::Suffix(9),
    ByteRange::Suffix(1 << 40),
];

fn slice(data: &[u8], range: ByteRange) -> &[u8] {
    let part = range.resolve(data.len() as u64).unwrap();
    &data[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()]
}

async fn stream(fs: &HttpFileSystem, path: &Path, range: ByteRange) -> zarr_fs::Result<Vec<u8>> {
    let stream = fs
        .cat_stream(path, CatOptions::default().with_range(range))
        .await?;
    let pieces: Vec<_> = stream.bytes.try_collect().await?;
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    Ok(pieces.concat())
}

/// All ranges, in each way of reading; what leaves the file is out of bounds.
async fn reads_all_ranges(fs: &HttpFileSystem, what: &str) {
    let (big, data) = (path("a/big"), pattern(100_000));
    for range in RANGES {
        let read = fs.cat_file(&big, CatOptions::default().with_range(range)).await;
        let read = read.unwrap_or_else(|error| panic!("{what} {range:?}: {error:?}"));
        assert!(read.bytes == slice(&data, range), "{what} {range:?}");
        assert!(
            matches!(read.info.size_bytes, None | Some(100_000)),
            "{what} {range:?}"
        );
        assert!(
            stream(fs, &big, range).await.unwrap() == slice(&data, range),
            "{what} {range:?}"
        );
    }
    let wanted = [90_000..90_010, 5..10, 0..3, 40_000..40_000, 20_000..60_000];
    for gap in [0, 1 << 20] {
        let options = CatRangesOptions::default().with_gap_bytes(gap);
        let slices = fs.cat_ranges(&big, &wanted, options).await.unwrap();
        for (found, range) in slices.iter().zip(&wanted) {
            assert!(*found == slice(&data, range.clone().into()), "{what} {range:?}");
        }
    }
    for range in [
        ByteRange::Bounded(99_999, 100_001),
        ByteRange::Bounded(200_000, 200_001),
        ByteRange::From(100_001),
        ByteRange::Bounded(9, 8),
    ] {
        let read = fs.cat_file(&big, CatOptions::default().with_range(range)).await;
        assert_eq!(kind(read), "RangeOutOfBounds", "{what} {range:?}");
        assert_eq!(
            kind(stream(fs, &big, range).await),
            "RangeOutOfBounds",
            "{what} {range:?}"
        );
    }
    let empty = path("a/empty");
    for range in [
        ByteRange::Full,
        ByteRange::Suffix(4),
        ByteRange::From(0),
        ByteRange::Bounded(0, 0),
    ] {
        let read = fs.cat_file(&empty, CatOptions::default().with_range(range)).await;
        assert_eq!(read.unwrap().bytes.len(), 0, "{what} {range:?}");
    }
    let one = fs.cat_file(&empty, CatOptions::default().with_range(0..1)).await;
    assert_eq!(kind(one), "RangeOutOfBounds", "{what}");
    for missing in ["nowhere", "a", "a/c", "hollow", "zarr.json/x"] {
        assert_eq!(kind(fs.cat(&path(missing)).await), "NotFound", "{what} {missing}");
        assert_eq!(
            kind(fs.info(&path(missing)).await),
            "NotFound",
            "{what} {missing}"
        );
        assert_eq!(
            kind(stream(fs, &path(missing), ByteRange::Full).await),
            "NotFound",
            "{what} {missing}"
        );
    }
    assert_eq!(fs.cat(&path(ODD)).await.unwrap(), ODD, "{what}");
    assert_eq!(
        fs.cat(&path("a b/%2e%2e/x")).await.unwrap(),
        "a b/%2e%2e/x",
        "{what}"
    );
}

#[test]
fn every_server_gives_every_range() {
    for style in common::STYLES {
        let server = server(Mode::Index(style));
        with(HttpConfig::new(server.base_url()), async |fs| {
            reads_all_ranges(fs, &format!("{style:?}")).await;
        });
    }
}

#[test]
fn odd_servers_give_every_range() {
    let build = || HttpServer::builder(NGINX);
    let odd: [(&str, HttpServer); 8] = [
        ("no ranges", build().without_ranges().start()),
        (
            "no ranges, no lengths",
            build().without_ranges().framing(Framing::Chunked).start(),
        ),
        ("no lengths", build().framing(Framing::Chunked).start()),
        ("closing", build().framing(Framing::UntilClose).start()),
        ("gzip for all", build().gzip(Gzip::Always).start()),
        ("gzip if accepted", build().gzip(Gzip::IfAccepted).start()),
        (
            "folders shown without a slash",
            build().without_dir_redirects().start(),
        ),
        ("no tags", build().without_etags().without_dates().start()),
    ];
    for (what, server) in odd {
        seed(&server);
        with(HttpConfig::new(server.base_url()), async |fs| {
            reads_all_ranges(fs, what).await;
        });
    }
}

#[test]
fn a_server_without_head_is_asked_by_get() {
    for status in [405, 501, 403] {
        let server = server(NGINX);
        server.faults().add(When::method("HEAD"), Fault::status(status));
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(fs.info(&path("a/big")).await.unwrap().size_bytes, Some(100_000));
            assert_eq!(fs.info(&path("a/empty")).await.unwrap().size_bytes, Some(0));
            assert_eq!(kind(fs.info(&path("nowhere")).await), "NotFound");
            assert_eq!(kind(fs.info(&path("a")).await), "NotFound");
        });
        let heads = requests(&server)
            .iter()
            .filter(|request| request.starts_with("HEAD"))
            .count();
        assert_eq!(heads, if status == 403 { 4 } else { 1 });
        assert!(server.log().iter().all(|entry| entry.bytes_sent < 1000));
    }
}

#[test]
fn each_read_is_one_request() {
    let server = server(NGINX);
    with(HttpConfig::new(server.base_url()), async |fs| {
        let read = |options| async move { fs.cat_file(&path("a/big"), options).await.unwrap() };
        read(CatOptions::default()).await;
        read(CatOptions::default().with_range(5..9)).await;
        let suffix = read(CatOptions::default().with_range(ByteRange::Suffix(8))).await;
        read(CatOptions::default().with_if_match(suffix.info.version)).await;
        assert_eq!(server.requests(), 4);
        fs.info(&path("a/big")).await.unwrap();
        assert_eq!(server.requests(), 5);
        for entry in server.log() {
            assert_eq!(entry.header("accept-encoding"), Some("identity"));
        }
    });
}

#[test]
fn a_server_that_ignores_ranges_costs_no_second_request() {
    let server = HttpServer::builder(NGINX).without_ranges().start();
    seed(&server);
    with(HttpConfig::new(server.base_url()), async |fs| {
        let small = CatOptions::default().with_range(ByteRange::Suffix(200));
        fs.cat_file(&path("zarr.json"), small).await.unwrap();
        assert_eq!(server.requests(), 1);
        // Now it is known: the range is not even asked for, and several take one request.
        fs.cat_ranges(
            &path("a/big"),
            &[0..10, 50_000..50_010, 99_000..99_010],
            CatRangesOptions::default().with_gap_bytes(0),
        )
        .await
        .unwrap();
        assert_eq!(server.requests(), 2);
        assert_eq!(server.log()[1].header("range"), None);
    });
}

#[test]
fn a_version_is_held_even_where_the_server_does_not() {
    for conditions in [true, false] {
        let builder = HttpServer::builder(NGINX);
        let server = if conditions {
            builder
        } else {
            builder.without_conditions()
        }
        .start();
        seed(&server);
        with(HttpConfig::new(server.base_url()), async |fs| {
            let big = path("a/big");
            let version = fs.info(&big).await.unwrap().version;
            let of = |version: &Version, range: ByteRange| {
                CatOptions::default()
                    .with_range(range)
                    .with_if_match(version.clone())
            };
            for range in [
                ByteRange::Full,
                ByteRange::Bounded(0, 9),
                ByteRange::Bounded(9, 9),
                ByteRange::Suffix(9),
            ] {
                fs.cat_file(&big, of(&version, range)).await.unwrap();
            }
            server.put("a/big", pattern(100_001));
            for range in [
                ByteRange::Full,
                ByteRange::Bounded(0, 9),
                ByteRange::Bounded(9, 9),
                ByteRange::Suffix(9),
            ] {
                assert_eq!(
                    kind(fs.cat_file(&big, of(&version, range)).await),
                    "Precondition",
                    "{range:?}"
                );
                assert_eq!(
                    kind(fs.cat_stream(&big, of(&version, range)).await),
                    "Precondition",
                    "{range:?}"
                );
            }
            let options = CatRangesOptions::default()
                .with_gap_bytes(0)
                .with_if_match(version);
            assert_eq!(
                kind(fs.cat_ranges(&big, &[0..1, 9..10], options).await),
                "Precondition"
            );
            let unknown = of(&Version::default(), ByteRange::Full);
            assert_eq!(kind(fs.cat_file(&big, unknown).await), "Precondition");
        });
    }
}

#[test]
fn without_tags_a_version_cannot_be_asked_for() {
    let server = HttpServer::builder(NGINX).without_etags().start();
    seed(&server);
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert!(fs.capabilities().versions);
        assert!(fs.info(&path("a/big")).await.unwrap().version.is_unknown());
        assert!(!fs.capabilities().versions);
        let tag = Version {
            etag: Some("\"x\"".to_owned()),
            generation: None,
        };
        let options = CatOptions::default().with_if_match(tag);
        assert_eq!(kind(fs.cat_file(&path("a/big"), options).await), "Precondition");
    });
}

#[test]
fn what_a_server_answers_wrongly_is_no_data() {
    let options = r#"{"retries": 0}"#;
    for (fault, range, expected) in [
        (
            Fault::content_range("bytes 1-5/100000"),
            ByteRange::Bounded(0, 5),
            "Corrupt",
        ),
        (
            Fault::content_range("bytes 0-3/100000"),
            ByteRange::Bounded(0, 5),
            "Corrupt",
        ),
        (
            Fault::content_range("bytes 0-4/3"),
            ByteRange::Bounded(0, 5),
            "Corrupt",
        ),
        (
            Fault::content_range("nonsense"),
            ByteRange::Bounded(0, 5),
            "Corrupt",
        ),
        (Fault::truncate(10), ByteRange::Full, "Unavailable"),
        (Fault::truncate_chunked(10), ByteRange::Full, "Unavailable"),
        (Fault::truncate(3), ByteRange::Bounded(0, 5), "Unavailable"),
        (Fault::reset_after(10), ByteRange::Full, "Unavailable"),
        (Fault::status(204), ByteRange::Full, "Corrupt"),
        (Fault::status(429), ByteRange::Full, "Unavailable"),
        (Fault::status(401), ByteRange::Full, "Unauthenticated"),
        (Fault::status(403), ByteRange::Full, "PermissionDenied"),
        (Fault::status(410), ByteRange::Full, "NotFound"),
        (Fault::status(405), ByteRange::Full, "NotFound"),
        (Fault::redirect(302, "/a/big/"), ByteRange::Full, "NotFound"),
        (Fault::redirect(302, "/a/big"), ByteRange::Full, "Corrupt"),
    ] {
        let server = server(NGINX);
        server.faults().add(When::path_ends("/a/big"), fault.clone());
        let config = HttpConfig::new(server.base_url()).with_options(Options::from_json(options).unwrap());
        with(config, async |fs| {
            let read = fs
                .cat_file(&path("a/big"), CatOptions::default().with_range(range))
                .await;
            assert_eq!(kind(read), expected, "{fault:?}");
        });
    }
}

/// Servers that know ranges from a byte on, and none from the end: Node's http-server refuses those, Python's RangeHTTPServer
/// calls the request a bad one, and sirv takes the number for the last byte.
fn without_suffixes() -> [(Fault, HttpServer); 3] {
    let is_suffix = |request: &zarr_tests::Request| {
        let range = request.header("range");
        range.is_some_and(|range| range.starts_with("bytes=-"))
    };
    let faults = [
        Fault::status(416),
        Fault::status(400),
        Fault::content_range("bytes 0-20/100000"),
    ];
    faults.map(|fault| {
        let server = server(NGINX);
        server.faults().add(When::always().and(is_suffix), fault.clone());
        (fault, server)
    })
}

#[test]
fn the_end_of_a_file_is_read_where_suffixes_are_not_known() {
    for (fault, server) in without_suffixes() {
        let all = pattern(100_000);
        with(HttpConfig::new(server.base_url()), async |fs| {
            for length in [68, 1, 100_000, 200_000] {
                let options = CatOptions::default().with_range(ByteRange::Suffix(length));
                let read = fs.cat_file(&path("a/big"), options.clone()).await.unwrap();
                let from = all.len().saturating_sub(usize::try_from(length).unwrap());
                assert_eq!(read.bytes, all[from..], "{fault:?} {length}");
                assert_eq!(read.info.size_bytes, Some(100_000));
                let stream = fs.cat_stream(&path("a/big"), options).await.unwrap();
                let pieces: Vec<_> = stream.bytes.try_collect().await.unwrap();
                assert_eq!(pieces.concat(), all[from..], "{fault:?} {length}");
            }
            server.clear_log();
            let options = CatOptions::default().with_range(ByteRange::Suffix(5));
            fs.cat_file(&path("a/big"), options.clone()).await.unwrap();
            assert_eq!(requests(&server), ["HEAD /a/big", "GET /a/big"]);
            server.clear_log();
            let stream = fs.cat_stream(&path("a/big"), options.clone()).await.unwrap();
            stream.bytes.try_collect::<Vec<_>>().await.unwrap();
            assert_eq!(requests(&server), ["HEAD /a/big", "GET /a/big"], "{fault:?}");
            let empty = fs.cat_file(&path("a/empty"), options.clone()).await.unwrap();
            assert!(empty.bytes.is_empty());
            assert_eq!(kind(fs.cat_file(&path("a/none"), options).await), "NotFound");
        });
    }
}

/// A stream may be the first to ask for the end.
#[test]
fn the_end_of_a_file_is_streamed_where_suffixes_are_not_known() {
    for (fault, server) in without_suffixes() {
        with(HttpConfig::new(server.base_url()), async |fs| {
            let options = CatOptions::default().with_range(ByteRange::Suffix(68));
            let stream = fs.cat_stream(&path("a/big"), options).await.unwrap();
            let pieces: Vec<_> = stream.bytes.try_collect().await.unwrap();
            assert_eq!(pieces.concat(), pattern(100_000)[100_000 - 68..], "{fault:?}");
        });
    }
}

#[test]
fn a_whole_file_that_is_called_a_part_is_the_file() {
    for (range, is_whole) in [
        ("bytes 0-99999/100000", true),
        ("bytes 0-99999/200000", false),
        ("bytes 0-99999/*", false),
    ] {
        let server = server(NGINX);
        let part = Fault::status(206)
            .header(CONTENT_RANGE, range)
            .body(pattern(100_000));
        server.faults().add(When::path_ends("/a/big"), part);
        with(HttpConfig::new(server.base_url()), async |fs| {
            let read = fs.cat(&path("a/big")).await;
            let stream = fs.cat_stream(&path("a/big"), CatOptions::default()).await;
            if is_whole {
                assert_eq!(read.unwrap(), pattern(100_000));
                let pieces: Vec<_> = stream.unwrap().bytes.try_collect().await.unwrap();
                assert_eq!(pieces.concat(), pattern(100_000));
            } else {
                assert_eq!(kind(read), "Corrupt", "{range}");
                assert_eq!(kind(stream.map(|_| ())), "Corrupt", "{range}");
            }
        });
    }
}

/// A login form; a page that an application shows for whatever it does not have (nginx's `try_files … /index.html`).
#[test]
fn a_page_is_no_file() {
    let every = [
        ByteRange::Full,
        ByteRange::Bounded(0, 5),
        ByteRange::Suffix(5),
        ByteRange::From(3),
    ];
    for (option, expected) in [("error", "Corrupt"), ("missing", "NotFound"), ("data", "")] {
        let server = server(NGINX);
        server.put("app/index.html", "<!DOCTYPE html><title>An application</title>");
        for fault in [
            Fault::html_login(),
            Fault::status(200)
                .header(CONTENT_TYPE, "text/html; charset=x")
                .body("no"),
        ] {
            server.faults().clear();
            server.faults().add(When::path_ends("/a/big"), fault);
            let options = Options::from_json(&format!(r#"{{"html": "{option}"}}"#)).unwrap();
            with(
                HttpConfig::new(server.base_url()).with_options(options),
                async |fs| {
                    let key = path("a/big");
                    if expected.is_empty() {
                        assert!(!fs.cat(&key).await.unwrap().is_empty());
                        assert!(fs.info(&key).await.is_ok());
                        return;
                    }
                    for range in every {
                        let options = CatOptions::default().with_range(range);
                        assert_eq!(
                            kind(fs.cat_file(&key, options.clone()).await),
                            expected,
                            "{range:?}"
                        );
                        let stream = fs.cat_stream(&key, options).await;
                        assert_eq!(kind(stream.map(|_| ())), expected, "{range:?}");
                    }
                    assert_eq!(kind(fs.info(&key).await), expected);
                    if option == "error" {
                        let error = fs.cat(&key).await.unwrap_err();
                        let cause = std::error::Error::source(&error).unwrap().to_string();
                        assert!(
                            cause.contains("a page of HTML") && cause.contains("`html`"),
                            "{cause}"
                        );
                    }
                    // A file that says what it is.
                    assert!(fs.cat(&path("app/index.html")).await.unwrap().starts_with(b"<"));
                },
            );
        }
        // A page that is a file of the server comes in parts, too.
        server.faults().clear();
        let page = Fault::status(206)
            .header(CONTENT_TYPE, "text/html")
            .header(CONTENT_RANGE, "bytes 0-4/44")
            .body("<!DOC");
        server
            .faults()
            .add(When::path_ends("/a/big").and_method("GET"), page);
        let options = Options::from_json(&format!(r#"{{"html": "{option}"}}"#)).unwrap();
        with(
            HttpConfig::new(server.base_url()).with_options(options),
            async |fs| {
                let part = CatOptions::default().with_range(ByteRange::Bounded(0, 5));
                let read = fs.cat_file(&path("a/big"), part).await;
                match expected {
                    "" => assert_eq!(read.unwrap().bytes, "<!DOC"),
                    _ => assert_eq!(kind(read), expected),
                }
            },
        );
    }
}

/// A program that answers `{"error": …}` with status 200 for what it does not have. One question in a session tells it from
/// a server that calls its documents JSON whatever their names are.
#[test]
fn a_json_answer_for_what_is_missing_is_no_file() {
    let json = || {
        Fault::status(200)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body("{}")
    };
    let server = server(NGINX);
    server.faults().add(When::path_ends("/.zattrs"), json());
    server.faults().add(When::path_ends("/0"), json());
    with(HttpConfig::new(server.base_url()), async |fs| {
        for key in ["a/.zattrs", "a/c/0", ".zattrs"] {
            assert_eq!(fs.cat(&path(key)).await.unwrap(), "{}");
        }
    });
    assert_eq!(server.log().len(), 4);
    server.faults().clear();
    server.faults().add(When::always(), json());
    with(HttpConfig::new(server.base_url()), async |fs| {
        for key in ["a/.zattrs", "a/c/0", ".zattrs"] {
            assert_eq!(kind(fs.cat(&path(key)).await), "Corrupt", "{key}");
        }
        // A document is told by its content.
        assert_eq!(fs.cat(&path("zarr.json")).await.unwrap(), "{}");
    });
}

#[test]
fn encodings_that_are_not_known_are_refused() {
    for (encoding, expected) in [
        ("br", "Unsupported"),
        ("gzip, gzip", "Unsupported"),
        ("gzip", "Corrupt"),
    ] {
        let server = server(NGINX);
        let fault = Fault::status(200)
            .header(header::CONTENT_ENCODING, encoding)
            .body("not that");
        server.faults().add(When::path_ends("/a/big"), fault);
        with(HttpConfig::new(server.base_url()), async |fs| {
            assert_eq!(kind(fs.cat(&path("a/big")).await), expected, "{encoding}");
            assert_eq!(
                kind(stream(fs, &path("a/big"), ByteRange::Full).await),
                expected,
                "{encoding}"
            );
        });
    }
}

#[test]
fn redirects_are_followed_without_what_is_private() {
    let data = server(NGINX);
    let front = HttpServer::builder(NGINX)
        .redirect_to(302, &data.base_url())
        .require(Credentials::Basic("user".to_owned(), "pass".to_owned()))
        .require(Credentials::Header("x-key".to_owned(), "k".to_owned()))
        .start();
    let url = front.base_url().replace("http://", "http://user:pass@");
    with(HttpConfig::new(url).with_header("X-Key", "k"), async |fs| {
        assert_eq!(fs.name(), front.base_url());
        assert_eq!(fs.cat(&path("a/zarr.json")).await.unwrap(), "a/zarr.json");
        let part = CatOptions::default().with_range(5..10);
        assert_eq!(
            fs.cat_file(&path("a/big"), part).await.unwrap().bytes,
            pattern(10)[5..]
        );
        assert_eq!(fs.info(&path("a/big")).await.unwrap().size_bytes, Some(100_000));
        assert_eq!(kind(fs.cat(&path("a/c")).await), "NotFound");
        let listing = fs.ls(&path("a")).await.unwrap();
        assert_eq!(
            common::names(&listing),
            ["a/big", "a/empty", "a/zarr.json", "a/c/"]
        );
    });
    assert!(
        front
            .log()
            .iter()
            .all(|entry| entry.header("authorization").is_some())
    );
    for entry in data.log() {
        assert_eq!(
            (entry.header("authorization"), entry.header("x-key")),
            (None, None)
        );
    }
    assert!(data.requests() > 0);
}

#[test]
fn credentials_are_asked_for_and_sent() {
    let server = HttpServer::builder(NGINX)
        .require(Credentials::Bearer("t0ken".to_owned()))
        .start();
    seed(&server);
    with(HttpConfig::new(server.base_url()), async |fs| {
        let error = fs.cat(&path("zarr.json")).await.unwrap_err();
        assert_eq!(kind::<()>(Err(error)), "Unauthenticated");
        assert_eq!(kind(fs.ls(&Path::root()).await), "Unauthenticated");
    });
    with(
        HttpConfig::new(server.base_url()).with_bearer_token("t0ken"),
        async |fs| {
            fs.cat(&path("zarr.json")).await.unwrap();
            fs.ls(&Path::root()).await.unwrap();
        },
    );
    with(
        HttpConfig::new(server.base_url()).with_bearer_token("wr0ng-token"),
        async |fs| {
            let error = fs.cat(&path("zarr.json")).await.unwrap_err();
            assert!(!format!("{error:?} {error}").contains("wr0ng"), "{error:?}");
        },
    );
}

#[test]
fn a_signed_query_is_never_shown() {
    let server = HttpServer::builder(NGINX)
        .require(Credentials::Query("sig".to_owned(), "right".to_owned()))
        .start();
    seed(&server);
    let url = format!("{}/?sig=s3cret-signature", server.base_url());
    with(HttpConfig::new(url), async |fs| {
        for error in [
            fs.cat(&path("a")).await.unwrap_err(),
            fs.info(&path("a")).await.unwrap_err(),
            fs.ls(&path("a")).await.unwrap_err(),
        ] {
            let mut shown = format!("{error:?} {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                shown += &format!("{cause:?} {cause}");
                source = cause.source();
            }
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        assert!(!format!("{fs:?}").contains("s3cret"));
    });
    // A signed URL is signed for GET: no other method is used.
    assert!(
        server
            .log()
            .iter()
            .all(|entry| entry.method == "GET" || entry.method.as_str() == "PROPFIND")
    );
}

#[test]
fn a_status_may_mean_missing_if_an_option_says_so() {
    let server = HttpServer::builder(NGINX).missing_status(403).start();
    seed(&server);
    with(HttpConfig::new(server.base_url()), async |fs| {
        assert_eq!(kind(fs.cat(&path("nowhere")).await), "PermissionDenied");
    });
    let options = Options::from_json(r#"{"missing_status": 403}"#).unwrap();
    with(
        HttpConfig::new(server.base_url()).with_options(options),
        async |fs| {
            assert_eq!(kind(fs.cat(&path("nowhere")).await), "NotFound");
            assert_eq!(kind(fs.info(&path("nowhere")).await), "NotFound");
        },
    );
}
