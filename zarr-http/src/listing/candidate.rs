//! A list on an HTML page that may be the index, and what shows whether it is and who wrote it.

use super::markup::attribute;
use super::{MAX_ENTRIES, NoListing, Writer};

/// The element that holds a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Pre,
    Table,
    Bullets,
}

impl Holder {
    pub(super) fn of(tag: &str) -> Option<Self> {
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
pub(super) enum Heading {
    /// `Index of /path`.
    IndexOf,
    /// `Directory listing for /path`.
    DirectoryListing,
}

/// How headings begin.
pub(super) const PREFIXES: [(&str, Heading); 2] = [
    ("Index of ", Heading::IndexOf),
    ("Directory listing for ", Heading::DirectoryListing),
];

/// A list that may be the index, as far as it has been read.
pub(super) struct Candidate {
    pub(super) holder: Holder,
    pub(super) links: Vec<String>,
    heading: Option<Heading>,
    is_lighttpd: bool,
    /// It has the line that only Apache writes: it is the index of its page, whether it can be told from others or not.
    pub(super) has_parent: bool,
    sorts: Sorts,
}

/// The sort links of a list, as Apache and as Caddy and rclone write them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sorts {
    apache: usize,
    go: usize,
}

impl Sorts {
    /// Counts a link, and says whether it is one that sorts.
    pub(super) fn add(&mut self, href: &str) -> bool {
        let before = self.apache + self.go;
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
        self.apache + self.go > before
    }
}

impl Candidate {
    pub(super) fn new(holder: Holder, attributes: &str, heading: Option<Heading>) -> Self {
        Self {
            is_lighttpd: holder == Holder::Table
                && attribute(attributes, "summary").as_deref() == Some("Directory Listing"),
            holder,
            has_parent: false,
            links: Vec::new(),
            heading,
            sorts: Sorts::default(),
        }
    }

    pub(super) fn link(&mut self, attributes: &str) -> Result<(), NoListing> {
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
    pub(super) fn writer(&self, title: &str) -> Option<Writer> {
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

/// The parameters of a link.
pub(super) fn query(href: &str) -> Option<&str> {
    Some(&href[href.find('?')?..])
}

/// Whether a link may lead to another part of a listing.
pub(super) fn is_part(href: &str) -> bool {
    query(href).is_some_and(|query| PARTS.iter().any(|part| query.starts_with(part)))
}

/// How those parameters begin that choose a part of a listing.
const PARTS: [&str; 11] = [
    "?page=",
    "?p=",
    "?offset=",
    "?start=",
    "?marker=",
    "?cursor=",
    "?token=",
    "?after=",
    "?from=",
    "?continuation",
    "?start-after=",
];
