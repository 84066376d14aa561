//! Index pages in the shapes of the usual servers, down to how each escapes names. The links are exactly theirs; style sheets,
//! pictures and scripts are left out or shortened.

mod apache;
mod go;

use std::fmt::Write;
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::files::content_type;
use super::options::IndexStyle;
use super::tree::Entry;
use crate::time::Parts;

pub(super) use apache::escape as apache_escape;

const HTML: &str = "text/html; charset=utf-8";

/// nginx, Python: all but the unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Go's `url.URL`: Caddy and rclone.
const GO: &AsciiSet = &COMPONENT
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');
/// lighttpd.
const LIGHTTPD: &AsciiSet = &COMPONENT.remove(b'!').remove(b'*').remove(b'(').remove(b')');

/// The page of the folder at `url` (which ends in a slash), and its type. `entries` are in the order of their bytes.
pub(super) fn render(
    style: IndexStyle,
    url: &str,
    entries: &[(String, Entry)],
    wants_json: bool,
) -> (&'static str, String) {
    let dirs = entries.iter().filter(|(_, entry)| matches!(entry, Entry::Dir(_)));
    let files = entries
        .iter()
        .filter(|(_, entry)| matches!(entry, Entry::File(_)));
    let dirs_first: Vec<Row<'_>> = dirs.chain(files).map(Row::new).collect();
    let by_name: Vec<Row<'_>> = entries.iter().map(Row::new).collect();
    match style {
        IndexStyle::Nginx => ("text/html", nginx(url, &dirs_first)),
        IndexStyle::NginxJson => ("application/json", nginx_json(&dirs_first)),
        IndexStyle::ApacheFancy => ("text/html;charset=ISO-8859-1", apache::fancy(url, &by_name)),
        IndexStyle::ApachePlain => ("text/html;charset=ISO-8859-1", apache::plain(url, &by_name)),
        IndexStyle::Caddy if wants_json => ("application/json; charset=utf-8", go::caddy_json(&dirs_first)),
        IndexStyle::Caddy => (HTML, go::caddy(url, &dirs_first)),
        IndexStyle::Lighttpd => ("text/html", lighttpd(url, &dirs_first)),
        IndexStyle::Python => (HTML, python(url, &by_name)),
        IndexStyle::Rclone => (HTML, go::rclone(url, &dirs_first)),
    }
}

struct Row<'a> {
    name: &'a str,
    slash: &'static str,
    size: Option<usize>,
    modified: SystemTime,
    time: Parts,
}

impl<'a> Row<'a> {
    fn new((name, entry): &'a (String, Entry)) -> Self {
        let (slash, size, modified) = match entry {
            Entry::File(file) => ("", Some(file.data.len()), file.modified),
            Entry::Dir(modified) => ("/", None, *modified),
        };
        Self {
            name,
            slash,
            size,
            modified,
            time: Parts::of(modified),
        }
    }

    fn encoded(&self, set: &'static AsciiSet) -> String {
        format!("{}{}", utf8_percent_encode(self.name, set), self.slash)
    }

    fn size_or<'s>(&self, none: &'s str) -> std::borrow::Cow<'s, str> {
        self.size.map_or(none.into(), |size| size.to_string().into())
    }
}

/// Escapes text for HTML; `quotes` is how `'` and `"` come out.
fn html(text: &str, quotes: [&str; 2]) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('\'', quotes[0]).replace('"', quotes[1])
}

/// The first `limit` characters; says whether some were left.
fn cut(text: &str, limit: usize) -> (String, bool) {
    (text.chars().take(limit).collect(), text.chars().count() > limit)
}

/// So many spaces that text of `width` characters fills `column`.
fn pad(column: usize, width: usize) -> String {
    " ".repeat(column.saturating_sub(width))
}

