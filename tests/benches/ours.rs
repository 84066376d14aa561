//! Our side of the benchmark, once: `bench-ours [--width N] read|members|walk|floor URL`.
//!
//! Everything goes through the public API at its default settings. Prints one line of JSON: seconds and CPU seconds from
//! opening to the end, peak memory, requests, and what was found, so that the script can see that all have done the same.
//! `floor` decodes the chunks of a local array, in memory, on all cores, and does nothing else.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures::TryStreamExt;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use zarr_core::array::{ReadOptions, Selection};
use zarr_core::codec::{CodecChain, Scratch};
use zarr_core::hierarchy::{Member, OpenOptions, WalkOptions};
use zarr_core::{Node, NodePath, Store, StoreOptions};
use zarr_fs::session::SessionOptions;
use zarr_fs::{LocalFactory, Options, Registry};
use zarr_http::HttpFactory;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    // Only to see how time depends on it: rows with goals run at the default.
    let width = match args.iter().position(|arg| arg == "--width") {
        Some(at) => Some(
            args.drain(at..at + 2)
                .nth(1)
                .unwrap_or_default()
                .parse::<usize>()?,
        ),
        None => None,
    };
    let [work, url] = args.as_slice() else {
        return Err("bench-ours [--width N] read|members|walk|floor URL".into());
    };
    if work == "floor" {
        return floor(Path::new(url));
    }
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
    let (count, sum, wall) = futures::executor::block_on(async {
        let (fs, path) = registry.open(&url, &Options::default())?;
        let store = Store::new(fs, path, options);
        let node = zarr_core::hierarchy::open(&store, &NodePath::root(), OpenOptions::default()).await?;
        let (count, values) = run(work, node, &read).await?;
        let wall = begun.elapsed();
        let cpu = cpu_seconds() - cpu;
        let sum = values
            .iter()
            .step_by(65_537)
            .map(|value| f64::from(*value))
            .sum::<f64>();
        store.close().await?;
        Ok::<_, Box<dyn Error>>((count, sum, (wall, cpu)))
    })?;
    let (wall, cpu) = (wall.0.as_secs_f64(), wall.1);
    let (requests, peak) = (registry.io_stats().requests, peak_bytes()?);
    println!(
        r#"{{"wall_s": {wall}, "cpu_s": {cpu}, "peak_bytes": {peak}, "requests": {requests}, "count": {count}, "sum": {sum}}}"#
    );
    Ok(())
}

/// How many elements or nodes were found, and the elements.
async fn run(work: &str, node: Node, options: &ReadOptions) -> Result<(usize, Vec<f32>)> {
    if work == "read" {
        let array = node.into_array().map_err(|_| "not an array")?;
        let (values, _) = array
            .read_with::<f32>(&Selection::all(array.shape()), options)
            .await?;
        return Ok((values.len(), values));
    }
    let group = node.into_group().map_err(|_| "not a group")?;
    let count = match work {
        "members" => group.members(1).await?.nodes().count(),
        "walk" => {
            let (mut walk, mut count) = (group.walk(WalkOptions::default()), 0);
            while let Some(member) = walk.try_next().await? {
                count += usize::from(matches!(member, Member::Node(_)));
            }
            count
        }
        other => return Err(format!("no such work: {other}").into()),
    };
    Ok((count, Vec::new()))
}

/// Decoding alone: the encoded chunks are in memory, each thread decodes to one buffer of its own.
fn floor(root: &Path) -> Result<()> {
    let url = zarr_fs::file_url(root)?;
    let registry = Registry::new(SessionOptions::default()).with("file", LocalFactory);
    let array = futures::executor::block_on(async {
        let (fs, path) = registry.open(&url, &Options::default())?;
        let store = Store::new(fs, path, StoreOptions::default());
        let node = zarr_core::hierarchy::open(&store, &NodePath::root(), OpenOptions::default()).await?;
        store.close().await?;
        node.into_array()
            .map_err(|_| Box::<dyn Error>::from("not an array"))
    })?;
    let shape = array
        .metadata()
        .chunk_grid()?
        .chunk_shape()
        .ok_or("not a regular grid")?;
    let chain = CodecChain::for_array(array.metadata(), &shape)?;
    let stored: Vec<Vec<u8>> = files(&root.join("c"))?
        .iter()
        .map(std::fs::read)
        .collect::<std::io::Result<_>>()?;
    let (chain, pieces) = pieces(&chain, &stored)?;
    let size = usize::try_from(chain.decoded().shape().iter().product::<u64>())? * size_of::<f32>();

    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let next = AtomicUsize::new(0);
    let decode = || {
        let (mut scratch, mut out) = (Scratch::new(), vec![0; size]);
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            chain.decode_into(piece, &mut out, &mut scratch)?;
        }
        Ok::<_, zarr_core::codec::CodecError>(())
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(decode)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| "a decoding thread panicked")?
                .map_err(Box::<dyn Error>::from)
        })
    })?;
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let (count, peak) = (pieces.len() * size / size_of::<f32>(), peak_bytes()?);
    println!(r#"{{"wall_s": {wall}, "cpu_s": {cpu}, "peak_bytes": {peak}, "count": {count}}}"#);
    Ok(())
}

/// What is decoded at once, and by which codecs: chunks, or the inner chunks of shards.
fn pieces<'a>(chain: &CodecChain, stored: &'a [Vec<u8>]) -> Result<(CodecChain, Vec<&'a [u8]>)> {
    let Some(partial) = chain.partial() else {
        return Ok((chain.clone(), stored.iter().map(Vec::as_slice).collect()));
    };
    let mut pieces = Vec::new();
    for shard in stored {
        let size = shard.len() as u64;
        let place = partial.sharding.index().range(size)?;
        let encoded = &shard[usize::try_from(place.start)?..usize::try_from(place.end)?];
        let index = partial
            .sharding
            .index()
            .decode(encoded, size, &mut Scratch::new())?;
        for number in 0..index.len() {
            if let Some(place) = index.entry(number)? {
                pieces.push(&shard[usize::try_from(place.start)?..usize::try_from(place.end)?]);
            }
        }
    }
    Ok((partial.sharding.inner().clone(), pieces))
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Has this machine give the process the memory that `BENCH_WARM_BYTES` asks for, and gives it back: a virtual machine may
/// have lent its free memory to the host, and the first program to touch it would pay for the others. Peak memory is
/// counted from here on.
fn warm() -> Result<()> {
    let bytes = std::env::var("BENCH_WARM_BYTES")
        .ok()
        .map_or(Ok(0), |bytes| bytes.parse())?;
    if bytes > 0 {
        // By huge pages, as numpy does it, so that both sides find memory in the same state.
        let (access, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a new mapping that nobody else knows, written within its bounds and unmapped here.
        unsafe {
            let memory = mmap_anonymous(std::ptr::null_mut(), bytes, access, private)?;
            madvise(memory, bytes, Advice::LinuxHugepage)?;
            memory.cast::<u8>().write_bytes(1, bytes);
            munmap(memory, bytes)?;
        }
    }
    // 5 resets `VmHWM`; where that is not allowed the peak holds what was warmed, which is seen.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    Ok(())
}

/// User and system time of this process, threads that have ended too.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process has had.
fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
