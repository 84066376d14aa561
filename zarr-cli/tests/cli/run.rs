//! Running the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The corpus.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

/// A hierarchy of the corpus, as an argument.
pub(crate) fn store(name: &str) -> String {
    data().join("stores").join(name).to_str().unwrap().to_owned()
}

/// The corpus's expected results.
pub(crate) fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(data().join("manifest.json")).unwrap()).unwrap()
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output
                .status
                .code()
                .unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The lines of standard output as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The last line of standard error that is JSON: with `--io-stats` the statistics, else the error.
    pub(crate) fn last_json(&self) -> Value {
        let mut lines = self
            .stderr
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .next_back()
            .unwrap_or_else(|| panic!("no JSON on stderr: {self:?}"))
    }

    /// Asserts that nothing was left open; the run had `--io-stats`.
    #[track_caller]
    pub(crate) fn assert_all_closed(&self) {
        let stats = self.last_json();
        let open = &stats["open_connections"];
        assert!(
            *open == 0 || (open.is_null() && !cfg!(target_os = "linux")),
            "{self:?}"
        );
        assert_eq!(stats["unclosed_filesystems"], 0, "{self:?}");
    }
}

/// The command with these arguments, in an environment without options, proxies and credentials of the developer.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarr-cli"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().to_ascii_uppercase();
        let matters = ["ZARR_CLI_", "GOOGLE_", "CLICOLOR"]
            .iter()
            .any(|start| name.starts_with(start));
        if matters || name.ends_with("_PROXY") || name == "NO_COLOR" {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the command to its end.
pub(crate) fn run(args: &[&str]) -> Ended {
    Ended::of(command(args).output().unwrap())
}
