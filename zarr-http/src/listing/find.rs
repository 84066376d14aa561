//! All files below a prefix: folder by folder, breadth first, several at once.

use std::collections::VecDeque;
use std::future::Future;

use futures::channel::mpsc;
use futures::future::{BoxFuture, Either};
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, SinkExt, StreamExt};
use zarr_fs::{DirListing, FileInfo, Path, Result};

/// Folders that are asked for at once.
const WIDTH: usize = 32;

/// Files that may wait for the consumer.
const WAITING: usize = 16;

/// Lists folders with `ls` and hands on the files below `prefix`; a folder with nothing in it ends nothing. It ends after
/// an error, and when nobody takes the files any more.
pub(crate) async fn walk<L, F>(prefix: Path, ls: L, mut files: mpsc::Sender<Result<FileInfo>>)
where
    L: Fn(Path) -> F,
    F: Future<Output = Result<DirListing>> + Send + 'static,
{
    let mut waiting = VecDeque::from([prefix]);
    let mut running = FuturesUnordered::<BoxFuture<'static, Result<DirListing>>>::new();
    loop {
        while running.len() < WIDTH
            && let Some(dir) = waiting.pop_front()
        {
            running.push(ls(dir).boxed());
        }
        match running.next().await {
            Some(Ok(listing)) => {
                waiting.extend(listing.prefixes);
                for file in listing.files {
                    if files.send(Ok(file)).await.is_err() {
                        return;
                    }
                }
            }
            // Nothing in it, or gone since its parent was listed.
            Some(Err(error)) if error.is_not_found() => {}
            Some(Err(error)) => {
                // Nobody takes it: then nobody asks.
                let _ = files.send(Err(error)).await;
                return;
            }
            None => return,
        }
    }
}

/// The place where a walk's files wait.
pub(crate) fn queue() -> (mpsc::Sender<Result<FileInfo>>, mpsc::Receiver<Result<FileInfo>>) {
    mpsc::channel(WAITING)
}

/// `items`, with `work` moved on whenever the consumer waits for one: the work is done where the items are wanted.
pub(crate) fn beside<T: Send + 'static>(
    items: BoxStream<'static, T>,
    work: impl Future<Output = ()> + Send + 'static,
) -> BoxStream<'static, T> {
    futures::stream::unfold((items, Some(work.boxed())), |(mut items, mut work)| async move {
        let item = match work.take() {
            None => items.next().await,
            // The items first: those of a lease that is closed end it, and the work with it.
            Some(working) => match futures::future::select(items.next(), working).await {
                Either::Left((item, working)) => {
                    work = Some(working);
                    item
                }
                Either::Right(((), item)) => item.await,
            },
        };
        item.map(|item| (item, (items, work)))
    })
    .boxed()
}
