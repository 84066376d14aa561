//! Data types, codecs, shapes and values in words.

use zarr_core::ZarrFormat;
use zarr_core::metadata::data_type::{Endianness, TimeScale};
use zarr_core::metadata::json::{NonFiniteStyle, PrintOptions};
use zarr_core::metadata::{ChunkAxis, ChunkGrid, DataType, Json};

use super::element;
use crate::view::NodeView;

/// An array's data type: `int16`, `datetime64[ns]`, `utf32[5]`, `struct(a int32, b float64 2×3)`.
pub(crate) fn data_type(view: &NodeView) -> String {
    match view.data_type() {
        Some(known) => data_type_name(&known),
        None => value(view.stored_data_type(), 30),
    }
}

fn data_type_name(data_type: &DataType) -> String {
    let time = |name: &str,
                TimeScale {
                    unit, scale_factor, ..
                }: &TimeScale| match scale_factor {
        1 => format!("{name}[{}]", unit.code()),
        factor => format!("{name}[{factor}{}]", unit.code()),
    };
    match data_type {
        DataType::RawBytes { size_bytes } => format!("raw[{size_bytes}]"),
        DataType::NullTerminatedBytes { size_bytes } => format!("bytes[{size_bytes}]"),
        DataType::FixedLengthUtf32 { code_points } => format!("utf32[{code_points}]"),
        DataType::DateTime64(scale) => time("datetime64", scale),
        DataType::TimeDelta64(scale) => time("timedelta64", scale),
        DataType::Bytes(_) => "bytes".to_owned(),
        DataType::Struct(fields) => {
            const MOST: usize = 3;
            let mut shown: Vec<String> = fields
                .fields()
                .iter()
                .take(MOST)
                .map(|field| {
                    let lengths: Vec<String> = field.shape().iter().map(usize::to_string).collect();
                    let space = if lengths.is_empty() { "" } else { " " };
                    format!(
                        "{} {}{space}{}",
                        field.name(),
                        data_type_name(field.data_type()),
                        lengths.join("×")
                    )
                })
                .collect();
            if let Some(more) = fields.fields().len().checked_sub(MOST).filter(|more| *more > 0) {
                shown.push(format!("{more} more"));
            }
            format!("struct({})", shown.join(", "))
        }
        DataType::Bool
        | DataType::Int(_)
        | DataType::Float(_)
        | DataType::Complex { .. }
        | DataType::RawBits { .. }
        | DataType::String
        | DataType::Object(_)
        | DataType::Unknown(_)
        | _ => data_type.name().into_owned(),
    }
}

/// A byte order.
pub(crate) fn endianness(endianness: Endianness) -> &'static str {
    match endianness {
        Endianness::Little => "little-endian",
        Endianness::Big => "big-endian",
    }
}

/// A shape: `240×25×53`, or with names `time 240 · lat 25`; a scalar is `scalar`.
pub(crate) fn shape(shape: &[u64], names: &[Option<String>]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    if names.iter().all(Option::is_none) {
        return shape.iter().map(u64::to_string).collect::<Vec<_>>().join("×");
    }
    let dimension = |(length, name): (&u64, &Option<String>)| match name {
        Some(name) => format!("{name} {length}"),
        None => length.to_string(),
    };
    shape
        .iter()
        .zip(names)
        .map(dimension)
        .collect::<Vec<_>>()
        .join(" · ")
}

/// A chunk's shape: `(100,25,53)`.
pub(crate) fn tuple(shape: &[u64]) -> String {
    format!(
        "({})",
        shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    )
}

/// An array's chunks as far as they have one shape, or in a word what its grid is: `(100,25,53)`, `rectilinear`.
pub(crate) fn chunk_shape(view: &NodeView) -> String {
    match view.chunk_shape() {
        Some(shape) => tuple(&shape),
        None => {
            let grid = view.stored("chunk_grid");
            let name = grid.get("name").unwrap_or(grid);
            name.as_str().map_or_else(|| "-".to_owned(), |name| cut(name, 30))
        }
    }
}

/// The edges of a grid's chunks along each dimension, the first few: `(10,20,5×30 | 50)`.
pub(crate) fn edges(grid: &ChunkGrid) -> String {
    const MOST: usize = 4;
    let axis = |axis: &ChunkAxis| match axis {
        ChunkAxis::Step(edge) => edge.to_string(),
        ChunkAxis::Runs(runs) => {
            let mut shown: Vec<String> = runs
                .iter()
                .take(MOST)
                .map(|(edge, count)| match count {
                    1 => edge.to_string(),
                    count => format!("{count}×{edge}"),
                })
                .collect();
            if runs.iter().len() > MOST {
                shown.push("…".to_owned());
            }
            shown.join(",")
        }
    };
    format!(
        "({})",
        grid.axes().iter().map(axis).collect::<Vec<_>>().join(" | ")
    )
}

