//! What a command works with: the backends, the stores it has opened, and their close.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zarr_core::{Store, StoreOptions};
use zarr_fs::session::{SessionOptions, UnclosedLog, UnclosedPolicy};
use zarr_fs::{IoStats, Registry};

use crate::cli::Global;
use crate::error::CliError;
use crate::options;
use crate::url::Address;

/// A command waits less for stuck calls than a service would: a person is waiting.
const DRAIN: Duration = Duration::from_millis(1500);

/// The backends and all that was opened through them. It outlives the command, so that whatever becomes of that,
/// everything is closed.
#[derive(Debug)]
pub(crate) struct App {
    /// The options of every verb.
    pub(crate) global: Global,
    registry: Registry,
    unclosed: UnclosedLog,
    stores: Mutex<Vec<Arc<Store>>>,
}

impl App {
    /// Registers the backends; opens nothing.
    pub(crate) fn new(global: Global) -> Self {
        let unclosed = UnclosedLog::new();
        let defaults = SessionOptions::default()
            .with_drain(DRAIN)
            .with_unclosed(UnclosedPolicy::Strict(unclosed.clone()));
        Self {
            global,
            registry: backends(Registry::new(defaults)),
            unclosed,
            stores: Mutex::default(),
        }
    }

    /// Opens the store that an address names. It is closed by [`App::close`], not by the command.
    ///
    /// # Errors
    /// A usage error for a URL or an option that makes no sense. No I/O is done.
    #[track_caller]
    pub(crate) fn open(&self, address: &Address) -> Result<Arc<Store>, CliError> {
        let options = options::collect(&self.global, address.url.scheme())?;
        let (lease, base) = self.registry.open(&address.url, &options)?;
        let mut store_options = StoreOptions::default();
        if let Some(jobs) = self.global.jobs.and_then(|jobs| usize::try_from(jobs).ok()) {
            store_options = store_options.with_metadata_concurrency(jobs);
        }
        let store = Store::new(lease, base, store_options);
        self.stores
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&store));
        Ok(store)
    }

    /// Closes every store, then every session that is left.
    ///
    /// # Errors
    /// What could not be closed or was found open afterwards.
    pub(crate) async fn close(&self) -> Result<(), CliError> {
        let stores = std::mem::take(&mut *self.stores.lock().unwrap_or_else(PoisonError::into_inner));
        let closes = stores.iter().map(|store| store.close());
        let mut left: Vec<String> = futures::future::join_all(closes)
            .await
            .into_iter()
            .filter_map(|closed| closed.err().map(|error| error.to_string()))
            .collect();
        if let Err(errors) = self.registry.close_all().await {
            left.extend(errors.iter().map(ToString::to_string));
        }
        left.extend(
            self.registry
                .live_leases()
                .iter()
                .map(|lease| format!("{} is open", lease.filesystem)),
        );
        left.extend(self.unclosed.entries().iter().map(ToString::to_string));
        left.dedup();
        if left.is_empty() {
            Ok(())
        } else {
            Err(CliError::NotClosed(left))
        }
    }

    /// How many filesystems were dropped or left without close.
    pub(crate) fn unclosed_filesystems(&self) -> usize {
        self.unclosed.entries().len() + self.registry.live_leases().len()
    }

    /// What was moved so far.
    pub(crate) fn io_stats(&self) -> IoStats {
        self.registry.io_stats()
    }
}

/// The backends of this command: a further one is a line here.
fn backends(registry: Registry) -> Registry {
    registry
        .with("file", zarr_fs::LocalFactory)
        .with("memory", zarr_fs::MemoryFactory::new())
        .with("gs", zarr_gcs::GcsFactory)
        .with("gcs", zarr_gcs::GcsFactory)
        .with("http", zarr_http::HttpFactory)
        .with("https", zarr_http::HttpFactory)
}
