//! `meta`: the metadata documents as JSON.

use futures::future::try_join_all;
use zarr_core::ZarrFormat;
use zarr_core::hierarchy::Node;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::PrintOptions;

use super::open;
use crate::app::App;
use crate::cli::MetaArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::url;

pub(super) async fn run(app: &App, args: &MetaArgs, out: &mut Output) -> Result<(), CliError> {
    if args.raw {
        return raw(app, args, out).await;
    }
    let opened = open::node(app, &args.target.url).await?;
    let document = match args.attrs {
        true => Json::Object(opened.node.attributes().clone()),
        false => document(&opened.node),
    };
    let value = match &args.pointer {
        None => &document,
        Some(pointer) => document
            .pointer(pointer)
            .ok_or_else(|| no_such_value(&document, pointer))?,
    };
    let style = if app.global.json {
        PrintOptions::compact()
    } else {
        PrintOptions::pretty()
    };
    out.json(value, style)
}

/// Names what there is at the last place that the pointer reaches.
fn no_such_value(document: &Json, pointer: &str) -> CliError {
    let mut at = pointer;
    let mut object = None;
    while let Some((above, _)) = at.rsplit_once('/').filter(|_| object.is_none()) {
        at = above;
        object = document.pointer(at).and_then(Json::as_object);
    }
    let (at, object) = match object {
        Some(object) => (at, Some(object)),
        None => ("", document.as_object()),
    };
    CliError::NoSuchValue {
        pointer: pointer.to_owned(),
        at: at.to_owned(),
        keys: object
            .map(|object| object.keys().map(str::to_owned).collect())
            .unwrap_or_default(),
    }
}

/// The node's document; of version 2 with the attributes, which lie in a document of their own, as a member, so that both
/// formats are asked alike (`-k /attributes/units`).
fn document(node: &Node) -> Json {
    let stored = match node {
        Node::Array(array) => array.metadata().document(),
        Node::Group(group) => group.metadata().document(),
    };
    let mut document = stored.main().clone();
    if stored.kind().zarr_format() == ZarrFormat::V2 {
        document.insert("attributes", node.attributes().clone());
    }
    Json::Object(document)
}

/// The stored bytes of the node's documents, those of version 2 one after the other. They need not be valid.
async fn raw(app: &App, args: &MetaArgs, out: &mut Output) -> Result<(), CliError> {
    let store = app.open(&url::parse(&args.target.url)?)?;
    let names: &[&str] = match app.global.zarr_format {
        Some(2) => &[".zarray", ".zgroup", ".zattrs"],
        Some(_) => &["zarr.json"],
        None => &["zarr.json", ".zarray", ".zgroup", ".zattrs"],
    };
    let mut found = false;
    let mut ends_in_line_feed = true;
    for (name, bytes) in names
        .iter()
        .zip(try_join_all(names.iter().map(|name| store.get(name))).await?)
    {
        let Some(bytes) = bytes else { continue };
        tracing::info!("{name}: {} bytes", bytes.len());
        // A document alone comes byte for byte; one after another begins a line.
        if !ends_in_line_feed {
            out.bytes(b"\n")?;
        }
        out.bytes(&bytes)?;
        ends_in_line_feed = bytes.ends_with(b"\n");
        found = true;
    }
    if found {
        return Ok(());
    }
    // Says what was tried, and what may have been meant.
    open::node(app, &args.target.url).await.map(|_| ())
}
