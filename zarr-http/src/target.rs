//! Between URLs and paths: which URL a path of the filesystem has, and which path a URL names.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use url::Url;
use zarr_fs::registry::{invalid_url, redacted};
use zarr_fs::{Path, Result};

/// All but the unreserved characters of RFC 3986 and those others that a segment may have as they are and that many servers
/// do not decode (`decodeURI` of Node leaves their escapes): what is left over means the same to every server. (`+` is a
/// space to some, and `;` a parameter to others.)
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b',')
    .remove(b':')
    .remove(b'=')
    .remove(b'@');

/// Where a filesystem's root is: an origin, perhaps a path on it, and a query that every request carries.
///
/// `Debug` and `Display` leave the query out: it may be a signature.
#[derive(Clone)]
pub(crate) struct Target {
    /// The root, without user, password and fragment; its path ends in a slash. With the query.
    root: Url,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Target {
    /// The root at `base` on the origin of `url`, with its query.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`](zarr_fs::Error::InvalidUrl) if the scheme is not `http` or `https`, or if there is a fragment.
    pub(crate) fn new(url: &Url, base: &Path) -> Result<Self> {
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid_url(
                url,
                "expected http://host or https://host".to_owned(),
            ));
        }
        if url.fragment().is_some() {
            return Err(invalid_url(
                url,
                "a fragment is never sent; write `%23` for a `#` in a name".to_owned(),
            ));
        }
        let mut root = url.clone();
        // These fail only on URLs that have no place for them.
        let _ = root.set_username("");
        let _ = root.set_password(None);
        root.set_path(&encode(base, true));
        Ok(Self { root })
    }

    /// The URL of a file.
    pub(crate) fn file(&self, path: &Path) -> Url {
        self.at(path, false)
    }

    /// The URL of a folder: it ends in a slash.
    pub(crate) fn folder(&self, path: &Path) -> Url {
        self.at(path, true)
    }

    fn at(&self, path: &Path, is_folder: bool) -> Url {
        let mut url = self.root.clone();
        let encoded = encode(path, is_folder);
        let base = self.root.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{encoded}"));
        url
    }

    /// Whether requests carry a query, as signed URLs do.
    pub(crate) fn has_query(&self) -> bool {
        self.root.query().is_some()
    }

    /// The root with its query.
    pub(crate) fn root(&self) -> &Url {
        &self.root
    }

    /// The root as it may be shown, without a slash at its end.
    pub(crate) fn name(&self) -> String {
        redacted(&self.root).trim_end_matches('/').to_owned()
    }
}

/// Decoded segments as the path of a URL, each behind a slash.
pub(crate) fn encode_segments<S: AsRef<[u8]>>(segments: impl IntoIterator<Item = S>) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        text.extend(percent_encode(segment.as_ref(), SEGMENT));
    }
    text
}

fn encode(path: &Path, is_folder: bool) -> String {
    let mut text = encode_segments(path.segments());
    if is_folder {
        text.push('/');
    }
    text
}

/// The path that a URL names, decoded segment by segment.
///
/// # Errors
/// [`Error::InvalidUrl`](zarr_fs::Error::InvalidUrl) for what no path can hold: an encoded slash, bytes that are not UTF-8;
/// [`Error::InvalidPath`](zarr_fs::Error::InvalidPath) for an empty segment or a control character.
pub(crate) fn url_path(url: &Url) -> Result<Path> {
    let encoded = url.path().strip_prefix('/').unwrap_or(url.path());
    let mut path = String::with_capacity(encoded.len());
    for (index, segment) in encoded.split('/').enumerate() {
        let Ok(segment) = percent_decode_str(segment).decode_utf8() else {
            return Err(invalid_url(url, "its path is not UTF-8".to_owned()));
        };
        if segment.contains('/') {
            return Err(invalid_url(
                url,
                "an encoded slash (`%2F`) inside a segment; paths here are split at every slash".to_owned(),
            ));
        }
        if index > 0 {
            path.push('/');
        }
        path.push_str(&segment);
    }
    Path::parse(path)
}

/// Whether `found` is `asked` with a slash behind it: how servers redirect from a folder's name to the folder.
pub(crate) fn is_folder_of(found: &Url, asked: &Url) -> bool {
    let decode = |url: &Url| percent_decode_str(url.path()).collect::<Vec<u8>>();
    let (found, mut asked) = (decode(found), decode(asked));
    asked.push(b'/');
    // A proxy in front may hide a part of the path that the server behind it writes, so the last segment decides.
    let last = |path: &[u8]| {
        let end = path.len().saturating_sub(1);
        let start = path[..end]
            .iter()
            .rposition(|byte| *byte == b'/')
            .unwrap_or_default();
        path[start..].to_vec()
    };
    found.ends_with(b"/") && last(&found) == last(&asked)
}

