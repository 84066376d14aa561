//! The exit code and the message of each way to fail.

use std::fs;
use std::path::PathBuf;

use crate::run::{command, data, run, store};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("zarr-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn arg(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group"}"#;

#[test]
fn usage() {
    let bad = store("v3_fill.zarr");
    for args in [
        vec!["lss", "x.zarr"],
        vec!["ls"],
        vec!["ls", "--no-such-option", &bad],
        vec!["ls", "gs://"],
        vec!["ls", "no-such-scheme://host/x"],
        vec!["ls", "-o", "timeout", &bad],
        vec!["ls", "-o", "no_such_option=1", &bad],
        vec!["ls", "--timeout", "soon", &bad],
        vec!["ls", "--storage-options", "[1]", &bad],
        vec!["ls", "--storage-options", "@/no/such/file.json", &bad],
        vec![&bad, "ls"],
    ] {
        let ended = run(&args);
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert!(
            ended.stdout.is_empty() && ended.stderr.starts_with("error"),
            "{args:?}: {ended:?}"
        );
    }
}

#[test]
fn an_unknown_option_is_named_with_what_was_meant() {
    let ended = run(&["ls", "-o", "concurency=1", &store("v3_fill.zarr")]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean `concurrency`?"), "{ended:?}");
}

#[test]
fn not_found_with_a_hint() {
    let ended = run(&["ls", "--json", &store("v3_fil.zarr")]);
    assert_eq!(ended.code, 3);
    let error = ended.last_json();
    assert_eq!(error["code"], 3);
    assert_eq!(error["kind"], "not-found");
    assert_eq!(error["path"], store("v3_fil.zarr"));
    assert!(error["tried"].as_str().unwrap().contains("zarr.json"), "{error}");
    assert!(
        error["hint"].as_str().unwrap().contains("did you mean"),
        "{error}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("v3_fill.zarr"),
        "{error}"
    );

    let folder = Folder::new("no-metadata");
    folder.write("notes.txt", "");
    let ended = run(&["ls", folder.arg()]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("notes.txt"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("permission");
    folder.write("zarr.json", GROUP);
    let document = folder.0.join("zarr.json");
    fs::set_permissions(&document, fs::Permissions::from_mode(0o0)).unwrap();
    // Who may read everything (root, in many containers) is not refused.
    if fs::read(&document).is_err() {
        let ended = run(&["ls", folder.arg()]);
        assert_eq!(ended.code, 4, "{ended:?}");
    }
}

#[test]
fn corrupt_with_the_place_in_the_document() {
    let place = data().join("bad/chunk_rank_mismatch");
    let ended = run(&["info", place.to_str().unwrap()]);
    assert_eq!(ended.code, 5);
    assert!(ended.stderr.starts_with("error[invalid-metadata]: "), "{ended:?}");
    assert!(ended.stderr.contains("/chunk_grid"), "{ended:?}");
}

#[test]
fn partial_tells_the_rest() {
    let folder = Folder::new("partial");
    folder
        .write("zarr.json", GROUP)
        .write("good/zarr.json", GROUP)
        .write("bad\u{202e}/zarr.json", "{");
    let ended = run(&["ls", "--json", folder.arg()]);
    assert_eq!(ended.code, 6, "{ended:?}");
    let lines = ended.lines();
    assert_eq!(lines.len(), 2, "{ended:?}");
    let broken = lines.iter().find(|line| line["kind"] == "unknown").unwrap();
    assert_eq!(broken["path"], "/bad\u{202e}");
    assert_eq!(broken["error"]["code"], 5);
    assert!(
        broken["error"]["message"].as_str().unwrap().contains("zarr.json"),
        "{broken}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line["path"] == "/good" && line["kind"] == "group"),
        "{ended:?}"
    );
    assert!(
        !ended.stdout.contains('\u{202e}') && !ended.stderr.contains('\u{202e}'),
        "{ended:?}"
    );
    assert_eq!(ended.last_json()["kind"], "partial");

    let ended = run(&["ls", folder.arg()]);
    assert_eq!(ended.code, 6);
    assert!(ended.stdout.contains("bad\\u{202e}  broken: "), "{ended:?}");
}

#[test]
fn an_array_that_cannot_be_read_is_listed_and_shown_and_fails() {
    let place = data().join("bad/unknown_codec");
    let place = place.to_str().unwrap();
    for verb in ["info", "show", "ls"] {
        let ended = run(&[verb, place]);
        assert_eq!(ended.code, 7, "{ended:?}");
        assert!(!ended.stdout.is_empty(), "{ended:?}");
        assert!(ended.stderr.contains("acme.brotli9"), "{ended:?}");
    }
    let ended = run(&["info", "--json", place]);
    assert_eq!(
        (ended.code, ended.lines()[0]["kind"].as_str()),
        (7, Some("array"))
    );
    let parent = run(&["ls", "--json", data().join("bad").to_str().unwrap()]);
    assert_eq!(parent.code, 3, "the folder above is no group");

    let folder = Folder::new("unknown-codec");
    folder.write("zarr.json", GROUP);
    folder.write(
        "a/zarr.json",
        &fs::read_to_string(data().join("bad/unknown_codec/zarr.json")).unwrap(),
    );
    let ended = run(&["ls", "--json", folder.arg()]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.lines()[0]["kind"], "array");
}

#[test]
fn findings() {
    let folder = Folder::new("findings");
    folder.write("zarr.json", GROUP).write("bad/zarr.json", "[]");
    let ended = run(&["check", "--json", folder.arg()]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let document = &ended.lines()[0];
    assert_eq!(document["errors"], 1);
    assert_eq!(document["findings"][0]["code"], "ZC001");
    assert_eq!(document["findings"][0]["path"], "/bad");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(run(&["check", &store("v3_tree_plain.zarr")]).code, 0);
}

#[test]
fn stale_consolidated_metadata_is_found() {
    let folder = Folder::new("stale");
    let child = r#"{"zarr_format": 3, "node_type": "group", "attributes": {"units": "degK"}}"#;
    let root = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
            {{"kind": "inline", "must_understand": false, "metadata": {{"a": {child}, "broken": {GROUP}, "gone": {GROUP}}}}}}}"#
    );
    folder.write("zarr.json", &root).write("extra/zarr.json", GROUP);
    folder.write("a/zarr.json", &child.replace("degK", "degC"));
    folder.write("broken/zarr.json", "{");
    let ended = run(&["check", "--json", folder.arg()]);
    let document = &ended.lines()[0];
    let found: Vec<_> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!(
                "{} {}",
                finding["code"].as_str().unwrap(),
                finding["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        found,
        ["ZC004 /a", "ZC001 /broken", "ZC005 /extra", "ZC006 /gone"]
    );
    assert_eq!(ended.code, 1);
}

/// Other words for the same are no difference, and what is not supported is not invalid.
#[test]
fn consolidated_metadata_may_be_written_in_other_words() {
    let array = |encoding: &str, more: &str| {
        format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "uint8", "fill_value": 0,
                "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [2]}}}}, "codecs": ["bytes"],
                "chunk_key_encoding": {encoding}{more}}}"#
        )
    };
    let copy = r#"{"name": "default", "configuration": {"separator": "/"}}"#;
    let odd = array(copy, r#", "odd": {"must_understand": true}"#);
    let root = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {{"kind": "inline", "must_understand": false,
            "metadata": {{"a": {}, "b": {}, "odd": {odd}, "was_odd": {odd}}}}}}}"#,
        array(copy, ""),
        array(copy, "")
    );
    let folder = Folder::new("words");
    folder.write("zarr.json", &root);
    folder.write("a/zarr.json", &array(r#"{"name": "default"}"#, ""));
    folder.write(
        "b/zarr.json",
        &array(r#"{"name": "default", "configuration": {"separator": "."}}"#, ""),
    );
    folder.write("odd/zarr.json", &odd);
    folder.write("was_odd/zarr.json", &array(copy, ""));
    let ended = run(&["check", "--json", folder.arg()]);
    let findings = ended.lines()[0]["findings"].clone();
    let found: Vec<_> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            (text("code"), text("path"))
        })
        .collect();
    let expected = [("ZC004", "/b"), ("ZC002", "/odd"), ("ZC004", "/was_odd")]
        .map(|(code, path)| (code.to_owned(), path.to_owned()));
    assert_eq!(found, expected, "{ended:?}");
}

#[test]
fn consolidated_metadata_can_be_required() {
    let ended = run(&["ls", "--consolidated", "require", &store("v3_tree_plain.zarr")]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(
        run(&["ls", "--consolidated", "require", &store("v3_tree_cons.zarr")]).code,
        0
    );
}

#[test]
fn secrets_are_not_shown() {
    for args in [
        ["ls", "-o", "tokn=s3cret", "gs://bucket/x"],
        ["ls", "-H", "Authorization s3cret", "https://host/x"],
        ["ls", "--auth", "s3cret", "https://host/x"],
        ["ls", "-vvv", "--anon", "ftp://user:s3cret@host/x?sig=s3cret"],
    ] {
        let ended = run(&args);
        assert_eq!(ended.code, 2, "{args:?} {ended:?}");
        assert!(!ended.stderr.contains("s3cret"), "{ended:?}");
    }
}

#[test]
fn options_come_from_the_environment_too() {
    let place = store("v3_tree_plain.zarr");
    let output = command(&["info", &place])
        .env("ZARR_CLI_JSON", "1")
        .output()
        .unwrap();
    assert!(output.stdout.starts_with(b"{"), "{output:?}");
    let output = command(&["info", &place])
        .env("ZARR_CLI_TIMEOUT", "soon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
