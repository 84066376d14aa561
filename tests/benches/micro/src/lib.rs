//! What the benchmarks have in common: arrays, documents and elements, the same at each run.

use std::error::Error;
use std::sync::Arc;

use futures::executor::block_on;
use zarr_core::array::Array;
use zarr_core::hierarchy::{self, CreateMode};
use zarr_core::metadata::data_type::FloatKind;
use zarr_core::metadata::{DataType, V3ArrayBuilder};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::{MemoryFileSystem, Path};

/// What goes wrong here is a mistake in the benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A float32 array of this shape, in memory, without a stored chunk. The store is to be closed.
pub fn float_array(shape: &[u64], chunk_shape: &[u64]) -> Result<(Arc<Store>, Array)> {
    let options = StoreOptions::default().writable();
    let store = Store::new(Box::new(MemoryFileSystem::new()), Path::root(), options);
    let metadata = V3ArrayBuilder::new(shape, DataType::Float(FloatKind::Float32))
        .chunk_shape(chunk_shape)
        .build()?;
    let array = block_on(hierarchy::create_array(
        &store,
        &NodePath::root(),
        metadata,
        CreateMode::Create,
    ))?;
    Ok((store, array))
}

/// `length` numbers that compress as measurements do: waves and noise, two decimals.
pub fn measurements(length: usize) -> impl Iterator<Item = f32> {
    // Noise that is the same on every machine: the high bits of a linear congruential generator.
    let mut state = 1_u64;
    (0..length).map(move |i| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5;
        let (row, column) = ((i / 64) as f32, (i % 64) as f32);
        (((row / 100.0).sin() * (column / 10.0).cos() * 100.0 + noise) * 100.0).round() / 100.0
    })
}

/// The document of an array as zarr-python writes it.
pub fn array_document() -> String {
    r#"{"shape":[4096,2048],"data_type":"float32","chunk_grid":{"name":"regular","configuration":{"chunk_shape":[64,64]}},"chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"fill_value":"NaN","codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"zstd","configuration":{"level":0,"checksum":false}}],"attributes":{"units":"K","long_name":"temperature","valid_range":[180.0,330.0]},"dimension_names":["y","x"],"zarr_format":3,"node_type":"array","storage_transformers":[]}"#.to_owned()
}

/// The `.zarray` of such an array in v2.
pub fn zarray_document() -> String {
    r#"{"shape":[4096,2048],"chunks":[64,64],"dtype":"<f4","fill_value":"NaN","order":"C","filters":null,"dimension_separator":".","compressor":{"id":"zstd","level":0,"checksum":false},"zarr_format":2}"#.to_owned()
}

/// A v3 group with consolidated metadata of `count` arrays.
pub fn consolidated_v3(count: usize) -> String {
    let document = array_document();
    let nodes: Vec<_> = (0..count).map(|i| format!(r#""a{i:06}":{document}"#)).collect();
    format!(
        r#"{{"attributes":{{}},"zarr_format":3,"node_type":"group","consolidated_metadata":{{"kind":"inline","must_understand":false,"metadata":{{{}}}}}}}"#,
        nodes.join(",")
    )
}

/// A `.zmetadata` of `count` arrays.
pub fn consolidated_v2(count: usize) -> String {
    let zarray = zarray_document();
    let nodes: Vec<_> = (0..count)
        .map(|i| {
            format!(
                r#""a{i:06}/.zarray":{zarray},"a{i:06}/.zattrs":{{"units":"K","valid_range":[180.0,330.0]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"metadata":{{".zgroup":{{"zarr_format":2}},{}}},"zarr_consolidated_format":1}}"#,
        nodes.join(",")
    )
}
