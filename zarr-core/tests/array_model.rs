//! Random arrays, regions and selections against a plain vector, over a filesystem that blocks and one that does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use support::Remote;
use zarr_core::array::{Array, ReadOptions, Select, Selection};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{DataType, FillValue, Json, NamedConfig, V3ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{FileSystem, MemoryFileSystem, Path};

/// An array in memory: what the array in the store must be equal to.
#[derive(Clone, Debug)]
struct Model {
    shape: Vec<u64>,
    elements: Vec<u16>,
}

impl Model {
    /// The places of the selected elements, in the order of the result, as numpy would have them.
    fn places(&self, selection: &Selection) -> Vec<usize> {
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
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Select>, u16),
    Read(Vec<Select>),
    Points(Vec<Vec<i64>>),
}

#[derive(Clone, Debug)]
struct Case {
    shape: Vec<u64>,
    chunk: Vec<u64>,
    codecs: Vec<NamedConfig>,
    fill: u16,
    steps: Vec<Step>,
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

fn case() -> impl Strategy<Value = Case> {
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

async fn run(case: &Case, fs: Box<dyn FileSystem>) {
    let store = Store::new(fs, Path::root(), StoreOptions::default().writable());
    let data_type = DataType::Int(IntKind::UInt16);
    let fill = FillValue::from_element(&data_type, &case.fill.to_le_bytes()).unwrap();
    let metadata = V3ArrayBuilder::new(&case.shape, data_type)
        .chunk_shape(&case.chunk)
        .codecs(case.codecs.clone())
        .fill_value(fill)
        .build()
        .unwrap();
    let path = NodePath::parse("/a").unwrap();
    let array: Array = create_array(&store, &path, metadata, CreateMode::Create)
        .await
        .unwrap();
    let count = case.shape.iter().product::<u64>() as usize;
    let mut model = Model {
        shape: case.shape.clone(),
        elements: vec![case.fill; count],
    };
    let mut reused = vec![0xdead; 37];
    for step in &case.steps {
        match step {
            Step::Write(selects, seed) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let places = model.places(&selection);
                // Some writes are fill value again, so that chunks become empty.
                let value = |i: usize| {
                    if seed % 3 == 0 {
                        case.fill
                    } else {
                        seed.wrapping_add(i as u16 * 7)
                    }
                };
                let elements: Vec<u16> = (0..places.len()).map(value).collect();
                array.write(&selection, &elements).await.unwrap();
                for (place, element) in places.into_iter().zip(elements) {
                    model.elements[place] = element;
                }
            }
            Step::Read(selects) => {
                let selection = Selection::new(selects, &case.shape).unwrap();
                let expected: Vec<u16> = model
                    .places(&selection)
                    .into_iter()
                    .map(|place| model.elements[place])
                    .collect();
                let (elements, _) = array
                    .read_with::<u16>(&selection, &ReadOptions::default())
                    .await
                    .unwrap();
                assert_eq!(elements, expected, "{selection:?}");
                let options = ReadOptions::default();
                let (again, _) = array.read_reusing(&selection, reused, &options).await.unwrap();
                assert_eq!(
                    again, expected,
                    "into memory that held something else: {selection:?}"
                );
                reused = again;
            }
            Step::Points(points) => {
                let data = array.read_points(points, &ReadOptions::default()).await.unwrap();
                let expected: Vec<u16> = points
                    .iter()
                    .map(|point| {
                        let place = point.iter().zip(&model.shape).fold(0, |place, (at, length)| {
                            let at = if *at < 0 {
                                (*length as i64 + at) as u64
                            } else {
                                *at as u64
                            };
                            place * length + at
                        });
                        model.elements[place as usize]
                    })
                    .collect();
                assert_eq!(data.to_vec::<u16>().unwrap(), expected);
            }
        }
    }
    let all = array.read::<u16>(&Selection::all(&case.shape)).await.unwrap();
    assert_eq!(all, model.elements);
    // The chunks as a stream hold each element once, in its place.
    let mut seen = vec![false; count];
    let mut chunks = array.chunks(&ReadOptions::default());
    while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
        let chunk = chunk.unwrap();
        let selects: Vec<Select> = chunk
            .origin
            .iter()
            .zip(chunk.data.shape())
            .map(|(start, length)| Select::from(*start as i64..(start + length) as i64))
            .collect();
        let places = model.places(&Selection::new(&selects, &case.shape).unwrap());
        let elements = chunk.data.to_vec::<u16>().unwrap();
        assert_eq!(places.len(), elements.len());
        for (place, element) in places.into_iter().zip(elements) {
            assert!(!std::mem::replace(&mut seen[place], true));
            assert_eq!(element, model.elements[place]);
        }
    }
    assert!(seen.into_iter().all(|seen| seen));
    store.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// About 1600 selections each way, and as many writes.
    #[test]
    fn what_is_written_is_read_where_the_reader_blocks(case in case()) {
        block_on(run(&case, Box::new(MemoryFileSystem::new())));
    }

    #[test]
    fn what_is_written_is_read_over_requests(case in case()) {
        block_on(run(&case, Box::new(Remote::new(MemoryFileSystem::new()))));
    }
}

#[test]
fn resize_cuts_back_and_grows_with_fill_value() {
    block_on(async {
        let store = Store::new(
            Box::new(MemoryFileSystem::new()),
            Path::root(),
            StoreOptions::default().writable(),
        );
        let data_type = DataType::Int(IntKind::UInt16);
        let metadata = V3ArrayBuilder::new(&[10, 10], data_type)
            .chunk_shape(&[4, 3])
            .build()
            .unwrap();
        let path = NodePath::parse("/a").unwrap();
        let array = create_array(&store, &path, metadata, CreateMode::Create)
            .await
            .unwrap();
        let all: Vec<u16> = (1..=100).collect();
        array.write(&Selection::all(&[10, 10]), &all).await.unwrap();
        let small = array.resize(&[5, 4]).await.unwrap();
        let large = small.resize(&[10, 10]).await.unwrap();
        let read = large.read::<u16>(&Selection::all(&[10, 10])).await.unwrap();
        for (place, element) in read.iter().enumerate() {
            let kept = place / 10 < 5 && place % 10 < 4;
            assert_eq!(*element, if kept { place as u16 + 1 } else { 0 }, "{place}");
        }
        let more = large
            .read_data(&Selection::all(&[10, 10]), &ReadOptions::default())
            .await
            .unwrap()
            .0;
        let (longer, _) = large.append(&more, 1).await.unwrap();
        assert_eq!(longer.shape(), [10, 20]);
        let tail = longer
            .read::<u16>(&Selection::parse(":,10:", &[10, 20], &[]).unwrap())
            .await
            .unwrap();
        assert_eq!(tail, read);
        store.close().await.unwrap();
    });
}

#[test]
fn two_writers_of_one_chunk_lose_nothing() {
    let fs = MemoryFileSystem::new();
    let (one, other) = (
        zarr_fs::FileSystemExt::share(&fs).unwrap(),
        zarr_fs::FileSystemExt::share(&fs).unwrap(),
    );
    block_on(async {
        let store = Store::new(Box::new(fs), Path::root(), StoreOptions::default().writable());
        let metadata = V3ArrayBuilder::new(&[64], DataType::Int(IntKind::UInt16))
            .chunk_shape(&[64])
            .build()
            .unwrap();
        let path = NodePath::parse("/a").unwrap();
        create_array(&store, &path, metadata, CreateMode::Create)
            .await
            .unwrap();
        let mut writers = Vec::new();
        for (number, lease) in [one, other].into_iter().enumerate() {
            let store = Store::new(lease, Path::root(), StoreOptions::default().writable());
            let path = path.clone();
            writers.push(std::thread::spawn(move || {
                block_on(async {
                    let array = zarr_core::hierarchy::open(
                        &store,
                        &path,
                        zarr_core::hierarchy::OpenOptions::default(),
                    )
                    .await
                    .unwrap()
                    .into_array()
                    .unwrap();
                    for at in (number as i64..64).step_by(2) {
                        let place = Selection::new(&[Select::Index(at)], &[64]).unwrap();
                        array.write(&place, &[at as u16 + 1]).await.unwrap();
                    }
                    Arc::clone(&store).close().await.unwrap();
                });
            }));
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let array = zarr_core::hierarchy::open(&store, &path, zarr_core::hierarchy::OpenOptions::default())
            .await
            .unwrap()
            .into_array()
            .unwrap();
        let all = array.read::<u16>(&Selection::all(&[64])).await.unwrap();
        assert_eq!(all, (1..=64).collect::<Vec<u16>>());
        store.close().await.unwrap();
    });
}
