//! Opening the node that a command is about.

use std::sync::Arc;
use std::time::Duration;

use zarr_core::hierarchy::{self, ConsolidatedMode, Member, Node, OpenOptions, Walk, WalkOptions, Warning};
use zarr_core::{Error, Group, NodeKind, NodePath, Store, ZarrFormat};
use zarr_fs::options::nearest;

use crate::app::App;
use crate::cli::Consolidated;
use crate::error::CliError;
use crate::exit_code;
use crate::url::{self, Address};
use crate::view::{MemberView, NodeView};

/// A suggestion for a misspelt path may take this long.
const SUGGESTION_TIME: Duration = Duration::from_secs(2);

/// A node and where it came from.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) address: Address,
    pub(super) store: Arc<Store>,
    pub(super) node: Node,
}

impl Opened {
    /// The node as it is shown: its own path is `/`.
    pub(super) fn view(&self) -> NodeView {
        NodeView::of(&self.node, &NodePath::root())
    }

    /// Whether the node's data could be read, as far as its metadata says: what shows the metadata of an array that cannot
    /// be read still fails, after it has shown them.
    ///
    /// # Errors
    /// `Unsupported`, naming the codec or data type that is not known.
    pub(super) fn ensure_supported(&self) -> Result<(), CliError> {
        let Node::Array(array) = &self.node else {
            return Ok(());
        };
        Ok(array.ensure_readable()?)
    }
}

/// Opens the node that `url` names; what is odd about it is told as a warning.
///
/// # Errors
/// A usage error for a URL that is none; else those of [`hierarchy::open`].
pub(super) async fn node(app: &App, url: &str) -> Result<Opened, CliError> {
    // Nothing is listed for a walk of no levels.
    Ok(node_and_walk(app, url, 0).await?.0)
}

/// Opens the node that `url` names as [`node`] does, and walks it, `depth` levels, if it is a group: in an order that is always
/// the same.
///
/// # Errors
/// As [`node`].
pub(super) async fn node_and_walk(
    app: &App,
    url: &str,
    depth: usize,
) -> Result<(Opened, Option<Walk>), CliError> {
    let address = url::parse(url)?;
    let store = app.open(&address)?;
    let walk = WalkOptions::default().with_max_depth(depth);
    let opened = hierarchy::open_and_walk(&store, &NodePath::root(), options(app), walk).await;
    #[expect(
        clippy::panic,
        reason = "a hidden option for the tests of what a panic leaves behind"
    )]
    if app.global.x_panic {
        panic!("asked for by --x-panic");
    }
    let (node, walk) = match opened {
        Ok(opened) => opened,
        Err(error @ Error::NodeNotFound { .. }) => {
            let hint = tokio::time::timeout(SUGGESTION_TIME, suggestion(app, &store, &address)).await;
            return Err(CliError::NodeNotFound {
                error,
                hint: hint.ok().flatten(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    warn(&node);
    Ok((Opened { address, store, node }, walk))
}

/// How nodes are opened, as the options say. What cannot be read can still be shown.
pub(super) fn options(app: &App) -> OpenOptions {
    let options =
        OpenOptions::default()
            .allow_unsupported()
            .with_consolidated(match app.global.consolidated {
                Consolidated::Auto => ConsolidatedMode::Auto,
                Consolidated::Require => ConsolidatedMode::Require,
                Consolidated::Ignore => ConsolidatedMode::Ignore,
            });
    match app.global.zarr_format {
        Some(2) => options.with_zarr_format(ZarrFormat::V2),
        Some(_) => options.with_zarr_format(ZarrFormat::V3),
        None => options,
    }
}

/// Tells what is odd about a node.
pub(super) fn warn(node: &Node) {
    for warning in node.warnings() {
        tracing::warn!("{}: {}", node.url(), self::warning(warning));
    }
}

/// What is odd about a node, in the words of this command's options.
pub(super) fn warning(warning: &Warning) -> String {
    if let Warning::BothFormats = warning {
        return "has documents of Zarr v3 and of v2; v3 was taken (--zarr-format chooses)".to_owned();
    }
    warning.to_string()
}

/// Walks a group: `depth` levels, in an order that is always the same.
pub(super) fn walk(group: &Group, depth: usize) -> Walk {
    group.walk(WalkOptions::default().with_max_depth(depth))
}

/// A member as it is shown, from `base` on.
pub(super) fn member(member: &Member, base: &NodePath) -> MemberView {
    match member {
        Member::Node(node) => {
            warn(node);
            MemberView::Node(NodeView::of(node, base))
        }
        Member::Broken(broken) => MemberView::Broken {
            path: match &broken.node_path {
                Some(path) => crate::view::relative(path, base),
                None => broken.path.clone(),
            },
            code: exit_code::of_member(&broken.error),
            message: crate::error::chain(&broken.error),
        },
        Member::Unlisted(unlisted) => MemberView::Unlisted {
            path: crate::view::relative(&unlisted.path, base),
            code: exit_code::of_core(&unlisted.error).0,
            reason: crate::error::chain(&unlisted.error),
        },
    }
}

/// What may have been meant where no node is: one of the other format, a name beside it that is nearly the same, or the
/// place itself, if there is something else.
async fn suggestion(app: &App, store: &Arc<Store>, address: &Address) -> Option<String> {
    if app.global.zarr_format.is_some() {
        let any = OpenOptions::default().allow_unsupported();
        if let Ok(node) = hierarchy::open(store, &NodePath::root(), any).await {
            let (kind, format) = (node.kind(), node.zarr_format());
            return Some(format!(
                "there is {} {kind} of zarr {format}: leave out --zarr-format",
                article(kind)
            ));
        }
    }
    if let Ok(Some(names)) = store.list_dir("").await {
        let is_hierarchy = |name: &&String| name.ends_with(".zarr");
        if let Some(inside) = names.prefixes.iter().find(is_hierarchy) {
            let shown = address.shown.trim_end_matches('/');
            return Some(format!("did you mean {shown}/{inside} ?"));
        }
        let inside = names
            .prefixes
            .iter()
            .chain(&names.keys)
            .take(3)
            .cloned()
            .collect::<Vec<_>>();
        return Some(format!(
            "there is something ({}), but no Zarr metadata",
            inside.join(", ")
        ));
    }
    let (parent, name) = parent(address)?;
    let siblings = app.open(&parent).ok()?.list_dir("").await.ok()??;
    let near = nearest(&name, siblings.prefixes.iter().map(String::as_str))?;
    let shown = address.shown.strip_suffix(name.as_str())?;
    Some(format!("did you mean {shown}{near} ?"))
}

fn article(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Array => "an",
        NodeKind::Group => "a",
    }
}

/// The place above, and the name in it.
fn parent(address: &Address) -> Option<(Address, String)> {
    let mut url = address.url.clone();
    let name = url
        .path_segments()?
        .rfind(|segment| !segment.is_empty())?
        .to_owned();
    {
        let mut segments = url.path_segments_mut().ok()?;
        segments.pop_if_empty().pop();
    }
    let shown = zarr_fs::registry::redacted(&url);
    Some((Address { url, shown }, name))
}
