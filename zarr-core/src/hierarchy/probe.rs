//! Asking for the documents of a place.

use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;

use super::ConsolidatedMode;
use super::context::{Answer, Context};
use super::decide::{Answers, decide};
use super::documents::build;
use super::near;
use super::node::Node;
use crate::error::{Error, Result};
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::StoreReader;

/// Opens the node at `path`, in one wave.
pub(crate) async fn open_node(
    context: &Arc<Context>,
    path: &NodePath,
    format: Option<ZarrFormat>,
) -> Result<Node> {
    let (v2, v3) = match format {
        None => (true, true),
        Some(ZarrFormat::V2) => (true, false),
        Some(ZarrFormat::V3) => (false, true),
    };
    let consolidated = v2 && context.options.consolidated != ConsolidatedMode::Ignore;
    let wanted = [
        ("zarr.json", v3),
        (".zarray", v2),
        (".zgroup", v2),
        (".zattrs", v2),
        (".zmetadata", consolidated),
    ];
    let keys = wanted.map(|(name, wanted)| wanted.then(|| path.key(name)));
    let [v3, array, group, attributes, consolidated] = near::ask(context, keys, Instant::now).await;
    let decision = decide(Answers {
        v3,
        array,
        group,
        attributes,
        consolidated,
    })?;
    let node = build(context, path, decision)?.ok_or_else(|| Error::NodeNotFound {
        url: context.store.key_url(path.as_relative()),
        path: path.clone(),
        tried: match format {
            None => vec!["zarr.json", ".zarray", ".zgroup"],
            Some(ZarrFormat::V2) => vec![".zarray", ".zgroup"],
            Some(ZarrFormat::V3) => vec!["zarr.json"],
        },
    })?;
    ensure_supported(context, &node)?;
    Ok(node)
}

/// An array that is opened by name must be readable, unless the caller only wants to see it.
pub(crate) fn ensure_supported(context: &Context, node: &Node) -> Result<()> {
    match node {
        Node::Array(array) if !context.options.allow_unsupported => {
            let document = array.metadata.document().kind().key();
            let key = context.store.key_url(&array.core.path.key(document));
            array
                .metadata
                .ensure_supported()
                .map_err(|error| Error::metadata(key, error))
        }
        Node::Array(_) | Node::Group(_) => Ok(()),
    }
}

/// Looks whether a child that a listing names is a node; `None` if it is none.
///
/// For v3 one request. For v2 `.zarray` and `.zattrs` at once, and `.zgroup` only if there is no array: most children are
/// arrays, so most cost two requests and one round. The rules are those of [`decide`].
pub(crate) async fn probe_child(
    context: &Arc<Context>,
    path: &NodePath,
    format: ZarrFormat,
) -> Result<Option<Node>> {
    let asker = Asker {
        context,
        reader: None,
    };
    asker.probe(path, format).await
}

/// [`probe_child`] in the calling thread.
pub(crate) fn probe_child_blocking(
    context: &Arc<Context>,
    reader: &StoreReader,
    path: &NodePath,
    format: ZarrFormat,
) -> Result<Option<Node>> {
    let asker = Asker {
        context,
        reader: Some(reader),
    };
    let internal = || Error::Internal {
        url: context.store.key_url(path.as_relative()),
    };
    // Nothing in it waits for anything.
    let probed = asker.probe(path, format).now_or_never();
    probed.unwrap_or_else(|| Err(internal()))
}

/// Asks for documents: through the store, or in the calling thread.
struct Asker<'a> {
    context: &'a Arc<Context>,
    reader: Option<&'a StoreReader>,
}

impl Asker<'_> {
    async fn ask(&self, path: &NodePath, document: &'static str) -> Answer {
        let key = path.key(document);
        match self.reader {
            Some(reader) => self.context.ask_blocking(reader, &key),
            None => self.context.ask(&key).await,
        }
    }

    async fn probe(&self, path: &NodePath, format: ZarrFormat) -> Result<Option<Node>> {
        let answers = match format {
            ZarrFormat::V3 => Answers {
                v3: Some(self.ask(path, "zarr.json").await),
                ..Answers::default()
            },
            ZarrFormat::V2 => {
                let (array, attributes) =
                    futures::join!(self.ask(path, ".zarray"), self.ask(path, ".zattrs"));
                let group = match &array {
                    Answer::Found(_) | Answer::Failed(_) => None,
                    Answer::Missing | Answer::Denied(_) => Some(self.ask(path, ".zgroup").await),
                };
                Answers {
                    array: Some(array),
                    group,
                    attributes: Some(attributes),
                    ..Answers::default()
                }
            }
        };
        build(self.context, path, decide(answers)?)
    }
}
