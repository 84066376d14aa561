//! `ls`: the members of a group.

use futures::StreamExt;
use zarr_core::metadata::json::PrintOptions;
use zarr_core::{NodeKind, NodePath};

use super::open;
use super::tally::Tally;
use crate::app::App;
use crate::cli::LsArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::render::{json, list};
use crate::view::MemberView;

/// So many members at once are written together, if so many are there.
const AT_ONCE: usize = 1024;

pub(super) async fn run(app: &App, args: &LsArgs, out: &mut Output) -> Result<(), CliError> {
    let depth = if args.recursive { usize::MAX } else { 1 };
    let (opened, walk) = open::node_and_walk(app, &args.target.url, depth).await?;
    let Some(walk) = walk else {
        // Like `ls FILE`: an array is its own only line. Among members, which JSON lists, it is not.
        if !app.global.json {
            let mut view = opened.view();
            view.path = format!("/{}", opened.address.name());
            let line = [MemberView::Node(view)];
            out.text(&if args.long {
                list::long(&line, out.theme)
            } else {
                list::short(&line, out.theme)
            })?;
        }
        return opened.ensure_supported();
    };
    let mut walk = walk.ready_chunks(AT_ONCE);
    let mut tally = Tally::default();
    let mut held = Vec::new();
    let mut ended = Ok(());
    while let Some(members) = walk.next().await {
        for member in members {
            let view = match member {
                Ok(member) => open::member(&member, &NodePath::root()),
                Err(error) => {
                    ended = Err(error.into());
                    continue;
                }
            };
            tally.count(&view);
            if !wanted(&view, args) {
                continue;
            }
            // That nothing is known of the node itself is the error at the end.
            if !app.global.json && matches!(&view, MemberView::Unlisted { path, .. } if path == "/") {
                continue;
            }
            if app.global.json {
                out.json(&json::member(&view), PrintOptions::compact())?;
            } else {
                held.push(view);
            }
        }
        if !args.long && !app.global.json {
            out.text(&list::short(&held, out.theme))?;
            held.clear();
        }
        out.flush()?;
    }
    out.text(&list::long(&held, out.theme))?;
    ended.and_then(|()| tally.outcome(&opened.address.shown))
}

fn wanted(view: &MemberView, args: &LsArgs) -> bool {
    match view {
        MemberView::Node(view) => {
            !(args.arrays && view.kind == NodeKind::Group || args.groups && view.kind == NodeKind::Array)
        }
        // What it is cannot be known, so nobody may be left without it.
        MemberView::Broken { .. } | MemberView::Unlisted { .. } => true,
    }
}
