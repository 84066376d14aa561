use zarr_fs::{Error, FileSystem, Registry};

use super::*;

fn options(json: &str) -> Options {
    Options::from_json(json).unwrap()
}

fn settings(url: &str, json: &str) -> Result<Settings> {
    let url = Url::parse(url).unwrap();
    HttpConfig::new(url.as_str())
        .with_options(options(json))
        .settings(&url, &Path::root())
}

#[track_caller]
fn refused(url: &str, json: &str) -> String {
    settings(url, json).unwrap_err().to_string()
}

#[test]
fn takes_a_pasted_dict() {
    let made = settings(
        "https://h/x",
        r#"{"headers": {"X-Key": "k"}, "client_kwargs": {"headers": {"X-Key": "old", "Y": "1"}, "auth": ["u", "p"],
            "trust_env": false}, "block_size": 5, "simple_links": true, "encoded": true, "cache_type": "none", "timeout": 3,
            "retries": 1, "write": true, "listing": "index", "missing_status": 403}"#,
    )
    .unwrap();
    assert!(made.write && !made.transport.trust_env);
    assert_eq!(made.listing, ListingMode::Index);
    assert_eq!(made.transport.retry.retries, 1);
}

#[test]
fn an_unknown_option_says_what_was_meant() {
    assert!(refused("http://h/", r#"{"header": {}}"#).contains("did you mean `headers`"));
    assert!(refused("http://h/", r#"{"client_kwargs": {"heders": {}}}"#).contains("`client_kwargs.headers`"));
    assert!(refused("http://h/", r#"{"client_kwargs": {"timeout": 3}}"#).contains("the option `timeout`"));
    assert!(refused("http://h/", r#"{"listing": "ftp"}"#).contains("webdav"));
    assert!(refused("http://h/", r#"{"headers": {"Range": "bytes=0-"}}"#).contains("by each request itself"));
    assert!(refused("http://h/", r#"{"headers": {"a b": "x"}}"#).contains("not a header name"));
}

#[test]
fn credentials_come_in_many_forms() {
    let expected = basic_header("u", "p:w").unwrap();
    for auth in [
        r#""u:p:w""#,
        r#"["u", "p:w"]"#,
        r#"{"login": "u", "password": "p:w"}"#,
    ] {
        let auth: Value = serde_json::from_str(auth).unwrap();
        let (user, password) = basic_auth("auth", &auth).unwrap();
        assert_eq!(basic_header(&user, &password).unwrap(), expected);
    }
    for bad in [
        r#""secretuser""#,
        r#"["secretuser"]"#,
        "7",
        r#"{"user": "secretuser"}"#,
        r#"["secretuser", 1]"#,
    ] {
        let message = refused("http://h/", &format!(r#"{{"auth": {bad}}}"#));
        assert!(!message.contains("secretuser"), "{message}");
    }
    let url = Url::parse("http://us%40er:p%3Aw@h/").unwrap();
    assert_eq!(
        url_auth(&url).unwrap(),
        Some(("us@er".to_owned(), "p:w".to_owned()))
    );
    assert!(refused("http://u:p@h/", r#"{"headers": {"authorization": "Bearer x"}}"#).contains("header too"));
}

#[test]
fn nothing_shows_a_secret() {
    let config = HttpConfig::new("https://user:hunter2@h/p?sig=hunter2")
        .with_header("x-key", "hunter2")
        .with_bearer_token("hunter2")
        .with_options(options(r#"{"client_kwargs": {"auth": "a:hunter2"}}"#));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let made = settings(
        "https://user:hunter2@h/p?sig=hunter2",
        r#"{"headers": {"x": "hunter2"}}"#,
    )
    .unwrap();
    assert!(!format!("{made:?}").contains("hunter2"), "{made:?}");
    let bad = HttpConfig::new("https://user:hunter2@h:port/")
        .open()
        .unwrap_err();
    assert!(!format!("{bad:?} {bad}").contains("hunter2"));
}

#[test]
fn a_registry_shares_sessions_by_origin_query_and_user() {
    let registry = Registry::default()
        .with("http", HttpFactory)
        .with("https", HttpFactory);
    let open = |url: &str| registry.open(&Url::parse(url).unwrap(), &Options::new()).unwrap();
    let (first, path) = open("http://h/a%20b/c/");
    assert_eq!(path.as_str(), "a b/c");
    assert_eq!(first.name(), "http://h");
    let others: Vec<_> = [
        "http://h:80/x",
        "http://h/y?sig=1",
        "http://u:p@h/y",
        "https://h/y",
    ]
    .into_iter()
    .map(|url| open(url).0)
    .collect();
    assert_eq!(registry.live_leases().len(), 5);
    assert_eq!(others[2].name(), "http://h");
    futures::executor::block_on(registry.close_all()).unwrap();
    drop(first);

    for bad in ["http://h/a//b", "http://h/a%2Fb", "http://h/%00", "http://h/#x"] {
        let error = registry
            .open(&Url::parse(bad).unwrap(), &Options::new())
            .unwrap_err();
        assert!(
            matches!(error, Error::InvalidUrl { .. } | Error::InvalidPath { .. }),
            "{bad}: {error}"
        );
    }
}
