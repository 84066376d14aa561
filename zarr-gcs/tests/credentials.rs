//! Who asks: anonymous, service account, authorized user, metadata server, requester pays; and that anonymous touches nothing else.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::process::Command;
use std::time::Duration;

use common::{BUCKET, open, path, shown};
use zarr_fs::{Error, FileSystem, FileSystemExt, Options, PipeOptions};
use zarr_gcs::GcsConfig;
use zarr_tests::gcs::{Access, GcsServer};
use zarr_tests::{Fault, ServerOptions, TestCa, When};

fn private_server() -> GcsServer {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .start();
    server.put(BUCKET, "k", "data");
    server
}

fn token_option(json: &str) -> String {
    format!(r#"{{"retries": 1, "token": {json}}}"#)
}

/// Runs this binary's test again, in a process with these variables and no other of Google's.
fn in_child(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars() {
        let google = [
            "GOOGLE_",
            "GCE_",
            "CLOUDSDK_",
            "STORAGE_EMULATOR_HOST",
            "K_SERVICE",
        ];
        if google.iter().any(|prefix| name.starts_with(prefix))
            || name.to_ascii_lowercase().ends_with("_proxy")
        {
            command.env_remove(name);
        }
    }
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("ZARR_GCS_CHILD", "1");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn is_child() -> bool {
    std::env::var_os("ZARR_GCS_CHILD").is_some()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

#[tokio::test]
async fn a_service_account_asks_once_for_a_token() {
    let server = private_server();
    let fs = open(&server, &token_option(&server.service_account_json()));
    let k = path("k");
    let reads = futures::future::join_all((0..16).map(|_| fs.cat(&k))).await;
    assert!(reads.into_iter().all(|read| read.unwrap() == "data"));
    fs.pipe_file(&path("l"), "more".into(), PipeOptions::default())
        .await
        .unwrap();
    assert_eq!(fs.ls(&path("")).await.unwrap().files.len(), 2);
    assert_eq!(server.tokens_issued(), 1);
    fs.close().await.unwrap();
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn google_takes_what_a_service_account_signs_itself() {
    let server = private_server();
    let mut key: serde_json::Value = serde_json::from_str(&server.service_account_json()).unwrap();
    key["token_uri"] = "https://oauth2.googleapis.com/token".into();
    let fs = open(&server, &token_option(&key.to_string()));
    assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
    assert_eq!(server.tokens_issued(), 0);
    fs.close().await.unwrap();
}

#[tokio::test]
async fn an_authorized_user_is_refreshed() {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .token_lifetime(Duration::from_secs(2))
        .start();
    server.put(BUCKET, "k", "data");
    let fs = open(&server, &token_option(&server.authorized_user_json()));
    assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
    assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
    assert_eq!(server.tokens_issued(), 1);
    // Half of its life later a new one is fetched.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
    assert_eq!(server.tokens_issued(), 2);
    fs.close().await.unwrap();
}

#[tokio::test]
async fn what_a_token_server_says_is_not_about_the_file() {
    let server = private_server();
    let mut user: serde_json::Value = serde_json::from_str(&server.authorized_user_json()).unwrap();
    user["refresh_token"] = "1//another-s3cret".into();
    let wrong = open(&server, &token_option(&user.to_string()));
    let error = wrong.cat(&path("k")).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    let text = shown(&error);
    assert!(
        text.contains("invalid_grant") && !text.contains("s3cret"),
        "{text}"
    );
    assert!(!format!("{wrong:?}").contains("s3cret"));
    wrong.close().await.unwrap();

    for (status, expected) in [
        (404, "Unauthenticated"),
        (410, "Unauthenticated"),
        (503, "Unavailable"),
    ] {
        server.faults().clear();
        server
            .faults()
            .add(When::path_ends("/token"), Fault::status(status));
        let fs = open(&server, &token_option(&server.authorized_user_json()));
        for error in [
            fs.cat(&path("k")).await.unwrap_err(),
            fs.ls(&path("")).await.unwrap_err(),
            fs.pipe_file(&path("l"), "x".into(), PipeOptions::default())
                .await
                .unwrap_err(),
        ] {
            assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
        }
        fs.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_bearer_token_is_sent_and_a_wrong_one_refused() {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::Bearer("right".to_owned()))
        .start();
    server.put(BUCKET, "k", "data");
    let fs = open(&server, r#"{"token": "Bearer right"}"#);
    assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
    fs.close().await.unwrap();
    let fs = open(&server, r#"{"token": "Bearer wrong"}"#);
    assert!(matches!(
        fs.cat(&path("k")).await,
        Err(Error::Unauthenticated { .. })
    ));
    fs.close().await.unwrap();
    let fs = open(&server, r#"{"token": "anon"}"#);
    assert!(matches!(
        fs.cat(&path("k")).await,
        Err(Error::PermissionDenied { .. })
    ));
    fs.close().await.unwrap();
}

#[tokio::test]
async fn the_requester_pays_if_told_to() {
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .requester_pays(BUCKET)
        .start();
    server.put(BUCKET, "k", "data");
    let key = server.service_account_json();
    let fs = open(&server, &token_option(&key));
    assert!(fs.cat(&path("k")).await.is_err());
    fs.close().await.unwrap();
    for (pays, project) in [(r#""payer-1""#, "payer-1"), ("true", "zarr-tests")] {
        server.clear_log();
        let fs = open(
            &server,
            &format!(r#"{{"requester_pays": {pays}, "token": {key}}}"#),
        );
        assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
        fs.pipe_file(&path("l"), "more".into(), PipeOptions::default())
            .await
            .unwrap();
        fs.ls(&path("")).await.unwrap();
        let (tokens, others): (Vec<_>, Vec<_>) =
            server.log().into_iter().partition(|entry| entry.path == "/token");
        assert_eq!((tokens.len(), others.len()), (1, 3));
        assert!(
            others
                .iter()
                .all(|entry| entry.header("x-goog-user-project") == Some(project))
        );
        fs.close().await.unwrap();
    }
    let fs = open(&server, r#"{"requester_pays": true, "token": "Bearer x"}"#);
    assert!(matches!(
        fs.cat(&path("k")).await,
        Err(Error::InvalidOption { .. })
    ));
    fs.close().await.unwrap();
}

#[test]
fn anonymous_touches_nothing_but_the_bucket() {
    if is_child() {
        let server_url = variable("TEST_ENDPOINT");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut options = Options::from_json(r#"{"token": "anon"}"#).unwrap();
            options.set("endpoint_url", server_url.into()).unwrap();
            let fs = GcsConfig::new(format!("gs://{BUCKET}"))
                .with_options(options)
                .open()
                .unwrap();
            fs.pipe_file(&path("k"), "data".into(), PipeOptions::default())
                .await
                .unwrap();
            assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
            fs.ls(&path("")).await.unwrap();
            fs.cp_file(&path("k"), &path("l"), zarr_fs::WriteMode::Create)
                .await
                .unwrap();
            fs.rm_file(&path("l")).await.unwrap();
            assert_eq!(fs.close().await.unwrap().connections_opened, 1);
        });
        return;
    }
    let server = GcsServer::start(BUCKET);
    let metadata = GcsServer::start("metadata");
    // A home whose credentials break whoever reads them.
    let home = std::env::temp_dir().join(format!("zarr-gcs-home-{}", std::process::id()));
    std::fs::create_dir_all(home.join(".config/gcloud")).unwrap();
    std::fs::write(
        home.join(".config/gcloud/application_default_credentials.json"),
        "poison",
    )
    .unwrap();
    in_child(
        "anonymous_touches_nothing_but_the_bucket",
        &[
            ("TEST_ENDPOINT", &server.url()),
            ("HOME", home.to_str().unwrap()),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file.json"),
            ("GOOGLE_SERVICE_ACCOUNT_KEY", "poison"),
            ("GCE_METADATA_HOST", &metadata.addr().to_string()),
        ],
    );
    std::fs::remove_dir_all(&home).unwrap();
    assert_eq!(metadata.accepted_connections(), 0);
    assert_eq!(server.accepted_connections(), 1);
    assert!(
        server
            .log()
            .iter()
            .all(|entry| entry.header("authorization").is_none())
    );
    assert_eq!(server.unknown_requests(), Vec::<String>::new());
}

/// Without a word in the options: the environment's file, over TLS with an authority of our own, and HTTP/2.
#[test]
fn the_environment_is_asked_and_an_emulator_gets_nothing() {
    if is_child() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut options = Options::new();
            if let Ok(url) = std::env::var("TEST_ENDPOINT") {
                options.set("endpoint_url", url.into()).unwrap();
                options.set("ca_file", variable("TEST_CA").into()).unwrap();
                options.set("http_version", "2".into()).unwrap();
            }
            if let Ok(token) = std::env::var("TEST_TOKEN") {
                options.set("token", token.into()).unwrap();
            }
            let fs = GcsConfig::new(format!("gs://{BUCKET}"))
                .with_options(options)
                .open()
                .unwrap();
            assert_eq!(fs.cat(&path("k")).await.unwrap(), "data");
            fs.close().await.unwrap();
        });
        return;
    }
    let test = "the_environment_is_asked_and_an_emulator_gets_nothing";
    let folder = std::env::temp_dir().join(format!("zarr-gcs-env-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca = TestCa::new();
    let (ca_file, key_file) = (folder.join("ca.pem"), folder.join("key.json"));
    std::fs::write(&ca_file, ca.pem()).unwrap();
    let server = GcsServer::builder()
        .private_bucket(BUCKET, Access::ServiceAccount)
        .server(ServerOptions::default().tls(&ca))
        .start();
    server.put(BUCKET, "k", "data");
    std::fs::write(&key_file, server.service_account_json()).unwrap();
    let url = server.url();
    let common = [
        ("TEST_ENDPOINT", url.as_str()),
        ("TEST_CA", ca_file.to_str().unwrap()),
        ("HOME", folder.to_str().unwrap()),
    ];
    let with = |more: &[(&'static str, &str)]| {
        let variables: Vec<(&str, &str)> = common.iter().copied().chain(more.iter().copied()).collect();
        in_child(test, &variables);
    };
    with(&[("GOOGLE_APPLICATION_CREDENTIALS", key_file.to_str().unwrap())]);
    assert_eq!((server.tokens_issued(), server.accepted_connections()), (1, 1));
    assert!(
        server
            .log()
            .iter()
            .all(|entry| entry.version == http::Version::HTTP_2)
    );
    with(&[("GOOGLE_SERVICE_ACCOUNT_KEY", &server.service_account_json())]);
    assert_eq!(server.tokens_issued(), 2);
    with(&[("TEST_TOKEN", key_file.to_str().unwrap())]);
    assert_eq!(server.tokens_issued(), 3);
    // gcloud's own file.
    std::fs::create_dir_all(folder.join(".config/gcloud")).unwrap();
    let default = folder.join(".config/gcloud/application_default_credentials.json");
    std::fs::write(&default, server.authorized_user_json()).unwrap();
    with(&[]);
    assert_eq!(server.tokens_issued(), 4);
    std::fs::remove_file(default).unwrap();
    // The metadata server, if it is named.
    let metadata = GcsServer::start("metadata");
    let address = metadata.addr().to_string();
    let open_to_all = GcsServer::start(BUCKET);
    open_to_all.put(BUCKET, "k", "data");
    in_child(
        test,
        &[
            ("GCE_METADATA_HOST", &address),
            ("TEST_TOKEN", "cloud"),
            ("STORAGE_EMULATOR_HOST", &open_to_all.addr().to_string()),
        ],
    );
    assert_eq!(metadata.tokens_issued(), 1);
    assert!(open_to_all.log()[0].header("authorization").is_some());
    // An emulator gets no credentials but by `token`.
    in_child(
        test,
        &[
            ("GCE_METADATA_HOST", &address),
            ("GOOGLE_APPLICATION_CREDENTIALS", key_file.to_str().unwrap()),
            ("STORAGE_EMULATOR_HOST", &open_to_all.addr().to_string()),
        ],
    );
    assert_eq!(metadata.tokens_issued(), 1);
    assert_eq!(open_to_all.log()[1].header("authorization"), None);
    std::fs::remove_dir_all(&folder).unwrap();
}
