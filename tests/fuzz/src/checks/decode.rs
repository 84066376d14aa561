//! Decoding: what a family of codecs makes of bytes that are no encoding, or one with a few changes.
//!
//! Input: which chain, how the rest is meant, the rest. Either the rest is the stored chunk as it is; or it holds some edits
//! and then elements, which are encoded, edited and decoded: so that there is something behind checksums and headers.

use zarr_core::codec::{Chunk, CodecChain, CodecError, CodecErrorKind, Scratch, VariableLength};
use zarr_core::metadata::{ArrayMetadata, NodeMetadata};

use super::allocation::most_held;
use super::input::Input;

/// What a decoder may hold beside twice its chunk: tables and windows of decompressors, the text of an error.
const TABLES: usize = 2 << 20;

/// The longest message of an error.
const MESSAGE_BYTES: usize = 2000;

/// What comes back of a chunk that is encoded and decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Everything.
    All,
    /// Everything, if it came out of the decoder: the codec rounds, or has several forms of one value.
    Decoded,
    /// Perhaps nothing; or the codec does not write.
    Nothing,
}

/// A chain of codecs under test.
#[derive(Debug)]
pub(super) struct Case {
    /// What it is, for the message.
    name: String,
    pub(super) chain: CodecChain,
    keeps: Keeps,
    /// How many bytes its largest stage has for each of the chunk's.
    wider: usize,
    /// How many bytes it may hold whatever the chunk.
    tables: usize,
}

impl Case {
    /// Of a v3 array: its data type and fill value, its shape and its codecs in JSON.
    pub(super) fn v3(data_type: &str, fill: &str, shape: &[u64], codecs: &str, keeps: Keeps) -> Self {
        let document = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":{shape:?},"data_type":{data_type},"fill_value":{fill},
            "chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{shape:?}}}}},
            "chunk_key_encoding":{{"name":"default"}},"codecs":{codecs}}}"#
        );
        match NodeMetadata::parse_v3(document.as_bytes()) {
            Ok(NodeMetadata::Array(array)) => Self::of(document, &array, keeps),
            other => panic!("{document}: {other:?}"),
        }
    }

    /// Of a v2 array: its type, its chunk, its order, filters and compressor in JSON.
    pub(super) fn v2(
        dtype: &str,
        shape: &[u64],
        order: char,
        filters: &str,
        compressor: &str,
        keeps: Keeps,
    ) -> Self {
        let document = format!(
            r#"{{"zarr_format":2,"shape":{shape:?},"chunks":{shape:?},"dtype":"{dtype}","order":"{order}",
            "filters":{filters},"compressor":{compressor},"fill_value":null}}"#
        );
        match ArrayMetadata::parse_v2(document.as_bytes(), None) {
            Ok(array) => Self::of(document, &array, keeps),
            Err(error) => panic!("{document}: {error}"),
        }
    }

    fn of(name: String, array: &ArrayMetadata, keeps: Keeps) -> Self {
        let chain =
            CodecChain::for_array(array, array.shape()).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name,
            chain,
            keeps,
            wider: 1,
            tables: TABLES,
        }
    }

    /// Says that a stage has `wider` times the bytes of the chunk.
    pub(super) fn wider(self, wider: usize) -> Self {
        Self { wider, ..self }
    }

    /// Says how many bytes a decompressor takes for itself.
    pub(super) fn tables(self, tables: usize) -> Self {
        Self { tables, ..self }
    }

    fn elements(&self) -> usize {
        usize::try_from(self.chain.decoded().elements()).expect("chunks under test are small")
    }

    /// The most bytes that decoding `encoded` may hold.
    fn bound(&self, encoded: &[u8]) -> usize {
        let chunk = match self.chain.decoded().element_size() {
            Some(size) => self.elements() * size * self.wider,
            // What was stored, decompressed perhaps, and an offset for each element.
            None => (encoded.len() * self.wider).max(64) + 8 * (self.elements() + 1),
        };
        2 * chunk + self.tables
    }

    /// Decodes and checks what comes of it.
    pub(super) fn decode(&self, encoded: &[u8]) -> Result<Chunk, CodecError> {
        let (result, held) = most_held(|| self.chain.decode(encoded, &mut Scratch::new()));
        let bound = self.bound(encoded);
        assert!(
            held <= bound,
            "{held} bytes held where {bound} are enough: {}",
            self.name
        );
        match &result {
            Ok(chunk) => self.check(chunk),
            Err(error) => {
                is_a_refusal(error);
            }
        }
        result
    }

    fn check(&self, chunk: &Chunk) {
        match (chunk, self.chain.decoded().element_size()) {
            (Chunk::Fixed(bytes), Some(size)) => {
                assert_eq!(bytes.len(), size * self.elements(), "{}", self.name)
            }
            (Chunk::Variable(values), None) => {
                assert_eq!(values.len(), self.elements(), "{}", self.name);
                assert_eq!(values.iter().map(<[u8]>::len).sum::<usize>(), values.data().len());
            }
            (_, size) => panic!("elements of {size:?} bytes came as {chunk:?}: {}", self.name),
        }
    }

    /// Encodes what came out of the decoder: it comes back, or it cannot be encoded.
    fn again(&self, chunk: &Chunk) {
        if self.keeps == Keeps::Nothing {
            return;
        }
        let mut scratch = Scratch::new();
        let encoded = match self.chain.encode(chunk.as_ref(), &mut scratch) {
            Ok(encoded) => encoded,
            Err(CodecError {
                kind: CodecErrorKind::Unencodable { .. },
                ..
            }) => return,
            Err(error) => panic!("{error}: {}", self.name),
        };
        // With the same scratch, so that what it keeps is seen to change nothing.
        let decoded = self.chain.decode(&encoded, &mut scratch);
        if self.keeps == Keeps::All {
            assert_eq!(decoded.as_ref(), Ok(chunk), "{}", self.name);
        } else {
            let once = decoded.unwrap_or_else(|error| panic!("{error}: {}", self.name));
            let encoded = self.chain.encode(once.as_ref(), &mut scratch);
            let encoded = encoded.unwrap_or_else(|error| panic!("{error}: {}", self.name));
            assert_eq!(
                self.chain.decode(&encoded, &mut scratch).as_ref(),
                Ok(&once),
                "{}",
                self.name
            );
        }
    }

    /// A chunk of these bytes, again and again until it is full.
    pub(super) fn chunk_of(&self, bytes: &[u8]) -> Chunk {
        let mut endless = bytes.iter().chain(std::iter::once(&0)).cycle().copied();
        if let Some(size) = self.chain.decoded().element_size() {
            return Chunk::Fixed(endless.take(size * self.elements()).collect());
        }
        let mut values = VariableLength::default();
        for _ in 0..self.elements() {
            let length = usize::from(endless.next().unwrap_or(0) % 12);
            let text: Vec<u8> = endless.by_ref().take(length).collect();
            values.push(String::from_utf8_lossy(&text).as_bytes());
        }
        Chunk::Variable(values)
    }
}

