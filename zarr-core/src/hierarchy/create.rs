//! Creating nodes.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use zarr_fs::WriteMode;

use super::OpenOptions;
use super::context::{Answer, Context};
use super::decide::{Answers, Decision, decide};
use super::delete::delete_below;
use super::documents::build;
use super::node::Node;
use crate::array::Array;
use crate::codec::new_array::{Forms, ensure_encodes};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::json::NonFiniteStyle;
use crate::metadata::{
    ArrayMetadata, GroupMetadata, NodeMetadata, ZARR_JSON, ZARRAY, ZATTRS, ZGROUP, ZMETADATA,
};
use crate::node_kind::{NodeKind, ZarrFormat};
use crate::node_path::NodePath;
use crate::store::{Store, Value};

/// What creating a node does about one that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CreateMode {
    /// Refuses: [`Error::NodeExists`].
    #[default]
    Create,
    /// Deletes it with everything below it, as [`delete`](super::delete) does, whatever its format.
    Overwrite,
}

/// Creates a group at `path`, and every group above it that is missing.
///
/// The document comes last: a write that is cut off leaves no half node, at most groups above it.
///
/// # Errors
/// [`Error::NodeExists`]; [`Error::UnfitParent`] if a node above is an array or of the other format;
/// [`Error::InvalidNodePath`] for a name that the format forbids; [`Error::ReadOnly`]; [`Error::Fs`], with
/// `AlreadyExists` if somebody else created the node meanwhile.
pub async fn create_group(
    store: &Arc<Store>,
    path: &NodePath,
    metadata: GroupMetadata,
    mode: CreateMode,
) -> Result<Group> {
    create(store, path, NodeMetadata::Group(metadata), mode)
        .await?
        .into_group()
}

/// Creates an array at `path`, and every group above it that is missing. No chunk is written.
///
/// # Errors
/// As [`create_group`]; [`Error::NotEmpty`] if chunks or other keys lie there already, which the array would take for its
/// own; [`Error::InvalidCodecs`] if a codec's configuration allows no encoding.
pub async fn create_array(
    store: &Arc<Store>,
    path: &NodePath,
    metadata: ArrayMetadata,
    mode: CreateMode,
) -> Result<Array> {
    create(store, path, NodeMetadata::Array(Box::new(metadata)), mode)
        .await?
        .into_array()
}

async fn create(
    store: &Arc<Store>,
    path: &NodePath,
    metadata: NodeMetadata,
    mode: CreateMode,
) -> Result<Node> {
    store.ensure_writable("set", &path.key(metadata.document().kind().key()))?;
    let format = metadata.zarr_format();
    path.check_names(format)?;
    if let NodeMetadata::Array(array) = &metadata {
        ensure_encodes(array.encoding(), Forms::AnyRead).map_err(|source| Error::InvalidCodecs {
            url: store.key_url(path.as_relative()),
            source: Box::new(source),
        })?;
    }
    let context = Context::new(Arc::clone(store), OpenOptions::default());
    let missing = missing_ancestors(&context, path, format).await?;
    match mode {
        CreateMode::Overwrite => drop(delete_below(store, path).await?),
        CreateMode::Create => {
            if let Some(node) = look(&context, path).await? {
                return Err(Error::NodeExists {
                    url: node.url(),
                    found: node.kind(),
                    format: node.zarr_format(),
                });
            }
            if matches!(metadata, NodeMetadata::Array(_)) {
                ensure_empty(store, path).await?;
            }
        }
    }
    // From the root down, so that each group is reachable when it is there.
    for ancestor in missing {
        let group = NodeMetadata::Group(GroupMetadata::new(format));
        match write(&context, &ancestor, group).await {
            Ok(_) => {}
            Err(Error::Fs(zarr_fs::Error::AlreadyExists { .. })) => {
                ensure_fit(look(&context, &ancestor).await?.as_ref(), format)?;
            }
            Err(error) => return Err(error),
        }
    }
    write(&context, path, metadata).await
}

