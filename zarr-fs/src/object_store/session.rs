//! A session of an object store, as a registry keeps it.

use std::panic::Location;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{ObjectStoreClient, ObjectStoreFileSystem};
use crate::capabilities::Capabilities;
use crate::error::Result;
use crate::filesystem::FileSystem;
use crate::info::IoStats;
use crate::session::{
    CloseError, CloseReport, Gone, IoCounters, LiveLease, Session, SessionOptions, SharedSession,
};

/// A session of an object store. It does no I/O before the first call of a lease.
#[derive(Debug)]
pub struct ObjectStoreSession {
    session: Session<ObjectStoreClient>,
    capabilities: Capabilities,
}

impl ObjectStoreSession {
    /// A session whose client `connect` makes on the I/O thread, at the first call; see [`Session::new`].
    pub fn new(
        name: impl Into<String>,
        options: SessionOptions,
        capabilities: Capabilities,
        connect: impl Fn(&Arc<IoCounters>) -> Result<ObjectStoreClient> + Send + Sync + 'static,
    ) -> Self {
        Self {
            session: Session::new(name, options, connect),
            capabilities,
        }
    }

    /// Makes a lease.
    ///
    /// # Errors
    /// [`Gone`] once the session's last lease has begun its close.
    pub fn lease(&self, opened_at: &'static Location<'static>) -> Result<ObjectStoreFileSystem, Gone> {
        let lease = self.session.lease(opened_at)?;
        Ok(ObjectStoreFileSystem::new(lease, self.capabilities))
    }
}

impl SharedSession for ObjectStoreSession {
    fn lease_at(&self, opened_at: &'static Location<'static>) -> Result<Box<dyn FileSystem>, Gone> {
        Ok(Box::new(self.lease(opened_at)?))
    }

    fn live_leases(&self) -> Vec<LiveLease> {
        self.session.live_leases()
    }

    fn io_stats(&self) -> IoStats {
        self.session.io_stats()
    }

    fn is_open(&self) -> bool {
        self.session.is_open()
    }

    fn is_gone(&self) -> bool {
        self.session.is_gone()
    }

    fn close_all(&self) -> BoxFuture<'static, Vec<Result<CloseReport, CloseError>>> {
        self.session.close_all()
    }
}
