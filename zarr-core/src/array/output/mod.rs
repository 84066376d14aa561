//! The memory that a read fills: the only unsafe code of this crate.
//!
//! Four things cannot be said in safe Rust at the price they must have: a zeroed allocation that is not touched, the
//! advice to back it by huge pages (the kernel then zeroes 512 times fewer pages: reads ran 1.4 to 2.4 times as fast), stores
//! that go round the cache (`streaming`), and writes by several threads to parts of one buffer that interleave.
//!
//! The last rests on two facts: different tasks of a [`Plan`] give to different elements (held by its tests), and
//! [`Output::claim`] gives each task to one holder at a time.
#![allow(
    unsafe_code,
    reason = "the one audited module: allocation, advice, streaming and disjoint writes"
)]

mod streaming;

use std::alloc::Layout;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::Pod;

use self::streaming::{RUNS_AHEAD, STREAM_FROM_BYTES};
use super::plan::{Plan, Run, Task};

/// From this size on huge pages are asked for: smaller outputs gain nothing from them.
const HUGE_FROM_BYTES: usize = 4 << 20;

/// There is not enough memory for a result.
#[derive(Debug, thiserror::Error)]
#[error("no memory for a result of {bytes} bytes")]
pub(crate) struct OutOfMemory {
    pub(crate) bytes: u128,
}

/// A result while it is being filled.
pub(crate) struct Output {
    /// The `Vec<T>` that owns the memory; not touched until [`Output::into_vec`].
    owner: Box<dyn Any + Send + Sync>,
    data: *mut u8,
    bytes: usize,
    /// Whether what no task has written is zeros.
    is_zeroed: bool,
    item_bytes: usize,
    plan: Arc<Plan>,
    claimed: Box<[AtomicU64]>,
}

// SAFETY: `data` points into the heap buffer of `owner`, which is Send and Sync, is not reallocated while `self` lives, and
// is only written through claims, whose elements are disjoint (see the module's text).
unsafe impl Send for Output {}
// SAFETY: as above: shared access writes disjoint elements only, and reads none.
unsafe impl Sync for Output {}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("bytes", &self.bytes)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Memory for the result of `plan`, elements of `item_bytes` bytes, as a `Vec<T>`; `item_bytes` is a multiple of the
    /// size of `T`. That of `memory` if it is enough: what is in it stays until the plan's tasks have written it.
    pub(crate) fn new<T: Pod + Send + Sync>(
        plan: Arc<Plan>,
        item_bytes: usize,
        memory: Vec<T>,
    ) -> Result<Self, OutOfMemory> {
        let wanted = plan.shape().iter().map(|len| *len as u128).product::<u128>() * item_bytes as u128;
        let out_of_memory = || OutOfMemory { bytes: wanted };
        let bytes = usize::try_from(wanted).map_err(|_| out_of_memory())?;
        debug_assert_eq!(
            item_bytes % size_of::<T>(),
            0,
            "an element is a whole number of T"
        );
        let len = bytes / size_of::<T>();
        let mut owner = Box::new(memory);
        let is_zeroed = owner.capacity() < len;
        if is_zeroed {
            *owner = zeroed_vec(len).ok_or_else(out_of_memory)?;
            advise_huge(owner.as_mut_ptr().cast::<u8>(), bytes);
        } else {
            owner.resize(len, T::zeroed());
        }
        let data = owner.as_mut_ptr().cast::<u8>();
        let claimed = (0..plan.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            owner,
            data,
            bytes,
            is_zeroed,
            item_bytes,
            plan,
            claimed,
        })
    }

    /// The plan this memory is for.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The right to write what the `ordinal`-th task gives, until it is dropped; `None` while another holds it.
    pub(crate) fn claim(&self, ordinal: usize) -> Option<Claim<'_>> {
        let bit = 1 << (ordinal % 64);
        let word = self.claimed.get(ordinal / 64)?;
        if ordinal >= self.plan.len() || word.fetch_or(bit, Ordering::AcqRel) & bit != 0 {
            return None;
        }
        Some(Claim {
            output: self,
            task: self.plan.task(ordinal),
            word,
            bit,
        })
    }

    /// The result. `None` if it was not made for this `T`.
    pub(crate) fn into_vec<T: Pod + Send + Sync>(self) -> Option<Vec<T>> {
        self.owner.downcast::<Vec<T>>().ok().map(|vec| *vec)
    }
}

