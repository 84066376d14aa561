//! The summary of a node: for a group its dimensions, coordinates, data and groups; for an array its fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use zarr_core::NodeKind;
use zarr_core::metadata::Json;

use super::coordinate::{self, Ends};
use super::table::{Align, Cell, layout};
use super::{Theme, info, units, words};
use crate::escape;
use crate::view::{MemberView, NodeView};

/// So many attributes are shown unless all are asked for.
const MOST_ATTRIBUTES: usize = 8;

/// What is known of the node beside its metadata.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heading<'a> {
    /// How the node was named.
    pub(crate) title: &'a str,
    /// Whether its members came from consolidated metadata.
    pub(crate) consolidated: bool,
    /// Whether its members are known; that there are none is said only then.
    pub(crate) members_known: bool,
    /// First and last elements of coordinates, by path.
    pub(crate) ends: &'a BTreeMap<String, Ends>,
}

/// A group and its direct members.
pub(crate) fn group(
    heading: Heading<'_>,
    view: &NodeView,
    members: &[MemberView],
    all: bool,
    theme: Theme,
) -> String {
    let arrays: Vec<&NodeView> = nodes(members, NodeKind::Array).collect();
    let groups: Vec<&NodeView> = nodes(members, NodeKind::Group).collect();
    let mut text = head(heading, view, &arrays, &groups, theme);

    let dimensions = dimensions(&arrays);
    if !dimensions.is_empty() {
        let list: Vec<String> = dimensions
            .iter()
            .map(|(name, lengths)| format!("{} {}", escape::text(name), some_of(lengths)))
            .collect();
        let _ = writeln!(text, "{}  {}", theme.heading("Dimensions"), list.join(" · "));
    }
    let named: BTreeSet<&str> = arrays
        .iter()
        .copied()
        .chain([view])
        .filter_map(|view| view.attributes().get("coordinates").and_then(Json::as_str))
        .flat_map(str::split_whitespace)
        .collect();
    let is_coordinate = |view: &&&NodeView| view.is_coordinate() || named.contains(view.name());
    let coordinates: Vec<&NodeView> = arrays.iter().filter(is_coordinate).copied().collect();
    let data: Vec<&NodeView> = arrays
        .iter()
        .filter(|view| !is_coordinate(view))
        .copied()
        .collect();
    let heading_of_data = if dimensions.is_empty() { "Arrays" } else { "Data" };
    let sections = [("Coordinates", coordinates), (heading_of_data, data)];
    // Laid out together, so that the columns of both line up.
    let rows: Vec<Vec<Cell>> = sections
        .iter()
        .flat_map(|(_, part)| part)
        .map(|view| array_row(view, heading.ends.get(&view.path), theme))
        .collect();
    let align = [Align::Left, Align::Left, Align::Left, Align::Left, Align::Right];
    let table = layout(&rows, &align, "  ");
    let mut lines = table.lines();
    for (title, part) in &sections {
        if !part.is_empty() {
            let _ = writeln!(text, "{}", theme.heading(title));
            for line in lines.by_ref().take(part.len()) {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if !groups.is_empty() {
        let rows: Vec<Vec<Cell>> = groups.into_iter().map(|view| group_row(view, theme)).collect();
        let _ = write!(text, "{}\n{}", theme.heading("Groups"), layout(&rows, &[], "  "));
    }
    text += &broken(members, theme);
    text + &info::attributes(
        view.attributes(),
        if all { usize::MAX } else { MOST_ATTRIBUTES },
        theme,
    )
}

fn nodes(members: &[MemberView], kind: NodeKind) -> impl Iterator<Item = &NodeView> {
    members.iter().filter_map(move |member| match member {
        MemberView::Node(view) if view.kind == kind => Some(view),
        MemberView::Node(_) | MemberView::Broken { .. } | MemberView::Unlisted { .. } => None,
    })
}

fn head(
    heading: Heading<'_>,
    view: &NodeView,
    arrays: &[&NodeView],
    groups: &[&NodeView],
    theme: Theme,
) -> String {
    let mut facts = vec![view.kind.to_string(), format!("zarr {}", view.format)];
    if heading.consolidated {
        facts.push("consolidated".to_owned());
    }
    if !groups.is_empty() {
        facts.push(units::count(groups.len(), "group", "groups"));
    }
    if !arrays.is_empty() {
        facts.push(units::count(arrays.len(), "array", "arrays"));
        let bytes = arrays
            .iter()
            .filter_map(|view| view.logical_bytes())
            .fold(0, u128::saturating_add);
        facts.push(format!("{} logical", units::bytes(bytes)));
    }
    if !heading.members_known {
        facts.push("children unknown".to_owned());
    } else if arrays.is_empty() && groups.is_empty() {
        facts.push("empty".to_owned());
    }
    format!(
        "{}   {}\n",
        theme.group(&escape::text(heading.title)),
        facts.join(" · ")
    )
}

/// The dimensions that arrays name, in the order of the array with the most, with their lengths: the arrays of one image in
/// several resolutions have several.
fn dimensions(arrays: &[&NodeView]) -> Vec<(String, Vec<u64>)> {
    let mut found: Vec<(String, Vec<u64>)> = Vec::new();
    let mut arrays = arrays.to_vec();
    arrays.sort_by_key(|view| std::cmp::Reverse(view.shape().len()));
    for view in arrays {
        for (name, length) in view.dimension_names().into_iter().zip(view.shape()) {
            let Some(name) = name else { continue };
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, lengths)) if lengths.contains(&length) => {}
                Some((_, lengths)) => lengths.push(length),
                None => found.push((name, vec![length])),
            }
        }
    }
    found
}

