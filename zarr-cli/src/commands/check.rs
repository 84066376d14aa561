//! `check`: faults in the metadata of a hierarchy; with `--deep`, in its chunks and keys too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use zarr_core::hierarchy::{ConsolidatedMode, Member, Node};
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::metadata::{ConsolidatedMetadata, Document, Json, NodeMetadata};
use zarr_core::{Array, Group, NodeKind, NodePath, Store, ZarrFormat, hierarchy};

use super::deep::Deep;
use super::open;
use super::tally::Tally;
use crate::app::App;
use crate::cli::CheckArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::lint::{self, Finding, RULES, Severity};
use crate::output::Output;
use crate::render::{check as render, words};
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
    /// What could not be read for a reason that says nothing about the hierarchy.
    unread: Tally,
}

impl Checked {
    pub(super) fn nodes(&self) -> usize {
        self.places.len()
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
        match &view {
            MemberView::Broken { path, code, message } if *code == exit_code::CORRUPT => {
                checked.findings.push(Finding::new(lint::INVALID, path, message));
            }
            MemberView::Unlisted { path, code, reason } if *code == exit_code::UNSUPPORTED => {
                complete = false;
                checked.findings.push(Finding::new(lint::UNLISTED, path, reason));
            }
            MemberView::Node(_) | MemberView::Broken { .. } | MemberView::Unlisted { .. } => {
                complete = false;
                checked.unread.count(&view);
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
    if let Some(consolidated) = consolidated(group, checked).await? {
        compare(&consolidated, &live, complete, checked);
    }
    Ok(())
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

/// The consolidated metadata that the root group holds, if it holds some that is valid.
async fn consolidated(
    group: &Group,
    checked: &mut Checked,
) -> Result<Option<ConsolidatedMetadata>, CliError> {
    let parsed = match group.zarr_format() {
        ZarrFormat::V3 => group.metadata().consolidated(),
        ZarrFormat::V2 => {
            let bytes = group.store().get(&group.path().key(".zmetadata")).await?;
            bytes.map(|bytes| ConsolidatedMetadata::parse_v2(&bytes))
        }
    };
    match parsed.transpose() {
        Ok(consolidated) => Ok(consolidated),
        Err(error) => {
            checked
                .findings
                .push(Finding::new(lint::BAD_CONSOLIDATED, "/", error.to_string()));
            Ok(None)
        }
    }
}

/// Compares the consolidated copies with the documents; `complete` says whether all of them were seen.
fn compare(
    copies: &ConsolidatedMetadata,
    live: &BTreeMap<NodePath, Document>,
    complete: bool,
    checked: &mut Checked,
) {
    let mut find = |rule, path: &NodePath, message: String| {
        checked
            .findings
            .push(Finding::new(rule, path.to_string(), message))
    };
    let mut named = BTreeSet::from([NodePath::root()]);
    for (path, copy) in copies.nodes() {
        named.insert(path.clone());
        match (copy, live.get(path)) {
            (Err(error), _) => find(
                lint::BAD_CONSOLIDATED,
                path,
                format!("consolidated metadata: {error}"),
            ),
            (Ok(copy), Some(document)) => {
                if let Some(difference) = difference(copy, document) {
                    find(
                        lint::STALE,
                        path,
                        format!("consolidated metadata is stale: {difference}"),
                    );
                }
            }
            (Ok(_), None) if complete => find(
                lint::GONE,
                path,
                "in the consolidated metadata, but not there".to_owned(),
            ),
            (Ok(_), None) => {}
        }
    }
    for entry in copies.refused() {
        let path = NodePath::root();
        let key = words::value(&Json::from(entry.key.as_str()), 100);
        find(
            lint::BAD_CONSOLIDATED,
            &path,
            format!("consolidated metadata, entry {key}: {}", entry.error),
        );
    }
    for path in live.keys().filter(|path| !named.contains(path)) {
        find(
            lint::NOT_CONSOLIDATED,
            path,
            "exists, but is not in the consolidated metadata".to_owned(),
        );
    }
}

/// The first member in which a copy differs from the document, other than a nested copy of copies.
fn difference(copy: &NodeMetadata, live: &Document) -> Option<String> {
    let copy = copy.document();
    let parts = [
        (copy.main(), live.main(), ""),
        (
            copy.zattrs().unwrap_or(&EMPTY),
            live.zattrs().unwrap_or(&EMPTY),
            ".zattrs ",
        ),
    ];
    parts.iter().find_map(|(copy, live, part)| {
        let keys: BTreeSet<&str> = copy
            .keys()
            .chain(live.keys())
            .filter(|key| *key != "consolidated_metadata")
            .collect();
        keys.into_iter().find_map(|key| {
            let (copy, live) = (copy.get(key), live.get(key));
            // Writers leave these out, or write them empty.
            let may_be_absent = matches!(key, "attributes" | "storage_transformers");
            let is_empty = |value: Option<&Json>| match value {
                None => true,
                Some(Json::Object(object)) => object.is_empty(),
                Some(Json::Array(items)) => items.is_empty(),
                Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => false,
            };
            let same = copy == live || (may_be_absent && is_empty(copy) && is_empty(live));
            (!same).then(|| format!("{part}{key} differs"))
        })
    })
}

static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);

fn document(checked: &Checked, errors: usize) -> Json {
    let findings: Vec<Json> = checked.findings.iter().map(fields).map(Json::Object).collect();
    let mut document = Object::new();
    document.insert("nodes", checked.nodes());
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
