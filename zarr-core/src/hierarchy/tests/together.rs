//! Opening and walking together: what it saves, and what it must not change.

use futures::FutureExt as _;

use super::*;

const FLAT: [(&str, &str); 3] = [
    ("zarr.json", GROUP_V3),
    ("a/zarr.json", ARRAY_V3),
    ("b/zarr.json", GROUP_V3),
];

async fn both(store: &Arc<Store>, options: OpenOptions) -> Result<(Node, Option<Walk>)> {
    open_and_walk(store, &NodePath::root(), options, WalkOptions::default()).await
}

async fn members_of(store: &Arc<Store>, options: OpenOptions) -> Result<Members> {
    both(store, options).await?.1.unwrap().members().await
}

#[test]
fn a_round_is_saved() {
    let children = (0..400).map(|i| (format!("a{i:04}/zarr.json"), ARRAY_V3.to_owned()));
    let root = std::iter::once(("zarr.json".to_owned(), GROUP_V3.to_owned()));
    let (store, control) = store_with(root.chain(children));
    let (found, rounds) = in_rounds(&control, members_of(&store, OpenOptions::default()));
    assert_eq!(known(found.unwrap()).len(), 400);
    assert_eq!(rounds[0], 6);
    assert_eq!(rounds[1..].iter().sum::<usize>(), 400);
    let (found, apart) = in_rounds(&control, async {
        let node = open(&store, &NodePath::root(), OpenOptions::default()).await?;
        node.into_group()?.members(1).await
    });
    assert_eq!(known(found.unwrap()).len(), 400);
    assert_eq!(rounds.len() + 1, apart.len());
    close(&store);
}

#[test]
fn whichever_is_answered_first_all_is_found() {
    for listing_first in [false, true] {
        let (store, control) = store(&FLAT);
        control.hold();
        let mut found = members_of(&store, OpenOptions::default()).boxed();
        assert!((&mut found).now_or_never().is_none());
        assert_eq!(control.held(), 6);
        if listing_first {
            control.release_last();
        } else {
            (0..5).for_each(|_| control.release_one());
        }
        assert!((&mut found).now_or_never().is_none());
        control.let_go();
        assert_eq!(lines(&known(block_on(found).unwrap())), ["array /a", "group /b"]);
        let log = control.take_log();
        let listings = log.iter().filter(|call| *call == "ls ").count();
        assert_eq!(listings, 1, "{log:?}");
        close(&store);
    }
}

#[test]
fn a_listing_from_before_the_group_is_asked_for_again() {
    for fault in [Fault::Denied, Fault::NotFound] {
        let (store, control) = store(&FLAT);
        control.fault("ls", "", fault);
        control.hold();
        let mut found = members_of(&store, OpenOptions::default()).boxed();
        assert!((&mut found).now_or_never().is_none());
        control.release_last();
        assert!((&mut found).now_or_never().is_none());
        control.calm();
        control.let_go();
        assert_eq!(lines(&known(block_on(found).unwrap())), ["array /a", "group /b"]);
        close(&store);
    }
}

#[test]
fn the_node_is_there_before_its_listing() {
    let (store, control) = store(&FLAT);
    control.hold();
    let mut opening = both(&store, OpenOptions::default()).boxed();
    assert!((&mut opening).now_or_never().is_none());
    (0..5).for_each(|_| control.release_one());
    let (node, walk) = opening.now_or_never().unwrap().unwrap();
    assert!(matches!(node, Node::Group(_)));
    assert_eq!(control.in_flight(), 1);
    drop(walk);
    assert_eq!(control.in_flight(), 0);
    control.let_go();
    close(&store);
}

#[test]
fn a_listing_that_nobody_needs_is_cancelled() {
    let consolidated = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
            {{"kind": "inline", "must_understand": false, "metadata": {{"a": {ARRAY_V3}}}}}}}"#
    );
    for (document, has_walk) in [(consolidated.as_str(), true), (ARRAY_V3, false)] {
        let (store, control) = store(&[("zarr.json", document)]);
        control.hold();
        let mut opening = both(&store, OpenOptions::default()).boxed();
        assert!((&mut opening).now_or_never().is_none());
        (0..5).for_each(|_| control.release_one());
        let (_, walk) = opening.now_or_never().unwrap().unwrap();
        assert_eq!(control.in_flight(), 0);
        assert_eq!(walk.is_some(), has_walk);
        if let Some(walk) = walk {
            let found = block_on(walk.members()).unwrap();
            assert_eq!(lines(&known(found)), ["array /a"]);
        }
        control.let_go();
        close(&store);
    }
    let (store, control) = store(&[]);
    let error = block_on(both(&store, OpenOptions::default())).unwrap_err();
    assert!(matches!(error, Error::NodeNotFound { .. }), "{error}");
    assert_eq!(control.in_flight(), 0);
    close(&store);
}

#[test]
fn what_cannot_be_needed_is_not_asked_for() {
    let (store, control) = store(&FLAT);
    let none = WalkOptions::default().with_max_depth(0);
    let (_, walk) = block_on(open_and_walk(
        &store,
        &NodePath::root(),
        OpenOptions::default(),
        none,
    ))
    .unwrap();
    assert_eq!(known(block_on(walk.unwrap().members()).unwrap()).len(), 0);
    let required = OpenOptions::default().with_consolidated(ConsolidatedMode::Require);
    let error = block_on(both(&store, required)).unwrap_err();
    assert!(matches!(error, Error::NotConsolidated { .. }), "{error}");
    let log = control.take_log();
    assert!(!log.iter().any(|call| call.starts_with("ls")), "{log:?}");
    close(&store);
}

#[test]
fn a_store_of_this_machine_is_asked_one_after_the_other() {
    let (store, control) = store(&[("zarr.json", ARRAY_V3)]);
    control.near();
    let (_, walk) = block_on(both(&store, OpenOptions::default())).unwrap();
    assert!(walk.is_none());
    let log = control.take_log();
    assert!(!log.iter().any(|call| call.starts_with("ls")), "{log:?}");
    close(&store);
}

#[test]
fn faults_of_the_listing_are_those_of_the_walk() {
    let (store, control) = store(&FLAT);
    control.fault("ls", "", Fault::Unavailable);
    let (node, walk) = block_on(both(&store, OpenOptions::default())).unwrap();
    assert!(matches!(node, Node::Group(_)));
    let error = block_on(walk.unwrap().members()).unwrap_err();
    assert!(
        matches!(&error, Error::Fs(zarr_fs::Error::Unavailable { .. })),
        "{error}"
    );
    control.calm();
    control.fault("ls", "", Fault::NotFound);
    let found = block_on(members_of(&store, OpenOptions::default())).unwrap();
    assert!(matches!(found, Members::Unknown(_)), "{found:?}");
    control.calm();
    control.fault("get", "zarr.json", Fault::Unavailable);
    let error = block_on(both(&store, OpenOptions::default())).unwrap_err();
    assert!(
        matches!(&error, Error::Fs(zarr_fs::Error::Unavailable { .. })),
        "{error}"
    );
    assert_eq!(control.in_flight(), 0);
    close(&store);
}
