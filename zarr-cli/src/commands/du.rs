//! `du`: stored bytes, by one listing of everything.

use std::collections::HashMap;

use futures::TryStreamExt;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::{NodeKind, NodePath};
use zarr_fs::Listing;

use super::open;
use super::tally::Tally;
use crate::app::App;
use crate::cli::DuArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::render::du as render;
use crate::usage::{self, ArrayUse, Stored, Usage};
use crate::view::MemberView;

pub(super) async fn run(app: &App, args: &DuArgs, out: &mut Output) -> Result<(), CliError> {
    let (opened, walk) = open::node_and_walk(app, &args.target.url, usize::MAX).await?;
    let mut tally = Tally::default();
    let mut found = Usage::default();
    let mut views = vec![opened.view()];
    if let Some(walk) = walk {
        let members = walk
            .map_ok(|member| open::member(&member, &NodePath::root()))
            .try_collect::<Vec<_>>()
            .await?;
        for member in members {
            tally.count(&member);
            if let MemberView::Node(view) = member {
                views.push(view);
            }
        }
    }
    let arrays = views.into_iter().filter(|view| view.kind == NodeKind::Array);
    found.arrays = arrays
        .map(|view| ArrayUse {
            view,
            stored: Stored::default(),
        })
        .collect();
    found
        .arrays
        .sort_by(|a, b| a.view.path.split('/').cmp(b.view.path.split('/')));
    let index: HashMap<String, usize> = found
        .arrays
        .iter()
        .enumerate()
        .map(|(index, array)| (array.view.path.trim_start_matches('/').to_owned(), index))
        .collect();

    let mut keys = opened.store.list_prefix("");
    while let Some(key) = keys.try_next().await? {
        let place = if usage::is_document(&key.key) {
            &mut found.metadata
        } else {
            match array_of(&key.key, &index) {
                Some(array) => &mut found.arrays[array].stored,
                None => &mut found.stray,
            }
        };
        place.add(&key.key, key.size_bytes);
    }
    let hides = opened.store.capabilities().listing == Listing::VisibleOnly;
    if hides {
        tracing::warn!(
            "the server's listing may hide files and round their sizes: the sums are a lower bound"
        );
    }
    if app.global.json {
        out.json(&document(&found, !hides), PrintOptions::compact())?;
    } else {
        out.text(&render::usage(&found, out.theme))?;
    }
    tally.outcome(&opened.address.shown)
}

/// The array that a key lies in: the deepest one whose path begins it.
fn array_of(key: &str, arrays: &HashMap<String, usize>) -> Option<usize> {
    let mut prefix = key;
    while let Some((parent, _)) = prefix.rsplit_once('/') {
        if let Some(array) = arrays.get(parent) {
            return Some(*array);
        }
        prefix = parent;
    }
    arrays.get("").copied()
}

fn document(found: &Usage, complete: bool) -> Json {
    let arrays: Vec<Json> = found
        .arrays
        .iter()
        .map(|array| {
            let mut object = Object::new();
            object.insert("path", array.view.path.as_str());
            object.insert("objects", array.stored.chunks);
            object.insert("bytes", array.stored.chunk_json());
            object.insert("logical_bytes", array.view.logical_bytes().map(usage::json_bytes));
            object.insert("grid_chunks", array.view.chunk_count().map(usage::json_bytes));
            Json::Object(object)
        })
        .collect();
    let mut document = Object::new();
    document.insert("arrays", arrays);
    document.insert("metadata_documents", found.metadata.documents);
    document.insert("metadata_bytes", found.metadata.document_json());
    document.insert("stray_objects", found.stray.chunks);
    document.insert("stray_bytes", found.stray.chunk_json());
    document.insert("complete", complete);
    Json::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_the_deepest_array() {
        let arrays = HashMap::from([("a".to_owned(), 0), ("a/b".to_owned(), 1), ("g/c".to_owned(), 2)]);
        assert_eq!(array_of("a/c/0/0", &arrays), Some(0));
        assert_eq!(array_of("a/b/0.0", &arrays), Some(1));
        assert_eq!(array_of("g/cc/0", &arrays), None);
        assert_eq!(array_of("g/notes.txt", &arrays), None);
        assert_eq!(array_of("c/0", &HashMap::from([(String::new(), 7)])), Some(7));
    }
}
