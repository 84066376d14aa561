//! From a link in a listing to the name of a child: nothing that a page says leads out of its folder.

use url::Url;
use zarr_fs::{Path, Unnameable};

/// The folder that a listing is of: the URL that answered, after redirects.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    url: Url,
    /// The decoded segments of its path.
    segments: Vec<Vec<u8>>,
}

/// What a link of a listing leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// A child of the folder, with its slash if it is a folder too.
    Child {
        /// The name, decoded: one segment of a [`Path`].
        name: String,
        /// Whether the link ends in a slash.
        is_dir: bool,
    },
    /// The folder itself; a link that sorts it too.
    Own,
    /// A folder above it.
    Above,
    /// A child whose name no path can have: not UTF-8, a control character, an encoded slash.
    Unnameable {
        /// The name, and why.
        name: Unnameable,
        /// Whether the link ends in a slash.
        is_dir: bool,
    },
    /// Something further below a child.
    Deeper,
    /// Another place of the web; also a child's name that is not escaped as a URL must be.
    Elsewhere,
    /// No place: a mail address, a script.
    NoPlace,
}

impl Folder {
    /// The folder at `url`; what follows its last slash is no part of it.
    pub(crate) fn new(mut url: Url) -> Self {
        url.set_query(None);
        url.set_fragment(None);
        let mut segments: Vec<Vec<u8>> = url
            .path_segments()
            .map(|segments| segments.map(decode).collect())
            .unwrap_or_default();
        segments.pop();
        Self { url, segments }
    }

    /// The decoded last segment; empty for the root.
    pub(crate) fn name(&self) -> &[u8] {
        self.segments.last().map_or(&[], Vec::as_slice)
    }

    /// The folder that `href` names as seen from here, whatever its host.
    pub(crate) fn join(&self, href: &str) -> Option<Self> {
        let mut url = self.url.join(href).ok()?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(Self::new(url))
    }

    /// The URL that a page's `<base href>` makes of this folder's; `None` if it is no URL.
    pub(crate) fn base(&self, href: &str) -> Option<Url> {
        self.url.join(href).ok()
    }

    /// What `href`, already unescaped from its markup, leads to.
    pub(crate) fn follow(&self, href: &str) -> Link {
        self.follow_from(&self.url, href)
    }

    /// As [`Folder::follow`], for a page whose links are relative to `base`.
    pub(crate) fn follow_from(&self, base: &Url, href: &str) -> Link {
        let Ok(target) = base.join(href) else {
            return Link::Elsewhere;
        };
        if !matches!(target.scheme(), "http" | "https") {
            return Link::NoPlace;
        }
        if !self.is_same_host(&target) {
            return Link::Elsewhere;
        }
        let Some(segments) = target.path_segments() else {
            return Link::Elsewhere;
        };
        let segments: Vec<&str> = segments.collect();
        let shared = self
            .segments
            .iter()
            .zip(&segments)
            .take_while(|(own, other)| **own == decode(other))
            .count();
        let rest = &segments[shared..];
        match rest {
            [] | [""] if shared == self.segments.len() => Link::Own,
            [] | [""] => Link::Above,
            _ if shared < self.segments.len() => Link::Elsewhere,
            // A `#` or a `?` in a name is encoded; one that is not makes another name of it.
            [_] | [_, ""] if target.fragment().is_some() => Link::Elsewhere,
            [_] if target.query().is_some() => Link::Elsewhere,
            [name] => child(name, false),
            // Behind a folder's slash a query is how it is to be shown.
            [name, ""] => child(name, true),
            _ => Link::Deeper,
        }
    }

    /// Whether `other` is on this host. A proxy that ends TLS leaves links of the other scheme behind.
    fn is_same_host(&self, other: &Url) -> bool {
        let same_port = other.scheme() != self.url.scheme()
            || other.port_or_known_default() == self.url.port_or_known_default();
        same_port && other.host() == self.url.host()
    }
}

fn child(encoded: &str, is_dir: bool) -> Link {
    match segment(String::from_utf8_lossy(&decode(encoded)).into_owned()) {
        Ok(name) => Link::Child { name, is_dir },
        Err(name) => Link::Unnameable { name, is_dir },
    }
}

