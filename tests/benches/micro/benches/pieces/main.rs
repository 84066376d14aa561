//! What a read is made of, piece by piece. One binary: linking takes longer than measuring one of them.

mod codecs;
mod metadata;
mod place;
mod plan;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    pieces,
    metadata::benches,
    plan::benches,
    place::benches,
    codecs::benches
);
criterion_main!(pieces);
