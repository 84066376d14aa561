//! Creating, changing, deleting and consolidating nodes; also by writers that are cut off or meet each other.

use zarr_fs::Listing;

use super::*;
use crate::array::Selection;
use crate::metadata::json::Object;
use crate::metadata::{ArrayMetadata, GroupMetadata, Json, NodeMetadata};
use crate::node_kind::ZarrFormat;

fn group_metadata(format: ZarrFormat) -> GroupMetadata {
    let mut metadata = GroupMetadata::new(format);
    metadata.attributes_mut().insert("new", 1);
    metadata
}

fn array_metadata(format: ZarrFormat) -> ArrayMetadata {
    let parsed = match format {
        ZarrFormat::V3 => NodeMetadata::parse_v3(ARRAY_V3.as_bytes()).unwrap(),
        ZarrFormat::V2 => NodeMetadata::Array(Box::new(
            ArrayMetadata::parse_v2(ARRAY_V2.as_bytes(), None).unwrap(),
        )),
    };
    parsed.as_array().unwrap().clone()
}

fn put(store: &Arc<Store>, at: &str, format: ZarrFormat, mode: CreateMode) -> Result<crate::Array> {
    block_on(create_array(store, &path(at), array_metadata(format), mode))
}

/// All keys of a store.
fn keys(store: &Store) -> Vec<String> {
    use futures::TryStreamExt as _;
    let mut keys: Vec<String> =
        block_on(store.list_prefix("").map_ok(|entry| entry.key).try_collect()).unwrap();
    keys.sort();
    keys
}

fn text(store: &Store, key: &str) -> String {
    String::from_utf8(block_on(store.get(key)).unwrap().unwrap().to_vec()).unwrap()
}

const BOTH: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

#[test]
fn a_node_comes_with_the_groups_above_it() {
    for format in BOTH {
        let (store, _) = store(&[]);
        let array = put(&store, "a/b/c", format, CreateMode::Create).unwrap();
        assert_eq!(array.metadata(), &array_metadata_as_stored(format));
        let expected: &[&str] = match format {
            ZarrFormat::V3 => &["a/b/c/zarr.json", "a/b/zarr.json", "a/zarr.json", "zarr.json"],
            ZarrFormat::V2 => &[
                ".zattrs",
                ".zgroup",
                "a/.zattrs",
                "a/.zgroup",
                "a/b/.zattrs",
                "a/b/.zgroup",
                "a/b/c/.zarray",
                "a/b/c/.zattrs",
            ],
        };
        assert_eq!(keys(&store), expected);
        let group = block_on(create_group(
            &store,
            &path("a/g"),
            group_metadata(format),
            CreateMode::Create,
        ));
        let group = group.unwrap();
        assert_eq!(group.attributes().get("new").and_then(Json::as_u64), Some(1));
        assert!(!group.documents().is_empty());
        assert_eq!(
            members(&root_group(&store), usize::MAX),
            ["group /a", "group /a/b", "group /a/g", "array /a/b/c"]
        );
        let reopened = block_on(open(&store, &path("a/g"), OpenOptions::default())).unwrap();
        assert_eq!(reopened.attributes(), group.attributes());
        close(&store);
    }
}

/// v2 documents are written with attributes, be they empty.
fn array_metadata_as_stored(format: ZarrFormat) -> ArrayMetadata {
    let mut metadata = array_metadata(format);
    if format == ZarrFormat::V2 {
        let _ = metadata.attributes_mut();
    }
    metadata
}

#[test]
fn a_node_is_not_created_over_another() {
    for there in BOTH {
        for wanted in BOTH {
            let (store, control) = store(&[]);
            put(&store, "a", there, CreateMode::Create).unwrap();
            let before = keys(&store);
            control.take_log();
            let error = put(&store, "a", wanted, CreateMode::Create).unwrap_err();
            match wanted == there {
                true => assert!(matches!(error, Error::NodeExists { .. }), "{error}"),
                // The root group is of the other format already.
                false => assert!(matches!(error, Error::UnfitParent { .. }), "{error}"),
            }
            let error = put(&store, "a/b", there, CreateMode::Create).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::UnfitParent {
                        found: crate::NodeKind::Array,
                        ..
                    }
                ),
                "{error}"
            );
            assert!(
                !control
                    .take_log()
                    .iter()
                    .any(|call| call.starts_with("set") || call.starts_with("rm"))
            );
            assert_eq!(keys(&store), before);
            close(&store);
        }
    }
}

