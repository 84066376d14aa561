//! Writing consolidated metadata.

use std::sync::Arc;

use futures::StreamExt;

use super::context::Context;
use super::member::{Broken, Member, Unlisted};
use super::node::Node;
use super::update::{Part, update};
use super::walk_options::WalkOptions;
use super::{ConsolidatedMode, OpenOptions, open_node};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::json::{NonFiniteStyle, PrintOptions};
use crate::metadata::limits::MAX_DOCUMENT_BYTES;
use crate::metadata::{ConsolidatedMetadata, MetadataError, NodeMetadata, ZMETADATA};
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;

impl Group {
    /// Reads the documents of all nodes below the group anew and writes their copy into it: for v3 into its `zarr.json`,
    /// for v2 into `.zmetadata`. Returns the group with them.
    ///
    /// The copy is written last and in one piece. It is written only if it is complete: a child that is broken or cannot
    /// be listed is an error.
    ///
    /// # Errors
    /// What is wrong with a child; [`Error::LimitReached`] if there is too much; [`Error::Unsupported`] if the store cannot
    /// list; else as [`Group::update_attributes`].
    pub async fn consolidate(&self) -> Result<Group> {
        let (path, format, store) = (self.path(), self.zarr_format(), self.store());
        store.ensure_writable("set", &path.key(self.metadata.document().kind().key()))?;
        let live = OpenOptions::default()
            .with_consolidated(ConsolidatedMode::Ignore)
            .allow_unsupported();
        let context = Context::new(Arc::clone(store), live);
        let group = open_node(&context, path, Some(format)).await?.into_group()?;
        let mut nodes = Vec::new();
        let mut walk = group.walk(WalkOptions::default());
        while let Some(member) = walk.next().await {
            match member? {
                Member::Node(node) => {
                    let relative = node.path().strip_prefix(path).unwrap_or_default();
                    nodes.push((relative, metadata(&node)));
                }
                Member::Broken(Broken { error, .. }) | Member::Unlisted(Unlisted { error, .. }) => {
                    return Err(error);
                }
            }
        }
        match format {
            ZarrFormat::V3 => self.consolidate_v3(&nodes).await,
            ZarrFormat::V2 => {
                nodes.push((NodePath::root(), metadata(&Node::Group(group))));
                self.consolidate_v2(&nodes).await
            }
        }
    }

    async fn consolidate_v3(&self, nodes: &[(NodePath, NodeMetadata)]) -> Result<Group> {
        let change = |now: NodeMetadata| match &now {
            NodeMetadata::Group(group) => {
                let nodes = nodes.iter().map(|(path, node)| (path, node));
                let consolidated = group
                    .with_consolidated(nodes)
                    .map_err(|error| self.refused(error))?;
                Ok(NodeMetadata::Group(consolidated))
            }
            NodeMetadata::Array(_) => Err(self.is_an_array_now()),
        };
        update(&self.core, self.metadata.document().kind(), Part::Main, change)
            .await?
            .into_group()
    }

    async fn consolidate_v2(&self, nodes: &[(NodePath, NodeMetadata)]) -> Result<Group> {
        let nodes = nodes.iter().map(|(path, node)| (path, node));
        let document = ConsolidatedMetadata::v2_document(nodes).map_err(|error| self.refused(error))?;
        let text = document.print(PrintOptions::pretty().non_finite(NonFiniteStyle::Token));
        let key = self.path().key(ZMETADATA);
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(Error::LimitReached {
                at: self.store().key_url(&key),
                what: "bytes of a metadata document",
                limit: MAX_DOCUMENT_BYTES as u64,
            });
        }
        self.store().set(&key, text.into()).await?;
        open_node(&self.core.context, self.path(), Some(ZarrFormat::V2))
            .await?
            .into_group()
    }

    /// Removes the group's consolidated metadata, if there is any. Returns the group without.
    ///
    /// # Errors
    /// As [`Group::update_attributes`].
    pub async fn unconsolidate(&self) -> Result<Group> {
        match self.zarr_format() {
            ZarrFormat::V2 => {
                self.store().erase(&self.path().key(ZMETADATA)).await?;
                open_node(&self.core.context, self.path(), Some(ZarrFormat::V2))
                    .await?
                    .into_group()
            }
            ZarrFormat::V3 => {
                let change = |now: NodeMetadata| match &now {
                    NodeMetadata::Group(group) => Ok(NodeMetadata::Group(group.without_consolidated())),
                    NodeMetadata::Array(_) => Err(self.is_an_array_now()),
                };
                update(&self.core, self.metadata.document().kind(), Part::Main, change)
                    .await?
                    .into_group()
            }
        }
    }

    fn refused(&self, error: MetadataError) -> Error {
        let key = self.path().key(self.metadata.document().kind().key());
        Error::metadata(self.store().key_url(&key), error)
    }

    fn is_an_array_now(&self) -> Error {
        Error::WrongKind {
            url: self.url(),
            expected: crate::NodeKind::Group,
            found: crate::NodeKind::Array,
        }
    }
}

fn metadata(node: &Node) -> NodeMetadata {
    match node {
        Node::Array(array) => NodeMetadata::Array(Box::new(array.metadata().clone())),
        Node::Group(group) => NodeMetadata::Group(group.metadata().clone()),
    }
}
