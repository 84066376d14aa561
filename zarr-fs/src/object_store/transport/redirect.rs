//! Redirects, followed by us: bounded, never down to plain HTTP, and without a credential to another host.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::Url;

/// Most redirects that are followed.
pub(super) const MOST: usize = 10;

/// The headers that say which file and which bytes, and nothing of who asks: all that another host gets.
const IMPERSONAL: [HeaderName; 9] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    HeaderName::from_static("depth"),
];

/// Whether a status sends the client elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, or why it is not followed.
///
/// GET and HEAD go anywhere that is as safe as here. PROPFIND goes to another path of the same origin (a directory's name
/// with its slash). Anything that writes goes nowhere.
pub(super) fn target(
    method: &Method,
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Url, &'static str> {
    let location = headers.get(header::LOCATION).ok_or("no Location")?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| "an unreadable Location")?;
    let mut to = from.join(location).map_err(|_| "an invalid Location")?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err("from https down to http"),
        _ => return Err("not to http or https"),
    }
    let reads = method == Method::GET || method == Method::HEAD;
    let lists =
        method.as_str() == "PROPFIND" && status != StatusCode::SEE_OTHER && from.origin() == to.origin();
    if !reads && !lists {
        return Err("only reads are redirected");
    }
    // A credential that the server writes into the URL is not ours to send.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_fragment(None);
    Ok(to)
}

/// What of a request's headers another host may see.
pub(super) fn impersonal(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, value)| IMPERSONAL.contains(name) && !value.is_sensitive())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(method: &str, from: &str, location: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        target(
            &Method::from_bytes(method.as_bytes()).unwrap(),
            &Url::parse(from).unwrap(),
            StatusCode::MOVED_PERMANENTLY,
            &headers,
        )
        .map(|url| url.to_string())
    }

    #[test]
    fn leads_where_it_is_safe() {
        assert_eq!(to("GET", "http://a/x/y", "z").unwrap(), "http://a/x/z");
        assert_eq!(to("HEAD", "http://a/x", "https://b/z").unwrap(), "https://b/z");
        assert_eq!(
            to("GET", "https://a/x", "http://a/x"),
            Err("from https down to http")
        );
        assert_eq!(to("GET", "https://a/x", "ftp://a/x"), Err("not to http or https"));
        assert_eq!(
            to("GET", "http://a/x", "file:///etc/passwd"),
            Err("not to http or https")
        );
        assert_eq!(to("GET", "http://a/x", "http://u:p@b/x#f").unwrap(), "http://b/x");
        assert_eq!(to("PROPFIND", "http://a/x", "/x/").unwrap(), "http://a/x/");
        assert_eq!(
            to("PROPFIND", "http://a/x", "http://a:81/x/"),
            Err("only reads are redirected")
        );
        assert_eq!(to("PUT", "http://a/x", "/y"), Err("only reads are redirected"));
    }

    #[test]
    fn nothing_personal_leaves() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "cookie",
            "x-api-key",
            "x-goog-user-project",
            "range",
            "if-match",
            "user-agent",
        ] {
            headers.insert(HeaderName::from_static(name), "v".parse().unwrap());
        }
        let mut accept: http::HeaderValue = "secret".parse().unwrap();
        accept.set_sensitive(true);
        headers.insert(header::ACCEPT, accept);
        let kept = impersonal(&headers);
        let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["if-match", "range"]);
    }
}
