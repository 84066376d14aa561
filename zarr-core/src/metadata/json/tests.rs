use proptest::prelude::*;

use super::super::limits::{MAX_DOCUMENT_BYTES, MAX_JSON_DEPTH, MAX_JSON_VALUES};
use super::super::strategies;
use super::*;

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn error(text: impl AsRef<[u8]>) -> String {
    Json::parse(text.as_ref()).unwrap_err().to_string()
}

#[test]
fn keeps_order_number_text_and_tokens() {
    let text = r#"{"z":1.50,"a":-0.0,"n":NaN,"i":[Infinity,-Infinity],"big":123456789012345678901234567890,"e":1E+2}"#;
    assert_eq!(
        parse(text).print(PrintOptions::compact().non_finite(NonFiniteStyle::Token)),
        text
    );
    let strict = r#"{"z":1.50,"a":-0.0,"n":"NaN","i":["Infinity","-Infinity"],"big":123456789012345678901234567890,"e":1E+2}"#;
    assert_eq!(parse(text).to_string(), strict);
}

#[test]
fn integers_are_exact() {
    for text in [
        "0",
        "18446744073709551615",
        "-9223372036854775808",
        "9007199254740993",
    ] {
        let json = parse(text);
        assert_eq!(json.to_string(), text);
        assert!(json.as_u64().is_some() || json.as_i64().is_some(), "{text}");
    }
    assert_eq!(parse("9223372036854775808").as_i64(), None);
    assert_eq!(parse("18446744073709551616").as_u64(), None);
    assert_eq!(parse("4.0").as_u64(), None);
    assert_eq!(parse("4e0").as_i64(), None);
    assert_eq!(parse("-0").as_i64(), Some(0));
    assert!(parse("-0").as_f64().unwrap().is_sign_negative());
}

#[test]
fn numbers_round_once() {
    // Halfway between two f32 once rounded to f64: the text decides.
    assert_eq!(
        parse("1.00000005960464477540").as_number().unwrap().as_f32(),
        1.000_000_1
    );
    assert_eq!(parse("5e-324").as_f64(), Some(f64::from_bits(1)));
    assert_eq!(parse("1e999").as_f64(), Some(f64::INFINITY));
}

#[test]
fn numbers_from_floats_read_back() {
    for value in [0.1, -0.0, 1e308, 5e-324, 1e21, 1.0, f64::MAX] {
        let json = parse(&Json::from(value).to_string());
        assert_eq!(json.as_f64().unwrap().to_bits(), value.to_bits(), "{json}");
        assert!(!json.as_number().unwrap().is_integer(), "{json}");
    }
    assert_eq!(Json::from(0.1_f32).to_string(), "0.1");
    assert_eq!(Json::from(f64::NAN), parse("NaN"));
    assert_eq!(Json::from(f32::NEG_INFINITY), parse("-Infinity"));
}

