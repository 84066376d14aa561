//! Consolidated metadata: used, required, ignored, stale and hostile.

use zarr_fs::Listing;

use super::*;
use crate::metadata::Json;
use crate::metadata::json::PrintOptions;

fn entries(entries: &[(&str, &str)]) -> String {
    let entry = |(key, document): &(&str, &str)| {
        format!("{}: {document}", Json::from(*key).print(PrintOptions::compact()))
    };
    entries.iter().map(entry).collect::<Vec<_>>().join(",")
}

fn v3(metadata: &[(&str, &str)]) -> String {
    format!(
        r#"{{"zarr_format": 3, "node_type": "group", "attributes": {{"own": 1}}, "consolidated_metadata":
            {{"kind": "inline", "must_understand": false, "metadata": {{{}}}}}}}"#,
        entries(metadata)
    )
}

fn v2(metadata: &[(&str, &str)]) -> String {
    format!(
        r#"{{"zarr_consolidated_format": 1, "metadata": {{{}}}}}"#,
        entries(metadata)
    )
}

/// As zarr-python writes a nested group: with an empty consolidated metadata of its own.
const NESTED: &str = r#"{"zarr_format": 3, "node_type": "group", "attributes": {}, "consolidated_metadata":
    {"kind": "inline", "must_understand": false, "metadata": {}}}"#;

fn with(mode: ConsolidatedMode) -> OpenOptions {
    OpenOptions::default().with_consolidated(mode)
}

#[test]
fn v3_answers_without_a_request() {
    let document = v3(&[
        ("a", NESTED),
        ("a/b", ARRAY_V3),
        ("a.b", ARRAY_V3),
        ("ab", NESTED),
        ("ab/c", ARRAY_V3),
    ]);
    let (store, control) = store(&[("zarr.json", &document)]);
    let group = root_group(&store);
    control.take_log();
    assert!(group.is_consolidated() && !group.is_from_consolidated());
    assert_eq!(members(&group, 1), ["group /a", "array /a.b", "group /ab"]);
    assert_eq!(
        members(&group, 9),
        ["group /a", "array /a.b", "group /ab", "array /a/b", "array /ab/c"]
    );
    let nested = block_on(group.get_group("a")).unwrap();
    assert!(!nested.is_consolidated() && nested.is_from_consolidated());
    assert_eq!(members(&nested, 9), ["array /a/b"]);
    assert!(block_on(nested.get_array("b")).is_ok());
    assert!(block_on(group.get_array("a/b")).is_ok());
    assert_eq!(control.take_log(), [""; 0]);
    close(&store);
}

