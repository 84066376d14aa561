//! Members and walks of what is not consolidated.

use futures::StreamExt as _;
use zarr_fs::Listing;

use super::*;

fn tree_v3() -> Vec<(&'static str, &'static str)> {
    vec![
        ("zarr.json", GROUP_V3),
        ("b/zarr.json", GROUP_V3),
        ("b/x/zarr.json", ARRAY_V3),
        ("b/x/c/0", "12345678"),
        ("b/y/zarr.json", GROUP_V3),
        ("b/y/z/zarr.json", ARRAY_V3),
        ("a/zarr.json", ARRAY_V3),
        ("a/c/0", "12345678"),
        // Not nodes: a prefix without a document, a file, a v2 node in a v3 group.
        ("noMeta/deep/zarr.json", ARRAY_V3),
        ("README.md", "hello"),
        ("old/.zgroup", GROUP_V2),
    ]
}

#[test]
fn a_tree_is_listed_level_by_level() {
    let (store, control) = store(&tree_v3());
    let group = root_group(&store);
    control.take_log();
    assert_eq!(members(&group, 1), ["array /a", "group /b"]);
    let mut log = control.take_log();
    log.sort();
    assert_eq!(
        log,
        [
            "get a/zarr.json",
            "get b/zarr.json",
            "get noMeta/zarr.json",
            "get old/zarr.json",
            "ls "
        ]
    );
    assert_eq!(
        members(&group, 2),
        ["array /a", "group /b", "array /b/x", "group /b/y"]
    );
    assert_eq!(
        members(&group, usize::MAX),
        ["array /a", "group /b", "array /b/x", "group /b/y", "array /b/y/z"]
    );
    assert_eq!(members(&group, 0), [""; 0]);
    let nested = block_on(group.get_group("b")).unwrap();
    assert_eq!(members(&nested, 1), ["array /b/x", "group /b/y"]);
    control.take_log();
    members(&group, usize::MAX);
    assert!(
        control
            .take_log()
            .iter()
            .all(|call| call != "ls a" && call != "ls b/x"),
        "arrays are not listed"
    );
    close(&store);
}