#[test]
fn strings_are_unescaped_and_escaped() {
    let json = parse(r#""a\u00e9\ud83d\ude42\n\/\"\\\b\f\r\t""#);
    assert_eq!(json.as_str(), Some("aé🙂\n/\"\\\u{8}\u{c}\r\t"));
    assert_eq!(json.to_string(), r#""aé🙂\n/\"\\\b\f\r\t""#);
    assert_eq!(Json::from("\u{1}\u{7f}").to_string(), "\"\\u0001\\u007f\"");
}

#[test]
fn prints_as_zarr_python_does() {
    let json = parse(r#"{"a":[1,{}],"b":{"c":null},"d":[]}"#);
    let pretty = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  },\n  \"d\": []\n}";
    assert_eq!(json.print(PrintOptions::pretty()), pretty);
    let sorted = parse(r#"{"b":{"z":1,"y":2},"a":0}"#).print(PrintOptions::compact().sort_keys());
    assert_eq!(sorted, r#"{"a":0,"b":{"y":2,"z":1}}"#);
}

#[test]
fn faults_name_pointer_line_and_column() {
    let cases = [
        (
            "",
            "document (line 1, column 1): expected a JSON value, found the end of the document",
        ),
        (
            "{} x",
            "document (line 1, column 4): expected the end of the document, found 'x'",
        ),
        (
            "{\"a\": [1, {\"é/~\":\n  nul}]}",
            "/a/1/é~1~0 (line 2, column 3): expected null, found 'n'",
        ),
        ("[1,]", "/1 (line 1, column 4): expected a JSON value, found ']'"),
        (
            "{\"a\":1,}",
            "document (line 1, column 8): expected a string as key, found '}'",
        ),
        (
            "[01]",
            "document (line 1, column 3): expected ',' or ']', found '1'",
        ),
        ("[1.]", "/0 (line 1, column 4): expected a digit, found ']'"),
        ("[-]", "/0 (line 1, column 3): expected a digit, found ']'"),
        ("[1e+]", "/0 (line 1, column 5): expected a digit, found ']'"),
        (
            "\"a\nb\"",
            "document (line 1, column 3): expected no control character in a string, found '\\n'",
        ),
        (
            "\"abc",
            "document (line 1, column 5): expected '\"', found the end of the document",
        ),
        (
            "\"\\x\"",
            "document (line 1, column 3): expected an escape, found 'x'",
        ),
        (
            "\"\\u12é4\"",
            "document (line 1, column 4): expected four hexadecimal digits, found '1'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text:?}");
    }
    assert!(error(b"{\"a\": \"\xff\"}").contains("(line 1, column 8): expected UTF-8, found byte 0xff"));
}

#[test]
fn equal_keys_are_refused_by_name() {
    assert!(error(r#"{"o": {"shape": 1, "x": 2, "shape": 3}}"#).starts_with("/o/shape "));
    // Beyond the size at which an index replaces the scan.
    let members: Vec<_> = (0..40).map(|i| format!("\"k{}\":{i}", i % 39)).collect();
    assert!(error(format!("{{{}}}", members.join(","))).contains("found the key \"k0\" twice"));
}

#[test]
fn lone_surrogates_are_refused() {
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800A""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
    ] {
        assert!(error(text).contains("a lone surrogate"), "{text}");
    }
}

#[test]
fn byte_order_mark_is_skipped() {
    assert_eq!(parse("\u{feff}[1]"), parse("[1]"));
}

#[test]
fn sizes_are_bounded() {
    let deepest = format!("{}{}", "[".repeat(MAX_JSON_DEPTH), "]".repeat(MAX_JSON_DEPTH));
    parse(&deepest);
    assert!(error(format!("[{deepest}]")).contains("nesting of at most"));
    assert!(error("[".repeat(1 << 20)).contains("nesting of at most"));
    assert!(error(vec![b' '; MAX_DOCUMENT_BYTES + 1]).contains("a document of at most"));
    let many = format!("[{}0]", "0,".repeat(MAX_JSON_VALUES));
    assert!(error(many).contains("values in a document"));
}

#[test]
fn objects_keep_order_through_changes() {
    let mut object: Object = (0..40).map(|i| (format!("k{i}"), i)).collect();
    assert_eq!(object.insert("k3", "new"), Some(Json::from(3)));
    assert_eq!(object.remove("k0"), Some(Json::from(0)));
    object.insert("last", true);
    assert_eq!(object.keys().next(), Some("k1"));
    assert_eq!(object.keys().last(), Some("last"));
    assert_eq!(object.get("k3"), Some(&"new".into()));
    assert_eq!(
        (
            object.len(),
            object.get("k0"),
            object.get("k39").and_then(Json::as_u64)
        ),
        (40, None, Some(39))
    );
    let reversed: Object = object.clone().into_iter().rev().collect();
    assert_eq!(object, reversed);
}

#[test]
fn pointers_follow_rfc_6901() {
    let json = parse(r#"{"a/b":{"~":[10,20]},"":1}"#);
    assert_eq!(json.pointer(""), Some(&json));
    assert_eq!(json.pointer("/a~1b/~0/1").and_then(Json::as_u64), Some(20));
    assert_eq!(json.pointer("/").and_then(Json::as_u64), Some(1));
    for missing in [
        "a",
        "/a~1b/~0/2",
        "/a~1b/~0/01",
        "/a~1b/~0/+1",
        "/a~1b/~0/-",
        "/x/y",
    ] {
        assert_eq!(json.pointer(missing), None, "{missing}");
    }
}

#[test]
fn excerpts_are_short() {
    let long = Json::from(vec!["x".repeat(100); 50]);
    assert!(long.excerpt().chars().count() < 100, "{}", long.excerpt());
    assert_eq!(parse("[1,NaN]").excerpt(), "[1,NaN]");
}

proptest! {
    #[test]
    fn parse_undoes_print(json in strategies::json()) {
        let options = PrintOptions::compact().non_finite(NonFiniteStyle::Token);
        let compact = json.print(options);
        prop_assert_eq!(&Json::parse(compact.as_bytes()).unwrap(), &json);
        prop_assert_eq!(Json::parse(compact.as_bytes()).unwrap().print(options), compact);
        let pretty = json.print(PrintOptions::pretty().non_finite(NonFiniteStyle::Token));
        prop_assert_eq!(&Json::parse(pretty.as_bytes()).unwrap(), &json);
        // Strict output is JSON to any other parser, too.
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&json.to_string()).is_ok());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[\\[\\]{}\",:0-9eE.+\\-NInfatrul\\\\ud8 \n]{0,60}") {
        if let Ok(json) = Json::parse(text.as_bytes()) {
            let printed = json.print(PrintOptions::compact().non_finite(NonFiniteStyle::Token));
            prop_assert_eq!(Json::parse(printed.as_bytes()).unwrap(), json);
        }
    }
}