/// The right to write the elements that one task gives.
pub(crate) struct Claim<'a> {
    output: &'a Output,
    task: Task,
    word: &'a AtomicU64,
    bit: u64,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.streams() {
            streaming::fence();
        }
        self.word.fetch_and(!self.bit, Ordering::Release);
    }
}

impl Claim<'_> {
    /// The task.
    pub(crate) fn task(&self) -> &Task {
        &self.task
    }

    /// Whether the task's elements of the result are zeros, if nothing was written to them.
    pub(crate) fn is_zeroed(&self) -> bool {
        self.output.is_zeroed
    }

    /// The task's elements of the result as one slice, if they are one run of neighbours in the chunk too.
    pub(crate) fn contiguous(&mut self) -> Option<&mut [u8]> {
        let run = self.task.single_run(self.output.plan.shape())?;
        if run.step != 1 {
            return None;
        }
        let range = self.range(run);
        // SAFETY: `range` lies in the buffer (checked there); the elements belong to this claim alone, and `&mut self`
        // keeps this the only slice of it.
        Some(unsafe { std::slice::from_raw_parts_mut(self.output.data.add(range.start), range.len()) })
    }

    /// Whether the result is so large that it is written round the cache.
    fn streams(&self) -> bool {
        self.output.bytes >= STREAM_FROM_BYTES
    }

    /// How to copy to a run that [`Claim::for_each_run`] gave; others see it once the claim is dropped.
    pub(crate) fn copier(&self) -> fn(&[u8], &mut [u8]) {
        if self.streams() {
            streaming::copy
        } else {
            |source, target| target.copy_from_slice(source)
        }
    }

    /// Gives each run of the result to `write`, with where it comes from.
    pub(crate) fn for_each_run(&mut self, mut write: impl FnMut(Run, &mut [u8])) {
        let mut write = |run| {
            let range = self.range(run);
            // SAFETY: as in `contiguous`; the runs of a task are disjoint too, and only one slice lives at a time.
            write(run, unsafe {
                std::slice::from_raw_parts_mut(self.output.data.add(range.start), range.len())
            });
        };
        let shape = self.output.plan.shape();
        if !self.streams() {
            return self.task.for_each_run(shape, write);
        }
        let mut ahead = [None; RUNS_AHEAD];
        let mut turn = 0;
        self.task.for_each_run(shape, |run| {
            let range = self.range(run);
            streaming::prefetch(self.output.data.wrapping_add(range.start));
            streaming::prefetch(self.output.data.wrapping_add(range.end.saturating_sub(1)));
            if let Some(run) = ahead[turn].replace(run) {
                write(run);
            }
            turn = (turn + 1) % RUNS_AHEAD;
        });
        let (later, sooner) = ahead.split_at(turn);
        sooner.iter().chain(later).flatten().copied().for_each(write);
    }

    /// The bytes of a run, checked against the buffer.
    fn range(&self, run: Run) -> std::ops::Range<usize> {
        let item = self.output.item_bytes;
        let range = run.target * item..(run.target + run.count) * item;
        assert!(
            range.start <= range.end && range.end <= self.output.bytes,
            "a plan stays inside its result"
        );
        range
    }
}

/// A vector of zeros that the kernel has not been made to touch yet; `None` without memory.
fn zeroed_vec<T: Pod>(len: usize) -> Option<Vec<T>> {
    let layout = Layout::array::<T>(len).ok()?;
    if layout.size() == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout has a size. All zeros is a valid `T`, for `T: Pod`.
    let data = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<T>();
    if data.is_null() {
        return None;
    }
    // SAFETY: `data` was allocated by the global allocator with the layout of `len` values of `T`, all initialised.
    Some(unsafe { Vec::from_raw_parts(data, len, len) })
}

#[cfg(target_os = "linux")]
fn advise_huge(data: *mut u8, bytes: usize) {
    const PAGE: usize = 4096;
    if bytes < HUGE_FROM_BYTES {
        return;
    }
    let skip = data.align_offset(PAGE);
    let length = (bytes - skip) / PAGE * PAGE;
    // SAFETY: the range lies in our allocation and holds whole pages of it; this advice changes no content. It is advice:
    // what it returns does not matter.
    unsafe { libc::madvise(data.add(skip).cast(), length, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_data: *mut u8, _bytes: usize) {
    let _ = HUGE_FROM_BYTES;
}
