//! From a decoded chunk to the result.

use super::output::Claim;

/// Copies what the claim's task takes of a decoded chunk (C order, elements of `item_bytes` bytes).
pub(crate) fn place(claim: &mut Claim<'_>, decoded: &[u8], item_bytes: usize) {
    let copy = claim.copier();
    claim.for_each_run(|run, target| {
        if run.step == 1 {
            let start = run.source * item_bytes;
            copy(&decoded[start..start + target.len()], target);
        } else {
            gather(decoded, run.source, run.step, item_bytes, target);
        }
    });
}

/// Copies every `step`-th element; the common sizes get loops of their own that the compiler can unroll.
fn gather(decoded: &[u8], source: usize, step: usize, item_bytes: usize, target: &mut [u8]) {
    fn sized<const N: usize>(decoded: &[u8], source: usize, step: usize, target: &mut [u8]) {
        let elements = decoded.as_chunks::<N>().0[source..].iter().step_by(step);
        for (target, element) in target.as_chunks_mut::<N>().0.iter_mut().zip(elements) {
            *target = *element;
        }
    }
    match item_bytes {
        1 => sized::<1>(decoded, source, step, target),
        2 => sized::<2>(decoded, source, step, target),
        4 => sized::<4>(decoded, source, step, target),
        8 => sized::<8>(decoded, source, step, target),
        _ => {
            let elements = decoded.chunks_exact(item_bytes).skip(source).step_by(step);
            for (target, element) in target.chunks_exact_mut(item_bytes).zip(elements) {
                target.copy_from_slice(element);
            }
        }
    }
}

/// Writes the fill value to what the claim's task gives.
pub(crate) fn fill(claim: &mut Claim<'_>, fill_value: &[u8]) {
    if claim.is_zeroed() && fill_value.iter().all(|byte| *byte == 0) {
        return;
    }
    claim.for_each_run(|_, target| repeat(target, fill_value));
}

/// Fills `target` with copies of `element`.
pub(crate) fn repeat(target: &mut [u8], element: &[u8]) {
    let mut filled = element.len().min(target.len());
    target[..filled].copy_from_slice(&element[..filled]);
    // Doubling: each copy is as long as all before it.
    while filled > 0 && filled < target.len() {
        let more = filled.min(target.len() - filled);
        target.copy_within(..more, filled);
        filled += more;
    }
}
