//! Opening a node, and how.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{self, Either};

use super::context::Context;
use super::node::Node;
use super::probe::open_node;
use super::walk::Walk;
use super::walk_options::WalkOptions;
#[cfg(doc)]
use super::warning::Warning;
use crate::error::{Error, Result};
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::Store;

/// What to do with consolidated metadata: a copy, kept in a group, of the documents of all nodes below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConsolidatedMode {
    /// Used where it is; a bad one is a warning, and the nodes' own documents are read.
    #[default]
    Auto,
    /// A group without it, or with a bad one, is an error; what it does not name is not there.
    Require,
    /// Neither asked for nor used.
    Ignore,
}

/// How a node is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The format, if it is known; `None` looks for both at once.
    pub zarr_format: Option<ZarrFormat>,
    /// What to do with consolidated metadata.
    pub consolidated: ConsolidatedMode,
    /// Whether an array opens that uses an extension (data type, codec, chunk grid, ...) which is not known here: its
    /// metadata can be shown, its data not read. Listings show such arrays always. Default false.
    pub allow_unsupported: bool,
}

impl OpenOptions {
    /// Looks for nodes of one format only.
    #[must_use]
    pub fn with_zarr_format(mut self, format: ZarrFormat) -> Self {
        self.zarr_format = Some(format);
        self
    }

    /// Sets what to do with consolidated metadata.
    #[must_use]
    pub fn with_consolidated(mut self, mode: ConsolidatedMode) -> Self {
        self.consolidated = mode;
        self
    }

    /// Opens arrays that use unknown extensions, too.
    #[must_use]
    pub fn allow_unsupported(mut self) -> Self {
        self.allow_unsupported = true;
        self
    }
}

/// Opens the node at `path`.
///
/// All documents that may make a node are asked for in one wave: at most five requests (`zarr.json`, `.zarray`, `.zgroup`,
/// `.zattrs`, `.zmetadata`), four for v2 alone, one for v3 alone. Documents are asked for by name, so it does not matter
/// what a listing hides. What they make:
///
/// 1. They rank: `zarr.json`, then `.zarray`, then `.zgroup`. The first that is there decides. A second one besides is a
///    [`Warning`] on the node. A document that decides and is invalid is an error: nothing below it is tried.
/// 2. A fault (5xx, a broken connection) of a document that outranks what is there is an error, for it might have decided.
///    Below what is there it does not matter.
/// 3. A refusal (401, 403) counts as missing if another document decides, with a warning: stores that may not be listed
///    refuse what is missing. If none decides, the refusal is the error.
/// 4. `.zattrs` may be missing. Its refusal counts as missing, with a warning; its fault is an error.
/// 5. `.zmetadata` is a cache: without it the node's own documents are read. Neither it nor `.zattrs` makes a node.
/// 6. If every document that could decide is missing, there is no node.
///
/// What the store said is missing is not asked for again by the nodes of this open, until something is written through the
/// store.
///
/// # Errors
/// [`Error::NodeNotFound`]; [`Error::InvalidMetadata`] for a document that breaks the format; [`Error::Unsupported`] for one
/// that asks for what is not known here ([`OpenOptions::allow_unsupported`]); [`Error::Fs`] for refusals and faults; [`Error::NotConsolidated`] if consolidated metadata is required and the group has none.
pub async fn open(store: &Arc<Store>, path: &NodePath, options: OpenOptions) -> Result<Node> {
    let context = Context::new(Arc::clone(store), options);
    open_with(&context, path).await
}

/// Opens the node at `path` and, if it is a group, walks what lies below it: [`open`] and [`Group::walk`](crate::Group::walk),
/// for who will want both.
///
/// The listing is asked for together with the documents, which saves a round trip where the group has no consolidated
/// metadata, and costs a request where it has, and where the node is an array or is not there: such a listing is cancelled. A
/// store of this machine is asked for one after the other. The listing is of the moment of the opening; one that does not
/// show the group's own document, or is refused, is asked for again.
///
/// # Errors
/// As [`open`]. The walk's are told by the walk.
pub async fn open_and_walk(
    store: &Arc<Store>,
    path: &NodePath,
    options: OpenOptions,
    walk: WalkOptions,
) -> Result<(Node, Option<Walk>)> {
    let context = Context::new(Arc::clone(store), options);
    let is_listed = context.options.consolidated != ConsolidatedMode::Require && walk.max_depth > 0;
    let of = |node: &Node| match node {
        Node::Group(group) => Some(Walk::new(group, walk.clone())),
        Node::Array(_) => None,
    };
    if !is_listed || store.blocking_reader().is_some() {
        let node = open_with(&context, path).await?;
        let walk = of(&node);
        return Ok((node, walk));
    }
    let (lister, dir) = (Arc::clone(store), path.clone());
    let listing = async move { lister.list_dir(dir.as_relative()).await }.boxed();
    let opening = std::pin::pin!(open_with(&context, path));
    let (node, listing) = match future::select(opening, listing).await {
        Either::Left((node, listing)) => (node?, listing),
        Either::Right((listed, opening)) => (opening.await?, future::ready(listed).boxed()),
    };
    let walk = of(&node).map(|walk| walk.listed_by(listing));
    Ok((node, walk))
}

async fn open_with(context: &Arc<Context>, path: &NodePath) -> Result<Node> {
    let node = open_node(context, path, context.options.zarr_format).await?;
    match &node {
        Node::Group(group)
            if context.options.consolidated == ConsolidatedMode::Require && !group.is_consolidated() =>
        {
            Err(Error::NotConsolidated {
                url: group.url(),
                path: path.clone(),
            })
        }
        Node::Group(_) | Node::Array(_) => Ok(node),
    }
}
