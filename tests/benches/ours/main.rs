//! Our side of the benchmark, once: `bench-ours [--width N] read|stream|members|walk|floor|floor-whole URL`.
//!
//! Everything goes through the public API at its default settings. Prints one line of JSON: seconds and CPU seconds from
//! opening to the end, peak memory, requests, and what was found, so that the script can see that all have done the same.

mod floor;
mod process;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt;
use zarr_core::array::{ReadOptions, Selection};
use zarr_core::hierarchy::{self, Member, OpenOptions, WalkOptions};
use zarr_core::{Array, NodePath, Store, StoreOptions};
use zarr_fs::session::SessionOptions;
use zarr_fs::{LocalFactory, Options, Registry};
use zarr_http::HttpFactory;

use process::{cpu_seconds, peak_bytes, warm};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "bench-ours [--width N] read|stream|members|walk|floor|floor-whole URL";

fn main() -> Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    // Only to see how time depends on it: rows with goals run at the default.
    let width = match args.iter().position(|arg| arg == "--width") {
        Some(at) if at + 1 < args.len() => args.drain(at..at + 2).nth(1),
        _ => None,
    };
    let width = width.map(|width| width.parse()).transpose()?;
    let [work, url] = args.as_slice() else {
        return Err(USAGE.into());
    };
    match work.as_str() {
        "floor" => floor::floor(Path::new(url), false),
        "floor-whole" => floor::floor(Path::new(url), true),
        _ => measure(work, url, width),
    }
}

fn measure(work: &str, url: &str, width: Option<usize>) -> Result<()> {
    let url = match url.split_once("://") {
        Some(_) => url.parse()?,
        None => zarr_fs::file_url(Path::new(url))?,
    };
    let (mut session, mut options, mut read) = Default::default();
    if let Some(width) = width {
        session = SessionOptions::default().with_concurrency(width);
        options = StoreOptions::default().with_metadata_concurrency(width);
        read = ReadOptions::default().with_io_width(width);
    }
    warm()?;
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let registry = Registry::new(session)
        .with("file", LocalFactory)
        .with("http", HttpFactory);
    let (count, values, wall, cpu) = futures::executor::block_on(async {
        let (fs, path) = registry.open(&url, &Options::default())?;
        let store = Store::new(fs, path, options);
        let (count, values) = run(work, &store, &read).await?;
        let (wall, cpu) = (begun.elapsed(), cpu_seconds() - cpu);
        store.close().await?;
        Ok::<_, Box<dyn Error>>((count, values, wall, cpu))
    })?;
    // Of a whole array some elements from everywhere.
    let step = if work == "read" { 65_537 } else { 1 };
    let sum: f64 = values.iter().step_by(step).map(|value| f64::from(*value)).sum();
    let (wall, requests, peak) = (wall.as_secs_f64(), registry.io_stats().requests, peak_bytes()?);
    println!(
        r#"{{"wall_s": {wall}, "cpu_s": {cpu}, "peak_bytes": {peak}, "requests": {requests}, "count": {count}, "sum": {sum}}}"#
    );
    Ok(())
}

/// How many elements or nodes were found, and the elements: of a stream the first of each piece.
async fn run(work: &str, store: &Arc<Store>, options: &ReadOptions) -> Result<(usize, Vec<f32>)> {
    let (root, how) = (NodePath::root(), OpenOptions::default());
    if let "read" | "stream" = work {
        let array = hierarchy::open(store, &root, how).await?.into_array()?;
        if work == "stream" {
            return stream(&array, options).await;
        }
        let (values, _) = array
            .read_with::<f32>(&Selection::all(array.shape()), options)
            .await?;
        return Ok((values.len(), values));
    }
    let depth = if work == "members" { 1 } else { usize::MAX };
    let levels = WalkOptions::default().with_max_depth(depth);
    let (_, walk) = hierarchy::open_and_walk(store, &root, how, levels).await?;
    let mut walk = walk.ok_or("not a group")?;
    let count = match work {
        "members" => walk.members().await?.nodes().count(),
        "walk" => {
            let mut count = 0;
            while let Some(member) = walk.try_next().await? {
                count += usize::from(matches!(member, Member::Node(_)));
            }
            count
        }
        other => return Err(format!("no such work: {other}").into()),
    };
    Ok((count, Vec::new()))
}

/// Reads the array chunk by chunk and keeps none.
async fn stream(array: &Array, options: &ReadOptions) -> Result<(usize, Vec<f32>)> {
    let (mut chunks, mut count, mut firsts) = (array.chunks(options), 0, Vec::new());
    while let Some(chunk) = chunks.try_next().await? {
        count += chunk.data.len();
        let first = chunk.data.element(0).ok_or("an empty chunk")?;
        firsts.push(f32::from_le_bytes(first.try_into()?));
    }
    Ok((count, firsts))
}
