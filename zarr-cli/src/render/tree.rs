//! The hierarchy as a tree.

use std::fmt::Write as _;

use zarr_core::NodeKind;

use super::table::{Cell, layout};
use super::{Theme, units, words};
use crate::escape;
use crate::view::{MemberView, NodeView};

/// How the tree is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) theme: Theme,
    pub(crate) ascii: bool,
}

/// Draws `members`, which are all below the node and sorted by path, parents before children.
pub(crate) fn draw(title: &str, root: &NodeView, members: &[MemberView], style: Style) -> String {
    let [tee, corner, bar] = if style.ascii {
        ["|-- ", "`-- ", "|   "]
    } else {
        ["├── ", "└── ", "│   "]
    };
    let mut rows = Vec::new();
    // Whether each ancestor, by depth, was the last of its siblings.
    let mut last_at: Vec<bool> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let path = path(member);
        if let MemberView::Unlisted { path, reason, .. } = member {
            let branch = indent(&last_at, bar, corner);
            // Of the node itself the error at the end says why.
            let note = match path.as_str() {
                "/" => "children unknown".to_owned(),
                _ => format!("children unknown: {}", escape::text(reason)),
            };
            let line = Cell::painted(&format!("{branch}{note}"), |_| style.theme.dim(&branch) + &note);
            rows.push(vec![line.last()]);
            continue;
        }
        let depth = depth(path);
        let last = is_last(index, members);
        last_at.truncate(depth - 1);
        let branch = indent(&last_at, bar, if last { corner } else { tee });
        last_at.push(last);
        let name = escape::text(path.rsplit('/').next().unwrap_or_default()).into_owned();
        rows.push(match member {
            MemberView::Node(view) => row(branch, &name, Some(view), style.theme),
            MemberView::Broken { message, .. } => {
                let mut cells = row(branch, &name, None, style.theme);
                cells.push(Cell::painted("broken", |text| style.theme.error(text)));
                cells.push(Cell::from(escape::text(message)).last());
                cells
            }
            MemberView::Unlisted { .. } => Vec::new(),
        });
    }
    // The title has a line of its own: it is longer than the names, and would push the columns away.
    let title = layout(
        &[row(String::new(), &escape::text(title), Some(root), style.theme)],
        &[],
        "",
    );
    title + &layout(&rows, &[], "")
}

/// What the tree holds, in a line: `1 group, 5 arrays, 1.3 MiB`.
pub(crate) fn summary(root: &NodeView, members: &[MemberView]) -> String {
    let nodes = || {
        std::iter::once(root).chain(members.iter().filter_map(|member| match member {
            MemberView::Node(view) => Some(view),
            MemberView::Broken { .. } | MemberView::Unlisted { .. } => None,
        }))
    };
    let arrays = nodes().filter(|view| view.kind == NodeKind::Array).count();
    let groups = nodes().count() - arrays;
    let broken = members
        .iter()
        .filter(|member| matches!(member, MemberView::Broken { .. }))
        .count();
    let bytes = nodes()
        .filter_map(NodeView::logical_bytes)
        .fold(0, u128::saturating_add);
    let mut line = format!(
        "{}, {}",
        units::count(groups, "group", "groups"),
        units::count(arrays, "array", "arrays")
    );
    if broken > 0 {
        let _ = write!(line, ", {broken} broken");
    }
    if arrays > 0 {
        let _ = write!(line, ", {} logical", units::bytes(bytes));
    }
    line
}

fn path(member: &MemberView) -> &str {
    match member {
        MemberView::Node(view) => &view.path,
        MemberView::Broken { path, .. } | MemberView::Unlisted { path, .. } => path,
    }
}

/// How deep a path lies below the node: at least 1.
fn depth(path: &str) -> usize {
    path.trim_matches('/').split('/').count()
}

/// Whether no later member has the same parent.
fn is_last(index: usize, members: &[MemberView]) -> bool {
    let this = path(&members[index]);
    let parent = |path: &str| {
        path.trim_end_matches('/')
            .rsplit_once('/')
            .map_or(0, |(parent, _)| parent.len())
    };
    let own = parent(this);
    members[index + 1..]
        .iter()
        .filter(|later| !matches!(later, MemberView::Unlisted { .. }))
        .map(path)
        .take_while(|later| later.starts_with(&this[..own]) && later.as_bytes().get(own) == Some(&b'/'))
        .all(|later| depth(later) != depth(this))
}

