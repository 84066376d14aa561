//! Request budgets: how many requests, and in how many dependent rounds.

use super::*;

fn flat_v3(children: usize) -> (Arc<Store>, Control) {
    let children = (0..children).map(|i| (format!("a{i:04}/zarr.json"), ARRAY_V3.to_owned()));
    store_with(std::iter::once(("zarr.json".to_owned(), GROUP_V3.to_owned())).chain(children))
}

/// 6 groups of 7 groups of 6 arrays: 300 nodes.
fn tree(width: usize) -> (Arc<Store>, Control) {
    let mut files = vec![("zarr.json".to_owned(), GROUP_V3.to_owned())];
    for i in 0..6 {
        files.push((format!("g{i}/zarr.json"), GROUP_V3.to_owned()));
        for j in 0..7 {
            files.push((format!("g{i}/h{j}/zarr.json"), GROUP_V3.to_owned()));
            for k in 0..6 {
                files.push((format!("g{i}/h{j}/a{k}/zarr.json"), ARRAY_V3.to_owned()));
                files.push((format!("g{i}/h{j}/a{k}/c/0"), "12345678".to_owned()));
            }
        }
    }
    let inner = MemoryFileSystem::new();
    for (key, value) in files {
        block_on(inner.pipe(&Path::parse(key).unwrap(), value)).unwrap();
    }
    let control = Control::default();
    let fs = FakeFileSystem {
        inner,
        control: control.clone(),
    };
    let options = StoreOptions::default().with_metadata_concurrency(width);
    (Store::new(Box::new(fs), Path::root(), options), control)
}

/// Waves of requests, each as wide as it may be.
fn waves(requests: usize) -> Vec<usize> {
    let full = vec![width(); requests / width()];
    let last = Some(requests % width()).filter(|&last| last > 0);
    full.into_iter().chain(last).collect()
}

#[test]
fn members_of_a_thousand_v3_children_cost_one_listing_and_a_thousand_gets() {
    let (store, control) = flat_v3(1000);
    let group = root_group(&store);
    control.take_log();
    let (found, rounds) = in_rounds(&control, group.members(1));
    assert_eq!(known(found.unwrap()).len(), 1000);
    let log = control.take_log();
    assert_eq!(log.iter().filter(|call| call.starts_with("ls")).count(), 1);
    assert_eq!(log.iter().filter(|call| call.starts_with("get")).count(), 1000);
    assert_eq!(log.len(), 1001);
    assert_eq!(control.most_in_flight(), width());
    // One round for the listing, then waves as wide as the width.
    assert_eq!(rounds[0], 1);
    assert_eq!(rounds[1..], waves(1000));
    close(&store);
}

#[test]
fn members_of_a_thousand_v2_arrays_cost_two_gets_each() {
    let arrays = (0..1000).map(|i| (format!("a{i:04}/.zarray"), ARRAY_V2.to_owned()));
    let (store, control) = store_with(arrays.chain([(".zgroup".to_owned(), GROUP_V2.to_owned())]));
    let group = root_group(&store);
    control.take_log();
    let (found, rounds) = in_rounds(&control, group.members(1));
    assert_eq!(known(found.unwrap()).len(), 1000);
    let log = control.take_log();
    assert_eq!(log.iter().filter(|call| call.starts_with("ls")).count(), 1);
    assert_eq!(log.len(), 2001);
    assert_eq!(control.most_in_flight(), width());
    assert_eq!(rounds[1..], waves(2000));
    close(&store);
}

#[test]
fn a_walk_of_three_hundred_nodes_costs_349_requests_in_six_rounds() {
    let (store, control) = tree(1024);
    let group = root_group(&store);
    control.take_log();
    let (found, rounds) = in_rounds(&control, group.members(usize::MAX));
    assert_eq!(known(found.unwrap()).len(), 300);
    assert_eq!(rounds, [1, 6, 6, 42, 42, 252]);
    assert_eq!(control.take_log().len(), 349);
    close(&store);
}

#[test]
fn the_default_width_bounds_a_walk() {
    let (store, control) = tree(StoreOptions::default().metadata_concurrency);
    let group = root_group(&store);
    control.take_log();
    let (found, rounds) = in_rounds(&control, group.members(usize::MAX));
    assert_eq!(known(found.unwrap()).len(), 300);
    assert_eq!(rounds[..5], [1, 6, 6, 42, 42]);
    assert_eq!(rounds[5..], waves(252));
    assert_eq!(control.most_in_flight(), width());
    close(&store);
}

#[test]
fn a_width_of_one_asks_one_by_one() {
    let (store, control) = tree(1);
    let group = root_group(&store);
    let (found, rounds) = in_rounds(&control, group.members(2));
    assert_eq!(known(found.unwrap()).len(), 48);
    assert!(rounds.iter().all(|&round| round == 1));
    assert_eq!(rounds.len(), 1 + 6 + 6 + 42);
    close(&store);
}

#[test]
fn consolidated_members_cost_nothing_beyond_the_open() {
    let documents: Vec<String> = (0..1000).map(|i| format!("\"a{i}\": {ARRAY_V3}")).collect();
    let v3 = format!(
        r#"{{"zarr_format": 3, "node_type": "group", "consolidated_metadata":
            {{"kind": "inline", "must_understand": false, "metadata": {{{}}}}}}}"#,
        documents.join(",")
    );
    let documents: Vec<String> = (0..1000)
        .map(|i| format!(r#""a{i}/.zarray": {ARRAY_V2}, "a{i}/.zattrs": {{}}"#))
        .collect();
    let v2 = format!(
        r#"{{"zarr_consolidated_format": 1, "metadata": {{".zgroup": {GROUP_V2}, {}}}}}"#,
        documents.join(",")
    );
    for files in [
        vec![("zarr.json", v3.as_str())],
        vec![(".zgroup", GROUP_V2), (".zmetadata", &v2)],
    ] {
        let (store, control) = store(&files);
        let (found, rounds) = in_rounds(&control, async {
            let node = open(&store, &NodePath::root(), OpenOptions::default())
                .await
                .unwrap();
            node.into_group().unwrap().members(usize::MAX).await
        });
        let found = known(found.unwrap());
        assert_eq!(found.len(), 1000);
        assert!(
            found
                .iter()
                .all(|member| matches!(member, Member::Node(node) if node.is_from_consolidated()))
        );
        assert_eq!(rounds, [5]);
        close(&store);
    }
}
