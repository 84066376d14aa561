//! `show`: a summary of a node, the default verb.

use futures::TryStreamExt;
use zarr_core::NodePath;
use zarr_core::hierarchy::Node;
use zarr_core::metadata::Json;
use zarr_core::metadata::json::{Object, PrintOptions};

use super::tally::Tally;
use super::{coordinates, open};
use crate::app::App;
use crate::cli::ShowArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::render::{info, json, show};

pub(super) async fn run(app: &App, args: &ShowArgs, out: &mut Output) -> Result<(), CliError> {
    let opened = open::node(app, &args.target.url).await?;
    let view = opened.view();
    let Node::Group(group) = &opened.node else {
        if app.global.json {
            out.json(&json::node(&view), PrintOptions::compact())?;
        } else {
            out.line(&out.theme.array(&crate::escape::text(&opened.address.shown)))?;
            out.text(&info::node(&view, &[], out.theme))?;
        }
        return opened.ensure_supported();
    };
    let found: Vec<_> = open::walk(group, 1).try_collect().await?;
    let members: Vec<_> = found
        .iter()
        .map(|member| open::member(member, &NodePath::root()))
        .collect();
    let mut tally = Tally::default();
    members.iter().for_each(|member| tally.count(member));
    if app.global.json {
        let mut document = Object::new();
        document.insert("node", json::node(&view));
        let outcome = tally.is_root_unlisted();
        let listed = members.iter().map(json::member).collect::<Vec<Json>>();
        document.insert("members", if outcome { Json::Null } else { Json::Array(listed) });
        out.json(&Json::Object(document), PrintOptions::compact())?;
    } else {
        let ends = match args.no_values {
            true => Default::default(),
            false => coordinates::ends(&found).await,
        };
        let heading = show::Heading {
            title: &opened.address.shown,
            consolidated: group.is_consolidated(),
            members_known: !tally.is_root_unlisted(),
            ends: &ends,
        };
        out.text(&show::group(heading, &view, &members, args.attributes, out.theme))?;
    }
    tally.outcome(&opened.address.shown)
}
