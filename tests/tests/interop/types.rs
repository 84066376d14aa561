//! The data types of the matrix, all that we write, under the names that the table of refusals has for them.

use zarr_core::metadata::data_type::{
    BytesName, ComplexName, Endianness, FloatKind, IntKind, ObjectType, TimeScale, TimeUnit, V2DataType,
};
use zarr_core::metadata::{DataType, Json, NamedConfig};

use super::chains;
use super::values::Values;

/// A data type of the matrix.
pub(crate) struct Type {
    pub(crate) label: String,
    pub(crate) data_type: DataType,
    /// The object codec that makes a v2 array of objects one of this type.
    pub(crate) object: Option<NamedConfig>,
    /// What all chains take instead of [`Values::Any`].
    pub(crate) values: Option<Values>,
}

impl Type {
    fn named(label: impl Into<String>, data_type: DataType) -> Self {
        Self {
            label: label.into(),
            data_type,
            object: None,
            values: None,
        }
    }

    fn new(data_type: DataType) -> Self {
        Self::named(data_type.name().into_owned(), data_type)
    }

    fn object(label: impl Into<String>, data_type: DataType, codec: NamedConfig) -> Self {
        Self {
            object: Some(codec),
            ..Self::named(label, data_type)
        }
    }
}

fn parse(json: &str) -> DataType {
    DataType::parse_v3(&Json::parse(json.as_bytes()).unwrap()).unwrap()
}

fn complex(component: FloatKind, name: ComplexName) -> DataType {
    DataType::Complex { component, name }
}

fn time(unit: TimeUnit, scale_factor: u32) -> TimeScale {
    TimeScale { unit, scale_factor }
}

/// All types of v3.
pub(crate) fn of_v3() -> Vec<Type> {
    let mut types = vec![DataType::Bool];
    types.extend(IntKind::ALL.map(DataType::Int));
    types.extend(FloatKind::ALL.map(DataType::Float));
    types.extend([FloatKind::Float32, FloatKind::Float64].map(|kind| complex(kind, ComplexName::TotalBits)));
    types.extend(FloatKind::ALL.map(|kind| complex(kind, ComplexName::Component)));
    types.extend(
        [
            r#""r24""#,
            r#"{"name":"raw_bytes","configuration":{"length_bytes":6}}"#,
            r#"{"name":"null_terminated_bytes","configuration":{"length_bytes":5}}"#,
            r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":12}}"#,
            r#"{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int16"},{"name":"b","data_type":"float64"},{"name":"c","data_type":"bool"}]}}"#,
            r#""string""#,
            r#""bytes""#,
            r#""variable_length_bytes""#,
        ]
        .map(parse),
    );
    let mut types: Vec<Type> = types.into_iter().map(Type::new).collect();
    types.extend(times());
    let inner = r#"{"name":"struct","configuration":{"fields":[{"name":"x","data_type":"uint8"},{"name":"y","data_type":"complex64"}]}}"#;
    let text = r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":8}}"#;
    let nested = format!(
        r#"{{"name":"struct","configuration":{{"fields":[{{"name":"a","data_type":{inner}}},{{"name":"b","data_type":{text}}}]}}}}"#
    );
    types.push(Type::named("struct in struct", parse(&nested)));
    types
}

/// Times of a usual scale and of another one.
fn times() -> [Type; 4] {
    [
        Type::new(DataType::DateTime64(time(TimeUnit::Nanosecond, 1))),
        Type::new(DataType::TimeDelta64(time(TimeUnit::Microsecond, 25))),
        Type::named(
            "numpy.datetime64 of 10 days",
            DataType::DateTime64(time(TimeUnit::Day, 10)),
        ),
        Type::named(
            "numpy.timedelta64 of nothing",
            DataType::TimeDelta64(time(TimeUnit::Generic, 1)),
        ),
    ]
}

/// All types of v2, those of `|O` in the given byte order.
pub(crate) fn of_v2(endianness: Endianness) -> Vec<Type> {
    let mut types: Vec<Type> = scalars().into_iter().map(Type::new).collect();
    types.extend(times());
    let inner = Json::parse(br#"[["a","<i2"],["b",[["x","<c8"],["y","|b1"]]]]"#).unwrap();
    let array = Json::parse(br#"[["a","<u2",[2,2]],["b","|S3",[2]]]"#).unwrap();
    let plain = Json::parse(br#"[["a","<i2"],["b","<c8"],["c","|b1"]]"#).unwrap();
    for (label, json) in [
        ("struct", plain),
        ("struct in struct", inner),
        ("struct of arrays", array),
    ] {
        types.push(Type::named(label, V2DataType::parse(&json).unwrap().data_type));
    }
    types.extend(objects(endianness));
    types
}

fn scalars() -> Vec<DataType> {
    let mut types = vec![DataType::Bool];
    types.extend(
        IntKind::ALL
            .into_iter()
            .filter(|kind| kind.bits() >= 8)
            .map(DataType::Int),
    );
    types.extend([FloatKind::Float16, FloatKind::Float32, FloatKind::Float64].map(DataType::Float));
    types.extend([FloatKind::Float32, FloatKind::Float64].map(|kind| complex(kind, ComplexName::TotalBits)));
    types.extend([
        DataType::RawBytes { size_bytes: 6 },
        DataType::NullTerminatedBytes { size_bytes: 5 },
        DataType::FixedLengthUtf32 { code_points: 3 },
    ]);
    types
}

/// Arrays of objects by each object codec; `vlen-array` has items of every fixed size.
fn objects(endianness: Endianness) -> Vec<Type> {
    let plain = |codec: &str, data_type| Type::object(codec, data_type, NamedConfig::new(codec));
    let mut types = vec![
        plain("vlen-utf8", DataType::String),
        plain("vlen-bytes", DataType::Bytes(BytesName::VariableLengthBytes)),
        plain("json2", DataType::Object(ObjectType::Json)),
        plain("msgpack2", DataType::Object(ObjectType::Json)),
        Type {
            values: Some(Values::Labels),
            ..Type::object(
                "categorize",
                DataType::String,
                chains::categorize("|O", endianness),
            )
        },
    ];
    let times = [
        DataType::DateTime64(time(TimeUnit::Second, 1)),
        DataType::TimeDelta64(time(TimeUnit::Day, 1)),
    ];
    types.extend(scalars().into_iter().chain(times).map(|item| {
        let dtype = item.to_v2_json(endianness).unwrap();
        let codec = chains::v2("vlen-array", &format!(r#""dtype":{dtype}"#));
        let label = format!("vlen-array of {}", item.name());
        Type::object(label, DataType::Object(ObjectType::Ragged(Box::new(item))), codec)
    }));
    types
}