#[test]
fn a_v2_tree_is_listed_by_name() {
    let (store, _) = store(&[
        (".zgroup", GROUP_V2),
        ("a/.zarray", ARRAY_V2),
        ("a/.zattrs", r#"{"k": 1}"#),
        ("a/0", "12345678"),
        ("g/.zgroup", GROUP_V2),
        ("g/__b/.zarray", ARRAY_V2),
        ("both/.zgroup", GROUP_V2),
        ("both/.zarray", ARRAY_V2),
        ("attributes/.zattrs", "{}"),
        ("new/zarr.json", GROUP_V3),
    ]);
    let group = root_group(&store);
    assert_eq!(
        members(&group, 9),
        ["array /a", "array /both", "group /g", "array /g/__b"]
    );
    close(&store);
}

#[test]
fn a_broken_child_hides_nobody() {
    let (store, control) = store(&[
        ("zarr.json", GROUP_V3),
        ("a/zarr.json", ARRAY_V3),
        ("b/zarr.json", "{"),
        ("c/zarr.json", ARRAY_V3),
        ("d/zarr.json", ARRAY_V3),
        ("e/zarr.json", GROUP_V3),
        ("e/f/zarr.json", GROUP_V3),
        ("g/zarr.json", GROUP_V3),
    ]);
    control.fault("get", "c/zarr.json", Fault::Unavailable);
    control.fault("get", "d/zarr.json", Fault::Denied);
    control.fault("ls", "e", Fault::Unavailable);
    control.fault("ls", "g", Fault::Denied);
    let group = root_group(&store);
    let all = known(block_on(group.members(usize::MAX)).unwrap());
    assert_eq!(
        lines(&all),
        [
            "array /a",
            "broken /b",
            "broken /c",
            "broken /d",
            "group /e",
            "group /g",
            "unlisted /e",
            "unlisted /g"
        ]
    );
    let errors: Vec<&Error> = all
        .iter()
        .filter_map(|member| match member {
            Member::Broken(broken) => Some(&broken.error),
            Member::Node(_) | Member::Unlisted(_) => None,
        })
        .collect();
    assert!(matches!(errors[0], Error::InvalidMetadata { .. }));
    assert!(errors[1].is_retryable());
    assert!(errors[2].is_denied());
    close(&store);
}

/// A name that no node can have is told, not left out: what a path can name if a node is in it, the rest always.
#[test]
fn a_child_with_a_name_that_no_node_can_have_is_broken() {
    for near in [false, true] {
        assert_broken_by_name(near);
    }
}

/// By requests, or by reads of this machine's threads.
fn assert_broken_by_name(near: bool) {
    let (store, control) = store(&[
        ("zarr.json", GROUP_V3),
        ("__node/zarr.json", GROUP_V3),
        ("__node/below/zarr.json", GROUP_V3),
        ("__other/x", "something else's"),
        ("back\\slash/x", ""),
        ("g/zarr.json", GROUP_V3),
    ]);
    if near {
        control.near();
    }
    control.unnameable("g", "line\nfeed");
    control.unnameable("", "esc\u{1b}[2J");
    let all = known(block_on(root_group(&store).members(usize::MAX)).unwrap());
    assert_eq!(
        lines(&all),
        [
            "broken /__node",
            "broken /back\\slash",
            "broken /esc\u{1b}[2J",
            "group /g",
            "broken /g/line\nfeed"
        ]
    );
    for member in &all {
        if let Member::Broken(broken) = member {
            let Error::InvalidNodePath { path, .. } = &broken.error else {
                panic!("{broken:?}");
            };
            assert!(broken.path.ends_with(path.as_str()), "{broken:?}");
            let told = broken.error.to_string();
            assert!(!told.chars().any(char::is_control), "{told:?}");
            assert_eq!(broken.node_path.is_some(), path == "__node");
        }
    }
    assert_eq!(control.read_blocking() > 0, near);
    close(&store);
}

#[test]
fn a_fault_of_the_groups_own_listing_is_an_error() {
    for (fault, retryable, denied) in [(Fault::Unavailable, true, false), (Fault::Denied, false, true)] {
        let (store, control) = store(&tree_v3());
        control.fault("ls", "", fault);
        let error = block_on(root_group(&store).members(1)).unwrap_err();
        assert_eq!(
            (error.is_retryable(), error.is_denied()),
            (retryable, denied),
            "{error}"
        );
        close(&store);
    }
}

#[test]
fn a_store_that_cannot_list_leaves_the_children_unknown() {
    let (store, control) = store(&tree_v3());
    control.listing(Listing::None);
    let group = root_group(&store);
    let Members::Unknown(unlisted) = block_on(group.members(1)).unwrap() else {
        panic!("known")
    };
    assert_eq!(unlisted.path, NodePath::root());
    assert!(
        block_on(group.get("b/x")).is_ok(),
        "what is known by name still opens"
    );
    close(&store);
}

/// Servers answer 404, or a page without links, for a folder that they do not list.
#[test]
fn a_listing_that_does_not_show_the_group_itself_is_not_believed() {
    for listing in [Listing::Complete, Listing::VisibleOnly] {
        let (store, control) = store(&tree_v3());
        control.listing(listing);
        control.fault("ls", "", Fault::NotFound);
        let found = block_on(root_group(&store).members(1)).unwrap();
        assert!(matches!(found, Members::Unknown(_)), "{listing:?}");
        // Below, too.
        control.calm();
        control.fault("ls", "b", Fault::NotFound);
        assert_eq!(
            members(&root_group(&store), 2),
            ["array /a", "group /b", "unlisted /b"]
        );
        close(&store);
    }
}

#[test]
fn an_index_that_hides_dotfiles_lists_v2_all_the_same() {
    let (store, control) = store(&[
        (".zgroup", GROUP_V2),
        ("a/.zarray", ARRAY_V2),
        ("empty/.zgroup", GROUP_V2),
        ("g/.zgroup", GROUP_V2),
        ("g/b/.zarray", ARRAY_V2),
    ]);
    control.listing(Listing::VisibleOnly);
    assert_eq!(
        members(&root_group(&store), 9),
        ["array /a", "group /empty", "group /g", "array /g/b"]
    );
    close(&store);
}

#[test]
fn a_walk_ends_at_its_limit() {
    let (store, _) = store(&tree_v3());
    let walk = root_group(&store).walk(WalkOptions::default().with_max_nodes(3));
    let items: Vec<_> = block_on(walk.collect());
    assert_eq!(items.len(), 4);
    assert!(matches!(items[3], Err(Error::LimitReached { limit: 3, .. })));
    close(&store);
}

#[test]
fn as_they_come_has_the_same_members_and_no_child_before_its_group() {
    let (store, control) = store(&tree_v3());
    control.fault("ls", "b/y", Fault::Unavailable);
    let group = root_group(&store);
    let walk = group.walk(WalkOptions::default().with_order(Order::AsTheyCome));
    let found: Vec<Member> = block_on(walk.map(Result::unwrap).collect());
    let mut sorted = lines(&found);
    for (index, line) in sorted.iter().enumerate() {
        let place = |wanted: &str| sorted.iter().position(|line| line == wanted).unwrap();
        if line.contains("/b/") {
            assert!(place("group /b") < index);
        }
    }
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "array /a",
            "array /b/x",
            "group /b",
            "group /b/y",
            "unlisted /b/y"
        ]
    );
    close(&store);
}

/// A tree that a hostile or looping listing makes as deep as it likes.
#[test]
fn a_walk_of_an_endless_tree_ends() {
    let deep = (0..400).map(|depth| (format!("{}zarr.json", "d/".repeat(depth)), GROUP_V3.to_owned()));
    let (store, _) = store_with(deep);
    let found = lines(&known(block_on(root_group(&store).members(usize::MAX)).unwrap()));
    assert_eq!(found.len(), 257);
    assert!(
        found.last().unwrap().starts_with("unlisted"),
        "{:?}",
        found.last()
    );
    close(&store);
}
