use proptest::prelude::*;

use super::super::data_type::{Endianness, FloatKind, IntKind, V2DataType};
use super::super::json::Json;
use super::super::strategies;
use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn v3(data_type: &str, fill: &str) -> Result<FillValue, MetadataError> {
    let text = if data_type.starts_with('{') {
        data_type.to_owned()
    } else {
        format!("{data_type:?}")
    };
    FillValue::parse_v3(
        &DataType::parse_v3(&json(&text)).unwrap(),
        &json(fill),
        Endianness::Little,
    )
}

fn v2(data_type: &str, fill: &str) -> Result<FillValue, MetadataError> {
    let text = if data_type.starts_with('[') {
        data_type.to_owned()
    } else {
        format!("{data_type:?}")
    };
    FillValue::parse_v2(&V2DataType::parse(&json(&text)).unwrap(), &json(fill))
}

fn hex(fill: &FillValue) -> String {
    fill.element().iter().map(|byte| format!("{byte:02x}")).collect()
}

const UTF32: &str = r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":12}}"#;
const NULL_TERMINATED: &str = r#"{"name":"null_terminated_bytes","configuration":{"length_bytes":5}}"#;
const RAW: &str = r#"{"name":"raw_bytes","configuration":{"length_bytes":3}}"#;
const TIME: &str = r#"{"name":"numpy.datetime64","configuration":{"unit":"ns","scale_factor":1}}"#;
const STRUCT: &str = r#"{"name":"struct","configuration":{"fields":[{"name":"p","data_type":{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int8"},{"name":"b","data_type":"int32"}]}}},{"name":"v","data_type":"float64"}]}}"#;
const PAIR: &str = r#"{"name":"structured","configuration":{"fields":[["x","float32"],["n","uint16"]]}}"#;

