//! Pages that look like indexes and are not what they look like: with frames and lists around them, in parts, cut, with links
//! relative to elsewhere. Each is listed exactly, or not at all.

use url::Url;

use super::*;

fn folder(url: &str) -> Folder {
    Folder::new(Url::parse(url).unwrap())
}

fn index(url: &str, content_type: &str, body: &[u8]) -> Result<Vec<String>, NoListing> {
    let folder = folder(url);
    let page = Page {
        folder: &folder,
        body,
        server: None,
        is_listed_tree: false,
        marks_folders: false,
    };
    read_index(&page, Some(content_type)).map(|(entries, _)| names(entries))
}

fn names(entries: Entries) -> Vec<String> {
    let listing = entries.into_listing(&Path::root());
    let files = listing.files.iter().map(|file| file.path.to_string());
    let folders = listing.prefixes.iter().map(|path| format!("{path}/"));
    files.chain(folders).collect()
}

/// nginx's page, with `head` in its head and `list` as its list.
fn nginx(head: &str, list: &str) -> Vec<u8> {
    format!("<html><head><title>Index of /d/</title>{head}</head><body><h1>Index of /d/</h1><hr><pre><a href=\"../\">../</a>\n{list}</pre><hr></body></html>").into_bytes()
}

#[track_caller]
fn is_none(page: &[u8]) {
    let read = index("http://h/d/", "text/html", page);
    assert!(
        matches!(read, Err(NoListing::Not(_))),
        "{read:?}\n{}",
        String::from_utf8_lossy(page)
    );
}

/// Apache with `HEADER.html` in place of its heading and without sort links: its list shows no sign of an index; the table of
/// the `README.html` below it does, and names a folder that is not there.
#[test]
fn a_list_in_a_readme_is_not_taken_for_the_index_above_it() {
    let page = include_bytes!("../../tests/data/apache-header-fake.html");
    let read = index("http://h/readme/", "text/html", page);
    assert!(matches!(read, Err(NoListing::Not(_))), "{read:?}");
}

/// Apache inside the table that its `HEADER.html` opens: a link of that frame is no child.
#[test]
fn links_of_a_frame_around_the_index_are_not_in_it() {
    let page = include_bytes!("../../tests/data/apache-frame.html");
    assert_eq!(
        index("http://h/readme/", "text/html", page).unwrap(),
        ["zarr.json", "kid/"]
    );
}

/// A list as aiohttp and h2o write it: without a sign of who wrote it, and folders without a slash in their links.
fn unsigned(list: &str) -> Vec<u8> {
    format!("<TITLE>Index of /d</TITLE>\n<H2>Index of /d</H2>\n<UL>{list}</UL>").into_bytes()
}

#[test]
fn what_a_link_says_marks_a_folder() {
    let aiohttp = unsigned(
        "<li><a href=\"/d/big\">big/</a></li>\n<li><a href=\"/d/a%26b\">a&amp;b/</a></li>\n\
         <li><a href=\"/d/zarr.json\">zarr.json</a></li><li><a href=\"/d/x\">y/</a></li>",
    );
    assert_eq!(
        index("http://h/d/", "text/html", &aiohttp).unwrap(),
        ["x", "zarr.json", "a&b/", "big/"]
    );
}

/// The folders of h2o's page would be files, and the group an empty one.
#[test]
fn a_page_that_marks_no_folder_is_not_believed_unless_its_like_do() {
    let h2o = unsigned(
        "<LI><A HREF=\"..\">Parent Directory</A>\n<LI><A HREF=\"big\">big</A>\n<LI><A HREF=\"zarr.json\">zarr.json</A>",
    );
    let (files, empty) = (unsigned("<LI><A HREF=\"zarr.json\">zarr.json</A>"), unsigned(""));
    let table = String::from_utf8_lossy(&h2o)
        .replace("UL>", "table>")
        .into_bytes();
    let pre = String::from_utf8_lossy(&h2o).replace("UL>", "pre>").into_bytes();
    is_none(&empty);
    let folder = folder("http://h/d/");
    let read = |body: &[u8], server, marks_folders| {
        let page = Page {
            folder: &folder,
            body,
            server,
            is_listed_tree: marks_folders,
            marks_folders,
        };
        read_index(&page, Some("text/html")).unwrap().1
    };
    for page in [&h2o, &table, &pre, &files] {
        assert_eq!(read(page, None, false), Writer::Unmarked);
    }
    assert_eq!(read(&files, None, true), Writer::Unsigned);
    // Apache at its root writes no line for the folder above.
    assert_eq!(read(&files, Some("Apache/2.4.71"), false), Writer::Unsigned);
    assert_eq!(read(&files, Some("h2o/2.2.5"), false), Writer::Unmarked);
}

