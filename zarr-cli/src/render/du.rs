//! What a hierarchy stores, as a table.

use super::table::{Align, Cell, layout};
use super::{Theme, units};
use crate::escape;
use crate::usage::Usage;

/// Stored and logical bytes, ratio and written chunks of each array, then the rest and the sum.
pub(crate) fn usage(usage: &Usage, theme: Theme) -> String {
    let heading = ["stored", "logical", "ratio", "written", "node"];
    let mut rows = vec![
        heading
            .iter()
            .map(|word| Cell::painted(word, |word| theme.dim(word)))
            .collect::<Vec<_>>(),
    ];
    let (mut stored, mut logical, mut objects, mut unsized_objects) = (0, 0, 0, 0);
    for array in &usage.arrays {
        stored += array.stored.chunk_bytes;
        logical += array.view.logical_bytes().unwrap_or(0);
        objects += array.stored.chunks;
        unsized_objects += array.stored.unsized_objects;
        let ratio = array
            .view
            .logical_bytes()
            .and_then(|logical| units::ratio(logical, array.stored.chunk_bytes));
        let written = match array.view.chunk_count() {
            Some(count) => format!("{}/{count}", array.stored.chunks),
            None => array.stored.chunks.to_string(),
        };
        let path = array.view.path.trim_start_matches('/');
        rows.push(vec![
            units::bytes(array.stored.chunk_bytes).into(),
            array
                .view
                .logical_bytes()
                .map(units::bytes)
                .unwrap_or_default()
                .into(),
            ratio.unwrap_or_default().into(),
            written.into(),
            Cell::painted(&escape::text(if path.is_empty() { "." } else { path }), |path| {
                theme.array(path)
            }),
        ]);
    }
    let rest = [
        (
            usage.metadata.document_bytes,
            usage.metadata.documents,
            "metadata documents",
        ),
        (usage.stray.chunk_bytes, usage.stray.chunks, "other objects"),
    ];
    for (bytes, count, what) in rest {
        stored += bytes;
        objects += count;
        if count > 0 {
            rows.push(vec![
                units::bytes(bytes).into(),
                "".into(),
                "".into(),
                count.to_string().into(),
                what.into(),
            ]);
        }
    }
    unsized_objects += usage.metadata.unsized_objects + usage.stray.unsized_objects;
    let mut total = format!("total, {objects} objects");
    if unsized_objects > 0 {
        total += &format!(" ({unsized_objects} of unknown size)");
    }
    rows.push(vec![
        units::bytes(stored).into(),
        units::bytes(logical).into(),
        "".into(),
        "".into(),
        total.into(),
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
            0 B    100 B             1/1  lat
        1.2 KiB                        1  metadata documents
        489 KiB  621 KiB                  total, 4 objects (1 of unknown size)
        ");
    }
}
