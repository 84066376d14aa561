//! The chains of v2: filters and compressors, with the object codec before them where the data type needs one.

use zarr_core::metadata::data_type::Endianness;
use zarr_core::metadata::{DataType, NamedConfig};

use super::super::values::Values;
use super::{BLOSC, Chain, LZMA_FORMATS, ZFPY_MODES, categorize, item_bytes, number, v2};

/// All filters and compressors; `object` is the object codec that the data type needs.
pub(crate) fn of_v2(
    data_type: &DataType,
    endianness: Endianness,
    object: Option<&NamedConfig>,
) -> Vec<Chain> {
    let zlib = || Some(v2("zlib", r#""level":1"#));
    let first: Vec<NamedConfig> = object.cloned().into_iter().collect();
    let with = |label: String, filter: NamedConfig| {
        let filters = first.iter().cloned().chain([filter]).collect();
        Chain::new(label, filters).with_compressor(zlib())
    };
    let mut all: Vec<Chain> = compressors()
        .into_iter()
        .map(|(label, compressor)| Chain::new(label, first.clone()).with_compressor(compressor))
        .collect();
    all.extend(
        bytes_filters(item_bytes(data_type))
            .into_iter()
            .map(|(label, filter)| with(label, filter)),
    );
    if object.is_none() {
        all.extend(zfpy());
        all.extend(
            calculating(data_type, endianness)
                .into_iter()
                .map(|chain| chain.with_compressor(zlib())),
        );
    }
    all
}

fn compressors() -> Vec<(String, Option<NamedConfig>)> {
    let mut all = vec![("bytes".to_owned(), None)];
    let mut add = |label: String, id: &str, members: &str| all.push((label, Some(v2(id, members))));
    for (id, members) in [
        ("zlib", r#""level":1"#),
        ("gzip", r#""level":1"#),
        ("bz2", r#""level":1"#),
        ("lz4", r#""acceleration":1"#),
        ("zstd", r#""level":3"#),
        ("pcodec", r#""level":8"#),
    ] {
        add(id.to_owned(), id, members);
    }
    add("zstd+checksum".to_owned(), "zstd", r#""level":1,"checksum":true"#);
    for (suffix, members) in LZMA_FORMATS {
        add(format!("lzma{suffix}"), "lzma", members);
    }
    for (cname, _, shuffle) in BLOSC {
        let members = format!(r#""cname":"{cname}","clevel":5,"shuffle":{shuffle},"blocksize":0"#);
        add(format!("blosc-{cname}"), "blosc", &members);
    }
    all
}

/// Filters on bytes, which all data types take.
fn bytes_filters(item_bytes: usize) -> Vec<(String, NamedConfig)> {
    let shuffle = format!(r#""elementsize":{item_bytes}"#);
    let filters = [
        ("shuffle", "shuffle", shuffle.as_str()),
        ("crc32", "crc32", ""),
        ("crc32-other end", "crc32", r#""location":"end""#),
        ("crc32c", "crc32c", ""),
        ("adler32", "adler32", ""),
        ("adler32-other end", "adler32", r#""location":"end""#),
        ("fletcher32", "fletcher32", ""),
        (
            "jenkins_lookup3",
            "jenkins_lookup3",
            r#""initval":0,"prefix":null"#,
        ),
        ("base64", "base64", ""),
    ];
    filters
        .map(|(label, id, members)| (label.to_owned(), v2(id, members)))
        .into()
}

/// As compressor, which is where it mostly stands, and once as filter.
fn zfpy() -> Vec<Chain> {
    let all = ZFPY_MODES.map(|(mode, members)| {
        let chain = Chain::new(format!("zfpy-{mode}"), Vec::new());
        let chain = chain.with_compressor(Some(v2("zfpy", members)));
        if mode == "reversible" {
            chain
        } else {
            chain.with_values(Values::Small).lossy()
        }
    });
    let filter = Chain::new("zfpy-filter", vec![v2("zfpy", ZFPY_MODES[0].1)]);
    let filter = filter.with_compressor(Some(v2("zlib", r#""level":1"#)));
    all.into_iter().chain([filter]).collect()
}

/// Filters that calculate with the elements, or leave bits of them out.
fn calculating(data_type: &DataType, endianness: Endianness) -> Vec<Chain> {
    let mut filters = vec![Chain::new("bitround", vec![v2("bitround", r#""keepbits":4"#)]).lossy()];
    if let DataType::FixedLengthUtf32 { .. } = data_type {
        let dtype = data_type.to_v2_json(endianness).unwrap();
        let codec = categorize(dtype.as_str().unwrap(), endianness);
        filters.push(Chain::new("categorize", vec![codec]).with_values(Values::Labels));
    }
    let Some(dtype) = number(data_type, endianness) else {
        return filters;
    };
    let mut add = |id: &str, members: &str| {
        filters.push(
            Chain::new(id, vec![v2(id, members)])
                .with_values(Values::Small)
                .lossy(),
        );
    };
    if data_type == &DataType::Bool {
        add("packbits", "");
        return filters;
    }
    add("delta", &format!(r#""dtype":"{dtype}""#));
    add(
        "astype",
        &format!(r#""encode_dtype":"<f8","decode_dtype":"{dtype}""#),
    );
    add(
        "fixedscaleoffset",
        &format!(r#""offset":-20,"scale":10,"dtype":"{dtype}","astype":"<i4""#),
    );
    if matches!(data_type, DataType::Float(_)) {
        add("quantize", &format!(r#""digits":1,"dtype":"{dtype}""#));
    }
    filters
}
