//! Documents by hand: what is read, what is refused and where, what is written.

use super::data_type::{BytesName, Endianness, FloatKind, IntKind, ObjectType};
use super::json::{NonFiniteStyle, Object};
use super::*;
use crate::node_path::NodePath;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

const V3: &str = r#"{
    "zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "int32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": 0, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {}
}"#;

const V2: &str = r#"{
    "zarr_format": 2, "shape": [4, 6], "chunks": [2, 3], "dtype": "<i4", "compressor": null, "fill_value": 0,
    "order": "C", "filters": null
}"#;

/// A document with other values; `null` text removes a member.
fn changed(document: &str, changes: &[(&str, &str)]) -> Json {
    let Json::Object(mut object) = json(document) else {
        unreachable!()
    };
    for (key, value) in changes {
        if value.is_empty() {
            object.remove(key)
        } else {
            object.insert(*key, json(value))
        };
    }
    object.into()
}

fn v3(changes: &[(&str, &str)]) -> Result<ArrayMetadata, MetadataError> {
    NodeMetadata::from_v3_json(changed(V3, changes)).map(|node| node.as_array().unwrap().clone())
}

fn v2(changes: &[(&str, &str)]) -> Result<ArrayMetadata, MetadataError> {
    ArrayMetadata::from_v2_json(changed(V2, changes), None)
}

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
    assert_eq!(array.stored("dimension_names"), Some(&json(r#"["x", null]"#)));
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
            &format!(r#"[{{"name": "transpose", "configuration": {{"order": "F"}}}}, {le}]"#),
            "/codecs/0/configuration/order",
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
        assert_eq!(array.stored(key), Some(&json(value)));
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

#[test]
fn v2_arrays_are_read() {
    let array = v2(&[
        ("dtype", "\">f8\""),
        ("order", "\"F\""),
        (
            "compressor",
            r#"{"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": -1, "blocksize": 0}"#,
        ),
        ("filters", r#"[{"id": "delta", "dtype": ">f8"}]"#),
        ("fill_value", "\"NaN\""),
        ("dimension_separator", "\"/\""),
        ("anything", "1"),
    ])
    .unwrap();
    let ArrayEncoding::V2(encoding) = array.encoding() else {
        panic!("{array:?}")
    };
    assert_eq!(encoding.order, Order::F);
    assert_eq!(encoding.compressor.as_ref().unwrap().name(), "blosc");
    assert_eq!(encoding.filters[0].get("dtype"), Some(&">f8".into()));
    assert_eq!(encoding.big_endian_runs, array.data_type().scalar_runs());
    assert_eq!(array.data_type(), &DataType::Float(FloatKind::Float64));
    assert_eq!(array.chunk_key_encoding().unwrap().key(&[1, 0]), "1/0");
    array.ensure_supported().unwrap();
    // zarr-python reads documents without them.
    v2(&[("compressor", ""), ("filters", "")]).unwrap();
    assert!(
        v2(&[("fill_value", "null")])
            .unwrap()
            .fill_value()
            .unwrap()
            .is_undefined()
    );
}

#[test]
fn v2_objects_are_what_their_first_filter_says() {
    let object = |filters: &str| v2(&[("dtype", "\"|O\""), ("filters", filters), ("fill_value", "null")]);
    let cases = [
        (r#"[{"id": "vlen-utf8"}]"#, DataType::String),
        (
            r#"[{"id": "vlen-bytes"}]"#,
            DataType::Bytes(BytesName::VariableLengthBytes),
        ),
        (
            r#"[{"id": "categorize", "labels": ["a"], "dtype": "|O", "astype": "|u1"}]"#,
            DataType::String,
        ),
        (r#"[{"id": "json2"}]"#, DataType::Object(ObjectType::Json)),
        (r#"[{"id": "msgpack2"}]"#, DataType::Object(ObjectType::Json)),
        (
            r#"[{"id": "vlen-array", "dtype": ">i4"}]"#,
            DataType::Object(ObjectType::Ragged(Box::new(DataType::Int(IntKind::Int32)))),
        ),
        (
            r#"[{"id": "pickle"}]"#,
            DataType::Object(ObjectType::Opaque("pickle".to_owned())),
        ),
    ];
    for (filters, expected) in cases {
        assert_eq!(object(filters).unwrap().data_type(), &expected, "{filters}");
    }
    for (filters, pointer) in [
        ("null", "/filters"),
        ("[]", "/filters"),
        (r#"[{"id": "delta", "dtype": "<i4"}]"#, "/filters/0"),
        (r#"[{"id": "vlen-array"}]"#, "/filters/0"),
        (r#"[{"id": "vlen-array", "dtype": "|O"}]"#, "/filters/0/dtype"),
    ] {
        assert_eq!(object(filters).unwrap_err().pointer(), pointer, "{filters}");
    }
}

#[test]
fn wrong_v2_arrays_say_where() {
    let cases = [
        ("zarr_format", "\"2\"", "/zarr_format"),
        ("shape", "[4, -6]", "/shape/1"),
        ("chunks", "[2]", "/chunks"),
        ("chunks", "[2, 0]", "/chunks/1"),
        ("chunks", "false", "/chunks"),
        ("dtype", "\"i4\"", "/dtype"),
        ("dtype", "\"|O\"", "/filters"),
        ("order", "\"A\"", "/order"),
        ("fill_value", "\"abc\"", "/fill_value"),
        ("dimension_separator", "\"|\"", "/dimension_separator"),
        ("compressor", "{}", "/compressor"),
        ("compressor", "\"zlib\"", "/compressor"),
        (
            "compressor",
            r#"{"id": "blosc", "cname": "x"}"#,
            "/compressor/cname",
        ),
        ("filters", r#"[{"id": 1}]"#, "/filters/0"),
        ("filters", "{}", "/filters"),
    ];
    for (key, value, pointer) in cases {
        let error = v2(&[(key, value)]).expect_err(value);
        assert!(
            matches!(error, MetadataError::Invalid { .. }),
            "{key} {value}: {error}"
        );
        assert_eq!(error.pointer(), pointer, "{key} {value}: {error}");
    }
    for key in ["zarr_format", "shape", "chunks", "dtype", "order", "fill_value"] {
        assert!(
            v2(&[(key, "")])
                .unwrap_err()
                .to_string()
                .contains(&format!("a document with {key:?}"))
        );
    }
    assert!(matches!(
        v2(&[("zarr_format", "3")]),
        Err(MetadataError::Unsupported { .. })
    ));
    assert!(ArrayMetadata::from_v2_json(json(V2), Some(json("[]"))).is_err());
    assert!(GroupMetadata::parse_v2(br#"{"zarr_format": 3}"#, None).is_err());
    assert!(GroupMetadata::parse_v2(b"[]", None).is_err());
}

#[test]
fn an_update_changes_nothing_else() {
    let text = "{\n  \"node_type\": \"group\",\n  \"later\": {\n    \"must_understand\": false\n  },\n  \"attributes\": {\n    \"x\": NaN,\n    \"n\": 1.50,\n    \"z\": -0.0\n  },\n  \"zarr_format\": 3\n}";
    let NodeMetadata::Group(mut group) = NodeMetadata::parse_v3(text.as_bytes()).unwrap() else {
        panic!()
    };
    assert_eq!(
        group.document().files(NonFiniteStyle::Token),
        [("zarr.json", text.to_owned())]
    );
    group.attributes_mut().insert("n", 2);
    let (key, updated) = group.document().attributes_file(NonFiniteStyle::Token);
    assert_eq!((key, updated), ("zarr.json", text.replace("1.50", "2")));
    let strict = group.document().attributes_file(NonFiniteStyle::String).1;
    assert!(strict.contains("\"x\": \"NaN\""), "{strict}");
    let mut bare = v3(&[("attributes", "")]).unwrap();
    bare.attributes_mut().insert("a", 1);
    assert_eq!(bare.stored("attributes"), Some(&json(r#"{"a": 1}"#)));
}

#[test]
fn v2_documents_are_written_attributes_first() {
    let mut array = v2(&[]).unwrap();
    assert_eq!(array.document().files(NonFiniteStyle::String).len(), 1);
    array.attributes_mut().insert("a", 1);
    let files = array.document().files(NonFiniteStyle::String);
    assert_eq!(
        files.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
        [".zattrs", ".zarray"]
    );
    assert_eq!(
        array.document().attributes_file(NonFiniteStyle::String),
        (".zattrs", "{\n  \"a\": 1\n}".to_owned())
    );
    let again = ArrayMetadata::parse_v2(files[1].1.as_bytes(), Some(files[0].1.as_bytes())).unwrap();
    assert_eq!(again, array);
}

#[test]
fn resizing_is_checked() {
    let array = v3(&[]).unwrap();
    let larger = array.with_shape(&[5, 0]).unwrap();
    assert_eq!(larger.shape(), [5, 0]);
    assert_eq!(larger.stored("shape"), Some(&json("[5, 0]")));
    assert!(array.with_shape(&[5]).is_err());
    assert!(array.with_shape(&[5, u64::MAX]).is_err());
    assert_eq!(v2(&[]).unwrap().with_shape(&[1, 1]).unwrap().shape(), [1, 1]);
}

#[test]
fn builders_write_the_strict_form() {
    let array = V3ArrayBuilder::new(&[10, 20], DataType::Float(FloatKind::Float32))
        .chunk_shape(&[5, 20])
        .fill_value(
            FillValue::from_element(&DataType::Float(FloatKind::Float32), &[0, 0, 0xc0, 0x7f]).unwrap(),
        )
        .dimension_names(vec![Some("y".to_owned()), None])
        .attributes(Object::from([("units", "K")]))
        .build()
        .unwrap();
    let expected = r#"{"zarr_format":3,"node_type":"array","shape":[10,20],"data_type":"float32","chunk_grid":{"name":"regular","configuration":{"chunk_shape":[5,20]}},"chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"fill_value":"NaN","codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"zstd","configuration":{"level":0,"checksum":false}}],"attributes":{"units":"K"},"dimension_names":["y",null]}"#;
    assert_eq!(
        array.document().main().print(json::PrintOptions::compact()),
        expected
    );
    let array = V2ArrayBuilder::new(&[10], DataType::Int(IntKind::Int16))
        .endianness(Endianness::Big)
        .order(Order::F)
        .separator(Separator::Slash)
        .chunk_shape(&[3])
        .build()
        .unwrap();
    let expected = r#"{"zarr_format":2,"shape":[10],"chunks":[3],"dtype":">i2","fill_value":0,"order":"F","filters":null,"dimension_separator":"/","compressor":{"id":"zstd","level":0}}"#;
    assert_eq!(
        array.document().main().print(json::PrintOptions::compact()),
        expected
    );
    assert!(array.document().zattrs().is_none());
}

#[test]
fn builders_take_every_data_type() {
    let fixed = [
        DataType::Bool,
        DataType::Int(IntKind::Int4),
        DataType::Float(FloatKind::Float8E4M3),
        DataType::RawBits { size_bytes: 3 },
        DataType::FixedLengthUtf32 { code_points: 3 },
        DataType::String,
        DataType::Bytes(BytesName::VariableLengthBytes),
    ];
    for data_type in fixed {
        let array = V3ArrayBuilder::new(&[0, 3], data_type.clone()).build().unwrap();
        assert_eq!(
            (array.data_type(), array.chunk_shape()),
            (&data_type, Some(vec![1, 3]))
        );
        array.ensure_supported().unwrap();
    }
    for data_type in [DataType::String, DataType::Bytes(BytesName::VariableLengthBytes)] {
        let array = V2ArrayBuilder::new(&[3], data_type.clone()).build().unwrap();
        assert_eq!(array.data_type(), &data_type);
    }
    assert!(
        V2ArrayBuilder::new(&[3], DataType::Int(IntKind::Int4))
            .build()
            .is_err()
    );
    let undefined = V2ArrayBuilder::new(&[3], DataType::Bool)
        .fill_value(None)
        .build()
        .unwrap();
    assert!(undefined.fill_value().unwrap().is_undefined());
    assert!(
        V3ArrayBuilder::new(&[3], DataType::Bool)
            .chunk_shape(&[0])
            .build()
            .is_err()
    );
    let objects = DataType::Object(ObjectType::Json);
    assert!(V3ArrayBuilder::new(&[3], objects).build().is_err());
}

fn consolidated(entries: &str) -> ConsolidatedMetadata {
    let text = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
        {{"kind": "inline", "must_understand": false, "metadata": {entries}}}}}"#
    );
    let node = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
    node.as_group().unwrap().consolidated().unwrap().unwrap()
}

fn paths(consolidated: &ConsolidatedMetadata) -> Vec<String> {
    consolidated.nodes().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn hostile_entries_are_refused_one_by_one() {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    let hostile = [
        "../x",
        "a/../../x",
        "/a",
        "a//b",
        "a/",
        "",
        ".",
        "a\\\\b",
        "a\\u0000b",
        "__x",
        "zarr.json",
        "a/...",
    ];
    let entries: Vec<_> = hostile
        .iter()
        .chain(&["good", "größe/数据"])
        .map(|key| format!("\"{key}\": {group}"))
        .collect();
    let read = consolidated(&format!("{{{}}}", entries.join(", ")));
    assert_eq!(paths(&read), ["/good", "/größe/数据"]);
    assert_eq!(read.refused().len(), hostile.len());
    let pointer = "/consolidated_metadata/metadata/..~1x";
    let error = read.refused()[0].error.clone().within("consolidated_metadata");
    assert_eq!(
        (read.refused()[0].key.as_str(), error.pointer()),
        ("../x", pointer)
    );
}

#[test]
fn broken_entries_stay_beside_the_healthy() {
    let read = consolidated(&format!(
        r#"{{"bad": {{"zarr_format": 3}}, "good": {V3}, "v2": {V2}}}"#
    ));
    assert_eq!(paths(&read), ["/bad", "/good", "/v2"]);
    let get = |name: &str| read.get(&NodePath::parse(name).unwrap()).unwrap();
    assert!(get("good").is_ok());
    assert_eq!(get("bad").as_ref().unwrap_err().pointer(), "/metadata/bad");
    assert_eq!(
        get("v2").as_ref().unwrap_err().pointer(),
        "/metadata/v2/zarr_format"
    );
}

#[test]
fn arrays_have_no_children() {
    let entries =
        format!(r#"{{"a/b": {V3}, "a/b/c": {V3}, "a": {V3}, "a-b": {V3}, "ab/c": {V3}, "a/x/y": {V3}}}"#);
    let read = consolidated(&entries);
    assert_eq!(paths(&read), ["/a", "/a-b", "/ab/c"]);
    let refused: Vec<_> = read.refused().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["a/b", "a/b/c", "a/x/y"]);
}

#[test]
fn empty_inner_maps_and_null_mean_nothing() {
    let read = consolidated(
        r#"{"g": {"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": {}}},
        "g/h": {"zarr_format": 3, "node_type": "group"}}"#,
    );
    assert_eq!(paths(&read), ["/g", "/g/h"]);
    let group = |field: &str| {
        let text = format!(r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {field}}}"#);
        let node = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
        node.as_group().unwrap().consolidated()
    };
    assert_eq!(group("null"), None);
    for (field, pointer) in [
        ("1", "/consolidated_metadata"),
        ("{}", "/consolidated_metadata"),
        (r#"{"kind": "inline"}"#, "/consolidated_metadata/metadata"),
        (
            r#"{"kind": "inline", "metadata": []}"#,
            "/consolidated_metadata/metadata",
        ),
        (
            r#"{"kind": "link", "metadata": {}}"#,
            "/consolidated_metadata/kind",
        ),
    ] {
        assert_eq!(group(field).unwrap().unwrap_err().pointer(), pointer, "{field}");
    }
}

#[test]
fn v2_consolidated_documents_are_read() {
    let text = format!(
        r#"{{"zarr_consolidated_format": 1, "metadata": {{".zgroup": {{"zarr_format": 2}}, ".zattrs": {{"t": 1}},
        "a/.zarray": {V2}, "a/.zattrs": {{"x": NaN}}, "a/.zgroup": {{"zarr_format": 2}}, "a/b/.zarray": {V2},
        "b/.zarray": {{}}, "c/.zattrs": {{}}, "../d/.zarray": {V2}, "e/.zarray/x": {V2}, "f/.zgroup": {{"zarr_format": 2}},
        "f/.zattrs": 1}}}}"#
    );
    let read = ConsolidatedMetadata::parse_v2(text.as_bytes()).unwrap();
    assert_eq!(paths(&read), ["/", "/a", "/b", "/f"]);
    let get = |name: &str| read.get(&NodePath::parse(name).unwrap()).unwrap().clone();
    assert_eq!(get("/").unwrap().attributes().get("t"), Some(&1.into()));
    assert!(
        get("a")
            .unwrap()
            .as_array()
            .unwrap()
            .attributes()
            .contains_key("x")
    );
    assert_eq!(get("b").unwrap_err().pointer(), "/metadata/b~1.zarray");
    assert_eq!(get("f").unwrap_err().pointer(), "/metadata/f~1.zattrs");
    let refused: Vec<_> = read.refused().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["../d/.zarray", "e/.zarray/x", "c/.zattrs", "a/b"]);
    for text in [
        "{}",
        "[]",
        r#"{"zarr_consolidated_format": 1}"#,
        r#"{"zarr_consolidated_format": "1", "metadata": {}}"#,
    ] {
        assert!(
            matches!(
                ConsolidatedMetadata::parse_v2(text.as_bytes()),
                Err(MetadataError::Invalid { .. })
            ),
            "{text}"
        );
    }
    let newer = br#"{"zarr_consolidated_format": 2, "metadata": {}}"#;
    assert!(matches!(
        ConsolidatedMetadata::parse_v2(newer),
        Err(MetadataError::Unsupported { .. })
    ));
}

#[test]
fn consolidated_metadata_is_written_and_read_back() {
    let path = |text: &str| NodePath::parse(text).unwrap();
    let array = NodeMetadata::Array(Box::new(v3(&[]).unwrap()));
    let group = NodeMetadata::Group(GroupMetadata::new(ZarrFormat::V3));
    let (g, a, ga) = (path("z"), path("a"), path("z/a"));
    let nodes = [(&ga, &array), (&g, &group), (&a, &array)];
    let root = GroupMetadata::new(ZarrFormat::V3)
        .with_consolidated(nodes)
        .unwrap();
    let (_, text) = root.document().files(NonFiniteStyle::String).remove(0);
    let read = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
    assert_eq!(read, NodeMetadata::Group(root.clone()));
    let keys: Vec<_> = json(&text)
        .pointer("/consolidated_metadata/metadata")
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .map(str::to_owned)
        .collect();
    assert_eq!(keys, ["a", "z", "z/a"]);
    let consolidated = root.consolidated().unwrap().unwrap();
    assert_eq!(consolidated.get(&ga).unwrap().as_ref().unwrap(), &array);
    assert!(
        consolidated
            .get(&g)
            .unwrap()
            .as_ref()
            .unwrap()
            .as_group()
            .unwrap()
            .consolidated()
            .is_some()
    );
    assert_eq!(root.without_consolidated(), GroupMetadata::new(ZarrFormat::V3));

    let mut v2_array = v2(&[]).unwrap();
    v2_array.attributes_mut().insert("x", 1);
    let v2_array = NodeMetadata::Array(Box::new(v2_array));
    let v2_group = NodeMetadata::Group(GroupMetadata::new(ZarrFormat::V2));
    let root_path = NodePath::root();
    let document =
        ConsolidatedMetadata::v2_document([(&ga, &v2_array), (&g, &v2_group), (&root_path, &v2_group)])
            .unwrap();
    let text = document.print(json::PrintOptions::pretty());
    let read = ConsolidatedMetadata::parse_v2(text.as_bytes()).unwrap();
    assert_eq!(paths(&read), ["/", "/z", "/z/a"]);
    assert_eq!(read.get(&ga).unwrap().as_ref().unwrap(), &v2_array);
    assert!(ConsolidatedMetadata::v2_document([(&a, &array)]).is_err());
    assert!(
        GroupMetadata::new(ZarrFormat::V3)
            .with_consolidated([(&a, &v2_array)])
            .is_err()
    );
}
