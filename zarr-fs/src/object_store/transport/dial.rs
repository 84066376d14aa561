//! Counts the connections that are dialled.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::session::IoCounters;

/// A layer around reqwest's connector that counts its calls. (It cannot see a connection close: that type is sealed.)
#[derive(Clone, Debug)]
pub(super) struct CountDials(pub(super) Arc<IoCounters>);

impl<S> Layer<S> for CountDials {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            counters: Arc::clone(&self.0),
        }
    }
}

/// A connector whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    inner: S,
    counters: Arc<IoCounters>,
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: R) -> S::Future {
        self.counters.add_connection();
        self.inner.call(destination)
    }
}
