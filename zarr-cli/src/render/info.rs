//! One node, every field.

use zarr_core::NodeKind;
use zarr_core::metadata::json::Object;

use super::table::{Cell, layout};
use super::{Theme, units, words};
use crate::escape;
use crate::view::{self, NodeView};

/// So much of an attribute's value is shown.
const MOST_OF_A_VALUE: usize = 100;

/// A node, a field a line. `stored` is what a listing found, as lines of its own.
pub(crate) fn node(view: &NodeView, facts: &[(&'static str, String)], theme: Theme) -> String {
    let mut fields: Vec<(&str, String)> = vec![("kind", format!("{}, zarr {}", view.kind, view.format))];
    if view.kind == NodeKind::Array {
        fields.extend(array(view));
    }
    fields.extend(facts.iter().map(|(name, fact)| (*name, fact.clone())));
    let rows: Vec<Vec<Cell>> = fields
        .into_iter()
        .map(|(name, text)| {
            vec![
                Cell::painted(name, |name| theme.dim(name)),
                escape::text(&text).into_owned().into(),
            ]
        })
        .collect();
    let mut text = layout(&rows, &[], "");
    text += &attributes(view.attributes(), usize::MAX, theme);
    text
}

fn array(view: &NodeView) -> Vec<(&'static str, String)> {
    let shape = view.shape();
    let mut fields = vec![("shape", words::shape(&shape, &view.dimension_names()))];
    let mut data_type = words::data_type(view);
    if let Some(order) = view.endianness() {
        data_type = format!("{data_type}, {}", words::endianness(order));
    }
    fields.push(("data type", data_type));
    fields.push(("fill value", words::fill_value(view, MOST_OF_A_VALUE)));
    let chunks = |shape: &[u64], of: &[u64]| {
        let mut text = words::tuple(shape);
        if let Some(count) = view::cells(of, shape) {
            text = format!("{count} of {text}");
        }
        let bytes = view.element_bytes().zip(view::product(shape));
        if let Some(bytes) = bytes.and_then(|(element, count)| count.checked_mul(u128::from(element))) {
            text = format!(
                "{text}, {}{}",
                units::bytes(bytes),
                if shape == of { "" } else { " each" }
            );
        }
        text
    };
    match (view.chunk_shape(), view.inner_chunk_shape()) {
        (Some(shard), Some(inner)) => {
            fields.push(("shards", chunks(&shard, &shape)));
            let per_shard = view::cells(&shard, &inner).map(|count| format!(", {count} in a shard"));
            fields.push((
                "chunks",
                format!("{}{}", chunks(&inner, &shape), per_shard.unwrap_or_default()),
            ));
        }
        (Some(chunk), None) => fields.push(("chunks", chunks(&chunk, &shape))),
        (None, _) => match view.grid().zip(view.chunk_count()) {
            Some((grid, count)) => {
                let what = if view.sharding().is_some() {
                    "shards"
                } else {
                    "chunks"
                };
                let edges = words::cut(&words::edges(&grid), MOST_OF_A_VALUE);
                fields.push((what, format!("{count}, {} {edges}", words::chunk_shape(view))));
            }
            None => fields.push((
                "chunk grid",
                words::value(view.stored("chunk_grid"), MOST_OF_A_VALUE),
            )),
        },
    }
    fields.push(("codecs", words::codecs(view)));
    let order = view.stored("order");
    if order.as_str() == Some("F") {
        fields.push(("order", "F (column-major)".to_owned()));
    }
    if let Some(bytes) = view.logical_bytes() {
        fields.push(("size", format!("{} logical", units::bytes(bytes))));
    }
    fields
}

/// Attributes, one a line, at most `most` of them.
pub(crate) fn attributes(attributes: &Object, most: usize, theme: Theme) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = attributes
        .iter()
        .take(most)
        .map(|(name, value)| {
            // A text is shown without its quotes, as far as it cannot be taken for something else.
            let mut shown = words::value(value, MOST_OF_A_VALUE);
            if value.as_str().is_some_and(|text| !text.is_empty()) {
                shown = shown.trim_matches('"').to_owned();
            }
            vec![
                escape::text(name).into_owned().into(),
                escape::text(&shown).into_owned().into(),
            ]
        })
        .collect();
    let mut text = format!("{}\n{}", theme.heading("Attributes"), layout(&rows, &[], "  "));
    if attributes.len() > most {
        text += &format!(
            "  {}\n",
            theme.dim(&format!("… {} more (-a)", attributes.len() - most))
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v2, air_v3, array_v3, group};

    #[test]
    fn an_array() {
        insta::assert_snapshot!(node(&air_v3(), &[("stored", "3/3 chunks".to_owned())], Theme::plain()), @"
        kind        array, zarr v3
        shape       time 240 · lat 25 · lon 53
        data type   int16, little-endian
        fill value  0
        chunks      3 of (100,25,53), 259 KiB each
        codecs      bytes → zstd(0)
        size        621 KiB logical
        stored      3/3 chunks
        Attributes
          units         degK
          scale_factor  0.01
          add_offset    273.15
          _FillValue    -32767
        ");
        insta::assert_snapshot!(node(&air_v2(), &[], Theme::plain()), @r#"
        kind        array, zarr v2
        shape       time 240 · lat 25 · lon 53
        data type   int16, big-endian
        fill value  null
        chunks      3 of (100,25,53), 259 KiB each
        codecs      delta(<i2) → blosc(lz4, 5, shuffle)
        size        621 KiB logical
        Attributes
          _ARRAY_DIMENSIONS  ["time","lat","lon"]
        "#);
    }

    #[test]
    fn a_sharded_array() {
        let view = array_v3(
            r#"{"shape": [2, 512, 512], "data_type": "uint16", "fill_value": 0,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 256, 256]}},
                "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 64, 64],
                    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
                    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]}}]}"#,
        );
        insta::assert_snapshot!(node(&view, &[], Theme::plain()), @"
        kind        array, zarr v3
        shape       2×512×512
        data type   uint16, little-endian
        fill value  0
        shards      8 of (1,256,256), 128 KiB each
        chunks      128 of (1,64,64), 8.0 KiB each, 16 in a shard
        codecs      shards [bytes; index bytes → crc32c at end]
        size        1.0 MiB logical
        ");
    }

    #[test]
    fn shards_in_shards_and_chunks_of_many_shapes() {
        let view = array_v3(
            r#"{"shape": [64, 30], "data_type": "uint16", "fill_value": 0,
                "chunk_grid": {"name": "rectilinear", "configuration": {"kind": "inline",
                    "chunk_shapes": [32, [8, [4, 4], 6]]}},
                "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [16, 2],
                    "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [8, 2],
                        "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}],
                        "index_codecs": ["bytes"]}}],
                    "index_codecs": ["bytes"]}}]}"#,
        );
        insta::assert_snapshot!(node(&view, &[], Theme::plain()), @"
        kind        array, zarr v3
        shape       64×30
        data type   uint16, big-endian
        fill value  0
        shards      12, rectilinear (32 | 8,4×4,6)
        codecs      shards [shards [bytes; index bytes at end]; index bytes at end]
        size        3.8 KiB logical
        ");
    }

    #[test]
    fn a_group() {
        insta::assert_snapshot!(node(&group("/"), &[], Theme::plain()), @"
        kind  group, zarr v3
        Attributes
          title  tests
          limit  NaN
        ");
    }

    #[test]
    fn an_array_of_nonsense_is_shown_as_it_is() {
        let view = array_v3(r#"{"shape": "long", "data_type": 7, "chunk_grid": [1], "codecs": {}}"#);
        insta::assert_snapshot!(node(&view, &[], Theme::plain()), @"
        kind        array, zarr v3
        shape       scalar
        data type   7
        fill value  null
        chunk grid  [1]
        codecs      {}
        ");
    }
}