/// The groups above `path` that are missing, from the root down, if the others can hold a node of `format`.
async fn missing_ancestors(
    context: &Arc<Context>,
    path: &NodePath,
    format: ZarrFormat,
) -> Result<Vec<NodePath>> {
    let width = context.store.options().metadata_concurrency;
    let looks: Vec<(NodePath, Option<Node>)> = stream::iter(path.ancestors())
        .map(|ancestor| async move {
            let node = look(context, &ancestor).await?;
            Ok::<_, Error>((ancestor, node))
        })
        .buffered(width)
        .try_collect()
        .await?;
    let mut missing = Vec::new();
    for (ancestor, node) in looks {
        ensure_fit(node.as_ref(), format)?;
        if node.is_none() {
            missing.push(ancestor);
        }
    }
    Ok(missing)
}

fn ensure_fit(node: Option<&Node>, wanted: ZarrFormat) -> Result<()> {
    match node {
        Some(node) if node.kind() == NodeKind::Array || node.zarr_format() != wanted => {
            Err(Error::UnfitParent {
                url: node.url(),
                found: node.kind(),
                format: node.zarr_format(),
                wanted,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// The node of either format at `path`, without its attributes. By the rules of opening: a fault is an error.
async fn look(context: &Arc<Context>, path: &NodePath) -> Result<Option<Node>> {
    let ask = |name: &'static str| {
        let key = path.key(name);
        async move { Some(context.ask(&key).await) }
    };
    let (v3, array, group) = futures::join!(ask(ZARR_JSON), ask(ZARRAY), ask(ZGROUP));
    let decision = decide(Answers {
        v3,
        array,
        group,
        ..Answers::default()
    })?;
    build(context, path, decision)
}

/// Refuses a place where something lies already: chunks that an array left behind would be read as the new one's.
async fn ensure_empty(store: &Store, path: &NodePath) -> Result<()> {
    match store.list_prefix(path.as_relative()).try_next().await {
        Ok(None) => Ok(()),
        // The attributes are overwritten.
        Ok(Some(found)) if found.key == path.key(ZATTRS) => Ok(()),
        Ok(Some(found)) => Err(Error::NotEmpty {
            url: store.key_url(path.as_relative()),
            key: found.key,
        }),
        Err(error) if error.is_unsupported_by_store() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes the documents of a new node: the one that makes it a node last, and only if it is not there.
async fn write(context: &Arc<Context>, path: &NodePath, mut metadata: NodeMetadata) -> Result<Node> {
    let store = &context.store;
    if metadata.zarr_format() == ZarrFormat::V2 {
        // Written even if empty, for old ones may lie there; an old cache would be believed.
        match &mut metadata {
            NodeMetadata::Array(array) => drop(array.attributes_mut()),
            NodeMetadata::Group(group) => drop(group.attributes_mut()),
        }
        let cache = path.key(ZMETADATA);
        if !matches!(context.ask(&cache).await, Answer::Missing) {
            store.erase(&cache).await?;
        }
    }
    let main = metadata.document().kind().key();
    let mut values = Vec::new();
    for (name, text) in metadata.document().files(NonFiniteStyle::String) {
        let mode = if name == main {
            store.mode_of_new()
        } else {
            WriteMode::Overwrite
        };
        let bytes = bytes::Bytes::from(text);
        let version = store.set_with(&path.key(name), bytes.clone(), mode).await?;
        values.push(Value {
            size_bytes: Some(bytes.len() as u64),
            bytes,
            version,
        });
    }
    let document = values.pop().unwrap_or_default();
    let attributes = values.pop();
    let warnings = Vec::new();
    let decision = match (metadata.zarr_format(), &metadata) {
        (ZarrFormat::V3, _) => Decision::V3 { document, warnings },
        (ZarrFormat::V2, NodeMetadata::Array(_)) => Decision::V2Array {
            document,
            attributes,
            warnings,
        },
        (ZarrFormat::V2, NodeMetadata::Group(_)) => Decision::V2Group {
            document,
            attributes,
            consolidated: None,
            warnings,
        },
    };
    build(context, path, decision)?.ok_or_else(|| Error::NodeNotFound {
        url: store.key_url(path.as_relative()),
        path: path.clone(),
        tried: vec![main],
    })
}
