//! What is fuzzed, what is asserted about it, and inputs to begin with.
//!
//! A [`Target`] is a function of bytes that panics when a promise is broken. The binaries in `fuzz_targets` hand it to
//! libFuzzer; `tests/tests/fuzz_corpus.rs` includes this very module and replays the committed inputs and the seeds, so
//! that they run on any toolchain, with every `cargo test`.

mod allocation;
mod decode;
mod families;
mod index_pages;
mod input;
mod metadata;
mod selection;
mod shard;

pub use allocation::{Counting, is_counting};

/// Something that is fuzzed.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its binary and of its folder in `corpus`.
    pub name: &'static str,
    /// Panics if an input makes it break a promise.
    pub run: fn(&[u8]),
    /// Inputs to begin with, made here.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident: $run:expr, $seeds:expr;)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $run, seeds: $seeds }),*];
    };
}

macro_rules! families {
    ($($name:ident $family:ident;)*) => {
        $(
            fn $name(data: &[u8]) {
                thread_local!(static CASES: Vec<decode::Case> = families::$family());
                CASES.with(|cases| decode::run(cases, data));
            }
        )*
    };
}

families! {
    decode_deflate deflate;
    decode_zstd zstd;
    decode_blosc blosc;
    decode_lz4 lz4;
    decode_bz2 bz2;
    decode_lzma lzma;
    decode_checksum checksum;
    decode_vlen vlen;
    decode_packbits packbits;
    decode_pcodec pcodec;
    decode_zfp zfp;
    decode_object object;
    decode_filters filters;
}

targets! {
    metadata_json: metadata::run, metadata::seeds;
    decode_deflate: decode_deflate, || decode::seeds(&families::deflate());
    decode_zstd: decode_zstd, || decode::seeds(&families::zstd());
    decode_blosc: decode_blosc, || decode::seeds(&families::blosc());
    decode_lz4: decode_lz4, || decode::seeds(&families::lz4());
    decode_bz2: decode_bz2, || decode::seeds(&families::bz2());
    decode_lzma: decode_lzma, || decode::seeds(&families::lzma());
    decode_checksum: decode_checksum, || decode::seeds(&families::checksum());
    decode_vlen: decode_vlen, || decode::seeds(&families::vlen());
    decode_packbits: decode_packbits, || decode::seeds(&families::packbits());
    decode_pcodec: decode_pcodec, || decode::seeds(&families::pcodec());
    decode_zfp: decode_zfp, || decode::seeds(&families::zfp());
    decode_object: decode_object, families::object_seeds;
    decode_filters: decode_filters, || decode::seeds(&families::filters());
    shard_index: shard::run, shard::seeds;
    selection_text: selection::run, selection::seeds;
    http_index: index_pages::run, index_pages::seeds;
}

/// Runs the target of this name.
///
/// # Panics
/// If there is none, or a promise is broken.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the target is in the table").run)(data);
}
