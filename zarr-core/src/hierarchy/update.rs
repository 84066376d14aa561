//! Changing what is stored of a node, so that two writers lose nothing of each other where the store can say so.

use bytes::Bytes;

use super::context::Context;
use super::decide::Decision;
use super::documents::build;
use super::node::{Node, NodeCore};
use crate::array::Array;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metadata::json::{NonFiniteStyle, Object};
use crate::metadata::limits::MAX_DOCUMENT_BYTES;
use crate::metadata::{ArrayMetadata, DocumentKind, GroupMetadata, Json, NodeMetadata, ZATTRS};
use crate::node_path::NodePath;
use crate::store::Value;

/// So often a change is tried anew because somebody else wrote in between.
const ATTEMPTS: usize = 8;

/// Which document a change writes. They are the same one in v3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The one with the attributes: `zarr.json` or `.zattrs`.
    Attributes,
    /// The one that makes the node: `zarr.json`, `.zarray` or `.zgroup`.
    Main,
}

/// A node's documents as they are now.
struct Fresh {
    kind: DocumentKind,
    main: Value,
    attributes: Option<Value>,
}

impl Fresh {
    async fn read(context: &Context, path: &NodePath, kind: DocumentKind) -> Result<Self> {
        let store = &context.store;
        let (main_key, attributes_key) = (path.key(kind.key()), path.key(ZATTRS));
        let (main, attributes) = match kind {
            DocumentKind::ZarrJson => (store.get_document(&main_key).await?, None),
            DocumentKind::Zarray | DocumentKind::Zgroup => {
                futures::try_join!(store.get_document(&main_key), store.get_document(&attributes_key))?
            }
        };
        let main = main.ok_or_else(|| Error::NodeNotFound {
            url: store.key_url(path.as_relative()),
            path: path.clone(),
            tried: vec![kind.key()],
        })?;
        Ok(Self {
            kind,
            main,
            attributes,
        })
    }

    fn metadata(&self, context: &Context, path: &NodePath) -> Result<NodeMetadata> {
        let refused =
            |name: &'static str| move |error| Error::metadata(context.store.key_url(&path.key(name)), error);
        let name = self.kind.key();
        let main = Json::parse(&self.main.bytes).map_err(refused(name))?;
        let attributes = self.attributes.as_ref().map(|value| Json::parse(&value.bytes));
        let attributes = attributes.transpose().map_err(refused(ZATTRS))?;
        match self.kind {
            DocumentKind::ZarrJson => NodeMetadata::from_v3_json(main),
            DocumentKind::Zarray => ArrayMetadata::from_v2_json(main, attributes)
                .map(|array| NodeMetadata::Array(Box::new(array))),
            DocumentKind::Zgroup => GroupMetadata::from_v2_json(main, attributes).map(NodeMetadata::Group),
        }
        .map_err(refused(name))
    }

    fn decision(self) -> Decision {
        let (document, attributes) = (self.main, self.attributes);
        let warnings = Vec::new();
        match self.kind {
            DocumentKind::ZarrJson => Decision::V3 { document, warnings },
            DocumentKind::Zarray => Decision::V2Array {
                document,
                attributes,
                warnings,
            },
            DocumentKind::Zgroup => Decision::V2Group {
                document,
                attributes,
                consolidated: None,
                warnings,
            },
        }
    }
}

/// Reads a node's documents anew.
pub(crate) async fn reread(core: &NodeCore, kind: DocumentKind) -> Result<Node> {
    let (context, path) = (&core.context, &core.path);
    let fresh = Fresh::read(context, path, kind).await?;
    built(core, kind, fresh)
}

fn built(core: &NodeCore, kind: DocumentKind, fresh: Fresh) -> Result<Node> {
    let node = build(&core.context, &core.path, fresh.decision())?;
    node.ok_or_else(|| Error::NodeNotFound {
        url: core.url(),
        path: core.path.clone(),
        tried: vec![kind.key()],
    })
}