#[test]
fn v2_answers_without_a_request() {
    let document = v2(&[
        (".zgroup", GROUP_V2),
        (".zattrs", r#"{"stale": 1}"#),
        ("g/.zgroup", GROUP_V2),
        ("g/a/.zarray", ARRAY_V2),
        ("g/a/.zattrs", r#"{"k": "v"}"#),
        ("only/.zattrs", "{}"),
    ]);
    let (store, control) = store(&[
        (".zgroup", GROUP_V2),
        (".zattrs", r#"{"live": 1}"#),
        (".zmetadata", &document),
    ]);
    let group = root_group(&store);
    assert!(
        group.attributes().contains_key("live"),
        "the group's own documents count"
    );
    control.take_log();
    assert_eq!(members(&group, 9), ["group /g", "array /g/a"]);
    let array = block_on(group.get_array("g\\a/")).unwrap();
    assert_eq!(array.attributes().get("k").and_then(Json::as_str), Some("v"));
    assert_eq!(control.take_log(), [""; 0]);
    close(&store);
}

#[test]
fn it_is_no_listing_for_a_store_that_cannot_list_and_tells_of_an_empty_group() {
    let (store, control) = store(&[
        ("zarr.json", &v3(&[("a", ARRAY_V3)])),
        ("e/zarr.json", NESTED),
        ("e/added/zarr.json", ARRAY_V3),
    ]);
    // An empty one may be of a nested group: the store knows better.
    let nested = block_on(open(&store, &path("e"), OpenOptions::default()))
        .unwrap()
        .into_group()
        .unwrap();
    assert_eq!(members(&nested, 1), ["array /e/added"]);
    control.listing(Listing::None);
    assert_eq!(members(&root_group(&store), 1), ["array /a"]);
    assert_eq!(members(&nested, 1), [""; 0]);
    close(&store);
}

#[test]
fn ignore_neither_asks_nor_uses() {
    let (store, control) = store(&[
        ("zarr.json", &v3(&[("stale", ARRAY_V3)])),
        ("live/zarr.json", ARRAY_V3),
    ]);
    let group = open_root(&store, with(ConsolidatedMode::Ignore))
        .unwrap()
        .into_group()
        .unwrap();
    assert!(!control.take_log().contains(&"get .zmetadata".to_owned()));
    assert_eq!(members(&group, 1), ["array /live"]);
    close(&store);
}

#[test]
fn require_wants_it_and_believes_it() {
    let (store, _) = store(&[
        ("zarr.json", &v3(&[])),
        ("live/zarr.json", ARRAY_V3),
        ("plain/zarr.json", GROUP_V3),
        (
            "bad/zarr.json",
            r#"{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"kind": "far"}}"#,
        ),
    ]);
    let required = |at: &str| block_on(open(&store, &path(at), with(ConsolidatedMode::Require)));
    let group = required("").unwrap().into_group().unwrap();
    assert_eq!(members(&group, 1), [""; 0]);
    assert!(matches!(
        block_on(group.get("live")),
        Err(Error::NodeNotFound { .. })
    ));
    assert!(matches!(required("plain"), Err(Error::NotConsolidated { .. })));
    assert!(matches!(required("bad"), Err(Error::Unsupported { .. })));
    assert!(required("live").is_ok(), "an array has none to require");
    close(&store);
}

#[test]
fn a_stale_one_does_not_hide_a_node_that_is_asked_for_by_name() {
    let (store, _) = store(&[
        ("zarr.json", &v3(&[("gone", ARRAY_V3)])),
        ("new/zarr.json", ARRAY_V3),
    ]);
    let group = root_group(&store);
    assert_eq!(members(&group, 1), ["array /gone"]);
    assert_eq!(block_on(group.get("new")).unwrap().path().to_string(), "/new");
    close(&store);
}

#[test]
fn a_bad_one_is_a_warning_and_the_store_is_read() {
    for inline in [
        r#"{"kind": "far", "metadata": {}}"#,
        r#"{"metadata": {}}"#,
        r#"{"kind": "inline"}"#,
        r#"{"kind": "inline", "metadata": []}"#,
        "7",
    ] {
        let document =
            format!(r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {inline}}}"#);
        let (store, _) = store(&[("zarr.json", &document), ("a/zarr.json", ARRAY_V3)]);
        let group = root_group(&store);
        assert!(
            matches!(group.warnings(), [Warning::ConsolidatedUnread(_)]),
            "{inline}"
        );
        assert!(
            group.warnings()[0].to_string().contains("/consolidated_metadata"),
            "{}",
            group.warnings()[0]
        );
        assert_eq!(members(&group, 1), ["array /a"], "{inline}");
        close(&store);
    }
    for document in [
        "{",
        "[]",
        r#"{"zarr_consolidated_format": 2, "metadata": {}}"#,
        r#"{"metadata": {}}"#,
    ] {
        let (store, _) = store(&[
            (".zgroup", GROUP_V2),
            (".zmetadata", document),
            ("a/.zarray", ARRAY_V2),
        ]);
        let group = root_group(&store);
        assert!(
            matches!(group.warnings(), [Warning::ConsolidatedUnread(_)]),
            "{document}"
        );
        assert_eq!(members(&group, 1), ["array /a"], "{document}");
        close(&store);
    }
    let (store, _) = store(&[(
        "zarr.json",
        r#"{"zarr_format": 3, "node_type": "group", "consolidated_metadata": null}"#,
    )]);
    assert!(root_group(&store).warnings().is_empty());
    close(&store);
}

#[test]
fn hostile_v3_names_reach_nothing_and_hide_nobody() {
    let hostile = [
        "../../etc/x",
        "/abs",
        "a//b",
        "",
        ".",
        "..",
        "a/..",
        "..\\..\\x",
        "nul\u{0}",
        "a/",
        "__x",
        "zarr.json",
        "...",
    ];
    let mut entries: Vec<(&str, &str)> = hostile.iter().map(|name| (*name, ARRAY_V3)).collect();
    entries.push(("good", ARRAY_V3));
    let (store, control) = store(&[("g/zarr.json", &v3(&entries)), ("zarr.json", GROUP_V3)]);
    let group = block_on(open(&store, &path("g"), OpenOptions::default()))
        .unwrap()
        .into_group()
        .unwrap();
    control.take_log();
    let found = known(block_on(group.members(usize::MAX)).unwrap());
    assert_eq!(found.len(), hostile.len() + 1);
    for member in &found {
        match member {
            Member::Node(node) => assert_eq!(node.path().to_string(), "/g/good"),
            Member::Broken(broken) => {
                assert!(broken.path.starts_with("/g/"), "{:?}", broken.path);
                assert!(matches!(broken.error, Error::InvalidMetadata { .. }));
            }
            Member::Unlisted(unlisted) => panic!("{unlisted:?}"),
        }
    }
    for name in hostile {
        // An empty path is the group itself, and nobody asks the metadata for that.
        assert!(name.is_empty() || block_on(group.get(name)).is_err(), "{name:?}");
    }
    for call in control.take_log() {
        let inside = call
            .strip_prefix("get g/")
            .is_some_and(|rest| !rest.contains(".."));
        assert!(inside, "{call}");
    }
    close(&store);
}

#[test]
fn hostile_v2_names_reach_nothing_and_hide_nobody() {
    let document = v2(&[
        ("../x/.zarray", ARRAY_V2),
        ("/abs/.zarray", ARRAY_V2),
        ("a//.zarray", ARRAY_V2),
        ("b\\c/.zarray", ARRAY_V2),
        ("d/secret", "{}"),
        ("good/.zarray", ARRAY_V2),
    ]);
    let (store, control) = store(&[(".zgroup", GROUP_V2), (".zmetadata", &document)]);
    let group = root_group(&store);
    control.take_log();
    let found = lines(&known(block_on(group.members(9)).unwrap()));
    assert_eq!(found.iter().filter(|line| line.starts_with("broken")).count(), 5);
    assert!(found.contains(&"array /good".to_owned()));
    assert_eq!(control.take_log(), [""; 0]);
    close(&store);
}

#[test]
fn a_child_of_an_array_and_an_invalid_child_are_broken_alone() {
    let bad_shape = ARRAY_V3.replace("[4]", "[-1]");
    let (store, _) = store(&[(
        "zarr.json",
        &v3(&[
            ("a", ARRAY_V3),
            ("a/b", ARRAY_V3),
            ("c", &bad_shape),
            ("d/e", ARRAY_V3),
            ("f", ARRAY_V3),
        ]),
    )]);
    let found = known(block_on(root_group(&store).members(9)).unwrap());
    assert_eq!(
        lines(&found),
        ["array /a", "broken /a/b", "broken /c", "array /f", "array /d/e"]
    );
    for member in &found {
        match member {
            Member::Broken(broken) => {
                let Error::InvalidMetadata { key, source } = &broken.error else {
                    panic!("{}", broken.error)
                };
                assert_eq!(key, "memory/zarr.json");
                assert!(
                    source.pointer().starts_with("/consolidated_metadata/metadata/"),
                    "{source}"
                );
            }
            Member::Node(node) if node.path().to_string() == "/d/e" => {
                assert!(matches!(node.warnings(), [Warning::ParentNotConsolidated { .. }]));
            }
            Member::Node(node) => assert!(node.warnings().is_empty()),
            Member::Unlisted(unlisted) => panic!("{unlisted:?}"),
        }
    }
    close(&store);
}

#[test]
fn a_group_that_repeats_itself_ends() {
    let inner = v3(&[("g", &v3(&[("g", NESTED)]))]);
    let (store, _) = store(&[("zarr.json", &v3(&[("g", &inner)]))]);
    assert_eq!(members(&root_group(&store), usize::MAX), ["group /g"]);
    close(&store);
}

#[test]
fn a_nested_group_with_its_own_is_not_listed() {
    let (store, control) = store(&[
        ("zarr.json", GROUP_V3),
        ("c/zarr.json", &v3(&[("x", NESTED), ("x/y", ARRAY_V3)])),
        ("p/zarr.json", GROUP_V3),
        ("p/z/zarr.json", ARRAY_V3),
    ]);
    let group = root_group(&store);
    control.take_log();
    assert_eq!(
        members(&group, usize::MAX),
        ["group /c", "group /p", "group /c/x", "array /p/z", "array /c/x/y"]
    );
    assert!(!control.take_log().contains(&"ls c".to_owned()));
    assert_eq!(
        members(&group, 2),
        ["group /c", "group /p", "group /c/x", "array /p/z"]
    );
    close(&store);
}
