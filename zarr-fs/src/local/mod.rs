//! Local files.

mod error;
mod list;
mod options;
mod read;
mod root;
mod temp;
mod url;
mod write;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

pub use self::options::{Fsync, LocalOptions, Symlinks};
pub use self::url::{LocalFactory, file_url};

use self::list::Walk;
use self::read::Opened;
use self::root::Root;
use self::write::Upload;
use crate::call_options::{CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::capabilities::Capabilities;
use crate::error::{BoxError, Context, Result};
use crate::filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
use crate::info::{CatResult, DirListing, FileInfo, IoStats};
use crate::path::Path;
use crate::session::{
    CallContext, CallKind, Client, CloseError, CloseReport, HeadSender, Lease, LeaseHandle, Session, Sink,
    blocking,
};

/// Pieces of a stream are at most this long, and pieces of an upload are gathered to at least this much.
const PIECE_BYTES: u64 = 1 << 20;

/// The files below a folder.
///
/// - **Writes are atomic**: a file is written beside its place and moved there when it is whole. A killed writer leaves at
///   most a temporary file, which nothing here shows ([`LocalFileSystem::remove_leftovers`]). [`Fsync`] is about power cuts.
/// - **Mode `Create`** is exact, between processes too. **`IfMatch`** is exact among the writers of this process; the
///   version of a file is made of its inode, time and size.
/// - **Nothing outside the root is reached**: a [`Path`] has no `..`, and links that lead out are refused ([`Symlinks`]).
///   Within the root, links to files and folders are followed; writing to a link replaces the link.
/// - **Folders** are made as files need them, and removed with their last file. A folder without files has nothing under
///   it: its `ls` is `NotFound`, though the listing of its parent names it.
/// - Names that no [`Path`] can have (not UTF-8, control characters) are left out of listings, with a warning; so are
///   devices, pipes and sockets. Whether `A` and `a` are one file is the operating system's business.
///
/// Calls run on the blocking pool of the tokio runtime that polls them, else in the calling thread: any executor will do.
///
/// ```
/// use zarr_fs::{FileSystem, FileSystemExt, LocalFileSystem, Path};
/// # futures::executor::block_on(async {
/// # let folder = std::env::temp_dir().join(format!("zarr-fs-doc-{}", std::process::id()));
/// let fs = LocalFileSystem::new(&folder);
/// fs.pipe(&Path::parse("a/b")?, "text").await?;
/// assert_eq!(fs.cat(&Path::parse("a/b")?).await?, "text");
/// fs.rm_file(&Path::parse("a/b")?).await?;
/// fs.close().await.expect("nothing is stuck");
/// # let _ = std::fs::remove_dir_all(folder);
/// # Ok::<(), zarr_fs::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct LocalFileSystem(Lease<Local>);

/// What a session's calls work with.
#[derive(Debug)]
struct Local {
    root: Root,
    fsync: Fsync,
}

impl LocalFileSystem {
    /// The files below `root`. Nothing is looked at yet: a root that is not there is an empty filesystem, and the first
    /// write makes it.
    #[must_use]
    #[track_caller]
    pub fn new(root: impl AsRef<std::path::Path>) -> Self {
        Self::with_options(root, LocalOptions::default())
    }

    /// The files below `root`.
    #[must_use]
    #[track_caller]
    #[expect(
        clippy::expect_used,
        reason = "nobody else has the session, so nobody has closed it"
    )]
    pub fn with_options(root: impl AsRef<std::path::Path>, options: LocalOptions) -> Self {
        let lease = session(root.as_ref(), options).lease(Location::caller());
        Self(lease.expect("a session that was just made gives a lease"))
    }

    /// The filesystem that `path` lies in, and the place in it: the root is that of the operating system, so that links
    /// lead where they lead everywhere else.
    ///
    /// # Errors
    /// As [`file_url`].
    #[track_caller]
    pub fn open(path: impl AsRef<std::path::Path>, options: LocalOptions) -> Result<(Self, Path)> {
        let (root, path) = url::split(path.as_ref())?;
        Ok((Self::with_options(root, options), path))
    }

    /// Removes the temporary files below `prefix` that are at least `age` old: those of writers that were killed. Returns
    /// how many. `age` must be longer than any write takes.
    ///
    /// # Errors
    /// As [`FileSystem::rm_file`]; nothing to remove is no error.
    pub async fn remove_leftovers(&self, prefix: &Path, age: Duration) -> Result<u64> {
        self.offload("remove_leftovers", prefix, CallKind::Write, move |local, at| {
            write::remove_leftovers(&local.root, at, age)
        })
        .await
    }

    /// Runs a call that is one piece of blocking work.
    async fn offload<T: Send + 'static>(
        &self,
        op: &'static str,
        path: &Path,
        kind: CallKind,
        work: impl FnOnce(&Local, &Context) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let at = self.0.at(op, path);
        let handle = self.0.handle();
        handle
            .offload(op, path, kind, move |local| work(local, &at))
            .await
    }
}

fn session(root: &std::path::Path, options: LocalOptions) -> Session<Local> {
    let LocalOptions {
        fsync,
        symlinks,
        session,
    } = options;
    let root = Root::new(root, symlinks);
    let name = root.folder().display().to_string();
    Session::local(name, session, Arc::new(Local { root, fsync }))
}

impl Client for Local {
    fn filesystem(lease: Lease<Self>) -> Box<dyn FileSystem> {
        Box::new(LocalFileSystem(lease))
    }
}

