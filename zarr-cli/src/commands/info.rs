//! `info`: one node, every field.

use futures::TryStreamExt;
use zarr_core::Store;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::PrintOptions;

use super::open;
use crate::app::App;
use crate::cli::InfoArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::render::{info, json};
use crate::usage::Stored;

pub(super) async fn run(app: &App, args: &InfoArgs, out: &mut Output) -> Result<(), CliError> {
    let opened = open::node(app, &args.target.url).await?;
    let view = opened.view();
    let stored = match args.stored {
        true => Some(stored(&opened.store).await?),
        false => None,
    };
    if app.global.json {
        let mut document = json::node(&view);
        if let (Some(stored), Json::Object(document)) = (&stored, &mut document) {
            document.insert("stored", stored.json());
        }
        out.json(&document, PrintOptions::compact())?;
    } else {
        let facts: Vec<_> = stored
            .iter()
            .map(|stored| ("stored", stored.text(&view)))
            .collect();
        out.line(&out.theme.array(&crate::escape::text(&opened.address.shown)))?;
        out.text(&info::node(&view, &facts, out.theme))?;
    }
    opened.ensure_supported()
}

/// Lists everything below the node.
///
/// # Errors
/// `Unsupported` if the store cannot list, or not believably.
async fn stored(store: &Store) -> Result<Stored, CliError> {
    let stored = store
        .list_prefix("")
        .try_fold(Stored::default(), |mut stored, key| async move {
            stored.add(&key.key, key.size_bytes);
            Ok(stored)
        })
        .await?;
    Ok(stored)
}
