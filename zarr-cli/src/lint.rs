//! Rules about metadata: pure functions from nodes to findings.

use std::collections::{BTreeMap, BTreeSet};

use zarr_core::metadata::Json;
use zarr_core::{NodeKind, ZarrFormat};

use crate::render::{units, words};
use crate::view::{self, NodeView};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Something is wrong: exit code 1.
    Error,
    /// It works, and somebody may wonder.
    Warning,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A rule. Codes stay what they are: people write them into scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    pub(crate) meaning: &'static str,
}

macro_rules! rules {
    ($($name:ident = $code:literal, $severity:ident, $meaning:literal;)*) => {
        $(pub(crate) const $name: Rule = Rule { code: $code, severity: Severity::$severity, meaning: $meaning };)*
        /// All rules, by code.
        pub(crate) const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    INVALID = "ZC001", Error, "a metadata document breaks the specification, or its codecs do not fit each other, the data type or the chunks";
    UNSUPPORTED = "ZC002", Warning, "a data type, codec, chunk grid or extension is not known here: the array can be listed at most, not read";
    AMBIGUOUS = "ZC003", Warning, "documents of both formats, or of an array and a group, lie in one place";
    STALE = "ZC004", Error, "consolidated metadata differs from the node's own document";
    NOT_CONSOLIDATED = "ZC005", Error, "a node is not in the consolidated metadata: readers that use it do not see it";
    GONE = "ZC006", Error, "consolidated metadata names a node that is not there";
    BAD_CONSOLIDATED = "ZC007", Error, "consolidated metadata, or an entry of it, is invalid";
    BAD_NAME = "ZC008", Error, "something lies in a group under a name that no node can have: readers disagree on it";
    FILL_VALUE = "ZC010", Warning, "fill_value is not _FillValue: a missing chunk reads as data";
    DIMENSION_LENGTHS = "ZC011", Warning, "a dimension has several lengths in one group";
    MISSING_COORDINATE = "ZC012", Warning, "the attribute `coordinates` names an array that is not there";
    MANY_CHUNKS = "ZC020", Warning, "more than a million chunks: listing and copying will be slow";
    SMALL_CHUNKS = "ZC021", Warning, "thousands of chunks below 64 KiB: requests will cost more than data";
    LARGE_CHUNKS = "ZC022", Warning, "chunks above 1 GiB: a reader has to hold a whole one";
    UNLISTED = "ZC030", Warning, "a group's members are unknown: at most those were checked that consolidated metadata names";
    UNREAD = "ZC031", Warning, "a node could not be read, or its members not be listed, for a reason that says nothing about it: network, permission";
    BAD_CHUNK = "ZC040", Error, "--deep: a chunk, or an inner chunk of a shard, cannot be decoded";
    MISSING_CHUNK = "ZC041", Error, "--deep --missing error: a chunk is missing";
    STRAY_KEY = "ZC042", Error, "--deep: a document makes no node, or what looks like a chunk belongs to no array or is no chunk of its array";
    OUTSIDE_GRID = "ZC043", Error, "--deep: a chunk lies outside the chunk grid: no reader sees it";
    NOT_DECODED = "ZC044", Warning, "--deep: an array's chunks were not decoded: a codec or data type is not known here, or a chunk is too large for this machine";
    FOREIGN_KEY = "ZC045", Warning, "--deep: a key among those of Zarr is neither a document nor looks like a chunk: readers pass it over";
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) path: String,
    pub(crate) message: String,
    /// What is concerned, where it is a key and not the node as a whole.
    pub(crate) place: Option<Place>,
}

/// A key, and what it should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: String,
    /// The chunk's coordinates in the chunk grid.
    pub(crate) chunk: Option<Vec<u64>>,
    /// In a shard, the coordinates in the grid of inner chunks of the array.
    pub(crate) inner_chunk: Option<Vec<u64>>,
    /// Where it was noticed: a codec.
    pub(crate) stage: Option<String>,
}

impl Finding {
    pub(crate) fn new(rule: Rule, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule,
            path: path.into(),
            message: message.into(),
            place: None,
        }
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

/// What the rules find in one array.
pub(crate) fn array(view: &NodeView) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(message) = fill_value(view) {
        findings.push(Finding::new(FILL_VALUE, &view.path, message));
    }
    let chunk_bytes = view
        .chunk_shape()
        .and_then(|shape| view::product(&shape))
        .zip(view.element_bytes())
        .and_then(|(count, element)| count.checked_mul(u128::from(element)));
    let (Some(count), Some(bytes)) = (view.chunk_count(), chunk_bytes) else {
        return findings;
    };
    let what = match (view.sharding().is_some(), count) {
        (true, 1) => "shard",
        (true, _) => "shards",
        (false, 1) => "chunk",
        (false, _) => "chunks",
    };
    let message = format!("{count} {what} of {}", units::bytes(bytes));
    if count > 1_000_000 {
        findings.push(Finding::new(MANY_CHUNKS, &view.path, message));
    } else if count > 1000 && bytes < 64 << 10 {
        findings.push(Finding::new(SMALL_CHUNKS, &view.path, message));
    } else if bytes > 1 << 30 && view.sharding().is_none() {
        findings.push(Finding::new(LARGE_CHUNKS, &view.path, message));
    }
    findings
}

