use super::super::data_type::IntKind;
use super::super::*;
use super::{parsed, v2, v3};
use crate::codec::{ChunkRef, CodecChain, Scratch};

#[test]
fn v3_arrays_are_read_in_every_form() {
    let array = v3(&[
        ("data_type", r#"{"name": "int32"}"#),
        ("chunk_key_encoding", r#""v2""#),
        (
            "codecs",
            r#"["bytes", {"name": "crc32c", "must_understand": true}]"#,
        ),
        ("data_type", r#""uint8""#),
        ("dimension_names", r#"["x", null]"#),
        ("attributes", ""),
        ("storage_transformers", "[]"),
        ("later", r#"{"must_understand": false, "x": 1}"#),
    ])
    .unwrap();
    assert_eq!(array.zarr_format(), ZarrFormat::V3);
    assert_eq!(
        (array.shape(), array.chunk_shape()),
        (&[4, 6][..], Some(vec![2, 3]))
    );
    assert_eq!(array.data_type(), &DataType::Int(IntKind::UInt8));
    assert_eq!(array.chunk_key_encoding().unwrap().key(&[1, 0]), "1.0");
    assert_eq!(array.dimension_names(), Some(&[Some("x".to_owned()), None][..]));
    assert!(array.attributes().is_empty());
    assert_eq!(array.stored("chunk_key_encoding"), Some(&"v2".into()));
    assert_eq!(array.stored("dimension_names"), Some(&parsed(r#"["x", null]"#)));
    array.ensure_supported().unwrap();
}

#[test]
fn wrong_v3_arrays_say_where() {
    let sharding = |configuration: &str| {
        format!(r#"[{{"name": "sharding_indexed", "configuration": {configuration}}}]"#)
    };
    let le = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
    let codecs = [
        ("[]", "/codecs"),
        (r#"["crc32c"]"#, "/codecs/0"),
        (
            r#"[{"name": "gzip", "configuration": {"level": 1}}, "bytes"]"#,
            "/codecs/0",
        ),
        (&format!("[{le}, {le}]"), "/codecs/1"),
        (
            &format!(r#"[{le}, {{"name": "transpose", "configuration": {{"order": [1, 0]}}}}]"#),
            "/codecs/1",
        ),
        (r#"["bytes"]"#, "/codecs/0/configuration"),
        (
            r#"[{"name": "bytes", "configuration": {"endian": "middle"}}]"#,
            "/codecs/0/configuration/endian",
        ),
        (
            r#"[{"name": "bytes", "configuration": {"endian": "big", "x": 1}}]"#,
            "/codecs/0/configuration/x",
        ),
        (
            &format!(r#"[{{"name": "transpose", "configuration": {{"order": [0, 0]}}}}, {le}]"#),
            "/codecs/0/configuration/order",
        ),
        (
            &format!(r#"[{{"name": "transpose", "configuration": {{"order": [0]}}}}, {le}]"#),
            "/codecs/0/configuration/order",
        ),
        (
            &format!(r#"[{{"name": "transpose", "configuration": {{"order": "A"}}}}, {le}]"#),
            "/codecs/0/configuration/order",
        ),
        (
            r#"[{"name": "bytes", "configuration": {"endian": null}}]"#,
            "/codecs/0/configuration/endian",
        ),
        (&format!(r#"["transpose", {le}]"#), "/codecs/0/configuration"),
        (
            &format!(r#"[{le}, {{"name": "gzip", "configuration": {{"level": 10}}}}]"#),
            "/codecs/1/configuration/level",
        ),
        (
            &format!(r#"[{le}, {{"name": "zstd", "configuration": {{"level": 23}}}}]"#),
            "/codecs/1/configuration/level",
        ),
        (
            &format!(r#"[{le}, {{"name": "blosc", "configuration": {{"cname": "x"}}}}]"#),
            "/codecs/1/configuration/cname",
        ),
        (
            &format!(r#"[{le}, {{"name": "crc32c", "configuration": {{"x": 1}}}}]"#),
            "/codecs/1/configuration/x",
        ),
        (r#"[{"name": "vlen-utf8"}]"#, "/codecs/0"),
        (r#"[{"name": "vlen-bytes"}]"#, "/codecs/0"),
        (
            r#"[{"name": "packbits", "configuration": {"padding_encoding": "x"}}]"#,
            "/codecs/0/configuration/padding_encoding",
        ),
        (
            r#"[{"name": "reshape", "configuration": {"shape": [0]}}, "bytes"]"#,
            "/codecs/0/configuration/shape",
        ),
        (
            r#"[{"name": "cast_value", "configuration": {"data_type": "int16"}}, "bytes"]"#,
            "/codecs/1/configuration",
        ),
        (r#"[{"configuration": {}}]"#, "/codecs/0"),
        (r#"{"name": "bytes"}"#, "/codecs"),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 2], "codecs": [{le}], "index_codecs": [{le}]}}"#
            )),
            "/codecs/0/configuration/chunk_shape/1",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2], "codecs": [{le}], "index_codecs": [{le}]}}"#
            )),
            "/codecs/0/configuration/chunk_shape",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 0], "codecs": [{le}], "index_codecs": [{le}]}}"#
            )),
            "/codecs/0/configuration/chunk_shape",
        ),
        (
            &sharding(&format!(r#"{{"chunk_shape": [2, 3], "codecs": [{le}]}}"#)),
            "/codecs/0/configuration",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 3], "codecs": [], "index_codecs": [{le}]}}"#
            )),
            "/codecs/0/configuration/codecs",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 3], "codecs": [{le}], "index_codecs": ["bytes"]}}"#
            )),
            "/codecs/0/configuration/index_codecs/0/configuration",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 3], "codecs": [{le}], "index_codecs": [{le}, "zstd"]}}"#
            )),
            "/codecs/0/configuration/index_codecs/1",
        ),
        (
            &sharding(&format!(
                r#"{{"chunk_shape": [2, 3], "codecs": [{le}], "index_codecs": [{le}], "index_location": "middle"}}"#
            )),
            "/codecs/0/configuration/index_location",
        ),
    ];
    for (codecs, pointer) in codecs {
        let error = v3(&[("codecs", codecs)]).expect_err(codecs);
        assert!(
            matches!(error, MetadataError::Invalid { .. }),
            "{codecs}: {error}"
        );
        assert_eq!(error.pointer(), pointer, "{codecs}: {error}");
    }
    let fields = [
        ("zarr_format", "\"3\"", "/zarr_format"),
        ("zarr_format", "3.0", "/zarr_format"),
        ("node_type", "\"table\"", "/node_type"),
        ("shape", "[-1, 6]", "/shape/0"),
        ("shape", "[4.0, 6]", "/shape/0"),
        ("shape", "[9223372036854775808, 6]", "/shape/0"),
        ("shape", "4", "/shape"),
        ("shape", "[4]", "/chunk_grid/configuration/chunk_shape"),
        ("data_type", "\"r12\"", "/data_type"),
        (
            "chunk_grid",
            r#"{"name": "regular", "must_understand": false}"#,
            "/chunk_grid/must_understand",
        ),
        (
            "chunk_key_encoding",
            r#"{"name": "default", "configuration": {"separator": "-"}}"#,
            "/chunk_key_encoding/configuration/separator",
        ),
        ("fill_value", "\"0\"", "/fill_value"),
        ("attributes", "[]", "/attributes"),
        ("dimension_names", "[\"x\"]", "/dimension_names"),
        ("dimension_names", "[\"x\", 1]", "/dimension_names/1"),
        ("storage_transformers", "{}", "/storage_transformers"),
    ];
    for (key, value, pointer) in fields {
        let error = v3(&[(key, value)]).expect_err(value);
        assert!(
            matches!(error, MetadataError::Invalid { .. }),
            "{key} {value}: {error}"
        );
        assert_eq!(error.pointer(), pointer, "{key} {value}: {error}");
    }
    for key in [
        "zarr_format",
        "node_type",
        "shape",
        "data_type",
        "chunk_grid",
        "chunk_key_encoding",
        "fill_value",
        "codecs",
    ] {
        let error = v3(&[(key, "")]).expect_err(key);
        assert_eq!(
            error.to_string(),
            format!("document: expected a document with {key:?}, found none")
        );
    }
    for value in [
        "1",
        "null",
        "{}",
        r#"{"must_understand": true}"#,
        r#"{"must_understand": "false"}"#,
    ] {
        let error = v3(&[("later", value)]).expect_err(value);
        assert!(
            matches!(error, MetadataError::Unsupported { .. }),
            "{value}: {error}"
        );
        assert_eq!(error.pointer(), "/later");
    }
    assert!(matches!(
        v3(&[("zarr_format", "4")]),
        Err(MetadataError::Unsupported { .. })
    ));
    let rank = format!("[{}]", vec!["1"; limits::MAX_RANK + 1].join(","));
    assert!(
        v3(&[("shape", &rank)])
            .unwrap_err()
            .to_string()
            .contains("at most 64 dimensions")
    );
}