/// The first few lengths: `64/32/16`.
fn some_of(lengths: &[u64]) -> String {
    const MOST: usize = 4;
    let shown: Vec<String> = lengths.iter().take(MOST).map(u64::to_string).collect();
    let more = if lengths.len() > MOST { "/…" } else { "" };
    shown.join("/") + more
}

fn array_row(view: &NodeView, ends: Option<&Ends>, theme: Theme) -> Vec<Cell> {
    let safe = |text: String| Cell::from(escape::text(&text).into_owned());
    let names = view.dimension_names();
    let dimensions = if names.iter().any(Option::is_some) {
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.unwrap_or_else(|| "–".to_owned()))
            .collect();
        format!("({})", names.join(", "))
    } else {
        words::shape(&view.shape(), &[])
    };
    let text = |key: &str| {
        view.attributes()
            .get(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let what = if view.sharding().is_some() {
        "shards"
    } else {
        "chunks"
    };
    let shape = words::chunk_shape(view);
    let chunks = match (view.chunk_count(), view.chunk_shape()) {
        (Some(count), Some(_)) => format!("{what} {count} × {shape}"),
        (Some(count), None) => format!("{what} {count}, {shape}"),
        (None, _) => format!("{what} {shape}"),
    };
    vec![
        Cell::painted(&escape::text(view.name()), |name| theme.array(name)).name(),
        safe(dimensions),
        safe(format!("{}{}", words::data_type(view), decoded(view))),
        safe(match ends {
            Some(ends) => coordinate::values(view, ends),
            None => text("units"),
        }),
        view.logical_bytes().map(units::bytes).unwrap_or_default().into(),
        Cell::painted(&chunks, |chunks| theme.dim(chunks)),
        Cell::painted(&escape::text(&words::compression(view)), |codec| theme.dim(codec)),
    ]
}

/// What the CF conventions make of the stored numbers: ` → ×0.01 +273.15`.
fn decoded(view: &NodeView) -> String {
    let number = |key: &str| {
        view.attributes()
            .get(key)
            .filter(|value| value.as_number().is_some())
    };
    let mut text = String::new();
    if let Some(scale) = number("scale_factor") {
        let _ = write!(text, " ×{scale}");
    }
    if let Some(offset) = number("add_offset") {
        let offset = offset.to_string();
        let _ = write!(
            text,
            " {}{offset}",
            if offset.starts_with('-') { "" } else { "+" }
        );
    }
    text
}

fn group_row(view: &NodeView, theme: Theme) -> Vec<Cell> {
    let name = format!("{}/", escape::text(view.name()));
    let count = match view.attributes().len() {
        0 => String::new(),
        count => units::count(count, "attribute", "attributes"),
    };
    vec![
        Cell::painted(&name, |name| theme.group(name)).name(),
        Cell::painted(&count, |count| theme.dim(count)),
    ]
}

fn broken(members: &[MemberView], theme: Theme) -> String {
    let rows: Vec<Vec<Cell>> = members
        .iter()
        .filter_map(|member| match member {
            MemberView::Broken { path, message, .. } => Some(vec![
                Cell::from(escape::text(path.trim_start_matches('/'))).name(),
                Cell::from(escape::text(message)).last(),
            ]),
            MemberView::Node(_) | MemberView::Unlisted { .. } => None,
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("{}\n{}", theme.error("Broken"), layout(&rows, &[], "  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v3, array_v3, coordinate, group as group_view};

    fn shown(members: &[MemberView]) -> String {
        let ends = BTreeMap::from([(
            "/lat".to_owned(),
            (75.0_f32.to_le_bytes().to_vec(), 15.5_f32.to_le_bytes().to_vec()),
        )]);
        let heading = Heading {
            title: "gs://bucket/air.zarr",
            consolidated: true,
            members_known: true,
            ends: &ends,
        };
        group(heading, &group_view("/"), members, false, Theme::plain())
    }

    #[test]
    fn a_data_set() {
        let members = [
            MemberView::Node(air_v3()),
            MemberView::Node(coordinate("lat", 25)),
            MemberView::Node(coordinate("lon", 53)),
            MemberView::Node(group_view("/extra")),
            MemberView::Broken {
                path: "/bad".to_owned(),
                code: 5,
                message: "zarr.json: not JSON".to_owned(),
            },
        ];
        insta::assert_snapshot!(shown(&members), @"
        gs://bucket/air.zarr   group · zarr v3 · consolidated · 1 group · 3 arrays · 621 KiB logical
        Dimensions  time 240 · lat 25 · lon 53
        Coordinates
          lat  (lat)             float32              75.0 … 15.5 degrees_north    100 B  chunks 1 × (25)         -
          lon  (lon)             float32              degrees_north                212 B  chunks 1 × (53)         -
        Data
          air  (time, lat, lon)  int16 ×0.01 +273.15  degK                       621 KiB  chunks 3 × (100,25,53)  zstd
        Groups
          extra/  2 attributes
        Broken
          bad  zarr.json: not JSON
        Attributes
          title  tests
          limit  NaN
        ");
    }

    #[test]
    fn arrays_without_names() {
        let array = array_v3(
            r#"{"shape": [4, 4], "data_type": "bool", "codecs": ["bytes"],
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 4]}}}"#,
        );
        insta::assert_snapshot!(shown(&[MemberView::Node(array)]), @"
        gs://bucket/air.zarr   group · zarr v3 · consolidated · 1 array · 16 B logical
        Arrays
          a  4×4  bool  16 B  chunks 2 × (2,4)  -
        Attributes
          title  tests
          limit  NaN
        ");
    }

    #[test]
    fn dimensions_of_several_lengths() {
        let members = [coordinate("x", 64), coordinate("x", 32)].map(MemberView::Node);
        let text = shown(&members);
        assert!(text.contains("\nDimensions  x 64/32\n"), "{text}");
    }

    #[test]
    fn an_empty_group() {
        insta::assert_snapshot!(shown(&[]), @"
        gs://bucket/air.zarr   group · zarr v3 · consolidated · empty
        Attributes
          title  tests
          limit  NaN
        ");
    }
}
