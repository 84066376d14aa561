//! Metadata documents: what is read and printed is read again as the same.
//!
//! Input: which document, then its text; for v2 nodes `.zattrs` behind the first zero byte.

use zarr_core::codec::{CodecChain, CodecErrorKind};
use zarr_core::metadata::json::NonFiniteStyle;
use zarr_core::metadata::{ArrayMetadata, ConsolidatedMetadata, GroupMetadata, MetadataError, NodeMetadata};

use super::allocation::most_held;

/// The longest message of an error.
const MESSAGE_BYTES: usize = 2000;

/// What a document takes in memory for each byte of its text, at most, and beside it. A value takes some dozens of bytes and
/// is kept twice; the runs of a chunk grid and the fields of a struct have their own limits.
const MEMORY: (usize, usize) = (256, 1 << 20);

/// Elements of more bytes than these are not made: a document may ask for 2 GiB.
const ELEMENT_BYTES: usize = 1 << 16;

pub(super) fn run(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else {
        return;
    };
    let (parsed, held) = most_held(|| parse(*kind, text));
    let bound = MEMORY.0 * text.len() + MEMORY.1;
    // A fill value is as large as an element, and a large number may say how large: NumPy's limit is 2 GiB.
    let may_ask = text
        .windows(5)
        .any(|window| window.iter().all(u8::is_ascii_digit));
    assert!(
        may_ask || held <= bound,
        "{held} bytes held where {bound} are enough"
    );
    match parsed {
        Ok(nodes) => nodes.iter().for_each(question),
        Err(error) => is_short(&error),
    }
}

fn parse(kind: u8, text: &[u8]) -> Result<Vec<NodeMetadata>, MetadataError> {
    let (main, attributes) = match text.iter().position(|byte| *byte == 0) {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    };
    let nodes = match kind % 4 {
        0 => {
            let node = NodeMetadata::parse_v3(text)?;
            let mut nodes = consolidated(&node);
            nodes.push(node);
            nodes
        }
        1 => vec![NodeMetadata::Array(Box::new(ArrayMetadata::parse_v2(
            main, attributes,
        )?))],
        2 => vec![NodeMetadata::Group(GroupMetadata::parse_v2(main, attributes)?)],
        _ => members(ConsolidatedMetadata::parse_v2(text)?),
    };
    Ok(nodes)
}

