//! Bombs, lies and leftovers: what a decoder may do is bounded by the chunk, not by what a header claims.

#![expect(clippy::expect_used, reason = "a test says what broke")]

use std::time::{Duration, Instant};

use zarr_core::codec::sharding::{IndexLocation, ShardIndex};
use zarr_core::codec::{Chunk, ChunkRef, CodecChain, CodecErrorKind, Scratch, variable_bound};
use zarr_core::metadata::{DataType, Json, NamedConfig, NodeMetadata};

const LE: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;

fn chain(codecs: &str, data_type: &str, fill: &[u8], shape: &[u64]) -> CodecChain {
    let json = Json::parse(codecs.as_bytes()).expect(codecs);
    let items = json.as_array().into_iter().flatten();
    let codecs: Vec<_> = items
        .map(|json| NamedConfig::parse(json).expect("codec"))
        .collect();
    let data_type = DataType::parse_v3(&Json::from(data_type)).expect("data type");
    CodecChain::from_v3(&codecs, &data_type, fill, shape).expect("chain")
}

/// A zstd frame of `blocks` times 128 KiB of zeros in four bytes each, with or without a size in its header.
fn bomb(blocks: u32, claimed: Option<u64>) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    match claimed {
        Some(size) => {
            frame.extend_from_slice(&[0xc0, 0x38]);
            frame.extend_from_slice(&size.to_le_bytes());
        }
        None => frame.extend_from_slice(&[0x00, 0x38]),
    }
    for block in 1..=blocks {
        let header = (131_072_u32 << 3) | (1 << 1) | u32::from(block == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

/// A few bytes of metadata can declare an element of gigabytes: what is opened, listed or refused must not hold one.
#[test]
fn a_chain_holds_no_element_before_one_is_asked_for() {
    let sharded = format!(
        r#"{{"name":"sharding_indexed","configuration":{{"chunk_shape":[1],"codecs":["bytes"],"index_codecs":[{LE}]}}}}"#
    );
    for codecs in [r#""bytes""#, &sharded] {
        let document = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":[4],"fill_value":"YQ==","codecs":[{codecs}],
            "data_type":{{"name":"null_terminated_bytes","configuration":{{"length_bytes":1048576}}}},
            "chunk_key_encoding":"default","chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":[2]}}}}}}"#
        );
        let node = NodeMetadata::parse_v3(document.as_bytes()).expect("document");
        let array = node.as_array().expect("array");
        let made = CodecChain::for_array(array, &[2]).expect("chain");
        let error = made.decode(&[1], &mut Scratch::new()).expect_err("too short");
        assert!(matches!(error.kind, CodecErrorKind::Corrupt { .. }), "{error}");
        // An element would be printed byte by byte.
        assert!(format!("{made:?}").len() < 10_000);
        assert_eq!(made.decoded().fill().len(), 1 << 20);
    }
}

