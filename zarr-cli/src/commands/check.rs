//! `check`: faults in the metadata of a hierarchy; with `--deep`, in its chunks and keys too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use zarr_core::hierarchy::{Broken, ConsolidatedMode, Member, Node};
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::metadata::{Document, Json};
use zarr_core::{Array, NodeKind, NodePath, Store, hierarchy};

use super::copies;
use super::deep::Deep;
use super::open;
use super::tally::Tally;
use crate::app::App;
use crate::cli::{CheckArgs, Consolidated};
use crate::error::CliError;
use crate::exit_code;
use crate::lint::{self, Finding, RULES, Severity};
use crate::output::Output;
use crate::render::check as render;
use crate::url;
use crate::view::{MemberView, NodeView};

pub(super) async fn run(app: &App, args: &CheckArgs, out: &mut Output) -> Result<(), CliError> {
    if args.list_rules {
        return out.text(&render::rules(RULES, out.theme));
    }
    let url = args.url.as_deref().unwrap_or_default();
    let shown = url::parse(url)?.shown;
    let mut checked = Checked::default();
    let ended = match look(app, url, &mut checked).await {
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
    if args.deep {
        ended?;
        let read = Deep::new(app, args.missing, out).run(&checked).await;
        return match read {
            Ok(()) | Err(CliError::Findings) => checked.unread.outcome(&shown).and(read),
            Err(error) => Err(error),
        };
    }
    let errors = checked
        .findings
        .iter()
        .filter(|finding| finding.rule.severity == Severity::Error)
        .count();
    if app.global.json {
        out.json(&document(&checked, errors), PrintOptions::compact())?;
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
    ended.and_then(|()| checked.unread.outcome(&shown))?;
    if errors > 0 {
        Err(CliError::Findings)
    } else {
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    /// Where the nodes lie.
    pub(super) places: BTreeSet<NodePath>,
    pub(super) arrays: BTreeMap<NodePath, Array>,
    /// Places that could not be read or listed, whatever the reason.
    pub(super) blind: Vec<String>,
    pub(super) store: Option<Arc<Store>>,
    /// From where it is known which nodes there are.
    pub(super) named_by: NamedBy,
    /// What could not be read for a reason that says nothing about the hierarchy.
    pub(super) unread: Tally,
}

/// From where it is known which nodes a hierarchy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NamedBy {
    #[default]
    Listing,
    /// The store cannot list: what the consolidated metadata do not name was not looked at.
    Consolidated,
    /// The store cannot list, and nothing else names any.
    Nothing,
}

impl NamedBy {
    /// What JSON says of it.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Listing => Some("listing"),
            Self::Consolidated => Some("consolidated"),
            Self::Nothing => None,
        }
    }
}

impl Checked {
    pub(super) fn nodes(&self) -> usize {
        self.places.len()
    }

    fn is_nothing(&self) -> bool {
        self.places.is_empty() && self.findings.is_empty()
    }
}

/// Reads every document, not the consolidated copies, and compares them with the copies.
async fn look(app: &App, url: &str, checked: &mut Checked) -> Result<(), CliError> {
    let address = url::parse(url)?;
    let store = app.open(&address)?;
    checked.store = Some(Arc::clone(&store));
    let options = open::options(app).with_consolidated(ConsolidatedMode::Ignore);
    let root = hierarchy::open(&store, &NodePath::root(), options).await?;
    let mut live: BTreeMap<NodePath, Document> = BTreeMap::new();
    let mut views = BTreeMap::new();
    let mut complete = true;
    let mut unlisted = Vec::new();
    note(&root, checked, &mut live, &mut views);
    let Node::Group(group) = &root else {
        return Ok(());
    };
    let mut walk = open::walk(group, usize::MAX);
    while let Some(member) = walk.next().await {
        let member = member?;
        if let Member::Node(node) = &member {
            note(node, checked, &mut live, &mut views);
            continue;
        }
        let view = open::member(&member, &NodePath::root());
        if let MemberView::Broken { path, .. } | MemberView::Unlisted { path, .. } = &view {
            checked.blind.push(path.clone());
        }
        if let Member::Broken(Broken {
            error: zarr_core::Error::InvalidNodePath { .. },
            ..
        }) = &member
            && let MemberView::Broken { path, message, .. } = &view
        {
            checked.findings.push(Finding::new(lint::BAD_NAME, path, message));
            continue;
        }
        match &view {
            MemberView::Broken { path, code, message } if *code == exit_code::CORRUPT => {
                checked.findings.push(Finding::new(lint::INVALID, path, message));
            }
            MemberView::Unlisted { code, .. } if *code == exit_code::UNSUPPORTED => {
                complete = false;
                unlisted.push(view);
            }
            MemberView::Node(_) | MemberView::Broken { .. } | MemberView::Unlisted { .. } => {
                complete = false;
                checked.unread.count(&view);
            }
        }
    }
    let consolidated = copies::consolidated(group, checked).await?;
    if !unlisted.is_empty() {
        let used = consolidated
            .as_ref()
            .filter(|_| app.global.consolidated != Consolidated::Ignore);
        let named = used.map(|all| copies::named(all, &live));
        tell_unlisted(&unlisted, named.is_some(), &address.shown, checked);
        for (path, opened) in
            copies::open_each(&store, group.zarr_format(), named.unwrap_or_default(), app).await
        {
            match opened {
                Ok(node) => note(&node, checked, &mut live, &mut views),
                Err(error) => copies::unopened(&path, error, checked),
            }
        }
    }
    let groups = views.iter().filter(|(_, view)| view.kind == NodeKind::Group);
    for (path, view) in groups {
        let members: Vec<&NodeView> = views
            .iter()
            .filter(|(member, _)| member.parent().as_ref() == Some(path))
            .map(|(_, view)| view)
            .collect();
        checked.findings.extend(lint::group(view, &members));
    }
    if let Some(consolidated) = consolidated {
        copies::compare(&consolidated, &live, complete, checked);
    }
    Ok(())
}