/// Data type, fill value, bytes; whether printing gives the same form back.
const V3: &[(&str, &str, &str, bool)] = &[
    ("bool", "true", "01", true),
    ("bool", "false", "00", true),
    ("bool", "1", "01", false),
    ("bool", "0", "00", false),
    ("int8", "-128", "80", true),
    ("uint8", "255", "ff", true),
    ("int16", "-5", "fbff", true),
    ("uint32", "4294967295", "ffffffff", true),
    ("int64", "9007199254740993", "0100000000002000", true),
    ("int64", "-9223372036854775808", "0000000000000080", true),
    ("uint64", "18446744073709551615", "ffffffffffffffff", true),
    ("int4", "-5", "0b", true),
    ("int2", "-2", "02", true),
    ("uint4", "15", "0f", true),
    ("float16", "1.5", "003e", true),
    ("float16", "\"NaN\"", "007e", true),
    ("float16", "\"0x7e01\"", "017e", true),
    ("float32", "0.1", "cdcccc3d", true),
    ("float32", "1", "0000803f", false),
    ("float32", "\"0x7fc00001\"", "0100c07f", true),
    ("float32", "\"0x7FC00000\"", "0000c07f", false),
    ("float32", "\"0xff800000\"", "000080ff", false),
    ("float32", "\"-Infinity\"", "000080ff", true),
    ("float32", "NaN", "0000c07f", false),
    ("float32", "-Infinity", "000080ff", false),
    // Rounded once: by way of f64 this would be 1.
    ("float32", "1.00000005960464477540", "0100803f", false),
    ("float64", "-0.0", "0000000000000080", true),
    ("float64", "-0", "0000000000000080", false),
    ("float64", "5e-324", "0100000000000000", true),
    ("float64", "1e308", "a0c8eb85f3cce17f", true),
    ("float64", "\"0x7ff8000000000abc\"", "bc0a00000000f87f", true),
    ("float64", "\"0xfff8000000000000\"", "000000000000f8ff", true),
    ("bfloat16", "1.0", "803f", true),
    ("bfloat16", "\"0x7fc1\"", "c17f", true),
    ("float8_e4m3fn", "-4.5", "c9", true),
    ("float8_e4m3fn", "\"NaN\"", "7f", true),
    ("float8_e4m3fn", "\"0xff\"", "ff", true),
    ("float8_e4m3b11fnuz", "\"NaN\"", "80", true),
    ("float6_e3m2fn", "-28.0", "3f", true),
    ("float6_e3m2fn", "\"0x3f\"", "3f", false),
    ("float4_e2m1fn", "0.5", "01", true),
    (
        "complex64",
        "[\"0x7fc00001\", \"-Infinity\"]",
        "0100c07f000080ff",
        true,
    ),
    (
        "complex128",
        "[1.5, \"NaN\"]",
        "000000000000f83f000000000000f87f",
        true,
    ),
    ("complex_float32", "[0, NaN]", "000000000000c07f", false),
    ("complex_float4_e2m1fn", "[1.0, -6.0]", "020f", true),
    ("r24", "[1, 2, 255]", "0102ff", true),
    ("r24", "\"AQL/\"", "0102ff", false),
    ("string", "\"n/a é\"", "6e2f6120c3a9", true),
    ("string", "\"\"", "", true),
    ("bytes", "\"AQID\"", "010203", true),
    ("bytes", "[255, 0, 1]", "ff0001", false),
    ("variable_length_bytes", "\"\"", "", true),
    (UTF32, "\"aé\"", "61000000e900000000000000", true),
    (UTF32, "\"\"", "000000000000000000000000", true),
    (NULL_TERMINATED, "\"YQA=\"", "6100000000", false),
    (NULL_TERMINATED, "\"YWJjZGU=\"", "6162636465", true),
    (NULL_TERMINATED, "\"\"", "0000000000", true),
    (RAW, "\"AAAA\"", "000000", true),
    (TIME, "\"NaT\"", "0000000000000080", true),
    (TIME, "-9223372036854775808", "0000000000000080", false),
    (TIME, "-1", "ffffffffffffffff", true),
    (
        STRUCT,
        r#"{"p": {"a": 1, "b": -2}, "v": "NaN"}"#,
        "01feffffff000000000000f87f",
        true,
    ),
    (PAIR, r#"{"n": 3, "x": 1.5}"#, "0000c03f0300", true),
    (PAIR, "\"AADAPwMA\"", "0000c03f0300", false),
];

#[test]
fn v3_fill_values_are_exact_to_the_bit() {
    for &(data_type, fill, expected, same) in V3 {
        let parsed = v3(data_type, fill).unwrap_or_else(|e| panic!("{data_type} {fill}: {e}"));
        assert_eq!(hex(&parsed), expected, "{data_type} {fill}");
        assert_eq!(parsed.size_bytes() * 2, expected.len(), "{data_type} {fill}");
        let text = if data_type.starts_with('{') {
            data_type.to_owned()
        } else {
            format!("{data_type:?}")
        };
        let data_type = DataType::parse_v3(&json(&text)).unwrap();
        let printed = parsed.to_v3_json(&data_type).unwrap();
        assert_eq!(printed == json(fill), same, "{text} {fill}: {printed}");
        assert_eq!(
            FillValue::parse_v3(&data_type, &printed, Endianness::Little).unwrap(),
            parsed,
            "{printed}"
        );
        assert_eq!(
            FillValue::from_element(&data_type, parsed.element()).unwrap(),
            parsed,
            "{printed}"
        );
    }
}

#[test]
fn wrong_v3_fill_values_are_refused() {
    let cases = [
        ("bool", "2"),
        ("bool", "-1"),
        ("bool", "0.0"),
        ("bool", "null"),
        ("bool", "\"false\""),
        ("int32", "\"0\""),
        ("int32", "1.5"),
        ("int32", "1.0"),
        ("int32", "1e3"),
        ("int32", "true"),
        ("int32", "null"),
        ("int32", "2147483648"),
        ("uint8", "-1"),
        ("uint8", "256"),
        ("int4", "8"),
        ("uint2", "4"),
        ("uint64", "18446744073709551616"),
        ("int8", "NaN"),
        ("float32", "\"0x7fc0\""),
        ("float32", "\"0x7ff8000000000000\""),
        ("float32", "\"0x+fc00000\""),
        ("float32", "\"7fc00000\""),
        ("float32", "\"nan\""),
        ("float32", "\"1.0\""),
        ("float32", "null"),
        ("float32", "true"),
        ("float32", "[1]"),
        ("float6_e3m2fn", "\"0x40\""),
        ("float4_e2m1fn", "\"NaN\""),
        ("float4_e2m1fn", "7.5"),
        ("float8_e4m3fn", "\"Infinity\""),
        ("float8_e8m0fnu", "-0.0"),
        ("complex64", "0"),
        ("complex64", "[1]"),
        ("complex64", "[1, 2, 3]"),
        ("complex64", "[1, \"x\"]"),
        ("r24", "[1, 2]"),
        ("r24", "[1, 2, 256]"),
        ("r24", "\"AQI=\""),
        ("string", "0"),
        ("string", "null"),
        ("bytes", "\"a\""),
        ("bytes", "\"AQI\""),
        ("bytes", "[256]"),
        ("bytes", "0"),
        (UTF32, "\"abcd\""),
        (UTF32, "0"),
        (NULL_TERMINATED, "\"YWJjZGVm\""),
        (RAW, "\"AAA=\""),
        (RAW, "[0, 0, 0]"),
        (TIME, "\"nat\""),
        (TIME, "\"1970-01-01\""),
        (TIME, "1.5"),
        (TIME, "9223372036854775808"),
        (STRUCT, r#"{"p": {"a": 1, "b": 2}}"#),
        (STRUCT, r#"{"p": {"a": 1, "b": 2}, "v": 0.0, "w": 1}"#),
        (STRUCT, "0"),
        (PAIR, "\"AADAPw==\""),
    ];
    for (data_type, fill) in cases {
        let error = v3(data_type, fill).expect_err(&format!("{data_type} {fill}"));
        assert!(
            matches!(error, MetadataError::Invalid { .. }),
            "{data_type} {fill}: {error}"
        );
    }
    assert_eq!(
        v3(STRUCT, r#"{"p": {"a": 1, "b": "x"}, "v": 0}"#)
            .unwrap_err()
            .pointer(),
        "/p/b"
    );
    assert_eq!(v3("complex64", "[0, \"x\"]").unwrap_err().pointer(), "/1");
    let unknown = v3("fixed_point", "0").unwrap_err();
    assert!(matches!(unknown, MetadataError::Unsupported { .. }), "{unknown}");
}

#[test]
fn base64_of_a_struct_is_in_the_order_of_the_bytes_codec() {
    let data_type = DataType::parse_v3(&json(PAIR)).unwrap();
    // 1.5f32 and 3u16, big-endian.
    let fill = FillValue::parse_v3(&data_type, &json("\"P8AAAAAD\""), Endianness::Big).unwrap();
    assert_eq!(hex(&fill), "0000c03f0300");
}

#[test]
fn v2_fill_values_are_exact_to_the_bit() {
    let cases = [
        ("|b1", "true", "01"),
        ("|b1", "0", "00"),
        ("|b1", "1", "01"),
        (">i2", "-2", "feff"),
        ("<i4", "7.0", "07000000"),
        ("<i4", "0.0", "00000000"),
        ("<u8", "18446744073709551615", "ffffffffffffffff"),
        ("<i8", "9007199254740993", "0100000000002000"),
        (">f4", "\"NaN\"", "0000c07f"),
        ("<f4", "NaN", "0000c07f"),
        ("<f8", "\"-Infinity\"", "000000000000f0ff"),
        ("<f8", "0", "0000000000000000"),
        ("<f8", "-0.0", "0000000000000080"),
        ("<c8", "[\"NaN\", 0.0]", "0000c07f00000000"),
        ("<M8[ns]", "\"NaT\"", "0000000000000080"),
        (">m8[s]", "-1", "ffffffffffffffff"),
        ("<M8[ns]", "\"1970-01-01T00:00:00.000000000\"", "0000000000000000"),
        (">M8[ns]", "\"1969-12-31T23:59:59.999999999\"", "ffffffffffffffff"),
        ("<M8[25s]", "\"1970-01-01T00:00:50\"", "0200000000000000"),
        ("<M8[D]", "\"2000-03-01\"", "092b000000000000"),
        ("|S4", "\"AAAAAA==\"", "00000000"),
        ("|S4", "\"YWI=\"", "61620000"),
        ("|S4", "0", "00000000"),
        (">U3", "\"é\"", "e90000000000000000000000"),
        ("<U2", "0", "0000000000000000"),
        ("|V3", "\"AQID\"", "010203"),
        (
            r#"[["a","<i4"],["b","|S3"]]"#,
            "\"AQAAAGFiAA==\"",
            "01000000616200",
        ),
        (r#"[["a",">i4"],["b","<i2"]]"#, "\"AAAAAQIA\"", "010000000200"),
        (r#"[["a",">i2",[2]]]"#, "\"AAEAAg==\"", "01000200"),
        (r#"[["a","<i4"],["b","|S3"]]"#, "0", "00000000000000"),
    ];
    for (data_type, fill, expected) in cases {
        let parsed = v2(data_type, fill).unwrap_or_else(|e| panic!("{data_type} {fill}: {e}"));
        assert_eq!(hex(&parsed), expected, "{data_type} {fill}");
        assert!(!parsed.is_undefined());
    }
    for time in ["<M8[ns]", ">m8[s]", "<M8"] {
        let null = v2(time, "null").unwrap();
        assert!(null.is_undefined() && !null.is_zero(), "{time}");
        assert_eq!(null.element(), i64::MIN.to_le_bytes(), "{time}");
    }
    let null = v2("<f8", "null").unwrap();
    assert!(null.is_undefined() && null.is_zero() && null.element() == [0; 8]);
    assert_ne!(null, v2("<f8", "0").unwrap());
}

/// tensorstore writes its default fill value, all bits zero, as 0.0, which this type does not have.
#[test]
fn a_zero_of_a_type_without_one_is_all_bits_zero() {
    let scale = DataType::Float(FloatKind::Float8E8M0FnU);
    let parsed = FillValue::parse_v3(&scale, &json("0.0"), Endianness::Little).unwrap();
    assert_eq!(parsed.element(), [0]);
}

#[test]
fn v2_numbers_may_stand_in_strings_and_text_for_itself() {
    for (data_type, inside, outside) in [
        ("<i4", "\"0\"", "0"),
        (">i2", "\"-7\"", "-7"),
        ("<i8", "\"9223372036854775807\"", "9223372036854775807"),
        ("<u8", "\"18446744073709551615\"", "18446744073709551615"),
        ("|u1", "\"3.0\"", "3"),
        ("<f4", "\"0.1\"", "0.1"),
        (">f8", "\"-1e-320\"", "-1e-320"),
        ("<f8", "\"-0.0\"", "-0.0"),
    ] {
        let parsed = v2(data_type, inside).unwrap_or_else(|e| panic!("{data_type} {inside}: {e}"));
        assert_eq!(parsed, v2(data_type, outside).unwrap(), "{data_type} {inside}");
    }
    for (data_type, fill) in [
        ("|u1", "\"256\""),
        ("<i4", "\"1.5\""),
        ("<i4", "\"\""),
        ("<f8", "\"[1]\""),
    ] {
        assert!(v2(data_type, fill).is_err(), "{data_type} {fill}");
    }
    assert_eq!(v2("|S3", "\"ab\"").unwrap().element(), b"ab\0");
    assert_eq!(v2("|S1", "\"\\u0000\"").unwrap().element(), b"\0");
    assert!(v2("|S1", "\"ab\"").is_err());
    // In v3 a number is a number.
    assert!(FillValue::parse_v3(&DataType::Int(IntKind::Int8), &json("\"0\""), Endianness::Little).is_err());
}

/// As netCDF-C 4.8.0 wrote them.
#[test]
fn v2_fill_values_may_be_the_only_item_of_a_list() {
    for (data_type, inside) in [
        ("<i2", "-32767"),
        (">f4", "\"NaN\""),
        ("<f8", "null"),
        ("|S1", "\"\""),
        ("<c8", "[1.0, 2.0]"),
        ("<M8[s]", "0"),
    ] {
        let parsed =
            v2(data_type, &format!("[{inside}]")).unwrap_or_else(|e| panic!("{data_type} {inside}: {e}"));
        assert_eq!(parsed, v2(data_type, inside).unwrap(), "{data_type} {inside}");
    }
    for (data_type, fill) in [
        ("<i2", "[]"),
        ("<i2", "[1, 2]"),
        ("<i2", "[[1]]"),
        ("<c8", "[1.0]"),
    ] {
        assert!(v2(data_type, fill).is_err(), "{data_type} {fill}");
    }
    assert_eq!(v2("<i2", "[true]").unwrap_err().pointer(), "/0");
}

#[test]
fn wrong_v2_fill_values_are_refused() {
    for (data_type, fill) in [
        ("<i4", "\"abc\""),
        ("<i4", "1.5"),
        ("<i4", "1e3"),
        ("<i4", "true"),
        ("|u1", "256"),
        ("|b1", "2"),
        ("<f4", "\"abc\""),
        ("<c8", "0"),
        ("|S4", "\"abcdefgh\""),
        ("|V3", "\"AQI=\""),
        ("<U2", "\"abc\""),
        ("<M8[s]", "\"2020-01-01T00:00:00.5\""),
        ("<M8[s]", "\"2020\""),
        ("<M8", "\"2020-01-01\""),
        ("<m8[s]", "\"2020-01-01\""),
        (r#"[["a","<i4"]]"#, "\"AQ==\""),
    ] {
        let error = v2(data_type, fill).expect_err(&format!("{data_type} {fill}"));
        assert!(
            matches!(error, MetadataError::Invalid { .. }),
            "{data_type} {fill}: {error}"
        );
    }
}

#[test]
fn v2_objects_hold_text_bytes_or_json() {
    let parse = |data_type: DataType, fill: &str| {
        FillValue::parse_v2(
            &V2DataType {
                data_type,
                big_endian_runs: Vec::new(),
            },
            &json(fill),
        )
    };
    let object = |kind| DataType::Object(kind);
    use super::super::data_type::{BytesName, ObjectType};
    assert_eq!(
        parse(DataType::String, "\"é\"").unwrap().element(),
        "é".as_bytes()
    );
    assert_eq!(parse(DataType::String, "0").unwrap().element(), b"");
    assert_eq!(
        parse(DataType::Bytes(BytesName::Bytes), "\"AQI=\"")
            .unwrap()
            .element(),
        [1, 2]
    );
    assert_eq!(
        parse(object(ObjectType::Json), r#"{"b": 1, "a": [1.0]}"#)
            .unwrap()
            .element(),
        br#"{"a":[1.0],"b":1}"#
    );
    assert_eq!(parse(object(ObjectType::Json), "\"x\"").unwrap().element(), b"x");
    // A list of one is a value of its own.
    assert_eq!(parse(object(ObjectType::Json), "[7]").unwrap().element(), b"[7]");
    let ragged = object(ObjectType::Ragged(Box::new(DataType::Int(IntKind::Int32))));
    assert!(parse(ragged.clone(), "0").unwrap().element().is_empty());
    assert!(parse(ragged.clone(), "[1]").is_err());
    assert_eq!(
        element_to_json(&ragged, &[1, 0, 0, 0, 255, 255, 255, 255]).unwrap(),
        json("[1, -1]")
    );
    assert!(element_to_json(&ragged, &[1, 0, 0]).is_err());
    assert_eq!(
        element_to_json(&object(ObjectType::Json), b"[1,2]").unwrap(),
        json("[1, 2]")
    );
    assert_eq!(
        element_to_json(&object(ObjectType::Json), b"12").unwrap(),
        Json::from("12")
    );
    assert_eq!(
        element_to_json(&object(ObjectType::Json), b"").unwrap(),
        Json::Null
    );
}

#[test]
fn elements_print_as_json() {
    let sub_arrays = V2DataType::parse(&json(r#"[["a","<i2",[2,2]],["b","|b1"]]"#))
        .unwrap()
        .data_type;
    let element = [1, 0, 2, 0, 3, 0, 4, 0, 1];
    assert_eq!(
        element_to_json(&sub_arrays, &element).unwrap(),
        json(r#"{"a": [[1, 2], [3, 4]], "b": true}"#)
    );
    assert!(element_to_json(&sub_arrays, &element[1..]).is_err());
    assert!(element_to_json(&DataType::String, b"\xff").is_err());
    let text = DataType::FixedLengthUtf32 { code_points: 1 };
    assert!(element_to_json(&text, &[0, 0xd8, 0, 0]).is_err());
}

#[test]
fn v2_forms_are_written() {
    let write = |data_type: &str, fill: &str| {
        let text = if data_type.starts_with('[') {
            data_type.to_owned()
        } else {
            format!("{data_type:?}")
        };
        let parsed = V2DataType::parse(&json(&text)).unwrap();
        let order = parsed.endianness().unwrap_or(Endianness::Little);
        v2(data_type, fill)
            .unwrap()
            .to_v2_json(&parsed.data_type, order)
            .unwrap()
            .to_string()
    };
    for (data_type, fill) in [
        ("<i8", "9007199254740993"),
        ("|b1", "false"),
        (">f4", "\"NaN\""),
        ("<f8", "null"),
        ("<c8", "[\"NaN\",0.0]"),
        ("<M8[ns]", "\"NaT\""),
        ("|S4", "\"AAAAAA==\""),
        (">U3", "\"é\""),
        (r#"[["a",">i4"],["b",">i2"]]"#, "\"AAAAAQAC\""),
    ] {
        assert_eq!(write(data_type, fill), fill, "{data_type}");
    }
    let payload = v3("float32", "\"0x7fc00001\"").unwrap();
    let error = payload
        .to_v2_json(&DataType::Float(FloatKind::Float32), Endianness::Little)
        .unwrap_err();
    assert!(matches!(error, MetadataError::Unsupported { .. }));
}

#[test]
fn huge_elements_cost_nothing_until_asked_for() {
    let text = r#"{"name":"struct","configuration":{"fields":[["a",{"name":"fixed_length_utf32","configuration":{"length_bytes":1000000000}}],["b","int8"]]}}"#;
    let fill = v3(text, r#"{"a": "x", "b": 1}"#).unwrap();
    assert_eq!(fill.size_bytes(), 1_000_000_001);
    assert_eq!(fill.pieces, [(0, vec![b'x']), (1_000_000_000, vec![1])]);
    assert!(!fill.is_zero());
}

#[test]
fn equal_elements_are_equal_however_they_came() {
    let text = r#"{"name":"struct","configuration":{"fields":[["a",{"name":"fixed_length_utf32","configuration":{"length_bytes":400}}],["b","int8"],["c","int16"]]}}"#;
    for (fill, pieces) in [
        (r#"{"a": "xy", "b": 1, "c": 0}"#, 2),
        (r#"{"a": "", "b": 0, "c": 256}"#, 1),
        (r#"{"a": "", "b": 0, "c": 0}"#, 0),
    ] {
        let parsed = v3(text, fill).unwrap();
        assert_eq!(parsed.pieces.len(), pieces, "{fill}");
        let data_type = DataType::parse_v3(&json(text)).unwrap();
        assert_eq!(
            FillValue::from_element(&data_type, parsed.element()).unwrap(),
            parsed,
            "{fill}"
        );
    }
}

proptest! {
    #[test]
    fn elements_survive_json((data_type, element) in strategies::fixed_element()) {
        let printed = element_to_json(&data_type, &element).unwrap();
        let strict = Json::parse(printed.to_string().as_bytes()).unwrap();
        let parsed = FillValue::parse_v3(&data_type, &strict, Endianness::Little).unwrap();
        prop_assert_eq!(parsed.element(), &element[..], "{}", printed);
    }
}
