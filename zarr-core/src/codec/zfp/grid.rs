//! Arrays as grids of blocks.

use super::block::Block;

/// Calls `block` with the first element of each block of an array and the number of its elements along each dimension.
pub(super) fn each_block(lengths: &[usize], mut block: impl FnMut([usize; 4], [usize; 4])) {
    let length = |dimension: usize| lengths.get(dimension).copied().unwrap_or(1);
    let starts = |dimension: usize| (0..length(dimension)).step_by(4);
    for l in starts(3) {
        for k in starts(2) {
            for j in starts(1) {
                for i in starts(0) {
                    let corner = [i, j, k, l];
                    block(
                        corner,
                        std::array::from_fn(|dimension| (length(dimension) - corner[dimension]).min(4)),
                    );
                }
            }
        }
    }
}

/// The elements of a block: its index in the block and in the array.
pub(super) fn each_element(
    lengths: &[usize],
    corner: [usize; 4],
    extent: [usize; 4],
    mut element: impl FnMut(usize, usize),
) {
    let length = |dimension: usize| lengths.get(dimension).copied().unwrap_or(1);
    for l in 0..extent[3] {
        for k in 0..extent[2] {
            for j in 0..extent[1] {
                let row = ((corner[3] + l) * length(2) + corner[2] + k) * length(1) + corner[1] + j;
                for i in 0..extent[0] {
                    element(i + 4 * (j + 4 * (k + 4 * l)), row * length(0) + corner[0] + i);
                }
            }
        }
    }
}

/// Fills the part of a block that lies outside of the array, as the library does: lines are continued by their last
/// element, and by their first one in the last place.
pub(super) fn pad(block: &mut Block, extent: [usize; 4], dimensions: u32) {
    let size = 1_usize << (2 * dimensions);
    for (dimension, extent) in extent
        .into_iter()
        .enumerate()
        .take(usize::try_from(dimensions).unwrap_or(4))
    {
        let stride = 1_usize << (2 * dimension);
        for start in (0..size).filter(|start| (start / stride).is_multiple_of(4)) {
            for place in extent..4 {
                let from = if place == 3 { 0 } else { place - 1 };
                block[start + place * stride] = block[start + from * stride];
            }
        }
    }
}
