//! What is tried again, how often, and how long in between.
//!
//! Tried again are connect errors, 408, 429, 500, 502, 503, 504, broken connections, replies that are not HTTP, stalls and
//! truncated bodies; of requests that only read, or that may be done twice (conditional writes, parts of an upload). Any
//! other write is tried again only if the server surely has not done it.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, header};

use super::transport::{Fault, TransportError};
use crate::error::Result;
use crate::options::{Options, invalid};
use crate::session::CallContext;

/// How often and how long a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts after the first. Default 5.
    pub retries: u32,
    /// No attempt begins later than this after the first one, or after a body last made progress. Default 60 s: room for
    /// one more attempt after a stall of the default 30 s.
    pub retry_time: Duration,
    /// The first wait; each later one is twice as long. Default 100 ms.
    pub base: Duration,
    /// The longest wait, unless the server asks for a longer one. Default 10 s.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            retry_time: Duration::from_secs(60),
            base: Duration::from_millis(100),
            max: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// The first attempt only.
    #[must_use]
    pub fn never() -> Self {
        Self {
            retries: 0,
            ..Self::default()
        }
    }

    /// Sets the number of attempts after the first.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the time budget.
    #[must_use]
    pub fn with_retry_time(mut self, retry_time: Duration) -> Self {
        self.retry_time = retry_time;
        self
    }

    /// Sets the first wait.
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// `retries` and `retry_time` of storage options.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) for an impossible value.
    pub fn from_options(options: &Options) -> Result<Self> {
        let mut policy = Self::default();
        if let Some(retries) = options.integer("retries")? {
            policy.retries = u32::try_from(retries)
                .ok()
                .filter(|retries| *retries <= 1000)
                .ok_or_else(|| invalid("retries", "expected 0 to 1000"))?;
        }
        if let Some(retry_time) = options.duration("retry_time")? {
            policy.retry_time = retry_time;
        }
        Ok(policy)
    }
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// If the server surely has not done it: no connection, or it said so (429).
    IfNotDone,
    /// After any passing fault: the request reads, or doing it twice is the same as doing it once.
    Always,
}

impl Retry {
    /// What holds for a method by itself: reads may always be sent again.
    #[must_use]
    pub fn of(method: &Method) -> Self {
        if method.is_safe() || method.as_str() == "PROPFIND" {
            Self::Always
        } else {
            Self::IfNotDone
        }
    }

    pub(super) fn allows(self, fault: &Fault) -> bool {
        fault.is_transient() && (self == Self::Always || fault.is_not_done())
    }
}

/// After so many bytes a body counts as progress, and the attempts before it are forgotten.
const PROGRESS_BYTES: u64 = 1 << 20;

/// What is left to one request and its body: attempts and time. Shared by the parts that try again.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    policy: RetryPolicy,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    used: u32,
    attempts: u32,
    since: Instant,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            state: Arc::new(Mutex::new(State {
                used: 0,
                attempts: 1,
                since: Instant::now(),
                bytes: 0,
            })),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of a body arrived: the time budget starts anew, after a good many of them the count of attempts too.
    pub(super) fn progress(&self, bytes: usize) {
        let mut state = self.state();
        state.since = Instant::now();
        state.bytes = state.bytes.saturating_add(bytes as u64);
        if state.bytes >= PROGRESS_BYTES {
            state.bytes = 0;
            state.used = 0;
        }
    }

    /// Attempts so far, the first one counted.
    pub(super) fn attempts(&self) -> u32 {
        self.state().attempts
    }

    /// How long to wait before the next attempt; `None` if there is none: no attempt or no time is left. A server that
    /// asks for a longer wait than there is time gets none.
    pub(super) fn next_wait(&self, retry_after: Option<Duration>) -> Option<Duration> {
        let mut state = self.state();
        if state.used >= self.policy.retries {
            return None;
        }
        let doubled = self.policy.base.saturating_mul(1 << state.used.min(20));
        let wait = jitter(doubled.min(self.policy.max)).max(retry_after.unwrap_or_default());
        if state.since.elapsed().saturating_add(wait) > self.policy.retry_time {
            return None;
        }
        state.used += 1;
        state.attempts += 1;
        state.bytes = 0;
        Some(wait)
    }
}