/// A name that a path can have as a segment. (The replacement character stands for bytes that were no UTF-8.)
pub(crate) fn segment(name: String) -> Result<String, Unnameable> {
    if name.is_empty() {
        return Err(Unnameable::new(name, "an empty name"));
    }
    if name.contains('/') {
        // Encoded as it was, so that it does not look like two names.
        return Err(Unnameable::new(name.replace('/', "%2F"), "a slash in a name"));
    }
    if name.contains('\u{fffd}') {
        return Err(Unnameable::new(name, Unnameable::NOT_UTF8));
    }
    match Path::parse(&name) {
        Ok(_) => Ok(name),
        Err(error) => Err(Unnameable::refused(name, &error)),
    }
}

fn decode(segment: impl AsRef<str>) -> Vec<u8> {
    percent_encoding::percent_decode_str(segment.as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(url: &str) -> Folder {
        Folder::new(Url::parse(url).unwrap())
    }

    fn file(name: &str) -> Link {
        Link::Child {
            name: name.to_owned(),
            is_dir: false,
        }
    }

    #[test]
    fn children_come_in_many_spellings() {
        let folder = folder("https://h:8443/a%20b/%C3%BC/?sig=1");
        for href in [
            "x",
            "./x",
            "/a%20b/%c3%bc/x",
            "https://h:8443/a b/ü/x",
            "../%c3%bc/x",
            "//h:8443/a%20b/ü/x",
        ] {
            assert_eq!(folder.follow(href), file("x"), "{href}");
        }
        assert_eq!(
            folder.follow("x/"),
            Link::Child {
                name: "x".to_owned(),
                is_dir: true
            }
        );
        assert_eq!(folder.follow("x/?noscript"), folder.follow("x/"));
        assert_eq!(folder.follow("sp%20ace+&=%25.json"), file("sp ace+&=%.json"));
        assert_eq!(folder.follow("./a:b"), file("a:b"));
        assert_eq!(folder.follow("q%3Fh%23"), file("q?h#"));
        assert_eq!(folder.follow("back%5Cslash"), file("back\\slash"));
        assert_eq!(folder.follow("%252e%252e"), file("%2e%2e"));
    }

    #[test]
    fn nothing_leads_out() {
        let folder = folder("http://h/a/b/");
        for href in [
            "", "#x", "?C=N;O=D", ".", "./", "..", "../", "/", "/a", "/a/", "%2e%2e/", "/a/b/?x",
        ] {
            assert!(matches!(folder.follow(href), Link::Own | Link::Above), "{href}");
        }
        for href in [
            "../../x",
            "/x",
            "../c/",
            "//other/a/b/x",
            "http://h:81/a/b/x",
            "x?y",
            "x?y/",
            "x#y",
            "x#y/",
            "x/#y",
            "..\\..\\x",
            "c/../../x",
            "/ab/x",
            "http://u@other/a/b/x",
            "\\\\other\\a\\b\\x",
        ] {
            assert_eq!(folder.follow(href), Link::Elsewhere, "{href}");
        }
        for href in ["x/y", "x//", "/a/b//x", "x/y/?z"] {
            assert_eq!(folder.follow(href), Link::Deeper, "{href}");
        }
        for href in ["ftp://h/a/b/x", "mailto:x", "javascript:x"] {
            assert_eq!(folder.follow(href), Link::NoPlace, "{href}");
        }
        for href in [
            "x%2Fy",
            "..%2f..%2fx",
            "%00",
            "x%0a",
            "lat%E9in",
            "%ED%B3%A9",
            "\u{fffd}",
        ] {
            let link = folder.follow(href);
            assert!(
                matches!(link, Link::Unnameable { is_dir: false, .. }),
                "{href} {link:?}"
            );
        }
    }

    #[test]
    fn a_name_that_no_path_can_have_is_told_with_its_reason() {
        let folder = folder("http://h/a/");
        for (href, name, reason) in [
            ("x%0a/", "x\n", "a control character"),
            ("x%2Fy/", "x%2Fy", "a slash in a name"),
            ("lat%E9in/", "lat\u{fffd}in", Unnameable::NOT_UTF8),
        ] {
            let name = Unnameable::new(name, reason);
            assert_eq!(
                folder.follow(href),
                Link::Unnameable { name, is_dir: true },
                "{href}"
            );
        }
    }

    #[test]
    fn another_scheme_is_the_same_host() {
        assert_eq!(folder("https://h/a/").follow("http://h/a/x"), file("x"));
        assert_eq!(folder("http://h:8080/a/").follow("http://h/a/x"), Link::Elsewhere);
    }
}
