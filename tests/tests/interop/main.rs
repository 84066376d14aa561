//! What we write, others read; what they select, we select: zarr-python, zarrs and tensorstore, each in its newest version,
//! and NumPy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

mod chains;
mod corpus;
mod matrix;
mod objects;
mod peers;
mod refusals;
mod selections;
mod types;
mod values;
mod zarrs;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed};
use zarr_tests::external::Found;
use zarr_tests::python::{self, Python};
use zarr_tests::trial;

use peers::Matrix;

/// What the comparisons were made with; newer versions are read too, but figures should be repeatable.
const PACKAGES: [&str; 10] = [
    "zarr==3.4.2",
    "numcodecs==0.17.1",
    "numpy==2.5.5",
    "zfpy==1.0.1",
    "pcodec==1.1.0",
    "google-crc32c==1.9.0",
    "msgpack==1.2.4",
    "cast-value-rs==0.5.1",
    "tensorstore==0.1.86",
    "zarrs==0.2.3",
];

fn find() -> Result<Found<Python>, Failed> {
    Ok(python::with_packages(&PACKAGES)?)
}

fn main() -> ExitCode {
    let mut trials = vec![trial::needing(
        "zarr_python_reads_what_we_write",
        find,
        |python: Python| corpus::zarr_python_reads(&python),
    )];
    let matrix = Arc::new(Matrix::default());
    for peer in &refusals::PEERS {
        let matrix = Arc::clone(&matrix);
        trials.push(trial::needing(
            format!("every_data_type_with_every_codec_is_read_by_{}", peer.name),
            move || peers::find(peer),
            move |reader| peers::read(peer, &reader, &matrix),
        ));
    }
    trials.push(trial::needing(
        "selections_are_those_of_numpy",
        find,
        |python: Python| selections::equal_numpy(&python),
    ));
    trials.push(trial::needing(
        "objects_are_read_by_zarr_python_2",
        || Ok(python::with_packages(&objects::PACKAGES)?),
        |python: Python| objects::are_read_by_zarr_python_2(&python),
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
