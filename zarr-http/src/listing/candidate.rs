//! A list on an HTML page that may be the index, and what shows whether it is and who wrote it.

use super::markup::{attribute, unescape};
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
    pub(super) links: Vec<Anchor>,
    /// Between a link and its end.
    in_link: bool,
    heading: Option<Heading>,
    is_lighttpd: bool,
    /// It has the line that only Apache writes: it is the index of its page, whether it can be told from others or not.
    pub(super) has_parent: bool,
    /// That line leads to a folder with its slash, as Apache writes it; h2o writes `..`.
    is_signed: bool,
    sorts: Sorts,
}

/// A link of a list.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) href: String,
    /// What it says, where that ends in a slash and the link does not: how aiohttp marks a folder.
    pub(super) marked: Option<String>,
    /// The size behind it, where nginx writes an exact one there.
    pub(super) size_bytes: Option<u64>,
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
            is_signed: false,
            in_link: false,
            links: Vec::new(),
            heading,
            sorts: Sorts::default(),
        }
    }

    pub(super) fn link(&mut self, attributes: &str) -> Result<(), NoListing> {
        self.in_link = true;
        let Some(href) = attribute(attributes, "href") else {
            return Ok(());
        };
        self.sorts.add(&href);
        // Sort links and parents come on top.
        if self.links.len() > MAX_ENTRIES {
            return Err(NoListing::TooLarge);
        }
        self.links.push(Anchor {
            href: href.into_owned(),
            marked: None,
            size_bytes: None,
        });
        Ok(())
    }

    pub(super) fn link_ends(&mut self) {
        self.in_link = false;
    }

    /// A text in the list, in a link or behind it.
    pub(super) fn text(&mut self, text: &str) {
        let is_parent = text.trim() == "Parent Directory";
        self.has_parent |= is_parent;
        let Some(last) = self.links.last_mut() else {
            return;
        };
        if !self.in_link {
            last.size_bytes = nginx_size(text);
            return;
        }
        self.is_signed |= is_parent && last.href.ends_with('/');
        let text = text.trim();
        if text.ends_with('/') && !last.href.ends_with('/') {
            last.marked = Some(unescape(text).into_owned());
        }
    }

    /// Caddy writes `./` before every name, rclone only before those with a colon.
    fn has_only_dotted_links(&self) -> bool {
        let is_child = |link: &&str| !link.is_empty() && !link.starts_with('?') && !link.starts_with("..");
        let links = self.links.iter().map(|link| link.href.as_str());
        let mut children = links.filter(is_child).peekable();
        children.peek().is_some() && children.all(|link| link.starts_with("./"))
    }

    fn first(&self) -> Option<&str> {
        self.links.first().map(|link| link.href.as_str())
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
            (Holder::Pre, Some(Heading::IndexOf)) if self.first() == Some("../") => Some(Writer::Nginx),
            (Holder::Table, Some(Heading::IndexOf)) if self.is_lighttpd => Some(Writer::Lighttpd),
            (_, Some(Heading::IndexOf)) if self.is_signed => Some(Writer::Apache),
            (_, Some(Heading::IndexOf)) => Some(Writer::Unsigned),
            (Holder::Bullets, Some(Heading::DirectoryListing)) if !title.is_empty() => Some(Writer::Python),
            _ => None,
        }
    }
}

/// The size in `   26-Nov-2026 03:12      2187`, as nginx writes behind a file's link: in bytes where it is a plain number,
/// also if `autoindex_exact_size` is off. Apache's and others' are rounded, and their dates look otherwise.
fn nginx_size(text: &str) -> Option<u64> {
    let mut words = text.split_ascii_whitespace();
    let (date, time, size) = (words.next()?, words.next()?, words.next()?);
    let has_form = |word: &str, form: &str| {
        word.len() == form.len()
            && word.bytes().zip(form.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'a' => byte.is_ascii_alphabetic(),
                form => byte == form,
            })
    };
    let is_nginx = words.next().is_none() && has_form(date, "00-aaa-0000") && has_form(time, "00:00");
    (is_nginx && size.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| size.parse().ok())
        .flatten()
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
