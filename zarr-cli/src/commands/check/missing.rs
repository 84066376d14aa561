//! Chunks that a listing does not name, one finding each as far as they are few.

use zarr_core::Array;
use zarr_core::array::StoredChunks;

use super::deep::coordinates;
use crate::lint::{self, Finding, Place};

/// So many missing chunks of an array are named; the others are counted.
const MOST_NAMED: usize = 1000;

/// The missing chunks of an array, in C order of the grid.
pub(super) fn findings(path: &str, array: &Array, stored: &StoredChunks) -> Vec<Finding> {
    let metadata = array.metadata();
    let (Ok(grid), Ok(keys)) = (metadata.chunk_grid(), metadata.chunk_key_encoding()) else {
        return Vec::new();
    };
    let counts = grid.grid_shape(array.shape()).unwrap_or_default();
    let all = counts
        .iter()
        .fold(1_u128, |all, count| all.saturating_mul((*count).into()));
    let mut missing = all.saturating_sub(stored.len() as u128);
    let mut chunk = vec![0; counts.len()];
    let mut found = Vec::new();
    while missing > 0 && found.len() < MOST_NAMED {
        if !stored.contains(&chunk) {
            missing -= 1;
            let key = array.path().key(&keys.key(&chunk));
            let message = format!("{key} (chunk {}): missing", coordinates(&chunk));
            let place = Place {
                key,
                chunk: Some(chunk.clone()),
                ..Place::default()
            };
            found.push(Finding::new(lint::MISSING_CHUNK, path, message).at(place));
        }
        next(&mut chunk, &counts);
    }
    if missing > 0 {
        let message = format!("{missing} more chunks are missing");
        found.push(Finding::new(lint::MISSING_CHUNK, path, message));
    }
    found
}

/// The chunk after this one, in C order.
fn next(chunk: &mut [u64], counts: &[u64]) {
    for (at, count) in chunk.iter_mut().zip(counts).rev() {
        *at += 1;
        if *at < *count {
            return;
        }
        *at = 0;
    }
}
