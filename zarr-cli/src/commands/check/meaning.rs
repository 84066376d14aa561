//! Whether two documents of a node mean the same where they are written differently.
//!
//! Who consolidates often writes the copies anew: with defaults that the node's own document leaves out, or without them.

use zarr_core::metadata::json::Object;
use zarr_core::metadata::{ArrayEncoding, ArrayMetadata, Json, NamedConfig, NodeMetadata};

/// Whether the member `key` says the same in both. Only of arrays has a member several forms.
pub(super) fn is_same(key: &str, a: &NodeMetadata, b: &NodeMetadata) -> bool {
    let (NodeMetadata::Array(a), NodeMetadata::Array(b)) = (a, b) else {
        return false;
    };
    match key {
        "data_type" | "dtype" => {
            a.data_type() == b.data_type() && big_endian_runs(a) == big_endian_runs(b) || is_alike(key, a, b)
        }
        "chunk_grid" => equal(a.chunk_grid(), b.chunk_grid()) || is_alike(key, a, b),
        "chunk_key_encoding" | "dimension_separator" => {
            equal(a.chunk_key_encoding(), b.chunk_key_encoding()) || is_alike(key, a, b)
        }
        "fill_value" => equal(a.fill_value(), b.fill_value()),
        "dimension_names" => names(a) == names(b),
        "codecs" => codecs(a) == codecs(b),
        "filters" | "compressor" => match (a.encoding(), b.encoding()) {
            (ArrayEncoding::V2(a), ArrayEncoding::V2(b)) => {
                a.filters == b.filters && a.compressor == b.compressor
            }
            _ => false,
        },
        _ => false,
    }
}

fn equal<T: PartialEq, E>(a: Result<T, E>, b: Result<T, E>) -> bool {
    matches!((a, b), (Ok(a), Ok(b)) if a == b)
}

/// Of extensions that are not known: a name alone, and an object with that name, are the same.
fn is_alike(key: &str, a: &ArrayMetadata, b: &ArrayMetadata) -> bool {
    let plain =
        |array: &ArrayMetadata| Some(plain(&NamedConfig::parse(array.stored(key)?).ok()?, |_, _| true));
    plain(a).is_some_and(|a| Some(a) == plain(b))
}

fn big_endian_runs(array: &ArrayMetadata) -> Option<&[zarr_core::metadata::data_type::ScalarRun]> {
    match array.encoding() {
        ArrayEncoding::V2(encoding) => Some(&encoding.big_endian_runs),
        ArrayEncoding::V3(_) => None,
    }
}

/// The names of the dimensions; all `null` is none.
fn names(array: &ArrayMetadata) -> Option<&[Option<String>]> {
    let names = array.dimension_names();
    names.filter(|names| names.iter().any(Option::is_some))
}

fn codecs(array: &ArrayMetadata) -> Option<Vec<Json>> {
    let ArrayEncoding::V3(encoding) = array.encoding() else {
        return None;
    };
    Some(chain(&encoding.codecs, array.data_type().needs_endian()))
}

/// The codecs without what goes without saying. `has_order` says whether the elements have a byte order.
fn chain(codecs: &[NamedConfig], has_order: bool) -> Vec<Json> {
    let moves_only = |codec: &&NamedConfig| matches!(codec.name(), "transpose" | "reshape");
    // Behind any other codec the elements may be of another type.
    let first = codecs.iter().find(|codec| !moves_only(codec));
    let is_of_type = first.is_some_and(|codec| matches!(codec.name(), "bytes" | "sharding_indexed"));
    let has_order = has_order || !is_of_type;
    codecs.iter().map(|codec| one_codec(codec, has_order)).collect()
}

fn one_codec(codec: &NamedConfig, has_order: bool) -> Json {
    let mut json = plain(codec, |key, value| match (codec.name(), key) {
        ("bytes", "endian") => has_order && !value.is_null(),
        ("sharding_indexed", "index_location") => value.as_str() != Some("end"),
        ("zstd", "checksum") => value.as_bool() != Some(false),
        _ => true,
    });
    if codec.name() == "sharding_indexed"
        && let Some(Json::Object(configuration)) = json
            .as_object_mut()
            .and_then(|json| json.get_mut("configuration"))
    {
        // The index holds integers of 64 bits, whatever the array holds.
        for (key, has_order) in [("codecs", has_order), ("index_codecs", true)] {
            let inner = configuration
                .get(key)
                .and_then(Json::as_array)
                .unwrap_or_default();
            let inner: Vec<NamedConfig> = inner.iter().flat_map(NamedConfig::parse).collect();
            configuration.insert(key, chain(&inner, has_order));
        }
    }
    json
}

