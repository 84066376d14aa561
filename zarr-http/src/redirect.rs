//! Redirects: whether what answered is the file or the folder that was asked for. A server also redirects to what it has in
//! its place: to a name alike, to a page, to a folder of its choice; taken for the answer that is wrong data without a word.
//!
//! The rule, and who redirects to what, are in docs/decisions/0015-what-a-redirect-leads-to.md.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use url::Url;
use zarr_fs::object_store::{Request, TransportError};
use zarr_fs::registry::redacted;
use zarr_fs::{ByteRange, Context, Error, Result};

use crate::client::Remote;
use crate::page::ABSENT;
use crate::target::{encode_segments, is_folder_of};

/// How the URL that answered is related to the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Relation {
    /// The same name: here or elsewhere, the same file or folder.
    Same,
    /// The name with a slash behind it: what was asked for as a file is a folder.
    Folder,
    /// One segment is another one that looks alike: the server corrects spelling, or a folder has another name too.
    Alike(Alike),
    /// Another name.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Alike {
    /// The segment that differs.
    at: usize,
    /// Whether it is the last one.
    is_name: bool,
    asked: Segments,
    found: Segments,
}

/// What the redirects of a server have shown.
#[derive(Debug, Default)]
pub(crate) struct Redirects {
    /// It redirects from names that it does not have to names alike.
    corrects_spelling: AtomicBool,
    /// Folders with a second name that looks alike: asked for, and found.
    aliases: Mutex<HashSet<(Segments, Segments)>>,
}

/// The decoded segments of a path.
type Segments = Vec<Vec<u8>>;

/// Aliases that are kept; one more makes it forget all, and ask again.
const MAX_ALIASES: usize = 1024;

/// Why what answered is not what was asked for.
#[derive(Debug, thiserror::Error)]
enum Misled {
    #[error("the server redirects to another name, {0}: what is there is not taken for what was asked for")]
    Other(String),
    #[error("the server corrects spelling: it has {0}, and not the name asked for")]
    Corrected(String),
}

/// Whether `found`, the URL that answered, is the file or folder `asked`.
///
/// # Errors
/// [`Error::NotFound`] if a folder answered for a file, or if the server is known to send from names that it does not have
/// to names alike; [`Error::Corrupt`] if something else answered.
pub(crate) async fn settle(remote: &Remote, at: &Context, asked: &Url, found: &Url) -> Result<()> {
    let alike = match relation(asked, found) {
        Relation::Same => return Ok(()),
        Relation::Folder => return Err(at.not_found()),
        Relation::Other => return Err(other(at, found)),
        Relation::Alike(alike) => alike,
    };
    let redirects = &remote.shared.facts.redirects;
    let alias = alike.alias();
    let aliases = || redirects.aliases.lock().unwrap_or_else(PoisonError::into_inner);
    let corrects = redirects.corrects_spelling.load(Ordering::Relaxed);
    if !corrects && aliases().contains(&alias) {
        return Ok(());
    }
    if corrects || corrects_spelling(remote, at, &alike, found).await? {
        redirects.corrects_spelling.store(true, Ordering::Relaxed);
        return Err(Error::NotFound {
            at: at.clone(),
            source: Some(Box::new(Misled::Corrected(redacted(found)))),
        });
    }
    if alike.is_name {
        return Err(other(at, found));
    }
    let mut known = aliases();
    if known.len() >= MAX_ALIASES {
        known.clear();
    }
    known.insert(alias);
    Ok(())
}

fn other(at: &Context, found: &Url) -> Error {
    Error::Corrupt {
        at: at.clone(),
        source: Box::new(Misled::Other(redacted(found))),
    }
}

/// Whether the server redirects to `found` from a name that nothing has, if it is near, and only then: who corrects spelling does.
/// (Who sends every name there does not.)
async fn corrects_spelling(remote: &Remote, at: &Context, alike: &Alike, found: &Url) -> Result<bool> {
    Ok(leads_to(remote, at, &alike.near(found), found).await?
        && !leads_to(remote, at, &alike.far(found), found).await?)
}

