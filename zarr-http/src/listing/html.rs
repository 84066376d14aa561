//! Index pages in HTML: nginx, Apache, lighttpd, Caddy, rclone and Python's `http.server`.
//!
//! A page is taken for an index only by what these servers write: a heading `Index of ...` (or `Directory listing for ...`)
//! that is also the title, with the list right behind it; or a list whose own head has the server's sort links. Links count
//! only inside that list: those of a README that Apache appends are none of its files. Everything else (an application, a
//! login page, a folder's own `index.html`) is no index, and so never an empty or a wrong one.

use std::borrow::Cow;

use super::candidate::{Anchor, Candidate, Heading, Holder, PREFIXES, Sorts, is_part, query};
use super::markup::{Token, Tokens, attribute, unescape};
use super::names::{Folder, Link};
use super::{Entries, Entry, MAX_ENTRIES, NoListing, Page, Writer};

/// Reads an index page.
///
/// # Errors
/// [`NoListing::Cut`] if its list does not end; [`NoListing::Not`] if it is no index page.
pub(super) fn parse(page: &Page<'_>) -> Result<(Entries, Writer), NoListing> {
    let text = String::from_utf8_lossy(page.body);
    let found = Reader::default().read(&text)?;
    let mut entries = Entries::default();
    let base = match &found.base {
        None => None,
        Some(href) => Some(
            page.folder
                .base(href)
                .ok_or(NoListing::Not("an index page whose base is no URL"))?,
        ),
    };
    let follow = |href: &str| match &base {
        None => page.folder.follow(href),
        Some(base) => page.folder.follow_from(base, href),
    };
    let mut marks_folders = page.marks_folders;
    for anchor in &found.links {
        match follow(&anchor.href) {
            Link::Child { name, .. } if anchor.is_misspelt(&name) => {
                return Err(NoListing::Not("an index page whose links are wrongly escaped"));
            }
            Link::Child { name, is_dir } => {
                if entries.len() >= MAX_ENTRIES {
                    return Err(NoListing::TooLarge);
                }
                let is_marked = |text: &String| text.strip_suffix('/') == Some(&name);
                let is_dir = is_dir || anchor.marked.as_ref().is_some_and(is_marked);
                marks_folders |= is_dir;
                entries.push(Entry {
                    name,
                    is_dir,
                    size_bytes: anchor
                        .size_bytes
                        .filter(|_| found.writer == Writer::Nginx && !is_dir),
                    etag: None,
                    modified: None,
                });
            }
            Link::Own if query(&anchor.href).is_some_and(|query| !Sorts::default().add(query)) => {
                return Err(NoListing::Not(IN_PARTS));
            }
            Link::Own | Link::Above => {}
            Link::Unnameable { name, is_dir } => entries.skip(name, is_dir),
            Link::NoPlace => {}
            Link::Deeper | Link::Elsewhere if anchor.is_parent() => {}
            // It may be a child all the same, by another name of this host, or by a name that is not escaped.
            Link::Deeper | Link::Elsewhere => {
                return Err(NoListing::Not("an index page with links that lead elsewhere"));
            }
        }
    }
    let is_child = |href: &String| matches!(follow(href), Link::Child { .. });
    if found.writer == Writer::Unsigned && found.folders_below.iter().any(is_child) {
        return Err(NoListing::Not(
            "a page like an index, with folders in more than one list",
        ));
    }
    // Below the list there may be a README with links of any kind.
    if found.parts.iter().any(|href| follow(href) == Link::Own) {
        return Err(NoListing::Not(IN_PARTS));
    }
    // h2o's links have no slash: its folders would be files, and a group an empty one. Only a folder that is marked shows
    // that folders are. (Apache leaves out the line that it signs by at its root.)
    let is_apache = page.server.is_some_and(|server| server.starts_with("Apache"));
    let is_unmarked = found.writer == Writer::Unsigned && !marks_folders && !is_apache;
    if is_unmarked && entries.is_empty() {
        return Err(NoListing::Not("a page like an index, with nothing in it"));
    }
    if found.writer == Writer::Caddy && entries.len() >= super::CADDY_SHOWS {
        return Err(NoListing::Not(super::CADDY_CUT));
    }
    let writer = if is_unmarked {
        Writer::Unmarked
    } else {
        found.writer
    };
    Ok((entries, writer))
}

