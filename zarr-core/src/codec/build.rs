//! Building chains from metadata: the codec list of v3, the filters and compressor of v2.

use std::sync::Arc;

use super::bytes::{Bytes, Swap};
use super::categorize::Categorize;
use super::chain::CodecChain;
use super::config::Config;
use super::error::{CodecError, Result};
use super::object::{Format, Objects};
use super::registry::{self, Buffer, CodecInfo, Make, Nesting};
use super::representation::Representation;
use super::v2_buffer::{ArrayBuffer, SerializedBuffer};
use super::{ArrayToArray, ArrayToBytes, BytesToBytes, Transpose};
use crate::metadata::data_type::V2DataType;
use crate::metadata::limits::MAX_CODECS;
use crate::metadata::{ArrayEncoding, ArrayMetadata, DataType, FillValue, NamedConfig, Order, V2Encoding};

impl CodecChain {
    /// The chain of a v3 array for chunks of `shape`; `fill` is the fill value in decoded form.
    ///
    /// # Errors
    /// [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) in the name of a codec that is not known;
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for codecs in the wrong order or
    /// that do not fit what the one before makes.
    pub fn from_v3(codecs: &[NamedConfig], data_type: &DataType, fill: &[u8], shape: &[u64]) -> Result<Self> {
        let array = Representation::new(shape.to_vec(), data_type.clone(), fill.to_vec())?;
        chain_v3(codecs, array, Nesting(0)).map_err(|error| error.within("codecs"))
    }

    /// The chain of a v2 array for chunks of `shape`; `fill` is the fill value in decoded form.
    ///
    /// # Errors
    /// As [`from_v3`](Self::from_v3). `pickle` is refused: reading it would run the writer's code.
    pub fn from_v2(encoding: &V2Encoding, data_type: &DataType, fill: &[u8], shape: &[u64]) -> Result<Self> {
        let array = Representation::new(shape.to_vec(), data_type.clone(), fill.to_vec())?;
        chain_v2(encoding, array)
    }

    /// The chain of an array of either format for chunks of `shape`: the array's chunk shape, or one that occurs in its
    /// grid.
    ///
    /// # Errors
    /// As [`from_v3`](Self::from_v3); [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported) also for an
    /// unknown data type.
    pub fn for_array(metadata: &ArrayMetadata, shape: &[u64]) -> Result<Self> {
        let fill = metadata
            .fill_value()
            .map_err(|error| CodecError::unsupported("chunk", error))?;
        Self::with_fill(metadata, &Arc::new(fill.clone()), shape)
    }

    /// As [`for_array`](Self::for_array), with the array's fill value, which many chains can share.
    pub(crate) fn with_fill(metadata: &ArrayMetadata, fill: &Arc<FillValue>, shape: &[u64]) -> Result<Self> {
        let data_type = metadata.data_type().clone();
        let array = Representation::with_fill(shape.to_vec(), data_type, Arc::clone(fill))?;
        match metadata.encoding() {
            ArrayEncoding::V3(encoding) => {
                chain_v3(&encoding.codecs, array, Nesting(0)).map_err(|error| error.within("codecs"))
            }
            ArrayEncoding::V2(encoding) => chain_v2(encoding, array),
        }
    }
}

fn unknown(name: &str) -> CodecError {
    CodecError::unsupported(name.to_owned(), "this codec is not known")
}

pub(super) fn chain_v3(
    codecs: &[NamedConfig],
    array: Representation,
    nesting: Nesting,
) -> Result<CodecChain> {
    if codecs.len() > MAX_CODECS {
        return Err(CodecError::configuration(
            "codecs",
            format_args!("{} codecs in a chain", codecs.len()),
        ));
    }
    let mut stages = Stages {
        current: array.clone(),
        array_to_array: Vec::new(),
        array_to_bytes: None,
        bytes_to_bytes: Vec::new(),
    };
    for (index, codec) in codecs.iter().enumerate() {
        let added = stages.add(codec, nesting);
        added.map_err(|error| error.within_index(index))?;
    }
    let array_to_bytes = stages
        .array_to_bytes
        .ok_or_else(|| CodecError::configuration("codecs", "there is no array→bytes codec"))?;
    Ok(CodecChain::new(
        array,
        stages.array_to_array,
        array_to_bytes,
        stages.bytes_to_bytes,
    ))
}

