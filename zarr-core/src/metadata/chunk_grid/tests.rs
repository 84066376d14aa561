#![expect(
    clippy::single_range_in_vec_init,
    reason = "a grid of one dimension has one range"
)]

use proptest::prelude::*;

use super::super::limits::MAX_GRID_RUNS;
use super::*;

fn parse(text: &str, shape: &[u64]) -> Result<ChunkGrid, MetadataError> {
    let named = NamedConfig::parse(&Json::parse(text.as_bytes()).unwrap()).unwrap();
    ChunkGrid::parse_v3(&named, shape).map(Option::unwrap)
}

fn rectilinear(shapes: &str, shape: &[u64]) -> Result<ChunkGrid, MetadataError> {
    parse(
        &format!(r#"{{"name":"rectilinear","configuration":{{"kind":"inline","chunk_shapes":{shapes}}}}}"#),
        shape,
    )
}

fn regular(chunk_shape: &str, shape: &[u64]) -> Result<ChunkGrid, MetadataError> {
    parse(
        &format!(r#"{{"name":"regular","configuration":{{"chunk_shape":{chunk_shape}}}}}"#),
        shape,
    )
}

#[test]
fn regular_grids_answer_by_division() {
    let grid = regular("[3,4]", &[7, 8]).unwrap();
    assert_eq!(grid.chunk_shape(), Some(vec![3, 4]));
    assert_eq!(grid.grid_shape(&[7, 8]), Some(vec![3, 2]));
    assert_eq!(grid.chunk_count(&[7, 8]), Some(6));
    assert_eq!(grid.elements_of(&[2, 1]), Some(vec![6..9, 4..8]));
    assert_eq!(grid.chunks_of(&[2..7, 4..8]), Some(vec![0..3, 1..2]));
    assert_eq!(grid.chunks_of(&[2..2, 0..1]), Some(vec![0..0, 0..1]));
    assert_eq!(
        (grid.grid_shape(&[7]), grid.elements_of(&[0]), grid.chunks_of(&[])),
        (None, None, None)
    );
    assert_eq!(grid.elements_of(&[u64::MAX, 0]), None);
    let point = regular("[]", &[]).unwrap();
    assert_eq!(
        (point.grid_shape(&[]), point.chunk_count(&[])),
        (Some(vec![]), Some(1))
    );
    assert_eq!(point.elements_of(&[]), Some(vec![]));
}

#[test]
fn an_edge_of_zero_is_for_empty_dimensions() {
    let grid = regular("[0,3]", &[0, 3]).unwrap();
    assert_eq!(grid.chunk_count(&[0, 3]), Some(0));
    assert_eq!(grid.elements_of(&[0, 0]), None);
    assert!(!grid.covers(&[1, 3]));
    assert_eq!(
        regular("[0,3]", &[1, 3]).unwrap_err().pointer(),
        "/configuration/chunk_shape/0"
    );
}

#[test]
fn huge_arrays_do_not_overflow() {
    let shape = [i64::MAX as u64, i64::MAX as u64];
    let grid = regular("[1,1]", &shape).unwrap();
    assert_eq!(grid.chunk_count(&shape), None);
    assert_eq!(grid.chunk_count(&[0, i64::MAX as u64]), Some(0));
    assert_eq!(
        grid.elements_of(&[i64::MAX as u64, 0]).unwrap()[0],
        i64::MAX as u64..i64::MAX as u64 + 1
    );
    let grid = regular("[18446744073709551615]", &[5]).unwrap();
    assert_eq!(grid.elements_of(&[0]), Some(vec![0..u64::MAX]));
    assert_eq!(grid.elements_of(&[1]), None);
}

#[test]
fn rectilinear_grids_follow_the_examples_of_the_registry() {
    let grid = rectilinear("[4,[1,2,3],[[4,2]],[[1,3],3],[4,4,4]]", &[6, 6, 6, 6, 6]).unwrap();
    assert_eq!(grid.chunk_shape(), None);
    assert_eq!(grid.grid_shape(&[6; 5]), Some(vec![2, 3, 2, 4, 2]));
    assert_eq!(
        grid.elements_of(&[1, 2, 1, 3, 2]),
        Some(vec![4..8, 3..6, 4..8, 3..6, 8..12])
    );
    assert_eq!(grid.elements_of(&[1, 3, 1, 3, 2]), None);
    let axis = &grid.axes()[3];
    let chunks: Vec<_> = (0..7).map(|element| axis.chunk_of(element)).collect();
    assert_eq!(
        chunks,
        [Some(0), Some(1), Some(2), Some(3), Some(3), Some(3), None]
    );
    assert_eq!(grid.axes()[1].distinct_edges(), [1, 2, 3]);
    // Written back, equal neighbours joined.
    let written = r#"{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[4,[1,2,3],[[4,2]],[[1,3],3],[[4,3]]]}}"#;
    assert_eq!(grid.to_v3_json().to_string(), written);
}

#[test]
fn runs_are_never_expanded() {
    let grid = rectilinear("[[[1,1152921504606846976]]]", &[1 << 60]).unwrap();
    assert_eq!(grid.chunk_count(&[1 << 60]), Some(1 << 60));
    assert_eq!(
        grid.elements_of(&[(1 << 60) - 1]),
        Some(vec![(1 << 60) - 1..1 << 60])
    );
    assert_eq!(grid.chunks_of(&[5..7]), Some(vec![5..7]));
    assert!(
        rectilinear("[[[4294967296,4294967296]]]", &[1])
            .unwrap_err()
            .to_string()
            .contains("fits 64 bits")
    );
    assert!(rectilinear("[[[18446744073709551615,1],1]]", &[1]).is_err());
    let many: Vec<_> = (0..=MAX_GRID_RUNS).map(|i| (i % 2 + 1).to_string()).collect();
    assert!(
        rectilinear(&format!("[[{}]]", many.join(",")), &[1])
            .unwrap_err()
            .to_string()
            .contains("runs")
    );
}

#[test]
fn wrong_grids_say_where() {
    let cases = [
        (regular("[3]", &[4, 4]), "/configuration/chunk_shape"),
        (regular("[3,4.0]", &[4, 4]), "/configuration/chunk_shape/1"),
        (regular("[3,-4]", &[4, 4]), "/configuration/chunk_shape/1"),
        (regular("[3,true]", &[4, 4]), "/configuration/chunk_shape/1"),
        (regular("[3,[4]]", &[4, 4]), "/configuration/chunk_shape/1"),
        (rectilinear("[3]", &[4, 4]), "/configuration/chunk_shapes"),
        (rectilinear("[[1,2]]", &[4]), "/configuration/chunk_shapes/0"),
        (rectilinear("[[]]", &[1]), "/configuration/chunk_shapes/0"),
        (rectilinear("[[4,0]]", &[4]), "/configuration/chunk_shapes/0/1"),
        (
            rectilinear("[[4,[0,1]]]", &[4]),
            "/configuration/chunk_shapes/0/1/0",
        ),
        (
            rectilinear("[[4,[1,2,3]]]", &[4]),
            "/configuration/chunk_shapes/0/1",
        ),
        (rectilinear("[0]", &[4]), "/configuration/chunk_shapes/0"),
        (
            parse(
                r#"{"name":"rectilinear","configuration":{"kind":"x","chunk_shapes":[4]}}"#,
                &[4],
            ),
            "/configuration/kind",
        ),
        (parse(r#""regular""#, &[4]), "/configuration"),
        (
            parse(
                r#"{"name":"regular","configuration":{"chunk_shape":[4],"x":1}}"#,
                &[4],
            ),
            "/configuration/x",
        ),
    ];
    for (result, pointer) in cases {
        let error = result.unwrap_err();
        assert_eq!(error.pointer(), pointer, "{error}");
    }
}

proptest! {
    #[test]
    fn every_element_lies_in_exactly_one_chunk(
        edges in prop::collection::vec((1..6_u64, 1..4_usize), 1..6),
        step in 1..9_u64,
        elements in (0..60_u64, 0..60_u64),
    ) {
        let expanded: Vec<u64> = edges.iter().flat_map(|&(edge, count)| std::iter::repeat_n(edge, count)).collect();
        let runs = ChunkAxis::Runs(ChunkRuns::new(edges.into_iter().map(|(edge, count)| (edge, count as u64))).unwrap());
        let steps = ChunkAxis::Step(step);
        for (axis, expanded) in [(runs, expanded), (steps, vec![step; 70])] {
            let total: u64 = expanded.iter().sum();
            let mut start = 0;
            for (chunk, edge) in expanded.iter().enumerate() {
                prop_assert_eq!(axis.elements_of(chunk as u64), Some(start..start + edge));
                for element in start..start + edge {
                    prop_assert_eq!(axis.chunk_of(element), Some(chunk as u64));
                }
                start += edge;
            }
            let range = elements.0.min(elements.1)..elements.0.max(elements.1);
            let touched = axis.chunks_of(range.clone());
            prop_assert_eq!(touched.is_some(), range.is_empty() || range.end <= total || matches!(axis, ChunkAxis::Step(_)));
            if let Some(touched) = touched {
                for chunk in 0..expanded.len() as u64 {
                    let own = axis.elements_of(chunk).unwrap();
                    let shared = !range.is_empty() && own.start < range.end && range.start < own.end;
                    prop_assert_eq!(touched.contains(&chunk), shared);
                }
            }
        }
    }
}
