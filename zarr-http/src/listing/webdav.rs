//! Listings by WebDAV: the answer to `PROPFIND` with `Depth: 1` (RFC 4918).

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::names::{Folder, Link};
use super::{Entries, Entry, MAX_ENTRIES, NoListing, Page};

/// What is asked of the server: a listing needs no more, and some servers compute quotas and locks for `allprop`.
pub(super) const REQUEST: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?>"#,
    r#"<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"#,
);

const DAV: Namespace<'static> = Namespace(b"DAV:");

/// Deeper than any sensible answer, locks included.
const MAX_DEPTH: usize = 64;

/// What a server says of one resource.
#[derive(Debug, Default)]
struct Resource {
    href: String,
    /// The status of the resource as a whole, where it has one.
    status: Option<u16>,
    properties: Properties,
}

/// The properties that one status holds for.
#[derive(Debug, Default)]
struct Properties {
    is_collection: bool,
    size_bytes: Option<u64>,
    etag: Option<String>,
    modified: Option<std::time::SystemTime>,
}

impl Properties {
    fn add(&mut self, more: Self) {
        self.is_collection |= more.is_collection;
        self.size_bytes = self.size_bytes.or(more.size_bytes);
        self.etag = self.etag.take().or(more.etag);
        self.modified = self.modified.or(more.modified);
    }
}

/// The element whose text is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Href,
    Status,
    Size,
    Etag,
    Modified,
}