/// The kinds of error that a decoder may give for a chunk, in few words.
pub(super) fn is_a_refusal(error: &CodecError) {
    assert!(
        matches!(
            error.kind,
            CodecErrorKind::Corrupt { .. } | CodecErrorKind::Unsupported { .. }
        ),
        "another kind of error: {error:?}"
    );
    assert!(!error.codec.is_empty(), "{error:?}");
    assert!(
        error.to_string().len() < MESSAGE_BYTES,
        "a long message: {error:?}"
    );
}

/// Changes bytes, or cuts the end off.
fn edit(encoded: &mut Vec<u8>, edits: &[(u16, u8)]) {
    for &(place, change) in edits {
        let place = usize::from(place) % encoded.len().max(1);
        match (change, encoded.get_mut(place)) {
            (0, _) => encoded.truncate(place),
            (change, Some(byte)) => *byte ^= change,
            (_, None) => {}
        }
    }
}

/// Runs one input through one of the cases.
pub(super) fn run(cases: &[Case], data: &[u8]) {
    let mut input = Input(data);
    let case = &cases[usize::from(input.byte()) % cases.len()];
    let mode = input.byte();
    if mode % 2 == 0 {
        if let Ok(chunk) = case.decode(input.rest()) {
            case.again(&chunk);
        }
        return;
    }
    let edits: Vec<(u16, u8)> = (0..mode / 2 % 4).map(|_| (input.word(), input.byte())).collect();
    let chunk = case.chunk_of(input.rest());
    let mut encoded = match case.chain.encode(chunk.as_ref(), &mut Scratch::new()) {
        Ok(encoded) => encoded,
        Err(error) => {
            let expected = matches!(
                error.kind,
                CodecErrorKind::Unencodable { .. } | CodecErrorKind::Unsupported { .. }
            );
            assert!(expected, "another kind of error: {error:?}");
            return;
        }
    };
    edit(&mut encoded, &edits);
    let decoded = case.decode(&encoded);
    if edits.is_empty() && case.keeps == Keeps::All {
        assert_eq!(decoded.as_ref(), Ok(&chunk), "{}", case.name);
    }
    if let Ok(chunk) = decoded {
        case.again(&chunk);
    }
}

/// For each case a stored chunk of zeros, one of some values, and one that is edited.
pub(super) fn seeds(cases: &[Case]) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, case) in (0_u8..).zip(cases) {
        for bytes in [&[0][..], &[1, 0, 0, 0, 0, 0, 200, 63, 7, 3]] {
            let chunk = case.chunk_of(bytes);
            if let Ok(encoded) = case.chain.encode(chunk.as_ref(), &mut Scratch::new()) {
                seeds.push([&[number, 0][..], encoded.as_slice()].concat());
            }
        }
        seeds.push([&[number, 3, 9, 0, 1][..], b"some elements"].concat());
    }
    seeds
}
