//! The parsers on pages that real servers wrote (tests/data: nginx 1.22.1, Apache 2.4.71, lighttpd 1.4.69, Caddy 2.6.2,
//! rclone 1.60.1, Python 3.11; style sheets, scripts and pictures emptied), on pages that are none, and on noise.

use proptest::prelude::*;
use url::Url;

use super::*;

/// The folder that all servers were asked for: `.hid/ c/ empty/ readme/ "with index/" ünï/` and these files.
const FILES: [&str; 8] = [
    ".zarray",
    "a:b",
    "back\\slash",
    LONG,
    "q?h#'\"<é>.bin",
    "semi;colon",
    "sp ace+&=%.json",
    "zarr.json",
];
const LONG: &str = "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong.json";
const DIRS: [&str; 6] = [".hid", "c", "empty", "readme", "with index", "ünï"];

fn visible(names: &[&str], all: bool) -> Vec<String> {
    let mut names: Vec<String> = names
        .iter()
        .filter(|name| all || !name.starts_with('.'))
        .map(|name| (*name).to_owned())
        .collect();
    names.sort();
    names
}

fn folder(url: &str) -> Folder {
    Folder::new(Url::parse(url).unwrap())
}

fn page<'a>(folder: &'a Folder, body: &'a [u8]) -> Page<'a> {
    Page {
        folder,
        body,
        server: None,
        is_listed_tree: false,
        marks_folders: false,
    }
}

fn names(entries: Entries) -> (Vec<String>, Vec<String>) {
    let listing = entries.into_listing(&Path::root());
    let text = |path: &Path| path.to_string();
    (
        listing.files.iter().map(|file| text(&file.path)).collect(),
        listing.prefixes.iter().map(text).collect(),
    )
}

fn index(url: &str, content_type: &str, body: &[u8]) -> Result<(Entries, Writer), NoListing> {
    read_index(&page(&folder(url), body), Some(content_type))
}

#[track_caller]
fn lists_all(url: &str, content_type: &str, body: &[u8], writer: Writer, dotfiles: bool) {
    let (entries, found) = index(url, content_type, body).unwrap();
    assert_eq!(found, writer);
    assert_eq!(
        names(entries),
        (visible(&FILES, dotfiles), visible(&DIRS, dotfiles))
    );
}

#[test]
fn reads_the_pages_of_real_servers() {
    let html = "text/html; charset=utf-8";
    lists_all(
        "http://h/d/",
        html,
        include_bytes!("../../tests/data/nginx.html"),
        Writer::Nginx,
        false,
    );
    lists_all(
        "http://h/d/",
        "text/html;charset=ISO-8859-1",
        include_bytes!("../../tests/data/apache-fancy.html"),
        Writer::Apache,
        true,
    );
    lists_all(
        "http://h/plain/d/",
        html,
        include_bytes!("../../tests/data/apache-plain.html"),
        Writer::Apache,
        true,
    );
    lists_all(
        "http://h/nosort/d/",
        html,
        include_bytes!("../../tests/data/apache-nosort.html"),
        Writer::Apache,
        true,
    );
    lists_all(
        "http://h/d/",
        html,
        include_bytes!("../../tests/data/lighttpd.html"),
        Writer::Lighttpd,
        false,
    );
    lists_all(
        "http://h/d/",
        html,
        include_bytes!("../../tests/data/python.html"),
        Writer::Python,
        true,
    );
    lists_all(
        "http://h/d/",
        html,
        include_bytes!("../../tests/data/rclone.html"),
        Writer::Rclone,
        true,
    );
    lists_all(
        "http://h/d/",
        html,
        include_bytes!("../../tests/data/caddy.html"),
        Writer::Caddy,
        true,
    );
    let json = "application/json; charset=utf-8";
    lists_all(
        "http://h/json/d/",
        json,
        include_bytes!("../../tests/data/nginx.json"),
        Writer::Json,
        false,
    );
    lists_all(
        "http://h/d/",
        json,
        include_bytes!("../../tests/data/caddy.json"),
        Writer::Json,
        true,
    );
}

#[test]
fn a_readme_below_the_list_is_no_part_of_it() {
    for (url, body) in [
        (
            "http://h/d/readme/",
            &include_bytes!("../../tests/data/apache-readme.html")[..],
        ),
        (
            "http://h/table/d/readme/",
            include_bytes!("../../tests/data/apache-table.html"),
        ),
    ] {
        let (entries, writer) = index(url, "text/html", body).unwrap();
        assert_eq!(writer, Writer::Apache);
        assert_eq!(
            names(entries),
            (vec!["README.html".to_owned(), "a".to_owned()], vec![])
        );
    }
}

