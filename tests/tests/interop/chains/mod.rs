//! The codec chains that each data type is tried with. A chain that a data type does not take is left out when the array is
//! made: our own check of codecs refuses it.

mod v2;
mod v3;

pub(crate) use v2::of_v2;
pub(crate) use v3::{of_rectilinear, of_v3};

use zarr_core::metadata::data_type::{Endianness, FloatKind};
use zarr_core::metadata::{DataType, Json, NamedConfig};

use super::values::{LABELS, Values};

/// One chain.
#[derive(Clone)]
pub(crate) struct Chain {
    /// What it is called in the table of refusals.
    pub(crate) label: String,
    /// The codecs of v3, or the filters of v2.
    pub(crate) codecs: Vec<NamedConfig>,
    /// Of v2.
    pub(crate) compressor: Option<NamedConfig>,
    pub(crate) values: Values,
    /// Whether what is read may differ from what was written: then all readers must agree with us.
    pub(crate) lossy: bool,
}

impl Chain {
    fn new(label: impl Into<String>, codecs: Vec<NamedConfig>) -> Self {
        Self {
            label: label.into(),
            codecs,
            compressor: None,
            values: Values::Any,
            lossy: false,
        }
    }

    fn with_values(self, values: Values) -> Self {
        Self { values, ..self }
    }

    fn with_compressor(self, compressor: Option<NamedConfig>) -> Self {
        Self { compressor, ..self }
    }

    fn lossy(self) -> Self {
        Self { lossy: true, ..self }
    }

    /// The names of all codecs in it, those inside of shards too.
    pub(crate) fn names(&self) -> Vec<String> {
        self.codecs
            .iter()
            .chain(&self.compressor)
            .flat_map(names)
            .collect()
    }
}

fn names(codec: &NamedConfig) -> Vec<String> {
    let inner = ["codecs", "index_codecs"]
        .into_iter()
        .filter_map(|key| codec.get(key)?.as_array());
    let inner = inner.flatten().map(|json| NamedConfig::parse(json).unwrap());
    let mut all = vec![codec.name().to_owned()];
    inner.for_each(|codec| all.extend(names(&codec)));
    all
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

/// A codec of v3 by the members of its configuration.
fn v3(name: &str, configuration: &str) -> NamedConfig {
    // zarr-python wants numcodecs' codecs to have one, if an empty one.
    let text = if configuration.is_empty() && !name.starts_with("numcodecs.") {
        format!(r#"{{"name":"{name}"}}"#)
    } else {
        format!(r#"{{"name":"{name}","configuration":{{{configuration}}}}}"#)
    };
    NamedConfig::parse(&json(&text)).unwrap()
}

/// A codec of v2 by its members but for `id`.
pub(crate) fn v2(id: &str, members: &str) -> NamedConfig {
    let comma = if members.is_empty() { "" } else { "," };
    NamedConfig::parse_v2(&json(&format!(r#"{{"id":"{id}"{comma}{members}}}"#))).unwrap()
}

/// `categorize` of all [`LABELS`] of some length to numbers of two bytes.
pub(crate) fn categorize(dtype: &str, endianness: Endianness) -> NamedConfig {
    let labels: Vec<Json> = LABELS.iter().skip(1).map(|label| (*label).into()).collect();
    let order = if endianness == Endianness::Big { '>' } else { '<' };
    let members = format!(
        r#""labels":{},"dtype":"{dtype}","astype":"{order}u2""#,
        Json::from(labels)
    );
    v2("categorize", &members)
}

fn item_bytes(data_type: &DataType) -> usize {
    data_type.size_bytes().unwrap_or(1)
}

/// NumPy's name of a number that calculating codecs take.
fn number(data_type: &DataType, endianness: Endianness) -> Option<String> {
    let takes = match data_type {
        DataType::Bool => true,
        DataType::Int(kind) => kind.bits() >= 8,
        DataType::Float(FloatKind::Float16 | FloatKind::Float32 | FloatKind::Float64) => true,
        _ => false,
    };
    let json = data_type.to_v2_json(endianness).ok().filter(|_| takes)?;
    json.as_str().map(str::to_owned)
}

/// The settings of `zfpy` by the numbers of the library's modes: all but the expert one, which numcodecs cannot say.
const ZFPY_MODES: [(&str, &str); 4] = [
    ("reversible", r#""mode":5"#),
    ("rate", r#""mode":2,"rate":11.5"#),
    ("precision", r#""mode":3,"precision":14"#),
    ("accuracy", r#""mode":4,"tolerance":0.25"#),
];

/// The settings of `lzma`: its three containers, and a filter before the compressor.
const LZMA_FORMATS: [(&str, &str); 3] = [
    ("", r#""format":1,"check":-1,"preset":null,"filters":null"#),
    ("-alone", r#""format":2,"check":-1,"preset":1,"filters":null"#),
    (
        "-raw",
        r#""format":3,"check":-1,"preset":null,"filters":[{"id":3,"dist":4},{"id":33,"preset":1}]"#,
    ),
];

/// The compressors within blosc, each with a shuffle by its name in v3 and its number in v2.
const BLOSC: [(&str, &str, i64); 6] = [
    ("lz4", "shuffle", 1),
    ("lz4hc", "bitshuffle", 2),
    ("blosclz", "noshuffle", 0),
    ("zstd", "bitshuffle", 2),
    ("snappy", "shuffle", 1),
    ("zlib", "noshuffle", -1),
];
