//! The thread that a session's network calls run on, with a runtime of its own.
//!
//! Everything that owns a socket lives in this runtime, so dropping it closes them all: nothing else could promise that.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::core::{Core, OwnedThread};
use crate::error::{BoxError, Error, Result};

/// Most I/O threads in one process, over all sessions: each costs about four descriptors and a thread.
pub const MAX_IO_THREADS: usize = 4096;

/// Those that run, and those that have been promised to a session that starts.
static IO_THREADS: AtomicUsize = AtomicUsize::new(0);

/// Makes room for so many I/O threads; each gives its place back as it ends.
///
/// # Errors
/// [`Error::LimitReached`] if there would be too many.
pub(super) fn reserve(count: usize) -> Result<()> {
    let room = |running: usize| running.checked_add(count).filter(|all| *all <= MAX_IO_THREADS);
    match IO_THREADS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::LimitReached {
            what: "I/O threads of sessions",
            limit: MAX_IO_THREADS as u64,
        }),
    }
}

/// Gives places back that no thread was started for.
pub(super) fn give_back(count: usize) {
    IO_THREADS.fetch_sub(count, Ordering::Relaxed);
}

/// Why a job gets no client.
pub(crate) type StartError = Arc<dyn std::error::Error + Send + Sync>;

/// A job: given the client, what to run.
pub(crate) type Job<C> = Box<dyn FnOnce(Result<Arc<C>, ConnectError>) -> BoxFuture<'static, ()> + Send>;

/// Makes the client, on the I/O thread.
pub(crate) type Connect<C> = Arc<dyn Fn() -> Result<C> + Send + Sync>;

/// Why there is no client for a job.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The client could not be made; a later job tries anew.
    Client(Error),
    /// The runtime could not be made.
    Runtime(StartError),
}

/// The way to one I/O thread.
pub(crate) struct PrivateRuntime<C> {
    jobs: mpsc::UnboundedSender<Job<C>>,
}

impl<C> std::fmt::Debug for PrivateRuntime<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateRuntime").finish_non_exhaustive()
    }
}

impl<C: Send + Sync + 'static> PrivateRuntime<C> {
    /// Starts the thread, for which there is a place. The lock on the core's state is held by the caller, so that no teardown
    /// comes between.
    pub(crate) fn start(
        core: &Arc<Core>,
        inner: &mut super::core::Inner,
        connect: Connect<C>,
    ) -> Result<Self, BoxError> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let name = format!("zarr-io-{}", inner.threads.len());
        let (thread_core, thread_stop) = (Arc::clone(core), stop.clone());
        let spawned = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let _exit = Exit(thread_core);
            serve(queue, &connect, &thread_stop);
        });
        match spawned {
            Ok(handle) => {
                core.add_thread(
                    inner,
                    OwnedThread {
                        name,
                        stop,
                        handle: Some(handle),
                    },
                );
                Ok(Self { jobs })
            }
            Err(error) => Err(Box::new(error)),
        }
    }

    /// Gives the thread a job. After the teardown began the job is dropped, and with it the call it belongs to.
    pub(crate) fn submit<F>(&self, job: impl FnOnce(Result<Arc<C>, ConnectError>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _ = self.jobs.send(Box::new(move |client| Box::pin(job(client))));
    }
}

impl<C> Clone for PrivateRuntime<C> {
    fn clone(&self) -> Self {
        Self {
            jobs: self.jobs.clone(),
        }
    }
}

/// The last word of a thread, said even if its client's constructor panics.
struct Exit(Arc<Core>);

impl Drop for Exit {
    fn drop(&mut self) {
        give_back(1);
        self.0.thread_exits();
    }
}

fn serve<C: Send + Sync + 'static>(
    mut queue: mpsc::UnboundedReceiver<Job<C>>,
    connect: &Connect<C>,
    stop: &CancellationToken,
) {
    // One thread only: a runtime with workers of its own cannot promise that each socket is closed when it is dropped.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let mut client: Option<Arc<C>> = None;
            runtime.block_on(async {
                while let Some(job) = next(&mut queue, stop).await {
                    let connected = match &client {
                        Some(client) => Ok(Arc::clone(client)),
                        None => connect()
                            .map(Arc::new)
                            .inspect(|made| client = Some(Arc::clone(made))),
                    };
                    drop(
                        runtime
                            .handle()
                            .spawn(job(connected.map_err(ConnectError::Client))),
                    );
                }
            });
            drop(client);
            // Drops every task and with it every socket, here and now. It does not wait for a name lookup that the
            // operating system will not cancel.
            runtime.shutdown_timeout(Duration::ZERO);
        }
        Err(error) => {
            let error: StartError = Arc::new(error);
            futures::executor::block_on(async {
                while let Some(job) = next(&mut queue, stop).await {
                    job(Err(ConnectError::Runtime(Arc::clone(&error)))).await;
                }
            });
        }
    }
    // What is still queued is dropped here, before the thread says that it has ended.
    queue.close();
    while queue.try_recv().is_ok() {}
}

async fn next<C>(queue: &mut mpsc::UnboundedReceiver<Job<C>>, stop: &CancellationToken) -> Option<Job<C>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        job = queue.recv() => job,
    }
}
