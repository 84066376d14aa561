//! Listing.

use std::collections::BTreeSet;

use futures::StreamExt;

use super::check::{assert_not_found, assert_unsupported};
use super::harness::{Case, Harness};
use crate::ext::FileSystemExt;
use crate::filesystem::FileSystem;
use crate::info::DirListing;
use crate::path::Path;

fn files(listing: &DirListing) -> Vec<Path> {
    listing.files.iter().map(|file| file.path.clone()).collect()
}

/// Whether there is a listing to be tested; a filesystem without one must say so.
async fn lists<H: Harness>(case: &Case<H>, fs: &dyn FileSystem) -> bool {
    let path = case.seed("listed/a", "x");
    let folder = case.path("listed");
    if case.lists() {
        assert_eq!(files(&fs.ls(&folder).await.unwrap()), [path]);
        return true;
    }
    assert_unsupported(fs.ls(&folder).await);
    let items: Vec<_> = fs.find(&folder).collect().await;
    assert_eq!(items.len(), 1, "an error, never an empty listing");
    for item in items {
        assert_unsupported(item);
    }
    false
}

/// `ls` names the files and prefixes of one level, each once and sorted.
pub async fn lists_one_level_in_order<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        for name in [
            "d/z", "d/a", "d/m/x", "d/m/y/z", "d/b", "d/k/x", "d/c-1/x", "d/c/x", "outside",
        ] {
            case.seed(name, name.to_owned());
        }
        let listing = fs.ls(&case.path("d")).await.unwrap();
        assert_eq!(files(&listing), ["d/a", "d/b", "d/z"].map(|name| case.path(name)));
        let prefixes = ["d/c", "d/c-1", "d/k", "d/m"].map(|name| case.path(name));
        assert_eq!(listing.prefixes, prefixes);
        for file in &listing.files {
            let info = fs.info(&file.path).await.unwrap();
            assert!(
                file.size_bytes.is_none() || file.size_bytes == info.size_bytes,
                "{file:?}"
            );
            assert!(
                file.version.is_unknown() || file.version.matches(&info.version),
                "{file:?} {info:?}"
            );
        }
    }
    fs.close().await.unwrap();
}

/// `find` names every file below a prefix, at any depth, and no file beside it.
pub async fn finds_every_file_below_a_prefix<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        let below = ["d/a", "d/b/c", "d/b/d/e/f", "d/z/z"];
        for name in below.iter().chain(&["da", "d-e/x", "e/d/x"]) {
            case.seed(name, "x");
        }
        let found = fs.find_all(&case.path("d")).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|file| file.path).collect();
        assert_eq!(found, below.map(|name| case.path(name)));
    }
    fs.close().await.unwrap();
}

/// With nothing under it, `ls` is `NotFound` and `find` is empty; both are of the place, not of a name that begins alike.
pub async fn nothing_under_a_prefix_is_not_found<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        case.seed("abc/x", "x");
        for name in ["ab", "abc/y", "no/such/place"] {
            assert_not_found(fs.ls(&case.path(name)).await);
            assert!(fs.find_all(&case.path(name)).await.unwrap().is_empty(), "{name}");
        }
    }
    fs.close().await.unwrap();
}

/// A file's own path lists nothing.
pub async fn a_file_has_nothing_under_it<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        let file = case.seed("d/file", "x");
        assert_not_found(fs.ls(&file).await);
        assert!(fs.find_all(&file).await.unwrap().is_empty());
    }
    fs.close().await.unwrap();
}

/// A listing of many files is whole, however the server cuts it into pages.
pub async fn lists_more_than_a_page<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        let wanted: BTreeSet<Path> = (0..250)
            .map(|index| case.seed(&format!("page/{index:03}"), "x"))
            .collect();
        for index in 0..60 {
            case.seed(&format!("page/p{index:02}/x"), "x");
        }
        let listing = fs.ls(&case.path("page")).await.unwrap();
        assert!(
            files(&listing).iter().eq(&wanted),
            "{} files",
            listing.files.len()
        );
        assert_eq!(listing.prefixes.len(), 60);
        assert_eq!(fs.find_all(&case.path("page")).await.unwrap().len(), 310);
    }
    fs.close().await.unwrap();
}

/// Nothing in a listed name has a meaning.
pub async fn lists_a_name_as_it_stands<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        let names = [
            "odd/a&b",
            "odd/per%20cent",
            "odd/plus+",
            "odd/q\"u'o",
            "odd/sp ace",
            "odd/ünïcödé",
        ];
        for name in names {
            case.seed(name, "x");
            case.seed(&format!("in {name}/x"), "x");
        }
        let mut wanted = names.map(|name| case.path(name));
        wanted.sort();
        assert_eq!(files(&fs.ls(&case.path("odd")).await.unwrap()), wanted);
        let prefixes = fs.ls(&case.path("in odd")).await.unwrap().prefixes;
        let mut wanted = names.map(|name| case.path(&format!("in {name}")));
        wanted.sort();
        assert_eq!(prefixes, wanted);
        for file in fs.find_all(&case.path("in odd")).await.unwrap() {
            assert_eq!(fs.cat(&file.path).await.unwrap(), "x");
        }
    }
    fs.close().await.unwrap();
}

/// A listing that is dropped half-way is over: the filesystem works on, and its close has nothing to cut.
pub async fn a_listing_can_be_left_half_way<H: Harness>(case: &Case<H>) {
    let fs = case.open();
    if lists(case, &fs).await {
        for index in 0..50 {
            case.seed(&format!("half/{index}"), "x");
        }
        let mut found = fs.find(&case.path("half"));
        found.next().await.unwrap().unwrap();
        drop(found);
        assert_eq!(fs.ls(&case.path("half")).await.unwrap().files.len(), 50);
        assert_eq!(fs.close().await.unwrap().calls_cut, 0);
        return;
    }
    fs.close().await.unwrap();
}