async fn leads_to(remote: &Remote, at: &Context, probe: &Url, found: &Url) -> Result<bool> {
    let request = Request::new(Method::GET, probe.clone())
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    match remote.transport.send(request).await {
        Ok(response) => Ok(response.url.path() == found.path()),
        Err(error) if has_only_others(&error) => Ok(true),
        Err(error) if error.status().is_some() && !error.fault().is_transient() => {
            Ok(Url::parse(error.url()).is_ok_and(|url| url.path() == found.path()))
        }
        Err(error) => Err(remote.read_error(at, ByteRange::Full, error)),
    }
}

impl Alike {
    /// The folders up to the one that differs.
    fn alias(&self) -> (Segments, Segments) {
        let upto = |segments: &[Vec<u8>]| segments.iter().take(self.at + 1).cloned().collect();
        (upto(&self.asked), upto(&self.found))
    }

    /// `found` with one character more in the segment that differs: near enough to be corrected, and no name that anybody
    /// gives.
    fn near(&self, found: &Url) -> Url {
        let name = self.found.get(self.at).map(Vec::as_slice).unwrap_or_default();
        self.with(found, [name, b"!"].concat())
    }

    /// `found` with a name that is near none.
    fn far(&self, found: &Url) -> Url {
        self.with(found, ABSENT.into())
    }

    fn with(&self, found: &Url, name: Vec<u8>) -> Url {
        let mut segments = self.found.clone();
        segments.truncate(self.at);
        segments.push(name);
        segments.extend(self.found.iter().skip(self.at + 1).cloned());
        let mut url = found.clone();
        let is_folder = found.path().ends_with('/') && self.at < self.found.len();
        let slash = if is_folder { "/" } else { "" };
        url.set_path(&format!("{}{slash}", encode_segments(&segments)));
        url
    }
}

/// The decoded segments of a path, without the slashes around it. (Some write a path into one segment: `a%2Fzarr.json`.)
fn segments(url: &Url) -> Segments {
    let decoded: Vec<u8> = percent_decode_str(url.path()).collect();
    decoded
        .split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

fn relation(asked: &Url, found: &Url) -> Relation {
    let is_folder = asked.path().ends_with('/');
    if !is_folder && is_folder_of(found, asked) {
        return Relation::Folder;
    }
    let (own, mut other) = (segments(asked), segments(found));
    if is_folder && !found.path().ends_with('/') && other.len() > own.len() {
        // A page in the folder that was asked for: `index.html`.
        other.pop();
    }
    if own == other {
        return Relation::Same;
    }
    // mod_speling looks at `.` too: a name of one character is near it.
    if let Some((name, folder)) = own.split_last()
        && !is_folder
        && name.len() == 1
        && folder == other
        && found.path().ends_with('/')
    {
        return Relation::Alike(Alike {
            at: folder.len(),
            is_name: true,
            asked: own.clone(),
            found: other,
        });
    }
    let mut differing = own
        .iter()
        .zip(&other)
        .enumerate()
        .filter(|(_, (own, other))| own != other);
    if own.len() == other.len()
        && let (Some((at, (a, b))), None) = (differing.next(), differing.next())
        && is_alike(a, b)
    {
        return Relation::Alike(Alike {
            at,
            is_name: at + 1 == own.len(),
            asked: own.clone(),
            found: other,
        });
    }
    // On another host names are as its owner likes: the target of a DOI, a signed URL, a digest.
    if own.last() == other.last() || asked.host() != found.host() {
        Relation::Same
    } else {
        Relation::Other
    }
}

/// Whether a server that corrects spelling may take one name for the other, as Apache's mod_speling does: they differ in case,
/// in one character more, less or other, in two that are swapped; or they are the same up to their first dot.
fn is_alike(a: &[u8], b: &[u8]) -> bool {
    let stem = |name: &[u8]| {
        name.split(|byte| *byte == b'.')
            .next()
            .map(<[u8]>::to_ascii_lowercase)
    };
    if stem(a) == stem(b) {
        return true;
    }
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let same = short.iter().zip(long.iter()).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], []) => true,
        (short, [_, long @ ..]) if short == long => true,
        ([_, short @ ..], [_, long @ ..]) if short == long => true,
        ([a, b, short @ ..], [c, d, long @ ..]) => (a, b) == (d, c) && short == long,
        _ => false,
    }
}

