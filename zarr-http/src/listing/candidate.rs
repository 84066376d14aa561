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
    /// What it says, where that is the name of a file or folder as a browser shows it; shortened, as some write it.
    pub(super) text: String,
}

impl Anchor {
    /// Whether it leads to the folder above, as most servers call it. (Behind a proxy that rewrites paths the link itself
    /// leads anywhere.)
    pub(super) fn is_parent(&self) -> bool {
        self.text == PARENT
    }

    /// Whether the link is the name that it says escaped for the page, or as a form's field is, and not as a URL must be:
    /// `it&#39;s` under `it%26%2339%3Bs`, `a b` under `a+b`. Then it leads to nothing, and the child would be lost.
    pub(super) fn is_misspelt(&self, name: &str) -> bool {
        let said = self.text.trim_end_matches('/');
        said != name && (unescape(name) == said || name.replace('+', " ") == said)
    }
}

/// What Apache and others call the link to the folder above.
const PARENT: &str = "Parent Directory";

/// The sort links of a list, as Apache writes them, as Caddy, rclone and miniserve, and as WEBrick and Yaws.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sorts {
    apache: usize,
    go: usize,
    letters: usize,
}

impl Sorts {
    /// Counts a link, and says whether it is one that sorts.
    pub(super) fn add(&mut self, href: &str) -> bool {
        let before = self.count();
        let Some(query) = href.strip_prefix('?') else {
            return false;
        };
        if let Some(column) = query.strip_prefix("C=") {
            let mut column = column.chars();
            let is_column = matches!(column.next(), Some('N' | 'M' | 'S' | 'D'));
            if is_column && matches!(column.as_str(), ";O=A" | ";O=D" | "&O=A" | "&O=D") {
                self.apache += 1;
            }
        } else if let Some(rest) = query.strip_prefix("sort=") {
            let is_column = ["name&", "namedirfirst&", "size&", "time&", "date&"]
                .iter()
                .any(|column| rest.starts_with(column));
            if is_column && rest.contains("order=") {
                self.go += 1;
            }
        } else if let Some((column, order)) = query.split_once('=') {
            // WEBrick: `?N=D`; Yaws: `?N=r`.
            let is_order =
                |order: &str| order.len() == 1 && order.bytes().all(|byte| byte.is_ascii_alphabetic());
            if matches!(column, "N" | "M" | "S") && is_order(order) {
                self.letters += 1;
            }
        }
        self.count() > before
    }

    fn count(self) -> usize {
        self.apache + self.go + self.letters
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
            text: String::new(),
        });
        Ok(())
    }

    pub(super) fn link_ends(&mut self) {
        self.in_link = false;
    }

    /// A text in the list, in a link or behind it.
    pub(super) fn text(&mut self, text: &str) {
        let is_parent = text.trim() == PARENT;
        self.has_parent |= is_parent;
        let Some(last) = self.links.last_mut() else {
            return;
        };
        if !self.in_link {
            last.size_bytes = nginx_size(text);
            return;
        }
        self.is_signed |= is_parent && last.href.ends_with('/');
        let text = unescape(text.trim());
        if text.ends_with('/') && !last.href.ends_with('/') {
            last.marked = Some(text.clone().into_owned());
        }
        last.text.push_str(&text);
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
        let Sorts { apache, go, .. } = self.sorts;
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

/// Whether a link may lead to another part of a listing: by the name of any of its parameters.
pub(super) fn is_part(href: &str) -> bool {
    let pairs = query(href).map(|query| query[1..].split(['&', ';']));
    pairs.into_iter().flatten().any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        PARTS.iter().any(|part| name.eq_ignore_ascii_case(part))
    })
}

/// Parameters that choose a part of a listing.
const PARTS: [&str; 24] = [
    "after",
    "begin",
    "continuation",
    "continuation-token",
    "cursor",
    "from",
    "limit",
    "marker",
    "max-keys",
    "next",
    "offset",
    "p",
    "page",
    "page_token",
    "pagetoken",
    "per_page",
    "pg",
    "skip",
    "start",
    "start-after",
    "startafter",
    "to",
    "token",
    "upto",
];
