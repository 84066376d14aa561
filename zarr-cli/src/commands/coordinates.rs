//! The first and last values of coordinates: of each its first and last chunk is read, no more.

use std::collections::BTreeMap;

use futures::StreamExt;
use zarr_core::array::{ReadOptions, Select, Selection};
use zarr_core::hierarchy::{Member, Node};
use zarr_core::{Array, Error, NodePath};

use crate::render::coordinate::Ends;
use crate::view::{self, NodeView};

/// Of so many coordinates values are shown.
const MOST_COORDINATES: usize = 64;

/// A coordinate whose chunk is larger is not read for two of its values.
const MOST_CHUNK_BYTES: u128 = 16 << 20;

/// The first and last element of each coordinate, by path. One that cannot be read is told as a warning.
pub(super) async fn ends(members: &[Member]) -> BTreeMap<String, Ends> {
    let arrays = members.iter().filter_map(|member| match member {
        Member::Node(Node::Array(array)) if is_coordinate(array) => Some(array.clone()),
        Member::Node(_) | Member::Broken(_) | Member::Unlisted(_) => None,
    });
    futures::stream::iter(arrays.take(MOST_COORDINATES))
        .map(|array| async move {
            match ends_of(&array).await {
                Ok(ends) => Some((array.path().to_string(), ends?)),
                Err(error) => {
                    tracing::warn!("no values shown: {}", crate::error::chain(&error));
                    None
                }
            }
        })
        .buffer_unordered(MOST_COORDINATES)
        .filter_map(futures::future::ready)
        .collect()
        .await
}

/// Whether an array has one dimension, which has the array's name, and chunks that are worth reading.
fn is_coordinate(array: &Array) -> bool {
    let view = NodeView::of(&Node::Array(array.clone()), &NodePath::root());
    let chunk_bytes = view
        .chunk_shape()
        .and_then(|shape| view::product(&shape))
        .zip(view.element_bytes())
        .and_then(|(count, size)| count.checked_mul(size.into()));
    view.is_coordinate() && chunk_bytes.is_some_and(|bytes| bytes <= MOST_CHUNK_BYTES)
}

async fn ends_of(array: &Array) -> Result<Option<Ends>, Error> {
    let &[length] = array.shape() else {
        return Ok(None);
    };
    if length == 0 {
        return Ok(None);
    }
    // Two elements (or one): a read fetches only the chunks that they lie in.
    let select = Select::Range {
        start: None,
        stop: None,
        step: (length - 1).max(1),
    };
    let selection = Selection::new(&[select], array.shape())?;
    let (data, _) = array.read_data(&selection, &ReadOptions::default()).await?;
    let value = |index: usize| data.element(index).map(<[u8]>::to_vec);
    Ok(value(0).zip(value(data.len().saturating_sub(1))))
}
