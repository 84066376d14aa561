//! Walks of a store that a thread of this machine reads.

use super::*;

fn stored(nodes: usize) -> Arc<Store> {
    let fs = MemoryFileSystem::new();
    let put = |key: String, value: &str| {
        block_on(fs.pipe(&Path::parse(key).unwrap(), value.to_owned())).unwrap();
    };
    put("zarr.json".to_owned(), GROUP_V3);
    for i in 0..nodes {
        put(format!("g{i:03}/zarr.json"), GROUP_V3);
        put(format!("g{i:03}/a/zarr.json"), ARRAY_V3);
    }
    put("broken/zarr.json".to_owned(), "{");
    put("no-node/other".to_owned(), "");
    Store::new(Box::new(fs), Path::root(), StoreOptions::default())
}

#[test]
fn a_walk_by_blocking_reads_finds_what_one_by_requests_finds() {
    let store = stored(150);
    let members = block_on(root_group(&store).members(usize::MAX)).unwrap();
    let paths: Vec<String> = members.nodes().map(|node| node.path().to_string()).collect();
    assert_eq!(paths.len(), 300);
    let mut expected: Vec<String> = (0..150).map(|i| format!("/g{i:03}")).collect();
    expected.extend((0..150).map(|i| format!("/g{i:03}/a")));
    assert_eq!(paths, expected);
    let others: Vec<_> = known(members)
        .into_iter()
        .filter(|member| !matches!(member, Member::Node(_)))
        .collect();
    assert!(
        matches!(others.as_slice(), [Member::Broken(broken)] if broken.path == "/broken"),
        "{others:?}"
    );
    close(&store);
}

#[test]
fn a_close_under_a_walk_ends_it_with_closed() {
    let store = stored(50);
    let group = root_group(&store);
    close(&store);
    let error = block_on(group.members(1)).unwrap_err();
    assert!(error.is_closed(), "{error}");
}
