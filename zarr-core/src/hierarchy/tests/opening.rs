//! Opening one node.

use super::*;
use crate::node_kind::ZarrFormat;

const ARRAY_UNKNOWN_CODEC: &str = r#"{"zarr_format": 3, "node_type": "array", "shape": [4], "data_type": "int32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
    "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "acme.brotli9"}]}"#;

#[test]
fn an_unknown_format_costs_one_wave_of_five() {
    for (key, document, format) in [
        ("zarr.json", GROUP_V3, ZarrFormat::V3),
        (".zgroup", GROUP_V2, ZarrFormat::V2),
        (".zarray", ARRAY_V2, ZarrFormat::V2),
    ] {
        let (store, control) = store(&[(key, document)]);
        let (node, rounds) = in_rounds(&control, open(&store, &NodePath::root(), OpenOptions::default()));
        assert_eq!(node.unwrap().zarr_format(), format);
        assert_eq!(rounds, [5]);
        assert_eq!(
            control.take_log(),
            [
                "get zarr.json",
                "get .zarray",
                "get .zgroup",
                "get .zattrs",
                "get .zmetadata"
            ]
        );
        close(&store);
    }
}

#[test]
fn a_known_format_asks_for_no_more_than_its_own() {
    let (store, control) = store(&[("a/zarr.json", ARRAY_V3), ("b/.zarray", ARRAY_V2)]);
    let v3 = OpenOptions::default().with_zarr_format(ZarrFormat::V3);
    block_on(open(&store, &path("a"), v3))
        .unwrap()
        .into_array()
        .unwrap();
    assert_eq!(control.take_log(), ["get a/zarr.json"]);
    let v2 = OpenOptions::default().with_zarr_format(ZarrFormat::V2);
    let (array, rounds) = in_rounds(&control, open(&store, &path("b"), v2));
    assert_eq!(array.unwrap().kind(), crate::NodeKind::Array);
    assert_eq!(rounds, [4]);
    control.take_log();
    let v2 = OpenOptions::default()
        .with_zarr_format(ZarrFormat::V2)
        .with_consolidated(ConsolidatedMode::Ignore);
    block_on(open(&store, &path("b"), v2)).unwrap();
    assert_eq!(
        control.take_log(),
        ["get b/.zarray", "get b/.zgroup", "get b/.zattrs"]
    );
    close(&store);
}

#[test]
fn nothing_there_says_what_was_looked_for() {
    let (store, _) = store(&[("x/zarr.json", GROUP_V3)]);
    let error = block_on(open(&store, &path("y"), OpenOptions::default())).unwrap_err();
    let Error::NodeNotFound { url, path, tried } = &error else {
        panic!("{error}")
    };
    assert_eq!((url.as_str(), path.to_string().as_str()), ("memory/y", "/y"));
    assert_eq!(tried[..], ["zarr.json", ".zarray", ".zgroup"]);
    assert_eq!(
        error.to_string(),
        "memory/y: no Zarr node here (missing: zarr.json, .zarray, .zgroup)"
    );
    close(&store);
}

#[test]
fn both_formats_side_by_side_are_v3_with_a_warning() {
    let (store, _) = store(&[("zarr.json", GROUP_V3), (".zgroup", GROUP_V2)]);
    let node = open_root(&store, OpenOptions::default()).unwrap();
    assert_eq!(node.zarr_format(), ZarrFormat::V3);
    assert!(matches!(node.warnings(), [Warning::BothFormats]));
    let v2 = OpenOptions::default().with_zarr_format(ZarrFormat::V2);
    let node = open_root(&store, v2).unwrap();
    assert_eq!(node.zarr_format(), ZarrFormat::V2);
    assert!(node.warnings().is_empty());
    close(&store);
}

