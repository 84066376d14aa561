//! Deleting nodes.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use zarr_fs::Listing;

use crate::error::{Error, Result};
use crate::metadata::{ZARR_JSON, ZARRAY, ZATTRS, ZGROUP, ZMETADATA};
use crate::node_path::NodePath;
use crate::store::Store;

/// The order in which the documents of one node go. What is outranked goes before what outranks it, so that no other node
/// appears in between: a `.zgroup` under a `zarr.json`, or under a `.zarray`. The attributes go last: a node without them
/// would be a wrong answer.
const ORDER: [&str; 5] = [ZMETADATA, ZGROUP, ZARRAY, ZARR_JSON, ZATTRS];

/// What a delete removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteReport {
    /// Metadata documents.
    pub documents: u64,
    /// Other keys: chunks, and what else lay there.
    pub others: u64,
}

/// Deletes the node at `path` with everything below it, of either format.
///
/// The documents go first, from the node downwards, then the rest. So a delete that is cut off leaves either the whole node
/// or none, and no array whose chunks are missing; what is left of it is removed by deleting again. Consolidated metadata
/// of a group above still names the node until it is written anew.
///
/// # Errors
/// [`Error::NodeNotFound`] if nothing lies there; [`Error::Unsupported`] if the store does not list everything it holds;
/// [`Error::ReadOnly`]; [`Error::Fs`].
pub async fn delete(store: &Store, path: &NodePath) -> Result<DeleteReport> {
    let report = delete_below(store, path).await?;
    if report == DeleteReport::default() {
        return Err(Error::NodeNotFound {
            url: store.key_url(path.as_relative()),
            path: path.clone(),
            tried: vec!["any key below it"],
        });
    }
    Ok(report)
}

/// As [`delete`], and nothing there is no error.
pub(crate) async fn delete_below(store: &Store, path: &NodePath) -> Result<DeleteReport> {
    store.ensure_writable("erase", path.as_relative())?;
    if store.capabilities().listing != Listing::Complete {
        return Err(Error::Unsupported {
            at: store.key_url(path.as_relative()),
            what: "deleting in a store that does not list everything".to_owned(),
        });
    }
    let width = store.options().metadata_concurrency.max(1);
    let mut report = DeleteReport::default();
    for (_, nodes) in documents_by_depth(store, path).await? {
        let erased = stream::iter(nodes.into_values())
            .map(|documents| async move {
                let mut erased = 0;
                for key in documents.into_values() {
                    erased += u64::from(store.erase(&key).await?);
                }
                Ok::<u64, Error>(erased)
            })
            .buffer_unordered(width);
        report.documents += erased.try_fold(0, async |sum, erased| Ok(sum + erased)).await?;
    }
    let erased = store
        .list_prefix(path.as_relative())
        .map(|found| async move { store.erase(&found?.key).await })
        .buffer_unordered(width);
    report.others = erased
        .try_fold(0, async |sum, erased| Ok(sum + u64::from(erased)))
        .await?;
    Ok(report)
}

/// The documents of each node below `path` and of itself, from the top down: by depth, by node, in [`ORDER`].
type ByDepth = BTreeMap<usize, BTreeMap<String, BTreeMap<usize, String>>>;

async fn documents_by_depth(store: &Store, path: &NodePath) -> Result<ByDepth> {
    let mut found = ByDepth::new();
    let mut keys = store.list_prefix(path.as_relative());
    while let Some(entry) = keys.try_next().await? {
        let (node, name) = entry.key.rsplit_once('/').unwrap_or(("", &entry.key));
        let Some(rank) = ORDER.iter().position(|document| *document == name) else {
            continue;
        };
        let depth = if node.is_empty() {
            0
        } else {
            node.split('/').count()
        };
        let documents = found
            .entry(depth)
            .or_default()
            .entry(node.to_owned())
            .or_default();
        documents.insert(rank, entry.key.clone());
    }
    Ok(found)
}
