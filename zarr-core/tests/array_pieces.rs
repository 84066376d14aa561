//! An array taken in pieces that follow each other in C order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use futures::executor::block_on;
use zarr_core::array::{ReadOptions, Selection};
use zarr_core::hierarchy::{CreateMode, create_array};
use zarr_core::metadata::data_type::IntKind;
use zarr_core::metadata::{ChunkAxis, ChunkGrid, ChunkRuns, DataType, V3ArrayBuilder};
use zarr_core::{Error, NodePath, Store, StoreOptions};
use zarr_fs::{MemoryFileSystem, Path};

const U16: DataType = DataType::Int(IntKind::UInt16);

/// Chunks of 1, then 100, then 7 rows, across in chunks of 4 and 6.
#[test]
fn each_chunk_of_a_rectilinear_grid_is_in_one_piece() {
    block_on(async {
        let store = Store::new(
            Box::new(MemoryFileSystem::new()),
            Path::root(),
            StoreOptions::default().writable(),
        );
        let axis = |runs: &[(u64, u64)]| ChunkAxis::Runs(ChunkRuns::new(runs.iter().copied()).unwrap());
        let grid = ChunkGrid::rectilinear(vec![axis(&[(1, 2), (100, 3), (7, 2)]), axis(&[(4, 1), (6, 1)])]);
        let shape = [312, 10];
        let metadata = V3ArrayBuilder::new(&shape, U16).chunk_grid(grid).build().unwrap();
        let array = create_array(&store, &NodePath::root(), metadata, CreateMode::Create)
            .await
            .unwrap();
        let all: Vec<u16> = (1..=3120).collect();
        let whole = Selection::all(&shape);
        array.write(&whole, &all).await.unwrap();
        // How many chunks are read by pieces of so many elements.
        let chunks_read = async |most| {
            let (mut read, mut chunks) = (Vec::new(), 0);
            for piece in array.pieces_in_order(&whole, most).unwrap() {
                assert!(piece.element_count().unwrap() <= most);
                let (elements, report) = array
                    .read_with::<u16>(&piece, &ReadOptions::default())
                    .await
                    .unwrap();
                read.extend(elements);
                chunks += report.chunks;
            }
            assert_eq!(read, all, "{most}");
            chunks
        };
        for most in [1000, 1500, 2110, 1 << 20] {
            assert_eq!(chunks_read(most).await, 7 * 2, "{most}");
        }
        // Too little for a layer of the thick chunks: they are read again, and nothing else is.
        assert_eq!(chunks_read(500).await, (2 + 2 * 3 + 2) * 2);
        store.close().await.unwrap();
    });
}

#[test]
fn a_selection_of_another_shape_is_refused() {
    block_on(async {
        let store = Store::new(
            Box::new(MemoryFileSystem::new()),
            Path::root(),
            StoreOptions::default().writable(),
        );
        let metadata = V3ArrayBuilder::new(&[10, 10], U16).chunk_shape(&[5, 5]);
        let array = create_array(
            &store,
            &NodePath::root(),
            metadata.build().unwrap(),
            CreateMode::Create,
        )
        .await
        .unwrap();
        for shape in [vec![10, 10, 10], vec![10], vec![], vec![12, 10]] {
            let refused = array
                .pieces_in_order(&Selection::all(&shape), 7)
                .map(Iterator::count);
            assert!(
                matches!(refused, Err(Error::InvalidSelection { .. })),
                "{shape:?}: {refused:?}"
            );
        }
        store.close().await.unwrap();
    });
}
