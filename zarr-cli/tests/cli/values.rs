//! Values as they are printed: what programs read is the value itself, what people read cannot deceive them.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::run;

/// Writes an array of one chunk whose bytes are `chunk`, and gives its path.
fn array(
    folder: &Path,
    length: u64,
    data_type: Value,
    fill_value: Value,
    codec: &str,
    chunk: &[u8],
) -> String {
    let document = json!({
        "zarr_format": 3, "node_type": "array", "shape": [length], "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [length]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": fill_value,
        "codecs": [{"name": codec}],
    });
    std::fs::create_dir_all(folder.join("c")).unwrap();
    std::fs::write(folder.join("zarr.json"), document.to_string()).unwrap();
    std::fs::write(folder.join("c/0"), chunk).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// The chunk of texts that `vlen-utf8` makes.
fn texts(texts: &[&str]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut chunk = length(texts.len()).to_vec();
    for text in texts {
        chunk.extend(length(text.len()));
        chunk.extend(text.as_bytes());
    }
    chunk
}

#[test]
fn tables_and_json_hold_the_texts_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let odd = [
        "a\nb",
        "a\\nb",
        "x,y",
        "he said \"no\"",
        "\u{1b}[2J",
        "\u{202e}rtl",
        "",
    ];
    let place = array(
        folder.path(),
        7,
        json!("string"),
        json!(""),
        "vlen-utf8",
        &texts(&odd),
    );

    let csv = run(&["cat", "-F", "csv", &place]);
    assert_eq!(csv.code, 0, "{csv:?}");
    assert_eq!(
        csv.stdout,
        "\"a\nb\",a\\nb,\"x,y\",\"he said \"\"no\"\"\",\u{1b}[2J,\u{202e}rtl,\n"
    );
    let ended = run(&["cat", "-F", "json", &place]);
    assert_eq!(ended.lines(), [json!(odd)]);
    assert!(!ended.stdout.contains(['\u{1b}', '\u{202e}']), "{ended:?}");
    let text = run(&["cat", &place]).stdout;
    assert_eq!(
        text,
        "\"a\\nb\" a\\nb x,y \"he said \\\"no\\\"\" \"\\u{1b}[2J\" \"\\u{202e}rtl\" \"\"\n"
    );
}

#[test]
fn bytes_are_readable_and_json_keeps_base64() {
    let folder = tempfile::tempdir().unwrap();
    let data_type = json!({"name": "null_terminated_bytes", "configuration": {"length_bytes": 3}});
    let place = array(
        folder.path(),
        3,
        data_type,
        json!("YQD/"),
        "bytes",
        b"abc\0\xffz\"\\ ",
    );
    assert_eq!(
        run(&["cat", "-F", "csv", &place]).stdout,
        "abc,\\x00\\xffz,\"\"\"\\\\ \"\n"
    );
    assert_eq!(run(&["cat", &place]).stdout, "abc \\x00\\xffz \"\\\"\\\\ \"\n");
    assert_eq!(
        run(&["cat", "--json", &place]).lines(),
        [json!(["YWJj", "AP96", "Ilwg"])]
    );
    let info = run(&["info", &place]).stdout;
    assert!(info.contains("fill value  a\\x00\\xff\n"), "{info}");
    let help = run(&["cat", "--help"]).stdout;
    assert!(help.contains("\\xNN") && help.contains("base64"), "{help}");
}

#[test]
fn structs_tell_their_fields_shapes_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data_type = json!({"name": "struct", "configuration": {"fields": [
        ["id", "int8"],
        ["tag", {"name": "null_terminated_bytes", "configuration": {"length_bytes": 2}}],
    ]}});
    let fill_value = json!({"id": 7, "tag": "eP8="});
    let place = array(folder.path(), 1, data_type, fill_value, "bytes", b"\x01ab");
    assert_eq!(run(&["cat", &place]).stdout, "{\"id\":1,\"tag\":\"ab\"}\n");
    assert_eq!(
        run(&["cat", "-F", "csv", &place]).stdout,
        "\"{\"\"id\"\":1,\"\"tag\"\":\"\"ab\"\"}\"\n"
    );
    let info = run(&["info", &place]).stdout;
    assert!(info.contains(r#"fill value  {"id":7,"tag":"x\\xff"}"#), "{info}");
}