/// The fill value as `cat` prints values, in at most so many characters; what cannot be read as it is stored.
pub(crate) fn fill_value(view: &NodeView, most: usize) -> String {
    let shown = view
        .data_type()
        .zip(view.fill_value())
        .and_then(|(data_type, fill)| element::shown(&data_type, fill.element()).ok());
    match shown {
        Some(shown) => cut(&shown, most),
        None => value(view.stored("fill_value"), most),
    }
}

/// The beginning of a text, in at most `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_some() {
        format!(
            "{}…",
            text.chars().take(most.saturating_sub(1)).collect::<String>()
        )
    } else {
        text.to_owned()
    }
}

/// A JSON value in at most `most` characters.
pub(crate) fn value(json: &Json, most: usize) -> String {
    // What is long need not be printed to be cut.
    if let Some(items) = json.as_array().filter(|items| items.len() > most) {
        return format!("[{} items]", items.len());
    }
    if let Some(text) = json.as_str().filter(|text| text.chars().nth(most).is_some()) {
        return format!(
            "\"{}…\"",
            text.chars().take(most.saturating_sub(3)).collect::<String>()
        );
    }
    cut(
        &json.print(PrintOptions::compact().non_finite(NonFiniteStyle::Token)),
        most,
    )
}

/// All codecs of an array in words, in the order of encoding: `bytes → zstd(3)`.
pub(crate) fn codecs(view: &NodeView) -> String {
    match view.format {
        ZarrFormat::V3 => chain(view.stored("codecs")),
        ZarrFormat::V2 => {
            let filters = view.stored("filters").as_array().unwrap_or_default();
            let compressor = Some(view.stored("compressor")).filter(|compressor| !compressor.is_null());
            let words: Vec<String> = filters.iter().chain(compressor).map(codec).collect();
            if words.is_empty() {
                "none".to_owned()
            } else {
                words.join(" → ")
            }
        }
    }
}

/// What compresses an array or adds a checksum, in a word or two: `zstd`, `shards zstd`, or `-` if nothing does.
pub(crate) fn compression(view: &NodeView) -> String {
    let codecs = match (view.format, view.sharding()) {
        (ZarrFormat::V2, _) => vec![name(view.stored("compressor"))],
        (ZarrFormat::V3, Some(inner)) => names(inner.get("codecs").unwrap_or(&Json::Null)),
        (ZarrFormat::V3, None) => names(view.stored("codecs")),
    };
    const PLAIN: [&str; 7] = [
        "bytes",
        "endian",
        "transpose",
        "vlen-utf8",
        "vlen-bytes",
        "reshape",
        "",
    ];
    let mut words: Vec<&str> = codecs
        .into_iter()
        .filter(|codec| !PLAIN.contains(codec))
        .collect();
    if view.sharding().is_some() {
        words.insert(0, "shards");
    }
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(" ")
    }
}

fn names(codecs: &Json) -> Vec<&str> {
    codecs.as_array().unwrap_or_default().iter().map(name).collect()
}

/// A codec's name: `name` in v3, `id` in v2, or the bare text.
fn name(codec: &Json) -> &str {
    let named = codec.get("name").or_else(|| codec.get("id")).unwrap_or(codec);
    let name = named.as_str().unwrap_or_default();
    name.strip_prefix("numcodecs.").unwrap_or(name)
}

fn chain(codecs: &Json) -> String {
    match codecs.as_array() {
        Some(codecs) => codecs.iter().map(codec).collect::<Vec<_>>().join(" → "),
        None => value(codecs, 60),
    }
}

/// A codec: its name and what is set, plain values without their keys.
fn codec(codec: &Json) -> String {
    let name = name(codec);
    let configuration = codec
        .get("configuration")
        .or(Some(codec))
        .and_then(Json::as_object);
    let Some(configuration) = configuration else {
        return name.to_owned();
    };
    if name == "sharding_indexed" {
        return sharding(
            configuration.get("codecs"),
            configuration.get("index_codecs"),
            configuration.get("index_location"),
        );
    }
    let settings: Vec<String> = configuration
        .iter()
        .filter(|(key, _)| !["id", "name", "must_understand", "configuration"].contains(key))
        .filter(|(_, setting)| !setting.is_null())
        // What is usual is not said.
        .filter(|(key, setting)| !(*key == "checksum" && setting.as_bool() == Some(false)))
        .filter(|(key, setting)| !(*key == "blocksize" && setting.as_u64() == Some(0)))
        .map(|(key, setting)| match (name, key, setting) {
            ("bytes", "endian", Json::String(text)) => format!("{text}-endian"),
            ("blosc", "shuffle", Json::Number(number)) => match number.as_i64() {
                Some(0) => "noshuffle".to_owned(),
                Some(1) => "shuffle".to_owned(),
                Some(2) => "bitshuffle".to_owned(),
                _ => format!("shuffle {}", number.text()),
            },
            (_, "cname" | "shuffle" | "order" | "dtype" | "astype" | "level" | "clevel", _) => plain(setting),
            _ => format!("{key} {}", plain(setting)),
        })
        .collect();
    match (name, settings.as_slice()) {
        (_, []) => name.to_owned(),
        // The byte order is said beside the data type.
        ("bytes", _) => name.to_owned(),
        _ => format!("{name}({})", settings.join(", ")),
    }
}

