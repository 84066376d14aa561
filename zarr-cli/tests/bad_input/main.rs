//! Everything bad of the corpus through the built command: the error that the manifest asks for, in little time and memory, and
//! nothing left open. A test binary of its own, and a small one: what it has resident counts for what it starts.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test, with helpers of others"
)]

#[path = "../cli/run.rs"]
mod run;

use std::time::Duration;

use serde_json::Value;
use zarr_tests::usage;

use crate::run::{Ended, command, data, manifest};

/// Where a run that hangs ends. Not what it may take: that is counted in processor time, which a busy machine does not change.
const HANGS: Duration = Duration::from_secs(120);

/// What a run may take; an unoptimised build of the command takes a tenth of it.
const CPU: Duration = Duration::from_secs(2);

/// What a run may have resident when it looks at metadata.
const METADATA_BYTES: u64 = 200_000_000;

/// What a run may have resident beside twice the decoded values.
const CHUNK_BYTES: u64 = 64_000_000;

/// Runs the command on a bad entry, and asserts what it used.
#[track_caller]
fn run_within(args: &[&str], most_bytes: u64) -> Ended {
    let (outcome, usage) = usage::run(command(args), HANGS).unwrap();
    let usage = usage.unwrap_or_else(|| panic!("{args:?} does not end: {outcome:?}"));
    assert!(usage.cpu < CPU, "{args:?}: {usage:?}");
    assert!(usage.peak_resident_bytes < most_bytes, "{args:?}: {usage:?}");
    Ended {
        code: outcome.status.and_then(|status| status.code()).unwrap_or(-1),
        stdout: outcome.stdout,
        stderr: outcome.stderr,
    }
}

fn bad(of: impl Fn(&str) -> bool) -> Vec<Value> {
    let manifest = manifest();
    let bad = manifest["bad"].as_array().unwrap().iter();
    bad.filter(|bad| of(bad["layer"].as_str().unwrap()))
        .cloned()
        .collect()
}

fn place(bad: &Value) -> String {
    let text = |key: &str| bad[key].as_str().unwrap();
    data()
        .join(text("store"))
        .join(text("path"))
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn bad_metadata_and_hierarchies() {
    let bad = bad(|layer| layer != "chunk");
    assert_eq!(bad.len(), 50);
    for bad in bad {
        let place = place(&bad);
        for verb in [&["info"][..], &["ls", "-R"], &["show"], &["tree"]] {
            let ended = run_within(
                &[verb, &["--json", "--io-stats", &place]].concat(),
                METADATA_BYTES,
            );
            ended.assert_all_closed();
            let allowed: &[i32] = match bad["expect"].as_str().unwrap() {
                "open_error" => &[5, 7],
                "open_or_error" => &[0, 5, 7],
                "list_safe" => &[0, 5, 6],
                other => panic!("unknown expectation {other}"),
            };
            assert!(allowed.contains(&ended.code), "{verb:?} {}: {ended:?}", bad["id"]);
        }
    }
}

/// Broken chunks are errors of the class that the manifest asks for, and never values.
#[test]
fn broken_chunks_are_not_printed() {
    let bad = bad(|layer| layer == "chunk");
    assert_eq!(bad.len(), 22);
    for bad in bad {
        assert_eq!(bad["expect"], "read_error");
        let ended = run_within(
            &["cat", "-F", "bin", "--io-stats", &place(&bad)],
            CHUNK_BYTES + 2 * decoded(&bad),
        );
        ended.assert_all_closed();
        assert_eq!(ended.code, 5, "{}: {ended:?}", bad["id"]);
    }
}

/// The bytes of the array's values; of the one that claims terabytes none, for it must fail before it holds any.
fn decoded(bad: &Value) -> u64 {
    let names = ["zarr.json", ".zarray"];
    let document = names
        .iter()
        .find_map(|name| std::fs::read(format!("{}/{name}", place(bad))).ok());
    let document: Value = serde_json::from_slice(&document.unwrap()).unwrap();
    let shape = document["shape"].as_array().unwrap().iter();
    let elements: u64 = shape.map(|length| length.as_u64().unwrap()).product();
    if elements > 1 << 20 { 0 } else { elements * 4 }
}