/// Whether `found` is a folder above `asked` on the same host: where servers redirect to from what they do not show. (On
/// another host it may be the same folder, moved.)
pub(crate) fn is_above(found: &Url, asked: &Url) -> bool {
    let folders = |url: &Url| -> Vec<Vec<u8>> {
        let mut segments: Vec<Vec<u8>> = url
            .path()
            .split('/')
            .map(|segment| percent_decode_str(segment).collect())
            .collect();
        // What follows the last slash is no folder.
        segments.pop();
        segments
    };
    let is_same_host = found.host() == asked.host();
    let (found, asked) = (folders(found), folders(asked));
    is_same_host && found.len() < asked.len() && asked.starts_with(&found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    #[test]
    fn builds_urls() {
        let target = Target::new(&url("https://u:p@h:8443/x?sig=a%2Bb"), &path("base dir")).unwrap();
        assert_eq!(target.name(), "https://h:8443/base%20dir");
        assert_eq!(format!("{target:?}"), "https://h:8443/base%20dir");
        assert_eq!(
            target.file(&path("sp ace+&=%.json")).as_str(),
            "https://h:8443/base%20dir/sp%20ace%2B&=%25.json?sig=a%2Bb"
        );
        assert_eq!(
            target.folder(&Path::root()).as_str(),
            "https://h:8443/base%20dir/?sig=a%2Bb"
        );
        let root = Target::new(&url("http://h"), &Path::root()).unwrap();
        assert_eq!(root.name(), "http://h");
        assert_eq!(
            root.file(&path("ünï/#?")).as_str(),
            "http://h/%C3%BCn%C3%AF/%23%3F"
        );
        assert_eq!(
            root.file(&path("a:b/$,=@;+'")).as_str(),
            "http://h/a:b/$,=@%3B%2B%27"
        );
        assert_eq!(root.folder(&Path::root()).as_str(), "http://h/");
        assert_eq!(root.file(&path("%2e%2e/c")).as_str(), "http://h/%252e%252e/c");
        assert!(Target::new(&url("ftp://h/"), &Path::root()).is_err());
        assert!(Target::new(&url("http://h/#f"), &Path::root()).is_err());
    }

    #[test]
    fn reads_paths() {
        for (text, expected) in [
            ("http://h", ""),
            ("http://h/", ""),
            ("http://h/a/b/", "a/b"),
            ("http://h/a%20b/%C3%BC+c?q#f", "a b/ü+c"),
            ("http://h/%252F", "%2F"),
        ] {
            assert_eq!(url_path(&url(text)).unwrap(), path(expected), "{text}");
        }
        for bad in [
            "http://h/a%2Fb",
            "http://h/%2F",
            "http://h//a",
            "http://h/a//",
            "http://h/%FF",
            "http://h/%00",
            "http://h/a%0Ab",
        ] {
            assert!(url_path(&url(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn knows_the_redirect_to_a_folder() {
        let asked = url("http://h/a%20b/c%2Bd");
        assert!(is_folder_of(&url("http://h/a%20b/c+d/"), &asked));
        assert!(is_folder_of(&url("http://internal:8080/c%2bd/?x"), &asked));
        assert!(!is_folder_of(&url("http://h/a%20b/c+d"), &asked));
        assert!(!is_folder_of(&url("http://h/login/"), &asked));
        assert!(!is_folder_of(&url("http://h/"), &asked));
    }

    #[test]
    fn knows_the_redirect_to_a_folder_above() {
        let asked = url("http://h/a%20b/c/?sig=1");
        for above in [
            "http://h/",
            "http://h/a b/",
            "https://h:8443/index.html",
            "http://h/a%20b/?x",
        ] {
            assert!(is_above(&url(above), &asked), "{above}");
        }
        for other in [
            "http://h/a%20b/c/",
            "http://h/a%20b/c/index.html",
            "http://h/b/",
            "http://h/v1/c/",
            "http://other/",
        ] {
            assert!(!is_above(&url(other), &asked), "{other}");
        }
        assert!(!is_above(&url("http://h/"), &url("http://h/")));
    }

    proptest! {
        #[test]
        fn a_path_survives_its_url(text in "[^/\\p{Cc}]{1,12}(/[^/\\p{Cc}]{1,12}){0,3}") {
            prop_assume!(Path::parse(&text).is_ok());
            let target = Target::new(&url("http://h/?k=v"), &Path::root()).unwrap();
            let made = target.file(&path(&text));
            prop_assert_eq!(url_path(&made).unwrap(), path(&text));
            prop_assert_eq!(made.query(), Some("k=v"));
            prop_assert_eq!(made.host_str(), Some("h"));
        }
    }
}