/// Reads a node's documents, changes them and writes the one of `part`, if nobody else has written it meanwhile; else once
/// more from the beginning. So `change` must depend on nothing but its argument. Numbers that JSON cannot say stay the
/// tokens that they were: a change of one attribute changes no other.
pub(crate) async fn update(
    core: &NodeCore,
    kind: DocumentKind,
    part: Part,
    mut change: impl FnMut(NodeMetadata) -> Result<NodeMetadata> + Send,
) -> Result<Node> {
    let (context, path) = (&core.context, &core.path);
    let store = &context.store;
    store.ensure_writable("set", &path.key(kind.key()))?;
    let mut attempt = 1;
    loop {
        let mut fresh = Fresh::read(context, path, kind).await?;
        let metadata = change(fresh.metadata(context, path)?)?;
        let document = metadata.document();
        let (name, text) = match part {
            Part::Attributes => Some(document.attributes_file(NonFiniteStyle::Token)),
            Part::Main => document.files(NonFiniteStyle::Token).pop(),
        }
        .unwrap_or_default();
        let is_main = name == kind.key();
        let before = if is_main {
            Some(&fresh.main)
        } else {
            fresh.attributes.as_ref()
        };
        let mode = before.map_or_else(|| store.mode_of_new(), |value| store.mode_after(&value.version));
        let bytes = Bytes::from(text);
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(Error::LimitReached {
                at: store.key_url(&path.key(name)),
                what: "bytes of a metadata document",
                limit: MAX_DOCUMENT_BYTES as u64,
            });
        }
        match store.set_with(&path.key(name), bytes.clone(), mode).await {
            Ok(version) => {
                let written = Value {
                    size_bytes: Some(bytes.len() as u64),
                    bytes,
                    version,
                };
                if is_main {
                    fresh.main = written;
                } else {
                    fresh.attributes = Some(written);
                }
                return built(core, kind, fresh);
            }
            Err(error) if error.is_lost_race() && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn attributes_mut(metadata: &mut NodeMetadata) -> &mut Object {
    match metadata {
        NodeMetadata::Array(array) => array.attributes_mut(),
        NodeMetadata::Group(group) => group.attributes_mut(),
    }
}

async fn update_attributes(
    core: &NodeCore,
    kind: DocumentKind,
    mut change: impl FnMut(&mut Object) + Send,
) -> Result<Node> {
    let change = |mut metadata: NodeMetadata| {
        change(attributes_mut(&mut metadata));
        Ok(metadata)
    };
    update(core, kind, Part::Attributes, change).await
}

async fn set_attributes(
    core: &NodeCore,
    kind: DocumentKind,
    seen: &Object,
    attributes: Object,
) -> Result<Node> {
    let change = |mut metadata: NodeMetadata| {
        let now = attributes_mut(&mut metadata);
        if now != seen {
            return Err(core.store().precondition(&core.path.key(kind.key())));
        }
        now.clone_from(&attributes);
        Ok(metadata)
    };
    update(core, kind, Part::Attributes, change).await
}

/// Gives a node type what changes its attributes.
macro_rules! update_methods {
    ($type:ty, $into:ident) => {
        impl $type {
            /// Changes the attributes and nothing else. The documents are read anew, and written only if nobody else has
            /// written them meanwhile, where the store can check that; else `change` is applied to the newer ones. So two
            /// writers lose nothing of each other, and `change` may run more than once.
            ///
            /// Returns the node as it is now stored. Consolidated metadata of a group above keeps the old attributes
            /// until it is written anew.
            ///
            /// # Errors
            /// [`Error::NodeNotFound`] if the node is gone; [`Error::ReadOnly`]; [`Error::Fs`], with `Precondition` if
            /// others kept writing.
            pub async fn update_attributes(&self, change: impl FnMut(&mut Object) + Send) -> Result<$type> {
                let kind = self.metadata.document().kind();
                update_attributes(&self.core, kind, change).await?.$into()
            }

            /// Replaces all attributes by `attributes`, if they are still those of this value.
            ///
            /// # Errors
            /// As [`update_attributes`](Self::update_attributes); [`Error::Fs`] with `Precondition` if somebody has
            /// changed them since they were read.
            pub async fn set_attributes(&self, attributes: Object) -> Result<$type> {
                let kind = self.metadata.document().kind();
                set_attributes(&self.core, kind, self.attributes(), attributes)
                    .await?
                    .$into()
            }
        }
    };
}

update_methods!(Group, into_group);
update_methods!(Array, into_array);