fn indent(last_at: &[bool], bar: &str, branch: &str) -> String {
    let mut text: String = last_at
        .iter()
        .map(|last| if *last { "    " } else { bar })
        .collect();
    text.push_str(branch);
    text
}

fn row(branch: String, name: &str, view: Option<&NodeView>, theme: Theme) -> Vec<Cell> {
    let is_group = view.is_some_and(|view| view.kind == NodeKind::Group);
    let shown = format!("{branch}{name}");
    let painted = format!(
        "{}{}",
        theme.dim(&branch),
        if is_group {
            theme.group(name)
        } else {
            theme.array(name)
        }
    );
    let mut cells = vec![Cell::painted(&shown, |_| painted).name()];
    let Some(view) = view else {
        return cells;
    };
    match view.kind {
        NodeKind::Group => cells.push(Cell::painted("group", |text| theme.dim(text))),
        NodeKind::Array => {
            let text = |text: String| Cell::from(escape::text(&text).into_owned());
            cells.push(text(words::data_type(view)));
            cells.push(text(words::shape(&view.shape(), &view.dimension_names())));
            cells.push(text(words::chunk_shape(view)));
            cells.push(text(words::compression(view)));
            cells.push(view.logical_bytes().map(units::bytes).unwrap_or_default().into());
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v3, coordinate, group};

    fn members() -> Vec<MemberView> {
        let mut inner = air_v3();
        inner.path = "/g/air".to_owned();
        vec![
            MemberView::Node(air_v3()),
            MemberView::Node(group("/g")),
            MemberView::Node(inner),
            MemberView::Broken {
                path: "/g/bad\u{1b}[2J".to_owned(),
                code: 5,
                message: "zarr.json: invalid".to_owned(),
            },
            MemberView::Node(coordinate("lat", 25)),
        ]
    }

    #[test]
    fn draws_branches() {
        let style = Style {
            theme: Theme::plain(),
            ascii: false,
        };
        insta::assert_snapshot!(draw("air.zarr", &group("/"), &members(), style), @r"
        air.zarr  group
        ├── air               int16    time 240 · lat 25 · lon 53  (100,25,53)  zstd  621 KiB
        ├── g                 group
        │   ├── air           int16    time 240 · lat 25 · lon 53  (100,25,53)  zstd  621 KiB
        │   └── bad\u{1b}[2J  broken   zarr.json: invalid
        └── lat               float32  lat 25                      (25)         -     100 B
        ");
        let style = Style {
            theme: Theme::plain(),
            ascii: true,
        };
        insta::assert_snapshot!(draw("air.zarr", &group("/"), &members(), style), @r"
        air.zarr  group
        |-- air               int16    time 240 · lat 25 · lon 53  (100,25,53)  zstd  621 KiB
        |-- g                 group
        |   |-- air           int16    time 240 · lat 25 · lon 53  (100,25,53)  zstd  621 KiB
        |   `-- bad\u{1b}[2J  broken   zarr.json: invalid
        `-- lat               float32  lat 25                      (25)         -     100 B
        ");
        insta::assert_snapshot!(summary(&group("/"), &members()), @"2 groups, 3 arrays, 1 broken, 1.2 MiB logical");
    }

    /// Neither a long name nor a long message makes the other lines longer.
    #[test]
    fn a_long_line_stays_alone() {
        let mut named = coordinate("lat", 25);
        named.path = format!("/{}", "n".repeat(200));
        let broken = MemberView::Broken {
            path: "/z".to_owned(),
            code: 5,
            message: "m".repeat(200),
        };
        let members = [
            MemberView::Node(coordinate("lat", 25)),
            MemberView::Node(named),
            broken,
        ];
        let style = Style {
            theme: Theme::plain(),
            ascii: false,
        };
        let text = draw("x.zarr", &group("/"), &members, style);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths[1] < 80 && widths[2] > 200 && widths[3] < 260, "{text}");
    }

    #[test]
    fn says_which_children_are_unknown() {
        let unlisted = MemberView::Unlisted {
            path: "/g".to_owned(),
            code: 7,
            reason: "the server cannot list".to_owned(),
        };
        let members = [MemberView::Node(group("/g")), unlisted];
        let style = Style {
            theme: Theme::plain(),
            ascii: false,
        };
        insta::assert_snapshot!(draw("x.zarr", &group("/"), &members, style), @"
        x.zarr  group
        └── g  group
            └── children unknown: the server cannot list
        ");
    }
}