/// Why a page is no listing that shows only some of the folder.
const IN_PARTS: &str = "an index page that shows a part, and links to others";

/// Whether a page is the index of the very path it was asked for under: what a server sends that shows a folder without
/// redirecting to its slash. (A copy of an index page, kept as a file, names another path.)
pub(crate) fn is_index_of(body: &[u8], folder: &Folder) -> bool {
    let text = String::from_utf8_lossy(body);
    let Ok(found) = Reader::default().read(&text) else {
        return false;
    };
    let path = PREFIXES
        .iter()
        .find_map(|(prefix, _)| found.title.strip_prefix(prefix))
        .unwrap_or(&found.title);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    name.as_bytes() == folder.name()
}

/// The list of an index page.
struct List {
    links: Vec<Anchor>,
    writer: Writer,
    title: String,
    /// What the links are relative to, where the page says so.
    base: Option<String>,
    /// Links below it that may lead to more of it.
    parts: Vec<String>,
    /// Links to folders in lists below it: some have files in one and folders in another.
    folders_below: Vec<String>,
}

/// A page that is something else.
const NO_INDEX: NoListing = NoListing::Not("an HTML page that is no index");

/// Links to other parts that are looked at.
const MOST_PARTS: usize = 64;

/// Lists inside lists that are followed; deeper ones are no index page's.
const MOST_NESTED: usize = 64;

/// Elements that may stand between the heading and the list.
const BETWEEN: [&str; 3] = ["hr", "div", "body"];

#[derive(Default)]
struct Reader {
    title: String,
    heading: String,
    base: Option<String>,
    open: Option<Open>,
    /// Since the heading ended nothing but [`BETWEEN`] has come.
    heading_holds: bool,
    /// The lists that are open, each inside the one before. A site's own frame may be a table around the index; links count
    /// for the innermost.
    open_lists: Vec<Candidate>,
    found: Option<List>,
    /// Another list has begun below it.
    is_below: bool,
    /// More of the listing is on another page.
    is_part: bool,
}

/// The element whose text is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Title,
    Heading,
}

impl Reader {
    fn read(mut self, page: &str) -> Result<List, NoListing> {
        for token in Tokens::new(page) {
            match token {
                Token::Start { name, attributes } => self.start(name, attributes)?,
                Token::Text(text) => self.text(text),
                Token::End(name) => self.end(name)?,
            }
        }
        if self.is_part {
            return Err(NoListing::Not(IN_PARTS));
        }
        if let Some(list) = self.found {
            return Ok(list);
        }
        let is_cut = match self.open_lists.as_slice() {
            // The page ended between the heading and the list.
            [] => self.heading_holds && self.said().is_some(),
            lists => lists.iter().any(|list| list.writer(&self.title).is_some()),
        };
        Err(if is_cut { NoListing::Cut } else { NO_INDEX })
    }

    /// What the heading says, if it is the title too.
    fn said(&self) -> Option<Heading> {
        let (title, heading) = (words(&self.title), words(&self.heading));
        if title != heading {
            return None;
        }
        PREFIXES
            .iter()
            .find(|(prefix, _)| title.starts_with(prefix))
            .map(|(_, heading)| *heading)
    }

