//! Listings of HTTP servers: HTML and JSON indexes, WebDAV answers.
//!
//! Input: which kind of answer, then its body.

use url::Url;
use zarr_http::testing::{Listing, NoListing, Reader};

use super::allocation::most_held;

/// What a listing takes in memory for each byte of its body, and beside it.
const MEMORY: (usize, usize) = (256, 1 << 20);

pub(super) fn run(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let reader = match kind % 3 {
        0 => Reader::Html,
        1 => Reader::Json,
        _ => Reader::WebDav,
    };
    let (read, held) = most_held(|| reader.read(&folder(), body));
    let bound = MEMORY.0 * body.len() + MEMORY.1;
    assert!(held <= bound, "{held} bytes held where {bound} are enough");
    match read {
        Ok(listing) => check(&listing),
        Err(NoListing { reason }) => assert!(!reason.is_empty() && reason.len() < 1000, "{reason}"),
    }
}

fn folder() -> Url {
    Url::parse("http://host/some/d%20r/").expect("a URL")
}

/// Nothing leads out of the folder, each name is there once, and a listing written anew from these names reads the same.
fn check(listing: &Listing) {
    for names in [&listing.files, &listing.folders] {
        assert!(names.is_sorted_by(|a, b| a < b), "sorted, each once: {names:?}");
        for name in names.iter() {
            assert!(!["", ".", ".."].contains(&name.as_str()), "{name:?}");
            assert!(
                !name.contains('/') && !name.contains(char::is_control),
                "{name:?}"
            );
        }
    }
    let quoted = |name: &String| {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{name}\"")
    };
    let row =
        |kind: &'static str| move |name: &String| format!(r#"{{"name":{},"type":"{kind}"}}"#, quoted(name));
    let rows: Vec<String> = listing
        .files
        .iter()
        .map(row("file"))
        .chain(listing.folders.iter().map(row("directory")))
        .collect();
    if rows.is_empty() {
        return;
    }
    let json = format!("[{}]", rows.join(","));
    assert_eq!(
        Reader::Json.read(&folder(), json.as_bytes()).as_ref(),
        Ok(listing),
        "{json}"
    );
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let html = [
        "<html><head><title>Index of /some/d r/</title></head><body><h1>Index of /some/d r/</h1><hr><pre><a href=\"../\">../</a>\n<a href=\"a/\">a/</a> -\n<a href=\"zarr.json\">zarr.json</a> 7\n</pre><hr></body></html>",
        "<!DOCTYPE HTML><html><head><title>Directory listing for /some/d r/</title></head><body><h1>Directory listing for /some/d r/</h1><hr><ul><li><a href=\"b%25/\">b%/</a></li><li><a href=\"c&amp;d\">c</a></li></ul><hr></body></html>",
        "<html><title>Index of /some/d r</title><body><h1>Index of /some/d r</h1><table><tr><th><a href=\"?C=N;O=D\">Name</a></th></tr><tr><td><a href=\"/some/\">Parent Directory</a></td></tr><tr><td><a href=\"x\">x</a></td></tr></table></body></html>",
    ];
    let json = [
        r#"[{"name":"a","type":"directory","mtime":"Wed, 25 Nov 2026 21:00:00 GMT"},{"name":"zarr.json","type":"file","mtime":"x","size":7}]"#,
        r#"[{"name":"a/","size":1,"url":"./a/","mod_time":"2026-11-25T21:00:00Z","mode":1,"is_dir":true,"is_symlink":false}]"#,
        "[]",
    ];
    let dav = [
        r#"<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/some/d%20r/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response><D:response><D:href>/some/d%20r/f</D:href><D:propstat><D:prop><D:resourcetype/><D:getcontentlength>7</D:getcontentlength><D:getetag>"x"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"#,
    ];
    let seed = |kind: u8| move |body: &&str| [&[kind][..], body.as_bytes()].concat();
    html.iter()
        .map(seed(0))
        .chain(json.iter().map(seed(1)))
        .chain(dav.iter().map(seed(2)))
        .collect()
}
