//! Assertions of the suite.

use std::fmt::Debug;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::error::{Error, Outcome, Result};

/// The error of a call that must fail.
#[track_caller]
pub(super) fn error<T: Debug>(result: Result<T>) -> Error {
    result.expect_err("the call must fail")
}

/// Fails unless nothing was found.
///
/// # Panics
/// Unless `result` is `NotFound`.
#[track_caller]
pub fn assert_not_found<T: Debug>(result: Result<T>) {
    let error = error(result);
    assert!(
        matches!(error, Error::NotFound { .. }),
        "NotFound was expected: {error:?}"
    );
}

/// Fails unless the filesystem said that it cannot do this.
///
/// # Panics
/// Unless `result` is `Unsupported`.
#[track_caller]
pub fn assert_unsupported<T: Debug>(result: Result<T>) {
    let error = error(result);
    assert!(
        matches!(error, Error::Unsupported { .. }),
        "Unsupported was expected: {error:?}"
    );
}

/// Fails unless a close refused or cut the call.
///
/// # Panics
/// Unless `result` is `Closed` with this outcome.
#[track_caller]
pub fn assert_closed<T: Debug>(result: Result<T>, wanted: Outcome) {
    let error = error(result);
    assert!(
        matches!(&error, Error::Closed { outcome, .. } if *outcome == wanted),
        "Closed with {wanted:?} was expected: {error:?}"
    );
}

/// Waits until `ready`, for at most 30 s. On any executor: other futures of the task are polled meanwhile.
///
/// # Panics
/// If it never is.
pub async fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(Instant::now() < limit, "it never came true that {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Lets some time pass, on any executor: without a tokio runtime it blocks its thread.
pub(super) async fn sleep(time: Duration) {
    if time.is_zero() {
        return;
    }
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(time).await;
        return;
    }
    let mut over = false;
    std::future::poll_fn(|cx| {
        if over {
            return Poll::Ready(());
        }
        over = true;
        std::thread::sleep(time);
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
