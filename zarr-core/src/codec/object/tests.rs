//! Reading and writing of object documents.

use proptest::prelude::*;

use super::*;
use crate::metadata::DataType;
use crate::metadata::data_type::ObjectType;
use crate::metadata::json::Object;

fn codec(format: Format, shape: &[u64]) -> Result<Objects> {
    let array = Representation::new(shape.to_vec(), DataType::Object(ObjectType::Json), Vec::new())?;
    Objects::new(format, Config::new("objects", &Object::new()), &array)
}

fn order_f(format: Format, shape: &[u64]) -> Result<Objects> {
    let array = Representation::new(shape.to_vec(), DataType::Object(ObjectType::Json), Vec::new())?;
    codec(format, shape)?.with_order_f(&array)
}

fn elements<T: AsRef<[u8]>>(elements: &[T]) -> VariableLength {
    let mut list = VariableLength::default();
    elements.iter().for_each(|element| list.push(element.as_ref()));
    list
}

fn encode<T: AsRef<[u8]>>(codec: &Objects, values: &[T]) -> Result<Vec<u8>> {
    codec.encode(ChunkRef::Variable(&elements(values)), &mut Scratch::new())
}

fn decode(format: Format, shape: &[u64], document: &[u8]) -> Result<Vec<String>> {
    let values = codec(format, shape)?.decode_variable(document, &mut Scratch::new())?;
    Ok(values
        .iter()
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect())
}

#[test]
fn json_values_become_what_python_prints() {
    let document = r#"["é\"",null,false,true,0,-0.0,12345678901234567890123,1e5,1e16,1e-5,0.1,NaN,{"b":["é\u0001🙂"],"a":1},[],"|O",[14]]"#;
    let expected = [
        "é\"",
        "",
        "",
        "true",
        "",
        "",
        "12345678901234567890123",
        "100000.0",
        "1e+16",
        "1e-05",
        "0.1",
        "NaN",
        r#"{"a":1,"b":["\u00e9\u0001\ud83d\ude42"]}"#,
        "[]",
    ];
    assert_eq!(
        decode(Format::Json, &[14], document.as_bytes()).unwrap(),
        expected
    );
}

