//! How fast do decoded chunks go to their place in new memory, by the length of the rows that are copied?

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use futures::executor::block_on;
use zarr_core::array::bench::place;
use zarr_core::array::{Select, Selection};
use zarr_micro_benches::float_array;

const SHAPE: [u64; 3] = [256, 256, 256];

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("place");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    let every_second = Select::Range {
        start: None,
        stop: None,
        step: 2,
    };
    for (what, chunk, last) in [
        ("rows of 64 bytes", [64, 64, 16], Select::all()),
        ("rows of 256 bytes", [64, 64, 64], Select::all()),
        ("rows of 1 KiB", [64, 64, 256], Select::all()),
        ("whole layers", [4, 256, 256], Select::all()),
        ("every second element", [64, 64, 64], every_second),
    ] {
        let (store, array) = float_array(&SHAPE, &chunk).expect("an array");
        let selection = Selection::new(&[Select::all(), Select::all(), last], &SHAPE).expect("a selection");
        let decoded = vec![1; usize::try_from(chunk.iter().product::<u64>()).expect("small") * 4];
        let placed = place(&array, &selection, &decoded).expect("placed");
        assert!(
            placed.iter().all(|byte| *byte == 1),
            "every byte of the result is written"
        );
        group.throughput(Throughput::Bytes(placed.len() as u64));
        group.bench_function(what, |bencher| {
            bencher.iter(|| place(&array, &selection, black_box(&decoded)).expect("placed"));
        });
        block_on(store.close()).expect("closed");
    }
}
