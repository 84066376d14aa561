//! Random arrays with random steps on them, and the array in memory that they must be equal to.

use proptest::prelude::*;
use zarr_core::array::{Select, Selection};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{ArrayMetadata, DataType, FillValue, Json, NamedConfig, V3ArrayBuilder};

/// An array in memory: what the array in the store must be equal to.
#[derive(Clone, Debug)]
pub(crate) struct Model<T> {
    pub(crate) shape: Vec<u64>,
    pub(crate) elements: Vec<T>,
}

impl<T> Model<T> {
    /// The places of the selected elements, in the order of the result, as numpy would have them.
    pub(crate) fn places(&self, selection: &Selection) -> Vec<usize> {
        let mut places = vec![0_usize];
        for (dim, length) in self.shape.iter().enumerate() {
            let wanted: Vec<u64> = selection.wanted(dim).collect();
            places = places
                .iter()
                .flat_map(|place| {
                    wanted
                        .iter()
                        .map(move |at| place * *length as usize + *at as usize)
                })
                .collect();
        }
        places
    }

    /// The place of one point; negative coordinates count from the end.
    pub(crate) fn place(&self, point: &[i64]) -> usize {
        point.iter().zip(&self.shape).fold(0, |place, (at, length)| {
            let at = if *at < 0 { *length as i64 + at } else { *at };
            place * *length as usize + at as usize
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Vec<Select>, u16),
    Read(Vec<Select>),
    Points(Vec<Vec<i64>>),
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) shape: Vec<u64>,
    pub(crate) chunk: Vec<u64>,
    pub(crate) codecs: Vec<NamedConfig>,
    pub(crate) fill: u16,
    pub(crate) steps: Vec<Step>,
}

impl Case {
    /// The document of its array.
    pub(crate) fn metadata(&self) -> ArrayMetadata {
        let data_type = DataType::Int(IntKind::UInt16);
        let fill = FillValue::from_element(&data_type, &self.fill.to_le_bytes()).unwrap();
        V3ArrayBuilder::new(&self.shape, data_type)
            .chunk_shape(&self.chunk)
            .codecs(self.codecs.clone())
            .fill_value(fill)
            .build()
            .unwrap()
    }

    /// The elements of a write step. Some writes are fill value again, so that chunks become empty.
    pub(crate) fn written(&self, seed: u16, count: usize) -> Vec<u16> {
        let value = |i: usize| {
            if seed.is_multiple_of(3) {
                self.fill
            } else {
                seed.wrapping_add(i as u16 * 7)
            }
        };
        (0..count).map(value).collect()
    }
}

fn select(length: u64) -> impl Strategy<Value = Select> {
    let n = length as i64;
    let bound = -n - 2..n + 3;
    let index = if n == 0 { Just(0).boxed() } else { (-n..n).boxed() };
    let indices = if n == 0 {
        Just(Vec::new()).boxed()
    } else {
        proptest::collection::vec(-n..n, 0..6).boxed()
    };
    prop_oneof![
        4 => (proptest::option::of(bound.clone()), proptest::option::of(bound), 1..4_u64)
            .prop_map(|(start, stop, step)| Select::Range { start, stop, step }),
        1 => if n == 0 { Just(Select::all()).boxed() } else { index.prop_map(Select::Index).boxed() },
        1 => indices.prop_map(Select::Indices),
        2 => Just(Select::all()),
    ]
}

fn named(json: &str) -> NamedConfig {
    NamedConfig::parse(&Json::parse(json.as_bytes()).unwrap()).unwrap()
}

fn codecs(rank: usize, chunk: &[u64]) -> impl Strategy<Value = Vec<NamedConfig>> + use<> {
    let bytes = named(r#"{"name":"bytes","configuration":{"endian":"big"}}"#);
    let zstd = named(r#"{"name":"zstd","configuration":{"level":1,"checksum":true}}"#);
    let blosc = named(
        r#"{"name":"blosc","configuration":{"cname":"lz4","clevel":5,"shuffle":"shuffle","typesize":2,"blocksize":0}}"#,
    );
    let order: Vec<usize> = (0..rank).rev().collect();
    let transpose = named(&format!(
        r#"{{"name":"transpose","configuration":{{"order":{order:?}}}}}"#
    ));
    let shard = |inner: &[u64], location: &str| {
        named(&format!(
            r#"{{"name":"sharding_indexed","configuration":{{"chunk_shape":{inner:?},"index_location":"{location}",
            "codecs":[{{"name":"bytes","configuration":{{"endian":"little"}}}},{{"name":"zstd","configuration":{{"level":1,"checksum":false}}}}],
            "index_codecs":[{{"name":"bytes","configuration":{{"endian":"little"}}}},{{"name":"crc32c"}}]}}}}"#
        ))
    };
    let halves: Vec<u64> = chunk
        .iter()
        .map(|edge| if edge % 2 == 0 { edge / 2 } else { *edge })
        .collect();
    let reversed: Vec<u64> = halves.iter().rev().copied().collect();
    prop_oneof![
        Just(vec![bytes.clone()]),
        Just(vec![bytes.clone(), zstd.clone()]),
        Just(vec![transpose.clone(), bytes, blosc]),
        Just(vec![shard(&halves, "end")]),
        Just(vec![shard(&halves, "start")]),
        Just(vec![transpose, shard(&reversed, "end")]),
        Just(vec![shard(&halves, "end"), zstd]),
    ]
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    proptest::collection::vec((0..12_u64, 1..7_u64), 0..4).prop_flat_map(|dims| {
        let shape: Vec<u64> = dims.iter().map(|(length, _)| *length).collect();
        let chunk: Vec<u64> = dims.iter().map(|(_, edge)| *edge).collect();
        let selects = || shape.iter().map(|length| select(*length)).collect::<Vec<_>>();
        let point: Vec<_> = shape
            .iter()
            .map(|length| -(*length as i64)..(*length as i64).max(1))
            .collect();
        let points = if shape.contains(&0) { 0..1 } else { 0..5_usize };
        let step = prop_oneof![
            3 => (selects(), any::<u16>()).prop_map(|(selects, seed)| Step::Write(selects, seed)),
            4 => selects().prop_map(Step::Read),
            1 => proptest::collection::vec(point, points).prop_map(Step::Points),
        ];
        let codecs = codecs(shape.len(), &chunk);
        (
            Just(shape),
            Just(chunk),
            codecs,
            prop_oneof![Just(0_u16), Just(513)],
            proptest::collection::vec(step, 1..9),
        )
            .prop_map(|(shape, chunk, codecs, fill, steps)| Case {
                shape,
                chunk,
                codecs,
                fill,
                steps,
            })
    })
}
