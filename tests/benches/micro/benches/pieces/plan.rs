//! What does planning cost, and does it stay linear, from 10² to 10⁶ chunks?

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use futures::executor::block_on;
use zarr_core::array::bench::plan;
use zarr_core::array::{Select, Selection};
use zarr_micro_benches::float_array;

const EDGE: u64 = 16;

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    for chunks in [100_u64, 1_000, 10_000, 100_000, 1_000_000] {
        let rows = chunks.isqrt();
        let shape = [rows * EDGE, chunks / rows * EDGE];
        let (store, array) = float_array(&shape, &[EDGE, EDGE]).expect("an array");
        let every_second = Select::Range {
            start: None,
            stop: None,
            step: 2,
        };
        for (what, selects) in [
            ("all", vec![Select::all(), Select::all()]),
            ("every second element", vec![every_second.clone(), every_second]),
        ] {
            let selection = Selection::new(&selects, array.shape()).expect("a selection");
            let planned = plan(&array, &selection).expect("a plan");
            group.throughput(Throughput::Elements(planned.chunks));
            assert_eq!(Some(planned.elements), selection.element_count());
            group.bench_with_input(
                BenchmarkId::new(what, planned.chunks),
                &selection,
                |bencher, selection| {
                    bencher.iter(|| plan(&array, black_box(selection)).expect("a plan"));
                },
            );
        }
        block_on(store.close()).expect("closed");
    }
}