#[test]
fn a_fault_while_looking_creates_nothing() {
    for key in [
        "zarr.json",
        ".zgroup",
        ".zarray",
        "a/zarr.json",
        "a/.zgroup",
        "a/.zarray",
    ] {
        let (store, control) = store(&[]);
        control.fault("get", key, Fault::Unavailable);
        let error = put(&store, "a", ZarrFormat::V3, CreateMode::Create).unwrap_err();
        assert!(error.is_retryable(), "{key}: {error}");
        assert_eq!(keys(&store), [""; 0], "{key}");
        close(&store);
    }
}

#[test]
fn an_array_does_not_take_old_chunks_for_its_own() {
    let (store, _) = store(&[("a/c/0", "12345678")]);
    let error = put(&store, "a", ZarrFormat::V3, CreateMode::Create).unwrap_err();
    let Error::NotEmpty { key, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(key, "a/c/0");
    put(&store, "a", ZarrFormat::V3, CreateMode::Overwrite).unwrap();
    assert_eq!(keys(&store), ["a/zarr.json", "zarr.json"]);
    close(&store);
}

#[test]
fn names_that_a_format_forbids_are_refused() {
    let (store, _) = store(&[]);
    for name in ["__x", "...", "zarr.json"] {
        let error = put(&store, name, ZarrFormat::V3, CreateMode::Create).unwrap_err();
        assert!(matches!(error, Error::InvalidNodePath { .. }), "{error}");
    }
    assert_eq!(keys(&store), [""; 0]);
    put(&store, "__x", ZarrFormat::V2, CreateMode::Create).unwrap();
    close(&store);
}

#[test]
fn a_read_only_store_is_asked_for_nothing() {
    let store = Store::new(
        Box::new(MemoryFileSystem::new()),
        Path::root(),
        StoreOptions::default(),
    );
    let read_only = |error: Error| assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    read_only(put(&store, "a", ZarrFormat::V3, CreateMode::Create).unwrap_err());
    read_only(block_on(delete(&store, &path("a"))).unwrap_err());
    close(&store);
}

#[test]
fn overwriting_leaves_nothing_of_what_was_there() {
    for (old, new) in [(ZarrFormat::V3, ZarrFormat::V2), (ZarrFormat::V2, ZarrFormat::V3)] {
        let (store, _) = store(&[]);
        put(&store, "a/b", old, CreateMode::Create).unwrap();
        block_on(store.set("a/b/0", "12345678".into())).unwrap();
        let mode = CreateMode::Overwrite;
        block_on(create_group(&store, &NodePath::root(), group_metadata(new), mode)).unwrap();
        let expected: &[&str] = match new {
            ZarrFormat::V3 => &["zarr.json"],
            ZarrFormat::V2 => &[".zattrs", ".zgroup"],
        };
        assert_eq!(keys(&store), expected);
        close(&store);
    }
}

/// Old attributes and an old cache, which a killed delete or a foreign tool left, do not become the new node's.
#[test]
fn a_v2_group_adopts_no_stray_documents() {
    let cache = format!(r#"{{"zarr_consolidated_format": 1, "metadata": {{"ghost/.zarray": {ARRAY_V2}}}}}"#);
    let (store, _) = store(&[(".zattrs", r#"{"old": 1}"#), (".zmetadata", &cache)]);
    let metadata = GroupMetadata::new(ZarrFormat::V2);
    block_on(create_group(
        &store,
        &NodePath::root(),
        metadata,
        CreateMode::Create,
    ))
    .unwrap();
    let group = root_group(&store);
    assert!(group.attributes().is_empty() && !group.is_consolidated());
    assert_eq!(members(&group, 1), [""; 0]);
    close(&store);
}

#[test]
fn attributes_change_and_nothing_else_does() {
    let v3 = r#"{"attributes": {"b": NaN, "a": 9007199254740993}, "zarr_format": 3, "node_type": "group",
        "novel": {"must_understand": false, "x": [1.50]}}"#;
    let (store, _) = store(&[
        ("zarr.json", v3),
        ("old/.zgroup", GROUP_V2),
        ("old/.zattrs", r#"{"z": -Infinity}"#),
        ("bare/.zarray", ARRAY_V2),
    ]);
    let group = root_group(&store);
    let group = block_on(group.update_attributes(|attributes| {
        attributes.insert("c", "new");
    }));
    let group = group.unwrap();
    assert_eq!(group.attributes().keys().collect::<Vec<_>>(), ["b", "a", "c"]);
    let stored: String = text(&store, "zarr.json").split_whitespace().collect();
    assert_eq!(
        stored,
        concat!(
            r#"{"attributes":{"b":NaN,"a":9007199254740993,"c":"new"},"zarr_format":3,"node_type":"group","#,
            r#""novel":{"must_understand":false,"x":[1.50]}}"#
        )
    );

    let old = block_on(open(&store, &path("old"), OpenOptions::default()))
        .unwrap()
        .into_group()
        .unwrap();
    block_on(old.update_attributes(|attributes| drop(attributes.insert("y", 1)))).unwrap();
    let stored: String = text(&store, "old/.zattrs").split_whitespace().collect();
    assert_eq!(stored, r#"{"z":-Infinity,"y":1}"#);
    assert_eq!(text(&store, "old/.zgroup"), GROUP_V2);

    let bare = block_on(open(&store, &path("bare"), OpenOptions::default()))
        .unwrap()
        .into_array()
        .unwrap();
    let bare = block_on(bare.update_attributes(|attributes| drop(attributes.insert("k", true)))).unwrap();
    assert_eq!(bare.attributes().get("k"), Some(&Json::Bool(true)));
    assert_eq!(bare.documents().len(), 2);
    assert_eq!(text(&store, "bare/.zarray"), ARRAY_V2);
    close(&store);
}

#[test]
fn two_writers_of_attributes_lose_nothing() {
    for files in [
        vec![("zarr.json", GROUP_V3)],
        vec![(".zgroup", GROUP_V2), (".zattrs", "{}")],
        vec![(".zgroup", GROUP_V2)],
    ] {
        let (store, control) = store(&files);
        let group = root_group(&store);
        let write = |key: &'static str| {
            let group = group.clone();
            async move {
                group
                    .update_attributes(|attributes| drop(attributes.insert(key, 1)))
                    .await
            }
        };
        let (written, rounds) = in_rounds(&control, async {
            futures::join!(write("a"), write("b"), write("c"))
        });
        for written in [written.0, written.1, written.2] {
            written.unwrap();
        }
        assert!(rounds.len() > 2, "they never met: {rounds:?}");
        let mut stored: Vec<String> = root_group(&store)
            .attributes()
            .keys()
            .map(str::to_owned)
            .collect();
        stored.sort();
        assert_eq!(stored, ["a", "b", "c"], "{files:?}");
        close(&store);
    }
}

#[test]
fn replacing_attributes_fails_if_they_have_changed() {
    for files in [vec![("zarr.json", GROUP_V3)], vec![(".zgroup", GROUP_V2)]] {
        let (store, _) = store(&files);
        let (mine, theirs) = (root_group(&store), root_group(&store));
        block_on(theirs.update_attributes(|attributes| drop(attributes.insert("theirs", 1)))).unwrap();
        let error = block_on(mine.set_attributes(Object::from([("mine", 1)]))).unwrap_err();
        assert!(
            matches!(error, Error::Fs(zarr_fs::Error::Precondition { .. })),
            "{error}"
        );
        let mine = block_on(root_group(&store).set_attributes(Object::from([("mine", 1)]))).unwrap();
        assert_eq!(mine.attributes().keys().collect::<Vec<_>>(), ["mine"]);
        assert_eq!(root_group(&store).attributes(), mine.attributes());
        close(&store);
    }
}

#[test]
fn attributes_of_a_node_that_is_gone_come_not_back() {
    for files in [
        vec![("zarr.json", GROUP_V3)],
        vec![(".zgroup", GROUP_V2), (".zattrs", "{}")],
    ] {
        let (store, _) = store(&files);
        let group = root_group(&store);
        block_on(delete(&store, &NodePath::root())).unwrap();
        let error = block_on(group.update_attributes(|_| {})).unwrap_err();
        assert!(matches!(error, Error::NodeNotFound { .. }), "{error}");
        assert_eq!(keys(&store), [""; 0]);
        close(&store);
    }
}

fn tree_to_delete() -> Vec<(&'static str, &'static str)> {
    vec![
        ("zarr.json", GROUP_V3),
        ("d/zarr.json", GROUP_V3),
        ("d/.zgroup", GROUP_V2),
        ("d/.zattrs", r#"{"v2": 1}"#),
        ("d/a/zarr.json", ARRAY_V3),
        ("d/a/c/0", "12345678"),
        ("d/a/c/1", "12345678"),
        ("d/g/zarr.json", GROUP_V3),
        ("d/g/b/zarr.json", ARRAY_V3),
        ("d/g/b/c/0", "12345678"),
        ("d/readme.txt", "?"),
        ("dd/zarr.json", ARRAY_V3),
    ]
}

#[test]
fn a_deleted_node_is_gone_with_all_below_it() {
    let (store, _) = store(&tree_to_delete());
    let report = block_on(delete(&store, &path("d"))).unwrap();
    assert_eq!((report.documents, report.others), (6, 4));
    assert_eq!(keys(&store), ["dd/zarr.json", "zarr.json"]);
    let error = block_on(delete(&store, &path("d"))).unwrap_err();
    assert!(matches!(error, Error::NodeNotFound { .. }), "{error}");
    close(&store);
}

/// A delete that is cut off after any number of calls: the node is there as it was or it is not, no other node has appeared
/// in its place, no array has lost a chunk, no group a child; and deleting again cleans up.
#[test]
fn a_delete_that_is_cut_off_leaves_whole_nodes_or_none() {
    let mut stages = std::collections::BTreeSet::new();
    for cut_after in 0.. {
        let (store, control) = store(&tree_to_delete());
        let (target, whole) = (path("d"), store.options().clone());
        assert!(!whole.read_only);
        let finished = cut_off(&control, delete(&store, &target), cut_after);
        control.let_go();
        let opened = block_on(open(&store, &target, OpenOptions::default()));
        stages.insert(opened.is_ok());
        match opened {
            Err(Error::NodeNotFound { .. }) => {}
            Err(error) => panic!("after {cut_after} calls: {error}"),
            Ok(node) => {
                assert_eq!(node.zarr_format(), ZarrFormat::V3, "after {cut_after} calls");
                let group = node.into_group().unwrap();
                assert_eq!(
                    members(&group, usize::MAX),
                    ["array /d/a", "group /d/g", "array /d/g/b"],
                    "after {cut_after} calls"
                );
            }
        }
        for (array, chunks) in [("d/a", 2), ("d/g/b", 1)] {
            if block_on(open(&store, &path(array), OpenOptions::default())).is_ok() {
                let prefix = format!("{array}/c/");
                let left = keys(&store).iter().filter(|key| key.starts_with(&prefix)).count();
                assert_eq!(left, chunks, "{array} after {cut_after} calls");
            }
        }
        if let Ok(group) = block_on(open(&store, &path("d/g"), OpenOptions::default())) {
            let group = group.into_group().unwrap();
            assert_eq!(members(&group, 1), ["array /d/g/b"], "after {cut_after} calls");
        }
        if !finished {
            block_on(delete(&store, &target)).unwrap();
        }
        assert_eq!(keys(&store), ["dd/zarr.json", "zarr.json"]);
        close(&store);
        if finished {
            assert!(cut_after >= 10, "too few calls to be cut: {cut_after}");
            assert_eq!(stages.len(), 2);
            return;
        }
    }
}

/// A level that no encoder has: what is stored is read, and nothing is created or written.
#[test]
fn what_cannot_be_encoded_is_not_written() {
    let zarray = ARRAY_V2.replace(
        "\"compressor\": null",
        r#""compressor": {"id": "zstd", "level": 100}"#,
    );
    let metadata = ArrayMetadata::parse_v2(zarray.as_bytes(), None).unwrap();
    let (store, _) = store(&[("a/.zarray", &zarray)]);
    let created = block_on(create_array(&store, &path("b"), metadata, CreateMode::Create));
    let error = created.unwrap_err();
    assert!(matches!(error, Error::InvalidCodecs { .. }), "{error}");
    let array = block_on(open(&store, &path("a"), OpenOptions::default()))
        .and_then(Node::into_array)
        .unwrap();
    let all = Selection::all(array.shape());
    assert_eq!(block_on(array.read::<i32>(&all)).unwrap(), [0; 4]);
    for error in [
        block_on(array.write(&all, &[1, 2, 3, 4])).unwrap_err(),
        block_on(array.append(&[5_i32], 0)).unwrap_err(),
        block_on(array.resize(&[5])).unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidCodecs { .. }), "{error}");
    }
    assert_eq!(keys(&store), ["a/.zarray"]);
    assert_eq!(text(&store, "a/.zarray"), zarray);
    close(&store);
}

/// A create that is cut off after any number of calls leaves no half node.
#[test]
fn a_create_that_is_cut_off_leaves_no_half_node() {
    for format in BOTH {
        for cut_after in 0.. {
            let (store, control) = store(&[]);
            let mut metadata = group_metadata(format);
            metadata.attributes_mut().insert("all", "of it");
            let target = path("x/y");
            let creating = create_group(&store, &target, metadata.clone(), CreateMode::Create);
            let finished = cut_off(&control, creating, cut_after);
            control.let_go();
            match block_on(open(&store, &target, OpenOptions::default())) {
                Err(Error::NodeNotFound { .. }) => assert!(!finished),
                Err(error) => panic!("after {cut_after} calls: {error}"),
                Ok(node) => {
                    assert_eq!(
                        node.attributes(),
                        metadata.attributes(),
                        "after {cut_after} calls"
                    );
                    assert_eq!(members(&root_group(&store), 9), ["group /x", "group /x/y"]);
                }
            }
            close(&store);
            if finished {
                assert!(cut_after >= 5);
                break;
            }
        }
    }
}

/// Lets `calls` calls go one by one, then drops the future. Returns whether it had finished.
fn cut_off<T: std::fmt::Debug>(
    control: &Control,
    future: impl Future<Output = Result<T>>,
    calls: usize,
) -> bool {
    control.hold();
    let mut future = Box::pin(future);
    let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
    let mut released = 0;
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            result.unwrap();
            return true;
        }
        if control.held() > 0 {
            if released == calls {
                return false;
            }
            control.release_one();
            released += 1;
        }
    }
}

#[test]
fn a_store_that_does_not_list_everything_is_not_deleted_from() {
    for listing in [Listing::None, Listing::VisibleOnly] {
        let (store, control) = store(&tree_to_delete());
        control.listing(listing);
        control.take_log();
        let error = block_on(delete(&store, &path("d"))).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert_eq!(control.take_log(), [""; 0]);
        close(&store);
    }
}

fn live(format: ZarrFormat) -> Vec<(&'static str, &'static str)> {
    match format {
        ZarrFormat::V3 => vec![
            (
                "g/zarr.json",
                r#"{"zarr_format": 3, "node_type": "group", "attributes": {"n": NaN}}"#,
            ),
            ("g/a/zarr.json", ARRAY_V3),
            ("g/h/zarr.json", GROUP_V3),
            ("g/h/b/zarr.json", ARRAY_V3),
        ],
        ZarrFormat::V2 => vec![
            ("g/.zgroup", GROUP_V2),
            ("g/.zattrs", r#"{"n": NaN}"#),
            ("g/a/.zarray", ARRAY_V2),
            ("g/h/.zgroup", GROUP_V2),
            ("g/h/.zattrs", r#"{"k": [1, null]}"#),
            ("g/h/b/.zarray", ARRAY_V2),
        ],
    }
}

#[test]
fn what_is_consolidated_is_what_is_there() {
    for format in BOTH {
        let (store, control) = store(&live(format));
        let open_g = || {
            block_on(open(&store, &path("g"), OpenOptions::default()))
                .unwrap()
                .into_group()
                .unwrap()
        };
        let plain = open_g();
        let before = known(block_on(plain.members(9)).unwrap());
        let group = block_on(plain.consolidate()).unwrap();
        assert!(group.is_consolidated());
        assert!(
            group.attributes().get("n").and_then(Json::as_number).is_some(),
            "a token stays one"
        );
        for group in [group, open_g()] {
            assert!(group.is_consolidated(), "{format}");
            control.take_log();
            let after = known(block_on(group.members(9)).unwrap());
            assert_eq!(control.take_log(), [""; 0]);
            assert_eq!(lines(&after), lines(&before));
            for (before, after) in before.iter().zip(&after) {
                let (Member::Node(before), Member::Node(after)) = (before, after) else {
                    panic!("{after:?}")
                };
                assert_eq!(before.attributes(), after.attributes());
                assert!(after.is_from_consolidated());
            }
        }
        // Again, after a change: the old copy is not believed.
        put(&store, "g/new", format, CreateMode::Create).unwrap();
        assert_eq!(members(&open_g(), 1), ["array /g/a", "group /g/h"]);
        let group = block_on(open_g().consolidate()).unwrap();
        assert_eq!(members(&group, 1), ["array /g/a", "group /g/h", "array /g/new"]);
        let group = block_on(group.unconsolidate()).unwrap();
        assert!(!group.is_consolidated() && !open_g().is_consolidated());
        assert_eq!(
            members(&open_g(), 1),
            ["array /g/a", "group /g/h", "array /g/new"]
        );
        close(&store);
    }
}

#[test]
fn what_is_broken_is_not_consolidated() {
    for (key, value, fault) in [
        ("g/bad/zarr.json", "{", None),
        ("g/bad/zarr.json", GROUP_V3, Some(("get", "g/bad/zarr.json"))),
        ("g/bad/zarr.json", GROUP_V3, Some(("ls", "g/bad"))),
    ] {
        let mut files = live(ZarrFormat::V3);
        files.push((key, value));
        let (store, control) = store(&files);
        let group = block_on(open(&store, &path("g"), OpenOptions::default()))
            .unwrap()
            .into_group()
            .unwrap();
        if let Some((op, at)) = fault {
            control.fault(op, at, Fault::Unavailable);
        }
        assert!(block_on(group.consolidate()).is_err());
        assert!(!text(&store, "g/zarr.json").contains("consolidated"));
        close(&store);
    }
    let (store, control) = store(&live(ZarrFormat::V3));
    control.listing(Listing::None);
    let group = block_on(open(&store, &path("g"), OpenOptions::default()))
        .unwrap()
        .into_group()
        .unwrap();
    let error = block_on(group.consolidate()).unwrap_err();
    assert!(error.is_unsupported_by_store(), "{error}");
    close(&store);
}

#[test]
fn updating_a_consolidated_group_keeps_its_copy() {
    let (store, _) = store(&live(ZarrFormat::V3));
    let group = block_on(open(&store, &path("g"), OpenOptions::default()))
        .unwrap()
        .into_group()
        .unwrap();
    let group = block_on(group.consolidate()).unwrap();
    let group = block_on(group.update_attributes(|attributes| drop(attributes.insert("more", 1)))).unwrap();
    assert!(group.is_consolidated());
    assert_eq!(members(&group, 9), ["array /g/a", "group /g/h", "array /g/h/b"]);
    // A node that was taken from the copy is changed in its own document.
    let nested = block_on(group.get_group("h")).unwrap();
    assert!(nested.is_from_consolidated());
    let nested = block_on(nested.update_attributes(|attributes| drop(attributes.insert("k", 2)))).unwrap();
    assert!(!nested.is_from_consolidated());
    assert!(text(&store, "g/h/zarr.json").contains("\"k\": 2"));
    close(&store);
}
