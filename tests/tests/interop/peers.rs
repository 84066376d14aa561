//! The peers read the matrix: each combination is read bit for bit, or its refusal is a row of the table.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Failed;
use tempfile::TempDir;
use zarr_tests::child;
use zarr_tests::external::Found;
use zarr_tests::python::{self, Python};

use super::matrix::{self, Written};
use super::refusals::{Peer, Program};
use super::{PACKAGES, objects, zarrs};

const SCRIPT: &str = include_str!("peers.py");
/// How long one peer may take for all arrays.
const LIMIT: Duration = Duration::from_secs(600);

/// The matrix, written once for all peers.
#[derive(Default)]
pub(crate) struct Matrix(OnceLock<(TempDir, Written)>);

impl Matrix {
    fn written(&self) -> &Written {
        let (_, written) = self.0.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let written = matrix::write(folder.path());
            std::fs::write(written.folder.join("peers.py"), SCRIPT).unwrap();
            println!(
                "{} arrays written; {} combinations that the codec itself excludes",
                written.arrays,
                written.refused.len()
            );
            dump("excluded.txt", &written.refused.join("\n")).unwrap();
            (folder, written)
        });
        written
    }
}

/// What reads: an environment for the script, or a program.
pub(crate) enum Reader {
    Script(Python),
    Program(std::path::PathBuf),
}

pub(crate) fn find(peer: &Peer) -> Result<Found<Reader>, Failed> {
    let script = |packages: &[&str]| {
        Ok(match python::with_packages(packages)? {
            Found::Available(python) => Found::Available(Reader::Script(python)),
            Found::Missing(what) => Found::Missing(what),
        })
    };
    match peer.program {
        Program::Python => script(&PACKAGES),
        Program::Python2 => script(&objects::PACKAGES),
        Program::Rust => Ok(match zarrs::reader()? {
            Found::Available(program) => Found::Available(Reader::Program(program)),
            Found::Missing(what) => Found::Missing(what),
        }),
    }
}

/// For a new version of a peer: what was found in full, to write the table from.
fn dump(name: &str, text: &str) -> std::io::Result<()> {
    match std::env::var_os("ZARR_TESTS_INTEROP_OUT") {
        Some(folder) => std::fs::write(Path::new(&folder).join(name), text),
        None => Ok(()),
    }
}

/// Has all arrays read by a peer.
pub(crate) fn read(peer: &Peer, reader: &Reader, matrix: &Matrix) -> Result<(), Failed> {
    let written = matrix.written();
    let mut command = match reader {
        Reader::Script(python) => {
            let mut command = Command::new(&python.program);
            command.arg(written.folder.join("peers.py")).arg(peer.name);
            command
        }
        Reader::Program(program) => Command::new(program),
    };
    command.arg(&written.manifest);
    let outcome = child::wait(command, LIMIT)?;
    outcome.check()?;
    dump(&format!("{}.json", peer.name), &outcome.stdout)?;
    Ok(compare(peer, &outcome.stdout)?)
}

/// Compares what a peer has said with the table of its refusals.
fn compare(peer: &Peer, stdout: &str) -> Result<(), String> {
    let cells: BTreeMap<String, String> =
        serde_json::from_str(stdout).map_err(|error| format!("{error}: {stdout}"))?;
    let (read, other): (Vec<_>, Vec<_>) = cells.iter().partition(|(_, outcome)| *outcome == "read");
    println!("{}: {} of {} read", peer.name, read.len(), cells.len());
    let mut unknown = Vec::new();
    let mut counts = vec![0; peer.refusals.len()];
    for (cell, outcome) in other {
        match peer.refusals.iter().position(|row| row.covers(cell, outcome)) {
            Some(row) => counts[row] += 1,
            None => unknown.push(format!("{}: {cell}: {outcome}", peer.name)),
        }
    }
    for (row, count) in peer.refusals.iter().zip(&counts) {
        println!("  {count:4} {row}");
        if *count == 0 {
            unknown.push(format!(
                "{}: nothing is refused as the table says: {row}",
                peer.name
            ));
        }
    }
    if read.len() < peer.least_read {
        unknown.push(format!("{}: {} were read once", peer.name, peer.least_read));
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(unknown.join("\n"))
    }
}
