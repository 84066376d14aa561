//! Members, a line each.

use zarr_core::NodeKind;

use super::table::{Align, Cell, layout};
use super::{Theme, units, words};
use crate::escape;
use crate::view::MemberView;

/// Names only; a group's ends in a slash.
pub(crate) fn short(members: &[MemberView], theme: Theme) -> String {
    members.iter().fold(String::new(), |mut text, member| {
        text += name(member, theme).as_printed();
        if let MemberView::Broken { message, .. } = member {
            text += &format!("  {}", theme.error(&format!("broken: {}", escape::text(message))));
        }
        text.push('\n');
        text
    })
}

/// Kind, data type, shape, chunks, compression, size and name.
pub(crate) fn long(members: &[MemberView], theme: Theme) -> String {
    let rows: Vec<Vec<Cell>> = members
        .iter()
        .map(|member| {
            let mut row: Vec<Cell> = match member {
                MemberView::Node(view) if view.kind == NodeKind::Array => [
                    "array".to_owned(),
                    words::data_type(view),
                    words::shape(&view.shape(), &[]),
                    words::chunk_shape(view),
                    words::compression(view),
                    view.logical_bytes()
                        .map(units::bytes)
                        .unwrap_or_else(|| "varies".to_owned()),
                ]
                .into_iter()
                .map(|text| Cell::from(escape::text(&text).into_owned()))
                .collect(),
                MemberView::Node(_) | MemberView::Unlisted { .. } => vec!["group".into()],
                MemberView::Broken { .. } => vec![Cell::painted("broken", |text| theme.error(text))],
            };
            row.resize_with(6, || "".into());
            row.push(name(member, theme).last());
            if let MemberView::Broken { message, .. } = member {
                row.push(Cell::from(escape::text(message)).last());
            }
            row
        })
        .collect();
    layout(
        &rows,
        &[
            Align::Left,
            Align::Left,
            Align::Left,
            Align::Left,
            Align::Left,
            Align::Right,
        ],
        "",
    )
}

fn name(member: &MemberView, theme: Theme) -> Cell {
    let relative = |path: &str| escape::text(path.strip_prefix('/').unwrap_or(path)).into_owned();
    match member {
        MemberView::Node(view) if view.kind == NodeKind::Array => {
            Cell::painted(&relative(&view.path), |text| theme.array(text))
        }
        MemberView::Node(view) => {
            Cell::painted(&format!("{}/", relative(&view.path)), |text| theme.group(text))
        }
        MemberView::Broken { path, .. } => relative(path).into(),
        MemberView::Unlisted { path, reason, .. } => {
            format!("{}/  children unknown: {}", relative(path), escape::text(reason)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v2, air_v3, coordinate, group};

    fn members() -> Vec<MemberView> {
        let broken = MemberView::Broken {
            path: "/bad\n".to_owned(),
            code: 5,
            message: "not JSON".to_owned(),
        };
        vec![
            MemberView::Node(air_v3()),
            broken,
            MemberView::Node(group("/g")),
            MemberView::Node(coordinate("lat", 25)),
        ]
    }

    #[test]
    fn short_lines() {
        insta::assert_snapshot!(short(&members(), Theme::plain()), @r"
        air
        bad\n  broken: not JSON
        g/
        lat
        ");
    }

    #[test]
    fn long_lines() {
        insta::assert_snapshot!(long(&members(), Theme::plain()), @r"
        array   int16    240×25×53  (100,25,53)  zstd  621 KiB  air
        broken                                                  bad\n  not JSON
        group                                                   g/
        array   float32  25         (25)         -       100 B  lat
        ");
        insta::assert_snapshot!(long(&[MemberView::Node(air_v2())], Theme::plain()), @"array  int16  240×25×53  (100,25,53)  blosc  621 KiB  air");
    }
}