/// Reads the answer to a `PROPFIND` of depth 1.
///
/// # Errors
/// [`NoListing::Cut`] if it ends early; [`NoListing::NoFolder`] if it is about a file; [`NoListing::Refused`] if the folder
/// itself has a status that is no success; [`NoListing::Not`] if it is something else.
pub(crate) fn parse(page: &Page<'_>) -> Result<Entries, NoListing> {
    let resources = resources(page.body)?;
    let find = |folder: &Folder, is_wanted: fn(&Link) -> bool| {
        resources
            .iter()
            .position(|resource| is_wanted(&folder.follow(&resource.href)))
    };
    let own = |folder: &Folder| find(folder, |link| *link == Link::Own);
    // A proxy that rewrites paths leaves those of the server behind it in the answer: then the first collection, which is
    // the one asked for, tells where the others lie. But an answer with children in it has not been rewritten: it leaves
    // the folder out, and its first collection is a child.
    let has_children = find(page.folder, |link| matches!(link, Link::Child { .. })).is_some();
    let rebased = match own(page.folder) {
        Some(_) => None,
        None if has_children => None,
        None => resources
            .iter()
            .find(|resource| resource.properties.is_collection)
            .and_then(|resource| page.folder.join(&resource.href)),
    };
    let folder = rebased.as_ref().unwrap_or(page.folder);
    let Some(own) = own(folder) else {
        return Err(NoListing::Not("a WebDAV answer without the folder itself"));
    };
    if let Some(status) = resources[own].status.filter(|status| !is_success(*status)) {
        return Err(NoListing::Refused(status));
    }
    if !resources[own].properties.is_collection {
        return Err(NoListing::NoFolder);
    }
    let mut entries = Entries::default();
    for resource in resources {
        match folder.follow(&resource.href) {
            // Gone since the server looked.
            Link::Child { .. } if matches!(resource.status, Some(404 | 410)) => {}
            Link::Child { name, is_dir } => {
                let is_dir = is_dir || resource.properties.is_collection;
                let Properties {
                    size_bytes,
                    etag,
                    modified,
                    ..
                } = resource.properties;
                entries.push(Entry {
                    name,
                    is_dir,
                    size_bytes: size_bytes.filter(|_| !is_dir),
                    etag: etag.filter(|_| !is_dir),
                    modified: modified.filter(|_| !is_dir),
                });
            }
            Link::Own => {}
            Link::Unnameable { .. } if matches!(resource.status, Some(404 | 410)) => {}
            Link::Unnameable { name, is_dir } => {
                entries.skip(name, is_dir || resource.properties.is_collection);
            }
            // Some answer with all below, or with the folder above.
            Link::Deeper | Link::Above => {}
            Link::Elsewhere | Link::NoPlace => {
                return Err(NoListing::Not("a WebDAV answer that leads elsewhere"));
            }
        }
    }
    Ok(entries)
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The resources of a `multistatus` document.
fn resources(body: &[u8]) -> Result<Vec<Resource>, NoListing> {
    let mut reader = NsReader::from_reader(body);
    let mut parser = Parser::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|error| {
            // A tag, comment or the like that has no end.
            if parser.is_multistatus && matches!(error, quick_xml::Error::Syntax(_)) {
                NoListing::Cut
            } else {
                NoListing::Not("no well-formed XML")
            }
        })?;
        let is_dav = namespace == ResolveResult::Bound(DAV);
        match event {
            Event::Start(element) => parser.start(is_dav, &element)?,
            Event::Empty(element) => {
                parser.start(is_dav, &element)?;
                parser.end(is_dav, element.local_name().as_ref())?;
            }
            Event::End(element) => parser.end(is_dav, element.local_name().as_ref())?,
            Event::Text(text) => {
                if parser.field.is_some() {
                    let text = text
                        .decode()
                        .map_err(|_| NoListing::Not("XML that is not UTF-8"))?;
                    parser.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if parser.field.is_some() {
                    let text = text
                        .decode()
                        .map_err(|_| NoListing::Not("XML that is not UTF-8"))?;
                    parser.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                if parser.field.is_some() {
                    parser.text.push(character(&reference)?);
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof if parser.is_whole => return Ok(parser.resources),
            Event::Eof if parser.is_multistatus => return Err(NoListing::Cut),
            Event::Eof => return Err(NoListing::Not("XML without a multistatus")),
        }
    }
}

/// The five references that XML itself knows, and numbers; a document's own entities are not expanded.
fn character(reference: &BytesRef<'_>) -> Result<char, NoListing> {
    let bad = NoListing::Not("XML with an unknown entity");
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Ok(character);
    }
    let name: &[u8] = reference;
    match name {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(bad),
    }
}

/// Where in a multistatus document the reader is.
#[derive(Default)]
struct Parser {
    resources: Vec<Resource>,
    depth: usize,
    is_multistatus: bool,
    is_whole: bool,
    resource: Option<Resource>,
    propstat: Option<(Properties, Option<u16>)>,
    is_in_prop: bool,
    field: Option<Field>,
    text: String,
}

impl Parser {
    fn start(&mut self, is_dav: bool, element: &BytesStart<'_>) -> Result<(), NoListing> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(NoListing::Not("XML of great depth"));
        }
        if !is_dav {
            return match self.depth {
                1 => Err(NoListing::Not("XML without a multistatus")),
                _ => Ok(()),
            };
        }
        let field = match (self.depth, element.local_name().as_ref()) {
            (1, b"multistatus") => {
                self.is_multistatus = true;
                None
            }
            (1, _) => return Err(NoListing::Not("XML without a multistatus")),
            (2, b"response") => {
                if self.resources.len() >= MAX_ENTRIES {
                    return Err(NoListing::TooLarge);
                }
                self.resource = Some(Resource::default());
                None
            }
            (3, b"href") => Some(Field::Href),
            (3, b"status") => Some(Field::Status),
            (3, b"propstat") => {
                self.propstat = Some(Default::default());
                None
            }
            (4, b"status") => Some(Field::Status),
            (4, b"prop") => {
                self.is_in_prop = true;
                None
            }
            (5, b"getcontentlength") if self.is_in_prop => Some(Field::Size),
            (5, b"getetag") if self.is_in_prop => Some(Field::Etag),
            (5, b"getlastmodified") if self.is_in_prop => Some(Field::Modified),
            (6, b"collection") if self.is_in_prop => {
                if let Some((properties, _)) = &mut self.propstat {
                    properties.is_collection = true;
                }
                None
            }
            _ => None,
        };
        if field.is_some() {
            self.field = field;
            self.text.clear();
        }
        Ok(())
    }

    fn end(&mut self, is_dav: bool, name: &[u8]) -> Result<(), NoListing> {
        let depth = self.depth;
        self.depth = depth.checked_sub(1).ok_or(NoListing::Not("no well-formed XML"))?;
        if !is_dav {
            return Ok(());
        }
        match (depth, name) {
            (1, b"multistatus") => self.is_whole = true,
            (2, b"response") => self.resources.extend(self.resource.take()),
            (3, b"propstat") => {
                // Properties with another status are those that the server does not have or does not show.
                if let (Some((properties, status)), Some(resource)) =
                    (self.propstat.take(), &mut self.resource)
                    && status.is_none_or(is_success)
                {
                    resource.properties.add(properties);
                }
            }
            (4, b"prop") => self.is_in_prop = false,
            _ => {}
        }
        if let Some(field) = self.field.take() {
            self.set(depth, field);
        }
        Ok(())
    }

    fn set(&mut self, depth: usize, field: Field) {
        let text = self.text.trim();
        let propstat = self.propstat.as_mut();
        match field {
            Field::Href => {
                // A response with several hrefs is about a status they share; a listing has none of those.
                if let Some(resource) = &mut self.resource
                    && resource.href.is_empty()
                {
                    text.clone_into(&mut resource.href);
                }
            }
            Field::Status => {
                let status = text
                    .split_whitespace()
                    .nth(1)
                    .and_then(|status| status.parse().ok());
                match (depth, propstat, &mut self.resource) {
                    (4, Some(propstat), _) => propstat.1 = status,
                    (_, _, Some(resource)) => resource.status = status,
                    (_, _, None) => {}
                }
            }
            Field::Size => {
                if let Some((properties, _)) = propstat {
                    properties.size_bytes = text.parse().ok();
                }
            }
            Field::Etag => {
                if let Some((properties, _)) = propstat {
                    properties.etag = (!text.is_empty()).then(|| text.to_owned());
                }
            }
            Field::Modified => {
                if let Some((properties, _)) = propstat {
                    properties.modified = super::http_date(text);
                }
            }
        }
    }
}
