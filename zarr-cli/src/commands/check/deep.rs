//! `check --deep`: every chunk read and decoded, the bad ones named.

use std::error::Error as _;

use futures::StreamExt;
use zarr_core::array::{ChunkCheck, ChunkFault, ReadOptions, ReadReport, Selection};
use zarr_core::metadata::Json;
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::{Array, Error};

use super::report::finding_json;
use super::{Checked, missing, stray};
use crate::app::App;
use crate::cli::Missing;
use crate::commands::sparse::{self, Hidden};
use crate::error::{CliError, chain};
use crate::exit_code;
use crate::lint::{self, Finding, Place, Severity};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::check as render;

/// A check on its way: findings are told as they come, since there may be many.
#[derive(Debug)]
pub(super) struct Deep<'a> {
    out: &'a mut Output,
    json: bool,
    missing: Missing,
    progress: Progress,
    /// Errors and warnings told so far.
    errors: usize,
    warnings: usize,
    read: ReadReport,
    /// Arrays whose chunks could not be decoded here.
    unchecked: usize,
    /// Why keys were not looked at, if they were not.
    unlisted: Option<String>,
}

impl<'a> Deep<'a> {
    pub(super) fn new(app: &App, missing: Missing, out: &'a mut Output) -> Self {
        Self {
            out,
            json: app.global.json,
            missing,
            progress: Progress::new(&app.global),
            errors: 0,
            warnings: 0,
            read: ReadReport::default(),
            unchecked: 0,
            unlisted: None,
        }
    }

    /// Tells what the metadata show, then reads all chunks, then looks at all keys.
    ///
    /// # Errors
    /// The first failure that says nothing about the hierarchy, such as one of the network: what was found before it has
    /// been told. [`CliError::Findings`] if there are errors.
    pub(super) async fn run(mut self, checked: &Checked) -> Result<(), CliError> {
        self.tell(&checked.findings)?;
        let ended = self.read_all(checked).await;
        self.progress.clear();
        if self.json {
            let summary = self.summary(checked, ended.is_ok());
            self.out.json(&summary, PrintOptions::compact())?;
        } else {
            let scope = render::Scope {
                arrays: checked.arrays.len(),
                read: self.read,
                unlisted: self.unlisted.as_deref(),
                complete: ended.is_ok() && checked.unread.is_clean(),
            };
            self.out.text(&render::summary(
                self.errors,
                self.warnings,
                checked.nodes(),
                Some(&scope),
                self.out.theme,
            ))?;
        }
        ended?;
        match (self.errors, self.unchecked) {
            (0, 0) => Ok(()),
            (0, arrays) => Err(CliError::Unchecked { arrays }),
            (_, _) => Err(CliError::Findings),
        }
    }

