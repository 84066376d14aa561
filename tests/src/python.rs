//! Python 3.12 or newer, in an environment of the tests' own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::child::wait;
use crate::external::{Found, find_program};
use crate::target::target_dir;

/// The newest zarr-python asks for it.
const LEAST: (u32, u32) = (3, 12);
/// How long an interpreter may take to say its version.
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How long packages may take to come.
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// A Python interpreter with packages.
#[derive(Debug, Clone)]
pub struct Python {
    /// The interpreter.
    pub program: PathBuf,
    /// Its version, such as `3.13.0`.
    pub version: String,
}

/// The first of `python3.13`, `python3.12`, those of pyenv, and `python3`, that runs and is new enough.
pub fn find() -> Found<Python> {
    let named = ["python3.14", "python3.13", "python3.12"];
    let in_path = |name: &str| find_program(name);
    let candidates = named
        .into_iter()
        .filter_map(in_path)
        .chain(pyenv())
        .chain(in_path("python3"));
    // A pyenv shim may be there for a version that is not switched on: only running it tells.
    let found = candidates.into_iter().find_map(|program| {
        let version = version(&program)?;
        let mut numbers = version
            .split('.')
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let numbers = (numbers.next()?, numbers.next()?);
        (numbers >= LEAST).then_some(Python { program, version })
    });
    found.map_or_else(
        || Found::Missing("Python 3.12 or newer".to_owned()),
        Found::Available,
    )
}

/// An environment with these packages (as `pip install` takes them), made once and kept in the target folder. The version is
/// printed.
///
/// # Errors
/// If Python is there and the environment cannot be made: pip's output.
pub fn with_packages(packages: &[&str]) -> io::Result<Found<Python>> {
    let python = match find() {
        Found::Available(python) => python,
        Found::Missing(what) => return Ok(Found::Missing(what)),
    };
    let mut hash = DefaultHasher::new();
    (&python.program, &python.version, packages).hash(&mut hash);
    let venvs = target_dir().join("zarr-tests");
    std::fs::create_dir_all(&venvs)?;
    let venv = venvs.join(format!("venv-{:016x}", hash.finish()));
    let made = Python {
        program: venv.join("bin/python"),
        version: python.version.clone(),
    };
    println!("Python {} in {}", python.version, venv.display());

    // One maker at a time, over all test processes; the mark says that one has finished.
    let lock = std::fs::File::create(venv.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let mark = venv.join("complete");
    if !mark.exists() {
        if venv.exists() {
            std::fs::remove_dir_all(&venv)?;
        }
        run(Command::new(&python.program).args(["-m", "venv"]).arg(&venv))?;
        if !packages.is_empty() {
            let mut pip = Command::new(&made.program);
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args(packages);
            run(&mut pip)?;
        }
        std::fs::write(mark, packages.join("\n"))?;
    }
    Ok(Found::Available(made))
}

fn run(command: &mut Command) -> io::Result<()> {
    let command = std::mem::replace(command, Command::new(""));
    wait(command, INSTALL_LIMIT)?.check().map_err(io::Error::other)
}

fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.args([
        "-c",
        "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3])))",
    ]);
    let outcome = wait(command, ASK_LIMIT).ok()?;
    outcome.check().ok()?;
    Some(outcome.stdout.trim().to_owned())
}

/// pyenv's interpreters, newest first.
fn pyenv() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let versions = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let mut found: Vec<(Vec<u32>, PathBuf)> = versions
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let numbers: Option<Vec<u32>> = name.split('.').map(|number| number.parse().ok()).collect();
            Some((numbers?, entry.path().join("bin/python")))
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .rev()
        .map(|(_, program)| program)
        .filter(|program| program.exists())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_found_is_new_enough() {
        // Without one there is nothing to hold; the trials that need it say so.
        if let Found::Available(python) = find() {
            let mut command = Command::new(&python.program);
            command.args(["-c", "import sys; assert sys.version_info >= (3, 12)"]);
            wait(command, ASK_LIMIT).unwrap().check().unwrap();
        }
    }
}
