//! Seconds that planning a read of all of an array takes: `plan CHUNKS`, the best of a few.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use zarr_core::array::Selection;
use zarr_core::array::bench::plan;
use zarr_micro_benches::{Result, float_array};

fn main() -> Result<()> {
    let chunks: u64 = std::env::args().nth(1).ok_or("plan CHUNKS")?.parse()?;
    let rows = chunks.isqrt();
    let shape = [rows * 16, chunks / rows * 16];
    let (store, array) = float_array(&shape, &[16, 16])?;
    let selection = Selection::all(&shape);
    let mut best = Duration::MAX;
    let mut planned = 0;
    for _ in 0..5 {
        let begun = Instant::now();
        planned = plan(&array, &selection)?.chunks;
        best = best.min(begun.elapsed());
    }
    block_on(store.close())?;
    println!(r#"{{"chunks": {planned}, "wall_s": {}}}"#, best.as_secs_f64());
    Ok(())
}
