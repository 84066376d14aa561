//! Where decoded chunks go.

use std::sync::{Arc, Mutex, PoisonError};

use crate::array::output::Output;
use crate::array::place;
use crate::array::plan::Plan;
use crate::codec::{Chunk, CodecChain, CodecError, Scratch, VariableLength};

/// Where decoded chunks go.
pub(crate) enum Target {
    /// Elements of one size, into one buffer.
    Fixed {
        /// The buffer.
        output: Output,
        /// The size of an element.
        item_bytes: usize,
    },
    /// Elements of variable length.
    Variable(VariableTarget),
}

/// A chunk and an element's place in it.
type Placed = (Arc<VariableLength>, usize);

/// Each element of the result, as far as it is known.
pub(crate) struct VariableTarget {
    plan: Arc<Plan>,
    elements: Mutex<Vec<Option<Placed>>>,
}

impl VariableTarget {
    /// An empty result for `plan`.
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self, CodecError> {
        let count = plan
            .shape()
            .iter()
            .try_fold(1_usize, |product, len| product.checked_mul(*len));
        let mut elements = Vec::new();
        match count {
            Some(count) if elements.try_reserve_exact(count).is_ok() => elements.resize(count, None),
            _ => return Err(CodecError::out_of_memory("result", u64::MAX)),
        }
        Ok(Self {
            plan,
            elements: Mutex::new(elements),
        })
    }

    /// The result: elements that no chunk gave are `fill`.
    pub(crate) fn finish(self, fill: &[u8]) -> Result<VariableLength, CodecError> {
        let elements = self.elements.into_inner().unwrap_or_else(PoisonError::into_inner);
        let get = |element: &Option<Placed>| match element {
            Some((chunk, index)) => chunk.get(*index).map(<[u8]>::len),
            None => Some(fill.len()),
        };
        let bytes = elements.iter().filter_map(get).sum();
        let mut result = VariableLength::with_capacity(elements.len(), bytes)?;
        for element in elements {
            match element {
                Some((chunk, index)) => result.push(chunk.get(index).unwrap_or_default()),
                None => result.push(fill),
            }
        }
        Ok(result)
    }
}

impl Target {
    pub(crate) fn plan(&self) -> &Plan {
        match self {
            Self::Fixed { output, .. } => output.plan(),
            Self::Variable(target) => &target.plan,
        }
    }

    /// Decodes the chunk of task `ordinal` to its place.
    pub(crate) fn decode(
        &self,
        ordinal: usize,
        encoded: &[u8],
        chain: &CodecChain,
        scratch: &mut Scratch,
    ) -> Result<(), CodecError> {
        match self {
            Self::Fixed { output, item_bytes } => {
                // A task is worked on by one holder at a time, so the claim is free.
                let Some(mut claim) = output.claim(ordinal) else {
                    return Ok(());
                };
                chain.check_reachable(encoded.len())?;
                if claim.task().takes_whole_chunk()
                    && let Some(place) = claim.contiguous()
                {
                    return chain.decode_into(encoded, place, scratch);
                }
                let size = chain.decoded().bytes("chunk")?;
                let mut decoded = scratch.take("chunk", size)?;
                let done = chain.decode_into(encoded, &mut decoded, scratch);
                if done.is_ok() {
                    place::place(&mut claim, &decoded, *item_bytes);
                }
                scratch.give(decoded);
                done
            }
            Self::Variable(target) => {
                let Chunk::Variable(values) = chain.decode(encoded, scratch)? else {
                    return Err(CodecError::configuration(
                        "chunk",
                        "fixed-size elements where variable ones were due",
                    ));
                };
                let values = Arc::new(values);
                let task = target.plan.task(ordinal);
                let mut elements = target.elements.lock().unwrap_or_else(PoisonError::into_inner);
                task.for_each_run(target.plan.shape(), |run| {
                    for i in 0..run.count {
                        elements[run.target + i] = Some((Arc::clone(&values), run.source + i * run.step));
                    }
                });
                Ok(())
            }
        }
    }

    /// Writes the fill value for a chunk that is not there.
    pub(crate) fn fill(&self, ordinal: usize, fill: &[u8]) {
        match self {
            Self::Fixed { output, .. } => {
                if let Some(mut claim) = output.claim(ordinal) {
                    place::fill(&mut claim, fill);
                }
            }
            // An element that nothing was placed at is the fill value.
            Self::Variable(_) => {}
        }
    }
}