#[test]
fn nested_values_follow_the_shape() {
    assert_eq!(
        decode(Format::Json, &[2, 2], br#"[["a","b"],["c","d"],"|O",[2,2]]"#).unwrap(),
        ["a", "b", "c", "d"]
    );
    assert_eq!(decode(Format::Json, &[], br#"["a","|O",[]]"#).unwrap(), ["a"]);
    for wrong in [
        r#"["a","b","c","d","|O",[2,2]]"#,
        r#"[["a","b"],["c"],"|O",[2,2]]"#,
        r#"[["a","b"],["c","d"],"|O",[4,2]]"#,
        r#"[["a","b"],["c","d"]]"#,
        "{}",
        "[",
    ] {
        assert!(
            decode(Format::Json, &[2, 2], wrong.as_bytes()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn message_pack_is_read() {
    let document = [
        0x96, // six items
        0xa1, b'a', // "a"
        0xc4, 2, 0, 0xff, // bytes
        0x81, 0xa1, b'k', 0x92, 1, 0xd1, 0xff, 0x00, // {"k": [1, -256]}
        0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, // 1.5
        0xa2, b'|', b'O', // type
        0x91, 4, // shape
    ];
    let values = decode(Format::MessagePack, &[4], &document).unwrap();
    assert_eq!(values, ["a", "\0\u{fffd}", r#"{"k":[1,-256]}"#, "1.5"]);
    for len in 0..document.len() {
        assert!(
            decode(Format::MessagePack, &[4], &document[..len]).is_err(),
            "cut at {len}"
        );
    }
}

#[test]
fn hostile_message_pack_is_refused() {
    // A list of 2^32 - 1 items, and lists inside each other.
    assert!(decode(Format::MessagePack, &[4], &[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(decode(Format::MessagePack, &[4], &vec![0x91; 1_000_000]).is_err());
}

/// What numcodecs 0.15.1 writes for the same values.
#[test]
fn documents_are_those_of_numcodecs() {
    let values = ["a", "1", "", r#"{"b":[1,2]}"#, "2.5", "é"];
    let json = codec(Format::Json, &[2, 3]).unwrap();
    assert_eq!(
        encode(&json, &values).unwrap(),
        br#"[["a",1,null],[{"b":[1,2]},2.5,"\u00e9"],"|O",[2,3]]"#
    );
    let message_pack = codec(Format::MessagePack, &[2, 3]).unwrap();
    let expected =
        b"\x94\x93\xa1a\x01\xc0\x93\x81\xa1b\x92\x01\x02\xcb@\x04\0\0\0\0\0\0\xa2\xc3\xa9\xa2|O\x92\x02\x03";
    assert_eq!(encode(&message_pack, &values).unwrap(), expected);
    // Without dimensions; of order F.
    assert_eq!(
        encode(&codec(Format::Json, &[]).unwrap(), &["a"]).unwrap(),
        br#"["a","|O",[]]"#
    );
    let scalar = codec(Format::MessagePack, &[]).unwrap();
    assert_eq!(encode(&scalar, &["a"]).unwrap(), b"\x93\xa1a\xa2|O\x91\x01");
    let flat = order_f(Format::Json, &[2, 3]).unwrap();
    let document = encode(&flat, &["a", "b", "c", "d", "e", "f"]).unwrap();
    assert_eq!(document, br#"["a","d","b","e","c","f","|O",[6]]"#);
    let back = flat.decode_variable(&document, &mut Scratch::new()).unwrap();
    assert_eq!(back, elements(&["a", "b", "c", "d", "e", "f"]));
}

#[test]
fn every_length_has_its_head() {
    let array = codec(Format::MessagePack, &[1]).unwrap();
    for length in [1, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(length);
        let list = format!("[{}]", vec!["1"; length].join(","));
        let map: Vec<String> = (0..length).map(|key| format!("\"{key:06}\":null")).collect();
        let map = format!("{{{}}}", map.join(","));
        for element in [
            text.as_bytes(),
            &vec![0xff; length],
            list.as_bytes(),
            map.as_bytes(),
        ] {
            let document = encode(&array, &[element]).unwrap();
            let back = array.decode_variable(&document, &mut Scratch::new()).unwrap();
            assert!(back == elements(&[element]), "{length} {:x?}", &document[..4]);
        }
    }
    let all: Vec<String> = [7, 8, 15, 16, 31, 32, 63, 64]
        .into_iter()
        .flat_map(|bits| [(1_i128 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1])
        .filter(|value| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value))
        .map(|value| value.to_string())
        .collect();
    let array = codec(Format::MessagePack, &[all.len() as u64]).unwrap();
    let document = encode(&array, &all).unwrap();
    let back = array.decode_variable(&document, &mut Scratch::new()).unwrap();
    assert_eq!(back, elements(&all));
}

#[test]
fn what_a_language_cannot_say_is_refused() {
    let json = codec(Format::Json, &[1]).unwrap();
    let message_pack = codec(Format::MessagePack, &[1]).unwrap();
    assert!(encode(&json, &[[0xff]]).is_err());
    assert!(encode(&message_pack, &[[0xff]]).is_ok());
    assert!(encode(&json, &["18446744073709551616"]).is_ok());
    assert!(encode(&message_pack, &["18446744073709551616"]).is_err());
    // As deep as can be read back, and one level deeper.
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for codec in [&json, &message_pack] {
        let document = encode(codec, &[deep(MAX_JSON_DEPTH - 1)]).unwrap();
        let back = codec.decode_variable(&document, &mut Scratch::new()).unwrap();
        assert_eq!(back, elements(&[deep(MAX_JSON_DEPTH - 1)]));
        assert!(encode(codec, &[deep(MAX_JSON_DEPTH)]).is_err());
    }
    let utf_16 = Object::from([("encoding", Json::from("utf-16"))]);
    let array = Representation::new(vec![1], DataType::Object(ObjectType::Json), Vec::new()).unwrap();
    assert!(Objects::new(Format::Json, Config::new("json2", &utf_16), &array).is_err());
}

/// A document shows more than its elements: the text `1` and the number, `None` and `False`. What is not changed keeps it.
#[test]
fn values_that_are_not_changed_stay_what_they_were() {
    let codec = codec(Format::Json, &[2, 3]).unwrap();
    let before = br#"[["1",1,false],["",null,"[]"],"|O",[2,3]]"#;
    let mut values: Vec<Vec<u8>> = codec
        .decode_variable(before, &mut Scratch::new())
        .unwrap()
        .iter()
        .map(<[u8]>::to_vec)
        .collect();
    values[1] = b"2".to_vec();
    values[5] = b"{}".to_vec();
    let list = elements(&values);
    let after = codec.encode_over(ChunkRef::Variable(&list), before, &mut Scratch::new());
    assert_eq!(after.unwrap(), br#"[["1",2,false],["",null,{}],"|O",[2,3]]"#);
    let flat = order_f(Format::Json, &[2, 3]).unwrap();
    let before = br#"["1","",1,null,false,"[]","|O",[6]]"#;
    let after = flat.encode_over(ChunkRef::Variable(&list), before, &mut Scratch::new());
    assert_eq!(after.unwrap(), br#"["1","",2,null,false,{},"|O",[6]]"#);
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..6),
        2 => "[a-z0-9\"\\\\é🙂\n]{0,8}".prop_map(String::into_bytes),
        2 => any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        1 => any::<f64>().prop_map(|value| Value::Float(value).to_json().into_bytes()),
        1 => "[0-9truefalsn.e+\\-]{1,5}".prop_map(String::into_bytes),
        1 => "\\{\"[ab]\":(1|-0\\.0|\"é\"|\\[\\]|null)\\}".prop_map(String::into_bytes),
    ]
}

proptest! {
    /// Whatever is written is read again, letter by letter.
    #[test]
    fn what_is_encoded_is_decoded(values in proptest::collection::vec(element(), 12), shape in 0..4_usize) {
        let shape: &[u64] = [&[12][..], &[3, 4], &[2, 1, 6], &[12, 1]][shape];
        for codec in [
            codec(Format::Json, shape).unwrap(),
            codec(Format::MessagePack, shape).unwrap(),
            order_f(Format::Json, shape).unwrap(),
            order_f(Format::MessagePack, shape).unwrap(),
        ] {
            match encode(&codec, &values) {
                Ok(document) => {
                    let back = codec.decode_variable(&document, &mut Scratch::new()).unwrap();
                    prop_assert_eq!(back, elements(&values));
                }
                Err(error) => {
                    let text = codec.format == Format::MessagePack
                        || values.iter().all(|value| std::str::from_utf8(value).is_ok());
                    prop_assert!(!text, "{}", error);
                }
            }
        }
    }
}
