//! What a hierarchy stores, as a table.

use super::table::{Align, Cell, layout};
use super::{Theme, units};
use crate::escape;
use crate::usage::{Stored, Usage};

/// Stored and logical bytes, ratio and written chunks of each array, then the rest and the sum.
pub(crate) fn usage(usage: &Usage, theme: Theme) -> String {
    let heading = ["stored", "logical", "ratio", "written", "node"];
    let mut rows = vec![
        heading
            .iter()
            .map(|word| Cell::painted(word, |word| theme.dim(word)))
            .collect::<Vec<_>>(),
    ];
    let (mut total, mut logical) = (Stored::default(), 0);
    for array in &usage.arrays {
        total.merge(array.stored);
        logical += array.view.logical_bytes().unwrap_or(0);
        let written = match array.view.chunk_count() {
            Some(count) => format!("{}/{count}", array.stored.chunks),
            None => array.stored.chunks.to_string(),
        };
        let path = array.view.path.trim_start_matches('/');
        rows.push(vec![
            array.stored.chunk_text().into(),
            array
                .view
                .logical_bytes()
                .map(units::bytes)
                .unwrap_or_default()
                .into(),
            array
                .stored
                .ratio(array.view.logical_bytes())
                .unwrap_or_default()
                .into(),
            written.into(),
            Cell::painted(&escape::text(if path.is_empty() { "." } else { path }), |path| {
                theme.array(path)
            }),
        ]);
    }
    for (rest, what) in [
        (usage.metadata, "metadata documents"),
        (usage.stray, "other objects"),
    ] {
        total.merge(rest);
        if rest.objects() > 0 {
            rows.push(vec![
                rest.text_of_all().into(),
                "".into(),
                "".into(),
                rest.objects().to_string().into(),
                what.into(),
            ]);
        }
    }
    let mut what = format!("total, {} objects", total.objects());
    if total.unsized_objects() > 0 {
        what += &format!(" ({} of unknown size)", total.unsized_objects());
    }
    rows.push(vec![
        total.text_of_all().into(),
        units::bytes(logical).into(),
        "".into(),
        "".into(),
        what.into(),
    ]);
    layout(
        &rows,
        &[Align::Right, Align::Right, Align::Right, Align::Right],
        "",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::ArrayUse;
    use crate::view::testing::{air_v3, coordinate};

    #[test]
    fn sums_up() {
        let mut found = Usage::default();
        for (view, sizes) in [
            (air_v3(), vec![Some(300_000), Some(200_000)]),
            (coordinate("lat", 25), vec![None]),
        ] {
            let mut array = ArrayUse {
                view,
                stored: Default::default(),
            };
            for (index, size) in sizes.into_iter().enumerate() {
                array.stored.add(&format!("air/c/{index}"), size);
            }
            found.arrays.push(array);
        }
        found.metadata.add("zarr.json", Some(1200));
        insta::assert_snapshot!(usage(&found, Theme::plain()), @"
           stored  logical  ratio  written  node
          488 KiB  621 KiB   1.3×      2/3  air
                ?    100 B             1/1  lat
          1.2 KiB                        1  metadata documents
        ≥ 489 KiB  621 KiB                  total, 4 objects (1 of unknown size)
        ");
    }
}
