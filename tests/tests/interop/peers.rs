//! The peers read the matrix: each combination is read bit for bit, or its refusal is a row of the table.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;
use zarr_tests::child;
use zarr_tests::python::Python;

use super::matrix;
use super::refusals::{PEERS, Peer};

const SCRIPT: &str = include_str!("peers.py");
/// How long one peer may take for all arrays.
const LIMIT: Duration = Duration::from_secs(600);

/// Writes the matrix and has it read by all peers, side by side.
pub(crate) fn read(python: &Python) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let written = matrix::write(folder.path());
    println!(
        "{} arrays written; {} combinations that the codec itself excludes",
        written.arrays,
        written.refused.len()
    );
    let script = written.folder.join("peers.py");
    std::fs::write(&script, SCRIPT)?;
    let outcomes: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = PEERS
            .iter()
            .map(|peer| {
                let (script, manifest) = (&script, &written.manifest);
                scope.spawn(move || read_by(peer, python, script, manifest))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let failures: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n").into())
    }
}

fn read_by(peer: &Peer, python: &Python, script: &Path, manifest: &Path) -> Result<(), String> {
    let mut command = Command::new(&python.program);
    command.arg(script).arg(peer.name).arg(manifest);
    let outcome = child::wait(command, LIMIT).map_err(|error| error.to_string())?;
    outcome.check()?;
    let cells: BTreeMap<String, String> =
        serde_json::from_str(&outcome.stdout).map_err(|error| format!("{error}: {}", outcome.stdout))?;
    // For a new version of a peer: each outcome in full, to write the table from.
    if let Some(path) = std::env::var_os("ZARR_TESTS_INTEROP_OUT") {
        let path = Path::new(&path).join(format!("{}.json", peer.name));
        std::fs::write(path, &outcome.stdout).map_err(|error| error.to_string())?;
    }
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
