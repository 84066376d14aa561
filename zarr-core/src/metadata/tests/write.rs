use proptest::prelude::*;

use super::super::data_type::{BytesName, Endianness, FloatKind, IntKind, ObjectType};
use super::super::json::{NonFiniteStyle, Object, PrintOptions};
use super::super::*;
use super::{parsed, v2, v3};
use crate::node_path::NodePath;

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
    assert_eq!(bare.stored("attributes"), Some(&parsed(r#"{"a": 1}"#)));
}

/// Old forms are read, and stay what they are where something else changes.
#[test]
fn an_update_keeps_the_forms_of_old_writers() {
    let codecs = r#"[{"name": "transpose", "configuration": {"order": "F"}}, {"name": "bytes", "configuration": {"endian": null}}]"#;
    let v3_members = [("data_type", "\"bool\""), ("fill_value", "0"), ("codecs", codecs)];
    let v2_members = [
        ("fill_value", "[-32767]"),
        ("dimension_separator", "null"),
        ("filters", r#"[{"id": "shuffle", "elementsize": 0}]"#),
        ("compressor", r#"{"id": "zlib", "level": "5"}"#),
    ];
    for (mut array, members) in [
        (v3(&v3_members).unwrap(), &v3_members[..]),
        (v2(&v2_members).unwrap(), &v2_members),
    ] {
        array.attributes_mut().insert("a", 1);
        let array = array.with_shape(&[8, 6]).unwrap();
        let (_, text) = array.document().files(NonFiniteStyle::String).pop().unwrap();
        let stored = parsed(&text);
        let path = NodePath::parse("a").unwrap();
        let node = NodeMetadata::Array(Box::new(array));
        let nodes = [(&path, &node)];
        let copy = match node.zarr_format() {
            ZarrFormat::V3 => {
                let group = GroupMetadata::new(ZarrFormat::V3)
                    .with_consolidated(nodes)
                    .unwrap();
                let copies = group.document().main().get("consolidated_metadata").unwrap();
                copies
                    .get("metadata")
                    .and_then(|all| all.get("a"))
                    .cloned()
                    .unwrap()
            }
            ZarrFormat::V2 => {
                let copies = ConsolidatedMetadata::v2_document(nodes).unwrap();
                copies
                    .get("metadata")
                    .and_then(|all| all.get("a/.zarray"))
                    .cloned()
                    .unwrap()
            }
        };
        for (key, value) in members {
            assert_eq!(stored.get(key), Some(&parsed(value)), "{key}");
            assert_eq!(copy.get(key), Some(&parsed(value)), "consolidated {key}");
        }
    }
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
    assert_eq!(larger.stored("shape"), Some(&parsed("[5, 0]")));
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
    assert_eq!(array.document().main().print(PrintOptions::compact()), expected);
    let array = V2ArrayBuilder::new(&[10], DataType::Int(IntKind::Int16))
        .endianness(Endianness::Big)
        .order(Order::F)
        .separator(Separator::Slash)
        .chunk_shape(&[3])
        .build()
        .unwrap();
    let expected = r#"{"zarr_format":2,"shape":[10],"chunks":[3],"dtype":">i2","fill_value":0,"order":"F","filters":null,"dimension_separator":"/","compressor":{"id":"zstd","level":0}}"#;
    assert_eq!(array.document().main().print(PrintOptions::compact()), expected);
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

proptest! {
    #[test]
    fn v3_documents_are_read_as_they_were_written(array in strategies::v3_array()) {
        for (_, text) in array.document().files(NonFiniteStyle::Token) {
            let read = NodeMetadata::parse_v3(text.as_bytes()).unwrap();
            prop_assert_eq!(read.as_array(), Some(&array));
        }
    }
}
