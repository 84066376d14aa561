//! House rules that no compiler holds: the arrows between the crates, sizes of files, words that must not stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// Every file that git tracks, but for the corpus.
fn tracked(ending: &str) -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "a git checkout");
    String::from_utf8(output.stdout)
        .unwrap()
        .split('\0')
        .filter(|name| name.ends_with(ending) && !name.starts_with("tests/data/"))
        .map(|name| root().join(name))
        .filter(|path| path.is_file())
        .collect()
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Direct normal dependencies of each workspace member.
fn arrows(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let members: Vec<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| members.contains(&package["id"].as_str().unwrap()))
        .map(|package| {
            let names = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn arrows_point_one_way() {
    let arrows = arrows(&metadata());
    let ours = |name: &str| -> BTreeSet<&str> {
        arrows[name]
            .iter()
            .map(String::as_str)
            .filter(|name| arrows.contains_key(*name))
            .collect()
    };
    assert_eq!(ours("zarr-fs"), BTreeSet::new());
    assert_eq!(ours("zarr-core"), BTreeSet::from(["zarr-fs"]));
    assert_eq!(ours("zarr-gcs"), BTreeSet::from(["zarr-fs"]));
    assert_eq!(ours("zarr-http"), BTreeSet::from(["zarr-fs"]));
    assert_eq!(
        ours("zarr-cli"),
        BTreeSet::from(["zarr-core", "zarr-fs", "zarr-gcs", "zarr-http"])
    );
}

#[test]
fn object_store_stays_in_the_adapter_and_the_backends() {
    for (name, dependencies) in arrows(&metadata()) {
        if ["zarr-core", "zarr-cli"].contains(&name.as_str()) {
            for foreign in ["object_store", "reqwest", "hyper", "http"] {
                assert!(!dependencies.contains(foreign), "{name} depends on {foreign}");
            }
        }
    }
}

#[test]
fn licences_are_permissive() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "0BSD",
        "Unlicense",
        "Unicode-3.0",
        "CDLA-Permissive-2.0",
        "BSL-1.0",
        "CC0-1.0",
        "bzip2-1.0.6",
        "MIT-0",
    ];
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} names no licence"));
        let permitted = licence.replace('/', " OR ").split(" OR ").any(|choice| {
            choice.split(" AND ").all(|part| {
                let part = part
                    .trim_matches(['(', ')', ' '])
                    .split(" WITH ")
                    .next()
                    .unwrap()
                    .trim();
                allowed.contains(&part)
            })
        });
        assert!(permitted, "{name}: {licence}");
    }
}

/// What is not ours comes from one registry: no fork from a repository, no folder beside the checkout.
#[test]
fn crates_come_from_one_registry() {
    let metadata = metadata();
    let mut registries = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        if let Some(source) = package["source"].as_str() {
            registries.insert(source);
        } else {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            assert!(manifest.starts_with(root()), "{} is not ours", manifest.display());
        }
    }
    let registries: Vec<_> = registries.into_iter().collect();
    assert!(
        matches!(registries.as_slice(), [one] if one.starts_with("registry+")),
        "{registries:?}"
    );
}

#[test]
fn no_file_is_too_long() {
    for path in tracked(".rs") {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 800, "{}: {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_open_in_the_code() {
    for path in tracked(".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in [
            concat!("to", "do!("),
            concat!("un", "implemented!("),
            concat!("FIX", "ME"),
            concat!("X", "XX"),
            concat!("TO", "DO"),
        ] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn unsafe_code_is_in_one_module() {
    let lifted: Vec<_> = tracked(".rs")
        .into_iter()
        .filter(|path| !path.starts_with(root().join("tests")))
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("unsafe_code"))
        .map(|path| path.strip_prefix(root()).unwrap().to_path_buf())
        .collect();
    assert_eq!(lifted, [Path::new("zarr-core/src/array/output/mod.rs")]);
}

#[test]
fn every_member_takes_the_workspace_lints() {
    for member in ["zarr-fs", "zarr-gcs", "zarr-http", "zarr-core", "zarr-cli"] {
        let manifest = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{member}");
    }
}
