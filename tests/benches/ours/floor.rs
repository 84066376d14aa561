//! What no reader of these files can be faster than: the codecs on all cores, alone or with the memory and the files.

use std::error::Error;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use zarr_core::codec::{CodecChain, Scratch};
use zarr_core::hierarchy::OpenOptions;
use zarr_core::{Array, NodePath, Store, StoreOptions};
use zarr_fs::session::SessionOptions;
use zarr_fs::{LocalFactory, Options, Registry};

use crate::Result;
use crate::process::{cpu_seconds, new_memory, peak_bytes, warm};

/// What is decoded at once: a chunk, or an inner chunk of a shard.
struct Piece {
    file: PathBuf,
    range: Range<u64>,
}

impl Piece {
    /// Its encoded bytes, to `buffer`.
    fn read(&self, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(usize::try_from(self.range.end - self.range.start)?, 0);
        File::open(&self.file)?.read_exact_at(buffer, self.range.start)?;
        Ok(())
    }
}

/// Prints what decoding a local array costs. `whole`: with reading the files and filling new memory of the array's size,
/// chunk after chunk; else encoded chunks are in memory and each thread decodes to one small buffer of its own.
pub(crate) fn floor(root: &Path, whole: bool) -> Result<()> {
    let array = open(root)?;
    let shape = array.metadata().chunk_shape().ok_or("not a regular grid")?;
    let (chain, pieces) = pieces(
        &CodecChain::for_array(array.metadata(), &shape)?,
        files(&root.join("c"))?,
    )?;
    let size = usize::try_from(chain.decoded().shape().iter().product::<u64>())? * size_of::<f32>();
    let (wall, cpu) = if whole {
        from_files(&chain, &pieces, size)?
    } else {
        from_memory(&chain, &pieces, size)?
    };
    let (count, peak) = (pieces.len() * size / size_of::<f32>(), peak_bytes()?);
    println!(r#"{{"wall_s": {wall}, "cpu_s": {cpu}, "peak_bytes": {peak}, "count": {count}}}"#);
    Ok(())
}

fn from_memory(chain: &CodecChain, pieces: &[Piece], size: usize) -> Result<(f64, f64)> {
    let mut stored = vec![Vec::new(); pieces.len()];
    for (piece, stored) in pieces.iter().zip(&mut stored) {
        piece.read(stored)?;
    }
    warm()?;
    let next = AtomicUsize::new(0);
    on_all_cores(|| {
        let (mut scratch, mut out) = (Scratch::new(), vec![0; size]);
        while let Some(piece) = stored.get(next.fetch_add(1, Ordering::Relaxed)) {
            chain.decode_into(piece, &mut out, &mut scratch).map_err(text)?;
        }
        Ok(())
    })
}

fn from_files(chain: &CodecChain, pieces: &[Piece], size: usize) -> Result<(f64, f64)> {
    warm()?;
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let mut out = new_memory(pieces.len() * size)?;
    let next = Mutex::new(pieces.iter().zip(out.chunks_exact_mut(size)));
    on_all_cores(|| {
        let (mut scratch, mut encoded) = (Scratch::new(), Vec::new());
        loop {
            let Some((piece, out)) = next.lock().map_err(text)?.next() else {
                return Ok(());
            };
            piece.read(&mut encoded).map_err(text)?;
            chain.decode_into(&encoded, out, &mut scratch).map_err(text)?;
        }
    })?;
    Ok((begun.elapsed().as_secs_f64(), cpu_seconds() - cpu))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Seconds and CPU seconds of `work` on as many threads as there are cores.
fn on_all_cores(work: impl Fn() -> std::result::Result<(), String> + Sync) -> Result<(f64, f64)> {
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| "a decoding thread panicked".to_owned())?
        })
    })?;
    Ok((begun.elapsed().as_secs_f64(), cpu_seconds() - cpu))
}

fn open(root: &Path) -> Result<Array> {
    let url = zarr_fs::file_url(root)?;
    let registry = Registry::new(SessionOptions::default()).with("file", LocalFactory);
    futures::executor::block_on(async {
        let (fs, path) = registry.open(&url, &Options::default())?;
        let store = Store::new(fs, path, StoreOptions::default());
        let node = zarr_core::hierarchy::open(&store, &NodePath::root(), OpenOptions::default()).await?;
        store.close().await?;
        node.into_array()
            .map_err(|_| Box::<dyn Error>::from("not an array"))
    })
}

/// What is decoded at once, and by which codecs: chunks, or the inner chunks of shards.
fn pieces(chain: &CodecChain, files: Vec<PathBuf>) -> Result<(CodecChain, Vec<Piece>)> {
    let mut pieces = Vec::new();
    for file in files {
        let size = std::fs::metadata(&file)?.len();
        let Some(partial) = chain.partial() else {
            pieces.push(Piece { file, range: 0..size });
            continue;
        };
        let index = Piece {
            file: file.clone(),
            range: partial.sharding.index().range(size)?,
        };
        let mut encoded = Vec::new();
        index.read(&mut encoded)?;
        let index = partial
            .sharding
            .index()
            .decode(&encoded, size, &mut Scratch::new())?;
        for number in 0..index.len() {
            if let Some(range) = index.entry(number)? {
                let file = file.clone();
                pieces.push(Piece { file, range });
            }
        }
    }
    let inner = chain.partial().map(|partial| partial.sharding.inner().clone());
    Ok((inner.unwrap_or_else(|| chain.clone()), pieces))
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
