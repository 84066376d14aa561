//! Known answers: what numcodecs makes of small arrays (codec_vectors/gen.py), read and written.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zarr_core::codec::{Chunk, CodecChain, CodecErrorKind, Scratch};
use zarr_core::metadata::{ArrayMetadata, Json};

type Failure = Box<dyn std::error::Error>;

struct Case {
    name: String,
    chain: CodecChain,
    encoded: Vec<u8>,
    sha256: String,
    /// What was encoded, if that is not what is decoded.
    source: Option<Vec<u8>>,
}

fn cases() -> Result<Vec<Case>, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codec_vectors/vectors.json");
    let document = Json::parse(&fs::read(path)?)?;
    document.as_array().ok_or("no list")?.iter().map(case).collect()
}

fn case(json: &Json) -> Result<Case, Failure> {
    let text = |key: &str| json.get(key).and_then(Json::as_str).ok_or(key.to_owned());
    let part = |key: &str| json.get(key).map(Json::to_string).ok_or(key.to_owned());
    let zarray = format!(
        r#"{{"zarr_format": 2, "shape": {0}, "chunks": {0}, "dtype": {1}, "order": {2}, "filters": {3}, "compressor": {4}, "fill_value": null}}"#,
        part("shape")?,
        part("dtype")?,
        part("order")?,
        part("filters")?,
        part("compressor")?,
    );
    let metadata = ArrayMetadata::parse_v2(zarray.as_bytes(), None)?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|error| error.to_string());
    Ok(Case {
        name: text("name")?.to_owned(),
        chain: CodecChain::for_array(&metadata, metadata.shape())?,
        encoded: bytes(text("encoded")?)?,
        sha256: text("sha256")?.to_owned(),
        source: text("source").ok().map(bytes).transpose()?,
    })
}

fn hash(chunk: &Chunk) -> String {
    let Chunk::Fixed(bytes) = chunk else {
        return String::new();
    };
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn what_numcodecs_writes_is_read() -> Result<(), Failure> {
    let mut scratch = Scratch::new();
    let mut wrong = Vec::new();
    let cases = cases()?;
    assert!(cases.len() > 300);
    for case in &cases {
        match case.chain.decode(&case.encoded, &mut scratch) {
            Ok(chunk) if hash(&chunk) == case.sha256 => {}
            Ok(_) => wrong.push(format!("{}: other bytes", case.name)),
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// Codecs that have one encoding only, so that ours must be numcodecs' to the byte.
fn is_canonical(name: &str) -> bool {
    let stems = [
        "zfpy",
        "delta-",
        "fixedscaleoffset",
        "quantize",
        "astype",
        "categorize",
        "packbits",
        "shuffle",
        "crc32",
        "adler32",
        "fletcher32",
        "jenkins_lookup3",
        "base64",
        "blosc-level-0",
        "blosc-small",
    ];
    stems.iter().any(|stem| name.starts_with(stem)) && !name.contains("zlib")
}

#[test]
fn what_is_written_is_what_numcodecs_writes_or_reads_back() -> Result<(), Failure> {
    let mut scratch = Scratch::new();
    let (mut wrong, mut same) = (Vec::new(), 0);
    let cases = cases()?;
    for case in &cases {
        let decoded = case.chain.decode(&case.encoded, &mut scratch)?;
        let source = case.source.clone().map_or_else(|| decoded.clone(), Chunk::Fixed);
        let encoded = case.chain.encode(source.as_ref(), &mut scratch)?;
        if encoded == case.encoded {
            same += 1;
        } else if is_canonical(&case.name) {
            wrong.push(format!("{}: other encoded bytes", case.name));
        }
        if case.chain.decode(&encoded, &mut scratch)? != decoded {
            wrong.push(format!("{}: not the same chunk", case.name));
        }
    }
    println!("{same} of {} encoded to the same bytes", cases.len());
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Checksums that cover every byte.
fn is_checked(name: &str) -> bool {
    ["crc32", "adler32", "fletcher32", "jenkins_lookup3"]
        .iter()
        .any(|stem| name.starts_with(stem))
}

#[test]
fn changed_bytes_are_refused_or_make_a_whole_chunk() -> Result<(), Failure> {
    let mut scratch = Scratch::new();
    // A fixed sequence: a failure names its case and can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for case in cases()? {
        let size = match case.chain.decode(&case.encoded, &mut scratch)? {
            Chunk::Fixed(bytes) => bytes.len(),
            Chunk::Variable(_) => return Err("variable".into()),
        };
        for round in 0..60_usize {
            let mut bytes = case.encoded.clone();
            let at = usize::try_from(next() % bytes.len().max(1) as u64)?;
            match round % 6 {
                0 => bytes.truncate(at),
                1 => bytes.extend_from_slice(&next().to_le_bytes()),
                // Headers are where the lies are.
                2 => bytes
                    .iter_mut()
                    .take(24)
                    .skip(at % 24)
                    .take(4)
                    .for_each(|byte| *byte = 0xff),
                3 => {
                    if let Some(byte) = bytes.get_mut(at % 24) {
                        *byte = next().to_le_bytes()[0];
                    }
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << (next() % 8);
                    }
                }
            }
            match case.chain.decode(&bytes, &mut scratch) {
                Ok(Chunk::Fixed(out)) => {
                    assert_eq!(out.len(), size, "{}", case.name);
                    assert!(
                        !is_checked(&case.name) || bytes == case.encoded,
                        "{}: not found",
                        case.name
                    );
                }
                Ok(Chunk::Variable(_)) => return Err(case.name.into()),
                Err(error) => {
                    let verdict = matches!(
                        error.kind,
                        CodecErrorKind::Corrupt { .. }
                            | CodecErrorKind::Unsupported { .. }
                            | CodecErrorKind::OutOfMemory { .. }
                    );
                    assert!(verdict, "{}: {error}", case.name);
                }
            }
        }
    }
    Ok(())
}
