#![allow(clippy::cast_possible_truncation, reason = "a test")]

use super::*;
use crate::array::selection::{Select, Selection};
use proptest::prelude::*;

/// Chunks with the given edges, the last one repeated.
#[derive(Clone, Debug)]
struct Edges(Vec<u64>);

impl DimensionGrid for Edges {
    fn chunk_of(&self, element: u64) -> u64 {
        (0..)
            .find(|chunk| {
                let (origin, edge) = self.span(*chunk);
                element < origin + edge
            })
            .unwrap()
    }

    fn span(&self, chunk: u64) -> (u64, u64) {
        let edge = |chunk: u64| *self.0.get(chunk as usize).unwrap_or(self.0.last().unwrap());
        ((0..chunk).map(edge).sum(), edge(chunk))
    }
}

fn select(len: u64) -> impl Strategy<Value = Select> {
    let bound = -(len as i64) - 2..len as i64 + 3;
    prop_oneof![
        (
            proptest::option::of(bound.clone()),
            proptest::option::of(bound),
            1..5_u64
        )
            .prop_map(|(start, stop, step)| Select::Range { start, stop, step }),
        (-(len as i64)..len as i64).prop_map(Select::Index),
        proptest::collection::vec(-(len as i64)..len as i64, 0..6).prop_map(Select::Indices),
        Just(Select::all()),
    ]
}

fn case() -> impl Strategy<Value = (Vec<u64>, Vec<Edges>, Vec<Select>)> {
    proptest::collection::vec(1..9_u64, 0..4).prop_flat_map(|shape| {
        let edges: Vec<_> = shape
            .iter()
            .map(|_| proptest::collection::vec(1..5_u64, 1..4).prop_map(Edges))
            .collect();
        let selects: Vec<_> = shape.iter().map(|len| select(*len)).collect();
        (Just(shape), edges, selects)
    })
}

proptest! {
    /// Every element of the result comes once, and from the element of the array that was selected.
    #[test]
    fn every_wanted_element_comes_from_its_place_once((shape, edges, selects) in case(), turn in any::<prop::sample::Index>()) {
        let selection = Selection::new(&selects, &shape).unwrap();
        let grids = edges.iter().cloned().map(|grid| Box::new(grid) as Box<dyn DimensionGrid + Send + Sync>).collect();
        // Chunks may be stored with their dimensions in another order; a rotation is one.
        let mut order: Vec<usize> = (0..shape.len()).collect();
        if !shape.is_empty() {
            order.rotate_left(turn.index(shape.len()));
        }
        let plan = Plan::new(selection.dims(), grids).unwrap().with_order(Some(order.clone()));
        let total: usize = plan.shape().iter().product();
        let mut result: Vec<Option<Vec<u64>>> = vec![None; total];
        let mut chunks = std::collections::HashSet::new();
        for ordinal in 0..plan.len() {
            let task = plan.task(ordinal);
            prop_assert!(chunks.insert(task.chunk_indices()), "a chunk comes once");
            let mut taken = 0;
            task.for_each_run(plan.shape(), |run| {
                for i in 0..run.count {
                    // The element of the array behind this position of the chunk.
                    let mut rest = run.source + i * run.step;
                    let mut element = vec![0_u64; task.parts.len()];
                    for dim in order.iter().rev() {
                        let part = &task.parts[*dim];
                        element[*dim] = part.origin + rest as u64 % part.edge;
                        rest /= part.edge as usize;
                    }
                    assert!(result[run.target + i].replace(element).is_none(), "written twice");
                    taken += 1;
                }
            });
            prop_assert_eq!(taken, task.element_count());
            let mut runs = 0;
            task.for_each_run(plan.shape(), |_| runs += 1);
            // It may miss one, it must not invent one.
            prop_assert!(task.single_run(plan.shape()).is_none() || runs == 1);
        }
        for (target, element) in result.into_iter().enumerate() {
            let mut rest = target;
            let mut expected: Vec<u64> = selection.dims().iter().zip(plan.shape()).rev().map(|(wanted, len)| {
                let at = wanted.at(rest % len);
                rest /= len;
                at
            }).collect();
            expected.reverse();
            prop_assert_eq!(element, Some(expected));
        }
    }
}

proptest! {
    /// A plan over inner chunks is found again from the shards above it: each of its tasks once.
    #[test]
    fn every_inner_chunk_belongs_to_one_shard((shape, edges, selects) in case(), inner in 1..4_u64) {
        let selection = Selection::new(&selects, &shape).unwrap();
        let shards: Vec<_> = edges.iter().map(|grid| Edges(grid.0.iter().map(|edge| edge * inner).collect())).collect();
        let boxed = |grid: &Edges| Box::new(grid.clone()) as Box<dyn DimensionGrid + Send + Sync>;
        let outer = Plan::new(selection.dims(), shards.iter().map(boxed).collect()).unwrap();
        let leaves = Plan::new(selection.dims(), shape.iter().map(|_| boxed(&Edges(vec![inner]))).collect()).unwrap();
        let mut seen = std::collections::HashSet::new();
        for ordinal in 0..outer.len() {
            let shard = outer.task(ordinal);
            let ranges: Vec<_> = shard.parts.iter().enumerate()
                .map(|(dim, part)| leaves.parts_within(dim, part.origin / inner..(part.origin + part.edge) / inner))
                .collect();
            let mut parts: Vec<usize> = ranges.iter().map(|range| range.start).collect();
            loop {
                let leaf = leaves.ordinal(&parts);
                prop_assert!(seen.insert(leaf));
                for (part, above) in leaves.task(leaf).parts.iter().zip(&shard.parts) {
                    prop_assert!(part.origin >= above.origin && part.origin + part.edge <= above.origin + above.edge);
                }
                let Some(dim) = (0..parts.len()).rev().find(|dim| parts[*dim] + 1 < ranges[*dim].end) else { break };
                parts[dim] += 1;
                for later in dim + 1..parts.len() {
                    parts[later] = ranges[later].start;
                }
            }
        }
        prop_assert_eq!(seen.len(), leaves.len());
    }
}

#[test]
fn a_million_chunks_are_planned_without_being_listed() {
    struct Regular(u64);
    impl DimensionGrid for Regular {
        fn chunk_of(&self, element: u64) -> u64 {
            element / self.0
        }
        fn span(&self, chunk: u64) -> (u64, u64) {
            (chunk * self.0, self.0)
        }
    }
    let selection = Selection::all(&[1 << 40]);
    let plan = Plan::new(selection.dims(), vec![Box::new(Regular(1 << 20))]).unwrap();
    assert_eq!(plan.len(), 1 << 20);
    assert_eq!(plan.task((1 << 20) - 1).parts[0].origin, (1 << 40) - (1 << 20));
}