/// Sizes of nginx's page: exact where they are plain numbers.
#[test]
fn only_plain_sizes_are_taken() {
    let row = |name: &str, rest: &str| format!("<a href=\"{name}\">{name}</a>   {rest}\r\n");
    let list = [
        row("a", "26-Nov-2026 03:12                2187"),
        row("b", "26-Nov-2026 03:12                 12K"),
        row("c", "26-Nov-2026 03:12                   -"),
        row("d", "2026-11-26 03:12                2187"),
        row("e", "26-Nov-2026 03:12  2187 bytes"),
        row("f/", "26-Nov-2026 03:12                4096"),
        row("g", "26-Nov-2026 03:12  99999999999999999999999"),
        row("h", ""),
        row("i", "26-Nov-2026 03:12                   0"),
    ];
    let page = nginx("", &list.concat());
    let folder = folder("http://h/d/");
    let page = Page {
        folder: &folder,
        body: &page,
        server: None,
        is_listed_tree: false,
        marks_folders: false,
    };
    let (entries, _) = read_index(&page, Some("text/html")).unwrap();
    let files = entries.into_listing(&Path::root()).files;
    let sizes: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file.path.as_str(), file.size_bytes?)))
        .collect();
    assert_eq!(sizes, [("a", 2187), ("i", 0)]);
    assert_eq!(files.len(), 8);
}

#[test]
fn links_are_relative_to_the_base_of_the_page() {
    let list = "<a href=\"x/\">x/</a>";
    for base in ["/d/", "http://h/d/", "https://h/d/index.html", "/d"] {
        let page = nginx(&format!("<base target=x><BASE HREF='{base}'>"), list);
        let read = index("http://h/d/", "text/html", &page);
        match base {
            "/d" => assert!(matches!(read, Err(NoListing::Not(_))), "{read:?}"),
            _ => assert_eq!(read.unwrap(), ["x/"], "{base}"),
        }
    }
    for base in ["/other/", "http://other/d/", "../", "http://["] {
        is_none(&nginx(&format!("<base href=\"{base}\">"), list));
    }
}

#[test]
fn markup_is_read_as_browsers_read_it() {
    let page = nginx(
        "",
        "<!-- <a href=\"hidden/\">x</a> --><A HREF=a/>a/</A>\n<a\nclass='n' href = 'b'>b</a><a href='/d/c'>c</a>\
         <a href=\"http://h/d/e&#x2f;\">e</a><a href='//h/d/f%2B'>f+</a><a name=anchor>x</a>",
    );
    assert_eq!(
        index("http://h/d/", "text/html", &page).unwrap(),
        ["b", "c", "f+", "a/", "e/"]
    );
}

#[test]
fn a_part_of_a_listing_is_none() {
    let list = "<a href=\"x/\">x/</a>";
    is_none(&nginx("<link rel=\"next\" href=\"?page=2\">", list));
    is_none(&nginx("", &format!("{list}<a href=\"?page=2\">more</a>")));
    is_none(&nginx("", &format!("{list}<a href=\"/d/?upto=y\">more</a>")));
    is_none(&nginx(
        "",
        &format!("{list}<a href=\"more.html\" rel='nofollow NEXT'>more</a>"),
    ));
    is_none(&nginx(
        "",
        &format!("{list}</pre><p><a href=\"?start-after=x\">more</a><pre>"),
    ));
    is_none(&nginx(
        "",
        &format!("{list}</pre><p><a href=\"http://h/d/?page=2\">more</a><pre>"),
    ));
    // A README's own links are no parts.
    let page = nginx(
        "",
        &format!("{list}</pre><p><a href=\"https://h/forum?page=2\">more</a><pre>"),
    );
    assert_eq!(index("http://h/d/", "text/html", &page).unwrap(), ["x/"]);
}

