//! From the argument to a URL: local paths become `file:` URLs.

use std::path::Path;

use url::Url;

use crate::error::CliError;

/// The node that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Where it is.
    pub(crate) url: Url,
    /// How it was named, without user, password and query: for output and messages.
    pub(crate) shown: String,
}

impl Address {
    /// The node's name: the last one of the path, nothing in it encoded.
    pub(crate) fn name(&self) -> String {
        let path = self.url.path().trim_end_matches('/');
        decoded(path.rsplit('/').next().unwrap_or_default())
    }
}

/// A name of a URL's path with `%20` as the space that it is; one that is no text stays as it is.
fn decoded(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

/// Schemes that are URLs even without `//`.
const BARE_SCHEMES: &[&str] = &["file", "gcs", "gs", "http", "https", "memory"];

/// Takes a URL (`gs://…`, `https://…`, `file://…`, `memory:`) or a local path.
///
/// # Errors
/// A usage error for what is neither; not found for a path with `..` behind a folder that is not there.
pub(crate) fn parse(argument: &str) -> Result<Address, CliError> {
    if argument.is_empty() {
        return Err(CliError::usage(
            "an empty URL",
            Some("give a URL or a path: zarr-cli ./x.zarr"),
        ));
    }
    match scheme(argument) {
        Some(scheme) => remote(argument, scheme),
        None => Ok(Address {
            url: zarr_fs::file_url(argument)?,
            shown: argument.trim_end_matches('/').to_owned(),
        }),
    }
}

/// The scheme, if the argument is meant as a URL: it has `://`, or begins with a scheme that is known here and is no
/// file's name. One letter before the colon is a drive.
fn scheme(argument: &str) -> Option<&str> {
    let (scheme, rest) = argument.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let known = BARE_SCHEMES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme));
    (valid && (rest.starts_with("//") || (known && !Path::new(argument).exists()))).then_some(scheme)
}

fn remote(argument: &str, scheme: &str) -> Result<Address, CliError> {
    let bad = |reason: &str, hint: &str| {
        Err(CliError::usage(
            format!("not a URL that names a node: {reason}"),
            Some(hint),
        ))
    };
    let rest = &argument[scheme.len() + 1..];
    let has_host = rest
        .strip_prefix("//")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    match scheme.to_ascii_lowercase().as_str() {
        "gs" | "gcs" if !has_host => return bad("no bucket", "write: gs://BUCKET/PATH"),
        "http" | "https" if !has_host => return bad("no host", "write: https://HOST/PATH"),
        _ => {}
    }
    let url = match Url::parse(argument) {
        Ok(url) => url,
        Err(error) => {
            return bad(
                &error.to_string(),
                "write: gs://BUCKET/PATH, https://HOST/PATH or a local path",
            );
        }
    };
    let shown = zarr_fs::registry::redacted(&url).trim_end_matches('/').to_owned();
    if let Some(fragment) = url.fragment() {
        return bad(
            &format!("what follows a # is never sent: {shown}#{fragment}"),
            &format!("for a # in a name write %23: {shown}%23{fragment}"),
        );
    }
    Ok(Address { url, shown })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(argument: &str) -> String {
        parse(argument).unwrap().url.to_string()
    }

    #[test]
    fn remote_urls_stay() {
        assert_eq!(url("gs://bucket/x.zarr/a"), "gs://bucket/x.zarr/a");
        assert_eq!(
            url("https://host:8080/x.zarr/?k=v"),
            "https://host:8080/x.zarr/?k=v"
        );
        assert_eq!(url("file:///tmp/x%20y.zarr"), "file:///tmp/x%20y.zarr");
        assert!(url("memory:").starts_with("memory:"));
        assert_eq!(
            parse("https://u:secret@host/x?sig=1").unwrap().shown,
            "https://host/x"
        );
    }

    #[test]
    fn local_paths_become_file_urls() {
        let here = Url::from_directory_path(std::env::current_dir().unwrap()).unwrap();
        assert_eq!(url("./x y.zarr/"), format!("{here}x%20y.zarr"));
        assert_eq!(url("x.zarr"), format!("{here}x.zarr"));
        assert_eq!(url("src/../b:c"), format!("{here}b:c"));
        assert_eq!(url("."), here.as_str().trim_end_matches('/'));
        assert_eq!(url("/x#?%.zarr"), "file:///x%23%3F%25.zarr");
        assert_eq!(parse("x.zarr/").unwrap().shown, "x.zarr");
    }

    #[test]
    fn names_are_not_encoded() {
        for (argument, name) in [
            ("https://host/x.zarr/sp%20ace/", "sp ace"),
            ("https://host/%E6%B8%A9?sig=%41", "温"),
            ("https://host/100%", "100%"),
            ("https://host/%ff", "%ff"),
            ("/x/sp ace", "sp ace"),
            ("/x/100%25", "100%25"),
        ] {
            assert_eq!(parse(argument).unwrap().name(), name, "{argument}");
        }
    }

    #[test]
    fn a_fragment_is_shown_as_it_was_typed() {
        let error = parse("https://u:secret@host/h#x").unwrap_err();
        let CliError::Usage { message, hint } = error else {
            panic!("{error:?}")
        };
        assert!(message.ends_with("https://host/h#x"), "{message}");
        assert!(hint.unwrap().ends_with("https://host/h%23x"));
    }

    #[test]
    fn half_urls_are_refused() {
        for bad in [
            "",
            "gs://",
            "gs:bucket",
            "http:/host",
            "https://",
            "gs:///x",
            "http://[::1/x",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(matches!(error, CliError::Usage { .. }), "{bad}: {error:?}");
        }
    }
}
