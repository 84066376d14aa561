//! zarrs at its work, once: `zarr-bench-peers sync|async [--target N] read|members|consolidated URL`.
//!
//! Prints one line of JSON: seconds and CPU seconds from opening to the end, peak memory, and what was found, so that the
//! script can see that all have done the same.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use object_store::{ObjectStore, http::HttpBuilder, local::LocalFileSystem};
use zarrs::array::{Array, ArrayBytes};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::Group;
use zarrs_object_store::AsyncObjectStore;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == "--target") {
        let target = args.remove(at + 1).parse()?;
        args.remove(at);
        zarrs::config::global_config_mut().set_codec_concurrent_target(target);
    }
    let [mode, work, url] = args.as_slice() else {
        return Err("sync|async read|members|consolidated URL".into());
    };
    warm()?;
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let (count, sum) = match mode.as_str() {
        "sync" => synchronous(work, url)?,
        _ => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(asynchronous(work, url))?,
    };
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        r#"{{"wall_s": {wall}, "cpu_s": {cpu}, "peak_bytes": {}, "count": {count}, "sum": {sum}}}"#,
        peak_bytes()?
    );
    // The process ends here: a peer's destructors are not part of the work.
    std::process::exit(0)
}

fn synchronous(work: &str, path: &str) -> Result<(usize, f64)> {
    let store = Arc::new(FilesystemStore::new(path)?);
    if work == "read" {
        let array = Array::open(store, "/")?;
        let values: ArrayBytes = array.retrieve_array_subset(&array.subset_all())?;
        return check(&values.into_fixed()?);
    }
    Ok((Group::open(store, "/")?.children(false)?.len(), 0.0))
}

async fn asynchronous(work: &str, url: &str) -> Result<(usize, f64)> {
    // `object_store` resolves listings against the server's root, so the rest of the path is the node's.
    let (store, path): (Arc<dyn ObjectStore>, String) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let options = object_store::ClientOptions::new().with_allow_http(true);
            let store = HttpBuilder::new()
                .with_url(format!("{scheme}://{host}/"))
                .with_client_options(options)
                .build()?;
            (Arc::new(store), format!("/{}", path.trim_end_matches('/')))
        }
        None => (Arc::new(LocalFileSystem::new_with_prefix(url)?), "/".to_owned()),
    };
    let store = Arc::new(AsyncObjectStore::new(store));
    if work == "read" {
        let array = Array::async_open(store, &path).await?;
        let values: ArrayBytes = array.async_retrieve_array_subset(&array.subset_all()).await?;
        return check(&values.into_fixed()?);
    }
    let group = Group::async_open(store, &path).await?;
    Ok((group.async_children(false).await?.len(), 0.0))
}

/// How many elements, and the sum of a few from everywhere. Elements are taken as bytes: `Vec<f32>` costs zarrs a copy.
fn check(bytes: &[u8]) -> Result<(usize, f64)> {
    let (values, _) = bytes.as_chunks::<4>();
    let sum = values
        .iter()
        .step_by(65_537)
        .map(|value| f64::from(f32::from_ne_bytes(*value)))
        .sum();
    Ok((values.len(), sum))
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

/// User and system time of this process.
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
