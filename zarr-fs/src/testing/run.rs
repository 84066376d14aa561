//! What a case runs on.

use std::panic::resume_unwind;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::harness::{Case, Harness};

/// No case takes nearly so long, even on a busy machine: one that does has hung.
const LIMIT: Duration = Duration::from_secs(150);

/// Set in the child process of a case.
const CHILD: &str = "ZARR_FS_CONFORMANCE_CHILD";

/// Runs a case on a current-thread tokio runtime.
///
/// # Panics
/// If the case fails or hangs, or leaves a filesystem unclosed.
pub fn on_tokio<H: Harness>(_module: &str, _name: &str, case: impl AsyncFnOnce(&Case<H>) + Send + 'static) {
    limited(move || current_thread().block_on(whole(case)));
}

/// Runs a case without any tokio runtime.
///
/// # Panics
/// If the case fails or hangs, or leaves a filesystem unclosed.
pub fn without_runtime<H: Harness>(
    _module: &str,
    _name: &str,
    case: impl AsyncFnOnce(&Case<H>) + Send + 'static,
) {
    limited(move || futures::executor::block_on(whole(case)));
}

/// Runs a case on a current-thread tokio runtime in a child process: the test binary, started again for this test alone.
/// What a case counts there (descriptors, threads) is its own.
///
/// # Panics
/// If the case fails or hangs, or leaves a filesystem unclosed.
pub fn in_child<H: Harness>(module: &str, name: &str, case: impl AsyncFnOnce(&Case<H>) + Send + 'static) {
    if std::env::var_os(CHILD).is_some() {
        return on_tokio(module, name, case);
    }
    // The name of a test has no crate in it.
    let inside = module.split_once("::").map_or("", |(_, inside)| inside);
    let test = if inside.is_empty() {
        name.to_owned()
    } else {
        format!("{inside}::{name}")
    };
    let output = Command::new(std::env::current_exe().expect("the test binary has a path"))
        .args([test.as_str(), "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .output()
        .expect("the test binary can be started again");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    // A child in which no test has that name succeeds too, with nothing shown.
    assert!(
        output.status.success() && text.contains("1 passed"),
        "in the child process of {test}:\n{text}"
    );
}

async fn whole<H: Harness>(case: impl AsyncFnOnce(&Case<H>)) {
    let run = Case::start();
    case(&run).await;
    run.end();
}

/// The blocking pool of a runtime of the suite itself, which keeps its threads for a while.
pub(super) const POOL: &str = "suite-pool";

/// A runtime that does nothing unless it is polled.
pub(super) fn current_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().thread_name(POOL);
    builder.build().expect("a runtime can be made")
}

/// Runs `work` in a thread of its own, so that one that hangs fails.
fn limited(work: impl FnOnce() + Send + 'static) {
    let (alive, ended) = channel::<()>();
    let thread = std::thread::Builder::new()
        .name("case".to_owned())
        .spawn(move || {
            let _alive = alive;
            work();
        });
    let thread = thread.expect("a thread can be started");
    match ended.recv_timeout(LIMIT) {
        Err(RecvTimeoutError::Timeout) => panic!("the case has hung"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
    }
}
