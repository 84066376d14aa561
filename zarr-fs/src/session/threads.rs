//! The clients of a session and the threads they live on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::call::Waiter;
use super::core::{Core, lock};
use super::private_runtime::{self, Connect, PrivateRuntime};
use super::state::SessionPhase;
use crate::error::{Outcome, Result};

/// The clients of a session and the threads they live on.
pub(super) enum Threads<C> {
    /// One client; calls run where they are awaited.
    Local(Arc<C>),
    /// A client on each I/O thread; the threads start at the first call.
    Private {
        /// Makes a client, on its thread.
        connect: Connect<C>,
        /// The threads, once they are started.
        started: Mutex<Vec<PrivateRuntime<C>>>,
        /// Calls take the threads in turn.
        turn: AtomicUsize,
    },
}

impl<C: Send + Sync + 'static> Threads<C> {
    pub(super) fn private(connect: Connect<C>) -> Self {
        Self::Private {
            connect,
            started: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The client, if calls run where they are awaited.
    pub(super) fn local(&self) -> Option<Arc<C>> {
        match self {
            Self::Local(client) => Some(Arc::clone(client)),
            Self::Private { .. } => None,
        }
    }

    /// The thread for the next call.
    pub(super) fn runtime(&self, core: &Arc<Core>, call: &Waiter) -> Result<PrivateRuntime<C>> {
        let Self::Private {
            connect,
            started,
            turn,
        } = self
        else {
            return Err(call.backend("a session without I/O threads was asked for one"));
        };
        let mut started = lock(started);
        if started.is_empty() {
            let mut inner = core.lock();
            // A call that a close ended already (it had not started, or was given up) gets no thread any more.
            if matches!(
                inner.machine.phase(),
                SessionPhase::TearingDown | SessionPhase::Gone
            ) {
                return Err(call.closed(Outcome::NotStarted));
            }
            let count = core.options.io_threads.max(1);
            private_runtime::reserve(count)?;
            while started.len() < count {
                match PrivateRuntime::start(core, &mut inner, Arc::clone(connect)) {
                    Ok(runtime) => started.push(runtime),
                    Err(error) => {
                        // Later calls have the threads that there are, or try anew.
                        private_runtime::give_back(count - started.len());
                        return Err(call.backend(error));
                    }
                }
            }
        }
        let turn = turn.fetch_add(1, Ordering::Relaxed) % started.len();
        Ok(started[turn].clone())
    }
}
