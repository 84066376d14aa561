//! Caddy and rclone, whose pages have one ancestor.

use std::fmt::Write;

use serde_json::json;

use super::{GO, Row, html};
use crate::time::rfc3339;

pub(super) fn caddy_json(rows: &[Row<'_>]) -> String {
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

pub(super) fn caddy(url: &str, rows: &[Row<'_>]) -> String {
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

pub(super) fn rclone(url: &str, rows: &[Row<'_>]) -> String {
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