/// What the first drafts of the specification had, and zarrita wrote.
#[test]
fn forms_of_the_first_drafts_are_read() {
    let array = v3(&[
        ("data_type", "\"bool\""),
        ("fill_value", "1"),
        (
            "codecs",
            r#"[{"name": "bytes", "configuration": {"endian": null}}]"#,
        ),
    ])
    .unwrap();
    assert_eq!(array.fill_value().unwrap().element(), [1]);
    let shards = |order: &str, inner: &str| {
        format!(
            r#"[{{"name": "transpose", "configuration": {{"order": "{order}"}}}}, {{"name": "sharding_indexed", "configuration":
            {{"chunk_shape": {inner}, "codecs": ["bytes"], "index_codecs": [{{"name": "bytes", "configuration": {{"endian": "big"}}}}]}}}}]"#
        )
    };
    for (order, fits, does_not) in [("C", "[2, 3]", "[3, 2]"), ("F", "[3, 2]", "[2, 3]")] {
        let with = |inner: &str| v3(&[("data_type", "\"uint8\""), ("codecs", &shards(order, inner))]);
        let array = with(fits).unwrap_or_else(|e| panic!("{order}: {e}"));
        CodecChain::for_array(&array, &[2, 3]).unwrap_or_else(|e| panic!("{order}: {e}"));
        assert!(with(does_not).is_err(), "{order}");
    }
}

