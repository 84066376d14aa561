//! What a session of an object store holds: the store, the transport under it, and what object_store leaves out.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use object_store::ObjectStore;
use object_store::multipart::MultipartStore;

use super::list::{ListPage, ListQuery};
use super::{ErrorMap, Intent, ObjectStoreFileSystem, Request, Transport};
use crate::capabilities::Capabilities;
use crate::error::{BoxError, Context, Error, Result};
use crate::filesystem::FileSystem;
use crate::info::Version;
use crate::session::{Client, Lease};

/// What a backend adds to its object_store client.
///
/// Listings are the backend's own: object_store fails a whole listing for one key that its paths cannot express, leaves the
/// generations out, and parses on the I/O thread.
#[async_trait]
pub trait ObjectBackend: Debug + Send + Sync + 'static {
    /// The request for one page of a listing.
    ///
    /// # Errors
    /// If there are no credentials for it.
    async fn list_request(&self, query: &ListQuery) -> object_store::Result<Request>;

    /// What a page says. It runs where computing is allowed.
    ///
    /// # Errors
    /// If `body` is no listing.
    fn parse_page(&self, body: &[u8]) -> Result<ListPage, BoxError>;

    /// The headers that make a read or a copy fail with 412 unless the file is of `version`; `None` if `version` cannot be
    /// one of this store's.
    fn match_headers(&self, version: &Version) -> Option<HeaderMap>;
}

/// What a session of an object store holds.
#[derive(Clone)]
pub struct ObjectStoreClient(pub(super) Arc<Parts>);

impl std::fmt::Debug for ObjectStoreClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the store: object_store shows static credentials.
        f.debug_struct("ObjectStoreClient").finish_non_exhaustive()
    }
}

pub(super) struct Parts {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) multipart: Arc<dyn MultipartStore>,
    pub(super) backend: Arc<dyn ObjectBackend>,
    pub(super) transport: Transport,
    pub(super) errors: ErrorMap,
}

impl ObjectStoreClient {
    /// A client of `store`, which makes its requests through `transport`, with what `backend` adds.
    pub fn new<S, B>(store: S, backend: B, transport: Transport, errors: ErrorMap) -> Self
    where
        S: ObjectStore + MultipartStore,
        B: ObjectBackend,
    {
        let store = Arc::new(store);
        Self(Arc::new(Parts {
            multipart: Arc::clone(&store) as Arc<dyn MultipartStore>,
            store,
            backend: Arc::new(backend),
            transport,
            errors,
        }))
    }

    pub(super) fn store_error(&self, at: &Context, intent: Intent, error: object_store::Error) -> Error {
        self.0.errors.store(at.clone(), intent, error)
    }
}

impl Client for ObjectStoreClient {
    fn filesystem(lease: Lease<Self>) -> Box<dyn FileSystem> {
        Box::new(ObjectStoreFileSystem::new(lease, Capabilities::full()))
    }
}
