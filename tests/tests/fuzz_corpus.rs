//! What the fuzz targets promise, of the inputs that were found and committed and of those they begin with: the same
//! functions as in `tests/fuzz`, on any toolchain.

#[path = "../fuzz/src/checks/mod.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzz package, too")]
mod checks;

use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: checks::Counting = checks::Counting;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(folder: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn memory_is_counted() {
    assert!(checks::is_counting());
}

#[test]
fn every_target_has_a_binary_and_every_folder_a_target() {
    let mut targets: Vec<String> = checks::TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    targets.sort();
    let binaries: Vec<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(fuzz().join("fuzz_targets")), binaries);
    for folder in names(fuzz().join("corpus")) {
        assert!(targets.contains(&folder), "no target for {folder}");
    }
}

#[test]
fn the_inputs_keep_the_promises() {
    for target in checks::TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} begins with nothing", target.name);
        seeds.iter().for_each(|seed| (target.run)(seed));
        let folder = fuzz().join("corpus").join(target.name);
        // Git keeps no empty folders: none means that nothing was found.
        if !folder.exists() {
            continue;
        }
        for name in names(folder.clone()) {
            let input = std::fs::read(folder.join(&name)).unwrap();
            println!("{} {name}", target.name);
            checks::run(target.name, &input);
        }
    }
}