/// Says that the members of groups are unknown, and what that means.
fn tell_unlisted(unlisted: &[MemberView], is_named: bool, shown: &str, checked: &mut Checked) {
    let so = if is_named {
        "only what the consolidated metadata names was checked"
    } else {
        "nothing in it was checked"
    };
    for view in unlisted {
        if let MemberView::Unlisted { path, reason, .. } = view {
            let message = format!("{so}: {reason}");
            checked.findings.push(Finding::new(lint::UNLISTED, path, message));
        }
        if !is_named {
            checked.unread.count(view);
        }
    }
    checked.named_by = if is_named {
        tracing::warn!("{shown}: the server cannot list: {so}");
        NamedBy::Consolidated
    } else {
        NamedBy::Nothing
    };
}

fn note(
    node: &Node,
    checked: &mut Checked,
    live: &mut BTreeMap<NodePath, Document>,
    views: &mut BTreeMap<NodePath, NodeView>,
) {
    let view = NodeView::of(node, &NodePath::root());
    checked.places.insert(node.path().clone());
    for warning in node.warnings() {
        checked
            .findings
            .push(Finding::new(lint::AMBIGUOUS, &view.path, warning.to_string()));
    }
    let document = match node {
        Node::Array(array) => {
            if let Err(error) = array.metadata().ensure_supported() {
                checked
                    .findings
                    .push(Finding::new(lint::UNSUPPORTED, &view.path, error.to_string()));
            }
            checked.findings.extend(lint::array(&view));
            checked.arrays.insert(node.path().clone(), array.clone());
            array.metadata().document().clone()
        }
        Node::Group(group) => group.metadata().document().clone(),
    };
    live.insert(node.path().clone(), document);
    views.insert(node.path().clone(), view);
}

fn document(checked: &Checked, errors: usize) -> Json {
    let findings: Vec<Json> = checked.findings.iter().map(fields).map(Json::Object).collect();
    let mut document = Object::new();
    document.insert("nodes", checked.nodes());
    document.insert("members_from", checked.named_by.word());
    document.insert("errors", errors);
    document.insert("warnings", findings.len() - errors);
    document.insert("findings", findings);
    Json::Object(document)
}

/// A finding as a line of its own.
pub(super) fn finding_json(finding: &Finding) -> Json {
    let mut line = Object::new();
    line.insert("kind", "finding");
    for (key, value) in fields(finding).iter() {
        line.insert(key, value.clone());
    }
    if let Some(place) = &finding.place {
        let numbers = |chunk: &Option<Vec<u64>>| {
            chunk
                .as_ref()
                .map(|chunk| chunk.iter().map(|at| Json::from(*at)).collect::<Vec<_>>())
        };
        line.insert("key", place.key.as_str());
        line.insert("chunk", numbers(&place.chunk));
        line.insert("inner_chunk", numbers(&place.inner_chunk));
        line.insert("stage", place.stage.as_deref());
    }
    Json::Object(line)
}

fn fields(finding: &Finding) -> Object {
    let mut object = Object::new();
    object.insert("code", finding.rule.code);
    object.insert("severity", finding.rule.severity.to_string());
    object.insert("path", finding.path.as_str());
    object.insert("message", finding.message.as_str());
    object
}
