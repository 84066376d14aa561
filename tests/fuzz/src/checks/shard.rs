//! Shards: what an index says of a shard, against a reader of another kind, written here from the specification.
//!
//! Input: as of [`decode`](super::decode), the stored bytes being a shard.

use zarr_core::codec::{Chunk, CodecErrorKind, IndexLocation, Scratch, Sharding};

use super::decode::{self, Case, Keeps, is_a_refusal};

const BYTES: &str = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;

fn cases() -> Vec<Case> {
    let shard = |inner: &str, codecs: &str, index: &str, location: &str| {
        format!(
            r#"{{"name":"sharding_indexed","configuration":{{"chunk_shape":{inner},"codecs":[{codecs}],"index_codecs":[{index}],"index_location":"{location}"}}}}"#
        )
    };
    let checked = format!(r#"{BYTES},"crc32c""#);
    let int32 =
        |codecs: &str, keeps| Case::v3(r#""int32""#, "7", &[4, 6], &format!("[{codecs}]"), keeps).wider(2);
    vec![
        int32(&shard("[2,3]", BYTES, BYTES, "end"), Keeps::All),
        int32(&shard("[2,3]", BYTES, BYTES, "start"), Keeps::All),
        int32(
            &shard("[1,2]", &format!(r#"{BYTES},"crc32c""#), &checked, "end"),
            Keeps::All,
        ),
        int32(
            &shard(
                "[2,6]",
                &format!(r#"{BYTES},{{"name":"gzip","configuration":{{"level":1}}}}"#),
                BYTES,
                "end",
            ),
            Keeps::All,
        ),
        int32(
            &shard("[4,3]", &shard("[2,1]", BYTES, BYTES, "start"), BYTES, "end"),
            Keeps::All,
        ),
        Case::v3(
            r#""string""#,
            r#""""#,
            &[4],
            &format!("[{}]", shard("[2]", r#""vlen-utf8""#, BYTES, "end")),
            Keeps::All,
        )
        .wider(40),
    ]
}

thread_local!(static CASES: Vec<Case> = cases());

pub(super) fn run(data: &[u8]) {
    CASES.with(|cases| {
        decode::run(cases, data);
        let [number, 0, shard @ ..] = data else { return };
        let case = &cases[usize::from(*number) % cases.len()];
        if let Some(partial) = case.chain.partial() {
            against_model(case, partial.sharding, shard);
        }
    });
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    decode::seeds(&cases())
}

/// Looks every inner chunk up by itself, and compares with the shard that was decoded as a whole.
fn against_model(case: &Case, sharding: &Sharding, shard: &[u8]) {
    let codecs = sharding.index();
    let size = shard.len() as u64;
    let mut scratch = Scratch::new();
    let whole = case.decode(shard);
    let Ok(place) = codecs.range(size) else {
        assert!(size < codecs.encoded_size());
        assert!(whole.is_err());
        return;
    };
    match codecs.location() {
        IndexLocation::Start => assert_eq!(place, 0..codecs.encoded_size()),
        IndexLocation::End => assert_eq!(place, size - codecs.encoded_size()..size),
    }
    let part = |range: std::ops::Range<u64>| {
        &shard
            [usize::try_from(range.start).expect("in memory")..usize::try_from(range.end).expect("in memory")]
    };
    let stored = part(place);
    let index = match codecs.decode(stored, size, &mut scratch) {
        Ok(index) => index,
        Err(error) => {
            is_a_refusal(&error);
            assert!(whole.is_err());
            return;
        }
    };
    assert_eq!(
        codecs.encode(&index, &mut scratch).as_deref(),
        Ok(stored),
        "an index prints as it was"
    );
    let mut every = true;
    let mut inner = Vec::new();
    for entry in 0..index.len() {
        let word = |at: usize| {
            stored[entry * 16 + at..]
                .first_chunk::<8>()
                .map(|bytes| u64::from_le_bytes(*bytes))
        };
        let (offset, length) = (word(0).expect("an entry"), word(8).expect("an entry"));
        let found = index.entry(entry);
        match (offset, length) {
            (u64::MAX, u64::MAX) => assert_eq!(found, Ok(None)),
            _ if offset == u64::MAX
                || length == u64::MAX
                || u128::from(offset) + u128::from(length) > u128::from(size) =>
            {
                let error = found.clone().expect_err("an entry that leaves the shard");
                assert!(matches!(error.kind, CodecErrorKind::Corrupt { .. }));
            }
            _ => assert_eq!(found, Ok(Some(offset..offset + length))),
        }
        let decoded = found.and_then(|range| {
            range
                .map(|range| sharding.inner().decode(part(range), &mut scratch))
                .transpose()
        });
        match decoded {
            Ok(chunk) => inner.push(chunk),
            Err(error) => {
                is_a_refusal(&error);
                every = false;
            }
        }
    }
    assert_eq!(
        whole.is_ok(),
        every,
        "a shard is whole if all its inner chunks are: {whole:?}"
    );
    if let (Ok(Chunk::Fixed(whole)), [rows, columns]) = (whole, sharding.inner().decoded().shape()) {
        same_elements(sharding, &whole, &inner, (*rows, *columns));
    }
}

/// Each element of a shard of two dimensions is that of its inner chunk, or the fill value.
fn same_elements(sharding: &Sharding, whole: &[u8], inner: &[Option<Chunk>], (rows, columns): (u64, u64)) {
    let width = sharding.shard().shape()[1];
    let fill = sharding.shard().fill();
    for (at, element) in (0_u64..).zip(whole.chunks(fill.len())) {
        let (row, column) = (at / width, at % width);
        let chunk = row / rows * (width / columns) + column / columns;
        let within = row % rows * columns + column % columns;
        let place = |number: u64| usize::try_from(number).expect("in memory");
        let expected = match &inner[place(chunk)] {
            Some(Chunk::Fixed(bytes)) => &bytes[place(within) * fill.len()..][..fill.len()],
            Some(Chunk::Variable(_)) => panic!("an inner chunk of another kind"),
            None => fill,
        };
        assert_eq!(element, expected, "element {at}");
    }
}