#[test]
fn an_empty_index_is_one() {
    for (url, body) in [
        (
            "http://h/d/empty/",
            &include_bytes!("../../tests/data/nginx-empty.html")[..],
        ),
        (
            "http://h/d/empty/",
            include_bytes!("../../tests/data/caddy-empty.html"),
        ),
    ] {
        let (entries, _) = index(url, "text/html", body).unwrap();
        assert!(entries.is_empty() && entries.skipped == 0);
    }
}

#[test]
fn sizes_are_taken_where_they_are_exact() {
    let of = |entries: Entries, name: &str| {
        let listing = entries.into_listing(&Path::root());
        listing
            .files
            .into_iter()
            .find(|file| file.path.as_str() == name)
            .unwrap()
    };
    let (entries, _) = index(
        "http://h/d/",
        "text/html",
        include_bytes!("../../tests/data/nginx.html"),
    )
    .unwrap();
    assert_eq!(of(entries, "zarr.json").size_bytes, Some(3));
    for (url, body) in [
        (
            "http://h/d/",
            &include_bytes!("../../tests/data/apache-fancy.html")[..],
        ),
        (
            "http://h/nosort/d/",
            include_bytes!("../../tests/data/apache-nosort.html"),
        ),
        ("http://h/d/", include_bytes!("../../tests/data/lighttpd.html")),
    ] {
        let (entries, _) = index(url, "text/html", body).unwrap();
        assert_eq!(of(entries, "zarr.json").size_bytes, None);
    }
    for body in [
        &include_bytes!("../../tests/data/nginx.json")[..],
        include_bytes!("../../tests/data/caddy.json"),
    ] {
        let (entries, _) = index("http://h/d/", "application/json", body).unwrap();
        let file = of(entries, "zarr.json");
        assert_eq!(file.size_bytes, Some(3));
        assert!(file.modified.is_some());
    }
    let folder = folder("http://h/d/");
    for body in [
        &include_bytes!("../../tests/data/apache.xml")[..],
        include_bytes!("../../tests/data/lighttpd.xml"),
        include_bytes!("../../tests/data/rclone.xml"),
    ] {
        let file = of(webdav::parse(&page(&folder, body)).unwrap(), "zarr.json");
        assert_eq!(file.size_bytes, Some(3));
        assert!(file.version.etag.unwrap().starts_with('"'));
        assert_eq!(file.modified, http_date("Mon, 23 Nov 2026 15:59:23 GMT"));
    }
}

#[test]
fn reads_the_webdav_answers_of_real_servers() {
    let folder = folder("http://h/d/");
    for body in [
        &include_bytes!("../../tests/data/apache.xml")[..],
        include_bytes!("../../tests/data/lighttpd.xml"),
        include_bytes!("../../tests/data/rclone.xml"),
    ] {
        let entries = webdav::parse(&page(&folder, body)).unwrap();
        assert_eq!(names(entries), (visible(&FILES, true), visible(&DIRS, true)));
        for cut in [body.len() - 20, body.len() / 2, 300] {
            assert_eq!(
                webdav::parse(&page(&folder, &body[..cut])),
                Err(NoListing::Cut),
                "{cut}"
            );
        }
    }
}

fn multistatus(responses: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><multistatus xmlns=\"DAV:\">{responses}</multistatus>").into_bytes()
}

const OWN: &str = "<response><href>/d/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>\
                   <status>HTTP/1.1 200 OK</status></propstat></response>";

fn file(href: &str) -> String {
    format!("<response><href>{href}</href><propstat><prop><resourcetype/></prop></propstat></response>")
}

#[test]
fn webdav_of_any_prefix_and_base() {
    let folder = folder("http://h/d/");
    let read = |responses: &str| webdav::parse(&page(&folder, &multistatus(responses)));
    let only = |name: &str| (vec![name.to_owned()], vec![]);
    assert_eq!(names(read(&format!("{OWN}{}", file("/d/x"))).unwrap()), only("x"));
    assert_eq!(
        names(read(&format!("{OWN}{}", file("http://h/d/x&#121;&amp;"))).unwrap()),
        only("xy&")
    );
    assert_eq!(
        names(read(&format!("{OWN}{}", file("<![CDATA[x&y]]>"))).unwrap()),
        only("x&y")
    );
    // A proxy hides a part of the path, or the host.
    let proxied = format!("{}{}", OWN.replace("/d/", "/internal/d/"), file("/internal/d/x"));
    assert_eq!(names(read(&proxied).unwrap()), only("x"));
    let other_host = format!(
        "{}{}",
        OWN.replace("/d/", "http://back:8080/d/"),
        file("http://back:8080/d/x")
    );
    assert_eq!(names(read(&other_host).unwrap()), only("x"));
    // Another namespace of the same names says nothing.
    let foreign = r#"<a xmlns="urn:x"><response><href>/d/y</href></response></a>"#;
    assert_eq!(
        names(read(&format!("{OWN}{foreign}{}", file("x"))).unwrap()),
        only("x")
    );
}

