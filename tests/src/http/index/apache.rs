//! Apache: `mod_autoindex` with and without `FancyIndexing`.

use std::fmt::Write;

use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::{GO, Row, cut, html, pad};
use crate::time::Parts;

/// Apache's `ap_os_escape_path`.
const PATH: &AsciiSet = &GO
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'/');

const HEAD: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n<html>\n <head>\n";

/// A path as Apache writes it: percent escapes in lower case.
pub(in crate::http) fn escape(path: &str) -> String {
    let mut lower = String::with_capacity(path.len());
    let mut left = 0;
    for character in utf8_percent_encode(path, PATH).flat_map(str::chars) {
        left = if character == '%' { 3_u8 } else { left };
        lower.push(if left > 0 {
            character.to_ascii_lowercase()
        } else {
            character
        });
        left = left.saturating_sub(1);
    }
    lower
}

fn href_of(row: &Row<'_>) -> String {
    // A colon in the first segment would look like a scheme.
    let dot = if row.name.contains(':') { "./" } else { "" };
    format!("{dot}{}{}", escape(row.name).replace('&', "&amp;"), row.slash)
}

fn title_of(url: &str) -> String {
    let title = html(url.trim_end_matches('/'), ["'", "&quot;"]);
    if title.is_empty() { "/".to_owned() } else { title }
}

fn parent_href(url: &str) -> String {
    let parent = html(parent(url), ["'", "&quot;"]);
    if parent == "/" {
        parent
    } else {
        format!("{parent}/")
    }
}

pub(super) fn fancy(url: &str, rows: &[Row<'_>]) -> String {
    let title = title_of(url);
    let mut page =
        format!("{HEAD}  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>\n");
    page += "<pre>      <a href=\"?C=N;O=D\">Name</a>                    <a href=\"?C=M;O=A\">Last modified</a>      \
             <a href=\"?C=S;O=A\">Size</a>  <a href=\"?C=D;O=A\">Description</a><hr>";
    if url != "/" {
        let _ = writeln!(
            page,
            "      <a href=\"{}\">Parent Directory</a>                             -   ",
            parent_href(url)
        );
    }
    for row in rows {
        let name = format!("{}{}", row.name, row.slash);
        let shown = match cut(&name, 23) {
            (_, false) => html(&name, ["'", "&quot;"]),
            (_, true) => format!("{}..&gt;", html(&cut(&name, 20).0, ["'", "&quot;"])),
        };
        let pad = pad(23, name.chars().count());
        let Parts {
            year,
            month,
            day,
            hour,
            minute,
            ..
        } = row.time;
        let (href, size) = (href_of(row), row.size_or("-"));
        let _ = writeln!(
            page,
            "      <a href=\"{href}\">{shown}</a>{pad} {year}-{month:02}-{day:02} {hour:02}:{minute:02} {size:>4}   "
        );
    }
    page + "<hr></pre>\n</body></html>\n"
}

pub(super) fn plain(url: &str, rows: &[Row<'_>]) -> String {
    let title = title_of(url);
    let mut page = format!(
        "{HEAD}  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>\n<ul>"
    );
    if url != "/" {
        let _ = writeln!(
            page,
            "<li><a href=\"{}\"> Parent Directory</a></li>",
            parent_href(url)
        );
    }
    for row in rows {
        let shown = html(&format!("{}{}", row.name, row.slash), ["'", "&quot;"]);
        let _ = writeln!(page, "<li><a href=\"{}\"> {shown}</a></li>", href_of(row));
    }
    page + "</ul>\n</body></html>\n"
}

fn parent(url: &str) -> &str {
    url.trim_end_matches('/')
        .rsplit_once('/')
        .map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent })
}
