//! `tree`: the hierarchy, drawn.

use futures::StreamExt;
use zarr_core::NodePath;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::{Object, PrintOptions};

use super::open;
use super::tally::Tally;
use crate::app::App;
use crate::cli::TreeArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::render::{json, tree};
use crate::view::MemberView;

pub(super) async fn run(app: &App, args: &TreeArgs, out: &mut Output) -> Result<(), CliError> {
    let depth = args
        .level
        .map_or(usize::MAX, |level| usize::try_from(level).unwrap_or(usize::MAX));
    let (opened, walk) = open::node_and_walk(app, &args.target.url, depth).await?;
    let root = opened.view();
    let mut tally = Tally::default();
    let mut members = Vec::new();
    let mut ended = Ok(());
    let mut cut = false;
    if let Some(mut walk) = walk {
        while let Some(member) = walk.next().await {
            if members.len() >= args.max_nodes {
                cut = true;
                break;
            }
            match member {
                Ok(member) => {
                    let view = open::member(&member, &NodePath::root());
                    tally.count(&view);
                    members.push(view);
                }
                Err(error) => ended = Err(error.into()),
            }
        }
    }
    members.sort_by(|a, b| a.path().split('/').cmp(b.path().split('/')));
    if app.global.json {
        let mut document = Object::new();
        document.insert("node", json::node(&root));
        document.insert("members", members.iter().map(json::member).collect::<Vec<Json>>());
        document.insert("cut", cut);
        out.json(&Json::Object(document), PrintOptions::compact())?;
    } else {
        let style = tree::Style {
            theme: out.theme,
            ascii: args.ascii,
        };
        out.text(&tree::draw(&opened.address.shown, &root, &members, style))?;
        let cut = if cut {
            format!(" · cut at {} nodes (--max-nodes)", args.max_nodes)
        } else {
            String::new()
        };
        out.line(&out.theme.dim(&format!("{}{cut}", tree::summary(&root, &members))))?;
    }
    ended
        .and_then(|()| tally.outcome(&opened.address.shown))
        .and_then(|()| opened.ensure_supported())
}

impl MemberView {
    /// Its path, from the node that was asked for.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Node(view) => &view.path,
            Self::Broken { path, .. } | Self::Unlisted { path, .. } => path,
        }
    }
}