/// The object form, with the members of the configuration that `is_said`.
fn plain(named: &NamedConfig, is_said: impl Fn(&str, &Json) -> bool) -> Json {
    let members = named.configuration().iter();
    let configuration: Object = members
        .filter(|(key, value)| is_said(key, value))
        .map(|(key, value)| (key, value.clone()))
        .collect();
    Json::Object(Object::from([
        ("name", Json::from(named.name())),
        ("configuration", configuration.into()),
        ("must_understand", named.must_understand().into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(key: &str, value: &str) -> NodeMetadata {
        let text = r#"{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "uint8", "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4]}},
            "chunk_key_encoding": {"name": "default"}, "codecs": ["bytes"]}"#;
        let mut document = Json::parse(text.as_bytes()).unwrap();
        let object = document.as_object_mut().unwrap();
        object.insert(key, Json::parse(value.as_bytes()).unwrap());
        if value.contains("float64") {
            object.insert(
                "codecs",
                Json::parse(br#"[{"name": "bytes", "configuration": {"endian": "big"}}]"#).unwrap(),
            );
        }
        NodeMetadata::from_v3_json(document).unwrap()
    }

    fn array_v2(key: &str, value: &str) -> NodeMetadata {
        let text = r#"{"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "<f8", "fill_value": "NaN", "order": "C"}"#;
        let mut document = Json::parse(text.as_bytes()).unwrap();
        let object = document.as_object_mut().unwrap();
        object.insert(key, Json::parse(value.as_bytes()).unwrap());
        NodeMetadata::Array(Box::new(ArrayMetadata::from_v2_json(document, None).unwrap()))
    }

    fn assert_v3(key: &str, forms: &[&str], other: &str) {
        for form in forms {
            assert!(is_same(key, &array(key, form), &array(key, forms[0])), "{form}");
            assert!(
                !is_same(key, &array(key, form), &array(key, other)),
                "{form} and {other}"
            );
        }
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        assert_v3(
            "chunk_key_encoding",
            &[
                r#""default""#,
                r#"{"name": "default"}"#,
                r#"{"name": "default", "configuration": {"separator": "/"}}"#,
            ],
            r#"{"name": "default", "configuration": {"separator": "."}}"#,
        );
        assert_v3(
            "chunk_key_encoding",
            &[r#""mine""#, r#"{"name": "mine", "configuration": {}}"#],
            r#"{"name": "mine", "configuration": {"a": 1}}"#,
        );
        assert_v3("data_type", &[r#""uint8""#, r#"{"name": "uint8"}"#], r#""int8""#);
        assert_v3("dimension_names", &["null", "[null]"], r#"["x"]"#);
        assert_v3(
            "codecs",
            &[
                r#"["bytes", "crc32c"]"#,
                r#"["bytes", {"name": "crc32c", "configuration": {}}]"#,
                r#"[{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c", "must_understand": true}]"#,
            ],
            r#"["bytes"]"#,
        );
        let zstd =
            |more: &str| format!(r#"["bytes", {{"name": "zstd", "configuration": {{"level": 1{more}}}}}]"#);
        assert_v3(
            "codecs",
            &[&zstd(""), &zstd(r#", "checksum": false"#)],
            &zstd(r#", "checksum": true"#),
        );
        let shard = |inner: &str, endian: &str, more: &str| {
            format!(
                r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [2], "codecs": ["bytes", {inner}],
                    "index_codecs": [{{"name": "bytes", "configuration": {{"endian": "{endian}"}}}}]{more}}}}}]"#
            )
        };
        let forms = [
            shard(r#""crc32c""#, "little", ""),
            shard(
                r#"{"name": "crc32c", "configuration": {}}"#,
                "little",
                r#", "index_location": "end""#,
            ),
        ];
        let forms = [forms[0].as_str(), &forms[1]];
        assert_v3("codecs", &forms, &shard(r#""crc32c""#, "big", ""));
        assert_v3(
            "codecs",
            &forms,
            &shard(r#""crc32c""#, "little", r#", "index_location": "start""#),
        );
    }

    #[test]
    fn a_byte_order_counts_where_there_is_one() {
        let of = |endian: &str| {
            format!(
                r#"[{{"name": "cast_value", "configuration": {{"data_type": "int16"}}}},
                    {{"name": "bytes", "configuration": {{"endian": "{endian}"}}}}]"#
            )
        };
        let codecs = |endian| array("codecs", &of(endian));
        assert!(!is_same("codecs", &codecs("little"), &codecs("big")));
    }

    #[test]
    fn v2_members_may_be_left_out() {
        for (key, forms, other) in [
            ("dimension_separator", &["null", "\".\""][..], "\"/\""),
            ("filters", &["null", "[]"], r#"[{"id": "shuffle"}]"#),
            ("fill_value", &["NaN", "\"NaN\""], "null"),
            ("dtype", &["\"<f8\""], "\">f8\""),
            ("compressor", &["null"], r#"{"id": "zlib", "level": 1}"#),
        ] {
            for form in forms {
                assert!(
                    is_same(key, &array_v2(key, form), &array_v2(key, forms[0])),
                    "{key} {form}"
                );
                assert!(
                    !is_same(key, &array_v2(key, form), &array_v2(key, other)),
                    "{key} {form}"
                );
            }
        }
        // Not said at all.
        assert!(is_same(
            "filters",
            &array_v2("order", "\"C\""),
            &array_v2("filters", "[]")
        ));
        assert!(!is_same(
            "order",
            &array_v2("order", "\"C\""),
            &array_v2("order", "\"F\"")
        ));
    }
}