#[test]
fn an_array_beside_a_group_wins_with_a_warning() {
    let (store, _) = store(&[
        (".zarray", ARRAY_V2),
        (".zgroup", GROUP_V2),
        (".zattrs", r#"{"a": 1}"#),
    ]);
    let node = open_root(&store, OpenOptions::default()).unwrap();
    assert_eq!(node.kind(), crate::NodeKind::Array);
    assert!(matches!(node.warnings(), [Warning::ArrayAndGroup]));
    assert_eq!(node.attributes().get("a").and_then(|a| a.as_u64()), Some(1));
    let keys: Vec<&str> = node
        .documents()
        .iter()
        .map(|document| document.key.as_str())
        .collect();
    assert_eq!(keys, [".zarray", ".zattrs"]);
    close(&store);
}

/// The one that must never happen: a fault of `zarr.json` opens the v2 node beside it.
#[test]
fn a_fault_of_a_higher_document_is_not_passed_over() {
    let (store, control) = store(&[("zarr.json", GROUP_V3), (".zgroup", GROUP_V2)]);
    control.fault("get", "zarr.json", Fault::Unavailable);
    let error = open_root(&store, OpenOptions::default()).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    control.calm();
    control.fault("get", ".zgroup", Fault::Unavailable);
    assert_eq!(
        open_root(&store, OpenOptions::default()).unwrap().zarr_format(),
        ZarrFormat::V3
    );
    close(&store);
}

#[test]
fn a_refusal_of_everything_is_a_refusal() {
    let (store, control) = store(&[]);
    for key in ["zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"] {
        control.fault("get", key, Fault::Denied);
    }
    let error = open_root(&store, OpenOptions::default()).unwrap_err();
    assert!(error.is_denied(), "{error}");
    close(&store);
}

/// A bucket that may not be listed answers 403 for what is missing.
#[test]
fn a_store_that_denies_what_is_missing_still_opens() {
    let (store, control) = store(&[(".zgroup", GROUP_V2)]);
    for key in ["zarr.json", ".zarray", ".zattrs", ".zmetadata"] {
        control.fault("get", key, Fault::Denied);
    }
    let node = open_root(&store, OpenOptions::default()).unwrap();
    assert_eq!(node.kind(), crate::NodeKind::Group);
    let denied = |warning: &Warning| matches!(warning, Warning::DeniedTakenAsMissing { .. });
    assert_eq!(
        node.warnings().iter().filter(|warning| denied(warning)).count(),
        3
    );
    close(&store);
}

#[test]
fn what_was_missing_is_not_asked_for_again() {
    let (store, control) = store(&[
        (".zgroup", GROUP_V2),
        ("a/.zarray", ARRAY_V2),
        ("g/.zgroup", GROUP_V2),
    ]);
    let group = root_group(&store);
    control.take_log();
    assert_eq!(members(&group, 1), ["array /a", "group /g"]);
    let mut first = control.take_log();
    first.sort();
    assert_eq!(
        first,
        [
            "get a/.zarray",
            "get a/.zattrs",
            "get g/.zarray",
            "get g/.zattrs",
            "get g/.zgroup",
            "ls "
        ]
    );
    assert_eq!(members(&group, 1), ["array /a", "group /g"]);
    let mut second = control.take_log();
    second.sort();
    assert_eq!(second, ["get a/.zarray", "get g/.zgroup", "ls "]);

    assert!(block_on(group.get("nowhere")).is_err());
    control.take_log();
    assert!(matches!(
        block_on(group.get("nowhere")),
        Err(Error::NodeNotFound { .. })
    ));
    assert_eq!(control.take_log(), [""; 0]);
    close(&store);
}

#[test]
fn a_write_of_ours_is_seen_though_it_was_missing() {
    let (store, control) = store(&[("zarr.json", GROUP_V3)]);
    let group = root_group(&store);
    assert!(block_on(group.get("new")).is_err());
    block_on(store.set("new/zarr.json", ARRAY_V3.into())).unwrap();
    assert_eq!(block_on(group.get("new")).unwrap().path().to_string(), "/new");
    // Chunks are no documents: writing them forgets nothing.
    assert!(block_on(group.get("other")).is_err());
    block_on(store.set("new/c/0", "12345678".into())).unwrap();
    control.take_log();
    assert!(block_on(group.get("other")).is_err());
    assert_eq!(control.take_log(), [""; 0]);
    close(&store);
}

/// A document that appears while its absence is being told must not be remembered as missing.
#[test]
fn a_write_during_the_question_is_seen() {
    let (store, control) = store(&[("zarr.json", GROUP_V3)]);
    let group = root_group(&store);
    control.hold();
    let mut question = Box::pin(group.get("new"));
    let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
    assert!(question.as_mut().poll(&mut context).is_pending());
    let mut write = Box::pin(store.set("new/zarr.json", ARRAY_V3.into()));
    assert!(write.as_mut().poll(&mut context).is_pending());
    control.fault("get", "new/zarr.json", Fault::NotFound);
    control.let_go();
    assert!(block_on(question).is_err());
    block_on(write).unwrap();
    control.calm();
    assert!(block_on(group.get("new")).is_ok());
    close(&store);
}

#[test]
fn errors_name_the_document_and_the_place_in_it() {
    let (store, _) = store(&[
        ("a/zarr.json", r#"{"zarr_format": 3, "node_type": "folder"}"#),
        ("b/.zgroup", GROUP_V2),
        ("b/.zattrs", "[1]"),
        ("c/zarr.json", "<html>"),
    ]);
    let error = |at: &str| block_on(open(&store, &path(at), OpenOptions::default())).unwrap_err();
    for (at, expected_key, pointer) in [
        ("a", "memory/a/zarr.json", "/node_type"),
        ("b", "memory/b/.zattrs", ""),
        ("c", "memory/c/zarr.json", ""),
    ] {
        let Error::InvalidMetadata { key, source } = &error(at) else {
            panic!("{at}")
        };
        assert_eq!((key.as_str(), source.pointer()), (expected_key, pointer));
    }
    close(&store);
}

#[test]
fn an_array_with_an_unknown_codec_is_listed_and_opens_only_on_request() {
    let (store, _) = store(&[("zarr.json", GROUP_V3), ("a/zarr.json", ARRAY_UNKNOWN_CODEC)]);
    let group = root_group(&store);
    assert_eq!(members(&group, 1), ["array /a"]);
    let error = block_on(group.get("a")).unwrap_err();
    let Error::Unsupported { at, what } = &error else {
        panic!("{error}")
    };
    assert_eq!(at, "memory/a/zarr.json#/codecs/1");
    assert!(what.contains("acme.brotli9"), "{what}");
    let options = OpenOptions::default().allow_unsupported();
    let node = block_on(open(&store, &path("a"), options)).unwrap();
    assert_eq!(node.kind(), crate::NodeKind::Array);
    close(&store);
}

#[test]
fn a_document_without_end_stops_at_the_limit() {
    let huge = " ".repeat(crate::metadata::limits::MAX_DOCUMENT_BYTES + 1);
    let (store, _) = store(&[("zarr.json", &huge)]);
    let error = open_root(&store, OpenOptions::default()).unwrap_err();
    assert!(matches!(error, Error::InvalidMetadata { .. }), "{error}");
    close(&store);
}

#[test]
fn a_closed_store_answers_closed() {
    let (store, _) = store(&[("zarr.json", GROUP_V3)]);
    let group = root_group(&store);
    close(&store);
    assert!(block_on(group.get("a")).unwrap_err().is_closed());
    assert!(block_on(group.members(1)).unwrap_err().is_closed());
    assert!(block_on(store.set("a", "b".into())).unwrap_err().is_closed());
}

#[test]
fn a_store_is_read_only_unless_asked() {
    let fs = MemoryFileSystem::new();
    let store = Store::new(Box::new(fs), Path::root(), StoreOptions::default());
    assert!(matches!(
        block_on(store.set("zarr.json", GROUP_V3.into())),
        Err(Error::ReadOnly { op: "set", .. })
    ));
    assert!(matches!(
        block_on(store.erase("zarr.json")),
        Err(Error::ReadOnly { op: "erase", .. })
    ));
    close(&store);
}

#[test]
fn the_other_kind_is_an_error_of_its_own() {
    let (store, _) = store(&[("zarr.json", GROUP_V3), ("a/zarr.json", ARRAY_V3)]);
    let group = root_group(&store);
    assert!(matches!(
        block_on(group.get_group("a")),
        Err(Error::WrongKind { .. })
    ));
    assert!(block_on(group.get_array("a")).is_ok());
    for hostile in ["..", "../a", "/a", "a//b", "a\0", "a\\b"] {
        assert!(
            matches!(block_on(group.get(hostile)), Err(Error::InvalidNodePath { .. })),
            "{hostile:?}"
        );
    }
    close(&store);
}
