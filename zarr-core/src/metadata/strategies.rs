//! Generators of test input, all in one place.

use proptest::prelude::*;

use super::data_type::{ComplexName, Field, FloatKind, IntKind, StructType, TimeScale, TimeUnit};
use super::json::{Json, NonFinite, Number};
use super::{ArrayMetadata, ChunkAxis, ChunkGrid, ChunkRuns, DataType, FillValue, V3ArrayBuilder};

fn number() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        Just(Json::Number(Number::from(NonFinite::Infinity))),
        // Texts that no value of Rust prints.
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?"
            .prop_map(|text| Json::parse(text.as_bytes()).unwrap()),
    ]
}

/// Any JSON value, also of what JSON cannot say.
pub(super) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        number(),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 64, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..24).prop_map(Json::Array),
            prop::collection::vec((any::<String>(), inner), 0..24)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// A data type of fixed size, without text (not all bits are text), and an element of it.
pub(super) fn fixed_element() -> impl Strategy<Value = (DataType, Vec<u8>)> {
    fixed_type().prop_flat_map(|data_type| {
        let element = prop::collection::vec(any::<u8>(), data_type.size_bytes().unwrap());
        (
            Just(data_type.clone()),
            element.prop_map(move |bytes| in_range(&data_type, bytes)),
        )
    })
}

fn fixed_type() -> impl Strategy<Value = DataType> {
    let float = prop::sample::select(FloatKind::ALL.to_vec());
    let leaf = prop_oneof![
        Just(DataType::Bool),
        prop::sample::select(IntKind::ALL.to_vec()).prop_map(DataType::Int),
        float.clone().prop_map(DataType::Float),
        float.prop_map(|component| DataType::Complex {
            component,
            name: ComplexName::Component
        }),
        (1..9_usize).prop_map(|size_bytes| DataType::RawBits { size_bytes }),
        (1..9_usize).prop_map(|size_bytes| DataType::RawBytes { size_bytes }),
        (1..9_usize).prop_map(|size_bytes| DataType::NullTerminatedBytes { size_bytes }),
        Just(DataType::DateTime64(TimeScale {
            unit: TimeUnit::Second,
            scale_factor: 1
        })),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop::collection::vec(inner, 1..4).prop_map(|types| {
            let fields = types
                .into_iter()
                .enumerate()
                .map(|(i, data_type)| (format!("f{i}"), data_type));
            DataType::Struct(StructType::new(fields).unwrap())
        })
    })
}

/// Clears the bits that do not count.
fn in_range(data_type: &DataType, mut bytes: Vec<u8>) -> Vec<u8> {
    if let DataType::Struct(fields) = data_type {
        let field = |field: &Field| {
            let end = field.offset_bytes() + field.size_bytes();
            in_range(field.data_type(), bytes[field.offset_bytes()..end].to_vec())
        };
        return fields.fields().iter().flat_map(field).collect();
    }
    let bits = data_type.packed_bits().unwrap_or(8).min(8);
    bytes.iter_mut().for_each(|byte| *byte &= u8::MAX >> (8 - bits));
    bytes
}

/// A v3 array document: any fixed data type and fill value, rectilinear chunks, attributes.
pub(super) fn v3_array() -> impl Strategy<Value = ArrayMetadata> {
    let axis = (0..1000_u64, 1..50_u64, any::<bool>()).prop_map(|(length, edge, is_step)| {
        let runs = || ChunkRuns::new([(edge, length.div_ceil(edge).max(1)), (edge + 1, 2)]).unwrap();
        (
            length,
            if is_step {
                ChunkAxis::Step(edge)
            } else {
                ChunkAxis::Runs(runs())
            },
        )
    });
    let names = any::<Option<Vec<Option<String>>>>();
    (fixed_element(), prop::collection::vec(axis, 0..4), names, json()).prop_map(
        |((data_type, element), axes, names, json)| {
            let (shape, axes): (Vec<u64>, Vec<ChunkAxis>) = axes.into_iter().unzip();
            let fill_value = FillValue::from_element(&data_type, &element).unwrap();
            let builder = V3ArrayBuilder::new(&shape, data_type)
                .chunk_grid(ChunkGrid::rectilinear(axes))
                .fill_value(fill_value)
                .attributes([("any", json)].into());
            match names.filter(|names| names.len() >= shape.len()) {
                Some(names) => builder
                    .dimension_names(names[..shape.len()].to_vec())
                    .build()
                    .unwrap(),
                None => builder.build().unwrap(),
            }
        },
    )
}