fn plain(setting: &Json) -> String {
    setting.as_str().map_or_else(|| value(setting, 30), str::to_owned)
}

fn sharding(codecs: Option<&Json>, index: Option<&Json>, location: Option<&Json>) -> String {
    let words = |codecs: Option<&Json>| codecs.map(chain).unwrap_or_default();
    let location = location.and_then(Json::as_str).unwrap_or("end");
    format!("shards [{}; index {} at {location}]", words(codecs), words(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zarr_core::metadata::data_type::V2DataType;

    use crate::view::testing::{air_v2, air_v3, array_v3};

    #[test]
    fn codecs_in_words() {
        assert_eq!(codecs(&air_v3()), "bytes → zstd(0)");
        assert_eq!(codecs(&air_v2()), "delta(<i2) → blosc(lz4, 5, shuffle)");
        let sharded = array_v3(
            r#"{"shape": [512, 512], "data_type": "uint16", "fill_value": 0,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [256, 256]}},
                "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [64, 64],
                    "codecs": ["bytes", {"name": "gzip", "configuration": {"level": 5}}],
                    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, "crc32c"]}}]}"#,
        );
        assert_eq!(
            codecs(&sharded),
            "shards [bytes → gzip(5); index bytes → crc32c at end]"
        );
        assert_eq!(compression(&sharded), "shards gzip");
        assert_eq!(compression(&air_v3()), "zstd");
        assert_eq!(compression(&air_v2()), "blosc");
        let checked = array_v3(r#"{"codecs": ["bytes", "crc32c"]}"#);
        assert_eq!(compression(&checked), "crc32c");
    }

    #[test]
    fn grids_in_words() {
        let view = array_v3(
            r#"{"shape": [60, 50, 4], "chunk_grid": {"name": "rectilinear", "configuration": {"kind": "inline",
                "chunk_shapes": [[10, [5, 10]], [20, 5, 6, 7, 8, 4], 4]}}}"#,
        );
        assert_eq!(
            (chunk_shape(&view).as_str(), view.chunk_count()),
            ("rectilinear", Some(66))
        );
        assert_eq!(edges(&view.grid().unwrap()), "(10,10×5 | 20,5,6,7,… | 4)");
        let unknown = array_v3(r#"{"shape": [4], "chunk_grid": {"name": "hex"}}"#);
        assert_eq!(
            (chunk_shape(&unknown).as_str(), unknown.chunk_count()),
            ("hex", None)
        );
    }

    #[test]
    fn fill_values_as_values_are() {
        let of = |data_type: &str, fill: &str| {
            let document =
                format!(r#"{{"data_type": {data_type}, "fill_value": {fill}, "codecs": ["bytes"]}}"#);
            fill_value(&array_v3(&document), 40)
        };
        let day = r#"{"name": "numpy.datetime64", "configuration": {"unit": "D", "scale_factor": 1}}"#;
        assert_eq!(of(day, "1"), "1970-01-02");
        assert_eq!(of(day, "-9223372036854775808"), "NaT");
        assert_eq!(of("\"float32\"", "\"NaN\""), "NaN");
        assert_eq!(of("\"complex64\"", "[0.0, 1.0]"), "0.0+1.0j");
        assert_eq!(of("\"string\"", "\"\""), "\"\"");
        // What cannot be read is shown as it is stored.
        assert_eq!(of("\"int8\"", "\"odd\""), "\"odd\"");
    }

    #[test]
    fn data_types_in_words() {
        let name = |text: &str| data_type(&array_v3(&format!(r#"{{"data_type": {text}}}"#)));
        assert_eq!(name(r#""int16""#), "int16");
        assert_eq!(
            name(r#"{"name": "numpy.datetime64", "configuration": {"unit": "us", "scale_factor": 25}}"#),
            "datetime64[25us]"
        );
        assert_eq!(
            name(r#"{"name": "fixed_length_utf32", "configuration": {"length_bytes": 20}}"#),
            "utf32[5]"
        );
        assert_eq!(name(r#""elsewhere.posit16""#), r#""elsewhere.posit16""#);
        let v2 =
            V2DataType::parse(&Json::parse(br#"[["a", "<i4"], ["b", "<f8", [2, 3]]]"#).unwrap()).unwrap();
        assert_eq!(data_type_name(&v2.data_type), "struct(a int32, b float64 2×3)");
    }

    #[test]
    fn values_are_cut() {
        assert_eq!(value(&Json::from("x".repeat(100)), 10), "\"xxxxxxx…\"");
        assert_eq!(value(&Json::from(vec![1_u64; 100]), 10), "[100 items]");
        assert_eq!(value(&Json::parse(b"[1, NaN]").unwrap(), 10), "[1,NaN]");
        assert_eq!(shape(&[], &[]), "scalar");
        assert_eq!(shape(&[2, 3], &[None, None]), "2×3");
        assert_eq!(shape(&[2, 3], &[Some("t".to_owned()), None]), "t 2 · 3");
    }
}