#[test]
fn bombs_do_not_go_off() {
    let begin = Instant::now();
    let total = 8_u64 << 30;
    let made = chain(&format!("[{LE},\"zstd\"]"), "int32", &[0; 4], &[6]);
    for claimed in [None, Some(24), Some(total), Some(u64::MAX)] {
        let error = made
            .decode(&bomb(65_536, claimed), &mut Scratch::new())
            .expect_err("a bomb");
        assert!(matches!(error.kind, CodecErrorKind::Corrupt { .. }), "{error}");
        assert_eq!(error.codec, "zstd");
    }
    // Nothing in the metadata bounds text: the stored size does.
    let text = chain(r#"["vlen-utf8","zstd"]"#, "string", b"", &[6]);
    assert!(text.decode(&bomb(65_536, None), &mut Scratch::new()).is_err());
    assert!(variable_bound(28, 1000) <= (64 << 20) + 28);
    assert!(variable_bound(0, usize::MAX) <= 4 << 30);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn a_chunk_that_the_stored_bytes_cannot_reach_is_refused_before_it_is_allocated() {
    // 2^40 elements are no reason to allocate for 50 bytes, whatever the codec.
    for codec in [
        "\"gzip\"",
        "\"zstd\"",
        r#"{"name":"numcodecs.lz4"}"#,
        r#"{"name":"blosc"}"#,
        "\"crc32c\"",
    ] {
        let made = chain(&format!("[{LE},{codec}]"), "int64", &[0; 8], &[1 << 40]);
        let error = made
            .decode(&[1; 50], &mut Scratch::new())
            .expect_err("too little");
        assert!(
            matches!(error.kind, CodecErrorKind::Corrupt { .. }),
            "{codec}: {error}"
        );
    }
}

#[test]
fn gzip_members_are_joined_and_leftovers_refused() {
    let whole = chain(&format!("[{LE},\"gzip\"]"), "uint8", &[0], &[300]);
    let half = chain(&format!("[{LE},\"gzip\"]"), "uint8", &[0], &[150]);
    let mut scratch = Scratch::new();
    let data: Vec<u8> = (0..300_u32)
        .map(|at| u8::try_from(at * at % 251).expect("a byte"))
        .collect();
    let member =
        |part: &[u8], scratch: &mut Scratch| half.encode(ChunkRef::Fixed(part), scratch).expect("encoded");
    let two = [
        member(&data[..150], &mut scratch),
        member(&data[150..], &mut scratch),
    ]
    .concat();
    assert_eq!(whole.decode(&two, &mut scratch), Ok(Chunk::Fixed(data.clone())));
    // One member is too short, three are too long; zeros after the end are padding, anything else is not.
    let one = member(&data[..150], &mut scratch);
    assert!(whole.decode(&one, &mut scratch).is_err());
    assert!(
        whole
            .decode(&[two.as_slice(), &one].concat(), &mut scratch)
            .is_err()
    );
    assert_eq!(
        whole.decode(&[two.as_slice(), &[0; 9]].concat(), &mut scratch),
        Ok(Chunk::Fixed(data))
    );
    assert!(
        whole
            .decode(&[two.as_slice(), b"rest"].concat(), &mut scratch)
            .is_err()
    );
    for len in 0..two.len() {
        assert!(whole.decode(&two[..len], &mut scratch).is_err(), "cut at {len}");
    }
}

fn sharded(location: &str, index: &str) -> CodecChain {
    let members = format!(
        r#""chunk_shape":[2,3],"codecs":[{LE}],"index_codecs":[{index}],"index_location":"{location}""#
    );
    let codecs = format!(r#"[{{"name":"sharding_indexed","configuration":{{{members}}}}}]"#);
    chain(&codecs, "int32", &7_i32.to_le_bytes(), &[4, 6])
}

/// An index of four entries.
fn words(entries: [(u64, u64); 4]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|(offset, size)| [offset.to_le_bytes(), size.to_le_bytes()].concat())
        .collect()
}

#[test]
fn a_shard_index_says_where_inner_chunks_are_or_that_it_lies() {
    const ABSENT: (u64, u64) = (u64::MAX, u64::MAX);
    let made = sharded("end", LE);
    let partial = made.partial().expect("a shard");
    assert!(partial.transposes.is_empty());
    let index = partial.sharding.index();
    assert_eq!(
        (index.encoded_size(), index.entries(), index.location()),
        (64, 4, IndexLocation::End)
    );
    assert_eq!(partial.sharding.inner_grid(), [2, 2]);
    assert_eq!(index.range(100).expect("a range"), 36..100);
    assert!(index.range(63).is_err());
    let mut scratch = Scratch::new();
    let decoded = index
        .decode(
            &words([(0, 24), ABSENT, (u64::MAX, 24), (90, 24)]),
            100,
            &mut scratch,
        )
        .expect("an index");
    assert_eq!(decoded.entry(0), Ok(Some(0..24)));
    assert_eq!(decoded.entry(1), Ok(None));
    for (entry, word) in [(2, "half absent"), (3, "leaves the shard"), (4, "beyond")] {
        let error = decoded.entry(entry).expect_err(word);
        assert!(error.to_string().contains(word), "{error}");
    }
    let overflow = index.decode(
        &words([(u64::MAX - 1, 2), (5, u64::MAX - 4), (24, u64::MAX), (100, 0)]),
        100,
        &mut scratch,
    );
    let overflow = overflow.expect("an index");
    for entry in 0..3 {
        assert!(overflow.entry(entry).is_err(), "{entry}");
    }
    assert_eq!(overflow.entry(3), Ok(Some(100..100)));
    for len in [0, 63, 65, 128] {
        assert!(index.decode(&vec![0; len], 1000, &mut scratch).is_err(), "{len}");
    }
    assert!(ShardIndex::empty(4).expect("an index").all_absent());
}

#[test]
fn shards_are_assembled_of_encoded_inner_chunks() {
    let mut scratch = Scratch::new();
    for (location, front) in [("start", 68), ("end", 0)] {
        let made = sharded(location, &format!(r#"{LE},"crc32c""#));
        let sharding = made.partial().expect("a shard").sharding;
        let inner = sharding
            .inner()
            .encode(ChunkRef::Fixed(&[9; 24]), &mut scratch)
            .expect("encoded");
        let parts = [None, Some(inner.as_slice()), None, None];
        let shard = sharding
            .assemble(parts, &mut scratch)
            .expect("assembled")
            .expect("not empty");
        assert_eq!(shard.len(), 24 + 68);
        assert_eq!(&shard[front..front + 24], [9; 24]);
        let Ok(Chunk::Fixed(bytes)) = made.decode(&shard, &mut scratch) else {
            unreachable!("decoded")
        };
        let seven = 7_i32.to_le_bytes();
        for (at, element) in bytes.as_chunks::<4>().0.iter().enumerate() {
            let inside = at / 6 < 2 && at % 6 >= 3;
            assert_eq!(*element, if inside { [9; 4] } else { seven }, "{location} {at}");
        }
        assert_eq!(sharding.assemble([None::<&[u8]>; 4], &mut scratch), Ok(None));
        assert!(sharding.assemble([Some([0_u8; 24]); 3], &mut scratch).is_err());
    }
}

#[test]
fn only_a_bare_shard_can_be_read_in_parts() {
    let shard = format!(
        r#"{{"name":"sharding_indexed","configuration":{{"chunk_shape":[3,2],"codecs":[{LE}],"index_codecs":[{LE}]}}}}"#
    );
    let order = r#"{"name":"transpose","configuration":{"order":[1,0]}}"#;
    let bare = chain(&format!("[{order},{shard}]"), "int32", &[0; 4], &[4, 6]);
    let partial = bare.partial().expect("a shard");
    assert_eq!(
        partial
            .transposes
            .iter()
            .map(|transpose| transpose.order())
            .collect::<Vec<_>>(),
        [[1, 0]]
    );
    assert_eq!(partial.sharding.shard().shape(), [6, 4]);
    for codecs in [format!("[{shard},\"crc32c\"]"), format!("[{LE}]")] {
        assert!(
            chain(&codecs, "int32", &[0; 4], &[6, 4]).partial().is_none(),
            "{codecs}"
        );
    }
}
