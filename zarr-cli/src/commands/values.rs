//! Opening an array for its values: what `cat` and `stats` have in common.

use zarr_core::array::{Array, MissingChunks, ReadOptions, Selection};
use zarr_core::hierarchy::Node;
use zarr_core::metadata::Json;

use super::open::{self, Opened};
use crate::app::App;
use crate::cli::{Missing, Values};
use crate::error::CliError;

/// An array, and which of its elements are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) opened: Opened,
    pub(super) array: Array,
    pub(super) selection: Selection,
    pub(super) options: ReadOptions,
}

impl Wanted {
    /// Opens the array that `values` names, for `verb`.
    ///
    /// # Errors
    /// A usage error for a group and for a selection that does not fit; `Unsupported` for an array that cannot be read.
    pub(super) async fn open(app: &App, verb: &str, values: &Values) -> Result<Self, CliError> {
        let opened = open::node(app, &values.target.url).await?;
        opened.ensure_supported()?;
        let Node::Array(array) = &opened.node else {
            return Err(CliError::usage(
                format!("{verb} reads an array, and this is a group"),
                Some(&format!("zarr-cli ls {} lists its arrays", opened.address.shown)),
            ));
        };
        let array = array.clone();
        let selection = match &values.index {
            None => Selection::all(array.shape()),
            Some(text) => Selection::parse(text, array.shape(), &dimension_names(&array))?,
        };
        Ok(Self {
            opened,
            array,
            selection,
            options: ReadOptions::default().with_missing(missing(values.missing)),
        })
    }
}

/// What a missing chunk means, in the library's words.
pub(super) fn missing(missing: Missing) -> MissingChunks {
    match missing {
        Missing::Fill => MissingChunks::Fill,
        Missing::Error => MissingChunks::Error,
    }
}

/// The dimensions' names: of the document, or as xarray writes them to v2.
fn dimension_names(array: &Array) -> Vec<Option<String>> {
    match array.metadata().dimension_names() {
        Some(names) => names.to_vec(),
        None => {
            let names = array
                .attributes()
                .get("_ARRAY_DIMENSIONS")
                .and_then(Json::as_array)
                .unwrap_or_default();
            names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect()
        }
    }
}