/// Caddy reads 10,000 names of a folder and shows them as if they were all.
#[test]
fn as_much_as_caddy_shows_at_most_is_taken_for_cut() {
    let json = |count: usize| {
        let rows = (0..count).map(|n| format!(r#"{{"name":"{n}/","size":1,"url":"./{n}/","is_dir":true}}"#));
        format!("[{}]", rows.collect::<Vec<_>>().join(",")).into_bytes()
    };
    let html = |count: usize| {
        let rows = (0..count).map(|n| format!("<tr><td><a href=\"./{n}/\">{n}</a></td></tr>"));
        format!(
            "<title>d</title><table><tr><th><a href=\"?sort=name&order=asc\"><a href=\"?sort=size&order=asc\"></tr>{}</table>",
            rows.collect::<String>()
        )
        .into_bytes()
    };
    for (content_type, page) in [
        ("application/json", &json as &dyn Fn(usize) -> Vec<u8>),
        ("text/html", &html),
    ] {
        assert_eq!(
            index("http://h/d/", content_type, &page(9000)).unwrap().len(),
            9000
        );
        let read = index("http://h/d/", content_type, &page(10_000));
        assert_eq!(read, Err(NoListing::Not(CADDY_CUT)));
    }
    // nginx shows all.
    let rows: Vec<_> = (0..12_000)
        .map(|n| format!(r#"{{"name":"{n}","type":"directory","mtime":""}}"#))
        .collect();
    let page = format!("[{}]", rows.join(","));
    assert_eq!(
        index("http://h/d/", "application/json", page.as_bytes())
            .unwrap()
            .len(),
        12_000
    );
}

#[test]
fn json_of_others_is_none() {
    let read = |body: &str| index("http://h/d/", "application/json; charset=utf-8", body.as_bytes());
    let more = r#"[{"name":"x","type":"file","mtime":"","size":1,"owner":"root","extra":{"a":[1]}}]"#;
    assert_eq!(read(more).unwrap(), ["x"]);
    // In nginx's form a name and a kind are enough: servers like it leave out the rest.
    assert_eq!(read(r#"[{"name":"x","type":"file"}]"#).unwrap(), ["x"]);
    for other in [
        r#"[{"name":"x","type":"dir","path":"d/x","url":"https://api/x"}]"#,
        r#"{"next":"?page=2","items":[{"name":"x","type":"file","mtime":""}]}"#,
    ] {
        assert!(matches!(read(other), Err(NoListing::Not(_))), "{other}");
    }
}

/// Without the folder itself its first collection is a child, and the listing is not that child's.
#[test]
fn webdav_without_the_folder_itself_is_no_listing() {
    let response = |href: &str| {
        format!(
            "<D:response><D:href>{href}</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype>\
             </D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        )
    };
    let read = |hrefs: &[&str]| {
        let responses: String = hrefs.iter().map(|href| response(href)).collect();
        let body =
            format!("<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">{responses}</D:multistatus>");
        let folder = folder("http://h/d/");
        let page = Page {
            folder: &folder,
            body: body.as_bytes(),
            server: None,
            is_listed_tree: false,
            marks_folders: false,
        };
        webdav::parse(&page).map(names)
    };
    assert_eq!(read(&["/d", "/d/x", "http://h/d/%c3%bc/"]).unwrap(), ["x/", "ü/"]);
    for hrefs in [&["/d/x/"][..], &["/d/x/", "/d/x/y/"], &["/d/x/", "/d/y/"]] {
        assert!(matches!(read(hrefs), Err(NoListing::Not(_))), "{hrefs:?}");
    }
}

/// Properties that a server does not have come with another status; they say nothing of the child.
#[test]
fn webdav_properties_that_are_missing_leave_the_child() {
    let body = r#"<?xml version="1.0" encoding="utf-8"?>
        <x:multistatus xmlns:x="DAV:" xmlns:lp1="DAV:">
        <x:response><x:href>/d/</x:href><x:propstat><x:prop><lp1:resourcetype><x:collection/></lp1:resourcetype></x:prop>
        <x:status>HTTP/1.1 200 OK</x:status></x:propstat></x:response>
        <x:response><x:href>/d/f</x:href>
        <x:propstat><x:prop><lp1:resourcetype/></x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat>
        <x:propstat><x:prop><lp1:getcontentlength>7</lp1:getcontentlength><x:resourcetype><x:collection/></x:resourcetype></x:prop>
        <x:status>HTTP/1.1 404 Not Found</x:status></x:propstat></x:response></x:multistatus>"#;
    let folder = folder("http://h/d/");
    let page = Page {
        folder: &folder,
        body: body.as_bytes(),
        server: None,
        is_listed_tree: false,
        marks_folders: false,
    };
    let listing = webdav::parse(&page).unwrap().into_listing(&Path::root());
    assert_eq!((listing.files.len(), listing.prefixes.len()), (1, 0));
    assert_eq!(listing.files[0].size_bytes, None);
}

/// What a list leads to is in the folder, or it is no listing of it: a child by another name of the host, a name that is not
/// escaped as a URL must be, would be lost without a word.
#[test]
fn a_child_that_cannot_be_followed_is_not_left_out() {
    let row = |href: &str, text: &str| format!("<a href=\"{href}\">{text}</a> 26-Nov-2026 03:12 -\r\n");
    let files = row("zarr.json", "zarr.json");
    for (href, text) in [
        ("http://internal/d/a/", "a/"),
        ("/other/d/a/", "a/"),
        ("q?uery/", "q?uery/"),
        ("h#ash/", "h#ash/"),
        ("a/b/", "a/b/"),
        ("it%26%2339%3Bs/", "it&#39;s/"),
        ("a%26lt%3Bb", "a&lt;b"),
        ("two+words/", "two words/"),
    ] {
        is_none(&nginx("", &format!("{files}{}", row(href, text))));
    }
    let right = [
        files,
        row("it's/", "it&#39;s/"),
        row("a+b/", "a+b/"),
        row("a%26amp%3Bb/", "a&amp;amp;b/"),
        row("a-very-long-name/", "a-very-lo..&gt;"),
        row("mailto:me", "me"),
        row("view/?noscript", "view/"),
    ];
    assert_eq!(
        index("http://h/d/", "text/html", &nginx("", &right.concat())).unwrap(),
        [
            "zarr.json",
            "a&amp;b/",
            "a+b/",
            "a-very-long-name/",
            "it's/",
            "view/"
        ]
    );
}

/// Behind a proxy that rewrites paths the link to the folder above leads anywhere.
#[test]
fn the_folder_above_may_be_anywhere() {
    let page = include_bytes!("../../tests/data/apache-nosort.html");
    let read = index("http://proxy/somewhere/else/", "text/html", page).unwrap();
    assert!(read.iter().any(|name| name == "zarr.json"), "{read:?}");
}

/// Files in one list and folders in another below it: the first alone is an empty group.
#[test]
fn folders_in_a_second_list_are_not_left_out() {
    let (files, folders) = (
        "<li><a href=\"sub/\">sub/</a><li><a href=\"zarr.json\">zarr.json</a>",
        "<ul><li><a href=\"x/\">x/</a></ul>",
    );
    let page = |below: &str| [unsigned(files), below.as_bytes().to_vec()].concat();
    is_none(&page(folders));
    let many = "<li><a href=\"f\">f</a>".repeat(1000);
    is_none(&page(&format!("<ul>{many}</ul>{folders}")));
    let readme =
        "<p><a href=\"sub/\">sub</a></p><ul><li><a href=\"zarr.json\">z</a><li><a href=\"/\">home</a></ul>";
    assert_eq!(
        index("http://h/d/", "text/html", &page(readme)).unwrap(),
        ["zarr.json", "sub/"]
    );
}

/// WEBrick, Yaws and miniserve sort by links of their own; a link to a part is known by any of its parameters.
#[test]
fn links_that_sort_are_no_parts() {
    let page = |head: &str, below: &str| {
        unsigned(&format!(
            "{head}<li><a href=\"sub/\">sub/</a><li><a href=\"zarr.json\">zarr.json</a></ul>{below}<ul>"
        ))
    };
    let links = |hrefs: &[&str]| -> String {
        hrefs
            .iter()
            .map(|href| format!("<a href=\"{href}\">x</a>"))
            .collect()
    };
    for head in [
        ["?N=D", "?M=D", "?S=D"],
        ["?N=r", "?M=m", "?S=s"],
        [
            "?sort=name&amp;order=asc",
            "?sort=size&amp;order=asc",
            "?sort=date&amp;order=desc",
        ],
    ] {
        let read = index("http://h/d/", "text/html", &page(&links(&head), "")).unwrap();
        assert_eq!(read, ["zarr.json", "sub/"], "{head:?}");
    }
    for part in [
        "?pg=2",
        "?upto=m",
        "?limit=100&amp;x=1",
        "?sort=name&amp;Page=2",
        "?x=1;offset=9",
    ] {
        is_none(&page("", &links(&[part])));
    }
    assert!(index("http://h/d/", "text/html", &page("", &links(&["?theme=dark"]))).is_ok());
    is_none(&page(&links(&["?N=12"]), ""));
}