fn nginx(url: &str, rows: &[Row<'_>]) -> String {
    let title = html(url, ["&#39;", "&quot;"]);
    let mut page = format!(
        "<html>\r\n<head><title>Index of {title}</title></head>\r\n<body>\r\n<h1>Index of {title}</h1><hr><pre><a href=\"../\">../</a>\r\n"
    );
    for row in rows {
        let name = format!("{}{}", row.name, row.slash);
        let shown = match cut(&name, 50) {
            (_, false) => html(&name, ["'", "&quot;"]),
            (_, true) => format!("{}..&gt;", html(&cut(&name, 47).0, ["'", "&quot;"])),
        };
        let pad = pad(51, name.chars().count().min(50));
        let Parts {
            year,
            month_name,
            day,
            hour,
            minute,
            ..
        } = row.time;
        let size = row.size_or("-");
        let href = row.encoded(COMPONENT);
        let _ = write!(
            page,
            "<a href=\"{href}\">{shown}</a>{pad}{day:02}-{month_name}-{year} {hour:02}:{minute:02} {size:>19}\r\n"
        );
    }
    page + "</pre><hr></body>\r\n</html>\r\n"
}

fn nginx_json(rows: &[Row<'_>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let (name, mtime) = (json!(row.name), json!(httpdate::fmt_http_date(row.modified)));
            match row.size {
                None => format!("{{ \"name\":{name}, \"type\":\"directory\", \"mtime\":{mtime} }}"),
                Some(size) => {
                    format!("{{ \"name\":{name}, \"type\":\"file\", \"mtime\":{mtime}, \"size\":{size} }}")
                }
            }
        })
        .collect();
    format!("[\r\n{}\r\n]", rows.join(",\r\n"))
}

fn lighttpd(url: &str, rows: &[Row<'_>]) -> String {
    let escape = |text: &str| {
        let text = text
            .replace('&', "&#x26;")
            .replace('<', "&#x3C;")
            .replace('>', "&#x3E;");
        text.replace('\'', "&#x27;").replace('"', "&#x22;")
    };
    let title = escape(url);
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>Index of {title}</title>\n</head>\n<body>\n<h2>Index of {title}</h2>\n\
         <div class=\"list\">\n<table summary=\"Directory Listing\" cellpadding=\"0\" cellspacing=\"0\">\n<thead><tr><th class=\"n\">Name</th>\
         <th class=\"m\">Last Modified</th><th class=\"s\">Size</th><th class=\"t\">Type</th></tr></thead>\n<tbody>\n"
    );
    if url != "/" {
        page += "<tr class=\"d\"><td class=\"n\"><a href=\"../\">..</a>/</td><td class=\"m\">&nbsp;</td>\
                 <td class=\"s\">- &nbsp;</td><td class=\"t\">Directory</td></tr>\n";
    }
    for row in rows {
        let (class, size, kind) = match row.size {
            None => (" class=\"d\"", "- &nbsp;".to_owned(), "Directory"),
            Some(size) => (
                "",
                format!("{}.{}K", size / 1024, (size % 1024 * 10).div_ceil(1024).min(9)),
                content_type(row.name),
            ),
        };
        let Parts {
            year,
            month_name,
            day,
            hour,
            minute,
            second,
            ..
        } = row.time;
        let (href, shown, slash) = (row.encoded(LIGHTTPD), escape(row.name), row.slash);
        let _ = writeln!(
            page,
            "<tr{class}><td class=\"n\"><a href=\"{href}\">{shown}</a>{slash}</td>\
             <td class=\"m\">{year}-{month_name}-{day:02} {hour:02}:{minute:02}:{second:02}</td>\
             <td class=\"s\">{size}</td><td class=\"t\">{kind}</td></tr>"
        );
    }
    page + "</tbody>\n</table>\n</div>\n<div class=\"foot\">lighttpd/1.4.69</div>\n</body>\n</html>\n"
}

fn python(url: &str, rows: &[Row<'_>]) -> String {
    let title = html(url, ["'", "\""]);
    let mut page = format!(
        "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Directory listing for {title}</title>\n\
         </head>\n<body>\n<h1>Directory listing for {title}</h1>\n<hr>\n<ul>\n"
    );
    for row in rows {
        let shown = html(&format!("{}{}", row.name, row.slash), ["'", "\""]);
        let _ = writeln!(
            page,
            "<li><a href=\"{}\">{shown}</a></li>",
            row.encoded(COMPONENT)
        );
    }
    page + "</ul>\n<hr>\n</body>\n</html>\n"
}