#[test]
fn webdav_that_is_no_listing() {
    let folder = folder("http://h/d/");
    let read = |body: &[u8]| webdav::parse(&page(&folder, body));
    assert_eq!(
        read(&multistatus(&file("/e"))),
        Err(NoListing::Not("a WebDAV answer without the folder itself"))
    );
    assert_eq!(read(&multistatus(&file("/d/"))), Err(NoListing::NoFolder));
    assert_eq!(
        read(&multistatus(
            "<response><href>/d/</href><status>HTTP/1.1 403 Forbidden</status></response>"
        )),
        Err(NoListing::Refused(403))
    );
    for bad in [
        &b"<html><body>hello</body></html>"[..],
        b"",
        b"not xml",
        b"<multistatus/>",
        b"<multistatus xmlns='DAV:'><a></b></multistatus>",
        &multistatus(&format!("{OWN}{}", file("&nope;"))),
        &multistatus(&format!("{OWN}{}", "<a>".repeat(100))),
        b"<!DOCTYPE x [<!ENTITY e \"/d/x\">]><multistatus xmlns='DAV:'><response><href>&e;</href></response></multistatus>",
    ] {
        assert!(matches!(read(bad), Err(NoListing::Not(_))), "{}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn a_hostile_listing_names_nothing_outside() {
    let hostile = [
        "../x",
        "/x",
        "//other/d/x",
        "http://other/d/x",
        "..%2fx",
        "%2e%2e/x",
        "x%00",
        "a/../../x",
        "x/y",
        "%2e%2e%2fx",
        "\\x",
        "x%0ay",
        "file:///d/x",
        "javascript:alert(1)",
        "?x",
        "#x",
        ".",
        "..",
        "./",
        "../",
        "",
        "x?y=z",
    ];
    let folder = folder("http://h/d/");
    let good = (vec!["good".to_owned()], vec![]);
    for href in hostile {
        let html = format!(
            "<title>Index of /d/</title><h1>Index of /d/</h1><pre><a href=\"../\">../</a>\n\
             <a href=\"{href}\">x</a>\n<a href=\"good\">good</a></pre>"
        );
        if let Ok((entries, _)) = index("http://h/d/", "text/html", html.as_bytes()) {
            assert_eq!(names(entries), good, "{href}");
        }
        let answer = multistatus(&format!("{OWN}{}{}", file(href), file("good")));
        if let Ok(entries) = webdav::parse(&page(&folder, &answer)) {
            assert_eq!(names(entries), good, "{href}");
        }
    }
    for name in ["..", ".", "a/b", "", "x\u{0}y", "a\u{fffd}", "../x"] {
        let row = serde_json::json!([{"name": name, "type": "file", "mtime": "", "size": 1}]).to_string();
        let (entries, _) = index("http://h/d/", "application/json", row.as_bytes()).unwrap();
        assert!(entries.is_empty(), "{name:?}");
    }
    let row = r#"[{"name":"x","url":"../x","is_dir":false,"size":1}]"#;
    assert!(index("http://h/d/", "application/json", row.as_bytes()).is_err());
}

#[test]
fn what_is_no_index_is_none() {
    for (what, body) in [
        ("empty", ""),
        (
            "an application",
            "<!DOCTYPE html><html><head><title>App</title></head><body><div id=root></div><script src=a.js></script>",
        ),
        (
            "a login page",
            "<html><title>Log in</title><h1>Log in</h1><form><a href=\"forgot\">Forgot?</a></form>",
        ),
        (
            "a folder's own page",
            "<title>My data</title><h1>My data</h1><ul><li><a href=\"a/\">a</a></ul>",
        ),
        (
            "a README in a list",
            "<h1>README</h1><pre><a href=\"x\">x</a></pre><table><tr><td><a href=\"y\">y</a></table>",
        ),
        (
            "a title alone",
            "<title>Index of /d/</title><h1>Welcome</h1><pre><a href=\"x\">x</a></pre>",
        ),
        (
            "a heading alone",
            "<title>Docs</title><h1>Index of /d/</h1><pre><a href=\"x\">x</a></pre>",
        ),
        (
            "text between",
            "<title>Index of terms</title><h1>Index of terms</h1><p>All terms:<ul><li><a href=\"x\">x</a></ul>",
        ),
        (
            "a book's index",
            "<title>Index of Names</title><h1>Index of Names</h1><p><a href=\"x\">x</a>",
        ),
        (
            "one sort link",
            "<table><tr><th><a href=\"?sort=name&order=asc\">Name</a></th></tr><tr><td><a href=\"x\">x</a></table>",
        ),
        (
            "a comment",
            "<!-- <title>Index of /d/</title><h1>Index of /d/</h1><pre><a href=\"x\">x</a></pre> -->",
        ),
        (
            "a script",
            "<script><title>Index of /d/</title><h1>Index of /d/</h1><pre><a href=\"x\">x</a></pre></script>",
        ),
        (
            "S3",
            "<?xml version=\"1.0\"?><ListBucketResult><Key>x</Key></ListBucketResult>",
        ),
        (
            "a 404 page with status 200",
            "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>",
        ),
    ] {
        let read = index("http://h/d/", "text/html", body.as_bytes());
        assert!(matches!(read, Err(NoListing::Not(_))), "{what}: {read:?}");
    }
    for body in [
        "",
        "{}",
        "[1]",
        "[{}]",
        "[]",
        "null",
        "true",
        "[{\"name\":\"x\"}]",
        "{\"items\":[]}",
        "[{\"name\":\"x\",\"type\":\"blob\"}]",
    ] {
        let read = index("http://h/d/", "application/json", body.as_bytes());
        assert!(read.is_err(), "{body}: {read:?}");
    }
    assert!(
        index(
            "http://h/d/",
            "text/plain",
            include_bytes!("../../tests/data/nginx.html")
        )
        .is_err()
    );
}

#[test]
fn an_empty_array_is_believed_of_those_who_write_it() {
    let folder = folder("http://h/d/");
    for (body, server, is_listed_tree, is_index) in [
        ("[\r\n]", Some("nginx/1.22.1"), false, true),
        ("null\n", Some("Caddy"), false, true),
        ("[]", None, true, true),
        ("[]", Some("gunicorn"), false, false),
        ("null", None, false, false),
    ] {
        let page = Page {
            folder: &folder,
            body: body.as_bytes(),
            server,
            is_listed_tree,
            marks_folders: false,
        };
        assert_eq!(
            read_index(&page, Some("application/json")).is_ok(),
            is_index,
            "{body} {server:?}"
        );
    }
}

#[test]
fn a_cut_page_is_an_error() {
    for (content_type, body, ends) in [
        (
            "text/html",
            &include_bytes!("../../tests/data/nginx.html")[..],
            "</pre>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/apache-fancy.html"),
            "</pre>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/apache-plain.html"),
            "</ul>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/lighttpd.html"),
            "</table>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/python.html"),
            "</ul>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/rclone.html"),
            "</table>",
        ),
        (
            "text/html",
            include_bytes!("../../tests/data/caddy.html"),
            "</table>",
        ),
        (
            "application/json",
            include_bytes!("../../tests/data/nginx.json"),
            "]",
        ),
        (
            "application/json",
            include_bytes!("../../tests/data/caddy.json"),
            "]",
        ),
    ] {
        let end = String::from_utf8_lossy(body).rfind(ends).map(|_| ());
        assert!(end.is_some());
        let end = body
            .windows(ends.len())
            .rposition(|window| window == ends.as_bytes())
            .unwrap();
        let url = if body.windows(6).any(|window| window == b"/plain") {
            "http://h/plain/d/"
        } else {
            "http://h/d/"
        };
        // Anything cut before the end of the list is never a shorter list.
        for cut in 0..end {
            let read = index(url, content_type, &body[..cut]);
            assert!(read.is_err(), "cut at {cut} of {}: {read:?}", body.len());
        }
        assert_eq!(index(url, content_type, &body[..end]), Err(NoListing::Cut));
    }
}

