//! What options and URLs are taken for, and what is refused.

use super::*;

fn settings(url: &str, options: &str) -> Result<Settings> {
    let url = Url::parse(url).unwrap();
    GcsConfig::new(url.as_str())
        .with_options(Options::from_json(options).unwrap())
        .settings(&url)
}

fn option_error(options: &str) -> String {
    match settings("gs://bucket", options).err() {
        Some(error @ Error::InvalidOption { .. }) => error.to_string(),
        other => panic!("{options}: {other:?}"),
    }
}

#[test]
fn a_url_names_a_bucket() {
    for url in [
        "gs://bucket",
        "gs://bucket/",
        "gs://b-u.c_ket9/a/b",
        "gcs://bucket",
    ] {
        settings(url, r#"{"token": "anon"}"#).map(|_| ()).unwrap();
    }
    for url in [
        "gs:///a",
        "gs://bu%20cket",
        "gs://bucket?x",
        "gs://bucket#x",
        "gs://u@bucket",
        "gs://bucket:80",
        "s3://bucket",
    ] {
        assert!(
            matches!(settings(url, "{}").err(), Some(Error::InvalidUrl { .. })),
            "{url}"
        );
    }
    assert!(matches!(
        GcsConfig::new("gs://bucket/a").open().err(),
        Some(Error::InvalidUrl { .. })
    ));
}

#[test]
fn options_are_checked_before_anything_is_opened() {
    assert!(option_error(r#"{"tokn": "anon"}"#).contains("did you mean `token`"));
    assert!(option_error(r#"{"token": "anom"}"#).contains("did you mean `anon`"));
    assert!(option_error(r#"{"token": 3}"#).contains("token"));
    assert!(option_error(r#"{"token": {"type": "external_account"}}"#).contains("external_account"));
    assert!(option_error(r#"{"token": {}}"#).contains("no `type`"));
    assert!(option_error(r#"{"token": "Bearer a b"}"#).contains("not an access token"));
    assert!(option_error(r#"{"token": "anon", "endpoint_url": "ftp://x"}"#).contains("endpoint_url"));
    assert!(option_error(r#"{"token": "anon", "endpoint_url": "http://u:p@x"}"#).contains("endpoint_url"));
    assert!(option_error(r#"{"token": "anon", "access": "all"}"#).contains("access"));
    assert!(option_error(r#"{"token": "anon", "timeout": "soon"}"#).contains("timeout"));
    let pasted = r#"{"token": "anon", "access": "read_only", "asynchronous": true, "cache_timeout": 60, "retries": 2}"#;
    let settings = settings("gs://bucket", pasted)
        .map_err(|error| error.to_string())
        .ok()
        .unwrap();
    assert!(!settings.capabilities.write);
    assert_eq!(settings.transport.retry.retries, 2);
}

#[test]
fn tokens_come_in_many_forms() {
    let plan = |token: &str| {
        settings("gs://bucket", &format!(r#"{{"token": {token}}}"#)).map(|settings| settings.credentials)
    };
    assert_eq!(plan(r#""anon""#).unwrap(), Plan::Anonymous);
    assert_eq!(plan(r#""Bearer abc""#).unwrap(), Plan::Bearer("abc".to_owned()));
    assert_eq!(
        plan(r#""ya29.abc""#).unwrap(),
        Plan::Bearer("ya29.abc".to_owned())
    );
    assert_eq!(
        plan(r#"{"access_token": "abc"}"#).unwrap(),
        Plan::Bearer("abc".to_owned())
    );
    assert!(matches!(plan(r#""/no/such/file.json""#).unwrap(), Plan::File(..)));
    let user = r#"{"type": "authorized_user", "client_id": "i", "client_secret": "s3cret", "refresh_token": "r3fresh"}"#;
    let read = plan(user).unwrap();
    assert!(matches!(read, Plan::Json(..)));
    assert_eq!(format!("{read:?}"), "Json");
    // The same as text, as a command line gives it.
    assert!(matches!(
        plan(&serde_json::Value::from(user).to_string()).unwrap(),
        Plan::Json(..)
    ));
    assert!(plan(r#"{"type": "authorized_user", "client_id": "i"}"#).is_err());
    assert!(plan(r#"{"type": "service_account", "client_email": "e", "private_key": "nonsense"}"#).is_err());
}

#[test]
fn plain_http_gets_no_credentials_unasked() {
    let plan = |options: &str| settings("gs://bucket", options).map(|settings| settings.credentials);
    assert_eq!(
        plan(r#"{"endpoint_url": "http://localhost:4443"}"#).unwrap(),
        Plan::Anonymous
    );
    assert_eq!(
        plan(r#"{"endpoint_url": "http://localhost:4443", "token": "Bearer x"}"#).unwrap(),
        Plan::Bearer("x".to_owned())
    );
}

#[test]
fn nothing_secret_is_shown() {
    let config = GcsConfig::new("gs://bucket")
        .with_options(Options::from_json(r#"{"token": "Bearer s3cret"}"#).unwrap())
        .with_bearer_token("t0ken");
    let shown = format!("{config:?} {:?}", config.clone().open().unwrap());
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}