/// Compared only where both are plain numbers: xarray writes those of floats in base64, and always the same as `fill_value`.
fn fill_value(view: &NodeView) -> Option<String> {
    // In v2, xarray takes `fill_value` itself for its `_FillValue`.
    if view.format == ZarrFormat::V2 {
        return None;
    }
    let fill = view.stored("fill_value").as_number()?;
    let wanted = view.attributes().get("_FillValue")?.as_number()?;
    if fill.as_f64() == wanted.as_f64() {
        return None;
    }
    let number = |key: &str| view.attributes().get(key).and_then(Json::as_f64);
    let value = fill.as_f64() * number("scale_factor").unwrap_or(1.0) + number("add_offset").unwrap_or(0.0);
    let units = view
        .attributes()
        .get("units")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let message = format!(
        "fill_value {} is not _FillValue {}: a missing chunk reads as {value} {units}",
        fill.text(),
        wanted.text()
    );
    Some(message.trim_end().to_owned())
}

/// What the rules find in a group and its direct members.
pub(crate) fn group(view: &NodeView, members: &[&NodeView]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lengths: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    // One image in several resolutions has dimensions of several lengths.
    let resolutions = resolutions(view);
    let arrays = members
        .iter()
        .filter(|member| member.kind == NodeKind::Array && !resolutions.contains(member.name()));
    for array in arrays {
        for (name, length) in array.dimension_names().into_iter().zip(array.shape()) {
            let known = lengths.entry(name.unwrap_or_default()).or_default();
            if !known.contains(&length) {
                known.push(length);
            }
        }
    }
    for (name, lengths) in lengths
        .iter()
        .filter(|(name, lengths)| !name.is_empty() && lengths.len() > 1)
    {
        let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
        let message = format!("dimension {name} has the lengths {}", lengths.join(", "));
        findings.push(Finding::new(DIMENSION_LENGTHS, &view.path, message));
    }
    for node in members.iter().copied().chain([view]) {
        let named = node
            .attributes()
            .get("coordinates")
            .and_then(Json::as_str)
            .unwrap_or_default();
        for name in named.split_whitespace() {
            if !members.iter().any(|member| member.name() == name) {
                let message = format!(
                    "coordinates names {}, which is not in the group",
                    words::value(&Json::from(name), 60)
                );
                findings.push(Finding::new(MISSING_COORDINATE, &node.path, message));
            }
        }
    }
    findings
}

/// The members that OME-Zarr's `multiscales` names: an attribute in version 0.4, a member of `ome` in 0.5.
fn resolutions(view: &NodeView) -> BTreeSet<&str> {
    let attributes = view.attributes();
    let multiscales = attributes
        .get("ome")
        .and_then(|ome| ome.get("multiscales"))
        .or_else(|| attributes.get("multiscales"))
        .and_then(Json::as_array)
        .unwrap_or_default();
    multiscales
        .iter()
        .filter_map(|image| image.get("datasets")?.as_array())
        .flatten()
        .filter_map(|dataset| dataset.get("path")?.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v2, air_v3, array_v3, coordinate, group as group_view};

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.rule.code).collect()
    }

    #[test]
    fn a_missing_chunk_that_reads_as_data() {
        let findings = array(&air_v3());
        assert_eq!(codes(&findings), ["ZC010"]);
        assert_eq!(
            findings[0].message,
            "fill_value 0 is not _FillValue -32767: a missing chunk reads as 273.15 degK"
        );
        assert!(array(&air_v2()).is_empty());
        assert!(array(&coordinate("lat", 25)).is_empty());
    }

    #[test]
    fn chunks_of_awkward_sizes() {
        let of = |shape: u64, chunk: u64| {
            array(&array_v3(&format!(
                r#"{{"shape": [{shape}], "data_type": "uint8",
                    "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [{chunk}]}}}}}}"#
            )))
        };
        assert_eq!(codes(&of(2_000_000, 1)), ["ZC020"]);
        assert_eq!(codes(&of(200_000, 100)), ["ZC021"]);
        assert_eq!(codes(&of(4 << 30, 2 << 30)), ["ZC022"]);
        assert_eq!(of(2 << 30, 2 << 30)[0].message, "1 chunk of 2.0 GiB");
        assert!(of(100_000_000, 1_000_000).is_empty());
        assert!(of(u64::MAX, 0).is_empty());
    }

    #[test]
    fn dimensions_and_coordinates_that_do_not_fit() {
        let air = air_v3().with_attribute("coordinates", "lat height");
        let lat = coordinate("lat", 26);
        let findings = group(&group_view("/"), &[&air, &lat]);
        assert_eq!(codes(&findings), ["ZC011", "ZC012"]);
        assert_eq!(findings[0].message, "dimension lat has the lengths 25, 26");
        assert!(group(&group_view("/"), &[&air_v3(), &coordinate("lat", 25)]).is_empty());
    }

    #[test]
    fn resolutions_of_an_image_have_lengths_of_their_own() {
        let (full, half) = (coordinate("x", 64), coordinate("x", 32));
        let of = |key: &str, value: &str| {
            let value = Json::parse(value.as_bytes()).unwrap();
            codes(&group(
                &group_view("/").with_attribute(key, value),
                &[&full, &half],
            ))
            .len()
        };
        let named = r#"[{"datasets": [{"path": "x"}]}]"#;
        assert_eq!(of("multiscales", named), 0);
        assert_eq!(
            of("ome", &format!(r#"{{"version": "0.5", "multiscales": {named}}}"#)),
            0
        );
        assert_eq!(of("multiscales", r#"[{"datasets": [{"path": "y"}]}]"#), 1);
        assert_eq!(of("multiscales", "7"), 1);
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        codes.dedup();
        assert_eq!(codes.len(), RULES.len());
        assert!(codes.is_sorted());
    }
}