    fn start(&mut self, name: &str, attributes: &str) -> Result<(), NoListing> {
        let is = |wanted| name.eq_ignore_ascii_case(wanted);
        if is("a") || is("link") {
            self.is_part |= attribute(attributes, "rel").is_some_and(|rel| {
                rel.split_ascii_whitespace()
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
            });
        }
        if let Some(list) = &mut self.found {
            // What comes below the list is a README's or a footer's; only that there is more matters.
            self.is_below |= Holder::of(name).is_some();
            if is("a")
                && let Some(href) = attribute(attributes, "href")
            {
                let is_folder = || {
                    href.split(['?', '#'])
                        .next()
                        .is_some_and(|path| path.ends_with('/'))
                };
                if is_part(&href) {
                    if list.parts.len() < MOST_PARTS {
                        list.parts.push(href.into_owned());
                    }
                } else if self.is_below && is_folder() {
                    list.folders_below.push(href.into_owned());
                }
            }
            return Ok(());
        }
        if is("base") && self.base.is_none() {
            self.base = attribute(attributes, "href").map(Cow::into_owned);
        }
        if let Some(holder) = Holder::of(name) {
            let heading = self.heading_holds.then(|| self.said()).flatten();
            self.heading_holds = false;
            if self.open_lists.len() >= MOST_NESTED {
                return Err(NO_INDEX);
            }
            self.open_lists.push(Candidate::new(holder, attributes, heading));
        } else if let Some(list) = self.open_lists.last_mut()
            && is("a")
        {
            list.link(attributes)?;
        } else if is("title") && self.title.is_empty() {
            self.open = Some(Open::Title);
        } else if (is("h1") || is("h2")) && self.heading.is_empty() {
            self.open = Some(Open::Heading);
        } else if !BETWEEN.iter().any(|between| is(between)) {
            self.heading_holds = false;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.open {
            Some(Open::Title) => self.title.push_str(&unescape(text)),
            Some(Open::Heading) => self.heading.push_str(&unescape(text)),
            None if text.trim().is_empty() => {}
            None => {
                self.heading_holds = false;
                if let Some(list) = self.open_lists.last_mut() {
                    list.text(text);
                }
            }
        }
    }

    /// The end of an element, perhaps of the list that is the index.
    fn end(&mut self, name: &str) -> Result<(), NoListing> {
        if let Some(open) = self.open {
            let is = |wanted| name.eq_ignore_ascii_case(wanted);
            let ends = match open {
                Open::Title => is("title"),
                Open::Heading => is("h1") || is("h2"),
            };
            if ends {
                self.open = None;
                self.heading_holds = open == Open::Heading;
            }
        }
        if name.eq_ignore_ascii_case("a")
            && let Some(list) = self.open_lists.last_mut()
        {
            list.link_ends();
        }
        let Some(holder) = Holder::of(name) else {
            return Ok(());
        };
        let Some(at) = self.open_lists.iter().rposition(|list| list.holder == holder) else {
            return Ok(());
        };
        // Lists inside it that were never closed end with it.
        let unclosed = self.open_lists.split_off(at + 1);
        let Some(list) = self.open_lists.pop() else {
            return Ok(());
        };
        self.heading_holds = false;
        if self.found.is_some() {
            return Ok(());
        }
        if unclosed.iter().any(|list| list.writer(&self.title).is_some()) {
            return Err(NoListing::Cut);
        }
        match list.writer(&self.title) {
            Some(writer) => {
                self.found = Some(List {
                    links: list.links,
                    writer,
                    title: self.title.trim().to_owned(),
                    base: self.base.take(),
                    parts: Vec::new(),
                    folders_below: Vec::new(),
                });
                Ok(())
            }
            // The index itself, without a sign that it is: then a list below it, of a README, is none either.
            None if list.has_parent => Err(NO_INDEX),
            None => Ok(()),
        }
    }
}

/// Text with its white space as a browser shows it.
fn words(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.contains("  ") || trimmed.contains(['\n', '\t', '\r']) {
        Cow::Owned(trimmed.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    } else {
        Cow::Borrowed(trimmed)
    }
}