/// Between a half and the whole of `wait`, so that many clients do not come back at once.
fn jitter(wait: Duration) -> Duration {
    // A fresh `RandomState` differs each time: random enough for this, and for no secret.
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    let part = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    wait.mul_f64(0.5 + part / 2.0)
}

/// Waits before the next attempt; a close cuts the wait.
pub(super) async fn back_off(wait: Duration, activity: Option<&Activity>) -> Result<(), ()> {
    let sleep = tokio::time::sleep(wait);
    match (activity, CallContext::current()) {
        // Several requests of one call: whoever runs them knows when the whole call only waits.
        (Some(activity), _) => {
            let _idle = activity.pause();
            sleep.await;
            Ok(())
        }
        (None, Some(call)) => call.park(sleep).await.map_err(|_| ()),
        (None, None) => {
            sleep.await;
            Ok(())
        }
    }
}

/// How many of a call's requests are with the network, for a call that has several at once: when none is, the call is
/// parked by whoever runs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<ActivityState>);

#[derive(Debug, Default)]
struct ActivityState {
    paused: std::sync::atomic::AtomicUsize,
    changed: tokio::sync::Notify,
}

impl Activity {
    fn pause(&self) -> Pause<'_> {
        self.0.paused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.changed.notify_one();
        Pause(self)
    }

    /// Requests that wait to be tried again.
    pub(super) fn paused(&self) -> usize {
        self.0.paused.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Resolves when that number has changed.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

struct Pause<'a>(&'a Activity);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.0.paused.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        self.0.0.changed.notify_one();
    }
}

/// What a server asks for with `Retry-After`: seconds, or a date (taken from the server's own `Date`, so that no clock of
/// ours matters).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// Whether `error` of a request with this retry class should be tried again, and after which wait.
pub(super) fn next(budget: &Budget, retry: Retry, error: &TransportError) -> Option<Duration> {
    if retry.allows(error.fault()) {
        budget.next_wait(error.retry_after())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn reads_retry_after() {
        assert_eq!(
            retry_after(&headers(&[("retry-after", "7")])),
            Some(Duration::from_secs(7))
        );
        let date = [
            ("retry-after", "Wed, 21 Oct 2015 07:28:10 GMT"),
            ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ];
        assert_eq!(retry_after(&headers(&date)), Some(Duration::from_secs(10)));
        assert_eq!(retry_after(&headers(&date[..1])), None);
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
        assert_eq!(retry_after(&headers(&[("retry-after", "-1")])), None);
    }

    #[test]
    fn the_budget_is_bounded_in_attempts_and_time() {
        let budget = Budget::new(RetryPolicy::default().with_retries(2));
        let first = budget.next_wait(None).unwrap();
        assert!(
            first >= Duration::from_millis(50) && first <= Duration::from_millis(100),
            "{first:?}"
        );
        assert!(budget.next_wait(None).unwrap() >= Duration::from_millis(100));
        assert_eq!(budget.next_wait(None), None);
        assert_eq!(budget.attempts(), 3);

        let budget = Budget::new(RetryPolicy::default().with_retry_time(Duration::from_secs(3)));
        assert_eq!(budget.next_wait(Some(Duration::from_secs(4))), None);
        assert_eq!(
            budget.next_wait(Some(Duration::from_secs(2))),
            Some(Duration::from_secs(2))
        );
        assert_eq!(Budget::new(RetryPolicy::never()).next_wait(None), None);
    }

    #[test]
    fn progress_gives_attempts_back() {
        let budget = Budget::new(RetryPolicy::default().with_retries(1));
        assert!(budget.next_wait(None).is_some());
        budget.progress(10);
        assert_eq!(budget.next_wait(None), None);
        budget.progress(1 << 20);
        assert!(budget.next_wait(None).is_some());
    }

    #[test]
    fn waits_grow_to_the_longest() {
        let budget = Budget::new(RetryPolicy::default().with_retries(100));
        let mut longest = Duration::ZERO;
        while let Some(wait) = budget.next_wait(None) {
            longest = longest.max(wait);
        }
        assert!(
            longest <= Duration::from_secs(10) && longest >= Duration::from_secs(5),
            "{longest:?}"
        );
    }
}