/// Runs one step of a call on the blocking pool.
async fn step<T: Send + 'static>(
    at: &Context,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    blocking(work, |reason: BoxError| at.backend(reason)).await
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl FileSystem for LocalFileSystem {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::full();
        capabilities.remote = false;
        capabilities
    }

    fn io_stats(&self) -> IoStats {
        self.0.io_stats()
    }

    fn share_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>> {
        Ok(Local::filesystem(self.0.share(opened_at)?))
    }

    async fn info(&self, path: &Path) -> Result<FileInfo> {
        self.offload("info", path, CallKind::Read, |local, at| {
            read::info(&local.root, at)
        })
        .await
    }

    async fn cat_file(&self, path: &Path, options: CatOptions) -> Result<CatResult> {
        self.offload("cat_file", path, CallKind::Read, move |local, at| {
            read::cat(&local.root, at, &options)
        })
        .await
    }

    async fn cat_ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
        options: CatRangesOptions,
    ) -> Result<Vec<Bytes>> {
        let ranges = ranges.to_vec();
        self.offload("cat_ranges", path, CallKind::Read, move |local, at| {
            read::cat_ranges(&local.root, at, &ranges, &options)
        })
        .await
    }

    async fn cat_stream(&self, path: &Path, options: CatOptions) -> Result<CatStream> {
        let at = self.0.at("cat_stream", path);
        let work = move |local: Arc<Local>, head: HeadSender<FileInfo>, sink: Sink<Bytes>| async move {
            let here = at.clone();
            let (opened, range) = step(&at, move || {
                let opened = Opened::open(&local.root, &here, options.if_match.as_ref())?;
                let range = opened.resolve(options.range, &here)?;
                Ok((opened, range))
            })
            .await?;
            head.send(opened.info.clone());
            let opened = Arc::new(opened);
            let mut next = range.start;
            while next < range.end {
                let piece = next..range.end.min(next + PIECE_BYTES);
                next = piece.end;
                let (opened, here) = (Arc::clone(&opened), at.clone());
                sink.send(step(&at, move || opened.read(&piece, &here)).await?)
                    .await?;
            }
            Ok(())
        };
        let (info, bytes) = self.0.open_stream("cat_stream", path, work).await?;
        Ok(CatStream { info, bytes })
    }

    async fn pipe_file(&self, path: &Path, bytes: Bytes, options: PipeOptions) -> Result<FileInfo> {
        self.offload("pipe_file", path, CallKind::Write, move |local, at| {
            write::pipe(&local.root, at, &bytes, &options.mode, local.fsync)
        })
        .await
    }

    async fn pipe_stream(
        &self,
        path: &Path,
        mut stream: ByteStream,
        options: PipeOptions,
    ) -> Result<FileInfo> {
        let at = self.0.at("pipe_stream", path);
        let work = move |local: Arc<Local>| async move {
            let (here, begin_local, mode) = (at.clone(), Arc::clone(&local), options.mode.clone());
            let mut upload = step(&at, move || Upload::begin(&begin_local.root, &here, &mode)).await?;
            let mut over = false;
            while !over {
                let mut pieces = Vec::new();
                let mut gathered = 0;
                while gathered < PIECE_BYTES && !over {
                    match CallContext::parked_for_caller(stream.next()).await? {
                        Some(piece) => {
                            let piece = piece?;
                            gathered += piece.len() as u64;
                            pieces.push(piece);
                        }
                        None => over = true,
                    }
                }
                // The file goes along, so that whoever comes last, this call or its blocking part, removes it on a cut.
                upload = step(&at, move || {
                    pieces.iter().try_for_each(|piece| upload.write(piece))?;
                    Ok(upload)
                })
                .await?;
            }
            step(&at, move || upload.commit(&options.mode, local.fsync)).await
        };
        self.0.run("pipe_stream", path, CallKind::Write, work).await
    }

    async fn cp_file(&self, from: &Path, to: &Path, mode: WriteMode) -> Result<FileInfo> {
        let to = self.0.at("cp_file", to);
        self.offload("cp_file", from, CallKind::Write, move |local, from| {
            write::copy(&local.root, from, &to, &mode, local.fsync)
        })
        .await
    }

    async fn rm_file(&self, path: &Path) -> Result<()> {
        self.offload("rm_file", path, CallKind::Write, |local, at| {
            write::remove(&local.root, at)
        })
        .await
    }

    async fn ls(&self, dir: &Path) -> Result<DirListing> {
        self.offload("ls", dir, CallKind::Read, |local, at| list::ls(&local.root, at))
            .await
    }

    fn find(&self, prefix: &Path) -> BoxStream<'static, Result<FileInfo>> {
        let at = self.0.at("find", prefix);
        self.0.stream("find", prefix, |local, sink| async move {
            let mut walk = Walk::new(at.clone());
            loop {
                let step_local = Arc::clone(&local);
                let (back, files) = step(&at, move || {
                    let files = walk.next(&step_local.root)?;
                    Ok((walk, files))
                })
                .await?;
                walk = back;
                let Some(files) = files else {
                    return Ok(());
                };
                for file in files {
                    sink.send(file).await?;
                }
            }
        })
    }

    fn blocking_reader(&self) -> Option<Arc<dyn BlockingReader>> {
        Some(Arc::new(LocalReader(self.0.handle())))
    }

    async fn close(&self) -> Result<CloseReport, CloseError> {
        self.0.close().await
    }
}

#[derive(Debug)]
struct LocalReader(LeaseHandle<Local>);

impl BlockingReader for LocalReader {
    fn read(&self, path: &Path, options: &CatOptions, buffer: &mut Vec<u8>) -> Result<FileInfo> {
        let at = self.0.at("read", path);
        self.0.run_blocking("read", path, |local| {
            let opened = Opened::open(&local.root, &at, options.if_match.as_ref())?;
            let range = opened.resolve(options.range, &at)?;
            options.check_length(range.end - range.start)?;
            opened.read_into(&range, buffer, &at)?;
            Ok(opened.info)
        })
    }
}
