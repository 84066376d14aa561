//! The table as Markdown, written and read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use crate::cell::Op;
use crate::peer::Backend;
use crate::trouble::Trouble;

/// Scheme, fault, kind of call.
pub(crate) type Key = (&'static str, &'static str, &'static str);

const INTRODUCTION: &str = "# What a fault becomes

What a caller gets when a server or the network misbehaves, without any retry. The table is written and checked by
`cargo test -p zarr-tests --test faults`: each cell is a test, and a cell that were a fill value, an empty answer, wrong data
or no answer at all would fail it. `UPDATE_DOCS=1` before that command writes the table anew.

- **open**: `hierarchy::open` of a group, all of its documents under the fault.
- **list**: `Group::members` of an opened group.
- **get**: `Array::read` of an opened array. Missing chunks are the fill value only where the server says that they are not there
  (404, 410, and what `missing_status` adds); an array that is known to be complete is read with `MissingChunks::Error`, as here.
- **get range**: `Store::get_range`; `None` says that the key is missing.
- **put**: `Store::set`.

*right* is the right answer in spite of the fault. A dash: the fault does not concern the call: of the answer to a put no body is
read, and an empty one with 200 is what success looks like; an array on a host that cannot be reached cannot have been opened.
`Unavailable` is the only error that a retry may help; retries, which are on by default, happen before the caller sees it. A
redirect loop is a server that fails (`Backend`; a `Corrupt` reply where HTTP is read): it says neither that something is missing
nor that it cannot be listed. To another host goes no credential and no custom header; the same test looks at what arrives
there.
";

#[derive(Default)]
pub(crate) struct Table(BTreeMap<(String, String, String), String>);

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md")
}

impl Table {
    pub(crate) fn insert(&mut self, (scheme, fault, op): Key, cell: String) {
        self.0
            .insert((scheme.to_owned(), fault.to_owned(), op.to_owned()), cell);
    }

    pub(crate) fn get(&self, (scheme, fault, op): Key) -> Option<&String> {
        self.0.get(&(scheme.to_owned(), fault.to_owned(), op.to_owned()))
    }

    /// The committed file.
    pub(crate) fn text() -> String {
        std::fs::read_to_string(file()).unwrap_or_default()
    }

    pub(crate) fn read() -> Self {
        let mut table = Self::default();
        let mut scheme = String::new();
        for line in Self::text().lines() {
            if let Some(title) = line.strip_prefix("## ") {
                scheme = title.trim_matches('`').trim_end_matches("://").to_owned();
            }
            let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
                continue;
            };
            let mut cells = row.split(" | ");
            let fault = cells.next().unwrap_or_default().to_owned();
            for (op, cell) in Op::ALL.iter().zip(cells) {
                table.0.insert(
                    (scheme.clone(), fault.clone(), op.name().to_owned()),
                    cell.to_owned(),
                );
            }
        }
        table
    }

    pub(crate) fn render(&self) -> String {
        let mut text = INTRODUCTION.to_owned();
        let names: Vec<&str> = Op::ALL.iter().map(|op| op.name()).collect();
        for backend in Backend::ALL {
            writeln!(
                text,
                "\n## `{}://`\n\n| fault | {} |",
                backend.scheme(),
                names.join(" | ")
            )
            .unwrap();
            writeln!(text, "|---|{}", "---|".repeat(names.len())).unwrap();
            for trouble in Trouble::all() {
                let cell = |op: &Op| self.get((backend.scheme(), trouble.name, op.name()));
                let cells: Vec<&str> = Op::ALL
                    .iter()
                    .map(|op| cell(op).map_or("?", String::as_str))
                    .collect();
                writeln!(text, "| {} | {} |", trouble.name, cells.join(" | ")).unwrap();
            }
        }
        text
    }

    pub(crate) fn write(&self) {
        std::fs::write(file(), self.render()).expect("docs can be written");
    }
}