/// A v3 chain on its way.
struct Stages {
    /// What the array→array codecs have made of the array.
    current: Representation,
    array_to_array: Vec<Arc<dyn ArrayToArray>>,
    array_to_bytes: Option<Arc<dyn ArrayToBytes>>,
    bytes_to_bytes: Vec<Arc<dyn BytesToBytes>>,
}

impl Stages {
    fn add(&mut self, codec: &NamedConfig, nesting: Nesting) -> Result<()> {
        let Some(info) = registry::find_v3(codec.name()) else {
            return match codec.must_understand() {
                true => Err(unknown(codec.name())),
                false => Ok(()),
            };
        };
        let config = Config::new(codec.name(), codec.configuration());
        let misplaced = |what: &str| Err(CodecError::configuration(codec.name(), what));
        match info.make {
            Make::ArrayToArray(_) if self.array_to_bytes.is_some() => {
                return misplaced("an array→array codec after the array→bytes codec");
            }
            Make::ArrayToBytes(_) if self.array_to_bytes.is_some() => {
                return misplaced("a second array→bytes codec");
            }
            Make::BytesToBytes(_) if self.array_to_bytes.is_none() => {
                return misplaced("a bytes→bytes codec before the array→bytes codec");
            }
            Make::ArrayToArray(make) => {
                let made = make(config, &self.current)?;
                self.current = made.encoded().clone();
                self.array_to_array.push(made);
            }
            Make::ArrayToBytes(make) => {
                self.array_to_bytes = Some(make(config, &self.current, nesting)?);
            }
            Make::BytesToBytes(make) => {
                let element_size = self.current.element_size();
                self.bytes_to_bytes.push(make(config, Buffer { element_size })?);
            }
        }
        Ok(())
    }
}

/// What a v2 filter sees: a buffer of elements of some type, or plain bytes.
struct View {
    array: Representation,
    swap: Swap,
}

