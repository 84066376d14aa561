//! Consolidated metadata beside the nodes' own documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use zarr_core::hierarchy::{ConsolidatedMode, Node};
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{ConsolidatedMetadata, Json, MetadataError, NodeMetadata};
use zarr_core::{Group, NodePath, Store, ZarrFormat, hierarchy};

use super::{Checked, meaning};
use crate::app::App;
use crate::commands::open;
use crate::error::CliError;
use crate::exit_code;
use crate::lint::{self, Finding};
use crate::render::words;
use crate::view::MemberView;

/// The consolidated metadata that the root group holds, if it holds some that is valid.
pub(super) async fn consolidated(
    group: &Group,
    checked: &mut Checked,
) -> Result<Option<ConsolidatedMetadata>, CliError> {
    let parsed = match group.zarr_format() {
        ZarrFormat::V3 => group.metadata().consolidated(),
        ZarrFormat::V2 => {
            let bytes = match group.store().get(&group.path().key(".zmetadata")).await {
                // The group could be read: who may not see this document is told that it is denied where there is none.
                Err(error) if exit_code::of_core(&error).0 == exit_code::PERMISSION => {
                    tracing::info!("taken as missing: {}", crate::error::chain(&error));
                    None
                }
                other => other?,
            };
            bytes.map(|bytes| ConsolidatedMetadata::parse_v2(&bytes))
        }
    };
    match parsed.transpose() {
        Ok(consolidated) => Ok(consolidated),
        Err(error) => {
            checked
                .findings
                .push(Finding::new(lint::BAD_CONSOLIDATED, "/", error.to_string()));
            Ok(None)
        }
    }
}

/// The nodes that consolidated metadata name and that no listing has shown.
pub(super) fn named(copies: &ConsolidatedMetadata, live: &BTreeMap<NodePath, NodeMetadata>) -> Vec<NodePath> {
    let named = copies.nodes().map(|(path, _)| path);
    named
        .filter(|path| !path.is_root() && !live.contains_key(path))
        .cloned()
        .collect()
}

/// Opens nodes by name, by their own documents.
pub(super) async fn open_each(
    store: &Arc<Store>,
    format: ZarrFormat,
    paths: Vec<NodePath>,
    app: &App,
) -> Vec<(NodePath, zarr_core::Result<Node>)> {
    let options = open::options(app)
        .with_consolidated(ConsolidatedMode::Ignore)
        .with_zarr_format(format);
    // A node is one wave of requests, five at the most.
    let width = (store.options().metadata_concurrency / 5).max(1);
    futures::stream::iter(paths)
        .map(|path| {
            let options = options.clone();
            async move {
                let opened = hierarchy::open(store, &path, options).await;
                (path, opened)
            }
        })
        .buffered(width)
        .collect()
        .await
}

/// What it means that a node cannot be opened which consolidated metadata name.
pub(super) fn unopened(path: &NodePath, error: zarr_core::Error, checked: &mut Checked) {
    let shown = path.to_string();
    if let zarr_core::Error::NodeNotFound { .. } = error {
        let message = "in the consolidated metadata, but not there";
        checked.findings.push(Finding::new(lint::GONE, shown, message));
        return;
    }
    checked.blind.push(shown.clone());
    let (code, message) = (exit_code::of_core(&error).0, crate::error::chain(&error));
    checked.broken(&MemberView::Broken {
        path: shown,
        code,
        message,
    });
}

/// Compares the consolidated copies with the documents; `complete` says whether all of them were seen.
pub(super) fn compare(
    copies: &ConsolidatedMetadata,
    live: &BTreeMap<NodePath, NodeMetadata>,
    complete: bool,
    checked: &mut Checked,
) {
    let broken: BTreeSet<String> = checked.blind.iter().cloned().collect();
    let mut find = |rule, path: &NodePath, message: String| {
        checked
            .findings
            .push(Finding::new(rule, path.to_string(), message))
    };
    let mut named = BTreeSet::from([NodePath::root()]);
    for (path, copy) in copies.nodes() {
        named.insert(path.clone());
        match (copy, live.get(path)) {
            // What is not supported is not invalid; where the node's own document says the same, the node has its own finding.
            (Err(error @ MetadataError::Unsupported { .. }), Some(_)) => find(
                lint::STALE,
                path,
                format!("consolidated metadata is stale: {error}"),
            ),
            (Ok(_) | Err(MetadataError::Unsupported { .. }), None) => {
                // What is broken is there; its own finding says what is wrong with it.
                if complete && !broken.contains(&path.to_string()) {
                    find(
                        lint::GONE,
                        path,
                        "in the consolidated metadata, but not there".to_owned(),
                    );
                }
            }
            (Err(error), _) => find(
                lint::BAD_CONSOLIDATED,
                path,
                format!("consolidated metadata: {error}"),
            ),
            (Ok(copy), Some(live)) => {
                if let Some(difference) = difference(copy, live) {
                    find(
                        lint::STALE,
                        path,
                        format!("consolidated metadata is stale: {difference}"),
                    );
                }
            }
        }
    }
    for entry in copies.refused() {
        let path = NodePath::root();
        let key = words::value(&Json::from(entry.key.as_str()), 100);
        find(
            lint::BAD_CONSOLIDATED,
            &path,
            format!("consolidated metadata, entry {key}: {}", entry.error),
        );
    }
    for path in live.keys().filter(|path| !named.contains(path)) {
        find(
            lint::NOT_CONSOLIDATED,
            path,
            "exists, but is not in the consolidated metadata".to_owned(),
        );
    }
}

/// The first member in which a copy differs from the node's own document, other than a nested copy of copies.
fn difference(copy: &NodeMetadata, live: &NodeMetadata) -> Option<String> {
    let (of_copy, of_live) = (copy.document(), live.document());
    let parts = [
        (of_copy.main(), of_live.main(), ""),
        (
            of_copy.zattrs().unwrap_or(&EMPTY),
            of_live.zattrs().unwrap_or(&EMPTY),
            ".zattrs ",
        ),
    ];
    parts.iter().find_map(|(in_copy, in_live, part)| {
        let keys: BTreeSet<&str> = in_copy
            .keys()
            .chain(in_live.keys())
            .filter(|key| *key != "consolidated_metadata")
            .collect();
        keys.into_iter().find_map(|key| {
            let (a, b) = (in_copy.get(key), in_live.get(key));
            // Writers leave these out, or write them empty.
            let may_be_absent = matches!(key, "attributes" | "storage_transformers");
            let is_empty = |value: Option<&Json>| match value {
                None => true,
                Some(Json::Object(object)) => object.is_empty(),
                Some(Json::Array(items)) => items.is_empty(),
                Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => false,
            };
            let same = a == b
                || (may_be_absent && is_empty(a) && is_empty(b))
                || (part.is_empty() && meaning::is_same(key, copy, live));
            (!same).then(|| format!("{part}{key} differs"))
        })
    })
}

static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);