/// Why a failed request says that a name is missing: where it lists others in its place, several of them alike.
pub(crate) fn has_only_others(error: &TransportError) -> bool {
    error.status() == Some(StatusCode::MULTIPLE_CHOICES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str, found: &str) -> &'static str {
        match relation(&Url::parse(asked).unwrap(), &Url::parse(found).unwrap()) {
            Relation::Same => "same",
            Relation::Folder => "folder",
            Relation::Alike(alike) if alike.is_name => "name alike",
            Relation::Alike(_) => "folder alike",
            Relation::Other => "other",
        }
    }

    #[test]
    fn the_same_name_is_the_same_file() {
        for found in [
            "http://h/a/x.zarr/c/0",
            "https://h/a/x.zarr/c/0",
            "http://h/v3/a/x.zarr/c/0?sig=1",
            "http://h/moved/x.zarr/c/0",
            "http://other/0",
            "http://h/api/resolve-cache/1f2e/a%2Fx.zarr%2Fc%2F0?etag=1",
            // On another host whatever its owner likes.
            "https://cdn/9f86d081884c",
            "https://data/records/1/",
        ] {
            assert_eq!(of("http://h/a/x.zarr/c/0", found), "same", "{found}");
        }
        assert_eq!(
            of("http://h/latest/g/zarr.json", "http://h/v3/g/zarr.json"),
            "same"
        );
        assert_eq!(of("http://h/a/c", "http://h/a/c/"), "folder");
        assert_eq!(of("http://h/a/", "http://h/a/index.html"), "same");
        assert_eq!(of("http://h/a/", "http://h/a"), "same");
        assert_eq!(of("http://h/a/", "http://h/b/a/"), "same");
    }

    #[test]
    fn another_name_on_the_same_host_is_another_file() {
        for found in [
            "http://h/login",
            "https://h:8443/login?next=%2Fa%2Fc%2F10",
            "http://h/",
            "http://h/a/c/35",
            "http://h/a/c/index.html",
        ] {
            assert_eq!(of("http://h/a/c/10", found), "other", "{found}");
        }
        for found in ["http://h/nil/", "http://h/a/c/index.html/", "http://h/a/"] {
            assert_eq!(of("http://h/a/c/", found), "other", "{found}");
        }
        assert_eq!(of("http://h/", "http://h/data/"), "other");
    }

    #[test]
    fn names_alike_are_told_apart_by_a_question() {
        for (asked, found) in [
            ("10", "11"),
            ("10", "1"),
            ("10", "100"),
            ("10", "01"),
            ("zarr.json", "Zarr.JSON"),
            (".zgroup", ".zattrs"),
            ("0.0", "0.7"),
        ] {
            let url = |name: &str, host: &str| format!("http://{host}/a/{name}");
            assert_eq!(
                of(&url(asked, "h"), &url(found, "h")),
                "name alike",
                "{asked} {found}"
            );
            assert_eq!(of(&url(asked, "h"), &url(found, "behind")), "name alike");
        }
        assert_eq!(
            of("http://h/v2/x/zarr.json", "http://h/v3/x/zarr.json"),
            "folder alike"
        );
        assert_eq!(of("http://h/v2/x/", "http://h/v3/x/"), "folder alike");
        assert_eq!(of("http://h/g1/", "http://h/g2/"), "name alike");
        assert_eq!(of("http://h/c/0", "http://h/c/"), "name alike");
        assert_eq!(of("http://h/c/10", "http://h/c/"), "other");
    }

    #[test]
    fn the_question_is_for_a_name_near_the_one_found() {
        let found = Url::parse("http://h/v3/x%20y/zarr.json?sig=1").unwrap();
        let asked = Url::parse("http://h/v2/x%20y/zarr.json").unwrap();
        let Relation::Alike(alike) = relation(&asked, &found) else {
            panic!("alike")
        };
        assert_eq!(
            alike.near(&found).as_str(),
            "http://h/v3%21/x%20y/zarr.json?sig=1"
        );
        assert_eq!(
            alike.far(&found).as_str(),
            format!("http://h/{ABSENT}/x%20y/zarr.json?sig=1")
        );
        let (found, asked) = (
            Url::parse("http://h/c/").unwrap(),
            Url::parse("http://h/c/0").unwrap(),
        );
        let Relation::Alike(alike) = relation(&asked, &found) else {
            panic!("alike")
        };
        assert_eq!(alike.near(&found).as_str(), "http://h/c/%21");
        assert_eq!(alike.far(&found).as_str(), format!("http://h/c/{ABSENT}"));
    }
}
