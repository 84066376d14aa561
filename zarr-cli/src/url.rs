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
    /// The last name in it, as it is shown.
    pub(crate) fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or_default()
    }
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
