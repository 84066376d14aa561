//! Runs a command and ends it, whatever happens: success, error, panic, signal, timeout.
//!
//! The command runs on a thread of its own, so that a write into a full pipe or a long computation cannot keep this one
//! from hearing a signal and closing what is open.

use std::future::Future;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::CliError;
use crate::io_stats::{self, Summary};
use crate::signals::Signals;

/// Threads for the command itself and for files of this machine. tokio would start one for each file that is asked for at
/// once: for a group of 277 nodes that was most of the command's CPU time.
const BLOCKING_THREADS: usize = 9;
/// How long a cancelled command may take to let go of its calls before they are closed under it.
const LET_GO: Duration = Duration::from_millis(200);

/// How a command ended: its result, and what closing found.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) result: Result<(), CliError>,
    pub(crate) closed: Result<(), CliError>,
    pub(crate) summary: Summary,
}

/// Runs `command`, then closes everything that `app` has opened.
///
/// # Errors
/// Only if the operating system gives no runtime or no signals; then the command has not begun.
pub(crate) fn run<F>(app: &Arc<App>, command: impl FnOnce() -> F + Send + 'static) -> Result<Ended, CliError>
where
    F: Future<Output = Result<(), CliError>>,
{
    let started = Instant::now();
    std::panic::set_hook(Box::new(remember_panic));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|source| CliError::System {
            what: "cannot start",
            source,
        })?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new().map_err(|source| CliError::System {
            what: "no signals",
            source,
        })?;
        let sockets_before = io_stats::sockets();
        let result = watch(app, command, &mut signals).await;
        let closed = tokio::select! {
            closed = app.close() => closed,
            signal = signals.next() => exit_at_once(signal),
        };
        let open_connections = sockets_before
            .zip(io_stats::sockets())
            .map(|(before, after)| after.difference(&before).count());
        let closed = closed.and_then(|()| match open_connections {
            None | Some(0) => Ok(()),
            Some(open) => Err(CliError::NotClosed(vec![format!("{open} sockets")])),
        });
        Ok(Ended {
            result,
            closed,
            summary: Summary {
                moved: app.io_stats(),
                open_connections,
                unclosed_filesystems: app.unclosed_filesystems(),
                elapsed: started.elapsed(),
            },
        })
    });
    // A command that is stuck in a write has its own thread: nobody waits for it.
    runtime.shutdown_background();
    ended
}

/// Waits for the end of the command, a signal, or the end of its time.
async fn watch<F>(
    app: &App,
    command: impl FnOnce() -> F + Send + 'static,
    signals: &mut Signals,
) -> Result<(), CliError>
where
    F: Future<Output = Result<(), CliError>>,
{
    let cancel = CancellationToken::new();
    let (runtime, cancelled) = (Handle::current(), cancel.clone());
    let mut work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move { cancelled.run_until_cancelled(command()).await.unwrap_or(Ok(())) })
    });
    let deadline = async {
        match app.global.timeout {
            Some(time) => {
                tokio::time::sleep(time).await;
                CliError::Timeout(time)
            }
            None => std::future::pending().await,
        }
    };
    let stopped = tokio::select! {
        biased;
        signal = signals.next() => CliError::Interrupted(signal),
        done = &mut work => return done.unwrap_or_else(|_| Err(CliError::Panic(last_panic()))),
        timeout = deadline => timeout,
    };
    cancel.cancel();
    tokio::select! {
        signal = signals.next() => exit_at_once(signal),
        _ = tokio::time::timeout(LET_GO, work) => Err(stopped),
    }
}

/// The second signal: the user does not want to wait for an orderly end.
fn exit_at_once(signal: crate::error::Signal) -> ! {
    std::process::exit(i32::from(signal.exit_code()))
}

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// In place of the standard message with its backtrace: the panic becomes an error, which is told once.
fn remember_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    let place = info
        .location()
        .map(|place| format!(" ({place})"))
        .unwrap_or_default();
    *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{message}{place}"));
}

/// What the last panic said.
pub(crate) fn last_panic() -> String {
    let last = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    last.unwrap_or_else(|| "panic".to_owned())
}
