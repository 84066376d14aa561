//! Index pages in the shapes of the usual servers, down to how each escapes names. The links are exactly theirs; style sheets,
//! pictures and scripts are left out or shortened.

use std::fmt::Write;
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::files::content_type;
use super::options::IndexStyle;
use super::tree::Entry;
use crate::time::{Parts, rfc3339};

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
/// Apache's `ap_os_escape_path`.
const APACHE: &AsciiSet = &GO
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'/');
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
        IndexStyle::ApacheFancy => ("text/html;charset=ISO-8859-1", apache_fancy(url, &by_name)),
        IndexStyle::ApachePlain => ("text/html;charset=ISO-8859-1", apache_plain(url, &by_name)),
        IndexStyle::Caddy if wants_json => ("application/json; charset=utf-8", caddy_json(&dirs_first)),
        IndexStyle::Caddy => (HTML, caddy(url, &dirs_first)),
        IndexStyle::Lighttpd => ("text/html", lighttpd(url, &dirs_first)),
        IndexStyle::Python => (HTML, python(url, &by_name)),
        IndexStyle::Rclone => (HTML, rclone(url, &dirs_first)),
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

fn parent(url: &str) -> &str {
    url.trim_end_matches('/')
        .rsplit_once('/')
        .map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent })
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

const APACHE_HEAD: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n<html>\n <head>\n";

/// A path as Apache writes it: percent escapes in lower case.
pub(super) fn apache_escape(path: &str) -> String {
    let mut lower = String::with_capacity(path.len());
    let mut left = 0;
    for character in utf8_percent_encode(path, APACHE).flat_map(str::chars) {
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

fn apache_href(row: &Row<'_>) -> String {
    // A colon in the first segment would look like a scheme.
    let dot = if row.name.contains(':') { "./" } else { "" };
    format!(
        "{dot}{}{}",
        apache_escape(row.name).replace('&', "&amp;"),
        row.slash
    )
}

fn apache_title(url: &str) -> String {
    let title = html(url.trim_end_matches('/'), ["'", "&quot;"]);
    if title.is_empty() { "/".to_owned() } else { title }
}

fn apache_parent(url: &str) -> String {
    let parent = html(parent(url), ["'", "&quot;"]);
    if parent == "/" {
        parent
    } else {
        format!("{parent}/")
    }
}

fn apache_fancy(url: &str, rows: &[Row<'_>]) -> String {
    let title = apache_title(url);
    let mut page = format!(
        "{APACHE_HEAD}  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>\n"
    );
    page += "<pre>      <a href=\"?C=N;O=D\">Name</a>                    <a href=\"?C=M;O=A\">Last modified</a>      \
             <a href=\"?C=S;O=A\">Size</a>  <a href=\"?C=D;O=A\">Description</a><hr>";
    if url != "/" {
        let _ = writeln!(
            page,
            "      <a href=\"{}\">Parent Directory</a>                             -   ",
            apache_parent(url)
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
        let (href, size) = (apache_href(row), row.size_or("-"));
        let _ = writeln!(
            page,
            "      <a href=\"{href}\">{shown}</a>{pad} {year}-{month:02}-{day:02} {hour:02}:{minute:02} {size:>4}   "
        );
    }
    page + "<hr></pre>\n</body></html>\n"
}

fn apache_plain(url: &str, rows: &[Row<'_>]) -> String {
    let title = apache_title(url);
    let mut page = format!(
        "{APACHE_HEAD}  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>\n<ul>"
    );
    if url != "/" {
        let _ = writeln!(
            page,
            "<li><a href=\"{}\"> Parent Directory</a></li>",
            apache_parent(url)
        );
    }
    for row in rows {
        let shown = html(&format!("{}{}", row.name, row.slash), ["'", "&quot;"]);
        let _ = writeln!(page, "<li><a href=\"{}\"> {shown}</a></li>", apache_href(row));
    }
    page + "</ul>\n</body></html>\n"
}

fn caddy_json(rows: &[Row<'_>]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": format!("{}{}", row.name, row.slash),
                "size": row.size.unwrap_or(4096),
                "url": format!("./{}", row.encoded(GO)),
                "mod_time": rfc3339(row.modified),
                "mode": if row.size.is_none() { 2_147_484_141_u32 } else { 420 },
                "is_dir": row.size.is_none(),
                "is_symlink": false,
            })
        })
        .collect();
    // Go escapes these three in JSON, so that it can stand in HTML.
    let text = serde_json::Value::from(rows).to_string();
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        + "\n"
}

/// The links above the rows that Caddy and rclone have: crumbs, sort links, and icons that are no links.
fn go_head(url: &str, goes_above_root: bool) -> String {
    let depth = url.matches('/').count().saturating_sub(1);
    let mut page = "<svg><use xlink:href=\"#folder\"></use></svg>\n<header><h1>".to_owned();
    for up in (0..=depth).rev() {
        let _ = write!(page, "<a href=\"{}\">crumb</a>/", "../".repeat(up));
    }
    page += "</h1></header>\n<table>\n<tr><th><a href=\"?sort=namedirfirst&order=desc\" class=\"icon\">-</a> \
             <a href=\"?sort=name&order=asc\">Name</a></th><th><a\n  href=\"?sort=size&order=asc\">Size</a></th></tr>\n";
    if depth > 0 || goes_above_root {
        page += "<tr><td><a href=\"..\"><span class=\"goup\">Go up</span></a></td></tr>\n";
    }
    page
}

fn caddy(url: &str, rows: &[Row<'_>]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{}</title></head>\n<body>\n",
        html(url, ["&#39;", "&#34;"])
    );
    page += &go_head(url, false);
    for row in rows {
        let shown = html(&format!("{}{}", row.name, row.slash), ["&#39;", "&#34;"]);
        let href = row.encoded(GO).replace('&', "&amp;");
        let icon = if row.size.is_none() { "#folder" } else { "#file" };
        let _ = write!(
            page,
            "<tr class=\"file\">\n<td>\n    <a href=\"./{href}\">\n        <svg><use xlink:href=\"{icon}\"></use></svg>\n        \
             <span class=\"name\">{shown}</span>\n    </a>\n</td>\n<td>{} B</td>\n</tr>\n",
            row.size_or("&mdash;")
        );
    }
    page + "</table>\n<footer>Served with <a rel=\"noopener noreferrer\" href=\"https://caddyserver.com\">Caddy</a></footer>\n</body>\n</html>\n"
}

fn rclone(url: &str, rows: &[Row<'_>]) -> String {
    let title = html(url.trim_end_matches('/'), ["&#39;", "&#34;"]);
    let mut page =
        format!("\n\n<!DOCTYPE html>\n<html>\n\t<head>\n\t\t<title>{title}</title>\n\t</head>\n\t<body>\n");
    page += &go_head(url, true);
    for row in rows {
        let shown = html(&format!("{}{}", row.name, row.slash), ["&#39;", "&#34;"]);
        // A colon in the first segment would look like a scheme.
        let dot = if row.name.contains(':') { "./" } else { "" };
        let href = format!("{dot}{}", row.encoded(GO).replace('&', "&amp;"));
        let size = row.size_or("-1");
        let _ = write!(
            page,
            "\t<tr class=\"file\">\n\t\t<td>\n\t\t\t<svg><use xlink:href=\"#file\"></use></svg>\n\t\t\t\
             <span class=\"name\"><a href=\"{href}\">{shown}</a></span>\n\t\t</td>\n\t\t<td data-order=\"{size}\">{size}</td>\n\t</tr>\n"
        );
    }
    page + "</table>\n\t</body>\n</html>\n"
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
