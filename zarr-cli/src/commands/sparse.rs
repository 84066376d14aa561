//! Arrays of which little may be stored: what a listing names is read, the rest is counted.

use zarr_core::Array;
use zarr_core::array::{Beside, Selection, StoredChunks};
use zarr_fs::Listing;

/// Where more chunks are wanted than this, a listing is asked first: it costs less than to ask for each.
const MANY_CHUNKS: u64 = 1000;

/// Or more elements: memory for them is taken only where something is stored.
const MANY_ELEMENTS: u128 = 1 << 30;

/// What a listing that leaves names out, as a web server's index may, is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// To say what is shown to be there.
    MayBe,
    /// Nothing: values follow from what is missing.
    MustNotBe,
}

/// The stored chunks of an array, and what `selection` wants beside them. `None` if so little is wanted, or so
/// little is missing, that each chunk is asked for, and if the store cannot list them all.
pub(super) async fn stored(
    array: &Array,
    selection: &Selection,
    hidden: Hidden,
) -> Option<(StoredChunks, Beside)> {
    let all = array.beside(&StoredChunks::default(), selection).ok()?;
    if all.chunks <= MANY_CHUNKS && all.elements <= MANY_ELEMENTS {
        return None;
    }
    if hidden == Hidden::MustNotBe && !lists_all(array).await {
        return None;
    }
    match array.list_chunks().await {
        Ok(stored) => {
            let beside = array.beside(&stored, selection).ok()?;
            // Where hardly any is missing nothing is won.
            (beside.chunks > all.chunks / 16).then_some((stored, beside))
        }
        Err(error) => {
            tracing::info!(
                "each chunk is asked for, as they cannot be listed: {}",
                crate::error::chain(&error)
            );
            None
        }
    }
}

/// Whether the store's listings are complete. What a web server's are is known once one folder has been listed.
async fn lists_all(array: &Array) -> bool {
    let store = array.store();
    store.list_dir(array.path().as_relative()).await.is_ok()
        && store.capabilities().listing == Listing::Complete
}
