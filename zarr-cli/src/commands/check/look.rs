//! What `check` looks at: every document, and the consolidated copies of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use zarr_core::hierarchy::{Broken, ConsolidatedMode, Member, Node};
use zarr_core::metadata::NodeMetadata;
use zarr_core::{Array, NodeKind, NodePath, hierarchy};

use super::{Checked, NamedBy, copies};
use crate::app::App;
use crate::cli::Consolidated;
use crate::commands::open;
use crate::error::CliError;
use crate::exit_code;
use crate::lint::{self, Finding};
use crate::url;
use crate::view::{MemberView, NodeView};

/// Reads every document, not the consolidated copies, and compares them with the copies.
pub(super) async fn look(app: &App, url: &str, checked: &mut Checked) -> Result<(), CliError> {
    let address = url::parse(url)?;
    let store = app.open(&address)?;
    checked.store = Some(Arc::clone(&store));
    let options = open::options(app).with_consolidated(ConsolidatedMode::Ignore);
    let root = hierarchy::open(&store, &NodePath::root(), options).await?;
    let mut live: BTreeMap<NodePath, NodeMetadata> = BTreeMap::new();
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
            MemberView::Unlisted { code, .. } if *code == exit_code::UNSUPPORTED => {
                complete = false;
                unlisted.push(view);
            }
            MemberView::Unlisted { path, reason, .. } => {
                complete = false;
                let message = format!("its members could not be listed: {reason}");
                checked.findings.push(Finding::new(lint::UNREAD, path, message));
                checked.unread.count(&view);
            }
            MemberView::Broken { code, .. } => {
                complete &= *code == exit_code::CORRUPT;
                checked.broken(&view);
            }
            MemberView::Node(_) => {}
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

/// Why no chunk of an array can be read, if that can be said without a look at one.
fn unreadable(array: &Array, path: &str) -> Option<Finding> {
    if let Err(error) = array.metadata().ensure_supported() {
        return Some(Finding::new(lint::UNSUPPORTED, path, error.to_string()));
    }
    let error = array.ensure_readable().err()?;
    let rule = match exit_code::of_core(&error).0 {
        exit_code::CORRUPT => lint::INVALID,
        _ => lint::UNSUPPORTED,
    };
    Some(Finding::new(rule, path, crate::error::chain(&error)))
}

fn note(
    node: &Node,
    checked: &mut Checked,
    live: &mut BTreeMap<NodePath, NodeMetadata>,
    views: &mut BTreeMap<NodePath, NodeView>,
) {
    let view = NodeView::of(node, &NodePath::root());
    checked.places.insert(node.path().clone());
    for warning in node.warnings() {
        let message = open::warning(warning);
        checked
            .findings
            .push(Finding::new(lint::AMBIGUOUS, &view.path, message));
    }
    let metadata = match node {
        Node::Array(array) => {
            checked.findings.extend(unreadable(array, &view.path));
            checked.findings.extend(lint::array(&view));
            checked.arrays.insert(node.path().clone(), array.clone());
            NodeMetadata::Array(Box::new(array.metadata().clone()))
        }
        Node::Group(group) => NodeMetadata::Group(group.metadata().clone()),
    };
    live.insert(node.path().clone(), metadata);
    views.insert(node.path().clone(), view);
}
