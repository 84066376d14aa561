//! All files below a prefix: folder by folder, breadth first, several at once.

use std::collections::VecDeque;
use std::future::Future;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt};
use zarr_fs::{DirListing, FileInfo, Path, Result};

/// Folders that are asked for at once.
const WIDTH: usize = 32;

type Listed = BoxFuture<'static, Result<DirListing>>;

struct Walk<L> {
    ls: L,
    waiting: VecDeque<Path>,
    running: FuturesUnordered<Listed>,
    files: VecDeque<FileInfo>,
}

/// All files below `prefix`, by listing folders with `ls`; a folder with nothing in it ends nothing.
pub(crate) fn find<L, F>(prefix: &Path, ls: L) -> BoxStream<'static, Result<FileInfo>>
where
    L: Fn(Path) -> F + Send + 'static,
    F: Future<Output = Result<DirListing>> + Send + 'static,
{
    let walk = Walk {
        ls,
        waiting: VecDeque::from([prefix.clone()]),
        running: FuturesUnordered::new(),
        files: VecDeque::new(),
    };
    futures::stream::unfold(Some(walk), |walk| async move {
        let mut walk = walk?;
        match walk.next().await {
            Some(Ok(file)) => Some((Ok(file), Some(walk))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    })
    .boxed()
}

impl<L, F> Walk<L>
where
    L: Fn(Path) -> F,
    F: Future<Output = Result<DirListing>> + Send + 'static,
{
    async fn next(&mut self) -> Option<Result<FileInfo>> {
        loop {
            if let Some(file) = self.files.pop_front() {
                return Some(Ok(file));
            }
            while self.running.len() < WIDTH
                && let Some(dir) = self.waiting.pop_front()
            {
                self.running.push((self.ls)(dir).boxed());
            }
            match self.running.next().await? {
                Ok(listing) => {
                    self.files.extend(listing.files);
                    self.waiting.extend(listing.prefixes);
                }
                // Nothing in it, or gone since its parent was listed.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
