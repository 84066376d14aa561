use super::super::data_type::{BytesName, FloatKind, IntKind, ObjectType};
use super::super::*;
use super::{V2, parsed, v2};

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
    // Numbers in strings, as older netCDF-C wrote them.
    let text = r#"{"id": "blosc", "cname": "lz4", "clevel": "5", "shuffle": "1"}"#;
    v2(&[("compressor", text)]).unwrap();
    let array = v2(&[("dimension_separator", "null")]).unwrap();
    assert_eq!(array.chunk_key_encoding().unwrap().key(&[1, 0]), "1.0");
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
        (
            "compressor",
            r#"{"id": "blosc", "cname": "lz4", "clevel": "high"}"#,
            "/compressor/clevel",
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
    assert!(ArrayMetadata::from_v2_json(parsed(V2), Some(parsed("[]"))).is_err());
    assert!(GroupMetadata::parse_v2(br#"{"zarr_format": 3}"#, None).is_err());
    assert!(GroupMetadata::parse_v2(b"[]", None).is_err());
}