/// What the group says of those below it.
fn consolidated(node: &NodeMetadata) -> Vec<NodeMetadata> {
    match node.as_group().and_then(GroupMetadata::consolidated) {
        Some(Ok(found)) => members(found),
        Some(Err(error)) => {
            is_short(&error);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn members(consolidated: ConsolidatedMetadata) -> Vec<NodeMetadata> {
    for refused in consolidated.refused() {
        is_short(&refused.error);
    }
    let mut nodes = Vec::new();
    for (path, node) in consolidated.into_nodes() {
        let segments = path.as_relative().split('/');
        assert!(
            path.is_root()
                || segments
                    .into_iter()
                    .all(|segment| !["", ".", ".."].contains(&segment)),
            "{path:?} leads elsewhere"
        );
        match node {
            Ok(node) => nodes.push(node),
            Err(error) => is_short(&error),
        }
    }
    nodes
}

fn is_short(error: &MetadataError) {
    let message = error.to_string();
    assert!(
        message.len() < MESSAGE_BYTES && !message.contains(char::is_control),
        "{message:?}"
    );
}

/// Printed and read again, a node is the same and prints the same.
fn reprint(node: &NodeMetadata, style: NonFiniteStyle) -> NodeMetadata {
    let files = node.document().files(style);
    let read = |name: &str| {
        files
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, text)| text.as_bytes())
    };
    let again = match (read("zarr.json"), read(".zarray"), read(".zgroup")) {
        (Some(text), ..) => NodeMetadata::parse_v3(text),
        (_, Some(text), _) => {
            ArrayMetadata::parse_v2(text, read(".zattrs")).map(|array| NodeMetadata::Array(Box::new(array)))
        }
        (.., Some(text)) => GroupMetadata::parse_v2(text, read(".zattrs")).map(NodeMetadata::Group),
        _ => panic!("no document of {node:?}"),
    };
    let again = again.unwrap_or_else(|error| panic!("{error}: {files:?}"));
    assert_eq!(again.document().files(style), files);
    again
}

/// Asks what readers and writers ask.
fn question(node: &NodeMetadata) {
    assert_eq!(&reprint(node, NonFiniteStyle::Token), node);
    // As strings, numbers that JSON cannot say are others; but the text stays.
    reprint(node, NonFiniteStyle::String);
    let Some(array) = node.as_array() else { return };
    if let Err(error) = array.ensure_supported() {
        is_short(&error);
    }
    if array
        .data_type()
        .size_bytes()
        .is_some_and(|size| size > ELEMENT_BYTES)
    {
        return;
    }
    if let Ok(fill) = array.fill_value()
        && let Some(size) = array.data_type().size_bytes()
    {
        assert_eq!(fill.element().len(), size);
    }
    let Ok(grid) = array.chunk_grid() else { return };
    let shape = array.shape();
    let counts = grid
        .grid_shape(shape)
        .expect("a grid that was checked covers its array");
    let Some(last) = counts
        .iter()
        .map(|count| count.checked_sub(1))
        .collect::<Option<Vec<u64>>>()
    else {
        return;
    };
    let elements = grid
        .elements_of(&last)
        .expect("the last chunk is one of the grid");
    assert!(
        elements
            .iter()
            .zip(shape)
            .all(|(range, length)| range.contains(&(length - 1)))
    );
    if let Ok(keys) = array.chunk_key_encoding() {
        assert_eq!(keys.chunk(&keys.key(&last), last.len()), Some(last));
    }
    let chunk: Vec<u64> = elements.iter().map(|range| range.end - range.start).collect();
    if let Err(error) = CodecChain::for_array(array, &chunk) {
        assert!(
            matches!(
                error.kind,
                CodecErrorKind::Unsupported { .. } | CodecErrorKind::InvalidConfiguration { .. }
            ),
            "another kind of error: {error:?}"
        );
    }
}

/// A document of each kind.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let v3 = r#"{"zarr_format":3,"node_type":"array","shape":[10,20],"data_type":"float32","fill_value":"NaN",
        "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[5,5]}},"dimension_names":["y",null],
        "chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"attributes":{"a":[1,NaN,-0.0,1e400]},
        "codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}},"crc32c"]}"#;
    let rectilinear = r#"{"zarr_format":3,"node_type":"array","shape":[10],"data_type":"int8","fill_value":0,
        "chunk_grid":{"name":"rectilinear","configuration":{"kind":"inline","chunk_shapes":[[[2,3],4]]}},
        "chunk_key_encoding":{"name":"v2"},"codecs":["bytes"],"storage_transformers":[]}"#;
    let structured = r#"{"zarr_format":3,"node_type":"array","shape":[],"fill_value":"AAAAAAAAAAAA",
        "data_type":{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"int32"},{"name":"b","data_type":"float64"}]}},
        "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[]}},"chunk_key_encoding":"default",
        "codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}"#;
    let sharded = r#"{"zarr_format":3,"node_type":"array","shape":[8],"data_type":{"name":"numpy.datetime64","configuration":{"unit":"s","scale_factor":10}},
        "fill_value":"NaT","chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4]}},"chunk_key_encoding":{"name":"default"},
        "codecs":[{"name":"sharding_indexed","configuration":{"chunk_shape":[2],"codecs":["bytes"],"index_codecs":["bytes","crc32c"],"index_location":"start"}}]}"#;
    let group = r#"{"zarr_format":3,"node_type":"group","attributes":{},"consolidated_metadata":{"kind":"inline","must_understand":false,
        "metadata":{"a":{"zarr_format":3,"node_type":"group"},"a/b":{"zarr_format":3,"node_type":"group"},"../c":{}}}}"#;
    let zarray = "{\"zarr_format\":2,\"shape\":[4,5],\"chunks\":[2,2],\"dtype\":\">i4\",\"fill_value\":0,\"order\":\"F\",
        \"filters\":[{\"id\":\"delta\",\"dtype\":\">i4\"}],\"compressor\":{\"id\":\"zlib\",\"level\":1},\"dimension_separator\":\"/\"}\0{\"a\":1}";
    let fields = r#"{"zarr_format":2,"shape":[4],"chunks":[2],"dtype":[["a","<i4"],["b","|S3",[2]]],"fill_value":"AAAAAAAAAAAAAA==","order":"C","filters":null,"compressor":null}"#;
    let zmetadata = r#"{"zarr_consolidated_format":1,"metadata":{".zgroup":{"zarr_format":2},"a/.zgroup":{"zarr_format":2},"a/.zattrs":{"b":[]}}}"#;
    [
        (0, v3),
        (0, rectilinear),
        (0, structured),
        (0, sharded),
        (0, group),
        (1, zarray),
        (1, fields),
        (2, "{\"zarr_format\":2}\0{\"a\":{\"b\":null}}"),
        (3, zmetadata),
    ]
    .iter()
    .map(|(kind, text)| [&[*kind][..], text.as_bytes()].concat())
    .collect()
}
