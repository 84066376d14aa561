//! The crate zarrs as a peer: a small reader in a workspace of its own (`zarrs/`), built where peers are required.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;
use zarr_tests::child;
use zarr_tests::external::{Found, required};
use zarr_tests::python::{self, Python};
use zarr_tests::target::target_dir;

/// What `zfp-sys` is built with: it has no sources of its own that a C compiler alone would do for.
const TOOLS: [&str; 2] = ["cmake==4.4.5", "libclang==18.1.1"];
/// How long a first build may take on a slow machine.
const LIMIT: Duration = Duration::from_secs(1800);

/// The reader. It is built into a folder below the target folder, from where the next run takes it.
pub(super) fn reader() -> Result<Found<PathBuf>, Failed> {
    if !required() {
        return Ok(Found::Missing(
            "a build of minutes: ZARR_TESTS_REQUIRE_SERVERS=1 makes it".to_owned(),
        ));
    }
    let tools = match python::with_packages(&TOOLS)? {
        Found::Available(tools) => tools,
        Found::Missing(what) => return Ok(Found::Missing(what)),
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zarrs/Cargo.toml");
    let target = target_dir().join("zarr-tests/zarrs");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target);
    find_tools(&mut cargo, &tools)?;
    let outcome = child::wait(cargo, LIMIT)?;
    outcome.check()?;
    println!("zarrs built in {:.0?}", outcome.took);
    Ok(Found::Available(target.join("debug/zarr-interop-zarrs")))
}

/// Tells cargo's build scripts where cmake and libclang are. libclang comes without the headers of a compiler, and takes those
/// of the system's.
fn find_tools(cargo: &mut Command, tools: &Python) -> Result<(), Failed> {
    let bin = tools.program.parent().unwrap_or(Path::new("")).to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)))?;
    let mut ask = Command::new(&tools.program);
    ask.args([
        "-c",
        "import clang, os; print(os.path.join(clang.__path__[0], 'native'))",
    ]);
    let library = answer(ask)?;
    let mut ask = Command::new("cc");
    ask.arg("-print-file-name=include");
    let headers = answer(ask)?;
    cargo
        .env("PATH", path)
        .env("LIBCLANG_PATH", library)
        .env("BINDGEN_EXTRA_CLANG_ARGS", format!("-I{headers}"));
    Ok(())
}

/// What a command prints.
fn answer(command: Command) -> Result<String, Failed> {
    let outcome = child::wait(command, Duration::from_secs(20))?;
    outcome.check()?;
    Ok(outcome.stdout.trim().to_owned())
}