    async fn read_all(&mut self, checked: &Checked) -> Result<(), CliError> {
        for (path, array) in &checked.arrays {
            let path = path.to_string();
            let is_told = checked.findings.iter().any(|finding| {
                matches!(finding.rule, lint::UNSUPPORTED | lint::INVALID) && finding.path == path
            });
            self.array(&path, array, is_told).await?;
        }
        let Some(store) = &checked.store else {
            return Ok(());
        };
        let mut keys = store.list_prefix("");
        let known = stray::Known::new(checked);
        let mut seen = 0_u64;
        while let Some(key) = keys.next().await {
            match key {
                Ok(key) => {
                    seen += 1;
                    self.progress.tell(|| format!("{seen} keys"));
                    if let Some(finding) = known.look(&key.key) {
                        self.tell(&[finding])?;
                    }
                }
                Err(error) if exit_code::of_core(&error).0 == exit_code::UNSUPPORTED => {
                    self.unlisted = Some(chain(&error));
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads the chunks of an array; `is_told` says whether it was told already that they cannot be decoded.
    async fn array(&mut self, path: &str, array: &Array, is_told: bool) -> Result<(), CliError> {
        let options = ReadOptions::default();
        let listed = sparse::stored(array, &Selection::all(array.shape()), Hidden::MayBe).await;
        let mut chunks = match &listed {
            Some((stored, _)) => array.check_stored(stored, &options),
            None => array.check_chunks(&options),
        };
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(check) => {
                    self.read.add(check.report);
                    let findings = findings(path, &check, self.missing);
                    self.tell(&findings)?;
                    self.progress
                        .tell(|| format!("{path}  {} chunks", self.read.chunks));
                }
                // A codec that is not known, or a chunk that is too large for this machine.
                Err(error @ (Error::Unsupported { .. } | Error::InvalidSelection { .. })) => {
                    self.unchecked += 1;
                    return match is_told {
                        true => Ok(()),
                        false => self.tell(&[Finding::new(lint::NOT_DECODED, path, chain(&error))]),
                    };
                }
                Err(error) if exit_code::of_core(&error).0 == exit_code::CORRUPT => {
                    if is_told {
                        return Ok(());
                    }
                    self.tell(&[Finding::new(lint::INVALID, path, chain(&error))])?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some((stored, beside)) = &listed {
            self.read.chunks = self.read.chunks.saturating_add(beside.chunks);
            self.read.missing_chunks = self.read.missing_chunks.saturating_add(beside.chunks);
            if self.missing == Missing::Error {
                self.tell(&missing::findings(path, array, stored))?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, findings: &[Finding]) -> Result<(), CliError> {
        if findings.is_empty() {
            return Ok(());
        }
        self.progress.clear();
        let errors = findings
            .iter()
            .filter(|finding| finding.rule.severity == Severity::Error)
            .count();
        self.errors += errors;
        self.warnings += findings.len() - errors;
        if self.json {
            for finding in findings {
                self.out.json(&finding_json(finding), PrintOptions::compact())?;
            }
        } else {
            self.out.text(&render::table(findings, self.out.theme))?;
        }
        self.out.flush()
    }

    fn summary(&self, checked: &Checked, read: bool) -> Json {
        let mut summary = Object::new();
        summary.insert("kind", "summary");
        summary.insert("nodes", checked.nodes());
        summary.insert("members_from", checked.named_by.word());
        summary.insert("chunks", self.read.chunks);
        summary.insert("missing_chunks", self.read.missing_chunks);
        summary.insert("errors", self.errors);
        summary.insert("warnings", self.warnings);
        summary.insert("arrays_not_decoded", self.unchecked);
        summary.insert("keys_listed", read && self.unlisted.is_none());
        summary.insert("complete", read && checked.unread.is_clean());
        Json::Object(summary)
    }
}

/// What a chunk's check has found.
fn findings(path: &str, check: &ChunkCheck, missing: Missing) -> Vec<Finding> {
    let at = |inner_chunk: Option<Vec<u64>>, stage: Option<String>| Place {
        key: check.key.clone(),
        chunk: Some(check.chunk.clone()),
        inner_chunk,
        stage,
    };
    let mut found: Vec<Finding> = check
        .faults
        .iter()
        .map(|fault| {
            let (stage, reason) = reason(&fault.error);
            let message = format!("{}: {reason}", place(check, fault));
            Finding::new(lint::BAD_CHUNK, path, message).at(at(fault.inner_chunk.clone(), stage))
        })
        .collect();
    let (chunks, absent) = (check.report.chunks, check.report.missing_chunks);
    if missing == Missing::Error && absent > 0 {
        let what = if absent == chunks {
            "missing".to_owned()
        } else {
            format!("{absent} of {chunks} inner chunks are missing")
        };
        let message = format!("{} (chunk {}): {what}", check.key, coordinates(&check.chunk));
        found.push(Finding::new(lint::MISSING_CHUNK, path, message).at(at(None, None)));
    }
    found
}

/// `a/c/0/1 (chunk 0,1)`, `a/c/0/1 (chunk 0,1, inner chunk 2,5)`
fn place(check: &ChunkCheck, fault: &ChunkFault) -> String {
    let inner = fault
        .inner_chunk
        .as_deref()
        .map(|inner| format!(", inner chunk {}", coordinates(inner)));
    format!(
        "{} (chunk {}{})",
        check.key,
        coordinates(&check.chunk),
        inner.unwrap_or_default()
    )
}

pub(super) fn coordinates(chunk: &[u64]) -> String {
    match chunk {
        [] => "()".to_owned(),
        _ => chunk.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    }
}

/// The codec that noticed, and what it says; the key is told already.
fn reason(error: &Error) -> (Option<String>, String) {
    if let Error::Corrupt { stage, .. } = error {
        let reason = error.source().map_or_else(|| error.to_string(), chain);
        return (Some(stage.clone().into_owned()), reason);
    }
    (None, chain(error))
}
