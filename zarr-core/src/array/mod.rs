//! [`Array`]: a node with data.

use std::sync::Arc;

use crate::hierarchy::{NodeCore, node_methods};
use crate::metadata::json::Object;
use crate::metadata::{ArrayMetadata, ZarrFormat};

/// An array: data in chunks, and attributes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Array {
    pub(crate) core: NodeCore,
    pub(crate) metadata: Arc<ArrayMetadata>,
}

node_methods!(Array, "array");

impl Array {
    pub(crate) fn new(core: NodeCore, metadata: ArrayMetadata) -> Self {
        Self {
            core,
            metadata: Arc::new(metadata),
        }
    }

    /// Shape, data type, chunks, codecs and the rest of its document.
    #[must_use]
    pub fn metadata(&self) -> &ArrayMetadata {
        &self.metadata
    }

    /// In which format it is stored.
    #[must_use]
    pub fn zarr_format(&self) -> ZarrFormat {
        self.metadata.zarr_format()
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        self.metadata.attributes()
    }
}
