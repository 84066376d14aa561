//! `check`: faults in the metadata of a hierarchy; with `--deep`, in its chunks and keys too.

mod copies;
mod deep;
mod look;
mod meaning;
mod missing;
mod report;
mod stray;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zarr_core::metadata::json::PrintOptions;
use zarr_core::{Array, NodePath, Store};

use self::deep::Deep;
use super::tally::Tally;
use crate::app::App;
use crate::cli::CheckArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::lint::{self, Finding, RULES, Severity};
use crate::output::Output;
use crate::render::check as render;
use crate::url;
use crate::view::MemberView;

pub(super) async fn run(app: &App, args: &CheckArgs, out: &mut Output) -> Result<(), CliError> {
    if args.list_rules {
        return out.text(&render::rules(RULES, out.theme));
    }
    let url = args.url.as_deref().unwrap_or_default();
    let shown = url::parse(url)?.shown;
    let mut checked = Checked::default();
    let ended = match look::look(app, url, &mut checked).await {
        // A root that is invalid is a finding like any other.
        Err(CliError::Core(error)) if exit_code::of_core(&error).0 == exit_code::CORRUPT => {
            checked
                .findings
                .push(Finding::new(lint::INVALID, "/", crate::error::chain(&error)));
            checked.blind.push("/".to_owned());
            Ok(())
        }
        other => other,
    };
    checked
        .findings
        .sort_by(|a, b| (&a.path, a.rule.code).cmp(&(&b.path, b.rule.code)));
    // Where there is nothing, nothing was looked at: no summary.
    if checked.is_nothing() {
        return ended;
    }
    checked.unread.add_nodes(checked.nodes());
    if args.deep {
        ended?;
        let read = Deep::new(app, args.missing, out).run(&checked).await;
        return outcome(read, checked.unread, &shown);
    }
    let errors = checked
        .findings
        .iter()
        .filter(|finding| finding.rule.severity == Severity::Error)
        .count();
    if app.global.json {
        out.json(&report::document(&checked, errors), PrintOptions::compact())?;
    } else {
        let warnings = checked.findings.len() - errors;
        out.text(&render::table(&checked.findings, out.theme))?;
        out.text(&render::summary(
            errors,
            warnings,
            checked.nodes(),
            None,
            out.theme,
        ))?;
    }
    ended?;
    let found = if errors > 0 {
        Err(CliError::Findings)
    } else {
        Ok(())
    };
    outcome(found, checked.unread, &shown)
}

/// The end of a check: faults that were found count for more than what could not be read, which is told all the same.
fn outcome(found: Result<(), CliError>, unread: Tally, shown: &str) -> Result<(), CliError> {
    match (found, unread.outcome(shown)) {
        (Ok(()), partial) => partial,
        (Err(CliError::Findings), Err(partial)) => {
            tracing::warn!("{partial}");
            Err(CliError::Findings)
        }
        (Err(error), _) => Err(error),
    }
}

#[derive(Debug, Default)]
struct Checked {
    findings: Vec<Finding>,
    /// Where the nodes lie.
    places: BTreeSet<NodePath>,
    arrays: BTreeMap<NodePath, Array>,
    /// Places that could not be read or listed, whatever the reason.
    blind: Vec<String>,
    store: Option<Arc<Store>>,
    /// From where it is known which nodes there are.
    named_by: NamedBy,
    /// What could not be read for a reason that says nothing about the hierarchy.
    unread: Tally,
}

/// From where it is known which nodes a hierarchy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum NamedBy {
    #[default]
    Listing,
    /// The store cannot list: what the consolidated metadata do not name was not looked at.
    Consolidated,
    /// The store cannot list, and nothing else names any.
    Nothing,
}

impl NamedBy {
    /// What JSON says of it.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Listing => Some("listing"),
            Self::Consolidated => Some("consolidated"),
            Self::Nothing => None,
        }
    }
}

impl Checked {
    fn nodes(&self) -> usize {
        self.places.len()
    }

    /// A node that cannot be opened: a finding that names it, whatever the reason. Only where the document itself is wrong
    /// has it been read.
    fn broken(&mut self, member: &MemberView) {
        let MemberView::Broken { path, code, message } = member else {
            return;
        };
        let rule = match *code {
            exit_code::CORRUPT => lint::INVALID,
            exit_code::UNSUPPORTED => lint::UNSUPPORTED,
            _ => lint::UNREAD,
        };
        self.findings.push(Finding::new(rule, path, message));
        match *code {
            exit_code::CORRUPT => self.unread.add_nodes(1),
            _ => self.unread.count(member),
        }
    }

    fn is_nothing(&self) -> bool {
        self.places.is_empty() && self.findings.is_empty()
    }
}