#[test]
fn a_folder_shown_without_its_slash_is_recognised_by_its_title() {
    let nginx = include_bytes!("../../tests/data/nginx.html");
    assert!(is_index_of(nginx, &folder("http://h/d/")));
    assert!(is_index_of(nginx, &folder("http://h/proxied/d/")));
    // A copy of an index page, kept as a file.
    assert!(!is_index_of(nginx, &folder("http://h/d/index.html/")));
    assert!(is_index_of(
        include_bytes!("../../tests/data/rclone.html"),
        &folder("http://h/d/")
    ));
    assert!(is_index_of(
        include_bytes!("../../tests/data/caddy.html"),
        &folder("http://h/d/")
    ));
    assert!(!is_index_of(b"{\"zarr_format\":3}", &folder("http://h/d/")));
}

#[test]
fn many_entries_are_read_in_linear_time() {
    let mut html =
        "<title>Index of /d/</title><h1>Index of /d/</h1><pre><a href=\"../\">../</a>\n".to_owned();
    for n in 0..100_000 {
        html += &format!("<a href=\"0.{n}\">0.{n}</a>  23-Nov-2026 15:59  2\n");
    }
    html += "</pre>";
    let (entries, _) = index("http://h/d/", "text/html", html.as_bytes()).unwrap();
    assert_eq!(entries.len(), 100_000);
    assert_eq!(entries.into_listing(&Path::root()).files.len(), 100_000);
}

