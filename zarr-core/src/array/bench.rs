//! Pieces of a read by themselves, for the benchmarks in `tests/benches/micro`. No part of the API: it may change or go at
//! any time.

use std::sync::Arc;

use super::output::Output;
use super::selection::{Selection, invalid};
use super::{Array, place};
use crate::error::Result;

/// What planning found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// How many chunks the selection touches; in shards, inner chunks.
    pub chunks: u64,
    /// How many elements they give.
    pub elements: u64,
}

/// Plans a read of `selection` and visits each chunk and each run of its elements, as a read does.
///
/// # Errors
/// As [`Array::read`] before it asks for data.
pub fn plan(array: &Array, selection: &Selection) -> Result<Planned> {
    let plan = array.leaf_plan(selection)?;
    let mut elements = 0;
    for ordinal in 0..plan.len() {
        plan.task(ordinal)
            .for_each_run(plan.shape(), |run| elements += run.count as u64);
    }
    Ok(Planned {
        chunks: plan.len() as u64,
        elements,
    })
}

/// Copies what `selection` takes of each chunk to its place in new memory, as if each chunk had decoded to `decoded`.
/// Elements are of fixed size.
///
/// # Errors
/// As [`Array::read`] before it asks for data.
pub fn place(array: &Array, selection: &Selection, decoded: &[u8]) -> Result<Vec<u8>> {
    let item_bytes = array.metadata().data_type().size_bytes().unwrap_or(1);
    let plan = Arc::new(array.leaf_plan(selection)?);
    let chunks = plan.len();
    let output =
        Output::new(plan, item_bytes, Vec::<u8>::new()).map_err(|error| invalid(error.to_string()))?;
    for ordinal in 0..chunks {
        if let Some(mut claim) = output.claim(ordinal) {
            place::place(&mut claim, decoded, item_bytes);
        }
    }
    output.into_vec().ok_or_else(|| array.panicked())
}