#[test]
fn a_transposition_by_name_moves_elements() {
    for (order, expected) in [("C", [1, 2, 3, 4, 5, 6]), ("F", [1, 4, 2, 5, 3, 6])] {
        let codecs =
            format!(r#"[{{"name": "transpose", "configuration": {{"order": "{order}"}}}}, "bytes"]"#);
        let array = v3(&[("data_type", "\"uint8\""), ("codecs", &codecs)]).unwrap();
        let chain = CodecChain::for_array(&array, &[2, 3]).unwrap();
        let encoded = chain.encode(ChunkRef::Fixed(&[1, 2, 3, 4, 5, 6]), &mut Scratch::new());
        assert_eq!(encoded, Ok(expected.to_vec()), "{order}");
    }
}

#[test]
fn unknown_extensions_are_listed_and_not_opened() {
    let cases = [
        (
            "data_type",
            r#"{"name": "fixed_point", "configuration": {"bits": 3}}"#,
            "/data_type",
        ),
        ("chunk_grid", r#"{"name": "voronoi"}"#, "/chunk_grid"),
        ("chunk_key_encoding", "\"hex\"", "/chunk_key_encoding"),
        ("codecs", r#"["my-codec"]"#, "/codecs/0"),
        (
            "codecs",
            r#"[{"name": "bytes", "configuration": {"endian": "big"}}, "my-codec"]"#,
            "/codecs/1",
        ),
        ("codecs", r#"["my-codec", "gzip"]"#, "/codecs/0"),
        (
            "codecs",
            r#"[{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1], "codecs": ["my-codec"], "index_codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]}}]"#,
            "/codecs/0/configuration/codecs/0",
        ),
        (
            "storage_transformers",
            r#"[{"name": "encrypt"}]"#,
            "/storage_transformers/0",
        ),
    ];
    for (key, value, pointer) in cases {
        let array = v3(&[(key, value)]).unwrap_or_else(|e| panic!("{value}: {e}"));
        assert_eq!(array.stored(key), Some(&parsed(value)));
        let error = array.ensure_supported().expect_err(value);
        assert!(
            matches!(error, MetadataError::Unsupported { .. }),
            "{value}: {error}"
        );
        assert_eq!(error.pointer(), pointer, "{value}");
    }
    let ignorable =
        r#"[{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "x", "must_understand": false}]"#;
    v3(&[("codecs", ignorable)]).unwrap().ensure_supported().unwrap();
    let filters = r#"[{"id": "delta", "dtype": "<i4"}, {"id": "my-filter"}]"#;
    assert_eq!(
        v2(&[("filters", filters)])
            .unwrap()
            .ensure_supported()
            .unwrap_err()
            .pointer(),
        "/filters/1"
    );
    let pickle = [
        ("dtype", "\"|O\""),
        ("filters", r#"[{"id": "pickle", "protocol": 5}]"#),
        ("fill_value", "0"),
    ];
    let error = v2(&pickle).unwrap().ensure_supported().unwrap_err();
    assert_eq!(error.to_string(), "/filters/0: codec \"pickle\" is not supported");
}

#[test]
fn transposed_shards_are_measured_after_the_transposition() {
    let codecs = |inner: &str| {
        format!(
            r#"[{{"name": "transpose", "configuration": {{"order": [1, 0]}}}}, {{"name": "sharding_indexed", "configuration":
            {{"chunk_shape": {inner}, "codecs": ["bytes"], "index_codecs": [{{"name": "bytes", "configuration": {{"endian": "big"}}}}]}}}}]"#
        )
    };
    let u8 = ("data_type", "\"uint8\"");
    v3(&[u8, ("codecs", &codecs("[3, 2]"))]).unwrap();
    assert!(v3(&[u8, ("codecs", &codecs("[2, 3]"))]).is_err());
    // Every edge of a rectilinear grid has to be a multiple.
    let grid =
        r#"{"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [[2, 4], [3, 6]]}}"#;
    v3(&[
        u8,
        ("chunk_grid", grid),
        ("shape", "[6, 9]"),
        ("codecs", &codecs("[3, 2]")),
    ])
    .unwrap();
    assert!(
        v3(&[
            u8,
            ("chunk_grid", grid),
            ("shape", "[6, 9]"),
            ("codecs", &codecs("[6, 2]"))
        ])
        .is_err()
    );
}

#[test]
fn shards_are_nested_only_so_deep() {
    let index = r#"[{"name": "bytes", "configuration": {"endian": "big"}}]"#;
    let nest = |levels| {
        (0..levels).fold(r#"["bytes"]"#.to_owned(), |inner, _| {
            format!(
                r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [1, 1], "codecs": {inner}, "index_codecs": {index}}}}}]"#
            )
        })
    };
    let u8 = ("data_type", "\"uint8\"");
    v3(&[u8, ("codecs", &nest(limits::MAX_SHARD_NESTING))]).unwrap();
    let error = v3(&[u8, ("codecs", &nest(limits::MAX_SHARD_NESTING + 1))]).unwrap_err();
    assert!(error.to_string().contains("levels of shards"), "{error}");
}

#[test]
fn legacy_structs_may_leave_the_byte_order_out() {
    let fields =
        |name: &str| format!(r#"{{"name": "{name}", "configuration": {{"fields": [["x", "int16"]]}}}}"#);
    let bare = ("codecs", r#"["bytes"]"#);
    let array = v3(&[
        ("data_type", &fields("structured")),
        bare,
        ("fill_value", "\"AQA=\""),
    ])
    .unwrap();
    assert_eq!(array.fill_value().unwrap().element(), [1, 0]);
    let big = (
        "codecs",
        r#"[{"name": "bytes", "configuration": {"endian": "big"}}]"#,
    );
    let array = v3(&[
        ("data_type", &fields("structured")),
        big,
        ("fill_value", "\"AAE=\""),
    ])
    .unwrap();
    assert_eq!(array.fill_value().unwrap().element(), [1, 0]);
    assert!(v3(&[("data_type", &fields("struct")), bare, ("fill_value", "\"AQA=\"")]).is_err());
}
