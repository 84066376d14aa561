//! Counts the connections that are dialled, and dials a few at a time.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tower_layer::Layer;
use tower_service::Service;

use crate::session::IoCounters;

/// So many connections are begun in one turn of the I/O thread. Two hundred at once would all be begun before the first of
/// them sends its request; so the first answers come while the last are still begun (1000 members over 192 connections at
/// 20 ms: 0.20 s, not 0.22). It bounds no time of the network: a connection that is on its way holds nobody up.
const IN_ONE_TURN: usize = 8;

/// A layer around reqwest's connector. (It cannot see a connection close: that type is sealed.)
#[derive(Clone, Debug)]
pub(super) struct Dials {
    counters: Arc<IoCounters>,
    turn: Arc<Semaphore>,
}

impl Dials {
    pub(super) fn counted_by(counters: &Arc<IoCounters>) -> Self {
        Self {
            counters: Arc::clone(counters),
            turn: Arc::new(Semaphore::new(IN_ONE_TURN)),
        }
    }
}

impl<S> Layer<S> for Dials {
    type Service = Dialler<S>;

    fn layer(&self, inner: S) -> Dialler<S> {
        Dialler {
            inner,
            dials: self.clone(),
        }
    }
}

/// A connector whose calls are counted, and begun a few at a time.
#[derive(Clone, Debug)]
pub(super) struct Dialler<S> {
    inner: S,
    dials: Dials,
}

impl<S, R> Service<R> for Dialler<S>
where
    S: Service<R, Future: Send + 'static, Response: Send, Error: Send>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let Dials { counters, turn } = self.dials.clone();
        let mut connection = Box::pin(self.inner.call(destination));
        Box::pin(async move {
            // The semaphore is never closed.
            let place = turn.acquire().await;
            counters.add_connection();
            if let Some(connected) = connection.as_mut().now_or_never() {
                return connected;
            }
            tokio::task::yield_now().await;
            drop(place);
            connection.await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Connects in two turns, and says when it begins and when it has ended.
    #[derive(Clone)]
    struct Slow(Arc<Mutex<Vec<String>>>);

    impl Service<usize> for Slow {
        type Response = ();
        type Error = ();
        type Future = BoxFuture<'static, Result<(), ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, number: usize) -> Self::Future {
            let log = Arc::clone(&self.0);
            let say = move |what: &str| log.lock().unwrap().push(format!("{what} {number}"));
            Box::pin(async move {
                say("begun");
                tokio::task::yield_now().await;
                say("made");
                Ok(())
            })
        }
    }

    #[test]
    fn the_first_connections_are_made_before_the_last_are_begun() {
        let (log, counters) = (Arc::default(), Arc::default());
        let mut dialler = Dials::counted_by(&counters).layer(Slow(Arc::clone(&log)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dials: Vec<_> = (0..100)
            .map(|number| runtime.spawn(dialler.call(number)))
            .collect();
        for dial in dials {
            runtime.block_on(dial).unwrap().unwrap();
        }
        let log = log.lock().unwrap();
        let place = |what: &str| log.iter().position(|said| said == what).unwrap();
        assert!(place("made 0") < place("begun 50"), "{log:?}");
        assert_eq!(log.len(), 200);
        assert_eq!(counters.snapshot().connections_opened, 100);
    }
}
