//! Index pages in HTML: nginx, Apache, lighttpd, Caddy, rclone and Python's `http.server`.
//!
//! A page is taken for an index only by what these servers write: a heading `Index of ...` (or `Directory listing for ...`)
//! that is also the title, with the list right behind it; or a list whose own head has the server's sort links. Links count
//! only inside that list: those of a README that Apache appends are none of its files. Everything else (an application, a
//! login page, a folder's own `index.html`) is no index, and so never an empty or a wrong one.

use std::borrow::Cow;

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
    let mut elsewhere = 0_usize;
    for href in &found.links {
        match page.folder.follow(href) {
            Link::Child { name, is_dir } => {
                if entries.len() >= MAX_ENTRIES {
                    return Err(NoListing::TooLarge);
                }
                entries.push(Entry {
                    name,
                    is_dir,
                    size_bytes: None,
                    etag: None,
                    modified: None,
                });
            }
            Link::Own | Link::Above => {}
            Link::Unnameable => entries.skipped += 1,
            Link::Elsewhere => elsewhere += 1,
        }
    }
    if entries.is_empty() && elsewhere > 0 {
        return Err(NoListing::Not("an index page whose links all lead elsewhere"));
    }
    entries.skipped += elsewhere;
    Ok((entries, found.writer))
}

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
    links: Vec<String>,
    writer: Writer,
    title: String,
}

/// The element that holds a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Pre,
    Table,
    Bullets,
}

impl Holder {
    fn of(tag: &str) -> Option<Self> {
        let is = |name| tag.eq_ignore_ascii_case(name);
        match tag {
            _ if is("pre") => Some(Self::Pre),
            _ if is("table") => Some(Self::Table),
            _ if is("ul") => Some(Self::Bullets),
            _ => None,
        }
    }
}

/// What the heading says, where it is also the title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    /// `Index of /path`.
    IndexOf,
    /// `Directory listing for /path`.
    DirectoryListing,
}

/// How headings begin.
const PREFIXES: [(&str, Heading); 2] = [
    ("Index of ", Heading::IndexOf),
    ("Directory listing for ", Heading::DirectoryListing),
];

/// A list that may be the index, as far as it has been read.
struct Candidate {
    holder: Holder,
    depth: usize,
    links: Vec<String>,
    heading: Option<Heading>,
    is_lighttpd: bool,
    sorts: Sorts,
}

/// The sort links of a list, as Apache and as Caddy and rclone write them.
#[derive(Clone, Copy, Debug, Default)]
struct Sorts {
    apache: usize,
    go: usize,
}

impl Sorts {
    fn add(&mut self, href: &str) {
        if let Some(column) = href.strip_prefix("?C=") {
            let mut column = column.chars();
            let is_column = matches!(column.next(), Some('N' | 'M' | 'S' | 'D'));
            if is_column && matches!(column.as_str(), ";O=A" | ";O=D" | "&O=A" | "&O=D") {
                self.apache += 1;
            }
        } else if let Some(rest) = href.strip_prefix("?sort=") {
            let is_column = ["name&", "namedirfirst&", "size&", "time&"]
                .iter()
                .any(|column| rest.starts_with(column));
            if is_column && rest.contains("order=") {
                self.go += 1;
            }
        }
    }
}

impl Candidate {
    fn new(holder: Holder, attributes: &str, heading: Option<Heading>) -> Self {
        Self {
            is_lighttpd: holder == Holder::Table
                && attribute(attributes, "summary").as_deref() == Some("Directory Listing"),
            holder,
            depth: 1,
            links: Vec::new(),
            heading,
            sorts: Sorts::default(),
        }
    }

    fn link(&mut self, attributes: &str) -> Result<(), NoListing> {
        let Some(href) = attribute(attributes, "href") else {
            return Ok(());
        };
        self.sorts.add(&href);
        // Sort links and parents come on top.
        if self.links.len() > MAX_ENTRIES {
            return Err(NoListing::TooLarge);
        }
        self.links.push(href.into_owned());
        Ok(())
    }

    /// Caddy writes `./` before every name, rclone only before those with a colon.
    fn has_only_dotted_links(&self) -> bool {
        let is_child = |link: &&String| !link.is_empty() && !link.starts_with('?') && !link.starts_with("..");
        let mut children = self.links.iter().filter(is_child).peekable();
        children.peek().is_some() && children.all(|link| link.starts_with("./"))
    }

    /// Who wrote the list, if it is an index.
    fn writer(&self, title: &str) -> Option<Writer> {
        let Sorts { apache, go } = self.sorts;
        match (self.holder, self.heading) {
            (Holder::Pre | Holder::Table, _) if apache >= 2 => Some(Writer::Apache),
            (Holder::Table, _) if go >= 2 => Some(if self.has_only_dotted_links() {
                Writer::Caddy
            } else {
                Writer::Rclone
            }),
            (Holder::Pre, Some(Heading::IndexOf)) => Some(match self.links.first().map(String::as_str) {
                Some("../") => Writer::Nginx,
                _ => Writer::Apache,
            }),
            (Holder::Table, Some(Heading::IndexOf)) if self.is_lighttpd => Some(Writer::Lighttpd),
            (Holder::Table | Holder::Bullets, Some(Heading::IndexOf)) => Some(Writer::Apache),
            (Holder::Bullets, Some(Heading::DirectoryListing)) if !title.is_empty() => Some(Writer::Python),
            _ => None,
        }
    }
}

/// Elements that may stand between the heading and the list.
const BETWEEN: [&str; 3] = ["hr", "div", "body"];

#[derive(Default)]
struct Reader {
    title: String,
    heading: String,
    open: Option<Open>,
    /// Since the heading ended nothing but [`BETWEEN`] has come.
    heading_holds: bool,
    candidate: Option<Candidate>,
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
                Token::End(name) => {
                    if let Some(list) = self.end(name) {
                        return Ok(list);
                    }
                }
            }
        }
        match self.candidate {
            Some(list) if list.writer(&self.title).is_some() => Err(NoListing::Cut),
            // The page ended between the heading and the list.
            None if self.heading_holds && self.said().is_some() => Err(NoListing::Cut),
            _ => Err(NoListing::Not("an HTML page that is no index")),
        }
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
        if let Some(list) = &mut self.candidate {
            if Holder::of(name) == Some(list.holder) {
                list.depth += 1;
            } else if is("a") {
                list.link(attributes)?;
            }
            return Ok(());
        }
        if let Some(holder) = Holder::of(name) {
            let heading = self.heading_holds.then(|| self.said()).flatten();
            self.candidate = Some(Candidate::new(holder, attributes, heading));
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
            None => self.heading_holds = false,
        }
    }

    /// The list, if it ends here and is the index.
    fn end(&mut self, name: &str) -> Option<List> {
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
        let list = self.candidate.as_mut()?;
        if Holder::of(name) != Some(list.holder) {
            return None;
        }
        list.depth -= 1;
        if list.depth > 0 {
            return None;
        }
        let list = self.candidate.take()?;
        self.heading_holds = false;
        let writer = list.writer(&self.title)?;
        Some(List {
            links: list.links,
            writer,
            title: self.title.trim().to_owned(),
        })
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