fn chain_v2(encoding: &V2Encoding, array: Representation) -> Result<CodecChain> {
    let V2Encoding {
        order,
        filters,
        compressor,
        big_endian_runs,
    } = encoding;
    if filters.len() > MAX_CODECS {
        return Err(CodecError::configuration(
            "filters",
            format_args!("{} filters", filters.len()),
        ));
    }
    let mut array_to_array: Vec<Arc<dyn ArrayToArray>> = Vec::new();
    let mut current = array.clone();
    let at = |index: usize| move |error: CodecError| place_v2(filters, index, error);
    let mut codecs = filters
        .iter()
        .chain(compressor)
        .enumerate()
        .map(|(index, codec)| Ok((index, v2_codec(codec).map_err(at(index))?)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .peekable();
    // These store values by their indices, whatever the order.
    let nested = codecs
        .peek()
        .is_some_and(|(_, (info, _))| matches!(info.v2, Some("json2" | "msgpack2")));
    if *order == Order::F && !nested && array.shape().len() > 1 {
        let transpose = Transpose::reversed(&array)?;
        current = transpose.encoded().clone();
        array_to_array.push(Arc::new(transpose));
    }
    let (array_to_bytes, mut view): (Arc<dyn ArrayToBytes>, _) =
        if let Some(element_size) = current.element_size() {
            let bytes = Bytes::with_runs(big_endian_runs.clone(), &current)?;
            let swap = Swap::new(element_size, big_endian_runs.clone());
            (Arc::new(bytes), Some(View { array: current, swap }))
        } else {
            match codecs.next() {
                Some((_, first)) if !filters.is_empty() => {
                    object_codec(first, &current, *order).map_err(at(0))?
                }
                Some(_) | None => return Err(no_object_codec().within("filters")),
            }
        };
    let mut bytes_to_bytes: Vec<Arc<dyn BytesToBytes>> = Vec::new();
    for (index, (info, config)) in codecs {
        bytes_to_bytes.push(on_buffer(info, config, &mut view).map_err(at(index))?);
    }
    Ok(CodecChain::new(
        array,
        array_to_array,
        array_to_bytes,
        bytes_to_bytes,
    ))
}

/// A filter or compressor of v2, which works on a buffer; `view` is what it sees, and then what the next one sees.
fn on_buffer(info: &CodecInfo, config: Config<'_>, view: &mut Option<View>) -> Result<Arc<dyn BytesToBytes>> {
    match info.make {
        Make::BytesToBytes(make) => {
            let element_size = view.as_ref().and_then(|view| view.array.element_size());
            let made = make(config, Buffer { element_size })?;
            // What leaves a checksum or compressor has no elements any more; a shuffle still does.
            *view = view
                .take()
                .filter(|seen| made.encoded_size(seen.array.size()) == seen.array.size());
            Ok(made)
        }
        Make::ArrayToArray(make) => {
            let seen = view.take().ok_or_else(|| no_array(config))?;
            let (wrapped, after) = wrap_filter(make(config, &seen.array)?, config, seen)?;
            *view = Some(after);
            Ok(wrapped)
        }
        Make::ArrayToBytes(make) => {
            let seen = view.take().ok_or_else(|| no_array(config))?;
            let is_text = matches!(seen.array.data_type(), DataType::FixedLengthUtf32 { .. });
            if seen.swap != Swap::Nothing && !is_text {
                // numcodecs writes none, and what it reads it takes for little-endian.
                let what = "big-endian numbers in a v2 array";
                return Err(CodecError::unsupported(config.codec(), what));
            }
            let codec = make(config, &seen.array, Nesting(0))?;
            Ok(Arc::new(SerializedBuffer::new(codec, seen.swap, &seen.array)))
        }
    }
}

fn no_array(config: Config<'_>) -> CodecError {
    CodecError::configuration(config.codec(), "it follows a codec that leaves no array")
}

type V2Codec<'a> = (&'static CodecInfo, Config<'a>);

fn v2_codec(codec: &NamedConfig) -> Result<V2Codec<'_>> {
    let id = codec.name();
    if id == "pickle" {
        let what = "pickled objects are refused: reading them would run the writer's code";
        return Err(CodecError::unsupported(id, what));
    }
    let info = registry::find_v2(id).ok_or_else(|| unknown(id))?;
    Ok((info, Config::v2(id, codec.configuration())))
}

/// An error of the filter at `index`, or of the compressor behind the filters.
pub(super) fn place_v2(filters: &[NamedConfig], index: usize, error: CodecError) -> CodecError {
    match filters.get(index) {
        Some(_) => error.within_index(index).within("filters"),
        None => error.within("compressor"),
    }
}

fn no_object_codec() -> CodecError {
    let reason = "an array of objects needs an object codec as its first filter";
    CodecError::configuration("filters", reason)
}

/// The array→bytes codec of an array of objects: its first filter; and what the next filter sees.
fn object_codec(
    (info, config): V2Codec<'_>,
    array: &Representation,
    order: Order,
) -> Result<(Arc<dyn ArrayToBytes>, Option<View>)> {
    let format = match info.v2 {
        Some("json2") => Some(Format::Json),
        Some("msgpack2") => Some(Format::MessagePack),
        _ => None,
    };
    if let (Some(format), Order::F) = (format, order) {
        let codec = Objects::new(format, config, array)?.with_order_f(array)?;
        return Ok((Arc::new(codec), None));
    }
    if info.v2 == Some("categorize") {
        let codec = Categorize::new(config, array)?;
        let (array, swap) = codec.view();
        return Ok((Arc::new(codec), Some(View { array, swap })));
    }
    let Make::ArrayToBytes(make) = info.make else {
        return Err(no_object_codec());
    };
    Ok((make(config, array, Nesting(0))?, None))
}

/// A filter on an array as a filter on its buffer, and what the next filter sees.
fn wrap_filter(
    codec: Arc<dyn ArrayToArray>,
    config: Config<'_>,
    before: View,
) -> Result<(Arc<dyn BytesToBytes>, View)> {
    // The filter's own types say how it views the buffers on both sides.
    let (decoded_key, encoded_key) = if config.get("encode_dtype").is_some() {
        ("decode_dtype", "encode_dtype")
    } else {
        ("dtype", "astype")
    };
    let decoded = config.dtype(decoded_key)?;
    let encoded = config.dtype(encoded_key)?.or_else(|| decoded.clone());
    let swap = |view: Option<V2DataType>, otherwise: &Swap| match view {
        Some(V2DataType {
            data_type,
            big_endian_runs,
        }) => Swap::new(data_type.size_bytes().unwrap_or(1), big_endian_runs),
        None => otherwise.clone(),
    };
    let decoded_swap = swap(decoded, &before.swap);
    let encoded_swap = match codec.encoded().element_size() {
        Some(1) => Swap::Nothing,
        _ => swap(encoded, &before.swap),
    };
    let after = View {
        array: codec.encoded().clone(),
        swap: encoded_swap.clone(),
    };
    Ok((
        Arc::new(ArrayBuffer::new(codec, before.array, decoded_swap, encoded_swap)),
        after,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Json, NodeMetadata};

    fn pointer(document: &str) -> String {
        let json = Json::parse(document.as_bytes()).unwrap();
        let array = match json.get("node_type") {
            Some(_) => NodeMetadata::from_v3_json(json)
                .unwrap()
                .as_array()
                .unwrap()
                .clone(),
            None => ArrayMetadata::from_v2_json(json, None).unwrap(),
        };
        let error = CodecChain::for_array(&array, array.shape()).unwrap_err();
        let begin = format!("{}: codec ", error.pointer);
        assert!(error.to_string().starts_with(&begin), "{error}");
        error.pointer
    }

    #[test]
    fn errors_say_which_codec_of_a_v3_array_it_is() {
        let of = |codecs: &str| {
            pointer(&format!(
                r#"{{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "uint8", "fill_value": 0,
                    "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [4]}}}},
                    "chunk_key_encoding": {{"name": "default"}}, "codecs": {codecs}}}"#
            ))
        };
        let wrong = r#"{"name": "numcodecs.shuffle", "configuration": {"elementsize": 0}}"#;
        assert_eq!(of(&format!(r#"["bytes", {wrong}]"#)), "/codecs/1");
        assert_eq!(of(r#"["bytes", "my-codec"]"#), "/codecs/1");
        let shards = format!(
            r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [2], "codecs": ["bytes", {wrong}],
                "index_codecs": [{{"name": "bytes", "configuration": {{"endian": "little"}}}}]}}}}]"#
        );
        assert_eq!(of(&shards), "/codecs/0/configuration/codecs/1");
    }

    #[test]
    fn errors_say_which_filter_of_a_v2_array_it_is() {
        let of = |dtype: &str, filters: &str, compressor: &str| {
            pointer(&format!(
                r#"{{"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "{dtype}", "fill_value": null, "order": "C",
                    "filters": {filters}, "compressor": {compressor}}}"#
            ))
        };
        let zlib = r#"{"id": "zlib", "level": 1}"#;
        let wrong = r#"{"id": "shuffle", "elementsize": 65537}"#;
        assert_eq!(of("|u1", &format!("[{zlib}, {wrong}]"), "null"), "/filters/1");
        assert_eq!(of("|u1", &format!("[{zlib}]"), wrong), "/compressor");
        assert_eq!(of("|u1", "null", r#"{"id": "my-codec"}"#), "/compressor");
        assert_eq!(of("<U4", r#"[{"id": "vlen-utf8"}]"#, zlib), "/filters/0");
        let text = format!(r#"[{{"id": "vlen-utf8"}}, {wrong}]"#);
        assert_eq!(of("|O", &text, zlib), "/filters/1");
    }
}