/// Pieces that index pages are made of, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<title>Index of /d/</title>".to_owned()),
        Just("<h1>Index of /d/</h1>".to_owned()),
        Just("<hr>".to_owned()),
        Just("<pre>".to_owned()),
        Just("</pre>".to_owned()),
        Just("<table>".to_owned()),
        Just("</table>".to_owned()),
        Just("<ul>".to_owned()),
        Just("</ul>".to_owned()),
        Just("<a href=\"?C=N;O=D\">".to_owned()),
        Just("<a href=\"?C=M;O=A\">".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        Just("<script>".to_owned()),
        ".{0,6}".prop_map(|name| format!("<a href=\"{name}\">")),
        "[a-z./%2]{0,8}".prop_map(|name| format!("<a href='{name}'>x</a>")),
        ".{0,8}",
        "[<>/!&;#x\"'= a-z]{0,10}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn xml_soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(OWN.to_owned()),
        ".{0,8}".prop_map(|href| file(&href)),
        Just("<propstat><prop><getcontentlength>9</getcontentlength></prop></propstat>".to_owned()),
        Just("<response><href>".to_owned()),
        Just("</href></response>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        "&[a-z#0-9]{0,5};",
        "[<>/a-z=\"' ]{0,10}",
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Whatever a page says, a listing of `d/` names children of `d` and nothing else.
fn stays_inside(entries: Entries) {
    let dir = Path::parse("d").unwrap();
    let listing = entries.into_listing(&dir);
    for path in listing
        .files
        .iter()
        .map(|file| &file.path)
        .chain(&listing.prefixes)
    {
        assert_eq!(path.parent().as_ref(), Some(&dir), "{path}");
        assert_eq!(Path::parse(path.as_str()).unwrap(), *path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn html_noise_stays_inside(body in soup()) {
        if let Ok((entries, _)) = index("http://h/d/", "text/html", body.as_bytes()) {
            stays_inside(entries);
        }
        let bytes = body.as_bytes();
        let _ = index("http://h/d/", "application/json", bytes);
        let _ = webdav::parse(&page(&folder("http://h/d/"), bytes));
    }

    #[test]
    fn xml_noise_stays_inside(responses in xml_soup()) {
        if let Ok(entries) = webdav::parse(&page(&folder("http://h/d/"), &multistatus(&responses))) {
            stays_inside(entries);
        }
    }

    #[test]
    fn bytes_are_never_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = index("http://h/d/", "text/html", &body);
        let _ = index("http://h/d/", "application/json", &body);
        let _ = webdav::parse(&page(&folder("http://h/d/"), &body));
    }

    /// A name survives the way from a server to a listing, whatever it has in it.
    #[test]
    fn names_survive(name in "[^/\\p{Cc}\u{fffd}]{1,20}") {
        prop_assume!(Path::parse(&name).is_ok_and(|path| !path.is_root()));
        let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC).to_string();
        let html = format!("<title>Index of /</title><h1>Index of /</h1><pre><a href=\"../\">../</a><a href=\"{encoded}\">x</a></pre>");
        let (entries, _) = index("http://h/", "text/html", html.as_bytes()).unwrap();
        prop_assert_eq!(names(entries), (vec![name.clone()], vec![]));
        let json = serde_json::json!([{"name": name, "type": "file", "mtime": "", "size": 0}]).to_string();
        let (entries, _) = index("http://h/", "application/json", json.as_bytes()).unwrap();
        prop_assert_eq!(names(entries), (vec![name.clone()], vec![]));
        let body = multistatus(&format!("{OWN}{}", file(&format!("/d/{encoded}"))));
        let entries = webdav::parse(&page(&folder("http://h/d/"), &body)).unwrap();
        prop_assert_eq!(names(entries), (vec![name], vec![]));
    }
}
